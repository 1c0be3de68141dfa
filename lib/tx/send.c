// SPDX-License-Identifier: BSD-3-Clause
/* Sender: sending. What one send may be, and what ends it. */
#include "tx/tx.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "core/sys.h"
#include "uapi/devmem_socket.h"

/* Bytes of one sendmsg(): the kernel takes 2 GiB less a page at most (MAX_RW_COUNT,
 * include/linux/fs.h), and says nothing of the rest. */
#define SEND_MAX (UINT64_C(1) << 30)

_Static_assert(SEND_MAX <= SIZE_MAX, "sizes of a send");

ssize_t tx_sendmsg(struct devmem_tx *tx, size_t n, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = tx->iov, .msg_iovlen = n };
	struct cmsghdr *header;

	tx->stats.send_calls++;
	flags |= MSG_NOSIGNAL;
	if (!tx->source.plain) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = UAPI_SCM_DEVMEM_DMABUF;
		header->cmsg_len = CMSG_LEN(sizeof(tx->source.id));
		memcpy(CMSG_DATA(header), &tx->source.id, sizeof(tx->source.id));
		flags |= MSG_ZEROCOPY;
	}
	return sys_sendmsg(tx->fd, &msg, flags);
}

static int bad_range(struct devmem_tx *tx, enum tx_fault_kind fault,
		     const struct devmem_range *ranges, size_t at, int code)
{
	tx->fault.kind = fault;
	tx->fault.at = at;
	if (ranges)
		tx->fault.range = ranges[at];
	return code;
}

static int check(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
		 unsigned int flags)
{
	size_t i;

	if (flags & ~DEVMEM_TX_DONTWAIT)
		return bad_range(tx, TX_FAULT_FLAGS, NULL, flags, -EINVAL);
	if (!n)
		return bad_range(tx, TX_FAULT_NO_RANGE, NULL, 0, -EINVAL);
	if (n > DEVMEM_TX_RANGES_MAX)
		return bad_range(tx, TX_FAULT_MANY_RANGES, NULL, n, -EMSGSIZE);
	for (i = 0; i < n; i++) {
		if (!ranges[i].size)
			return bad_range(tx, TX_FAULT_EMPTY_RANGE, ranges, i, -EINVAL);
		if (ranges[i].offset > tx->source.size ||
		    ranges[i].size > tx->source.size - ranges[i].offset)
			return bad_range(tx, TX_FAULT_PAST_END, ranges, i, -ERANGE);
	}
	return 0;
}

/* Ranges as iovec: an address for a plain send, else the offset in its place. Return: how many,
 * whose bytes are in *bytes. */
static size_t fill_iov(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
		       uint64_t *bytes)
{
	size_t i;

	*bytes = 0;
	for (i = 0; i < n && *bytes < SEND_MAX; i++) {
		uint64_t size = ranges[i].size;

		if (size > SEND_MAX - *bytes)
			size = SEND_MAX - *bytes;
		tx->iov[i].iov_base =
			(void *)((uintptr_t)tx->source.plain + (uintptr_t)ranges[i].offset);
		tx->iov[i].iov_len = (size_t)size;
		*bytes += size;
	}
	return i;
}

/* A plain send: the CPU reads the region. */
static ssize_t send_plain(struct devmem_tx *tx, size_t n, int flags)
{
	bool sync = devmem_region_is_dmabuf(tx->source.region);
	ssize_t sent;
	int ret;

	if (sync) {
		tx->stats.sync_calls++;
		ret = devmem_region_sync(tx->source.region, DEVMEM_SYNC_READ, NULL);
		if (ret)
			return ret;
	}
	sent = tx_sendmsg(tx, n, flags);
	if (sync) {
		tx->stats.sync_calls++;
		ret = devmem_region_sync(tx->source.region, DEVMEM_SYNC_READ | DEVMEM_SYNC_END,
					 NULL);
		if (ret && sent < 0)
			return ret;
		if (ret)
			tx->deferred = ret;
	}
	return sent;
}

/* What the kernel's EINVAL stands for: all else that it refuses like that was checked before. */
static int explain_einval(struct devmem_tx *tx)
{
	int zerocopy = 0;
	socklen_t len = sizeof(zerocopy);

	if (sys_getsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &zerocopy, &len) || zerocopy)
		return -ESTALE;
	tx->fault.kind = TX_FAULT_ZEROCOPY_OFF;
	return -EINVAL;
}

