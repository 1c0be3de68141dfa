// SPDX-License-Identifier: BSD-3-Clause
/* Sending sockets of the kernel in tests/unit. Facts from the kernel's net/ipv4/tcp.c
 * (tcp_sendmsg_locked), net/core/skbuff.c (msg_zerocopy_*), net/core/devmem.c
 * (net_devmem_get_binding) and net/ipv4/ip_sockglue.c (ip_recv_error). */
#include "fake_send.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_memory.h"
#include "fake_sock.h"

/* Numbers of the kernel, stated apart from the library's own statement of them. */
#define K_SCM_DEVMEM_DMABUF 79
#define K_MSG_ZEROCOPY 0x4000000
#define K_SYNC_READ 1U
#define K_IOV_MAX 1024
#define K_MAX_RW 0x7ffff000U
/* Sends that share a completion have at most so many bytes. */
#define K_JOIN_MAX (1U << 19)

/* What one call of sendmsg() queued. */
struct sent {
	uint32_t number;
	uint64_t end; /* of it, in the stream */
	uint64_t size;
	uint64_t ready; /* when its completion comes; FAKE_NEVER: not decided yet */
	bool zerocopy, joined, copied, complete, allowed;
};

/* A contiguous part of it. */
struct piece {
	struct memory *memory;
	uint64_t offset, pos;
	uint32_t len;
	size_t sent;
};

struct note {
	enum { NOTE_ZEROCOPY, NOTE_STAMP, NOTE_ICMP, NOTE_RAW } kind;
	uint32_t low, high;
	bool copied;
	int code;
	uint8_t raw[256];
	size_t raw_len;
};

static bool chance(uint32_t percent)
{
	return percent && fake_random(100) < percent;
}

/* ---- completions ---- */

static void note_add(struct sock *s, const struct note *note)
{
	struct note *last = s->tx.n_notes ? &s->tx.notes[s->tx.n_notes - 1] : NULL;

	if (note->kind == NOTE_ZEROCOPY && s->tx.merge && s->tx.n_notes > s->tx.first_note &&
	    last->kind == NOTE_ZEROCOPY && last->high + 1 == note->low &&
	    (uint64_t)(last->high - last->low) + (note->high - note->low) + 2 < UINT32_MAX) {
		/* What it said about copies stays as it was. */
		last->high = note->high;
		return;
	}
	s->tx.notes = fake_grow(s->tx.notes, &s->tx.cap_notes, s->tx.n_notes, sizeof(*s->tx.notes));
	s->tx.notes[s->tx.n_notes++] = *note;
}

static bool ends_group(const struct sock *s, size_t i)
{
	return i + 1 == s->tx.n_sents || !s->tx.sents[i + 1].joined;
}

/* The pieces of a send are in order; so are the sends that they are of. */
static void check_unspoilt(struct sock *s, size_t sent)
{
	size_t low = 0, high = s->tx.n_pieces, i;
	uint64_t k;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->tx.pieces[mid].sent < sent)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low; i < s->tx.n_pieces && s->tx.pieces[i].sent == sent; i++) {
		const struct piece *p = &s->tx.pieces[i];
		const uint8_t *now, *then;
		uint64_t len;

		if (!p->memory || p->pos >= s->tx.left)
			continue;
		now = fake_memory_base(p->memory) + p->offset;
		then = s->tx.stream + p->pos;
		len = s->tx.left - p->pos < p->len ? s->tx.left - p->pos : p->len;
		for (k = memcmp(now, then, len) ? 0 : len; k < len; k++)
			s->tx.spoilt += now[k] != then[k];
	}
}

/* Sends from first to last share one completion, which comes now. */
static void complete(struct sock *s, size_t first, size_t last)
{
	struct note note = { .kind = NOTE_ZEROCOPY,
			     .low = s->tx.sents[first].number,
			     .high = s->tx.sents[last].number,
			     .copied = s->tx.sents[first].copied };
	size_t i;

	for (i = first; i <= last; i++) {
		if (!s->tx.sents[i].copied)
			check_unspoilt(s, i);
		s->tx.sents[i].complete = true;
	}
	note_add(s, &note);
}

