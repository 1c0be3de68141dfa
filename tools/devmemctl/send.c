/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <devmem/tx_ring.h>

#include "progress.h"
#include "send.h"
#include "signals.h"

/* What the peer sends is dropped, this much at a time. */
#define DROP_MAX (1U << 20)
/* How often to check whether the peer has acknowledged everything: nothing reports it. */
#define ACKNOWLEDGED_AGAIN_MS 20

struct send {
	struct send_result *result;
	const struct send_job *job;
	uint8_t *bytes; /* the region's */
	struct devmem_tx *tx;
	struct devmem_tx_ring *ring;
	struct progress progress;
	double start; /* 0: nothing was sent yet */
	bool input_ready;
	bool shut;	  /* everything is sent, and a FIN after it */
	bool peer_closed; /* the peer sends no more */
	bool sink_failed;
};

static int tx_failed(struct send *s, int code)
{
	struct devmem_error err = { 0 };

	devmem_tx_explain(s->tx, code, &err);
	return ending_error(&s->result->ending, &err);
}

/* A system call of our own says that the connection is over. */
static int connection_failed(struct send *s, int errnum)
{
	char peer[ADDRESS_TEXT_MAX];

	format_address(peer, s->job->peer);
	return ending_failed(&s->result->ending,
			     fail(EXIT_REFUSED, "%s: connection lost: %s", peer, strerror(errnum)));
}

static void show_progress(struct send *s)
{
	struct devmem_tx_stats stats;
	char in_flight[32];

	if (!progress_is_due(&s->progress))
		return;
	devmem_tx_stats(s->tx, &stats);
	format_bytes(in_flight, sizeof(in_flight), stats.in_flight_bytes);
	progress_show(&s->progress, stats.bytes_device + stats.bytes_plain, ", in flight %s",
		      in_flight);
}

/* Return: 0, or not 0 if the connection is over. */
static int check_connection(struct send *s)
{
	socklen_t len = sizeof(int);
	int errnum = 0;

	if (getsockopt(s->job->fd, SOL_SOCKET, SO_ERROR, &errnum, &len))
		errnum = errno;
	return errnum ? connection_failed(s, errnum) : 0;
}

/* Handles what is new: completions, what the peer sends, that it has closed, an error. */
static int handle_socket(struct send *s, short revents)
{
	int result = 0;

	if (revents & POLLERR) {
		int ret = devmem_tx_reap(s->tx, NULL, 0);

		if (ret < 0)
			return tx_failed(s, ret);
	}
	if (revents && !s->peer_closed) {
		ssize_t n = recv(s->job->fd, NULL, DROP_MAX, MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return connection_failed(s, errno);
		s->peer_closed = !n;
	}
	if (revents & (POLLERR | POLLHUP))
		result = check_connection(s);
	if (!result && (revents & POLLHUP) && !s->shut)
		result = connection_failed(s, EPIPE);
	return result;
}

/* Waits until the socket is ready for events, has completions, or the peer sends something; or
 * input, unless -1, can be read; or timeout_ms have passed. Return: 0, or not 0 when the stream is
 * over. */
static int wait_for(struct send *s, short events, int input, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = s->job->fd, .events = events },
		{ .fd = input, .events = POLLIN },
	};
	int due = progress_due(&s->progress);
	int ready;

	if (!s->peer_closed)
		fds[0].events |= POLLIN;
	if (due >= 0 && (timeout_ms < 0 || due < timeout_ms))
		timeout_ms = due;
	ready = signals_poll(fds, 2, timeout_ms);
	if (ready == -EINTR)
		return ending_signal(&s->result->ending);
	if (ready < 0)
		return ending_failed(&s->result->ending, fail_errno(-ready, "poll"));
	s->input_ready = fds[1].revents;
	show_progress(s);
	return handle_socket(s, fds[0].revents & ~events);
}

static int get_space(struct send *s, struct devmem_range *space)
{
	for (;;) {
		int ret = devmem_tx_ring_get(s->ring, 1, s->job->chunk, DEVMEM_TX_DONTWAIT, space);
		int result;

		if (ret != -EAGAIN)
			return ret ? tx_failed(s, ret) : 0;
		result = wait_for(s, 0, -1, -1);
		if (result)
			return result;
	}
}

/* Reads what there is; space is made as short as that is, empty at the end of the input. */
static int fill(struct send *s, struct devmem_range *space)
{
	ssize_t n = -EAGAIN;

	while (n == -EAGAIN || n == -EINTR) {
		struct devmem_error err;
		int result = wait_for(s, 0, s->job->input->fd, -1);

		if (result)
			return result;
		if (!s->input_ready)
			continue;
		if (devmem_region_sync(s->job->setup->region, DEVMEM_SYNC_WRITE, &err))
			return ending_error(&s->result->ending, &err);
		n = infile_read(s->job->input, s->bytes + space->offset, space->size);
		if (devmem_region_sync(s->job->setup->region, DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END,
				       &err))
			return ending_error(&s->result->ending, &err);
	}
	if (n < 0)
		return ending_failed(&s->result->ending,
				     fail_file((int)-n, s->job->input->name, "read"));
	space->size = (uint64_t)n;
	return 0;
}

