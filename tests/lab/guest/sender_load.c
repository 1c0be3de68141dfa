// SPDX-License-Identifier: BSD-3-Clause
/* Traffic of the program `sender`: many flows at once, and bytes of a region that are used again
 * and again. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sender.h"
#include "streams.h"

/* For waits that should end long before. */
#define PATIENCE_MS 30000
/* Ranges that a chunk is split into. */
#define PARTS 3

/* at, left: place and number of the bytes that are still to come; ranges, n: what is not sent yet
 * of the current chunk */
struct flow {
	struct conn *conn;
	uint64_t at, left;
	struct devmem_range list[PARTS], *ranges;
	size_t n;
	short events;
	int code;
};

static size_t all_flows(struct flow *flows, uint64_t bytes)
{
	size_t n = 0, i;

	for (i = 0; i < CONNS_MAX; i++) {
		if (!sender.conns[i].tx)
			continue;
		/* Each begins at a place of its own, not aligned. */
		flows[n] = (struct flow){ .conn = &sender.conns[i], .at = i * 4099, .left = bytes };
		n++;
	}
	return n;
}

/* What the flow sends next: it goes through the region, and at its end begins again. */
static void next_chunk(struct flow *flow, uint64_t chunk)
{
	uint64_t size = chunk < flow->left ? chunk : flow->left, part;

	flow->ranges = flow->list;
	for (flow->n = 0; size && flow->n < PARTS; flow->n++) {
		uint64_t offset = flow->at % sender.size;

		part = flow->n < PARTS - 1 ? size / 2 + 1 : size;
		if (part > sender.size - offset)
			part = sender.size - offset;
		flow->list[flow->n] = (struct devmem_range){ offset, part };
		flow->at += part;
		flow->left -= part;
		size -= part;
	}
}

static bool all_sent(const struct flow *flow)
{
	return !flow->n && !flow->left;
}

static int64_t send_next(struct flow *flow, uint64_t chunk, unsigned int flags)
{
	int64_t bytes;

	if (!flow->n)
		next_chunk(flow, chunk);
	bytes = devmem_tx_send(flow->conn->tx, flow->ranges, flow->n, flags, NULL);
	if (bytes > 0) {
		want_ranges(flow->conn, flow->ranges, flow->n, (uint64_t)bytes);
		devmem_tx_advance(&flow->ranges, &flow->n, (uint64_t)bytes);
	}
	return bytes;
}

/* Sends as much as fits. Return: 0 or a negative errno. */
static int send_available(struct flow *flow, uint64_t chunk)
{
	int64_t n = 1;

	flow->events = 0;
	while (n > 0 && !all_sent(flow))
		n = send_next(flow, chunk, DEVMEM_TX_DONTWAIT);
	if (n == -EAGAIN)
		flow->events = POLLOUT;
	return n == -EAGAIN || n == -ENOBUFS || n > 0 ? 0 : (int)n;
}

/* Checks that one call reports sends in ascending order, and counts them. Return: as
 * devmem_tx_reap(). */
int reap(struct conn *conn, struct devmem_tx_done *done, int n)
{
	uint64_t before = 0;
	int count, i;

	count = devmem_tx_reap(conn->tx, done, (size_t)n);
	for (i = 0; i < count; i++) {
		if (done[i].first <= before || done[i].last < done[i].first)
			die("completions out of order");
		before = done[i].last;
		conn->reported += done[i].last - done[i].first + 1;
	}
	return count;
}

/* Return: 0 or a negative errno. */
static int reap_all(struct conn *conn)
{
	struct devmem_tx_done done[4];
	int n;

	do {
		n = reap(conn, done, 4);
	} while (n == 4);
	return n < 0 ? n : 0;
}

static int flow_ended(const struct flow *flow)
{
	uint64_t last = devmem_tx_last(flow->conn->tx);

	return all_sent(flow) && devmem_tx_completed(flow->conn->tx) == last;
}

static int serve(struct flow *flow, uint64_t chunk, short revents)
{
	int code = 0;

	if (revents & POLLERR)
		code = reap_all(flow->conn);
	if (!code && !all_sent(flow))
		code = send_available(flow, chunk);
	return code;
}

static int poll_flows(struct flow *flows, size_t n, uint64_t chunk)
{
	struct pollfd pfds[CONNS_MAX];
	size_t i, open;
	int code;

	for (;;) {
		for (i = open = 0; i < n; i++) {
			int ended = flow_ended(&flows[i]);

			pfds[i].fd = ended ? -1 : flows[i].conn->fd;
			pfds[i].events = flows[i].events;
			open += !ended;
		}
		if (!open)
			return 0;
		code = poll(pfds, n, PATIENCE_MS);
		if (code <= 0)
			return code ? -errno : -ETIMEDOUT;
		for (i = 0; i < n; i++) {
			code = serve(&flows[i], chunk, pfds[i].revents);
			if (pfds[i].fd >= 0 && code) {
				flows[i].code = code;
				return code;
			}
		}
	}
}

/* Answers with the error of the first flow that failed, or with the sum. */
static void answer_flows(const struct flow *flows, size_t n)
{
	uint64_t sends = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (flows[i].code) {
			answer_tx_error(flows[i].conn, flows[i].code);
			return;
		}
		sends += devmem_tx_last(flows[i].conn->tx);
	}
	answer("ok %zu flows %llu sends", n, (unsigned long long)sends);
}

