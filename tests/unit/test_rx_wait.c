// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: how long it waits, for how much, and that it never waits for what can't come. */
#include "test_rx_app.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "bind/held.h"
#include "core/sys.h"

#define PAGE 4096U
#define MIB (1U << 20)
#define WAIT 20 /* default of lowat_wait_ms */

static struct fake_pool *pool;
static struct devmem_binding *binding;
static int fd;

static int setup(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

static void begin(uint64_t size)
{
	pool = fake_pool_new(size, PAGE, 7);
	binding = fake_pool_binding(pool, size / 4);
	fd = fake_socket(pool);
}

/* A packet each `every`, of so many bytes. */
static void steady(int sock, uint64_t from, uint64_t every, uint32_t packets, uint32_t bytes,
		   uint32_t frag)
{
	uint32_t i;

	for (i = 0; i < packets; i++)
		fake_send_device(sock, from + i * every, bytes, frag);
}

/* ---- a known length ---- */

/* Exactly what was asked for wakes it, at the moment it is there, in one wait. */
static void test_message(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	steady(fd, 0, FAKE_MS / 10, 50, 4000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 200000);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 200000);
	assert_int_equal(fake_now(), 49 * (FAKE_MS / 10));
	assert_int_equal(fake_counts(fd).poll, 1);
	assert_int_equal(fake_counts(fd).recv, 1);
	assert_int_equal(fake_counts(fd).lowat, 1);
	app_close(&app);
	assert_int_equal(fake_socket_get_lowat(fd), 1);
}

/* As much as one receive may bring: there is more, most likely, so the next doesn't wait. */
static void check_full(const struct devmem_rx_options *o, uint32_t packet, int first, int second)
{
	struct app app;

	begin(64 * MIB);
	steady(fd, 0, 0, (uint32_t)(first + second), packet, PAGE);
	app_open(&app, fd, pool, binding, o);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	assert_int_equal(app_recv(&app, 0), first);
	assert_int_equal(fake_counts(fd).poll, 1);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), second);
	assert_int_equal(fake_counts(fd).poll, 1);
	assert_int_equal(fake_counts(fd).recv, 2);
	app_close(&app);
}

static void test_full(void **state)
{
	(void)state;
	check_full(&(struct devmem_rx_options){ .recv_max = 40000 }, 4000, 10, 5);
	/* Control space for 16, and what is for other messages. */
	check_full(&(struct devmem_rx_options){ .fragments_max = 16, .lowat_max = 2000 }, 100, 22,
		   8);
}

/* Longer than the mark may be: the last wait is for the tail, not for a byte more. */
static void test_message_tail(void **state)
{
	const uint32_t total = 5 * MIB + 12345;
	uint32_t sent, n;
	struct app app;

	(void)state;
	begin(64 * MIB);
	for (sent = 0; sent < total; sent += n) {
		n = total - sent < 9000 ? total - sent : 9000;
		fake_send_device(fd, sent, n, PAGE); /* 1 GB/s */
	}
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, total);
	while (app.pos < total) {
		assert_true(app_recv(&app, 0) > 0);
		app_release_all(&app);
	}
	/* The last byte is handed out the moment it arrives. */
	assert_int_equal(fake_now(), fake_arrival(fd, total - 1));
	assert_int_equal(app_stats(&app).lowat_timeouts, 0);
	assert_in_range(fake_counts(fd).recv, 3, 5);
	app_close(&app);
}

