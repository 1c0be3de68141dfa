// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: kinds of fragments, errors, release, closing, counters. */
#include "test_rx_app.h"

#include <errno.h>
#include <string.h>

#include "bind/held.h"

#define PAGE 4096U
#define MIB (1U << 20)

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

/* A pool, its binding and a socket on it. */
static struct fake_pool *pool;
static struct devmem_binding *binding;
static int fd;

static void begin(uint64_t size)
{
	pool = fake_pool_new(size, PAGE, 7);
	binding = fake_pool_binding(pool, size / 4);
	fd = fake_socket(pool);
}

/* All is back: no token out, no page held, low-water mark as before. */
static void check_idle(void)
{
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(fake_counts(fd).missing, 0);
	if (fake_pool_held(pool))
		assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
	assert_int_equal(fake_socket_get_lowat(fd), 1);
}

static void test_device(void **state)
{
	const struct devmem_fragment *frag;
	struct devmem_rx_stats stats;
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 10000, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 3);
	frag = app.frags;
	assert_int_equal(frag[0].kind, DEVMEM_FRAGMENT_DEVICE);
	assert_int_equal(frag[0].size, 4096);
	assert_int_equal(frag[2].size, 10000 - 8192);
	assert_int_equal(frag[0].dmabuf_id, 7);
	assert_int_equal(frag[0].token, 1);
	assert_int_equal(frag[2].token, 3);
	assert_ptr_equal(frag[1].region, fake_pool_region(pool));
	stats = app_stats(&app);
	assert_int_equal(stats.held_fragments, 3);
	assert_int_equal(stats.held_bytes, 10000);
	assert_int_equal(held_pages(fake_pool_held(pool)), 3);
	app_release_all(&app);
	/* Nothing is out any more, so it went at once. */
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(app_recv(&app, 0), 0);
	assert_int_equal(app_recv(&app, 0), 0);
	stats = app_stats(&app);
	assert_int_equal(stats.bytes_device, 10000);
	assert_int_equal(stats.bytes_host + stats.bytes_placed, 0);
	assert_int_equal(stats.fragments_device, 3);
	assert_int_equal(stats.recv_calls, 3);
	assert_int_equal(stats.return_calls, 1);
	assert_int_equal(stats.ranges_returned, 1);
	assert_int_equal(stats.fragments_returned, 3);
	assert_int_equal(stats.fragments_missing, 0);
	assert_int_equal(stats.held_fragments, 0);
	assert_int_equal(stats.held_bytes, 0);
	assert_int_equal(stats.held_fragments_max, 3);
	assert_int_equal(stats.held_bytes_max, 10000);
	app_close(&app);
	check_idle();
}

static void test_linear(void **state)
{
	struct devmem_rx_stats stats;
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_linear(fd, 0, 100, 5000, PAGE);
	fake_send_linear(fd, 0, 60, 0, PAGE); /* all of it with the headers */
	fake_send_linear(fd, 0, 1, 1, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 6);
	assert_int_equal(app.frags[0].kind, DEVMEM_FRAGMENT_HOST);
	assert_int_equal(app.frags[0].size, 100);
	assert_int_equal(app.frags[3].kind, DEVMEM_FRAGMENT_HOST);
	assert_int_equal(app.frags[3].size, 60);
	/* Host bytes lie behind each other. */
	assert_ptr_equal(app.frags[3].host, (const char *)app.frags[0].host + 100);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 0);
	stats = app_stats(&app);
	assert_int_equal(stats.bytes_host, 161);
	assert_int_equal(stats.fragments_host, 3);
	assert_int_equal(stats.bytes_device, 5001);
	app_close(&app);
	check_idle();
}

/* Reads stop at the border between packets with a region and without. */
static void test_misrouted(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 1000, PAGE);
	fake_send_plain(fd, 0, 2000);
	fake_send_plain(fd, 0, 50);
	fake_send_device(fd, 0, 3000, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].kind, DEVMEM_FRAGMENT_DEVICE);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].kind, DEVMEM_FRAGMENT_HOST);
	assert_int_equal(app.frags[0].size, 2050);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].size, 3000);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 0);
	app_close(&app);
	check_idle();
}

/* Fragments of another program's binding are handed out, released, and not counted as held
 * pages. */
