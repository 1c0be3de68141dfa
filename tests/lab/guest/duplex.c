// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sends and receives on one connection at the same time, from one region and into another. The peer
 * sends everything back.
 *
 *	duplex poll DEV QUEUE PORT MIB		on one thread, with poll()
 *	duplex threads DEV QUEUE PORT MIB	on two threads, with calls that wait
 *
 * Compares each byte that comes back, and prints totals as NAME VALUE lines.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "streams.h"

#define REGION_SIZE (8U << 20)
#define CHUNK (100000U)

struct duplex {
	struct stream stream;
	struct devmem_netdev *netdev;
	struct devmem_reservation *reservation;
	struct devmem_region *from, *into;
	struct devmem_binding *binding_tx, *binding_rx;
	struct devmem_tx *tx;
	struct devmem_tx_ring *ring;
	uint64_t total, sent;
	/* Filled, and not sent yet. */
	struct devmem_range left, piece;
};

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position + 1) * 0x9e3779b97f4a7c15ULL >> 56);
}

/* ---- receiving ---- */

static void compare(struct duplex *d, const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte_at(d->stream.bytes + i))
			die("byte %llu is wrong", (unsigned long long)d->stream.bytes + i);
	d->stream.bytes += size;
}

static void check_and_release(struct duplex *d, const struct devmem_fragment *frags, int n)
{
	struct devmem_error err;
	void *bytes;
	int i;

	must(devmem_region_map(d->into, &bytes, &err), &err);
	must(devmem_region_sync(d->into, DEVMEM_SYNC_READ, &err), &err);
	for (i = 0; i < n; i++) {
		if (frags[i].kind == DEVMEM_FRAGMENT_HOST)
			compare(d, frags[i].host, frags[i].size);
		else
			compare(d, (const uint8_t *)bytes + frags[i].offset, frags[i].size);
	}
	must(devmem_region_sync(d->into, DEVMEM_SYNC_READ | DEVMEM_SYNC_END, &err), &err);
	devmem_rx_release(d->stream.rx, frags, (size_t)n);
}

/* Return: as devmem_rx_recv(); -EAGAIN is the only error. */
static int receive(struct duplex *d, unsigned int flags)
{
	const struct devmem_fragment *frags;
	struct devmem_error err;
	int n = devmem_rx_recv(d->stream.rx, &frags, flags);

	if (n > 0)
		check_and_release(d, frags, n);
	if (n < 0 && n != -EAGAIN) {
		devmem_rx_explain(d->stream.rx, n, &err);
		die("receiving: %s", err.message);
	}
	return n;
}

/* ---- sending ---- */

static void must_tx(struct duplex *d, int code)
{
	struct devmem_error err;

	if (!code)
		return;
	devmem_tx_explain(d->tx, code, &err);
	die("sending: %s", err.message);
}

/* Return: 0, or -EAGAIN. */
static int fill(struct duplex *d, unsigned int flags)
{
	uint64_t most = d->total - d->sent < CHUNK ? d->total - d->sent : CHUNK;
	uint8_t buf[CHUNK];
	struct devmem_error err;
	uint64_t i;
	int ret;

	ret = devmem_tx_ring_get(d->ring, 1, most, flags, &d->piece);
	if (ret == -EAGAIN)
		return ret;
	must_tx(d, ret);
	for (i = 0; i < d->piece.size; i++)
		buf[i] = byte_at(d->sent + i);
	must(devmem_region_write(d->from, d->piece.offset, buf, d->piece.size, &err), &err);
	d->left = d->piece;
	return 0;
}

/* Return: 0 when something was sent, or -EAGAIN. */
static int send_some(struct duplex *d, unsigned int flags)
{
	int64_t n;
	int ret;

	if (!d->left.size) {
		ret = fill(d, flags);
		if (ret)
			return ret;
	}
	n = devmem_tx_send(d->tx, &d->left, 1, flags, NULL);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < 0)
		must_tx(d, (int)n);
	d->sent += (uint64_t)n;
	d->left.offset += (uint64_t)n;
	d->left.size -= (uint64_t)n;
	if (!d->left.size)
		must_tx(d, devmem_tx_ring_put(d->ring, &d->piece, devmem_tx_last(d->tx)));
	return 0;
}

/* ---- both ---- */