/* For the checksum and the map: what was sent. */
static int record(struct send *s, uint64_t offset, uint64_t size)
{
	const struct devmem_fragment frag = {
		.offset = offset,
		.size = (uint32_t)size,
		.kind = DEVMEM_FRAGMENT_DEVICE,
		.region = s->job->setup->region,
	};

	s->sink_failed = ending_result(&s->result->ending, sink_write(s->job->sink, &frag, 1));
	return s->sink_failed;
}

/* The kernel accepts no more now. */
static int wait_for_room(struct send *s, int code)
{
	struct devmem_tx_stats stats;

	if (code == -EAGAIN)
		return wait_for(s, POLLOUT, -1, -1);
	devmem_tx_stats(s->tx, &stats);
	if (code == -ENOBUFS && stats.in_flight_sends)
		return wait_for(s, 0, -1, -1);
	return tx_failed(s, code);
}

static int send_range(struct send *s, struct devmem_range range)
{
	if (s->start <= 0)
		s->start = now_seconds();
	while (range.size) {
		int64_t n = devmem_tx_send(s->tx, &range, 1, DEVMEM_TX_DONTWAIT, NULL);
		int result;

		if (n > 0)
			result = record(s, range.offset, (uint64_t)n);
		else
			result = wait_for_room(s, (int)n);
		if (result)
			return result;
		if (n > 0) {
			range.offset += (uint64_t)n;
			range.size -= (uint64_t)n;
		}
	}
	return 0;
}

static int send_input(struct send *s)
{
	for (;;) {
		struct devmem_range space;
		int ret = get_space(s, &space);

		if (!ret)
			ret = fill(s, &space);
		if (ret || !space.size)
			return ret;
		ret = send_range(s, space);
		if (ret)
			return ret;
		ret = devmem_tx_ring_put(s->ring, &space, devmem_tx_last(s->tx));
		if (ret)
			return tx_failed(s, ret);
	}
}

static int drain(struct send *s)
{
	int result = 0;

	while (!result && devmem_tx_completed(s->tx) < devmem_tx_last(s->tx))
		result = wait_for(s, 0, -1, -1);
	return result;
}

static bool acknowledged(const struct send *s)
{
	int left;

	return ioctl(s->job->fd, SIOCOUTQ, &left) || !left;
}

/* Closes for sending, and waits until the peer has closed. */
static int finish(struct send *s)
{
	int result = 0;

	if (shutdown(s->job->fd, SHUT_WR)) {
		int errnum = errno;

		/* It is no connection any more, and why is more interesting. */
		result = check_connection(s);
		return result ? result : connection_failed(s, errnum);
	}
	s->shut = true;
	while (!result && !s->peer_closed)
		result = wait_for(s, 0, -1, -1);
	/* It may have closed before everything has arrived there. */
	while (!result && !acknowledged(s)) {
		if (signals_wait(-1, 0, ACKNOWLEDGED_AGAIN_MS) == -EINTR)
			return ending_signal(&s->result->ending);
		result = check_connection(s);
	}
	return result;
}

static void send_all(struct send *s)
{
	int result = send_input(s);

	if (!result)
		result = drain(s);
	if (s->start > 0)
		s->result->seconds = now_seconds() - s->start;
	if (!result)
		finish(s);
}

static void finish_sink(struct send *s)
{
	if (!s->sink_failed)
		ending_result(&s->result->ending, sink_finish(s->job->sink, s->result->sha256));
}

void send_stream(struct send_result *result, const struct ctl *ctl, const struct send_job *job)
{
	const struct linger reset = { .l_onoff = 1 };
	struct send s = { .result = result, .job = job };
	struct devmem_error err;
	void *bytes;

	memset(result, 0, sizeof(*result));
	if (devmem_region_map(job->setup->region, &bytes, &err) ||
	    devmem_tx_open(&s.tx, job->fd, job->setup->binding, NULL, &err)) {
		ending_error(&result->ending, &err);
		goto reset_connection;
	}
	s.bytes = bytes;
	if (devmem_tx_ring_open(&s.ring, s.tx, NULL, &err)) {
		ending_error(&result->ending, &err);
		goto close_tx;
	}
	if (ending_failed(&result->ending, sink_begin(job->sink)))
		goto close_ring;
	progress_init(&s.progress, ctl);
	send_all(&s);
	progress_clear(&s.progress);
	finish_sink(&s);

close_ring:
	devmem_tx_ring_close(s.ring);
close_tx:
	devmem_tx_stats(s.tx, &result->tx);
	devmem_tx_close(s.tx, DEVMEM_TX_ABANDON, 0);
reset_connection:
	if (!s.shut)
		setsockopt(job->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}
