// SPDX-License-Identifier: BSD-3-Clause
/* Sending over loopback on the running kernel: plain senders from end to end; the error queue's
 * codec and the record of sends in flight with completions of host memory, which loopback copies;
 * the route of a connection. */
#include <devmem/devmem.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tx/errqueue.h"
#include "tx/inflight.h"
#include "netns.h"
#include "nic/route.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

/* The byte at each place of the stream. */
static unsigned char byte_at(uint64_t pos)
{
	uint64_t x = pos / 8 * 0x9e3779b97f4a7c15ULL;

	return (unsigned char)((x ^ x >> 29) >> 8 * (pos % 8));
}

/* A process that reads that many bytes, checks them, and waits for the end. Return: a socket that
 * is connected to it. */
static int receiver(int family, const struct sockaddr_storage *addr, uint64_t bytes, pid_t *pid)
{
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (addr)
		ss = *addr;
	ss.ss_family = (sa_family_t)family;
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&ss, &len), 0);
	fflush(stdout);
	*pid = fork();
	assert_true(*pid >= 0);
	if (!*pid) {
		static unsigned char buf[65536];
		uint64_t pos = 0;
		ssize_t n, i;

		fd = accept(listener, NULL, NULL);
		while (pos < bytes && (n = read(fd, buf, sizeof(buf))) > 0)
			for (i = 0; i < n; i++)
				if (buf[i] != byte_at(pos++))
					_exit(1);
		/* And nothing more. */
		_exit(pos == bytes && read(fd, buf, 1) == 0 ? 0 : 2);
	}
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	close(listener);
	return fd;
}

static void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- plain senders ---- */

struct world {
	struct devmem_netdev *netdev;
	struct devmem_region *region;
	struct devmem_binding *binding;
	unsigned char *bytes;
};

/* There is no NIC, and mostly no udmabuf either: a plain binding on the given kind of region. */
static void world_open(struct world *w, const char *spec, uint64_t size)
{
	const struct devmem_binding_options options = { .sz = sizeof(options),
							.flags = DEVMEM_BINDING_PLAIN_OK };
	struct devmem_error err = { 0 };
	void *base = NULL;

	memset(w, 0, sizeof(*w));
	if (devmem_netdev_open(&w->netdev, "lo", &err))
		fail_msg("%s", err.message);
	if (devmem_region_open(&w->region, spec, size, &err)) {
		printf("skipped: %s\n", err.message);
		devmem_netdev_close(w->netdev);
		skip();
	}
	if (devmem_binding_open_tx(&w->binding, w->region, w->netdev, &options, &err) ||
	    devmem_region_map(w->region, &base, &err))
		fail_msg("%s", err.message);
	w->bytes = base;
	assert_int_equal(devmem_binding_is_plain(w->binding), 1);
	assert_non_null(devmem_binding_note(w->binding));
	assert_int_equal(devmem_binding_id(w->binding), 0);
}

static void world_close(struct world *w)
{
	devmem_binding_close(w->binding);
	devmem_region_close(w->region);
	devmem_netdev_close(w->netdev);
}