static void test_foreign(void **state)
{
	struct fake_packet p = { .n = 2, .frags = { 4096, 100 }, .foreign = true };
	struct fake_pool *other;
	struct app app;

	(void)state;
	begin(MIB);
	other = fake_pool_new(MIB, PAGE, 9);
	fake_socket_foreign(fd, other);
	fake_send(fd, &p);
	fake_send_device(fd, 0, 4096, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	app.foreign = fake_pool_region(other);
	assert_int_equal(app_recv(&app, 0), 3);
	assert_int_equal(app.frags[0].dmabuf_id, 9);
	assert_null(app.frags[0].region);
	assert_int_equal(app.frags[2].dmabuf_id, 7);
	assert_int_equal(app_stats(&app).foreign_fragments, 2);
	assert_int_equal(app_stats(&app).held_fragments, 3);
	assert_int_equal(held_pages(fake_pool_held(pool)), 1);
	app_release_all(&app);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	assert_int_equal(fake_pool_free(other), fake_pool_pages(other));
	app_drain(&app);
	app_close(&app);
	check_idle();
}

static void test_plain_receiver(void **state)
{
	struct app app;

	(void)state;
	fd = fake_socket(NULL);
	fake_send_plain(fd, 0, 100000);
	fake_send_fin(fd, 0);
	app_open(&app, fd, NULL, NULL, NULL);
	app_drain(&app);
	assert_int_equal(app_stats(&app).bytes_host, 100000);
	assert_int_equal(app_stats(&app).return_calls, 0);
	app_close(&app);
}

/* A binding closed under traffic: queued bytes still come from the region, later ones are plain. */
static void test_unbound(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 20000, PAGE);
	fake_send_device(fd, 5 * FAKE_MS, 20000, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	fake_advance(1);
	assert_int_equal(fake_arrived(fd), 20000);
	fake_pool_unbind(pool);
	assert_int_equal(app_recv(&app, 0), 5);
	assert_int_equal(app.bytes, 20000);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].kind, DEVMEM_FRAGMENT_HOST);
	app_release_all(&app);
	assert_int_equal(fake_tokens_out(fd), 0);
	app_drain(&app);
	assert_int_equal(app_stats(&app).bytes_host, 20000);
	app_close(&app);
	check_idle();
}

/* More fragments than the control buffer holds: short reads, nothing lost, and never 525. */
static void test_short_control(void **state)
{
	struct devmem_rx_options o = { .fragments_max = 16 };
	struct app app;

	(void)state;
	begin(4 * MIB);
	fake_send_linear(fd, 0, 5, 60000, 500);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, &o);
	assert_in_range(app_recv(&app, 0), 16, 22);
	assert_true(app.bytes < 60005);
	assert_true(fake_counts(fd).control_short > 0);
	app_release_all(&app);
	app_drain(&app);
	app_close(&app);
	check_idle();
}

/* Other control messages beside ours, also where they don't fit. */
static void test_timestamps(void **state)
{
	struct devmem_rx_options o = { .fragments_max = 16 };
	struct app app;

	(void)state;
	begin(4 * MIB);
	fake_socket_timestamps(fd, true);
	fake_send_plain(fd, 0, 10);
	fake_send_device(fd, 0, 30000, 300);
	fake_send_plain(fd, 0, 10);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, &o);
	app_drain(&app);
	assert_int_equal(app_stats(&app).bytes_host, 20);
	app_close(&app);
	check_idle();
}

/* A read that ends inside a fragment: its rest comes as another fragment of the same page. */
static void test_split_fragment(void **state)
{
	struct devmem_rx_options o = { .recv_max = 5000 };
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 8192, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, &o);
	assert_int_equal(app_recv(&app, 0), 2);
	assert_int_equal(app.bytes, 5000);
	assert_int_equal(app_recv(&app, 0), 1);
	assert_int_equal(app.frags[0].size, 3192);
	/* Three fragments in two pages. */
	assert_int_equal(held_pages(fake_pool_held(pool)), 2);
	app_release(&app, 1);
	assert_int_equal(held_pages(fake_pool_held(pool)), 2);
	app_release(&app, 1);
	assert_int_equal(held_pages(fake_pool_held(pool)), 1);
	app_release(&app, 0);
	app_drain(&app);
	app_close(&app);
	check_idle();
}

/* ---- errors ---- */

static const char *explain(const struct app *app, int code)
{
	static struct devmem_error err;

	memset(&err, 0, sizeof(err));
	devmem_rx_explain(app->rx, code, &err);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.message, "socket "));
	return err.message;
}