/* Those whose bytes have left, or never will. */
static void completions(struct sock *s)
{
	size_t i, last;

	while (s->tx.first < s->tx.n_sents && s->tx.sents[s->tx.first].complete)
		s->tx.first++;
	for (i = s->tx.first; i < s->tx.n_sents; i = last + 1) {
		struct sent *sent = &s->tx.sents[i];

		for (last = i; !ends_group(s, last); last++)
			;
		if (sent->complete)
			continue;
		if (!s->dead && s->tx.sents[last].end > s->tx.left)
			break;
		if (!sent->zerocopy) {
			sent->complete = true;
			continue;
		}
		if (sent->ready == FAKE_NEVER)
			sent->ready = fake_now() +
				      (s->tx.jitter ? fake_random((uint32_t)s->tx.jitter) : 0);
		if (sent->ready <= fake_now() && (!s->tx.hold || sent->allowed))
			complete(s, i, last);
	}
}

/* Bytes leave, and the peer has them. */
static void leave(struct sock *s, uint64_t bytes)
{
	uint64_t end = s->tx.left + bytes < s->tx.end ? s->tx.left + bytes : s->tx.end;

	while (s->tx.left < end) {
		const struct piece *p = &s->tx.pieces[s->tx.leaving];
		uint64_t skip = s->tx.left - p->pos, n = p->len - skip;

		if (n > end - s->tx.left)
			n = end - s->tx.left;
		/* Copied ones are in the stream already. */
		if (p->memory)
			memcpy(s->tx.stream + s->tx.left,
			       fake_memory_base(p->memory) + p->offset + skip, n);
		s->tx.left += n;
		if (s->tx.left == p->pos + p->len)
			s->tx.leaving++;
	}
	completions(s);
}

static bool paced(const struct sock *s)
{
	return s->tx.pace_bytes && !s->dead && s->tx.left < s->tx.end;
}

uint64_t fake_tx_next(const struct sock *s)
{
	uint64_t at = s->tx.zerocopy_off_at;
	size_t i;

	if (paced(s) && s->tx.pace_at < at)
		at = s->tx.pace_at;
	for (i = s->tx.first; i < s->tx.n_sents; i++) {
		const struct sent *sent = &s->tx.sents[i];

		if (!sent->complete && !sent->joined && sent->ready < at &&
		    (!s->tx.hold || sent->allowed))
			at = sent->ready;
	}
	return at;
}

void fake_tx_happen(struct sock *s)
{
	if (s->tx.zerocopy_off_at <= fake_now()) {
		s->tx.zerocopy = false;
		s->tx.zerocopy_off_at = FAKE_NEVER;
	}
	if (paced(s) && s->tx.pace_at <= fake_now()) {
		s->tx.pace_at = fake_now() + s->tx.pace_ns;
		leave(s, s->tx.pace_bytes);
	}
	completions(s);
}

/* ---- poll ---- */

static uint64_t room(const struct sock *s)
{
	uint64_t queued = s->tx.end - s->tx.left;

	return queued < s->tx.sndbuf ? s->tx.sndbuf - queued : 0;
}

static bool writable(const struct sock *s)
{
	/* A third must be free. */
	return s->dead || s->shut || room(s) * 3 >= s->tx.sndbuf;
}

short fake_tx_events(const struct sock *s)
{
	return (writable(s) ? POLLOUT : 0) | (s->tx.n_notes > s->tx.first_note ? POLLERR : 0);
}

/* sk_stream_wait_memory() doesn't look at the error queue. */
static bool wakes(void *arg)
{
	const struct sock *s = arg;

	return writable(s) || s->err;
}

/* ---- sendmsg ---- */

struct send {
	const struct msghdr *msg;
	int flags;
	uint32_t id; /* 0 = none */
	struct memory *memory;
	size_t seg, off; /* place in the iovecs */
	uint64_t copied;
};

static int read_control(struct send *send)
{
	struct msghdr *msg = (struct msghdr *)(uintptr_t)send->msg;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_len < sizeof(*cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type != K_SCM_DEVMEM_DMABUF ||
		    cmsg->cmsg_len != CMSG_LEN(sizeof(send->id)))
			return -EINVAL;
		memcpy(&send->id, CMSG_DATA(cmsg), sizeof(send->id));
	}
	return 0;
}

static int find_binding(const struct sock *s, struct send *send)
{
	const struct binding *b = fake_binding_of(send->id);

	if (!b || !b->tx || !s->peer.ss_family)
		return -EINVAL;
	if ((s->bound ? s->bound : s->route) != b->ifindex)
		return -ENODEV;
	send->memory = b->memory;
	return 0;
}

