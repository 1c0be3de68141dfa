// SPDX-License-Identifier: BSD-3-Clause
/* Sender: which sends are complete, and waiting for them. */
#include "tx/tx.h"

#include <errno.h>
#include <poll.h>

#include "tx/errqueue.h"
#include "core/sys.h"

/* Between looks at a socket for which poll() reports an error that stays. */
#define NAP_MS 1

/* Reads one message. Return: 1, 0 if there is none, or a negative errno. */
static int read_message(struct devmem_tx *tx)
{
	union {
		struct cmsghdr align;
		char bytes[ERRQUEUE_CONTROL_SIZE];
	} control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct errqueue_notice notice;
	uint64_t sends, unknown;
	ssize_t n;
	int ret;

	tx->stats.reap_calls++;
	n = sys_recvmsg(tx->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return (int)n;
	ret = errqueue_parse(&control, msg.msg_controllen, &notice);
	/* What didn't fit may have been a completion. */
	if (!ret && (msg.msg_flags & MSG_CTRUNC))
		ret = -EBADMSG;
	if (ret < 0)
		return ret;
	if (!ret) {
		tx->stats.notices_other++;
		return 1;
	}
	ret = inflight_complete(tx->inflight, notice.low, notice.high, &sends, &unknown);
	if (ret)
		return ret;
	tx->stats.completions++;
	tx->stats.sends_completed += sends;
	tx->stats.completions_unknown += unknown;
	if (notice.copied)
		tx->stats.sends_copied += sends;
	return 1;
}

int tx_read_completions(struct devmem_tx *tx)
{
	int n = 0, ret;

	if (tx->lost)
		return -EBADMSG;
	/* Plain sends have no completions. */
	if (tx->source.plain)
		return 0;
	/* Once nothing is in flight nothing can come: one call less. */
	do {
		ret = read_message(tx);
		if (ret > 0)
			n++;
	} while (ret > 0 && inflight_completed(tx->inflight) < inflight_last(tx->inflight));
	if (ret == -EBADMSG)
		tx->lost = true;
	return ret < 0 ? ret : n;
}

int tx_poll(struct devmem_tx *tx, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = tx->fd, .events = events };
	int ret;

	if (tx->lost)
		return -EBADMSG;
	tx->stats.poll_calls++;
	ret = sys_poll(&pfd, 1, timeout_ms);
	if (ret < 0)
		return ret;
	if (!ret)
		return -ETIMEDOUT;
	if (pfd.revents & POLLNVAL)
		return -EBADF;
	if (!(pfd.revents & (POLLERR | POLLHUP)))
		return 0;
	ret = tx_read_completions(tx);
	if (ret < 0)
		return ret;
	/* The connection has ended, or a plain sender's socket has messages for somebody else:
	 * poll() reports it at once, again and again. */
	if (ret || (pfd.revents & events))
		return 0;
	ret = sys_poll(NULL, 0, NAP_MS);
	return ret < 0 ? ret : 0;
}

int devmem_tx_reap(struct devmem_tx *tx, struct devmem_tx_done *done, size_t n)
{
	int ret;

	tx->fault.kind = TX_FAULT_NONE;
	ret = tx_read_completions(tx);
	if (ret < 0)
		return ret;
	return (int)inflight_report(tx->inflight, done, n);
}

uint64_t devmem_tx_last(const struct devmem_tx *tx)
{
	return inflight_last(tx->inflight);
}

uint64_t devmem_tx_completed(const struct devmem_tx *tx)
{
	return inflight_completed(tx->inflight);
}

int devmem_tx_in_flight(const struct devmem_tx *tx, const struct devmem_range *range,
			uint64_t *sequence)
{
	/* When nothing is known any more, all may be. */
	uint64_t last = tx->lost ? inflight_last(tx->inflight)
				 : inflight_find(tx->inflight, tx->source.inflight, range);

	if (sequence)
		*sequence = last;
	return last != 0;
}

int devmem_tx_wait(struct devmem_tx *tx, uint64_t sequence, int timeout_ms)
{
	uint64_t deadline = 0, now = 0;
	int ret = 0;

	tx->fault.kind = TX_FAULT_NONE;
	/* Also of what was complete before: that may have been somebody else's. */
	if (tx->lost)
		return -EBADMSG;
	if (sequence == DEVMEM_TX_ALL)
		sequence = inflight_last(tx->inflight);
	if (sequence > inflight_last(tx->inflight))
		return tx_fault(tx, TX_FAULT_NO_SUCH_SEND, -EINVAL);
	if (sequence <= inflight_completed(tx->inflight))
		return 0;
	if (!timeout_ms)
		ret = tx_read_completions(tx);
	else if (timeout_ms > 0)
		deadline = sys_clock_ms() + (uint64_t)timeout_ms;
	while (ret >= 0 && sequence > inflight_completed(tx->inflight)) {
		if (deadline)
			now = sys_clock_ms();
		if (timeout_ms >= 0 && now >= deadline)
			return tx_fault(tx, TX_FAULT_TIMEOUT, -ETIMEDOUT);
		/* Completions are mostly not there yet, and poll() reports when they are. */
		ret = tx_poll(tx, 0, timeout_ms < 0 ? -1 : (int)(deadline - now));
		/* The clock decides. */
		if (ret == -ETIMEDOUT)
			ret = 0;
	}
	return ret < 0 ? ret : 0;
}
