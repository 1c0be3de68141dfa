// SPDX-License-Identifier: BSD-3-Clause
/* One receive: preparing what recvmsg() may bring, and making fragments of what it brought. */
#include "rx/receive.h"

#include <errno.h>

#include "rx/cmsg.h"
#include "bind/held.h"
#include "rx/placement.h"
#include "rx/rx.h"
#include "core/sys.h"
#include "uapi/errno.h"

/* What one receive has brought, as far as it was read. */
struct brought {
	uint32_t n;		       /* fragments in r->into->frags */
	uint64_t device, device_bytes; /* of them, those in dma-bufs */
	uint64_t host, host_bytes;     /* in the receiver's buffer */
	uint64_t placed, placed_bytes; /* in the placement region */
	uint32_t foreign;	       /* of those in dma-bufs, those in other regions */
	uint32_t pages;		       /* of regions, that nobody had a fragment of before */
	uint32_t fresh; /* fragments, without the rest of one that the receive before cut */
	/* The source of the last ones, and how many of the pages were counted before it. */
	const struct rx_source *source;
	uint32_t counted;
};

/* Counts the pages entered since the source was another one, or the receive began. */
static void count_pages(struct brought *sum)
{
	if (sum->source)
		held_count_entered(sum->source->held, sum->pages - sum->counted);
	sum->counted = sum->pages;
}

static const struct rx_source *find_source(const struct devmem_rx *rx, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < rx->n_sources; i++)
		if (rx->sources[i].id == id)
			return &rx->sources[i];
	return NULL;
}

/* What a fragment of the source has in the table. */
static unsigned int state_of(const struct devmem_rx *rx, const struct rx_source *source,
			     unsigned int state)
{
	return state | (unsigned int)(source - rx->sources) << OUT_SOURCE_SHIFT;
}

/*
 * The ordinary case, and nothing but it: adds fragments that lie in one page of sum->source each,
 * up to the first that doesn't, once sum->fresh counts. Nearly all go through here, so each
 * instruction shows.
 */
static void add_ordinary(struct devmem_rx *rx, const struct receive *r, struct cmsg_reader *reader,
			 struct brought *sum)
{
	const size_t max = cmsg_ordinary_max(reader), room = r->into->frags_len - sum->n;
	struct devmem_fragment *const first = &r->into->frags[sum->n];
	struct devmem_fragment *const end = first + (max < room ? max : room), *frag;
	const unsigned int in_page = state_of(rx, sum->source, OUT_IN_PAGE);
	struct devmem_region *const region = sum->source->region;
	struct held *const held = sum->source->held;
	const uint32_t id = sum->source->id;
	uint32_t pages = sum->pages, n;
	const uint8_t *at = reader->at;
	uint64_t bytes = 0;

	for (frag = first; frag < end; frag++, at += CMSG_FRAGMENT_SPACE) {
		uint64_t offset;
		struct out_entry *entry;
		uint32_t size;

		if (!cmsg_ordinary(at, frag) || frag->dmabuf_id != id ||
		    !out_fits(&rx->out, frag->token))
			break;
		/* Kept, as the compiler reads all memory again behind an atomic operation. */
		offset = frag->offset;
		size = frag->size;
		frag->region = region;
		entry = out_fill(&rx->out, frag->token, offset, size);
		if (!held_enter_one(held, offset, size, &pages))
			break;
		out_set(entry, in_page);
		bytes += size;
	}
	n = (uint32_t)(frag - first);
	cmsg_passed(reader, n, bytes);
	sum->n += n;
	sum->device += n;
	sum->device_bytes += bytes;
	sum->pages = pages;
	sum->fresh += n;
}

/* Any fragment in a dma-buf. Return: 0, or -EBADMSG if its token is not a possible one. */
static int add_device(struct devmem_rx *rx, const struct receive *r, struct devmem_fragment *frag,
		      struct brought *sum)
{
	const struct rx_source *source = find_source(rx, frag->dmabuf_id);
	struct out_entry *entry;

