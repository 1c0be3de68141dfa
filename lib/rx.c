// SPDX-License-Identifier: BSD-3-Clause
/* Receiver on one TCP socket: the stream as fragments in device or host memory. */
#include <devmem/rx.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "binding.h"
#include "cmsg.h"
#include "error.h"
#include "held.h"
#include "options.h"
#include "placement.h"
#include "sys.h"
#include "tokens.h"

#define FRAGMENTS_DEFAULT 4096U
#define FRAGMENTS_MIN 16U
#define FRAGMENTS_LIMIT (1U << 20)
#define RECV_DEFAULT (4U << 20)
#define RECV_MIN 4096U
#define RECV_LIMIT (1U << 30)
#define LOWAT_DEFAULT (1U << 20)
#define LOWAT_MIN (16U << 10)
#define LOWAT_WAIT_DEFAULT 20U
#define LOWAT_WAIT_LIMIT 60000U
/* A queued byte can cost nearly three of the region (one packet of 1448 bytes in a page of 4096), the NIC needs pages to
 * receive into, and other sockets want some: the low-water mark asks for no more than this part of the region. */
#define LOWAT_REGION_PART 16U
/* Room for control messages of other kinds, timestamps for example. */
#define CONTROL_EXTRA 256U
/* Between looks at a socket that poll() can't be used for. */
#define ERROR_QUEUE_NAP_MS 1
/* Ranges of released tokens that wait for the next return. */
#define PENDING_RANGES 1024U
/* Tokens are the lowest free numbers, so that a table as long as the most fragments out can be indexed by them. Virtual
 * memory: only what is touched costs anything. */
#define TOKENS_MIN (1U << 16)
#define TOKENS_LIMIT (1U << 24)

_Static_assert(sizeof(struct devmem_fragment) == 32, "fragments are 32 bytes");

/* A fragment that is out with the application, indexed by its token. */
struct out {
	uint64_t offset;
	uint32_t size;
	/* OUT_*: set by recv, cleared by whichever thread releases. */
	atomic_uint state;
};
enum { OUT_NONE, OUT_OURS, OUT_FOREIGN };

struct devmem_rx {
	int fd;
	int recv_flags;
	struct devmem_region *region;
	struct held *held;
	uint32_t dmabuf_id;
	struct placement *placement;

	struct devmem_fragment *frags;
	uint32_t frags_len;
	uint32_t frags_limit;	 /* of the receive at hand: as many as control space is given for */
	size_t bytes_limit;	 /* and as many as may be read */
	uint32_t received;	 /* bytes that it brought */
	uint32_t frags_per_page; /* in the last receive */
	void *control;
	size_t control_len;
	void *host;
	size_t host_len;
	uint32_t recv_max;

	struct out *out;
	uint32_t out_len;
	uint32_t token_max; /* highest token seen */

	struct tokens pending;
	struct uapi_dmabuf_token *pending_ranges;

	uint64_t expect;
	uint32_t lowat_max; /* option */
	uint32_t
		lowat_now; /* adapted: halved when it made bytes wait, doubled when it was reached */
	uint32_t lowat_set;   /* what the socket has */
	uint32_t lowat_first; /* what the socket had */
	uint32_t lowat_wait;  /* milliseconds */
	bool armed;	      /* devmem_rx_arm() set a low-water mark above 1 */
	bool idle;	      /* a wait for it found nothing at all: wait for the first byte */
	uint64_t due;	      /* bytes that have waited already: to be taken without another wait */