/* A stream in pieces of odd sizes, through a ring. */
static void send_all(const char *spec, int family, uint64_t bytes, bool nonblock, bool dontwait)
{
	struct devmem_error err = { 0 };
	struct devmem_tx_stats stats;
	struct devmem_tx_ring *ring;
	struct devmem_tx *tx;
	uint64_t pos = 0, i, sequence;
	struct world w;
	int fd, ret;
	pid_t pid;

	world_open(&w, spec, 2 << 20);
	fd = receiver(family, NULL, bytes, &pid);
	if (nonblock)
		assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	if (devmem_tx_open(&tx, fd, w.binding, NULL, &err))
		fail_msg("%s", err.message);
	assert_int_equal(devmem_tx_ring_open(&ring, tx, NULL, &err), 0);
	while (pos < bytes) {
		struct devmem_range space, list[2], *left = list;
		size_t n = 2;

		assert_int_equal(devmem_tx_ring_get(ring, 2, 2 + pos * 7919 % 300000, 0, &space),
				 0);
		if (space.size > bytes - pos)
			space.size = bytes - pos;
		for (i = 0; i < space.size; i++)
			w.bytes[space.offset + i] = byte_at(pos + i);
		list[0] = (struct devmem_range){ space.offset, (space.size + 1) / 2 };
		list[1] = (struct devmem_range){ space.offset + list[0].size,
						 space.size - list[0].size };
		if (!list[1].size)
			n = 1;
		while (n) {
			int64_t sent = devmem_tx_send(tx, left, n,
						      dontwait ? DEVMEM_TX_DONTWAIT : 0, &sequence);

			if (sent == -EAGAIN) {
				struct pollfd pfd = { .fd = fd, .events = POLLOUT };

				assert_true(dontwait);
				assert_int_equal(poll(&pfd, 1, 10000), 1);
				continue;
			}
			if (sent < 0) {
				devmem_tx_explain(tx, (int)sent, &err);
				fail_msg("%s", err.message);
			}
			devmem_tx_advance(&left, &n, (uint64_t)sent);
		}
		pos += space.size;
		assert_int_equal(devmem_tx_ring_put(ring, &space, sequence), 0);
	}
	devmem_tx_stats(tx, &stats);
	assert_true(stats.bytes_plain == bytes);
	assert_true(stats.bytes_device == 0);
	assert_true(stats.sends == stats.sends_completed && stats.sends == devmem_tx_last(tx));
	assert_true(!stats.sync_calls == !devmem_region_is_dmabuf(w.region));
	devmem_tx_ring_close(ring);
	ret = devmem_tx_close(tx, DEVMEM_TX_DRAIN, 0);
	assert_int_equal(ret, 0);
	close(fd);
	reap(pid);
	world_close(&w);
}

static void test_plain(void **state)
{
	(void)state;
	send_all("memfd", AF_INET, 20 << 20, false, false);
	send_all("memfd", AF_INET6, 20 << 20, true, false);
	send_all("memfd", AF_INET, 20 << 20, true, true);
	send_all("memfd", AF_INET, 20 << 20, false, true);
	send_all("memfd", AF_INET, 1, false, false);
}

static void test_plain_udmabuf(void **state)
{
	(void)state;
	if (access("/dev/udmabuf", R_OK | W_OK)) {
		printf("skipped: no /dev/udmabuf\n");
		skip();
	}
	send_all("udmabuf", AF_INET, 20 << 20, true, true);
}

/* The peer is gone. */
static void test_plain_over(void **state)
{
	const struct devmem_range range = { 0, 1 << 20 };
	const struct linger now = { .l_onoff = 1 };
	struct devmem_error err = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int listener, fd, peer, i;
	struct devmem_tx *tx;
	struct world w;
	int64_t ret = 0;

	(void)state;
	world_open(&w, "memfd", 1 << 20);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(devmem_tx_open(&tx, fd, w.binding, NULL, &err), -ENOTCONN);
	assert_non_null(strstr(err.message, "connected"));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(devmem_tx_open(&tx, fd, w.binding, NULL, &err), 0);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer);
	for (i = 0; i < 3 && ret >= 0; i++)
		ret = devmem_tx_send(tx, &range, 1, 0, NULL);
	assert_true(ret == -ECONNRESET || ret == -EPIPE);
	devmem_tx_explain(tx, (int)ret, &err);
	assert_non_null(strstr(err.message, "over"));
	assert_int_equal(devmem_tx_close(tx, DEVMEM_TX_ABANDON, 0), 0);
	close(fd);
	close(listener);
	world_close(&w);
}

static void test_no_such_sockets(void **state)
{
	struct devmem_error err = { 0 };
	struct devmem_tx *tx;
	struct world w;
	int fd;

	(void)state;
	world_open(&w, "memfd", 1 << 20);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(devmem_tx_open(&tx, fd, w.binding, NULL, &err), -EPROTOTYPE);
	close(fd);
	assert_int_equal(devmem_tx_open(&tx, fd, w.binding, NULL, &err), -EBADF);
	fd = dup(STDERR_FILENO);
	assert_int_equal(devmem_tx_open(&tx, fd, w.binding, NULL, &err), -ENOTSOCK);
	assert_null(tx);
	close(fd);
	world_close(&w);
}

/* ---- completions of the kernel ---- */