/* One sendmsg() and its entry in the books. *asked: bytes that it was to send. Return: those it
 * did, or a negative errno. */
static ssize_t send_once(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
			 int flags, uint64_t *asked, uint64_t *sequence)
{
	size_t iov_n = fill_iov(tx, ranges, n, asked);
	ssize_t sent =
		tx->source.plain ? send_plain(tx, iov_n, flags) : tx_sendmsg(tx, iov_n, flags);

	if (sent == -EINVAL && !tx->source.plain)
		return explain_einval(tx);
	if (sent <= 0)
		return sent;
	if (tx->source.plain) {
		*sequence = inflight_send_complete(tx->inflight);
		tx->stats.bytes_plain += (uint64_t)sent;
		tx->stats.sends_completed++;
	} else {
		*sequence =
			inflight_send(tx->inflight, tx->source.inflight, ranges, (uint64_t)sent);
		tx->stats.bytes_device += (uint64_t)sent;
	}
	tx->stats.sends++;
	if ((uint64_t)sent < *asked)
		tx->stats.sends_partial++;
	return sent;
}

/* Sees to it that a send of n ranges can be written down. Return: 0 or a negative errno. */
static int make_room(struct devmem_tx *tx, size_t n, bool wait)
{
	int ret;

	if (tx->source.plain || inflight_has_room(tx->inflight, tx->source.inflight, n))
		return 0;
	tx->stats.full_in_flight++;
	ret = tx_read_completions(tx);
	while (ret >= 0 && !inflight_has_room(tx->inflight, tx->source.inflight, n)) {
		if (!wait) {
			tx->fault.kind = TX_FAULT_IN_FLIGHT;
			return -ENOBUFS;
		}
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
	tx->fault.kind = TX_FAULT_NOTIFICATIONS;
	return -ENOBUFS;
}

/* Does what sendmsg() answered only mean that it is to be tried again? Waits if that is needed.
 * Return: 0 to try again, or a negative errno. */
static int try_again(struct devmem_tx *tx, int code, bool wait)
{
	switch (code) {
	case -EAGAIN:
		tx->stats.full_socket++;
		/* A descriptor with O_NONBLOCK, or SO_SNDTIMEO. */
		return wait ? tx_poll(tx, POLLOUT, -1) : -EAGAIN;
	case -ENOBUFS:
		return tx->source.plain ? code : wait_for_notification(tx, wait);
	default:
		return code;
	}
}

/* A part was sent. A blocking socket would have taken everything, unless a signal came, whose
 * handler's flag is to be seen. */
static bool goes_on(const struct devmem_tx *tx)
{
	int flags = sys_get_flags(tx->fd);

	return flags > 0 && (flags & O_NONBLOCK);
}

int64_t devmem_tx_send(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
		       unsigned int flags, uint64_t *sequence)
{
	const bool wait = !(flags & DEVMEM_TX_DONTWAIT);
	struct devmem_range *left = tx->ranges;
	uint64_t number = 0, total = 0, asked;
	int ret;

	if (sequence)
		*sequence = 0;
	tx->fault.kind = TX_FAULT_NONE;
	ret = check(tx, ranges, n, flags);
	if (ret)
		return ret;
	if (tx->lost)
		return -EBADMSG;
	ret = tx->deferred;
	tx->deferred = 0;
	if (ret)
		return ret;
	memcpy(left, ranges, n * sizeof(*left));
	while (n && !tx->deferred) {
		ssize_t sent = 0;

		ret = make_room(tx, n, wait);
		if (!ret) {
			sent = send_once(tx, left, n, wait ? 0 : MSG_DONTWAIT, &asked, &number);
			ret = sent < 0 ? try_again(tx, (int)sent, wait) : 0;
		}
		if (ret)
			break;
		if (sent <= 0)
			continue;
		total += (uint64_t)sent;
		tx->stats.ranges += n;
		devmem_tx_advance(&left, &n, (uint64_t)sent);
		tx->stats.ranges -= n;
		if ((uint64_t)sent < asked) {
			if (!wait || !goes_on(tx))
				break;
			ret = tx_poll(tx, POLLOUT, -1);
			if (ret)
				break;
		}
	}
	if (sequence)
		*sequence = number;
	if (!total)
		return ret;
	/* The kernel tells of a connection's end once. */
	if (ret && ret != -EINTR && ret != -EAGAIN && tx->fault.kind == TX_FAULT_NONE)
		tx->deferred = ret;
	return (int64_t)total;
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