/* Whatever recvmsg() fails with comes out, and the next receive goes on. */
static void test_recv_errors(void **state)
{
	static const struct {
		int code, result;
		const char *words;
	} cases[] = {
		{ EINTR, -EINTR, "" },
		{ ENODEV, -ENODEV, "mixed in one packet" },
		{ EFAULT, -EFAULT, "before Linux 6.18" },
		{ 525, -EMSGSIZE, "control buffer too small" },
		{ ENOMEM, -ENOMEM, "" },
		{ ECONNRESET, -ECONNRESET, "" },
		{ ETIMEDOUT, -ETIMEDOUT, "" },
		{ EBADF, -EBADF, "closed" },
	};
	struct app app;
	size_t i;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 50000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		devmem_rx_expect(app.rx, i % 2 ? 30000 : 0);
		fake_fail_recv(fd, 0, cases[i].code);
		assert_int_equal(app_recv(&app, i % 3 ? 0 : DEVMEM_RX_DONTWAIT), cases[i].result);
		assert_non_null(strstr(explain(&app, cases[i].result), cases[i].words));
	}
	assert_int_equal(app_stats(&app).held_fragments, 0);
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 50000);
	app_close(&app);
	check_idle();
}

static void test_explain(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	app_open(&app, fd, pool, binding, NULL);
	assert_non_null(strstr(explain(&app, -ENOBUFS), "held_max"));
	assert_non_null(strstr(explain(&app, -EBADMSG), "hole"));
	assert_non_null(strstr(explain(&app, -ECONNRESET), "reset"));
	app_close(&app);
	app_open(&app, fd, NULL, NULL, NULL);
	assert_non_null(strstr(explain(&app, -EFAULT), "binding"));
	devmem_rx_explain(app.rx, -EFAULT, NULL);
	app_close(&app);
}

static void test_bad_flags(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 2), -EINVAL);
	assert_int_equal(fake_counts(fd).recv, 0);
	app_close(&app);
}

/* A reset behind bytes: first the bytes, then the error, then the end. */
static void test_reset(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 5000, PAGE);
	fake_reset(fd, 3 * FAKE_MS, ECONNRESET);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 60000);
	assert_int_equal(app_recv(&app, 0), 2);
	assert_int_equal(fake_now(), 3 * FAKE_MS);
	assert_int_equal(app_recv(&app, 0), -ECONNRESET);
	app_release_all(&app);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(app_recv(&app, 0), 0);
	app_close(&app);
	check_idle();
}

static void test_dontwait(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, FAKE_MS, 5000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), -EAGAIN);
	assert_int_equal(fake_now(), 0);
	fake_advance(FAKE_MS);
	assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), 2);
	assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), -EAGAIN);
	assert_int_equal(fake_counts(fd).poll, 0);
	app_close(&app);
	check_idle();
}

/* A descriptor with O_NONBLOCK: the call still waits. */
static void test_nonblocking_socket(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_socket_nonblock(fd, true);
	fake_send_device(fd, FAKE_MS, 5000, PAGE);
	fake_send_fin(fd, 9 * FAKE_MS);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 2);
	assert_int_equal(fake_now(), FAKE_MS);
	app_release_all(&app);
	assert_int_equal(app_recv(&app, 0), 0);
	app_close(&app);
	check_idle();
}

static void test_signal(void **state)
{
	uint64_t expects[] = { 0, 100000, DEVMEM_RX_STREAM };
	struct app app;
	size_t i;

	(void)state;
	begin(4 * MIB);
	fake_send_device(fd, 50 * FAKE_MS, 5000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	for (i = 0; i < 3; i++) {
		devmem_rx_expect(app.rx, expects[i]);
		fake_signal(fake_now() + 5 * FAKE_MS);
		assert_int_equal(app_recv(&app, 0), -EINTR);
	}
	devmem_rx_expect(app.rx, 5000);
	assert_int_equal(app_recv(&app, 0), 2);
	app_close(&app);
	check_idle();
}

/* What comes behind a failing poll, low-water mark or return: the code, and nothing is lost. */
static void test_other_failures(void **state)
{
	struct app app;

	(void)state;
	begin(4 * MIB);
	fake_send_device(fd, 0, 20000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 10000);
	fake_fail_poll(fd, 0, ENOMEM);
	assert_int_equal(app_recv(&app, 0), -ENOMEM);
	devmem_rx_expect(app.rx, 20000);
	fake_fail_lowat(fd, 0, ENOPROTOOPT);
	assert_int_equal(app_recv(&app, 0), -ENOPROTOOPT);
	fake_fail_lowat(fd, 0, ENOPROTOOPT);
	assert_int_equal(devmem_rx_arm(app.rx), -ENOPROTOOPT);
	assert_int_equal(app_recv(&app, 0), 5);
	assert_int_equal(app.bytes, 20000);
	/* A return that fails shows at the next receive, and is made up for. */
	fake_fail_dontneed(fd, 0, ENOMEM);
	app_release_all(&app);
	assert_int_equal(fake_tokens_out(fd), 5);
	fake_fail_dontneed(fd, 0, ENOMEM);
	assert_int_equal(app_recv(&app, DEVMEM_RX_DONTWAIT), -ENOMEM);
	fake_fail_dontneed(fd, 0, ENOMEM);
	assert_int_equal(devmem_rx_flush(app.rx), -ENOMEM);
	fake_fail_dontneed(fd, 0, ENOMEM);
	assert_int_equal(devmem_rx_arm(app.rx), -ENOMEM);
	assert_int_equal(devmem_rx_flush(app.rx), 0);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(app_stats(&app).fragments_returned, 5);
	app_close(&app);
	check_idle();
}

static void test_closed_descriptor(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 20000, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 5);
	fake_socket_close(fd);
	app.n_held = 0; /* the bytes are gone */
	devmem_rx_release(app.rx, app.frags, 5);
	assert_int_equal(devmem_rx_flush(app.rx), -EBADF);
	assert_int_equal(app_recv(&app, 0), -EBADF);
	app_close(&app);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
}