/* Notifications that socket memory is charged for. */
static uint32_t charged(const struct sock *s)
{
	uint32_t n = (uint32_t)(s->tx.n_notes - s->tx.first_note);
	size_t i;

	for (i = s->tx.first; i < s->tx.n_sents; i++)
		n += !s->tx.sents[i].complete && s->tx.sents[i].zerocopy && !s->tx.sents[i].joined;
	return n;
}

/* May a send share the completion of the one before? */
static bool can_join(const struct sock *s)
{
	const struct sent *last = s->tx.n_sents ? &s->tx.sents[s->tx.n_sents - 1] : NULL;
	uint64_t bytes = 0;
	size_t i;

	if (!last || !last->zerocopy || last->complete || last->end <= s->tx.left ||
	    last->number + 1 != s->tx.next || last->ready != FAKE_NEVER)
		return false;
	for (i = s->tx.n_sents; i-- > 0;) {
		bytes += s->tx.sents[i].size;
		if (!s->tx.sents[i].joined)
			break;
	}
	return bytes < K_JOIN_MAX && chance(s->tx.join);
}

static void check_message(struct sock *s, const struct send *send)
{
	const struct msghdr *msg = send->msg;
	size_t i;

	if (send->flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | K_MSG_ZEROCOPY))
		fake_stop("sendmsg flags 0x%x", (unsigned int)send->flags);
	if (!(send->flags & MSG_NOSIGNAL))
		fake_stop("sendmsg without MSG_NOSIGNAL");
	if (msg->msg_name || msg->msg_namelen)
		fake_stop("sendmsg with an address");
	if (!msg->msg_iovlen)
		fake_stop("sendmsg of nothing");
	s->tx.last_asked = 0;
	for (i = 0; i < msg->msg_iovlen; i++) {
		if (!msg->msg_iov[i].iov_len)
			fake_stop("sendmsg with an empty piece");
		s->tx.last_asked += msg->msg_iov[i].iov_len;
	}
	if (s->tx.last_asked > K_MAX_RW)
		fake_stop("sendmsg of more than the kernel accepts");
}

/* A piece of a plain send lies in the mapping of a region, of which a dma-buf must be readable. */
static void check_mapped(const struct iovec *iov)
{
	const struct memory *m = fake_mapped(iov->iov_base, iov->iov_len);

	if (!m)
		fake_stop("a plain send from outside of the region");
	if (m->dmabuf && !(fake.syncing & K_SYNC_READ))
		fake_stop("read from a dma-buf without DMA_BUF_IOCTL_SYNC");
}

static void queue_bytes(struct sock *s, struct send *send, uint64_t want, struct sent *sent)
{
	while (want) {
		const struct iovec *iov = &send->msg->msg_iov[send->seg];
		struct piece p = { .pos = s->tx.end, .sent = s->tx.n_sents };
		uint64_t n = iov->iov_len - send->off;

		if (n > want)
			n = want;
		while (!s->tx.blind && s->tx.cap_stream < s->tx.end + n) {
			s->tx.cap_stream = s->tx.cap_stream ? 2 * s->tx.cap_stream : 65536;
			s->tx.stream = realloc(s->tx.stream, s->tx.cap_stream);
			assert_non_null(s->tx.stream);
		}
		if (send->id) {
			p.offset = (uintptr_t)iov->iov_base + send->off;
			p.memory = send->memory;
		}
		if (s->tx.blind) {
			p.memory = NULL;
		} else if (!send->id || sent->copied) {
			memcpy(s->tx.stream + s->tx.end,
			       send->id ? fake_memory_base(p.memory) + p.offset
					: (uint8_t *)iov->iov_base + send->off,
			       n);
			p.memory = NULL;
		}
		if (p.memory)
			p.memory->users++;
		p.len = (uint32_t)n;
		s->tx.pieces =
			fake_grow(s->tx.pieces, &s->tx.cap_pieces, s->tx.n_pieces, sizeof(p));
		s->tx.pieces[s->tx.n_pieces++] = p;
		s->tx.end += n;
		want -= n;
		send->copied += n;
		send->off += n;
		if (send->off == iov->iov_len) {
			send->seg++;
			send->off = 0;
		}
	}
}

/* Bytes of the message from where it is on that are in the region. */
static uint64_t in_region(const struct send *send, uint64_t most)
{
	size_t seg = send->seg, off = send->off;
	uint64_t n = 0;

	for (; n < most && seg < send->msg->msg_iovlen; seg++, off = 0) {
		const struct iovec *iov = &send->msg->msg_iov[seg];
		uint64_t at = (uintptr_t)iov->iov_base + off, len = iov->iov_len - off;

		if (!send->id) {
			n += len;
			continue;
		}
		if (at >= send->memory->size)
			return n;
		if (len > send->memory->size - at)
			return n + (send->memory->size - at);
		n += len;
	}
	return n < most ? n : most;
}