	struct devmem_rx_stats stats;
	/* Changed by devmem_rx_release_any() too. */
	_Atomic uint64_t held_fragments, held_bytes;
	_Atomic uint64_t return_calls, ranges_returned, fragments_returned, fragments_missing;
};

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void sub(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- opening and closing ---- */

static int option_range(struct devmem_error *err, const char *name, uint32_t value, uint32_t min,
			uint32_t max)
{
	if (value >= min && value <= max)
		return 0;
	return error_input(err, -EINVAL, "receiver", "%s is %u, must be %u to %u", name, value, min,
			   max);
}

static int read_options(struct devmem_rx_options *o, const struct devmem_rx_options *given,
			struct devmem_error *err)
{
	int ret;

	ret = options_read(o, sizeof(*o), given, "devmem_rx_options", err);
	if (ret)
		return ret;
	if (!o->fragments_max)
		o->fragments_max = FRAGMENTS_DEFAULT;
	if (!o->recv_max)
		o->recv_max = RECV_DEFAULT;
	if (!o->lowat_max)
		o->lowat_max = LOWAT_DEFAULT;
	if (!o->lowat_wait_ms)
		o->lowat_wait_ms = LOWAT_WAIT_DEFAULT;
	ret = option_range(err, "fragments_max", o->fragments_max, FRAGMENTS_MIN, FRAGMENTS_LIMIT);
	if (!ret)
		ret = option_range(err, "recv_max", o->recv_max, RECV_MIN, RECV_LIMIT);
	if (!ret)
		ret = option_range(err, "lowat_max", o->lowat_max, 1, RECV_LIMIT);
	if (!ret)
		ret = option_range(err, "lowat_wait_ms", o->lowat_wait_ms, 1, LOWAT_WAIT_LIMIT);
	return ret;
}

static int check_socket(struct devmem_rx *rx, struct devmem_error *err)
{
	int protocol = 0, lowat = 1, ret;
	socklen_t len = sizeof(protocol);
	char subject[32];

	snprintf(subject, sizeof(subject), "socket %d", rx->fd);
	ret = sys_getsockopt(rx->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (ret)
		return error_system(err, ret, "SO_PROTOCOL", subject,
				    "a receiver needs a connected TCP socket");
	if (protocol != IPPROTO_TCP)
		return error_input(err, -EPROTOTYPE, subject, "not a TCP socket (protocol %d)",
				   protocol);
	len = sizeof(lowat);
	ret = sys_getsockopt(rx->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len);
	if (ret)
		return error_system(err, ret, "SO_RCVLOWAT", subject, NULL);
	rx->lowat_first = rx->lowat_set = lowat > 0 ? (uint32_t)lowat : 1;
	return 0;
}

static uint32_t table_len(const struct devmem_region *region)
{
	uint64_t n = devmem_region_size(region) / 256;

	if (n < TOKENS_MIN)
		return TOKENS_MIN;
	return n > TOKENS_LIMIT ? TOKENS_LIMIT : (uint32_t)n;
}

static int map_anonymous(void **addr, size_t len)
{
	return sys_mmap(addr, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

int devmem_rx_open(struct devmem_rx **rx_out, int fd, struct devmem_binding *binding,
		   const struct devmem_rx_options *options, struct devmem_error *err)
{
	struct devmem_rx_options o;
	struct devmem_rx *rx;
	uint64_t region_part;
	void *table;
	int ret;

	*rx_out = NULL;
	ret = read_options(&o, options, err);
	if (ret)
		return ret;
	rx = calloc(1, sizeof(*rx));
	if (!rx)
		return error_system(err, -ENOMEM, "allocate", "receiver", NULL);
	rx->fd = fd;
	rx->recv_max = o.recv_max;
	rx->lowat_max = o.lowat_max;
	rx->lowat_wait = o.lowat_wait_ms;
	rx->frags_per_page = 1;
	ret = check_socket(rx, err);
	if (ret)
		goto free_rx;

	rx->control_len = o.fragments_max * CMSG_FRAGMENT_SPACE + CONTROL_EXTRA;
	/* As many as the control buffer can hold, and one more where the placement ring wraps. */
	rx->frags_len = (uint32_t)(rx->control_len / CMSG_FRAGMENT_SPACE) + 1;
	rx->frags = calloc(rx->frags_len, sizeof(rx->frags[0]));
	rx->control = calloc(1, rx->control_len);
	rx->pending_ranges = calloc(PENDING_RANGES, sizeof(rx->pending_ranges[0]));
	if (!rx->frags || !rx->control || !rx->pending_ranges) {
		ret = error_system(err, -ENOMEM, "allocate", "receiver", NULL);
		goto free_buffers;
	}
	tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);

	if (o.placement) {
		ret = placement_open(&rx->placement, o.placement, err);
		if (ret)
			goto free_buffers;
		if (rx->recv_max > devmem_region_size(o.placement))
			rx->recv_max = (uint32_t)devmem_region_size(o.placement);
	} else {
		ret = map_anonymous(&rx->host, rx->recv_max);
		if (ret) {
			error_system(err, ret, "mmap", "receiver", NULL);
			goto free_buffers;
		}
		rx->host_len = rx->recv_max;
	}

	if (binding) {
		rx->region = binding_region(binding);
		rx->dmabuf_id = devmem_binding_id(binding);
		rx->recv_flags = UAPI_MSG_SOCK_DEVMEM;
		rx->out_len = table_len(rx->region);
		ret = map_anonymous(&table, rx->out_len * sizeof(rx->out[0]));
		if (ret) {
			error_system(err, ret, "mmap", "receiver", NULL);
			goto free_host;
		}
		rx->out = table;
		rx->held = held_get(binding_held(binding));
		region_part = devmem_region_size(rx->region) / LOWAT_REGION_PART;
		if (rx->lowat_max > region_part)
			rx->lowat_max = region_part ? (uint32_t)region_part : 1;
	}
	if (rx->lowat_max > rx->recv_max)
		rx->lowat_max = rx->recv_max;
	rx->lowat_now = rx->lowat_max;
	*rx_out = rx;
	return 0;

free_host:
	if (rx->host)
		sys_munmap(rx->host, rx->host_len);
	placement_close(rx->placement);
free_buffers:
	free(rx->pending_ranges);
	free(rx->control);
	free(rx->frags);
free_rx:
	free(rx);
	return ret;
}

static int return_tokens(struct devmem_rx *rx, struct tokens *tokens, bool alone);
static int set_lowat(struct devmem_rx *rx, uint32_t bytes);

/* Returns everything that the application didn't. */
static void return_all(struct devmem_rx *rx)
{
	uint32_t token;

	for (token = 1; token <= rx->token_max; token++) {
		struct out *out = &rx->out[token];
		unsigned int state = atomic_exchange(&out->state, OUT_NONE);

		if (state == OUT_NONE)
			continue;
		if (state == OUT_OURS)
			held_sub(rx->held, out->offset, out->size);
		if (tokens_add(&rx->pending, token))
			continue;
		/* Full: if this fails, the socket is gone, and its fragments with it. */
		if (return_tokens(rx, &rx->pending, true))
			tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
		tokens_add(&rx->pending, token);
	}
	return_tokens(rx, &rx->pending, true);
}

void devmem_rx_close(struct devmem_rx *rx)
{
	if (!rx)
		return;
	if (rx->out) {
		return_all(rx);
		sys_munmap(rx->out, rx->out_len * sizeof(rx->out[0]));
	}
	set_lowat(rx, rx->lowat_first);
	held_put(rx->held);
	if (rx->host)
		sys_munmap(rx->host, rx->host_len);
	placement_close(rx->placement);
	free(rx->pending_ranges);
	free(rx->control);
	free(rx->frags);
	free(rx);
}

/* ---- returning ---- */

/*
 * Sends ranges of tokens to the kernel, in as many calls as its limits need, and removes them from the list. alone: no other thread receives
 * on the socket meanwhile, so that a token which the kernel didn't free can be sent again without hitting its next holder.
 */
static int return_tokens(struct devmem_rx *rx, struct tokens *tokens, bool alone)
{
	struct uapi_dmabuf_token chunk[UAPI_DONTNEED_RANGES_MAX];
	struct tokens_at at = { 0, 0 };
	uint32_t ranges, fragments;
	int ret = 0;

	while ((ranges = tokens_chunk(tokens, &at, chunk, &fragments))) {
		uint32_t freed;

		ret = sys_setsockopt(rx->fd, SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, chunk,
				     (socklen_t)(ranges * sizeof(chunk[0])));
		add(&rx->return_calls, 1);
		if (ret < 0)
			break;
		freed = (uint32_t)ret;
		add(&rx->ranges_returned, ranges);
		if (freed > fragments)
			freed = fragments;
		add(&rx->fragments_returned, freed);
		if (freed == fragments || !alone || !freed) {
			/* The kernel has gone through all of them: what it didn't free it doesn't know. */
			add(&rx->fragments_missing, fragments - freed);
			tokens_advance(tokens, &at, fragments);
		} else {
			/* It may have stopped early. It goes in order, so go on from there; if it knows none of the rest, it will
			 * free none. */
			tokens_advance(tokens, &at, freed);
		}
		ret = 0;
	}
	tokens_drop(tokens, &at);
	return ret;
}

int devmem_rx_flush(struct devmem_rx *rx)
{
	return rx->pending.n ? return_tokens(rx, &rx->pending, true) : 0;
}

/*
 * Takes a fragment out of the table. Return: its size; 0 if it isn't out, because it was released before: its token may by now stand for other
 * bytes, so nothing must be returned.
 */
static uint32_t take_back(struct devmem_rx *rx, uint32_t token)
{
	struct out *out;
	unsigned int state;
	uint32_t size;

	if (!token || token >= rx->out_len)
		return 0;
	out = &rx->out[token];
	size = out->size;
	state = atomic_load_explicit(&out->state, memory_order_acquire);
	if (state == OUT_NONE)
		return 0;
	if (state == OUT_OURS)
		held_sub(rx->held, out->offset, size);
	atomic_store_explicit(&out->state, OUT_NONE, memory_order_release);
	return size;
}

/* The part of releasing that needs no system call. True if the fragment's token is to be returned. */
static bool release_one(struct devmem_rx *rx, const struct devmem_fragment *frag,
			uint64_t *fragments, uint64_t *bytes)
{
	uint32_t size;

	if (frag->kind != DEVMEM_FRAGMENT_DEVICE)
		return false;
	if (frag->dmabuf_id)
		size = take_back(rx, frag->token);
	else
		size = rx->placement ? placement_release(rx->placement, frag->token) : 0;
	if (!size) {
		add(&rx->fragments_missing, 1);
		return false;
	}
	++*fragments;
	*bytes += size;
	return frag->dmabuf_id != 0;
}

void devmem_rx_release(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	uint64_t fragments = 0, bytes = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!release_one(rx, &frags[i], &fragments, &bytes) ||
		    tokens_add(&rx->pending, frags[i].token))
			continue;
		/* The list is full. If the kernel refuses, the socket is gone, and its fragments with it. */
		if (return_tokens(rx, &rx->pending, true))
			tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
		tokens_add(&rx->pending, frags[i].token);
	}
	sub(&rx->held_fragments, fragments);
	sub(&rx->held_bytes, bytes);
	/* Nothing is out any more: the application may now turn to something else, so hold nothing back. An error shows again at
	 * the next devmem_rx_recv(). */
	if (!get(&rx->held_fragments))
		devmem_rx_flush(rx);
}

int devmem_rx_release_any(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
	uint64_t fragments = 0, bytes = 0;
	struct tokens tokens;
	int ret = 0, last;
	size_t i;

	tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
	for (i = 0; i < n; i++) {
		if (!release_one(rx, &frags[i], &fragments, &bytes) ||
		    tokens_add(&tokens, frags[i].token))
			continue;
		last = return_tokens(rx, &tokens, false);
		if (last) {
			ret = last;
			tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
		}
		tokens_add(&tokens, frags[i].token);
	}
	last = return_tokens(rx, &tokens, false);
	sub(&rx->held_fragments, fragments);
	sub(&rx->held_bytes, bytes);
	return last ? last : ret;
}

/* ---- waiting ---- */

static int set_lowat(struct devmem_rx *rx, uint32_t bytes)
{
	int val = (int)bytes, ret;

	if (bytes == rx->lowat_set)
		return 0;
	ret = sys_setsockopt(rx->fd, SOL_SOCKET, SO_RCVLOWAT, &val, sizeof(val));
	rx->stats.lowat_calls++;
	if (ret < 0)
		return ret;
	rx->lowat_set = bytes;
	return 0;
}

void devmem_rx_expect(struct devmem_rx *rx, uint64_t bytes)
{
	rx->expect = bytes;
}

/* How many bytes to wait for: what the application expects, as far as memory allows. */
static uint32_t lowat_wanted(const struct devmem_rx *rx)
{
	uint64_t room = rx->held ? held_room(rx->held) : UINT64_MAX;
	uint64_t want = rx->lowat_now;

	if (rx->idle)
		return 1;
	if (want > rx->expect)
		want = rx->expect;
	/* Fragments that are out take pages away from what can be queued. */
	if (want > room / 4)
		want = room / 4;
	return want ? (uint32_t)want : 1;
}

/* A wait for the low-water mark has ended; came: whether anything at all is there. */
static void lowat_missed(struct devmem_rx *rx, bool came)
{
	rx->stats.lowat_timeouts++;
	rx->idle = !came;
	if (came && rx->lowat_now > LOWAT_MIN)
		rx->lowat_now /= 2;
}

/* All that is there has had its wait, also what a receive leaves because it ends at the border between packets with a region
 * and without. */
static void note_due(struct devmem_rx *rx)
{
	int bytes = 0;

	rx->due = !sys_ioctl(rx->fd, FIONREAD, &bytes) && bytes > 0 ? (uint64_t)bytes : 0;
}

static void lowat_reached(struct devmem_rx *rx)
{
	if (rx->lowat_now < rx->lowat_max)
		rx->lowat_now =
			rx->lowat_now > rx->lowat_max / 2 ? rx->lowat_max : rx->lowat_now * 2;
}

enum { WAIT_TIMEOUT, WAIT_READABLE, WAIT_ERROR_QUEUE };

/* Return: WAIT_* or a negative errno. */
static int wait_readable(struct devmem_rx *rx, int timeout_ms)
{
	struct pollfd pfd = { .fd = rx->fd, .events = POLLIN };
	int ret;

	rx->stats.poll_calls++;
	ret = sys_poll(&pfd, 1, timeout_ms);
	if (ret <= 0)
		return ret;
	/* Completions of sends, for example, which are not ours to take: poll() tells of them again and again. */
	return pfd.revents == POLLERR ? WAIT_ERROR_QUEUE : WAIT_READABLE;
}

int devmem_rx_arm(struct devmem_rx *rx)
{
	uint32_t want;
	int ret;

	ret = devmem_rx_flush(rx);
	if (ret)
		return ret;
	rx->armed = false;
	if (rx->due)
		return 0;
	want = lowat_wanted(rx);
	ret = set_lowat(rx, want);
	if (ret)
		return ret;
	rx->armed = want > 1;
	return rx->armed ? (int)rx->lowat_wait : -1;
}

/* ---- receiving ---- */

/* Puts HOST bytes where they landed: the receiver's buffer. */
static void finish_host(struct devmem_rx *rx, struct devmem_fragment *frag)
{
	frag->host = (const uint8_t *)rx->host + frag->offset;
	frag->offset = 0;
	rx->stats.bytes_host += frag->size;
	rx->stats.fragments_host++;
}

/*
 * Makes a HOST fragment, whose bytes landed at the head of the placement ring, a DEVICE one. Where the ring wraps inside of it, the second
 * part becomes a fragment of its own behind it.
 */
static void finish_placed(struct devmem_rx *rx, struct devmem_fragment *frag, uint32_t *n)
{
	uint32_t whole = frag->size;

	frag->kind = DEVMEM_FRAGMENT_DEVICE;
	frag->dmabuf_id = 0;
	frag->region = placement_region(rx->placement);
	frag->size = placement_take(rx->placement, whole, &frag->offset, &frag->token);
	rx->stats.bytes_placed += frag->size;
	rx->stats.fragments_placed++;
	if (frag->size == whole)
		return;
	memmove(frag + 2, frag + 1, (size_t)(&rx->frags[*n] - (frag + 1)) * sizeof(*frag));
	memset(frag + 1, 0, sizeof(*frag));
	frag[1].kind = DEVMEM_FRAGMENT_HOST;
	frag[1].size = whole - frag->size;
	++*n;
}

/* *pages: goes up by the pages that nobody had a fragment of before. */
static int finish_device(struct devmem_rx *rx, struct devmem_fragment *frag, uint32_t *pages)
{
	struct out *out;

	if (!frag->token || frag->token >= rx->out_len)
		return -EBADMSG;
	out = &rx->out[frag->token];
	out->offset = frag->offset;
	out->size = frag->size;
	if (frag->token > rx->token_max)
		rx->token_max = frag->token;
	if (frag->dmabuf_id == rx->dmabuf_id) {
		frag->region = rx->region;
		*pages += held_add(rx->held, frag->offset, frag->size);
		atomic_store_explicit(&out->state, OUT_OURS, memory_order_release);
	} else {
		rx->stats.foreign_fragments++;
		atomic_store_explicit(&out->state, OUT_FOREIGN, memory_order_release);
	}
	rx->stats.bytes_device += frag->size;
	rx->stats.fragments_device++;
	return 0;
}

/* Gives back what a receive brought that can't be handed out: fragments from i up to n. */
static void discard(struct devmem_rx *rx, uint32_t i, uint32_t n)
{
	for (; i < n; i++) {
		const struct devmem_fragment *frag = &rx->frags[i];

		if (frag->kind == DEVMEM_FRAGMENT_DEVICE && frag->dmabuf_id &&
		    !tokens_add(&rx->pending, frag->token)) {
			if (return_tokens(rx, &rx->pending, true))
				tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
			tokens_add(&rx->pending, frag->token);
		}
	}
	return_tokens(rx, &rx->pending, true);
}

static void count_held(struct devmem_rx *rx, uint64_t fragments, uint64_t bytes)
{
	uint64_t now;

	now = atomic_fetch_add_explicit(&rx->held_fragments, fragments, memory_order_relaxed) +
	      fragments;
	if (now > rx->stats.held_fragments_max)
		rx->stats.held_fragments_max = now;
	now = atomic_fetch_add_explicit(&rx->held_bytes, bytes, memory_order_relaxed) + bytes;
	if (now > rx->stats.held_bytes_max)
		rx->stats.held_bytes_max = now;
}

/* Turns what recvmsg() brought into fragments. Return: their number or a negative errno. */
static int take_in(struct devmem_rx *rx, const struct msghdr *msg, uint32_t received)
{
	uint64_t fragments = 0, bytes = 0;
	uint32_t n, i, pages = 0, device = 0;
	int ret;

	ret = cmsg_decode(rx->control, msg->msg_controllen, received, rx->frags, rx->frags_len - 1,
			  &n);
	if (ret) {
		discard(rx, 0, n);
		return ret;
	}
	rx->due -= received < rx->due ? received : rx->due;
	/* The buffers are full: there is more, most likely. */
	if (!rx->due && (n >= rx->frags_limit || received >= rx->bytes_limit))
		rx->due = 1;
	for (i = 0; i < n; i++) {
		struct devmem_fragment *frag = &rx->frags[i];

		if (frag->kind == DEVMEM_FRAGMENT_DEVICE) {
			ret = finish_device(rx, frag, &pages);
			if (ret)
				break;
			device++;
		} else if (rx->placement) {
			finish_placed(rx, frag, &n);
		} else {
			finish_host(rx, frag);
			continue;
		}
		fragments++;
		bytes += frag->size;
	}
	count_held(rx, fragments, bytes);
	if (ret) {
		devmem_rx_release(rx, rx->frags, i);
		discard(rx, i, n);
		return ret;
	}
	if (device)
		rx->frags_per_page = pages && device > pages ? device / pages : 1;
	if (rx->expect != DEVMEM_RX_STREAM)
		rx->expect -= received < rx->expect ? received : rx->expect;
	return (int)n;
}

/* Most fragments that may be taken now. */
static uint32_t fragments_room(const struct devmem_rx *rx)
{
	uint64_t n = rx->frags_len - 1, room;

	if (rx->held) {
		/* Each may take a page of its own, unless those before shared theirs. */
		room = held_pages_left(rx->held);
		if (room < n)
			room *= rx->frags_per_page;
		if (n > room)
			n = room;
	}
	if (rx->out) {
		/* Tokens must fit into the table. */
		room = get(&rx->held_fragments) + rx->pending.fragments + 1;
		room = room < rx->out_len ? rx->out_len - room : 0;
		if (n > room)
			n = room;
	}
	if (rx->placement) {
		/* One more is needed where the ring wraps. */
		room = placement_pieces_left(rx->placement);
		room = room ? room - 1 : 0;
		if (n > room)
			n = room;
	}
	return (uint32_t)n;
}

/* Memory for one recvmsg(): what may be read, and where HOST bytes go. Return: 0 or -ENOBUFS. */
static int make_room(struct devmem_rx *rx, struct msghdr *msg)
{
	size_t i;

	if (rx->placement) {
		msg->msg_iovlen =
			(size_t)placement_space(rx->placement, rx->recv_max, msg->msg_iov);
	} else {
		msg->msg_iov[0].iov_base = rx->host;
		msg->msg_iov[0].iov_len = rx->recv_max;
		msg->msg_iovlen = 1;
	}
	rx->bytes_limit = 0;
	for (i = 0; i < msg->msg_iovlen; i++)
		rx->bytes_limit += msg->msg_iov[i].iov_len;
	rx->frags_limit = fragments_room(rx);
	if (!rx->bytes_limit || !rx->frags_limit) {
		rx->stats.held_refusals++;
		return -ENOBUFS;
	}
	msg->msg_control = rx->control;
	msg->msg_controllen = rx->frags_limit < rx->frags_len - 1 ?
				      rx->frags_limit * CMSG_FRAGMENT_SPACE :
				      rx->control_len;
	return 0;
}

/* Is a receive possible? Otherwise a wait could be for what can never come. Return: 0 or -ENOBUFS. */
static int check_room(struct devmem_rx *rx)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };

	return make_room(rx, &msg);
}