/* ---- control messages that are wrong ---- */

static void cut(void *control, size_t *len, void *arg)
{
	(void)control;
	*len -= *(const size_t *)arg;
}

static void zero_token(void *control, size_t *len, void *arg)
{
	size_t at = *(const size_t *)arg;

	if (at + 4 <= *len)
		memset((char *)control + at, 0, 4);
}

static void big_token(void *control, size_t *len, void *arg)
{
	size_t at = *(const size_t *)arg;

	if (at + 4 <= *len)
		memset((char *)control + at, 0xff, 4);
}

/* The first that the table of a small region has no entry for. */
static void next_token(void *control, size_t *len, void *arg)
{
	const uint32_t token = 1U << 16;
	size_t at = *(const size_t *)arg;

	if (at + 4 <= *len)
		memcpy((char *)control + at, &token, 4);
}

/* A stream with a hole: the receive fails, and every fragment that came goes back to the kernel. */
static void test_hole(void **state)
{
	struct devmem_rx_stats stats;
	size_t lost = 40;
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 5 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	fake_mangle(fd, cut, &lost);
	assert_int_equal(devmem_rx_recv(app.rx, &app.frags, 0), -EBADMSG);
	/* The last one's token is unknown. */
	assert_int_equal(fake_tokens_out(fd), 1);
	stats = app_stats(&app);
	assert_int_equal(stats.held_fragments, 0);
	assert_int_equal(stats.held_bytes, 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	app_close(&app);
}

/* A token that can't be: nothing is handed out, and nothing stays accounted. */
static void bad_token(fake_mangle_fn *mangle, size_t index)
{
	size_t at = index * 40 + 16 + 12;
	struct devmem_rx_stats stats;
	struct app app;

	begin(MIB);
	fake_send_linear(fd, 0, 10, 5 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	fake_mangle(fd, mangle, &at);
	assert_int_equal(devmem_rx_recv(app.rx, &app.frags, 0), -EBADMSG);
	assert_int_equal(fake_tokens_out(fd), 1); /* the one that was overwritten */
	stats = app_stats(&app);
	assert_int_equal(stats.held_fragments, 0);
	assert_int_equal(stats.held_bytes, 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	app_close(&app);
	fake_end();
	fake_begin(FAKE_LINUX_7_3);
}

static void test_bad_token(void **state)
{
	(void)state;
	bad_token(zero_token, 1);
	bad_token(zero_token, 3);
	bad_token(zero_token, 5);
	bad_token(big_token, 3);
	bad_token(next_token, 3);
}

static void move_fragments(void *control, size_t *len, void *arg)
{
	const uint64_t *offsets = arg;
	size_t i;

	for (i = 0; (i + 1) * 40 <= *len; i++)
		memcpy((char *)control + i * 40 + 16, &offsets[i], sizeof(offsets[i]));
}

/* Fragments in several pages, or partly or all outside of the region, are accounted and released
 * like those in one. */
static void test_several_pages(void **state)
{
	uint64_t offsets[] = { 0, 8 * PAGE + 1, MIB - 1, MIB };
	struct devmem_fragment copy[4];
	struct app app;
	int close;

	(void)state;
	begin(MIB);
	for (close = 0; close < 2; close++) {
		fake_send_device(fd, 0, 4 * PAGE, PAGE);
		app_open(&app, fd, pool, binding, NULL);
		fake_mangle(fd, move_fragments, offsets);
		assert_int_equal(devmem_rx_recv(app.rx, &app.frags, 0), 4);
		fake_mangle(fd, NULL, NULL);
		assert_int_equal(held_pages(fake_pool_held(pool)), 1 + 2 + 1 + 0);
		memcpy(copy, app.frags, sizeof(copy));
		if (!close) {
			devmem_rx_release(app.rx, copy, 4);
			assert_int_equal(held_pages(fake_pool_held(pool)), 0);
			assert_int_equal(app_stats(&app).held_bytes, 0);
			devmem_rx_release(app.rx, copy, 4);
			assert_int_equal(app_stats(&app).fragments_missing, 4);
		}
		app_close(&app);
		check_idle();
	}
}

/* ---- releasing ---- */

static void test_release_order(void **state)
{
	struct app app;
	uint32_t i;

	(void)state;
	begin(4 * MIB);
	fake_send_device(fd, 0, 100 * PAGE, PAGE);
	fake_send_device(fd, FAKE_MS, 100 * PAGE, PAGE);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 100);
	/* Every third, from behind. */
	for (i = 99; i < 100; i -= 3)
		app_release(&app, i);
	/* Some are still out: nothing is sent before the next receive. */
	assert_int_equal(fake_counts(fd).dontneed, 0);
	assert_int_equal(fake_tokens_out(fd), 100);
	assert_int_equal(app_recv(&app, 0), 100);
	assert_int_equal(fake_counts(fd).dontneed, 1);
	assert_int_equal(fake_tokens_out(fd), 166);
	app_release_all(&app);
	app_drain(&app);
	assert_int_equal(app_stats(&app).fragments_returned, 200);
	app_close(&app);
	check_idle();
}

static void test_flush(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 4 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(devmem_rx_flush(app.rx), 0);
	assert_int_equal(fake_counts(fd).dontneed, 0);
	assert_int_equal(app_recv(&app, 0), 4);
	app_release(&app, 2);
	assert_int_equal(fake_tokens_out(fd), 4);
	assert_int_equal(devmem_rx_flush(app.rx), 0);
	assert_int_equal(fake_tokens_out(fd), 3);
	app_release(&app, 2);
	assert_int_equal(devmem_rx_arm(app.rx), -1);
	assert_int_equal(fake_tokens_out(fd), 2);
	app_close(&app);
	check_idle();
}

/* What was released before doesn't reach the kernel, where its token may belong to other bytes. */
static void test_release_twice(void **state)
{
	struct devmem_fragment copy[4];
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 4 * PAGE, PAGE);
	fake_send_device(fd, FAKE_MS, 2 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 4);
	memcpy(copy, app.frags, sizeof(copy));
	app_release(&app, 1);
	devmem_rx_release(app.rx, &copy[1], 1);
	assert_int_equal(app_stats(&app).fragments_missing, 1);
	app_release_all(&app);
	assert_int_equal(fake_counts(fd).freed, 4);
	devmem_rx_release(app.rx, copy, 4);
	assert_int_equal(devmem_rx_release_any(app.rx, copy, 4), 0);
	assert_int_equal(app_stats(&app).fragments_missing, 9);
	assert_int_equal(app_stats(&app).held_fragments, 0);
	assert_int_equal(app_stats(&app).held_bytes, 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	assert_int_equal(fake_counts(fd).missing, 0);
	assert_int_equal(fake_counts(fd).dontneed, 1);
	/* The next ones get tokens 1 and 2; releasing the stale 3 and 4 again must not touch
	 * them. */
	assert_int_equal(app_recv(&app, 0), 2);
	devmem_rx_release(app.rx, &copy[2], 2);
	devmem_rx_flush(app.rx);
	assert_int_equal(fake_tokens_out(fd), 2);
	assert_int_equal(app_stats(&app).fragments_missing, 11);
	/* Nor a stale one whose token is out again, with bytes that lie elsewhere. */
	copy[0] = app.frags[0];
	copy[0].offset += PAGE;
	devmem_rx_release(app.rx, copy, 1);
	devmem_rx_flush(app.rx);
	assert_int_equal(fake_tokens_out(fd), 2);
	assert_int_equal(app_stats(&app).fragments_missing, 12);
	app_release_all(&app);
	app_close(&app);
	check_idle();
}

/* Fragments that never were. */
static void test_release_garbage(void **state)
{
	struct devmem_fragment bad[] = {
		{ .kind = DEVMEM_FRAGMENT_DEVICE, .dmabuf_id = 7, .token = 0, .size = 1 },
		{ .kind = DEVMEM_FRAGMENT_DEVICE, .dmabuf_id = 7, .token = 77, .size = 1 },
		{ .kind = DEVMEM_FRAGMENT_DEVICE, .dmabuf_id = 7, .token = UINT32_MAX, .size = 1 },
		{ .kind = DEVMEM_FRAGMENT_DEVICE, .dmabuf_id = 0, .token = 5, .size = 1 },
		{ .kind = DEVMEM_FRAGMENT_HOST, .size = 1 },
		{ .kind = 0 },
	};
	struct app app;

	(void)state;
	begin(MIB);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_release(app.rx, bad, 6);
	assert_int_equal(devmem_rx_release_any(app.rx, bad, 6), 0);
	devmem_rx_release(app.rx, NULL, 0);
	assert_int_equal(app_stats(&app).fragments_missing, 8);
	assert_int_equal(fake_counts(fd).dontneed, 0);
	app_close(&app);
	app_open(&app, fd, NULL, NULL, NULL);
	devmem_rx_release(app.rx, bad, 6);
	assert_int_equal(app_stats(&app).fragments_missing, 4);
	app_close(&app);
	check_idle();
}

/* More ranges than the list of pending returns holds, and more than one call may carry. */
static void test_many_ranges(void **state)
{
	struct devmem_rx_options o = { .fragments_max = 8192, .recv_max = 64U << 20 };
	struct app app;
	uint32_t i, n;

	(void)state;
	pool = fake_pool_new(64U << 20, PAGE, 7);
	binding = fake_pool_binding(pool, UINT64_MAX);
	fd = fake_socket(pool);
	fake_socket_rcvbuf(fd, 64U << 20);
	fake_send_device(fd, 0, 5000 * 1000, 1000);
	fake_send_fin(fd, FAKE_MS);
	app_open(&app, fd, pool, binding, &o);
	assert_int_equal(app_recv(&app, 0), 5000);
	/* Every other one, backwards: nothing can be joined. 2500 ranges. */
	n = app.n_held;
	for (i = n - 1; i < n; i -= 2)
		app_release(&app, i);
	assert_in_range(fake_tokens_out(fd), 2500, 5000);
	assert_int_equal(devmem_rx_flush(app.rx), 0);
	assert_int_equal(fake_tokens_out(fd), 2500);
	assert_int_equal(app_stats(&app).ranges_returned, fake_counts(fd).ranges);
	assert_int_equal(fake_counts(fd).ranges, 2500);
	/* 1024 ranges in 8 calls of 128, twice, and 452 in 4. */
	assert_int_equal(fake_counts(fd).dontneed, 20);
	app_release_all(&app);
	assert_int_equal(fake_tokens_out(fd), 0);
	app_drain(&app);
	assert_int_equal(app_stats(&app).fragments_returned, 5000);
	app_close(&app);
	check_idle();
}

/* The kernel frees a part and stops: the rest is asked for again, whatever its limit is. */
static void test_partial_returns(void **state)
{
	static const uint32_t limits[] = { 1, 2, 3, 7, 100, 999, 1023 };
	struct app app;
	size_t i;

	(void)state;
	begin(64 * MIB);
	fake_socket_rcvbuf(fd, 64 * MIB);
	app_open(&app, fd, pool, binding, NULL);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		fake_dontneed_limit(fd, limits[i]);
		fake_send_device(fd, 0, 2000 * 1000, 1000);
		assert_int_equal(app_recv(&app, 0), 2000);
		app_release_all(&app);
		assert_int_equal(fake_tokens_out(fd), 0);
		assert_int_equal(app_stats(&app).fragments_returned, 2000 * (i + 1));
		assert_int_equal(app_stats(&app).fragments_missing, 0);
		assert_int_equal(fake_counts(fd).missing, 0);
	}
	app_close(&app);
	check_idle();
}

static void test_large_return(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_socket_rcvbuf(fd, 64 * MIB);
	fake_send_device(fd, 0, 2793 * 100, 100);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 2793);
	app_release_all(&app);
	/* One range, cut at the kernel's limit: 1024, 1024, 745. */
	assert_int_equal(fake_counts(fd).dontneed, 3);
	assert_int_equal(app_stats(&app).return_calls, 3);
	assert_int_equal(app_stats(&app).fragments_returned, 2793);
	app_close(&app);
	check_idle();
}