static int broken(struct sock *s)
{
	int code = s->err;

	if (code) {
		s->err = 0;
		return -code;
	}
	return s->dead || s->shut ? -EPIPE : 0;
}

static ssize_t queue(struct sock *s, struct send *send, struct sent *sent, uint64_t size)
{
	bool wait = !(send->flags & MSG_DONTWAIT) && !s->nonblock;
	uint64_t part;
	int ret;

	while (send->copied < size) {
		/* After a part of it the error stays for the next call. */
		if (send->copied && (s->err || s->dead || s->shut))
			return 0;
		ret = broken(s);
		if (ret)
			return ret;
		part = size - send->copied < room(s) ? size - send->copied : room(s);
		if (part) {
			part = in_region(send, part);
			if (!part)
				return -EFAULT;
			queue_bytes(s, send, part, sent);
			fake_effect();
			continue;
		}
		if (!wait) {
			if (!send->copied) {
				s->counts.eagain++;
				fake_without_effect("sendmsg");
			}
			return -EAGAIN;
		}
		ret = fake_wait(wakes, s, FAKE_NEVER);
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t send_bytes(struct sock *s, struct send *send)
{
	struct sent sent = { .ready = FAKE_NEVER };
	uint64_t size = 0;
	int control, ret;
	size_t i;

	control = read_control(send);
	for (i = 0; i < send->msg->msg_iovlen; i++)
		size += send->msg->msg_iov[i].iov_len;
	if (size > K_MAX_RW)
		size = K_MAX_RW;
	if (send->flags & K_MSG_ZEROCOPY && s->tx.zerocopy) {
		sent.joined = can_join(s);
		if (!sent.joined && s->tx.optmem && charged(s) >= s->tx.optmem) {
			fake_without_effect("sendmsg");
			return -ENOBUFS;
		}
		sent.zerocopy = true;
		if (!control && send->id) {
			ret = find_binding(s, send);
			if (ret)
				return ret;
		}
	}
	if (!control && send->id && !sent.zerocopy)
		return -EINVAL;
	if (!s->peer.ss_family)
		return -EPIPE;
	if (control)
		return control;
	if (send->flags & K_MSG_ZEROCOPY && !send->id)
		fake_stop("MSG_ZEROCOPY without a binding");
	if (!send->id)
		for (i = 0; i < send->msg->msg_iovlen; i++)
			check_mapped(&send->msg->msg_iov[i]);
	sent.copied = sent.zerocopy &&
		      (sent.joined ? s->tx.sents[s->tx.n_sents - 1].copied : chance(s->tx.copied));
	if (s->tx.left == s->tx.end)
		s->tx.pace_at = fake_now() + s->tx.pace_ns;
	ret = (int)queue(s, send, &sent, size);
	if (!send->copied)
		return ret;
	/* The others may have left while it waited. */
	if (sent.joined && s->tx.sents[s->tx.n_sents - 1].end <= s->tx.left)
		sent.joined = false;
	sent.number = s->tx.next;
	sent.end = s->tx.end;
	sent.size = send->copied;
	s->tx.next += sent.zerocopy;
	s->tx.sents = fake_grow(s->tx.sents, &s->tx.cap_sents, s->tx.n_sents, sizeof(sent));
	s->tx.sents[s->tx.n_sents++] = sent;
	/* Some or all may have left while it waited. */
	completions(s);
	return (ssize_t)send->copied;
}

ssize_t fake_sendmsg(struct sock *s, const struct msghdr *msg, int flags)
{
	struct send send = { .msg = msg, .flags = flags };
	int ret;

	s->counts.send++;
	s->tx.last_flags = flags;
	s->tx.last_pieces = msg->msg_iovlen;
	check_message(s, &send);
	if (fake_hits(&s->fail_send, &ret)) {
		fake_without_effect("sendmsg");
		return ret;
	}
	if (msg->msg_iovlen > K_IOV_MAX)
		return -EMSGSIZE;
	if (!s->tcp)
		fake_stop("sendmsg on a UDP socket");
	fake_run_to(fake_now());
	return send_bytes(s, &send);
}

/* ---- the error queue ---- */

static void put_error(const struct sock *s, struct msghdr *msg, size_t *used,
		      const struct note *note)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in6 offender;
	} body;
	size_t addr = s->local.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6);

	memset(&body, 0, sizeof(body));
	switch (note->kind) {
	case NOTE_ZEROCOPY:
		body.ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
		body.ee.ee_code = note->copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
		body.ee.ee_info = note->low;
		body.ee.ee_data = note->high;
		break;
	case NOTE_STAMP:
		body.ee.ee_errno = ENOMSG;
		body.ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
		body.ee.ee_info = 1;
		body.ee.ee_data = s->tx.next;
		break;
	default:
		body.ee.ee_errno = (uint32_t)note->code;
		body.ee.ee_origin =
			s->local.ss_family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
		body.offender.sin6_family = s->local.ss_family;
	}
	if (s->local.ss_family == AF_INET)
		fake_put_cmsg(msg, used, IPPROTO_IP, 11, &body, sizeof(body.ee) + addr);
	else
		fake_put_cmsg(msg, used, IPPROTO_IPV6, 25, &body, sizeof(body.ee) + addr);
}

