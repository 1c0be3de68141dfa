// SPDX-License-Identifier: BSD-3-Clause
/*
 * Several connections on one thread, with an epoll loop of the application's own:
 *
 *	epoll 127.0.0.1 5000	and then, repeatedly: socat -u FILE TCP:127.0.0.1:5000
 *
 * devmem_rx_arm() is called before each wait. It may set a low-water mark, and then returns a time:
 * when that is over, the application receives even if epoll didn't report the connection.
 * It runs on any machine: each connection has a region for placement, and there is no binding.
 */
#include <devmem/devmem.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64

static struct connection {
	struct devmem_region *region; /* NULL: free */
	struct devmem_rx *rx;
	int fd;
	long long due; /* milliseconds on the monotonic clock; -1: when epoll reports it */
} connections[CONNECTIONS];

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void say(const char *what)
{
	fprintf(stderr, "epoll: %s\n", what);
}

static void end_connection(struct connection *c)
{
	struct devmem_rx_stats stats;

	devmem_rx_stats(c->rx, &stats);
	fprintf(stderr, "%llu bytes in %llu receives\n", (unsigned long long)stats.bytes_placed,
		(unsigned long long)stats.recv_calls);
	devmem_rx_close(c->rx);
	devmem_region_close(c->region);
	close(c->fd);
	c->region = NULL;
}

static void arm(struct connection *c)
{
	int ms = devmem_rx_arm(c->rx);

	/* The next receive reports an error again, so receive at once. */
	c->due = ms == -1 ? -1 : now_ms() + (ms < 0 ? 0 : ms);
}

static void receive(struct connection *c)
{
	const struct devmem_fragment *frags;
	struct devmem_error err;
	int n = devmem_rx_recv(c->rx, &frags, DEVMEM_RX_DONTWAIT);

	if (n > 0)
		devmem_rx_release(c->rx, frags, (size_t)n); /* after using them */
	if (n < 0 && n != -EAGAIN) {
		devmem_rx_explain(c->rx, n, &err);
		say(err.message);
	}
	if (n > 0 || n == -EAGAIN)
		arm(c);
	else
		end_connection(c);
}

static void begin_connection(int epoll, int fd)
{
	struct devmem_rx_options options = { .sz = sizeof(options) };
	struct epoll_event event = { .events = EPOLLIN };
	struct connection *c = connections;
	struct devmem_error err = { .message = "too many connections" };

	while (c < connections + CONNECTIONS - 1 && c->region)
		c++;
	if (c->region || devmem_region_open(&c->region, "memfd", 4 << 20, &err))
		goto refuse;
	options.placement = c->region;
	if (devmem_rx_open(&c->rx, fd, NULL, &options, &err))
		goto close_region;
	devmem_rx_expect(c->rx, DEVMEM_RX_STREAM);
	c->fd = fd;
	event.data.ptr = c;
	if (!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		arm(c);
		return;
	}
	snprintf(err.message, sizeof(err.message), "epoll_ctl: %s", strerror(errno));
	devmem_rx_close(c->rx);
close_region:
	devmem_region_close(c->region);
	c->region = NULL;
refuse:
	say(err.message);
	close(fd);
}

/* Milliseconds until the first connection is due; -1: none is. */
static int time_left(void)
{
	long long left, least = -1;

	for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
		left = c->due > now_ms() ? c->due - now_ms() : 0;
		if (c->region && c->due >= 0 && (least < 0 || left < least))
			least = left;
	}
	return (int)least;
}

int main(int argc, char **argv)
{
	struct epoll_event events[CONNECTIONS + 1], event = { .events = EPOLLIN };
	struct addrinfo *addr;
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener, n, i;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], NULL, &addr))
		return say("usage: epoll ADDRESS PORT"), 1;
	listener = socket(addr->ai_family, SOCK_STREAM, 0);
	if (bind(listener, addr->ai_addr, addr->ai_addrlen) || listen(listener, CONNECTIONS) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
		return say(strerror(errno)), 1;
	while ((n = epoll_wait(epoll, events, CONNECTIONS + 1, time_left())) >= 0) {
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr)
				receive(events[i].data.ptr);
			else
				begin_connection(epoll, accept(listener, NULL, NULL));
		}
		for (i = 0; i < CONNECTIONS; i++)
			if (connections[i].region && connections[i].due >= 0 &&
			    connections[i].due <= now_ms())
				receive(&connections[i]);
	}
	return say(strerror(errno)), 1;
}