/* Message after message, the next one already behind: each is handed out when it is complete. */
static void test_messages(void **state)
{
	uint64_t end = 0;
	struct app app;
	uint32_t i;

	(void)state;
	begin(64 * MIB);
	for (i = 0; i < 200; i++) {
		uint32_t size = 100 + i * 997 % 60000;

		/* In two halves, 3 ms apart, 2 ms between messages. */
		fake_send_device(fd, (5 * i) * FAKE_MS, size - size / 3, 1448);
		fake_send_device(fd, (5 * i + 3) * FAKE_MS, size / 3, 1448);
	}
	app_open(&app, fd, pool, binding, NULL);
	for (i = 0; i < 200; i++) {
		end += 100 + i * 997 % 60000;
		devmem_rx_expect(app.rx, end - app.pos);
		while (app.pos < end) {
			assert_true(app_recv(&app, 0) > 0);
			app_release_all(&app);
		}
		assert_int_equal(fake_now(), fake_arrival(fd, end - 1));
	}
	assert_int_equal(app_stats(&app).lowat_timeouts, 0);
	assert_int_equal(fake_counts(fd).recv, 200);
	app_close(&app);
}

/* More than ever comes: late by no more than the bound; then the end is reported at once. */
static void test_expects_too_much(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_send_device(fd, 0, 30000, PAGE);
	fake_send_fin(fd, 100 * FAKE_MS);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 1000000);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 30000);
	assert_int_equal(fake_now(), WAIT * FAKE_MS);
	assert_int_equal(app_stats(&app).lowat_timeouts, 1);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 0);
	assert_int_equal(fake_now(), 100 * FAKE_MS);
	app_close(&app);
}

/* FIN wakes it, with the bytes before it. */
static void test_fin(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_send_device(fd, 0, 30000, PAGE);
	fake_send_fin(fd, FAKE_MS);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 30000);
	assert_int_equal(fake_now(), FAKE_MS);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 0);
	assert_int_equal(fake_now(), FAKE_MS);
	app_close(&app);
}

/* Once nothing is expected any more the first byte wakes it again. */
static void test_expect_nothing(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	steady(fd, 0, FAKE_MS, 20, 1000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 5000);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 5000);
	/* It has counted down: now one packet at a time. */
	assert_int_equal(app_recv(&app, 0), 1);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	devmem_rx_expect(app.rx, 0);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(fake_delay_max(fd), 4 * FAKE_MS);
	app_close(&app);
}

static void test_lowat_off(void **state)
{
	struct devmem_rx_options o = { .lowat_max = 1 };
	struct app app;

	(void)state;
	begin(64 * MIB);
	steady(fd, 0, FAKE_MS, 20, 1000, PAGE);
	app_open(&app, fd, pool, binding, &o);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	while (app.pos < 20000)
		assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(fake_delay_max(fd), 0);
	assert_int_equal(fake_counts(fd).lowat, 0);
	assert_int_equal(devmem_rx_arm(app.rx), -1);
	app_close(&app);
}

/* ---- an unknown length ---- */

/* Whatever the speed, no byte waits longer than the bound. */
static void test_bounded(void **state)
{
	static const uint64_t every[] = { 1000,		20000,	      300000,
					  2 * FAKE_MS,	7 * FAKE_MS,  19 * FAKE_MS,
					  21 * FAKE_MS, 90 * FAKE_MS, 300 * FAKE_MS };
	struct app app;
	size_t i;

	(void)state;
	begin(64 * MIB);
	for (i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		int sock = fake_socket(pool);

		steady(sock, fake_now(), every[i], 400, 3000, PAGE);
		fake_send_fin(sock, fake_now());
		app_open(&app, sock, pool, binding, NULL);
		devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
		app_drain(&app);
		assert_int_equal(app.pos, 400 * 3000);
		assert_in_range(fake_delay_max(sock), 0, WAIT * FAKE_MS);
		app_close(&app);
	}
}

