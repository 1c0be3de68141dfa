// SPDX-License-Identifier: BSD-3-Clause
/* Sender: sending. prepare a message, send it, complete it. */
#include "tx/tx.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "core/sys.h"

/* Bytes of one sendmsg(): the kernel sends 2 GiB less a page at most (MAX_RW_COUNT,
 * include/linux/fs.h), and doesn't report the rest. */
#define SEND_MAX (UINT64_C(1) << 30)

_Static_assert(SEND_MAX <= SIZE_MAX, "sizes of a send");

/* A send: what is left of it, the sendmsg() at hand, and what came of those before. */
struct send {
	struct tx_source *source;
	bool wait;
	struct devmem_range *ranges;
	size_t n;
	struct msghdr msg;
	uint64_t asked; /* bytes in msg */
	uint64_t sent, sequence;
};

struct msghdr tx_message(struct tx_source *source, struct iovec *iov, size_t n)
{
	return (struct msghdr){
		.msg_iov = iov,
		.msg_iovlen = n,
		.msg_control = source->plain ? NULL : source->control,
		.msg_controllen = source->plain ? 0 : sizeof(source->control),
	};
}

static int refuse(struct devmem_tx *tx, enum tx_fault_kind kind, const struct devmem_range *ranges,
		  size_t at, int code)
{
	tx->fault.at = at;
	if (ranges)
		tx->fault.range = ranges[at];
	return tx_fault(tx, kind, code);
}

static int check(struct devmem_tx *tx, uint64_t size, const struct devmem_range *ranges, size_t n,
		 unsigned int flags)
{
	size_t i;

	if (flags & ~DEVMEM_TX_DONTWAIT)
		return refuse(tx, TX_FAULT_FLAGS, NULL, flags, -EINVAL);
	if (!n)
		return refuse(tx, TX_FAULT_NO_RANGE, NULL, 0, -EINVAL);
	if (n > DEVMEM_TX_RANGES_MAX)
		return refuse(tx, TX_FAULT_MANY_RANGES, NULL, n, -EMSGSIZE);
	for (i = 0; i < n; i++) {
		if (!ranges[i].size)
			return refuse(tx, TX_FAULT_EMPTY_RANGE, ranges, i, -EINVAL);
		if (ranges[i].offset > size || ranges[i].size > size - ranges[i].offset)
			return refuse(tx, TX_FAULT_PAST_END, ranges, i, -ERANGE);
	}
	return 0;
}

/* Begins or ends the CPU's access to the bytes of a plain send. */
static int sync_plain(struct devmem_tx *tx, const struct tx_source *source, unsigned int flags)
{
	if (!source->plain || !devmem_region_is_dmabuf(source->region))
		return 0;
	tx->stats.sync_calls++;
	return devmem_region_sync(source->region, flags, NULL);
}

/* Makes the next message, of as much as one sendmsg() may have. Return: 0 or a negative errno. */
static int prepare(struct devmem_tx *tx, struct send *s)
{
	const uintptr_t base = (uintptr_t)s->source->plain;
	size_t i;

	s->asked = 0;
	for (i = 0; i < s->n && s->asked < SEND_MAX; i++) {
		uint64_t size = s->ranges[i].size;

		if (size > SEND_MAX - s->asked)
			size = SEND_MAX - s->asked;
		/* The kernel wants the offset in place of an address, but for a plain send. */
		tx->iov[i].iov_base = (void *)(base + (uintptr_t)s->ranges[i].offset);
		tx->iov[i].iov_len = (size_t)size;
		s->asked += size;
	}
	s->msg = tx_message(s->source, tx->iov, i);
	return sync_plain(tx, s->source, DEVMEM_SYNC_READ);
}

/* What the kernel's EINVAL means: all else that it refuses with it was checked before. */
static int explain_einval(struct devmem_tx *tx)
{
	int zerocopy = 0;
	socklen_t len = sizeof(zerocopy);

	if (sys_getsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &zerocopy, &len) || zerocopy)
		return -ESTALE;
	return tx_fault(tx, TX_FAULT_ZEROCOPY_OFF, -EINVAL);
}

/* Accounts for what sendmsg() returned. Return: bytes sent, or a negative errno. */
static ssize_t complete(struct devmem_tx *tx, struct send *s, ssize_t sent)
{
	int ret = sync_plain(tx, s->source, DEVMEM_SYNC_READ | DEVMEM_SYNC_END);

	tx->stats.send_calls++;
	if (ret && sent < 0)
		return ret;
	tx->deferred = ret;
	if (sent == -EINVAL && !s->source->plain)
		return explain_einval(tx);
	if (sent <= 0)
		return sent;
	if (s->source->plain) {
		s->sequence = inflight_send_complete(tx->inflight);
		tx->stats.bytes_plain += (uint64_t)sent;
		tx->stats.sends_completed++;
	} else {
		s->sequence =
			inflight_send(tx->inflight, s->source->inflight, s->ranges, (uint64_t)sent);
		tx->stats.bytes_device += (uint64_t)sent;
	}
	tx->stats.sends++;
	if ((uint64_t)sent < s->asked)
		tx->stats.sends_partial++;
	s->sent += (uint64_t)sent;
	tx->stats.ranges += s->n;
	devmem_tx_advance(&s->ranges, &s->n, (uint64_t)sent);
	tx->stats.ranges -= s->n;
	return sent;
}

