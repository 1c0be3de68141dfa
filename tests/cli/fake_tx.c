/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending through the fake interface: the bytes go over loopback with MSG_ZEROCOPY, from the
 * region's mapping, so that completions come to the socket's error queue as those of device memory
 * do. FAKE_SEND makes sends fail or stay incomplete:
 *
 *	partial	each send is of 1000 bytes at most
 *	one	no send as long as another one is in flight: ENOBUFS
 *	none	every send fails: ENOBUFS
 *	lost	the third send fails: ENODEV
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

#include <devmem/devmem.h>

#include "fake.h"

#define PARTS 4

struct devmem_tx {
	int fd;
	bool plain;
	uint8_t *bytes;
	uint64_t size;
	uint64_t done; /* sends complete, from the first on: TCP completes them in order */
	struct devmem_tx_stats stats;
};

/* The region in equal parts, each for one piece. */
struct devmem_tx_ring {
	struct devmem_tx *tx;
	uint64_t part_size;
	uint64_t sequence[PARTS]; /* of the last send from there */
	unsigned int next;
};

static struct devmem_tx the_tx;
static struct devmem_tx_ring the_ring;

static bool hard(const char *how)
{
	const char *given = getenv("FAKE_SEND");

	return given && !strcmp(given, how);
}

int devmem_tx_open(struct devmem_tx **tx, int fd, struct devmem_binding *binding,
		   const struct devmem_tx_options *options, struct devmem_error *err)
{
	struct devmem_region *region = fake_region_of(binding);
	const int on = 1;
	void *bytes;

	(void)options;
	if (fake_called(err, "tx_open", "%s", ""))
		return -EBUSY;
	if (devmem_region_map(region, &bytes, err))
		return err->code;
	setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on));
	the_tx = (struct devmem_tx){
		.fd = fd,
		.plain = devmem_binding_is_plain(binding),
		.bytes = bytes,
		.size = devmem_region_size(region),
	};
	*tx = &the_tx;
	return 0;
}

int devmem_tx_close(struct devmem_tx *tx, unsigned int how, int timeout_ms)
{
	(void)timeout_ms;
	fake_called(NULL, "tx_close", " %s, %s", how == DEVMEM_TX_ABANDON ? "abandon" : "drain",
		    tx->stats.in_flight_sends ? "some in flight" : "none in flight");
	return 0;
}

int64_t devmem_tx_send(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
		       unsigned int flags, uint64_t *sequence)
{
	size_t size = ranges->size;
	ssize_t sent;

	(void)n;
	(void)flags;
	(void)sequence;
	tx->stats.send_calls++;
	if (!size || ranges->offset + size > tx->size)
		return -ERANGE;
	if (hard("none") || (hard("one") && tx->stats.in_flight_sends))
		return -ENOBUFS;
	if (hard("lost") && tx->stats.sends == 2)
		return -ENODEV;
	if (hard("partial") && size > 1000)
		size = 1000;
	sent = send(tx->fd, tx->bytes + ranges->offset, size,
		    MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	tx->stats.sends++;
	tx->stats.in_flight_sends++;
	if (tx->plain)
		tx->stats.bytes_plain += (uint64_t)sent;
	else
		tx->stats.bytes_device += (uint64_t)sent;
	return sent;
}

/* One message of the error queue. Return: its sends, 0 if there is no message. */
static uint32_t read_completion(int fd)
{
	char space[128];
	struct msghdr msg = { .msg_control = space, .msg_controllen = sizeof(space) };
	struct sock_extended_err ee;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 || !CMSG_FIRSTHDR(&msg))
		return 0;
	memcpy(&ee, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(ee));
	return ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY ? ee.ee_data - ee.ee_info + 1 : 0;
}

int devmem_tx_reap(struct devmem_tx *tx, struct devmem_tx_done *done, size_t n)
{
	uint32_t sends;

	(void)done;
	(void)n;
	while ((sends = read_completion(tx->fd))) {
		tx->stats.completions++;
		tx->done += sends;
	}
	tx->stats.in_flight_sends = tx->stats.sends - tx->done;
	return 0;
}

uint64_t devmem_tx_last(const struct devmem_tx *tx)
{
	return tx->stats.sends;
}

uint64_t devmem_tx_completed(const struct devmem_tx *tx)
{
	return tx->done;
}

void devmem_tx_stats(const struct devmem_tx *tx, struct devmem_tx_stats *stats)
{
	*stats = tx->stats;
}

void devmem_tx_explain(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	(void)tx;
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->kind = DEVMEM_ERROR_REFUSED;
	snprintf(err->message, sizeof(err->message), "fake0: explained: %s", strerror(-code));
}

int devmem_tx_ring_open(struct devmem_tx_ring **ring, struct devmem_tx *tx,
			const struct devmem_range *space, struct devmem_error *err)
{
	(void)space;
	the_ring = (struct devmem_tx_ring){ .tx = tx, .part_size = tx->size / PARTS };
	*ring = &the_ring;
	return fake_called(err, "ring_open", "%s", "");
}

void devmem_tx_ring_close(struct devmem_tx_ring *ring)
{
	(void)ring;
}

int devmem_tx_ring_get(struct devmem_tx_ring *ring, uint64_t min, uint64_t max, unsigned int flags,
		       struct devmem_range *space)
{
	(void)min;
	(void)flags;
	if (ring->sequence[ring->next] > ring->tx->done)
		return -EAGAIN;
	space->offset = ring->next * ring->part_size;
	space->size = max < ring->part_size ? max : ring->part_size;
	return 0;
}

int devmem_tx_ring_put(struct devmem_tx_ring *ring, const struct devmem_range *space,
		       uint64_t sequence)
{
	ring->sequence[space->offset / ring->part_size] = sequence;
	ring->next = (ring->next + 1) % PARTS;
	return 0;
}