static void test_release_any(void **state)
{
	struct app app;

	(void)state;
	begin(64 * MIB);
	fake_socket_rcvbuf(fd, 64 * MIB);
	fake_send_linear(fd, 0, 10, 3000 * 100, 100);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 3001);
	/* A failure costs no more than this return. */
	fake_fail_dontneed(fd, 0, ENOMEM);
	assert_int_equal(devmem_rx_release_any(app.rx, app.frags, 3), -ENOMEM);
	assert_int_equal(app_stats(&app).held_fragments, 2998);
	assert_int_equal(devmem_rx_release_any(app.rx, app.frags + 3, 2998), 0);
	assert_int_equal(fake_tokens_out(fd), 2);
	assert_int_equal(app_stats(&app).held_fragments, 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	app_close(&app);
}

/* More tokens than one call may carry: one that fails loses its own, and is reported. */
static void test_release_any_calls(void **state)
{
	struct devmem_fragment every_other[300];
	struct app app;
	uint32_t i;

	(void)state;
	begin(16 * MIB);
	fake_send_device(fd, 0, 600 * 100, 100);
	app_open(&app, fd, pool, binding, NULL);
	assert_int_equal(app_recv(&app, 0), 600);
	for (i = 0; i < 300; i++)
		every_other[i] = app.frags[2 * i];
	fake_fail_dontneed(fd, 0, ENOMEM);
	assert_int_equal(devmem_rx_release_any(app.rx, every_other, 300), -ENOMEM);
	assert_int_equal(app_stats(&app).return_calls, 3);
	assert_int_equal(app_stats(&app).held_fragments, 300);
	assert_int_equal(fake_tokens_out(fd), 300 + 128);
	app_close(&app);
}