static int receive(struct devmem_rx *rx, int flags)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;
	int ret;

	ret = make_room(rx, &msg);
	if (ret)
		return ret;
	if (rx->placement) {
		ret = placement_begin(rx->placement);
		if (ret)
			return ret;
	}
	n = sys_recvmsg(rx->fd, &msg, rx->recv_flags | flags);
	rx->stats.recv_calls++;
	rx->received = n > 0 ? (uint32_t)n : 0;
	if (n > 0)
		ret = take_in(rx, &msg, (uint32_t)n);
	else
		ret = n == -UAPI_ETOOSMALL ? -EMSGSIZE : (int)n;
	if (rx->placement) {
		int end = placement_end(rx->placement);

		if (end && ret >= 0) {
			devmem_rx_release(rx, rx->frags, (size_t)ret);
			return end;
		}
	}
	if (ret == -EAGAIN)
		rx->due = 0;
	return ret;
}

/* Waits for the first byte, and takes what is there. */
static int receive_any(struct devmem_rx *rx)
{
	int ret;

	ret = set_lowat(rx, 1);
	if (ret)
		return ret;
	for (;;) {
		ret = receive(rx, 0);
		if (ret != -EAGAIN)
			return ret;
		/* A descriptor with O_NONBLOCK, or SO_RCVTIMEO. */
		ret = wait_readable(rx, -1);
		if (ret < 0)
			return ret;
		/* Nothing can be waited for beside an error queue: look again and again. */
		if (ret == WAIT_ERROR_QUEUE)
			sys_poll(NULL, 0, ERROR_QUEUE_NAP_MS);
	}
}

