// SPDX-License-Identifier: BSD-3-Clause
/* Receiving over loopback on the running kernel: no NIC, so every byte is a host byte, in the
 * receiver's buffer or in a placement region. */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "netns.h"

/* The byte at each place of the stream. */
static unsigned char byte_at(uint64_t pos)
{
	uint64_t x = pos / 8 * 0x9e3779b97f4a7c15ULL;

	return (unsigned char)((x ^ x >> 29) >> 8 * (pos % 8));
}

/* A process that sends that many bytes in pieces of odd sizes, and ends the stream or resets it. */
static int sender(int family, uint64_t bytes, unsigned int pause_us, bool reset, pid_t *pid)
{
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	ss.ss_family = (sa_family_t)family;
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&ss, &len), 0);
	fflush(stdout);
	*pid = fork();
	assert_true(*pid >= 0);
	if (!*pid) {
		unsigned char buf[65536];
		uint64_t pos = 0, n, i, k = 0;

		fd = accept(listener, NULL, NULL);
		while (pos < bytes) {
			n = 1 + (k++ * 7919) % sizeof(buf);
			n = n < bytes - pos ? n : bytes - pos;
			for (i = 0; i < n; i++)
				buf[i] = byte_at(pos + i);
			if (send(fd, buf, n, 0) != (ssize_t)n)
				_exit(1);
			pos += n;
			if (pause_us)
				usleep(pause_us);
		}
		if (reset) {
			struct linger linger = { .l_onoff = 1 };

			usleep(100000);
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		}
		close(fd);
		_exit(0);
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
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void check_bytes(const unsigned char *p, uint32_t n, uint64_t pos)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (p[i] != byte_at(pos + i))
			fail_msg("byte %llu is %#x", (unsigned long long)(pos + i), p[i]);
}

struct form {
	int family;
	bool placed;
	uint64_t bytes;
	uint32_t recv_max;
	uint64_t expect;
	unsigned int pause_us;
};

static void receive_all(const struct form *form)
{
	struct devmem_rx_options options = { .sz = sizeof(options), .recv_max = form->recv_max };
	const struct devmem_fragment *frags;
	struct devmem_region *region = NULL;
	struct devmem_error err = { 0 };
	struct devmem_rx_stats stats;
	struct devmem_rx *rx;
	void *base = NULL;
	uint64_t pos = 0;
	pid_t pid;
	int fd, i, n;

	if (form->placed) {
		if (devmem_region_open(&region, "memfd", 8 << 20, &err) ||
		    devmem_region_map(region, &base, &err))
			fail_msg("%s", err.message);
		options.placement = region;
	}
	fd = sender(form->family, form->bytes, form->pause_us, false, &pid);
	if (devmem_rx_open(&rx, fd, NULL, &options, &err))
		fail_msg("%s", err.message);
	if (form->expect)
		devmem_rx_expect(rx, form->expect);
	while ((n = devmem_rx_recv(rx, &frags, 0)) > 0) {
		for (i = 0; i < n; i++) {
			const struct devmem_fragment *f = &frags[i];

			if (form->placed) {
				assert_int_equal(f->kind, DEVMEM_FRAGMENT_DEVICE);
				assert_ptr_equal(f->region, region);
				assert_int_equal(f->dmabuf_id, 0);
				assert_true(f->offset + f->size <= devmem_region_size(region));
				check_bytes((unsigned char *)base + f->offset, f->size, pos);
			} else {
				assert_int_equal(f->kind, DEVMEM_FRAGMENT_HOST);
				check_bytes(f->host, f->size, pos);
			}
			pos += f->size;
		}
		devmem_rx_release(rx, frags, (size_t)n);
	}
	if (n < 0) {
		devmem_rx_explain(rx, n, &err);
		fail_msg("%s", err.message);
	}
	assert_true(pos == form->bytes);
	devmem_rx_stats(rx, &stats);
	assert_true(stats.bytes_device == 0);
	assert_true(stats.bytes_placed == (form->placed ? pos : 0));
	assert_true(stats.bytes_host == (form->placed ? 0 : pos));
	assert_true(stats.held_bytes == 0);
	assert_true(stats.fragments_missing == 0);
	devmem_rx_close(rx);
	close(fd);
	reap(pid);
	devmem_region_close(region);
}