	if (!out_fits(&rx->out, frag->token))
		return -EBADMSG;
	entry = out_fill(&rx->out, frag->token, frag->offset, frag->size);
	if (!source) {
		frag->region = NULL;
		sum->foreign++;
		out_set(entry, OUT_FOREIGN);
	} else {
		if (source != sum->source)
			count_pages(sum);
		sum->source = source;
		frag->region = source->region;
		sum->pages += held_enter(source->held, frag->offset, frag->size);
		sum->fresh += sum->pages != 0;
		out_set(entry, state_of(rx, source, OUT_IN_PAGES));
	}
	r->into->frags[sum->n++] = *frag;
	sum->device++;
	sum->device_bytes += frag->size;
	return 0;
}

/* HOST bytes lie where they landed, in r->into. */
static int add_host(const struct receive *r, struct devmem_fragment *frag, struct brought *sum)
{
	frag->host = (const uint8_t *)r->into->host + frag->offset;
	frag->offset = 0;
	r->into->frags[sum->n++] = *frag;
	sum->host++;
	sum->host_bytes += frag->size;
	return 0;
}

/* HOST bytes landed at the head of the placement ring: a DEVICE fragment, or two where the ring
 * wraps inside of it. */
static int add_placed(struct devmem_rx *rx, const struct receive *r, uint32_t size,
		      struct brought *sum)
{
	while (size) {
		struct devmem_fragment frag = {
			.kind = DEVMEM_FRAGMENT_DEVICE,
			.region = placement_region(rx->placement),
		};

		if (sum->n < r->into->frags_len)
			frag.size = placement_add(rx->placement, size, &frag.offset, &frag.token);
		if (!frag.size)
			return -EMSGSIZE;
		r->into->frags[sum->n++] = frag;
		sum->placed++;
		sum->placed_bytes += frag.size;
		size -= frag.size;
	}
	return 0;
}

/*
 * Adds the next fragment, whatever it is. Return: 1, 0 at the end, or a negative errno, with the
 * reader before what can't be added.
 */
static int add_next(struct devmem_rx *rx, const struct receive *r, struct cmsg_reader *reader,
		    struct brought *sum)
{
	struct cmsg_reader next = *reader;
	struct devmem_fragment frag;
	int ret;

	ret = cmsg_next(&next, &frag);
	if (ret <= 0)
		return ret;
	/* More than came, so that it can't lie where HOST bytes would. */
	if (next.covered > next.received)
		return -EBADMSG;
	if (frag.kind == DEVMEM_FRAGMENT_HOST && rx->placement)
		ret = add_placed(rx, r, frag.size, sum);
	else if (sum->n == r->into->frags_len)
		ret = -EMSGSIZE;
	else if (frag.kind == DEVMEM_FRAGMENT_HOST)
		ret = add_host(r, &frag, sum);
	else
		ret = add_device(rx, r, &frag, sum);
	if (ret)
		return ret;
	*reader = next;
	return 1;
}

/* Gives back what was added, and what the reader has before it. */
static void give_up(struct devmem_rx *rx, const struct receive *r, struct cmsg_reader *reader,
		    const struct brought *sum)
{
	struct devmem_fragment frag;

	devmem_rx_release(rx, r->into->frags, sum->n);
	while (cmsg_next(reader, &frag) > 0)
		if (frag.kind == DEVMEM_FRAGMENT_DEVICE)
			return_add(&rx->returns, &rx->returns.pending, frag.token, 1, true);
	devmem_rx_flush(rx);
}

static void count_brought(struct devmem_rx *rx, const struct brought *sum)
{
	rx->stats.fragments_device += sum->device;
	rx->stats.bytes_device += sum->device_bytes;
	rx->stats.fragments_host += sum->host;
	rx->stats.bytes_host += sum->host_bytes;
	rx->stats.fragments_placed += sum->placed;
	rx->stats.bytes_placed += sum->placed_bytes;
	rx->stats.foreign_fragments += sum->foreign;
}