ssize_t fake_reap(struct sock *s, struct msghdr *msg, int flags)
{
	struct timespec stamps[3] = { { 1, 2 }, { 0, 0 }, { 3, 4 } };
	static const uint8_t clutter[1024];
	const struct note *note;
	size_t used = 0;
	int ret;

	s->counts.reap++;
	if (flags & ~(MSG_ERRQUEUE | MSG_DONTWAIT))
		fake_stop("recvmsg flags 0x%x", (unsigned int)flags);
	if (fake_hits(&s->fail_reap, &ret)) {
		fake_without_effect("recvmsg");
		return ret;
	}
	fake_run_to(fake_now());
	if (s->tx.first_note == s->tx.n_notes) {
		fake_without_effect("recvmsg");
		return -EAGAIN;
	}
	fake_effect();
	note = &s->tx.notes[s->tx.first_note++];
	msg->msg_flags = MSG_ERRQUEUE;
	msg->msg_namelen = 0;
	if (s->tx.clutter)
		fake_put_cmsg(msg, &used, SOL_SOCKET, SO_TIMESTAMPNS, clutter, s->tx.clutter);
	if (s->tx.stamps || note->kind == NOTE_STAMP)
		fake_put_cmsg(msg, &used, SOL_SOCKET, SO_TIMESTAMPING, stamps, sizeof(stamps));
	if (note->kind != NOTE_RAW) {
		put_error(s, msg, &used, note);
	} else {
		assert_true(note->raw_len <= msg->msg_controllen);
		memcpy(msg->msg_control, note->raw, note->raw_len);
		used = note->raw_len;
	}
	msg->msg_controllen = used;
	return 0;
}

/* ---- what tests say and ask ---- */

void fake_tx_init(struct sock *s)
{
	s->tx.sndbuf = 1U << 20;
	s->tx.merge = true;
	s->tx.zerocopy_off_at = FAKE_NEVER;
}

void fake_tx_free(struct sock *s)
{
	size_t i;

	for (i = 0; i < s->tx.n_pieces; i++)
		fake_memory_put(s->tx.pieces[i].memory);
	free(s->tx.sents);
	free(s->tx.pieces);
	free(s->tx.stream);
	free(s->tx.notes);
}

void fake_socket_zerocopy(int fd, bool on)
{
	fake_sock(fd)->tx.zerocopy = on;
}

void fake_zerocopy_off(int fd, uint64_t at)
{
	fake_sock(fd)->tx.zerocopy_off_at = at;
}

bool fake_socket_has_zerocopy(int fd)
{
	return fake_sock(fd)->tx.zerocopy;
}

void fake_socket_sndbuf(int fd, uint32_t bytes)
{
	fake_sock(fd)->tx.sndbuf = bytes;
}

void fake_socket_blind(int fd)
{
	fake_sock(fd)->tx.blind = true;
}

void fake_socket_number(int fd, uint32_t next)
{
	fake_sock(fd)->tx.next = next;
}

uint32_t fake_socket_next(int fd)
{
	return fake_sock(fd)->tx.next;
}

void fake_socket_optmem(int fd, uint32_t notifications)
{
	fake_sock(fd)->tx.optmem = notifications;
}

void fake_pace(int fd, uint64_t bytes, uint64_t ns)
{
	struct sock *s = fake_sock(fd);

	assert_true(ns);
	s->tx.pace_bytes = bytes;
	s->tx.pace_ns = ns;
	s->tx.pace_at = fake_now() + ns;
}