/* Idle, then bytes: the first come at once, and no time is spent waking while nothing comes. */
static void test_idle(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_send_device(fd, 0, 1000, PAGE);
	fake_send_device(fd, 3600 * 1000 * FAKE_MS, 1000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	assert_true(app_recv(&app, 0) > 0);
	app_release_all(&app);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(fake_now(), 3600 * 1000 * FAKE_MS);
	assert_in_range(fake_counts(fd).poll, 2, 4);
	app_close(&app);
}

/* Runs of bytes with and without a region alternate: each read ends at a border, and what lies
 * behind it has waited already. */
static void test_borders(void **state)
{
	struct app app;
	int i;

	(void)state;
	begin(64 * MIB);
	for (i = 0; i < 40; i++) {
		fake_send_device(fd, 0, 500, PAGE);
		fake_send_plain(fd, 0, 500);
	}
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	while (app.pos < 40000) {
		assert_true(app_recv(&app, 0) > 0);
		app_release_all(&app);
	}
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	app_close(&app);
}

/* Signals that come faster than the bound don't make bytes wait for ever. */
static void test_signals(void **state)
{
	uint32_t i;
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_send_device(fd, 0, 1000, PAGE);
	fake_send_plain(fd, 0, 1000);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	for (i = 0; i < 50 && app.pos < 2000; i++) {
		int ret;

		fake_signal(fake_now() + 10 * FAKE_MS);
		ret = app_recv(&app, 0);
		assert_true(ret > 0 || ret == -EINTR);
	}
	assert_int_equal(app.pos, 2000);
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	app_close(&app);
}

/* The same for reads that end because the buffers do. */
static void test_small_reads(void **state)
{
	struct devmem_rx_options o = { .recv_max = 4096, .fragments_max = 16 };
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_send_device(fd, 0, 60000, 100);
	app_open(&app, fd, pool, binding, &o);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	while (app.pos < 60000) {
		assert_true(app_recv(&app, 0) > 0);
		app_release_all(&app);
	}
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	app_close(&app);
}

/* System calls for a fast stream of unknown length: the number repeats exactly. */
static void test_counts(void **state)
{
	const uint32_t total = 32 * MIB;
	struct fake_counts c;
	struct app app;
	uint32_t sent;

	(void)state;
	begin(64 * MIB);
	for (sent = 0; sent < total; sent += 8192)
		fake_send_device(fd, sent, 8192, PAGE); /* 1 GB/s */
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	app_drain(&app);
	c = fake_counts(fd);
	/* A wait, a read and a return for each 2 MiB; the end of the stream costs one more of
	 * each. */
	assert_int_equal(c.poll, 17);
	assert_int_equal(c.recv, 17);
	assert_int_equal(c.dontneed, 16);
	assert_int_equal(c.lowat, 1);
	assert_int_equal(c.eagain, 0);
	assert_int_equal(c.inq, 0);
	assert_int_equal(app_stats(&app).poll_calls, c.poll);
	assert_int_equal(app_stats(&app).recv_calls, c.recv);
	assert_int_equal(app_stats(&app).return_calls, c.dontneed);
	assert_int_equal(app_stats(&app).lowat_calls, c.lowat);
	app_close(&app);
}

/* The mark follows the speed down and up again. */
static void test_adapts(void **state)
{
	struct fake_counts before, after;
	struct app app;
	uint64_t t;

	(void)state;
	begin(64 * MIB);
	/* 10 MB/s: 200 kB in each 20 ms. */
	steady(fd, 0, FAKE_MS, 1000, 10000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	while (app.pos < 10000000) {
		assert_true(app_recv(&app, 0) > 0);
		app_release_all(&app);
	}
	/* Half of the waits or more end because enough is there, not because of the clock. */
	assert_in_range(app_stats(&app).lowat_timeouts, 1, app_stats(&app).recv_calls / 2 + 4);
	/* 1 GB/s: back at the highest mark. */
	t = fake_now() + FAKE_MS;
	steady(fd, t, 8192, 4096, 8192, PAGE);
	before = fake_counts(fd);
	while (app.pos < 10000000 + UINT64_C(32) * MIB) {
		assert_true(app_recv(&app, 0) > 0);
		app_release_all(&app);
	}
	after = fake_counts(fd);
	assert_in_range(after.recv - before.recv, 16, 26);
	app_close(&app);
}

/* ---- what could deadlock ---- */

/* held_max is reached: the answer comes at once, also when the application expects more and nothing
 * is there or can come. */
static void test_held_max(void **state)
{
	uint64_t expects[] = { 0, 100000, DEVMEM_RX_STREAM };
	struct devmem_error err;
	struct app app;
	size_t i;

	(void)state;
	begin(MIB); /* 256 pages, 64 may be out */
	fake_send_device(fd, 0, 100 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 64);
	for (i = 0; i < 3; i++) {
		devmem_rx_expect(app.rx, expects[i]);
		assert_int_equal(app_recv(&app, 0), -ENOBUFS);
		assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), -ENOBUFS);
	}
	devmem_rx_explain(app.rx, -ENOBUFS, &err);
	assert_non_null(strstr(err.message, "64 fragments"));
	assert_int_equal(app_stats(&app).held_refusals, 6);
	assert_int_equal(fake_now(), 0);
	/* Nothing queued either: a wait would never end. */
	app_release(&app, 0);
	devmem_rx_expect(app.rx, 0);
	assert_int_equal(app_recv(&app, 0), 1);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 35);
	fake_send_device(fd, 0, 29 * PAGE, PAGE);
	assert_int_equal(app_recv(&app, 0), 29);
	assert_int_equal(fake_queued(fd), 0);
	for (i = 0; i < 3; i++) {
		devmem_rx_expect(app.rx, expects[i]);
		assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	}
	app_close(&app);
}