/*
 * Waits until the low-water mark is reached, lowat_wait has passed with something there, or the stream ends; then takes what is there.
 */
static int receive_expected(struct devmem_rx *rx)
{
	int ret, ready;

	if (rx->due) {
		ret = receive(rx, MSG_DONTWAIT);
		if (ret != -EAGAIN)
			return ret;
	}
	for (;;) {
		uint32_t want = lowat_wanted(rx);

		ret = check_room(rx);
		if (!ret)
			ret = set_lowat(rx, want);
		if (ret)
			return ret;
		ready = wait_readable(rx, want > 1 ? (int)rx->lowat_wait : -1);
		/* Signals must not make bytes wait again and again. */
		if (ready == -EINTR)
			note_due(rx);
		if (ready < 0)
			return ready;
		ret = receive(rx, MSG_DONTWAIT);
		if (ret > 0 && rx->received < want)
			note_due(rx);
		if (want > 1 && ready == WAIT_TIMEOUT)
			lowat_missed(rx, ret != -EAGAIN);
		else if (want > 1)
			lowat_reached(rx);
		else if (ret != -EAGAIN)
			rx->idle = false;
		if (ret != -EAGAIN)
			return ret;
		if (ready == WAIT_ERROR_QUEUE)
			return receive_any(rx);
	}
}