/* All connections at once, on one thread that waits with poll(). */
void load_poll(uint64_t bytes, uint64_t chunk)
{
	struct flow flows[CONNS_MAX];
	size_t n = all_flows(flows, bytes), i;
	int code = 0;

	for (i = 0; i < n && !code; i++)
		code = flows[i].code = send_available(&flows[i], chunk);
	if (!code)
		code = poll_flows(flows, n, chunk);
	if (code == -ETIMEDOUT) {
		answer_error(code, "not all is complete");
		return;
	}
	/* Plain sends are complete without an event. */
	for (i = 0; i < n && !code; i++)
		code = flows[i].code = reap_all(flows[i].conn);
	for (i = 0; i < n && !code; i++) {
		uint64_t last = devmem_tx_last(flows[i].conn->tx);

		if (flows[i].conn->reported != last)
			die("%llu sends reported of %llu",
			    (unsigned long long)flows[i].conn->reported, (unsigned long long)last);
	}
	answer_flows(flows, n);
}

struct job {
	struct flow *flow;
	uint64_t chunk;
	pthread_t thread;
};

static void *send_all(void *arg)
{
	struct job *job = arg;
	struct flow *flow = job->flow;
	int64_t n = 1;

	while (n > 0 && !all_sent(flow))
		n = send_next(flow, job->chunk, 0);
	flow->code = n < 0 ? (int)n : devmem_tx_wait(flow->conn->tx, DEVMEM_TX_ALL, PATIENCE_MS);
	return NULL;
}

/* All connections at once, each on a thread that waits in the library. */
void load_threads(uint64_t bytes, uint64_t chunk)
{
	struct flow flows[CONNS_MAX];
	size_t n = all_flows(flows, bytes), i;
	struct job jobs[CONNS_MAX];

	for (i = 0; i < n; i++) {
		jobs[i] = (struct job){ .flow = &flows[i], .chunk = chunk };
		if (pthread_create(&jobs[i].thread, NULL, send_all, &jobs[i]))
			die("cannot start a thread");
	}
	for (i = 0; i < n; i++)
		pthread_join(jobs[i].thread, NULL);
	answer_flows(flows, n);
}

static int in_flight(const struct conn *conn, const struct devmem_range *range)
{
	return devmem_tx_in_flight(conn->tx, range, NULL);
}

/* Sends all of the range; the peer must receive bytes. Return: 0 or a negative errno. */
static int send_whole(const struct conn *conn, struct devmem_range range, const uint8_t *bytes,
		      uint64_t *sequence)
{
	int64_t n = 0;

	for (; range.size; range.offset += (uint64_t)n, range.size -= (uint64_t)n) {
		n = devmem_tx_send(conn->tx, &range, 1, 0, sequence);
		if (n < 0)
			return (int)n;
		want_bytes(conn, bytes, (size_t)n);
		bytes += n;
	}
	return 0;
}

/* Sends the same bytes of the region again and again, and poisons them as soon as their send is
 * reported complete. */
void load_reuse(const struct conn *conn, uint64_t size, uint64_t rounds)
{
	const struct devmem_range range = { 0, size };
	uint8_t *buf = malloc(size);
	uint64_t round, sequence;
	int code = 0;

	if (!buf)
		die("no memory");
	for (round = 0; round < rounds; round++) {
		pattern(buf, round * size, size);
		region_put(0, buf, size);
		code = send_whole(conn, range, buf, &sequence);
		if (code)
			break;
		if (!in_flight(conn, &range))
			die("round %llu: sent, and not in flight", (unsigned long long)round);
		code = devmem_tx_wait(conn->tx, sequence, PATIENCE_MS);
		if (code)
			break;
		if (in_flight(conn, &range))
			die("round %llu: complete, and in flight", (unsigned long long)round);
		region_poison(&range);
	}
	free(buf);
	if (code)
		answer_tx_error(conn, code);
	else
		answer("ok %llu bytes", (unsigned long long)(rounds * size));
}

/* A stream through space of a ring, which is poisoned as soon as the ring hands it out. */
void load_ring(const struct conn *conn, const struct devmem_range *space, uint64_t chunk,
	       uint64_t total)
{
	uint64_t done = 0, sequence, pieces = 0;
	struct devmem_tx_ring *ring;
	uint8_t *buf = malloc(chunk);
	struct devmem_range piece;
	struct devmem_error err;
	int code;

	if (!buf)
		die("no memory");
	must(devmem_tx_ring_open(&ring, conn->tx, space, &err), &err);
	for (code = 0; done < total; done += piece.size, pieces++) {
		code = devmem_tx_ring_get(ring, 1, chunk < total - done ? chunk : total - done, 0,
					  &piece);
		if (code)
			break;
		if (piece.offset < space->offset || !piece.size ||
		    piece.offset + piece.size > space->offset + space->size)
			die("a piece that isn't of the ring");
		if (in_flight(conn, &piece))
			die("a piece that is in flight");
		region_poison(&piece);
		pattern(buf, done, piece.size);
		region_put(piece.offset, buf, piece.size);
		code = send_whole(conn, piece, buf, &sequence);
		if (code)
			break;
		code = devmem_tx_ring_put(ring, &piece, sequence);
		if (code)
			break;
	}
	if (!code)
		code = devmem_tx_wait(conn->tx, DEVMEM_TX_ALL, PATIENCE_MS);
	devmem_tx_ring_close(ring);
	free(buf);
	if (code)
		answer_tx_error(conn, code);
	else
		answer("ok %llu bytes %llu pieces", (unsigned long long)done,
		       (unsigned long long)pieces);
}