/* Waits, if that is wanted, until what is in flight leaves room for what is left of the send.
 * Return: 0 or a negative errno. */
static int make_room(struct devmem_tx *tx, const struct send *s)
{
	int ret;

	if (s->source->plain || inflight_has_room(tx->inflight, s->source->inflight, s->n))
		return 0;
	tx->stats.full_in_flight++;
	ret = tx_read_completions(tx);
	while (ret >= 0 && !inflight_has_room(tx->inflight, s->source->inflight, s->n)) {
		if (!s->wait)
			return tx_fault(tx, TX_FAULT_IN_FLIGHT, -ENOBUFS);
		ret = tx_poll(tx, 0, -1);
	}
	return ret < 0 ? ret : 0;
}

/* There are as many notifications as the kernel allows, in flight or unread. */
static int wait_for_notification(struct devmem_tx *tx, bool wait)
{
	int ret;

	tx->stats.full_notifications++;
	ret = tx_read_completions(tx);
	if (ret)
		return ret < 0 ? ret : 0;
	if (wait && inflight_last(tx->inflight) > inflight_completed(tx->inflight))
		return tx_poll(tx, 0, -1);
	return tx_fault(tx, TX_FAULT_NOTIFICATIONS, -ENOBUFS);
}

/* After an errno of sendmsg(). Waits where it only means that there is no room, if that is wanted.
 * Return: 0 to try again, or a negative errno. */
static int wait_after_error(struct devmem_tx *tx, const struct send *s, int code)
{
	switch (code) {
	case -EAGAIN:
		tx->stats.full_socket++;
		/* A descriptor with O_NONBLOCK, or SO_SNDTIMEO. */
		return s->wait ? tx_poll(tx, POLLOUT, -1) : -EAGAIN;
	case -ENOBUFS:
		return s->source->plain ? code : wait_for_notification(tx, s->wait);
	default:
		return code;
	}
}

static bool is_nonblocking(const struct devmem_tx *tx)
{
	int flags = sys_get_flags(tx->fd);

	return flags > 0 && (flags & O_NONBLOCK);
}

int64_t devmem_tx_send(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
		       unsigned int flags, uint64_t *sequence)
{
	struct send s = {
		.source = &tx->source,
		.wait = !(flags & DEVMEM_TX_DONTWAIT),
		.ranges = tx->ranges,
		.n = n,
	};
	int ret;

	if (sequence)
		*sequence = 0;
	tx->fault.kind = TX_FAULT_NONE;
	ret = check(tx, s.source->size, ranges, n, flags);
	if (ret)
		return ret;
	if (tx->lost)
		return -EBADMSG;
	ret = tx->deferred;
	tx->deferred = 0;
	if (ret)
		return ret;
	memcpy(tx->ranges, ranges, n * sizeof(*ranges));
	while (!ret && s.n && !tx->deferred) {
		ssize_t sent;

		ret = make_room(tx, &s);
		if (!ret)
			ret = prepare(tx, &s);
		if (ret)
			break;
		sent = sys_sendmsg(tx->fd, &s.msg, s.source->flags | (s.wait ? 0 : MSG_DONTWAIT));
		sent = complete(tx, &s, sent);
		if (sent < 0) {
			ret = wait_after_error(tx, &s, (int)sent);
		} else if ((uint64_t)sent < s.asked) {
			/* A blocking socket sends a part only if a signal comes: the caller is to
			 * have a look at what its handler did. */
			if (!s.wait || !is_nonblocking(tx))
				break;
			ret = tx_poll(tx, POLLOUT, -1);
		}
	}
	if (sequence)
		*sequence = s.sequence;
	if (!s.sent)
		return ret;
	/* The kernel reports a connection's end once. */
	if (ret && ret != -EINTR && ret != -EAGAIN && tx->fault.kind == TX_FAULT_NONE)
		tx->deferred = ret;
	return (int64_t)s.sent;
}

void devmem_tx_advance(struct devmem_range **ranges, size_t *n, uint64_t bytes)
{
	while (*n && bytes >= (*ranges)->size) {
		bytes -= (*ranges)->size;
		(*ranges)++;
		(*n)--;
	}
	if (*n) {
		(*ranges)->offset += bytes;
		(*ranges)->size -= bytes;
	}
}