/* Somebody else's fragments aren't counted in the region, also where closing returns them. */
static void test_close_foreign(void **state)
{
	struct fake_packet p = { .n = 16 };
	struct fake_pool *foreign;
	struct app app, other;
	int other_fd, i;

	(void)state;
	begin(MIB);
	foreign = fake_pool_new(MIB, PAGE, 9);
	other_fd = fake_socket(pool);
	fake_socket_foreign(other_fd, foreign);
	for (i = 0; i < 16; i++)
		p.frags[i] = PAGE;
	p.foreign = true;
	/* Of 256 pages each, so that most places are in both. */
	for (i = 0; i < 12; i++)
		fake_send(other_fd, &p);
	fake_send_device(fd, 0, 64 * PAGE, PAGE);
	app_open(&app, fd, pool, binding, NULL);
	app_open(&other, other_fd, pool, binding, NULL);
	other.foreign = fake_pool_region(foreign);
	while (other.n_held < 12 * 16)
		assert_true(app_recv(&other, 0) > 0);
	assert_int_equal(app_recv(&app, 0), 64);
	app_close(&other);
	assert_int_equal(held_pages(fake_pool_held(pool)), 64);
	app_close(&app);
	check_idle();
}

/* Closing returns what the application kept, and what was noted for return. */
static void test_close(void **state)
{
	struct app app;
	uint32_t i, n;

	(void)state;
	begin(64 * MIB);
	fake_socket_rcvbuf(fd, 64 * MIB);
	fake_socket_lowat(fd, 1000);
	fake_send_device(fd, 0, 4000 * 1000, 1000);
	app_open(&app, fd, pool, binding, NULL);
	devmem_rx_expect(app.rx, 200000);
	assert_int_equal(app_recv(&app, 0), 4000);
	assert_int_not_equal(fake_socket_get_lowat(fd), 1000);
	n = app.n_held;
	for (i = n - 1; i < n; i -= 3)
		app_release(&app, i);
	app_close(&app);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(fake_counts(fd).missing, 0);
	assert_int_equal(fake_socket_get_lowat(fd), 1000);
	fake_socket_lowat(fd, 1);
	check_idle();
	devmem_rx_close(NULL);
}