/* Small fragments in a page each: the cap is in pages. */
static void test_held_max_in_pages(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 200 * 100, 100);
	app_open(&app, fd, pool, binding, NULL);
	while (app_recv(&app, DEVMEM_RX_DONTWAIT) > 0)
		assert_in_range(held_pages(fake_pool_held(pool)), 1, 64);
	assert_int_equal(app.n, -ENOBUFS);
	assert_int_equal(app.n_held, 64);
	app_close(&app);
}

/* Pages that are out can't be queued: the mark asks for a quarter of those that are left. */
static void test_mark_beside_held(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 48 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 48);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	assert_int_equal(devmem_rx_arm(app.rx), WAIT);
	assert_int_equal(fake_socket_get_lowat(fd), 16 * PAGE / 4);
	app_release_all(&app);
	assert_int_equal(devmem_rx_arm(app.rx), WAIT);
	assert_int_equal(fake_socket_get_lowat(fd), 64 * PAGE / 4);
	app_close(&app);
}

/* Large pages that many packets share, and few of them: the cap must not make reads small. */
static void test_large_pages(void **state)
{
	struct app app;
	uint32_t i;

	(void)state;
	pool = fake_pool_new(64 * MIB, 2 * MIB, 7);
	binding = fake_pool_binding(pool, 16 * MIB); /* 8 pages */
	fake_pool_pack(pool, true);
	fd = fake_socket(pool);
	for (i = 0; i < 8 * 1024; i++)
		fake_send_device(fd, i * 2000, 2896, 1448);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	app_drain(&app);
	/* 22.6 MiB: a read for each two, and a few at the start. */
	assert_in_range(fake_counts(fd).recv, 11, 20);
	app_close(&app);
}

/* A small message before each large one doesn't make the large one's reads small. */
static void test_large_pages_messages(void **state)
{
	uint64_t end = 0;
	struct app app;
	uint32_t i;

	(void)state;
	pool = fake_pool_new(64 * MIB, 2 * MIB, 7);
	binding = fake_pool_binding(pool, 16 * MIB);
	fake_pool_pack(pool, true);
	fd = fake_socket(pool);
	for (i = 0; i < 10; i++) {
		fake_send_device(fd, (2 * i) * FAKE_MS, 100, 1448);
		fake_send_device(fd, (2 * i + 1) * FAKE_MS, 1000000, 1448);
	}
	app_open(&app, fd, pool, binding, NULL);
	for (i = 0; i < 20; i++) {
		end += i % 2 ? 1000000 : 100;
		devmem_rx_expect(app.rx, end - app.pos);
		while (app.pos < end) {
			assert_true(app_recv(&app, 0) > 0);
			app_release_all(&app);
		}
	}
	assert_in_range(fake_counts(fd).recv, 20, 28);
	app_close(&app);
}