/* Reads messages until there are none. Return: how many there were. */
static unsigned int read_queue(int fd, struct inflight *f, uint64_t *sends)
{
	unsigned int n = 0;

	for (;; n++) {
		union {
			struct cmsghdr align;
			char bytes[ERRQUEUE_CONTROL_SIZE];
		} control;
		struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
		struct errqueue_notice notice;
		uint64_t known, unknown;
		ssize_t ret = recvmsg(fd, &msg, MSG_ERRQUEUE);

		if (ret < 0) {
			assert_int_equal(errno, EAGAIN);
			return n;
		}
		assert_int_equal(ret, 0);
		assert_int_equal(msg.msg_flags & (MSG_ERRQUEUE | MSG_CTRUNC), MSG_ERRQUEUE);
		assert_int_equal(errqueue_parse(&control, msg.msg_controllen, &notice), 1);
		/* Loopback copies. */
		assert_true(notice.copied);
		assert_int_equal(inflight_complete(f, notice.low, notice.high, &known, &unknown),
				 0);
		assert_int_equal(unknown, 0);
		assert_true(known > 0);
		*sends += known;
	}
}

static void completions(int family)
{
	const struct devmem_range range = { 0, 30000 };
	unsigned char *buf = malloc(30000 * 200);
	uint64_t sends = 0, pos = 0, i;
	struct inflight_source *source;
	struct devmem_tx_done done;
	struct inflight *f;
	int fd, on = 1, k;
	pid_t pid;

	assert_non_null(buf);
	assert_int_equal(inflight_open(&f, 1000, 0), 0);
	assert_int_equal(inflight_add_source(f, &source, 1000), 0);
	for (i = 0; i < 30000 * 200; i++)
		buf[i] = byte_at(i);
	fd = receiver(family, NULL, 30000 * 200, &pid);
	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		fail_msg("SO_ZEROCOPY: %s", strerror(errno));
	/* A send that fails gets no number. */
	assert_int_equal(send(fd, (void *)(uintptr_t)4096, 1, MSG_ZEROCOPY | MSG_NOSIGNAL), -1);
	for (k = 0; k < 200; k++) {
		struct pollfd pfd = { .fd = fd };
		ssize_t n = send(fd, buf + pos, range.size, MSG_ZEROCOPY | MSG_NOSIGNAL);

		if (n < 0 && errno == ENOBUFS) {
			assert_int_equal(poll(&pfd, 1, 10000), 1);
			assert_int_equal(pfd.revents & POLLERR, POLLERR);
			assert_true(read_queue(fd, f, &sends) > 0);
			k--;
			continue;
		}
		assert_int_equal(n, range.size);
		pos += range.size;
		inflight_send(f, source, &range, range.size);
		if (k % 20 == 19)
			read_queue(fd, f, &sends);
	}
	while (inflight_completed(f) < 200) {
		struct pollfd pfd = { .fd = fd };

		assert_int_equal(poll(&pfd, 1, 10000), 1);
		read_queue(fd, f, &sends);
	}
	assert_int_equal(sends, 200);
	assert_int_equal(inflight_report(f, &done, 1), 1);
	assert_true(done.first == 1 && done.last == 200);
	close(fd);
	reap(pid);
	inflight_close(f);
	free(buf);
}

static void test_completions(void **state)
{
	(void)state;
	completions(AF_INET);
	completions(AF_INET6);
}

/* ---- routes ---- */

static void test_routes(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage mapped = { 0 };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&mapped;
	struct route route;
	unsigned int mark = 7;
	pid_t pid;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		fd = receiver(families[i], NULL, 0, &pid);
		memset(&route, 0x5a, sizeof(route));
		assert_int_equal(route_of_socket(fd, &route), 0);
		assert_int_equal(route.ifindex, 1);
		assert_string_equal(route.name, "lo");
		/* Bound, and marked. */
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
		setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
		assert_int_equal(route_of_socket(fd, &route), 0);
		assert_string_equal(route.name, "lo");
		close(fd);
		reap(pid);
	}
	/* IPv4 in IPv6. */
	in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
	in6->sin6_addr.s6_addr[12] = 127;
	in6->sin6_addr.s6_addr[15] = 1;
	fd = receiver(AF_INET6, &mapped, 0, &pid);
	assert_int_equal(route_of_socket(fd, &route), 0);
	assert_string_equal(route.name, "lo");
	close(fd);
	reap(pid);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(route_of_socket(fd, &route), -ENOTCONN);
	close(fd);
	assert_int_equal(route_of_socket(-1, &route), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	    cmocka_unit_test(test_plain_udmabuf),
		cmocka_unit_test(test_plain_over),  cmocka_unit_test(test_no_such_sockets),
		cmocka_unit_test(test_completions), cmocka_unit_test(test_routes),
	};

	netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