static void test_streams(void **state)
{
	static const struct form forms[] = {
		{ AF_INET, false, 32 << 20, 0, 0, 0 },
		{ AF_INET, true, 32 << 20, 0, 0, 0 },
		{ AF_INET, true, 32 << 20, 65536, 32 << 20, 0 },
		{ AF_INET, true, 16 << 20, 4096, DEVMEM_RX_STREAM, 0 },
		{ AF_INET, false, 1, 0, 1, 0 },
		{ AF_INET, true, 1, 0, 0, 0 },
		{ AF_INET, true, 0, 0, 0, 0 },
		/* Expects more than ever comes, and a slow sender. */
		{ AF_INET, true, 300000, 0, 1 << 20, 1000 },
		{ AF_INET, false, 300000, 0, DEVMEM_RX_STREAM, 1000 },
		{ AF_INET6, true, 8 << 20, 0, DEVMEM_RX_STREAM, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		receive_all(&forms[i]);
}

/* Everything is held until the region is full: that is an error until something is released, and
 * not a wait without end. */
static void test_region_full(void **state)
{
	struct devmem_rx_options options = { .sz = sizeof(options), .recv_max = 65536 };
	struct devmem_fragment *kept = calloc(100000, sizeof(*kept));
	const struct devmem_fragment *frags;
	struct devmem_error err = { 0 };
	struct devmem_rx_stats stats;
	struct devmem_region *region;
	struct devmem_rx *rx;
	uint64_t pos = 0;
	size_t held = 0;
	void *base;
	pid_t pid;
	int fd, n, i;

	(void)state;
	assert_non_null(kept);
	assert_int_equal(devmem_region_open(&region, "memfd", 1 << 20, &err), 0);
	assert_int_equal(devmem_region_map(region, &base, &err), 0);
	options.placement = region;
	fd = sender(AF_INET, 4 << 20, 0, false, &pid);
	assert_int_equal(devmem_rx_open(&rx, fd, NULL, &options, &err), 0);
	for (;;) {
		n = devmem_rx_recv(rx, &frags, 0);
		if (n == -ENOBUFS) {
			assert_true(held > 0);
			devmem_rx_release(rx, kept, held);
			held = 0;
			continue;
		}
		if (n <= 0)
			break;
		for (i = 0; i < n; i++) {
			check_bytes((unsigned char *)base + frags[i].offset, frags[i].size, pos);
			pos += frags[i].size;
			kept[held++] = frags[i];
		}
	}
	assert_int_equal(n, 0);
	assert_true(pos == 4 << 20);
	devmem_rx_stats(rx, &stats);
	assert_true(stats.held_refusals > 0);
	assert_true(stats.held_bytes_max <= 1 << 20);
	devmem_rx_close(rx);
	close(fd);
	reap(pid);
	devmem_region_close(region);
	free(kept);
}

static void test_dontwait_and_reset(void **state)
{
	const struct devmem_fragment *frags;
	struct devmem_error err = { 0 };
	struct devmem_rx *rx;
	uint64_t pos = 0;
	pid_t pid;
	int fd, n;

	(void)state;
	fd = sender(AF_INET, 1000, 0, true, &pid);
	assert_int_equal(devmem_rx_open(&rx, fd, NULL, NULL, &err), 0);
	while (pos < 1000) {
		n = devmem_rx_recv(rx, &frags, DEVMEM_RX_DONTWAIT);
		if (n == -EAGAIN)
			continue;
		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			check_bytes(frags[i].host, frags[i].size, pos);
			pos += frags[i].size;
		}
	}
	assert_int_equal(devmem_rx_recv(rx, &frags, DEVMEM_RX_DONTWAIT), -EAGAIN);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), -ECONNRESET);
	devmem_rx_explain(rx, -ECONNRESET, &err);
	assert_non_null(strstr(err.message, "ECONNRESET"));
	devmem_rx_close(rx);
	close(fd);
	reap(pid);
}

static void test_no_tcp(void **state)
{
	struct devmem_error err = { 0 };
	struct devmem_rx *rx;
	int fd;

	(void)state;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(devmem_rx_open(&rx, fd, NULL, NULL, &err), -EPROTOTYPE);
	assert_null(rx);
	close(fd);
	fd = dup(STDERR_FILENO);
	assert_int_equal(devmem_rx_open(&rx, fd, NULL, NULL, &err), -ENOTSOCK);
	close(fd);
	assert_true(devmem_rx_open(&rx, fd, NULL, NULL, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_region_full),
		cmocka_unit_test(test_dontwait_and_reset),
		cmocka_unit_test(test_no_tcp),
	};

	netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