/* The cap holds over all receivers of the binding; a release on one makes room for the other. */
static void test_held_max_shared(void **state)
{
	struct app a, b;
	int other;

	(void)state;
	begin(MIB);
	other = fake_socket(pool);
	fake_send_device(fd, 0, 40 * PAGE, PAGE);
	fake_send_device(other, 0, 40 * PAGE, PAGE);
	app_open(&a, fd, pool, binding, NULL);
	app_open(&b, other, pool, binding, NULL);
	assert_int_equal(app_recv(&a, 0), 40);
	assert_int_equal(app_recv(&b, 0), 24);
	assert_int_equal(held_pages(fake_pool_held(pool)), 64);
	assert_int_equal(app_recv(&b, 0), -ENOBUFS);
	/* The other one, which has read all there was, and expects more: no page may be used, so
	 * there is nothing to wait for. */
	devmem_rx_expect(a.rx, DEVMEM_RX_STREAM);
	assert_int_equal(app_recv(&a, DEVMEM_RX_DONTWAIT), -ENOBUFS);
	assert_int_equal(app_recv(&a, 0), -ENOBUFS);
	devmem_rx_expect(a.rx, 0);
	assert_int_equal(app_recv(&a, 0), -ENOBUFS);
	app_release(&a, 0);
	assert_int_equal(app_recv(&b, 0), 1);
	app_close(&a);
	assert_int_equal(app_recv(&b, 0), 15);
	app_close(&b);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
}

/* The application keeps as much as it may, the pool is small, packets are tiny: the stream still
 * arrives, whatever it expects. */
static void test_small_pool(void **state)
{
	static const uint32_t sizes[] = { 1, 20, 300, 1448, 4096 };
	uint64_t started;
	struct app app;
	uint32_t i, k;

	(void)state;
	begin(64 * PAGE); /* 16 may be out */
	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		uint32_t total = sizes[k] * 1000;
		int sock = fake_socket(pool);

		started = fake_now();
		for (i = 0; i < 1000; i++)
			fake_send_device(sock, started + i * 10000, sizes[k], PAGE);
		fake_send_fin(sock, 0);
		app_open(&app, sock, pool, binding, NULL);
		devmem_rx_expect(app.rx, k % 2 ? total : DEVMEM_RX_STREAM);
		while (app.pos < total) {
			int ret = app_recv(&app, 0);

			if (ret == -ENOBUFS)
				app_release(&app, 0);
			else
				assert_true(ret > 0);
			while (app.n_held > 12)
				app_release(&app, 0);
		}
		app_close(&app);
		/* Lost packets cost time, but not one round for each few packets. */
		assert_in_range(fake_now() - started, 0, 20000 * FAKE_MS);
	}
}

/* Without a cap the application may starve the NIC; it must get moving again when it releases, and
 * the low-water mark must not keep back what came. */
static void test_no_cap(void **state)
{
	struct app app;

	(void)state;
	pool = fake_pool_new(64 * PAGE, PAGE, 7);
	binding = fake_pool_binding(pool, UINT64_MAX);
	fd = fake_socket(pool);
	steady(fd, 0, 1000, 500, PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 500 * PAGE);
	while (app.n_held < 50)
		assert_true(app_recv(&app, 0) > 0);
	while (app.pos < 500 * PAGE) {
		while (app.n_held > 55)
			app_release(&app, 0);
		assert_true(app_recv(&app, 0) > 0);
	}
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	app_close(&app);
}