/* Makes fragments of r->bytes. Return: their number or a negative errno. */
static int add_all(struct devmem_rx *rx, const struct receive *r)
{
	struct cmsg_reader reader;
	struct brought sum = { 0 };
	int ret;

	cmsg_begin(&reader, r->msg.msg_control, r->msg.msg_controllen, r->bytes);
	while ((ret = add_next(rx, r, &reader, &sum)) > 0)
		if (sum.fresh)
			add_ordinary(rx, r, &reader, &sum);
	count_pages(&sum);
	out_count(&rx->out, sum.device + sum.placed, sum.device_bytes + sum.placed_bytes);
	if (ret) {
		give_up(rx, r, &reader, &sum);
		return ret;
	}
	count_brought(rx, &sum);
	lowat_received(&rx->lowat, r->bytes, sum.n >= r->frags_max || r->bytes >= r->bytes_max);
	/* A single page may hold more than it did this time; several say how many it was. */
	if (sum.pages > 1)
		rx->frags_per_page = sum.fresh > sum.pages ? sum.fresh / sum.pages : 1;
	else if (sum.fresh > rx->frags_per_page)
		rx->frags_per_page = sum.fresh;
	return (int)sum.n;
}

/* Most fragments that one receive may bring now. */
static uint32_t fragments_room(const struct devmem_rx *rx, const struct buffers *into)
{
	uint64_t n = into->frags_len - 1, room;
	uint32_t i;

	for (i = 0; i < rx->n_sources; i++) {
		/* Each may need a page of its own, unless those before shared theirs. */
		room = held_pages_left(rx->sources[i].held);
		if (room < n)
			room *= rx->frags_per_page;
		if (n > room)
			n = room;
	}
	if (rx->out.entries) {
		/* Tokens must fit into the table. */
		room = counter_get(&rx->out.fragments) + rx->returns.pending.fragments + 1;
		room = room < rx->out.len ? rx->out.len - room : 0;
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

int receive_prepare(struct devmem_rx *rx, const struct buffers *into, struct receive *r)
{
	r->into = into;
	r->bytes = 0;
	r->msg = (struct msghdr){ .msg_iov = r->iov, .msg_control = into->control };
	if (rx->placement) {
		r->msg.msg_iovlen = (size_t)placement_space(rx->placement, into->bytes_max, r->iov);
	} else {
		r->iov[0].iov_base = into->host;
		r->iov[0].iov_len = into->bytes_max;
		r->msg.msg_iovlen = 1;
	}
	r->bytes_max = r->msg.msg_iovlen > 0 ? r->iov[0].iov_len : 0;
	if (r->msg.msg_iovlen > 1)
		r->bytes_max += r->iov[1].iov_len;
	r->frags_max = fragments_room(rx, into);
	if (!r->bytes_max || !r->frags_max) {
		rx->stats.held_refusals++;
		return -ENOBUFS;
	}
	r->msg.msg_controllen = r->frags_max < into->frags_len - 1
					? r->frags_max * CMSG_FRAGMENT_SPACE
					: into->control_len;
	return 0;
}

int receive_complete(struct devmem_rx *rx, struct receive *r, ssize_t result)
{
	rx->stats.recv_calls++;
	if (result > 0) {
		r->bytes = (uint32_t)result;
		return add_all(rx, r);
	}
	if (result == -EAGAIN)
		rx->lowat.due = 0;
	return result == -UAPI_ETOOSMALL ? -EMSGSIZE : (int)result;
}

/* Begins or ends access by the CPU. */
static int sync_placement(const struct devmem_rx *rx, unsigned int flags)
{
	return devmem_region_sync(placement_region(rx->placement), flags, NULL);
}

int receive_once(struct devmem_rx *rx, struct receive *r, int flags)
{
	int ret, end = 0;
	ssize_t n;

	ret = receive_prepare(rx, &rx->buffers, r);
	if (!ret && rx->placement)
		ret = sync_placement(rx, DEVMEM_SYNC_WRITE);
	if (ret)
		return ret;
	n = sys_recvmsg(rx->fd, &r->msg, rx->recv_flags | flags);
	ret = receive_complete(rx, r, n);
	if (rx->placement)
		end = sync_placement(rx, DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END);
	if (!end || ret < 0)
		return ret;
	devmem_rx_release(rx, rx->buffers.frags, (size_t)ret);
	return end;
}
