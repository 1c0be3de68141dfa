// SPDX-License-Identifier: BSD-3-Clause
/* Receiver with a placement region: every fragment is a DEVICE one. */
#include "test_rx_app.h"

#include <errno.h>
#include <string.h>

#include "bind/held.h"

#define PAGE 4096U
#define MIB (1U << 20)

static struct devmem_region *placement;
static int fd;

static int setup(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	assert_int_equal(devmem_region_open(&placement, "memfd", 4 * PAGE, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	devmem_region_close(placement);
	fake_end();
	return 0;
}

static void open_app(struct app *app, struct fake_pool *pool, struct devmem_binding *binding)
{
	app_open(app, fd, pool, binding, &(struct devmem_rx_options){ .placement = placement });
}

static void test_plain(void **state)
{
	struct app app;

	(void)state;
	fd = fake_socket(NULL);
	fake_send_plain(fd, 0, 6000);
	fake_send_fin(fd, 0);
	open_app(&app, NULL, NULL);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].kind, DEVMEM_FRAGMENT_DEVICE);
	assert_int_equal(app.frags[0].dmabuf_id, 0);
	assert_int_equal(app.frags[0].offset, 0);
	assert_ptr_equal(app.frags[0].region, placement);
	assert_int_equal(app_stats(&app).bytes_placed, 6000);
	assert_int_equal(app_stats(&app).held_bytes, 6000);
	app_release_all(&app);
	assert_int_equal(app_stats(&app).held_bytes, 0);
	assert_int_equal(fake_counts(fd).dontneed, 0);
	app_drain(&app);
	app_close(&app);
}

/* The ring wraps inside a read, and inside a linear part: the second half is a fragment of its own,
 * in its place in the stream. */
static void test_wrap(void **state)
{
	struct devmem_binding *binding;
	struct fake_pool *pool;
	struct app app;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB / 4);
	fd = fake_socket(pool);
	fake_send_plain(fd, 0, 3 * PAGE);
	fake_send_plain(fd, 1, 10);
	open_app(&app, pool, binding);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app_recv(&app, 0), 1);
	app_release(&app, 0);
	/* Head at 12298 of 16384. */
	fake_send_linear(fd, 0, 4000, 100, PAGE);
	fake_send_linear(fd, 0, 500, 100, PAGE);
	fake_send_linear(fd, 0, 60, 200, PAGE);
	assert_int_equal(app_recv(&app, 0), 7);
	assert_int_equal(app.frags[0].offset, 3 * PAGE + 10);
	assert_int_equal(app.frags[2].size, 86);
	assert_int_equal(app.frags[3].offset, 0);
	assert_int_equal(app.frags[3].size, 414);
	assert_int_equal(app.frags[3].dmabuf_id, 0);
	assert_int_equal(app.frags[4].dmabuf_id, 7);
	assert_int_equal(app.frags[5].offset, 414);
	assert_int_equal(app_stats(&app).fragments_placed, 6);
	assert_int_equal(app_stats(&app).fragments_device, 3);
	assert_int_equal(app_stats(&app).held_fragments, app.n_held);
	app_release_all(&app);
	fake_send_plain(fd, 0, 10000);
	fake_send_plain(fd, 1, 10000);
	fake_send_fin(fd, 0);
	app_drain(&app);
	app_close(&app);
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
}

static void mangle_size(void *control, size_t *len, void *arg)
{
	const uint32_t *size = arg;

	assert_true(*len >= 40);
	memcpy((char *)control + 16 + 8, size, sizeof(*size));
}

/* Control messages that announce more than came, or less: nothing is handed out, nothing stays
 * placed, and the ring is as usable as before. */
static void test_wrong_sizes(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 99, 101, 4 * PAGE, 4 * PAGE + 1, UINT32_MAX };
	struct devmem_binding *binding;
	struct devmem_rx_stats stats;
	struct fake_pool *pool;
	struct app app;
	size_t i;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB / 4);
	fd = fake_socket(pool);
	open_app(&app, pool, binding);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t size = sizes[i];

		fake_send_linear(fd, 0, 100, 3 * PAGE, PAGE);
		fake_mangle(fd, mangle_size, &size);
		assert_int_equal(devmem_rx_recv(app.rx, &app.frags, 0), -EBADMSG);
		fake_mangle(fd, NULL, NULL);
		stats = app_stats(&app);
		assert_int_equal(stats.held_fragments, 0);
		assert_int_equal(stats.held_bytes, 0);
		assert_int_equal(stats.bytes_placed + stats.bytes_device, i * 4 * PAGE);
		assert_int_equal(stats.fragments_missing, 0);
		/* All of the ring, in one piece. */
		app.pos = fake_read(fd);
		fake_send_plain(fd, 0, 4 * PAGE);
		assert_int_equal(app_recv(&app, 0), 1);
		assert_int_equal(app.bytes, 4 * PAGE);
		app_release_all(&app);
	}
	app_close(&app);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
}

