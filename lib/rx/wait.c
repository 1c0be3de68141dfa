// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: when to receive. For how many bytes it waits, how long, and what ends a wait. */
#include "rx/rx.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/sys.h"

/* Between tries on a socket that poll() can't be used for. */
#define ERROR_QUEUE_NAP_MS 1

int rx_set_lowat(struct devmem_rx *rx, uint32_t bytes)
{
	int val = (int)bytes, ret;

	if (bytes == rx->mark.set)
		return 0;
	ret = sys_setsockopt(rx->fd, SOL_SOCKET, SO_RCVLOWAT, &val, sizeof(val));
	rx->stats.lowat_calls++;
	if (ret < 0)
		return ret;
	rx->mark.set = bytes;
	return 0;
}

void devmem_rx_expect(struct devmem_rx *rx, uint64_t bytes)
{
	rx->lowat.expect = bytes;
}

/* All that is there has had its wait, also what a receive leaves because it ends at the border
 * between packets with a region and without. */
static void note_due(struct devmem_rx *rx)
{
	int bytes = 0;

	rx->lowat.due = !sys_ioctl(rx->fd, FIONREAD, &bytes) && bytes > 0 ? (uint64_t)bytes : 0;
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
	/* Completions of sends, for example, which are not ours to read: poll() reports them again
	 * and again. */
	return pfd.revents == POLLERR ? WAIT_ERROR_QUEUE : WAIT_READABLE;
}

int devmem_rx_arm(struct devmem_rx *rx)
{
	uint32_t want;
	int ret;

	ret = devmem_rx_flush(rx);
	if (ret)
		return ret;
	rx->mark.armed = false;
	if (rx->lowat.due)
		return 0;
	want = lowat_wanted(&rx->lowat, rx_room(rx));
	ret = rx_set_lowat(rx, want);
	if (ret)
		return ret;
	rx->mark.armed = want > 1;
	return rx->mark.armed ? (int)rx->lowat.wait_ms : -1;
}

/* Waits for the first byte, and receives what is there. */
static int receive_any(struct devmem_rx *rx)
{
	struct receive r;
	int ret;

	ret = rx_set_lowat(rx, 1);
	if (ret)
		return ret;
	for (;;) {
		ret = receive_once(rx, &r, 0);
		if (ret != -EAGAIN)
			return ret;
		/* A descriptor with O_NONBLOCK, or SO_RCVTIMEO. */
		ret = wait_readable(rx, -1);
		if (ret < 0)
			return ret;
		/* poll() can't wait beside an error queue: try again and again. */
		if (ret == WAIT_ERROR_QUEUE)
			sys_poll(NULL, 0, ERROR_QUEUE_NAP_MS);
	}
}

/*
 * Waits until the low-water mark is reached, lowat_wait has passed with something there, or the
 * stream ends; then receives what is there.
 */
static int receive_expected(struct devmem_rx *rx)
{
	struct receive r;
	int ret, ready;

	if (rx->lowat.due) {
		ret = receive_once(rx, &r, MSG_DONTWAIT);
		if (ret != -EAGAIN)
			return ret;
	}
	for (;;) {
		uint32_t want = lowat_wanted(&rx->lowat, rx_room(rx));

		/* Without room it would wait for what can never come. Other receivers of the
		 * binding may use it up meanwhile: so receive_once() computes it again. */
		ret = receive_prepare(rx, &rx->buffers, &r);
		if (!ret)
			ret = rx_set_lowat(rx, want);
		if (ret)
			return ret;
		ready = wait_readable(rx, want > 1 ? (int)rx->lowat.wait_ms : -1);
		/* Signals must not make bytes wait again and again. */
		if (ready == -EINTR)
			note_due(rx);
		if (ready < 0)
			return ready;
		ret = receive_once(rx, &r, MSG_DONTWAIT);
		if (ret > 0 && r.bytes < want)
			note_due(rx);
		lowat_waited(&rx->lowat, want, ready == WAIT_TIMEOUT, ret != -EAGAIN);
		if (ret != -EAGAIN)
			return ret;
		if (ready == WAIT_ERROR_QUEUE)
			return receive_any(rx);
	}
}

static int receive_now(struct devmem_rx *rx)
{
	struct receive r;
	int ret;

	ret = receive_once(rx, &r, MSG_DONTWAIT);
	if (ret > 0 && rx->mark.armed && r.bytes < rx->mark.set)
		note_due(rx);
	if (ret == -EAGAIN && rx->mark.armed)
		lowat_waited(&rx->lowat, rx->mark.set, true, false);
	else if (ret > 0)
		rx->lowat.idle = false;
	rx->mark.armed = false;
	return ret;
}

int devmem_rx_recv(struct devmem_rx *rx, const struct devmem_fragment **frags, unsigned int flags)
{
	int ret;

	*frags = rx->buffers.frags;
	if (flags & ~DEVMEM_RX_DONTWAIT)
		return -EINVAL;
	ret = devmem_rx_flush(rx);
	if (ret)
		return ret;
	if (flags & DEVMEM_RX_DONTWAIT)
		return receive_now(rx);
	if (lowat_is_used(&rx->lowat))
		return receive_expected(rx);
	return receive_any(rx);
}