void fake_take(int fd, uint64_t bytes)
{
	struct sock *s = fake_sock(fd);

	assert_true(bytes <= s->tx.end - s->tx.left);
	leave(s, bytes);
}

void fake_send_ordinary(int fd, uint32_t bytes)
{
	struct sock *s = fake_sock(fd);
	struct sent sent = { .number = s->tx.next, .size = bytes, .ready = FAKE_NEVER };
	uint8_t *zeros = calloc(1, bytes);
	struct iovec iov = { zeros, bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct send send = { .msg = &msg };

	assert_true(zeros && bytes <= room(s));
	queue_bytes(s, &send, bytes, &sent);
	free(zeros);
	sent.end = s->tx.end;
	s->tx.sents = fake_grow(s->tx.sents, &s->tx.cap_sents, s->tx.n_sents, sizeof(sent));
	s->tx.sents[s->tx.n_sents++] = sent;
}

void fake_jitter(int fd, uint64_t ns)
{
	fake_sock(fd)->tx.jitter = ns;
}

void fake_hold(int fd, bool on)
{
	struct sock *s = fake_sock(fd);

	s->tx.hold = on;
	completions(s);
}

void fake_complete(int fd, uint32_t number)
{
	struct sock *s = fake_sock(fd);
	size_t i;

	for (i = s->tx.first; i < s->tx.n_sents; i++)
		if (s->tx.sents[i].zerocopy && s->tx.sents[i].number == number)
			break;
	assert_true(i < s->tx.n_sents && !s->tx.sents[i].complete);
	assert_true(s->dead || s->tx.sents[i].end <= s->tx.left);
	s->tx.sents[i].allowed = true;
	completions(s);
	assert_true(s->tx.sents[i].complete);
}

void fake_merge(int fd, bool on)
{
	fake_sock(fd)->tx.merge = on;
}

void fake_join(int fd, uint32_t percent)
{
	fake_sock(fd)->tx.join = percent;
}

void fake_copied(int fd, uint32_t percent)
{
	fake_sock(fd)->tx.copied = percent;
}

void fake_shutdown(int fd)
{
	fake_sock(fd)->shut = true;
}

void fake_note_zerocopy(int fd, uint32_t low, uint32_t high, bool copied)
{
	struct note note = { .kind = NOTE_ZEROCOPY, .low = low, .high = high, .copied = copied };

	note_add(fake_sock(fd), &note);
}

void fake_note_timestamp(int fd)
{
	struct note note = { .kind = NOTE_STAMP };

	note_add(fake_sock(fd), &note);
}

void fake_note_icmp(int fd, int code)
{
	struct note note = { .kind = NOTE_ICMP, .code = code };

	note_add(fake_sock(fd), &note);
}

void fake_note_raw(int fd, const void *control, size_t len)
{
	struct note note = { .kind = NOTE_RAW, .raw_len = len };

	assert_true(len <= sizeof(note.raw));
	memcpy(note.raw, control, len);
	note_add(fake_sock(fd), &note);
}

void fake_clutter(int fd, size_t bytes)
{
	assert_true(bytes <= 1024);
	fake_sock(fd)->tx.clutter = bytes;
}

void fake_stamps(int fd, bool on)
{
	fake_sock(fd)->tx.stamps = on;
}

const uint8_t *fake_stream(int fd, uint64_t *len)
{
	*len = fake_sock(fd)->tx.left;
	return fake_sock(fd)->tx.stream;
}

uint64_t fake_sent(int fd)
{
	return fake_sock(fd)->tx.end;
}

uint64_t fake_spoilt(int fd)
{
	return fake_sock(fd)->tx.spoilt;
}

uint32_t fake_in_flight(int fd)
{
	const struct sock *s = fake_sock(fd);
	uint32_t n = 0;
	size_t i;

	for (i = s->tx.first; i < s->tx.n_sents; i++)
		n += !s->tx.sents[i].complete && s->tx.sents[i].zerocopy;
	return n;
}

uint32_t fake_notes(int fd)
{
	return (uint32_t)(fake_sock(fd)->tx.n_notes - fake_sock(fd)->tx.first_note);
}

int fake_send_flags(int fd)
{
	return fake_sock(fd)->tx.last_flags;
}

size_t fake_send_pieces(int fd)
{
	return fake_sock(fd)->tx.last_pieces;
}

uint64_t fake_send_asked(int fd)
{
	return fake_sock(fd)->tx.last_asked;
}