/* Another receiver on the same socket goes on where the first stopped. */
static void test_reopen(void **state)
{
	struct app app;

	(void)state;
	begin(MIB);
	fake_send_device(fd, 0, 50000, 1000);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, &(struct devmem_rx_options){ .recv_max = 20000 });
	assert_true(app_recv(&app, 0) > 0);
	assert_int_equal(app.bytes, 20000);
	app_close(&app);
	app_open(&app, fd, pool, binding, NULL);
	app_drain(&app);
	assert_int_equal(app.pos, 50000);
	app_close(&app);
	check_idle();
}

/* ---- opening ---- */

static int open_code(int sock, struct devmem_rx_options *o)
{
	struct devmem_error err = { 0 };
	struct devmem_rx *rx;
	int ret;

	if (!o->sz)
		o->sz = sizeof(*o);
	ret = devmem_rx_open(&rx, sock, binding, o, &err);
	if (ret) {
		assert_null(rx);
		assert_int_equal(err.code, ret);
		assert_true(err.message[0]);
	}
	devmem_rx_close(rx);
	return ret;
}

#define OPEN(...) open_code(fd, &(struct devmem_rx_options){ __VA_ARGS__ })

static void test_options(void **state)
{
	(void)state;
	begin(MIB);
	assert_int_equal(OPEN(0), 0);
	assert_int_equal(OPEN(.sz = 4), -EINVAL);
	assert_int_equal(OPEN(.sz = 8), 0); /* an older caller: no member yet */
	assert_int_equal(OPEN(.sz = sizeof(struct devmem_rx_options) + 1), -EINVAL);
	assert_int_equal(OPEN(.fragments_max = 15), -EINVAL);
	assert_int_equal(OPEN(.fragments_max = 16), 0);
	assert_int_equal(OPEN(.fragments_max = UINT32_MAX), -EINVAL);
	assert_int_equal(OPEN(.recv_max = 4095), -EINVAL);
	assert_int_equal(OPEN(.recv_max = 4096), 0);
	assert_int_equal(OPEN(.recv_max = UINT32_MAX), -EINVAL);
	assert_int_equal(OPEN(.lowat_max = 1), 0);
	assert_int_equal(OPEN(.lowat_max = UINT32_MAX), -EINVAL);
	assert_int_equal(OPEN(.lowat_wait_ms = 1), 0);
	assert_int_equal(OPEN(.lowat_wait_ms = UINT32_MAX), -EINVAL);
	assert_int_equal(open_code(fake_udp(), &(struct devmem_rx_options){ 0 }), -EPROTOTYPE);
	fake_fail(fake_calls() + 1, ENOTSOCK);
	assert_int_equal(OPEN(0), -ENOTSOCK);
	check_idle();
}