static int receive_now(struct devmem_rx *rx)
{
	int ret = receive(rx, MSG_DONTWAIT);

	if (ret > 0 && rx->armed && rx->received < rx->lowat_set)
		note_due(rx);
	if (ret == -EAGAIN) {
		if (rx->armed)
			lowat_missed(rx, false);
	} else if (ret > 0) {
		rx->idle = false;
	}
	rx->armed = false;
	return ret;
}

int devmem_rx_recv(struct devmem_rx *rx, const struct devmem_fragment **frags, unsigned int flags)
{
	int ret;

	*frags = rx->frags;
	if (flags & ~DEVMEM_RX_DONTWAIT)
		return -EINVAL;
	ret = devmem_rx_flush(rx);
	if (ret)
		return ret;
	if (flags & DEVMEM_RX_DONTWAIT)
		return receive_now(rx);
	if (rx->expect > 1 && rx->lowat_max > 1)
		return receive_expected(rx);
	return receive_any(rx);
}

/* ---- asking ---- */

void devmem_rx_stats(const struct devmem_rx *rx, struct devmem_rx_stats *stats)
{
	*stats = rx->stats;
	stats->held_fragments = get(&rx->held_fragments);
	stats->held_bytes = get(&rx->held_bytes);
	stats->return_calls = get(&rx->return_calls);
	stats->ranges_returned = get(&rx->ranges_returned);
	stats->fragments_returned = get(&rx->fragments_returned);
	stats->fragments_missing = get(&rx->fragments_missing);
}