/* Full: ENOBUFS, also when more is expected and nothing is there; a release makes room, the oldest
 * one first. */
static void test_full(void **state)
{
	struct devmem_error err;
	struct app app;

	(void)state;
	fd = fake_socket(NULL);
	fake_send_plain(fd, 0, 4 * PAGE);
	open_app(&app, NULL, NULL);
	fake_advance(1);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.bytes, 4 * PAGE);
	assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	devmem_rx_expect(app.rx, 50000);
	assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	devmem_rx_explain(app.rx, -ENOBUFS, &err);
	assert_non_null(strstr(err.message, "placement region"));
	assert_int_equal(app_stats(&app).held_refusals, 2);
	app_release_all(&app);
	fake_send_plain(fd, fake_now(), PAGE);
	fake_send_plain(fd, fake_now() + FAKE_MS, 3 * PAGE);
	fake_send_plain(fd, fake_now() + FAKE_MS, 50);
	devmem_rx_expect(app.rx, 0);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.bytes, 3 * PAGE);
	app_release(&app, 1);
	assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	app_release(&app, 0);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.bytes, 50);
	app_close(&app);
}

/* With room in the ring it is the binding's limit that is reached. */
static void test_held_max(void **state)
{
	struct devmem_binding *binding;
	struct devmem_error err;
	struct fake_pool *pool;
	struct app app;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, 4 * PAGE);
	fd = fake_socket(pool);
	fake_send_device(fd, 0, 6 * PAGE, PAGE);
	open_app(&app, pool, binding);
	assert_int_equal(app_recv(&app, 0), 4);
	assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	devmem_rx_explain(app.rx, -ENOBUFS, &err);
	assert_non_null(strstr(err.message, "4 fragments are out on this socket, and held_max"));
	app_close(&app);
}

/* Twice and from any thread: like tokens of the kernel, without a system call. */
static void test_release(void **state)
{
	struct devmem_fragment copy;
	struct app app;

	(void)state;
	fd = fake_socket(NULL);
	fake_send_plain(fd, 0, 100);
	open_app(&app, NULL, NULL);
	assert_int_equal(app_recv(&app, 0), 1);
	copy = app.frags[0];
	assert_int_equal(devmem_rx_release_any(app.rx, &copy, 1), 0);
	assert_int_equal(app_stats(&app).held_fragments, 0);
	devmem_rx_release(app.rx, &copy, 1);
	assert_int_equal(app_stats(&app).fragments_missing, 1);
	assert_int_equal(app_stats(&app).held_bytes, 0);
	assert_int_equal(fake_counts(fd).dontneed, 0);
	app_close(&app);
}

/* More linear pieces than the ring can count: reads are cut so that each finds its place. */
static void test_many_pieces(void **state)
{
	struct devmem_binding *binding;
	struct devmem_region *large;
	struct fake_pool *pool;
	struct app app;
	int i;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB / 4);
	fd = fake_socket(pool);
	fake_socket_rcvbuf(fd, 8 * MIB);
	assert_int_equal(devmem_region_open(&large, "memfd", MIB, NULL), 0);
	for (i = 0; i < 20000; i++)
		fake_send_linear(fd, 0, 20, 0, PAGE);
	app_open(&app, fd, pool, binding, &(struct devmem_rx_options){ .placement = large });
	while (app_recv(&app, DEVMEM_RX_DONTWAIT) > 0)
		;
	assert_int_equal(app.n, -ENOBUFS);
	assert_in_range(app.n_held, 16380, 16384);
	app_release(&app, 0);
	app_release_all(&app);
	while (app_recv(&app, DEVMEM_RX_DONTWAIT) > 0)
		;
	assert_int_equal(app.n, -EAGAIN);
	assert_int_equal(app.pos, 400000);
	app_close(&app);
	devmem_region_close(large);
}