/* Many fragments per call beside a small region: the table of tokens bounds what is out. */
static void test_many_fragments_option(void **state)
{
	struct devmem_rx_options o = { .fragments_max = 1U << 20 };
	struct app app;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	fake_pool_pack(pool, true);
	binding = fake_pool_binding(pool, UINT64_MAX);
	fd = fake_socket(pool);
	fake_send_device(fd, 0, 70000 * 8, 8);
	fake_send_fin(fd, 0);
	app_open(&app, fd, pool, binding, &o);
	assert_int_equal(app_recv(&app, 0), 65535);
	assert_int_equal(app_recv(&app, 0), -ENOBUFS);
	app_release(&app, 7);
	assert_int_equal(app_recv(&app, 0), 1);
	app_release_all(&app);
	app_drain(&app);
	app_close(&app);
	fake_pool_pack(pool, false);
	check_idle();
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct devmem_fragment), 32);
	assert_int_equal(offsetof(struct devmem_fragment, offset), 0);
	assert_int_equal(offsetof(struct devmem_fragment, size), 8);
	assert_int_equal(offsetof(struct devmem_fragment, token), 12);
	assert_int_equal(offsetof(struct devmem_fragment, kind), 16);
	assert_int_equal(offsetof(struct devmem_fragment, dmabuf_id), 20);
	assert_int_equal(offsetof(struct devmem_fragment, region), 24);
	assert_int_equal(offsetof(struct devmem_fragment, host), 24);
	assert_int_equal(offsetof(struct devmem_rx_options, sz), 0);
	assert_int_equal(sizeof(struct devmem_rx_options), 32);
	assert_int_equal(sizeof(struct devmem_rx_stats), 20 * 8);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_device),
		TEST(test_linear),
		TEST(test_misrouted),
		TEST(test_foreign),
		TEST(test_plain_receiver),
		TEST(test_unbound),
		TEST(test_short_control),
		TEST(test_timestamps),
		TEST(test_split_fragment),
		TEST(test_recv_errors),
		TEST(test_explain),
		TEST(test_bad_flags),
		TEST(test_reset),
		TEST(test_dontwait),
		TEST(test_nonblocking_socket),
		TEST(test_signal),
		TEST(test_other_failures),
		TEST(test_closed_descriptor),
		TEST(test_hole),
		TEST(test_bad_token),
		TEST(test_several_pages),
		TEST(test_release_order),
		TEST(test_flush),
		TEST(test_release_twice),
		TEST(test_release_garbage),
		TEST(test_many_ranges),
		TEST(test_partial_returns),
		TEST(test_large_return),
		TEST(test_release_any),
		TEST(test_release_any_calls),
		TEST(test_close_foreign),
		TEST(test_close),
		TEST(test_reopen),
		TEST(test_options),
		TEST(test_many_fragments_option),
		TEST(test_sizes),
	};

	return cmocka_run_group_tests_name("rx", tests, NULL, NULL);
}