void devmem_rx_explain(const struct devmem_rx *rx, int code, struct devmem_error *err)
{
	char subject[32];

	snprintf(subject, sizeof(subject), "socket %d", rx->fd);
	switch (-code) {
	case ENOBUFS:
		if (rx->placement && (!rx->held || held_room(rx->held)))
			error_system(
				err, code, "receive", subject,
				"the placement region is used up by fragments that were not released: release "
				"some, or use a larger region");
		else
			error_system(
				err, code, "receive", subject,
				"%llu fragments are out on this socket, and held_max is reached over all sockets of "
				"the binding: release some, raise held_max, or use a larger region",
				(unsigned long long)get(&rx->held_fragments));
		break;
	case EMSGSIZE:
		error_system(
			err, code, "receive", subject,
			"control buffer too small for one fragment: something else on this socket fills it "
			"with control messages; raise fragments_max");
		break;
	case ENODEV:
		error_system(
			err, code, "receive", subject,
			"the kernel found device and host memory mixed in one packet and can't hand it out: this "
			"connection is lost. The NIC left payload with the headers (imperfect header split)");
		break;
	case EFAULT:
		if (!rx->region)
			error_system(
				err, code, "receive", subject,
				"payload lies in device memory: open the receiver with the binding of that memory");
		else
			error_system(
				err, code, "receive", subject,
				"the kernel can't hand these bytes out: before Linux 6.18 this also stands for device "
				"and host memory mixed in one packet, in which case the connection is lost");
		break;
	case EBADMSG:
		error_system(
			err, code, "receive", subject,
			"control messages don't cover the bytes received: the stream has a hole. Linux 6.12.0 to "
			"6.13 could cut them off; Linux 6.14 doesn't");
		break;
	case EBADF:
		error_system(err, code, "receive", subject,
			     "the descriptor was closed before the receiver");
		break;
	default:
		error_system(err, code, "receive", subject, NULL);
	}
}