/* The ring wraps inside the read that uses its last pieces: one is kept for that. */
static void test_wrap_in_last_pieces(void **state)
{
	struct devmem_binding *binding;
	struct devmem_region *large;
	struct fake_pool *pool;
	struct app app;
	int i;

	(void)state;
	pool = fake_pool_new(64 * MIB, PAGE, 7);
	binding = fake_pool_binding(pool, 16 * MIB);
	fd = fake_socket(pool);
	fake_socket_rcvbuf(fd, 8 * MIB);
	assert_int_equal(devmem_region_open(&large, "memfd", 82 * PAGE, NULL), 0);
	for (i = 0; i < 511; i++)
		fake_send_linear(fd, 0, 20, 0, PAGE);
	for (i = 0; i < 17000; i++)
		fake_send_linear(fd, FAKE_MS, 20, 0, PAGE);
	app_open(&app, fd, pool, binding, &(struct devmem_rx_options){ .placement = large });
	assert_int_equal(app_recv(&app, 0), 511);
	/* The youngest stays, so that the ring doesn't start over. */
	while (app.n_held > 1)
		app_release(&app, app.held[0].pos == 510 * 20 ? 1 : 0);
	fake_advance(FAKE_MS);
	while (app_recv(&app, DEVMEM_RX_DONTWAIT) > 0)
		;
	assert_int_equal(app.n, -ENOBUFS);
	assert_in_range(app.n_held, 16380, 16384);
	assert_true(app.pos > 82 * PAGE);
	app_close(&app);
	devmem_region_close(large);
}

/* CPU access that can't begin: nothing is read. That can't end: what came is given back. */
static void test_sync(void **state)
{
	struct devmem_binding *binding;
	struct devmem_region *dmabuf;
	struct fake_pool *pool;
	struct app app;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB / 4);
	fd = fake_socket(pool);
	assert_int_equal(
		devmem_region_import(&dmabuf, fake_dmabuf(devmem_region_size(placement)), NULL), 0);
	fake_send_linear(fd, 0, 100, 5000, PAGE);
	fake_send_linear(fd, FAKE_MS, 100, 5000, PAGE);
	app_open(&app, fd, pool, binding, &(struct devmem_rx_options){ .placement = dmabuf });
	fake_sync_result(EIO, 0);
	assert_int_equal(app_recv(&app, 0), -EIO);
	assert_int_equal(fake_counts(fd).recv, 0);
	fake_sync_result(0, 0);
	assert_int_equal(app_recv(&app, 0), 3);
	assert_int_equal(fake_sync_open(), 0);
	app_release_all(&app);
	fake_advance(FAKE_MS);
	fake_sync_result(0, EIO);
	assert_int_equal(devmem_rx_recv(app.rx, &app.frags, 0), -EIO);
	assert_int_equal(app_stats(&app).held_fragments, 0);
	assert_int_equal(app_stats(&app).held_bytes, 0);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	/* Nothing there, and access begun and ended all the same. */
	fake_sync_result(0, 0);
	assert_int_equal(devmem_rx_recv(app.rx, &app.frags, DEVMEM_RX_DONTWAIT), -EAGAIN);
	app_close(&app);
	devmem_region_close(dmabuf);
}

/* A read larger than the region, and a low-water mark beyond it, are cut to it. */
static void test_small_region(void **state)
{
	struct app app;

	(void)state;
	fd = fake_socket(NULL);
	fake_send_plain(fd, 0, 300000);
	fake_send_fin(fd, 0);
	app_open(&app, fd, NULL, NULL,
		 &(struct devmem_rx_options){ .placement = placement, .recv_max = MIB });
	devmem_rx_expect(app.rx, 300000);
	app_drain(&app);
	assert_int_equal(app.pos, 300000);
	assert_int_equal(fake_now(), 0);
	assert_in_range(fake_counts(fd).recv, 19, 21);
	app_close(&app);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),	TEST(test_wrap),	 TEST(test_full),
		TEST(test_held_max),	TEST(test_release),	 TEST(test_many_pieces),
		TEST(test_sync),	TEST(test_small_region), TEST(test_wrap_in_last_pieces),
		TEST(test_wrong_sizes),
	};

	return cmocka_run_group_tests_name("rx-place", tests, NULL, NULL);
}
