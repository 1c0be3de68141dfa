// SPDX-License-Identifier: BSD-3-Clause
/*
 * A receiver that misbehaves: it keeps all fragments until the pool is empty, or closes its binding
 * in the middle.
 *
 *	hold DEV QUEUE PORT starve SIZE	receives and releases nothing until nothing has come for
 *					two seconds, then releases all
 *	hold DEV QUEUE PORT unbind SIZE	closes the binding after a quarter of SIZE bytes of stream,
 *					and goes on receiving; once bytes come in host memory, it
 *					lets them pile up before it receives more
 *
 * The region is udmabuf of SIZE bytes. The stream goes to /out/stream. Prints totals as NAME
 * VALUE lines.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "streams.h"

#define KEPT_MAX (1 << 20)
/* Bytes that pile up, the receive buffer for them (a byte can cost nearly three), and how long to
 * wait for them. */
#define PILE (2 << 20)
#define PILE_BUFFER (16 << 20)
#define PILE_MS 20000

static struct devmem_fragment kept[KEPT_MAX];
static int nkept;
static uint32_t host_max; /* largest HOST fragment */

static void say(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
	fflush(stdout);
}

static int receive(struct stream *stream, const struct devmem_fragment **frags, unsigned int flags)
{
	struct devmem_error err;
	int n, i;

	n = devmem_rx_recv(stream->rx, frags, flags);
	if (n < 0 && n != -EAGAIN) {
		devmem_rx_explain(stream->rx, n, &err);
		die("%s", err.message);
	}
	if (n > 0)
		write_fragments(stream, *frags, n);
	for (i = 0; i < n; i++) {
		if ((*frags)[i].kind == DEVMEM_FRAGMENT_HOST && (*frags)[i].size > host_max)
			host_max = (*frags)[i].size;
	}
	return n;
}

static void allow_pile(int listener)
{
	const int size = PILE_BUFFER;

	if (setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("SO_RCVBUFFORCE: %s", strerror(errno));
}

/* Receives nothing until PILE bytes are there: the next receive gets them in a single fragment. */
static void let_pile_up(int fd)
{
	int queued = 0, ms;

	for (ms = 0; ms < PILE_MS && !ioctl(fd, FIONREAD, &queued) && queued < PILE; ms += 10)
		usleep(10000);
}

/* Receives without releasing anything, until nothing has come for two seconds. */
static void starve(struct stream *stream)
{
	const struct devmem_fragment *frags;
	int n;

	for (;;) {
		struct pollfd pfd = { .fd = stream->fd, .events = POLLIN };

		if (!poll(&pfd, 1, 2000))
			return;
		n = receive(stream, &frags, DEVMEM_RX_DONTWAIT);
		if (n == 0)
			die("the stream ended before the pool was empty: %llu bytes",
			    (unsigned long long)stream->bytes);
		if (n < 0)
			continue;
		if (nkept + n > KEPT_MAX)
			die("too many fragments");
		memcpy(kept + nkept, frags, (size_t)n * sizeof(kept[0]));
		nkept += n;
	}
}

int main(int argc, char **argv)
{
	struct devmem_binding_options options = { .sz = sizeof(options), .held_max = UINT64_MAX };
	const struct devmem_fragment *frags;
	struct stream stream = { 0 };
	struct devmem_reservation *reservation;
	struct devmem_binding *binding;
	struct devmem_region *region;
	struct devmem_netdev *netdev;
	struct devmem_qstats qstats;
	struct devmem_rx_stats stats;
	struct devmem_error err;
	uint64_t size;
	int n, unbind, piled = 0;

	if (argc != 6)
		die("usage: hold DEV QUEUE PORT starve|unbind SIZE");
	stream.queue = (uint32_t)strtoul(argv[2], NULL, 0);
	stream.port = (uint16_t)strtoul(argv[3], NULL, 0);
	unbind = !strcmp(argv[4], "unbind");
	size = strtoull(argv[5], NULL, 0);
	stream.out = create_file("/out/stream");
	stream.listener = listen_on(stream.port);
	if (unbind)
		allow_pile(stream.listener);
	must(devmem_netdev_open(&netdev, argv[1], &err), &err);
	must(devmem_region_open(&region, "udmabuf", size, &err), &err);
	must(devmem_reservation_open(&reservation, netdev, &stream.queue, 1, NULL, &err), &err);
	steer_listener(reservation, stream.listener, stream.queue);
	must(devmem_binding_open_rx(&binding, region, netdev, &stream.queue, 1, &options, &err),
	     &err);
	say("ready", devmem_binding_id(binding));
	stream.fd = accept4(stream.listener, NULL, NULL, SOCK_CLOEXEC);
	if (stream.fd < 0)
		die("accept: %s", strerror(errno));
	must(devmem_rx_open(&stream.rx, stream.fd, binding, NULL, &err), &err);

	if (!unbind) {
		starve(&stream);
		must(devmem_netdev_qstats(netdev, stream.queue, &qstats, &err), &err);
		say("starved_at", stream.bytes);
		say("alloc_fail", qstats.rx_alloc_fail);
		say("kept", (uint64_t)nkept);
		devmem_rx_release(stream.rx, kept, (size_t)nkept);
	}
	devmem_rx_expect(stream.rx, DEVMEM_RX_STREAM);
	while ((n = receive(&stream, &frags, 0)) > 0) {
		devmem_rx_release(stream.rx, frags, (size_t)n);
		if (unbind && binding && stream.bytes > size / 4) {
			devmem_binding_close(binding);
			binding = NULL;
			say("unbound_at", stream.bytes);
		}
		if (unbind && !binding && !piled && host_max) {
			piled = 1;
			let_pile_up(stream.fd);
		}
	}
	devmem_rx_stats(stream.rx, &stats);
	say("bytes", stream.bytes);
	say("bytes_device", stats.bytes_device);
	say("bytes_host", stats.bytes_host);
	say("host_max", host_max);
	say("held", stats.held_fragments);
	say("missing", stats.fragments_missing);
	devmem_rx_close(stream.rx);
	close(stream.fd);
	devmem_binding_close(binding);
	must(devmem_reservation_close(reservation, &err), &err);
	devmem_netdev_close(netdev);
	devmem_region_close(region);
	return 0;
}