/* A receive buffer smaller than the mark: the kernel caps it, and a full window wakes. */
static void test_small_window(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_socket_rcvbuf(fd, 20000);
	fake_send_device(fd, 0, 300000, 1448);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 300000);
	app_drain(&app);
	assert_int_equal(fake_now(), 0);
	app_close(&app);
}

/* Many sockets on one small pool, one thread with its own poll: every stream arrives. */
static void test_many_sockets(void **state)
{
	enum { N = 8 };
	struct pollfd pfds[N];
	struct app app[N];
	int socks[N], i, open = N, rounds = 0;

	(void)state;
	pool = fake_pool_new(512 * PAGE, PAGE, 7);
	binding = fake_pool_binding(pool, 128 * PAGE);
	for (i = 0; i < N; i++) {
		socks[i] = fake_socket(pool);
		steady(socks[i], 0, 20000 * (uint64_t)(i + 1), 300, 5000, 1448);
		fake_send_fin(socks[i], 0);
		app_open(&app[i], socks[i], pool, binding, NULL);
		devmem_rx_expect(app[i].rx, DEVMEM_RX_STREAM);
	}
	while (open) {
		int timeout = -1, n = 0;

		assert_true(++rounds < 100000);
		for (i = 0; i < N; i++) {
			int t;

			if (!app[i].rx)
				continue;
			t = devmem_rx_arm(app[i].rx);
			assert_true(t >= -1);
			if (t >= 0 && (timeout < 0 || t < timeout))
				timeout = t;
			pfds[n].fd = socks[i];
			pfds[n++].events = POLLIN;
		}
		assert_true(sys_poll(pfds, (nfds_t)n, timeout) >= 0);
		for (i = 0; i < N; i++) {
			int ret;

			if (!app[i].rx)
				continue;
			ret = app_recv(&app[i], DEVMEM_RX_DONTWAIT);
			if (!ret) {
				assert_int_equal(app[i].pos, 300 * 5000);
				app_close(&app[i]);
				open--;
				continue;
			}
			assert_true(ret > 0 || ret == -EAGAIN || ret == -ENOBUFS);
			app_release_all(&app[i]);
		}
	}
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
	assert_in_range(fake_pool_drops(pool), 0, 100);
}

/* ---- own polling ---- */

static void test_arm(void **state)
{
	struct pollfd pfd;
	struct app app;

	(void)state;
	begin(64 * MIB);
	steady(fd, 0, FAKE_MS, 60, 10000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	/* Nothing expected: the first byte. */
	assert_int_equal(devmem_rx_arm(app.rx), -1);
	assert_int_equal(fake_socket_get_lowat(fd), 1);
	devmem_rx_expect(app.rx, 100000);
	assert_int_equal(devmem_rx_arm(app.rx), WAIT);
	assert_int_equal(fake_socket_get_lowat(fd), 100000);
	pfd.fd = fd;
	pfd.events = POLLIN;
	assert_int_equal(sys_poll(&pfd, 1, WAIT), 1);
	assert_int_equal(fake_now(), 9 * FAKE_MS);
	assert_true(app_recv(&app, DEVMEM_RX_DONTWAIT) > 0);
	assert_int_equal(app.bytes, 100000);
	app_release_all(&app);
	/* Counted down. */
	assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), -EAGAIN);
	assert_int_equal(devmem_rx_arm(app.rx), -1);
	assert_int_equal(fake_socket_get_lowat(fd), 1);
	assert_int_equal(fake_counts(fd).lowat, 2);
	app_close(&app);
}

/* A loop of poll and DONTWAIT: no byte waits longer than the bound, and an idle connection doesn't
 * wake up for nothing. */
