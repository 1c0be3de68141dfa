// SPDX-License-Identifier: BSD-3-Clause
/*
 * Several streams at once on one thread, on queues and regions of their own.
 *
 *	many DEV one|each SPEC SIZE QUEUE:PORT...
 *
 * one: a single region bound to all the queues; each: one region and binding for each queue. Stream
 * N goes to /out/stream.N. Prints one line for each stream: PORT QUEUE BINDING DEVICE-BYTES
 * HOST-BYTES.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "streams.h"

static struct stream streams[STREAMS_MAX];
static int nstreams;
/* Each of the streams' queues once. */
static uint32_t queues[STREAMS_MAX];
static size_t nqueues;

static void add_queue(uint32_t queue)
{
	size_t i;

	for (i = 0; i < nqueues; i++) {
		if (queues[i] == queue)
			return;
	}
	queues[nqueues++] = queue;
}

static void parse_streams(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && i < STREAMS_MAX; i++) {
		unsigned int queue, port;

		if (sscanf(argv[i], "%u:%u", &queue, &port) != 2 || port > 65535)
			die("%s: not QUEUE:PORT", argv[i]);
		streams[i].queue = queue;
		streams[i].port = (uint16_t)port;
	}
	nstreams = i;
}

/* One receive from one stream. Return: 0 at its end. */
static int receive(struct stream *stream)
{
	const struct devmem_fragment *frags;
	struct devmem_error err;
	int n;

	n = devmem_rx_recv(stream->rx, &frags, DEVMEM_RX_DONTWAIT);
	if (n == -EAGAIN || n == -EINTR)
		return 1;
	if (n < 0) {
		devmem_rx_explain(stream->rx, n, &err);
		die("%s", err.message);
	}
	write_fragments(stream, frags, n);
	devmem_rx_release(stream->rx, frags, (size_t)n);
	return n;
}

static void receive_all(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), open = nstreams, i;

	for (i = 0; i < nstreams; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		epoll_ctl(epoll, EPOLL_CTL_ADD, streams[i].fd, &event);
	}
	while (open) {
		struct epoll_event events[STREAMS_MAX];
		int timeout = -1, n;

		for (i = 0; i < nstreams; i++) {
			int wait = streams[i].fd >= 0 ? devmem_rx_arm(streams[i].rx) : -1;

			if (wait < -1)
				die("arm: %s", strerror(-wait));
			if (wait >= 0 && (timeout < 0 || wait < timeout))
				timeout = wait;
		}
		n = epoll_wait(epoll, events, STREAMS_MAX, timeout);
		/* A timeout: any stream may have bytes, fewer than its low-water mark. */
		for (i = 0; i < (n > 0 ? n : nstreams); i++) {
			struct stream *stream = &streams[n > 0 ? events[i].data.u32 : (uint32_t)i];

			if (stream->fd < 0 || receive(stream))
				continue;
			epoll_ctl(epoll, EPOLL_CTL_DEL, stream->fd, NULL);
			close(stream->fd);
			stream->fd = -1;
			open--;
		}
	}
	close(epoll);
}

int main(int argc, char **argv)
{
	struct devmem_binding *bindings[STREAMS_MAX] = { NULL };
	struct devmem_region *regions[STREAMS_MAX] = { NULL };
	struct devmem_reservation *reservation;
	struct devmem_netdev *netdev;
	struct devmem_error err;
	int i, each;

	if (argc < 6)
		die("usage: many DEV one|each SPEC SIZE QUEUE:PORT...");
	each = !strcmp(argv[2], "each");
	parse_streams(argc - 5, argv + 5);
	for (i = 0; i < nstreams; i++) {
		char path[32];

		add_queue(streams[i].queue);
		streams[i].listener = listen_on(streams[i].port);
		snprintf(path, sizeof(path), "/out/stream.%d", i);
		streams[i].out = create_file(path);
	}
	must(devmem_netdev_open(&netdev, argv[1], &err), &err);
	must(devmem_reservation_open(&reservation, netdev, queues, nqueues, NULL, &err), &err);
	for (i = 0; i < nstreams; i++)
		steer_listener(reservation, streams[i].listener, streams[i].queue);
	for (i = 0; i < (each ? nstreams : 1); i++) {
		must(devmem_region_open(&regions[i], argv[3], strtoull(argv[4], NULL, 0), &err),
		     &err);
		must(devmem_binding_open_rx(&bindings[i], regions[i], netdev,
					    each ? &streams[i].queue : queues, each ? 1 : nqueues,
					    NULL, &err),
		     &err);
	}
	printf("ready\n");
	fflush(stdout);
	for (i = 0; i < nstreams; i++) {
		streams[i].fd = accept4(streams[i].listener, NULL, NULL, SOCK_CLOEXEC);
		if (streams[i].fd < 0)
			die("accept: %s", strerror(errno));
		must(devmem_rx_open(&streams[i].rx, streams[i].fd, bindings[each ? i : 0], NULL,
				    &err),
		     &err);
		devmem_rx_expect(streams[i].rx, DEVMEM_RX_STREAM);
	}
	receive_all();
	for (i = 0; i < nstreams; i++) {
		struct devmem_rx_stats stats;

		devmem_rx_stats(streams[i].rx, &stats);
		printf("%u %u %u %llu %llu\n", streams[i].port, streams[i].queue,
		       devmem_binding_id(bindings[each ? i : 0]),
		       (unsigned long long)stats.bytes_device,
		       (unsigned long long)stats.bytes_host);
		devmem_rx_close(streams[i].rx);
	}
	for (i = 0; i < nstreams; i++)
		devmem_binding_close(bindings[i]);
	must(devmem_reservation_close(reservation, &err), &err);
	devmem_netdev_close(netdev);
	for (i = 0; i < nstreams; i++)
		devmem_region_close(regions[i]);
	return 0;
}