static void with_poll(struct duplex *d)
{
	int shut = 0, n = -EAGAIN, timeout;

	while (n) {
		struct pollfd pfd = { .fd = d->stream.fd, .events = POLLIN };

		while (d->sent < d->total && !send_some(d, DEVMEM_TX_DONTWAIT))
			;
		if (d->left.size)
			pfd.events |= POLLOUT;
		if (!shut && d->sent == d->total &&
		    devmem_tx_completed(d->tx) == devmem_tx_last(d->tx))
			shut = !shutdown(d->stream.fd, SHUT_WR);
		timeout = devmem_rx_arm(d->stream.rx);
		if (timeout < -1)
			die("arm: %s", strerror(-timeout));
		if (poll(&pfd, 1, timeout) < 0)
			die("poll: %s", strerror(errno));
		if (pfd.revents & POLLERR) {
			int ret = devmem_tx_reap(d->tx, NULL, 0);

			must_tx(d, ret < 0 ? ret : 0);
		}
		n = receive(d, DEVMEM_RX_DONTWAIT);
	}
}

static void *send_all(void *arg)
{
	struct duplex *d = arg;

	while (d->sent < d->total)
		send_some(d, 0);
	must_tx(d, devmem_tx_wait(d->tx, DEVMEM_TX_ALL, -1));
	if (shutdown(d->stream.fd, SHUT_WR))
		die("shutdown: %s", strerror(errno));
	return NULL;
}

static void with_threads(struct duplex *d)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, send_all, d))
		die("no thread");
	while (receive(d, 0))
		;
	pthread_join(thread, NULL);
}

/* ---- set-up ---- */

static void set_up(struct duplex *d, const char *dev)
{
	const uint32_t queue = d->stream.queue;
	struct devmem_error err;

	d->stream.listener = listen_on(d->stream.port);
	must(devmem_netdev_open(&d->netdev, dev, &err), &err);
	must(devmem_region_open(&d->from, "udmabuf:huge=no", REGION_SIZE, &err), &err);
	must(devmem_region_open(&d->into, "heap:dmbar0", REGION_SIZE, &err), &err);
	must(devmem_reservation_open(&d->reservation, d->netdev, &queue, 1, NULL, &err), &err);
	steer_listener(d->reservation, d->stream.listener, queue);
	must(devmem_binding_open_rx(&d->binding_rx, d->into, d->netdev, &queue, 1, NULL, &err),
	     &err);
	must(devmem_binding_open_tx(&d->binding_tx, d->from, d->netdev, NULL, &err), &err);
	printf("ready\n");
	fflush(stdout);
	d->stream.fd = accept(d->stream.listener, NULL, NULL);
	if (d->stream.fd < 0)
		die("accept: %s", strerror(errno));
	must(devmem_rx_open(&d->stream.rx, d->stream.fd, d->binding_rx, NULL, &err), &err);
	must(devmem_tx_open(&d->tx, d->stream.fd, d->binding_tx, NULL, &err), &err);
	must(devmem_tx_ring_open(&d->ring, d->tx, NULL, &err), &err);
	devmem_rx_expect(d->stream.rx, d->total);
}

static void tear_down(struct duplex *d)
{
	struct devmem_rx_stats rx;
	struct devmem_tx_stats tx;
	struct devmem_error err;

	devmem_rx_stats(d->stream.rx, &rx);
	devmem_tx_stats(d->tx, &tx);
	printf("received %llu\nreceived_device %llu\nsent_device %llu\n"
	       "sends %llu\ncompleted %llu\ncopied %llu\n",
	       (unsigned long long)d->stream.bytes, (unsigned long long)rx.bytes_device,
	       (unsigned long long)tx.bytes_device, (unsigned long long)tx.sends,
	       (unsigned long long)tx.sends_completed, (unsigned long long)tx.sends_copied);
	devmem_tx_ring_close(d->ring);
	must_tx(d, devmem_tx_close(d->tx, DEVMEM_TX_DRAIN, 0));
	devmem_rx_close(d->stream.rx);
	close(d->stream.fd);
	close(d->stream.listener);
	devmem_binding_close(d->binding_tx);
	devmem_binding_close(d->binding_rx);
	must(devmem_reservation_close(d->reservation, &err), &err);
	devmem_region_close(d->from);
	devmem_region_close(d->into);
	devmem_netdev_close(d->netdev);
}

int main(int argc, char **argv)
{
	static struct duplex d;

	if (argc != 6 || (strcmp(argv[1], "poll") && strcmp(argv[1], "threads")))
		die("usage: duplex poll|threads DEV QUEUE PORT MIB");
	d.stream.queue = (uint32_t)strtoul(argv[3], NULL, 0);
	d.stream.port = (uint16_t)strtoul(argv[4], NULL, 0);
	d.total = strtoull(argv[5], NULL, 0) << 20;
	set_up(&d, argv[2]);
	if (!strcmp(argv[1], "poll"))
		with_poll(&d);
	else
		with_threads(&d);
	tear_down(&d);
	return 0;
}