static void test_arm_stream(void **state)
{
	struct fake_counts c;
	struct pollfd pfd;
	struct app app;

	(void)state;
	begin(64 * MIB);
	steady(fd, 0, 100000, 2000, 9000, PAGE);
	steady(fd, 5000 * FAKE_MS, 3 * FAKE_MS, 100, 700, PAGE);
	steady(fd, 900000 * FAKE_MS, 0, 1, 700, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	for (;;) {
		int ret = app_recv(&app, DEVMEM_RX_DONTWAIT), t;

		if (!ret)
			break;
		if (ret > 0) {
			app_release_all(&app);
			continue;
		}
		assert_int_equal(ret, -EAGAIN);
		t = devmem_rx_arm(app.rx);
		assert_true(t >= -1);
		pfd.fd = fd;
		pfd.events = POLLIN;
		assert_true(sys_poll(&pfd, 1, t) >= 0);
	}
	assert_int_equal(app.pos, 2000 * 9000 + 101 * 700);
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	c = fake_counts(fd);
	assert_in_range(c.poll, 20, 200);
	app_close(&app);
}

/* One receive for each wait: what lies behind borders has had its wait. */
static void test_arm_borders(void **state)
{
	struct pollfd pfd;
	struct app app;
	int i;

	(void)state;
	begin(64 * MIB);
	for (i = 0; i < 40; i++) {
		fake_send_device(fd, 0, 500, PAGE);
		fake_send_plain(fd, 0, 500);
	}
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, DEVMEM_RX_STREAM);
	while (app.pos < 40000) {
		int timeout = devmem_rx_arm(app.rx);

		assert_true(timeout >= -1);
		pfd.fd = fd;
		pfd.events = POLLIN;
		assert_true(sys_poll(&pfd, 1, timeout) >= 0);
		assert_true(app_recv(&app, DEVMEM_RX_DONTWAIT) > 0);
		app_release_all(&app);
	}
	assert_in_range(fake_delay_max(fd), 0, WAIT * FAKE_MS);
	app_close(&app);
}

/* Something waits on the error queue (a zero-copy send was completed): poll() says so for ever, and
 * the receiver must neither spin nor miss bytes. */
static void test_error_queue(void **state)
{
	uint64_t expects[] = { 0, 100000, DEVMEM_RX_STREAM };
	struct app app;
	size_t i;

	(void)state;
	begin(64 * MIB);
	app_open(&app, fd, pool, binding, NULL);
	fake_socket_error_queue(fd, true);
	for (i = 0; i < 3; i++) {
		fake_send_device(fd, (1000 * i + 500) * FAKE_MS, 3000, PAGE);
		devmem_rx_expect(app.rx, expects[i]);
		assert_int_equal(app_recv(&app, 0), 1);
		app_release_all(&app);
		assert_in_range(fake_now(), (1000 * i + 500) * FAKE_MS,
				(1000 * i + 500 + WAIT) * FAKE_MS);
	}
	assert_in_range(fake_counts(fd).recv + fake_counts(fd).poll, 3, 20);
	app_close(&app);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_message),
		TEST(test_full),
		TEST(test_message_tail),
		TEST(test_messages),
		TEST(test_expects_too_much),
		TEST(test_fin),
		TEST(test_expect_nothing),
		TEST(test_lowat_off),
		TEST(test_bounded),
		TEST(test_idle),
		TEST(test_borders),
		TEST(test_signals),
		TEST(test_small_reads),
		TEST(test_counts),
		TEST(test_adapts),
		TEST(test_held_max),
		TEST(test_held_max_in_pages),
		TEST(test_mark_beside_held),
		TEST(test_large_pages),
		TEST(test_large_pages_messages),
		TEST(test_held_max_shared),
		TEST(test_small_pool),
		TEST(test_no_cap),
		TEST(test_small_window),
		TEST(test_many_sockets),
		TEST(test_arm),
		TEST(test_arm_stream),
		TEST(test_arm_borders),
		TEST(test_error_queue),
	};

	return cmocka_run_group_tests_name("rx-wait", tests, NULL, NULL);
}
