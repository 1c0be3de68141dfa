// SPDX-License-Identifier: BSD-3-Clause
/*
 * Receiver under random streams: packets of all kinds at random times, random options, an
 * application that expects, keeps, releases and polls at random. Whatever happens, every byte is
 * handed out exactly once, in order, unspoilt until it is released, no later than the bound, and at
 * the end all pages and tokens are back. The schedule of each round follows from its number.
 */
#include "test_rx_app.h"
#include "rounds.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bind/held.h"
#include "core/sys.h"

#define PAGE 4096U
#define ROUNDS 1000U

/* Small numbers often, large ones sometimes. */
static uint32_t skewed(uint32_t max)
{
	return 1 + rnd(1 + rnd(max));
}

struct round {
	int fd;
	uint32_t pages;
	uint64_t total;
	uint32_t wait_ms;
	uint32_t keep; /* fragments that the application likes to have */
	bool own_poll, any_thread;
	uint32_t border; /* the stream may have borders of kinds */
};

static void script(struct round *r, uint32_t packets)
{
	/* Mostly packets of one kind, or a mixture. */
	uint32_t plain = chance(50) ? 0 : rnd(100), linear = chance(50) ? 0 : rnd(100);
	uint32_t foreign = chance(80) ? 0 : rnd(50), gap = rnd(4), frag_max = skewed(PAGE), i, k;
	uint64_t at = 0;

	r->border = plain;
	for (i = 0; i < packets; i++) {
		struct fake_packet p = { .at = at };

		if (chance(plain)) {
			p.plain = skewed(9000);
		} else {
			if (chance(linear))
				p.linear = skewed(1500);
			p.n = rnd(1 + (r->pages < 64 ? 3 : FAKE_FRAGS_MAX));
			if (!p.linear && !p.n)
				p.n = 1;
			for (k = 0; k < p.n; k++)
				p.frags[k] = skewed(frag_max);
			p.foreign = chance(foreign);
		}
		r->total += p.plain + p.linear;
		for (k = 0; k < p.n; k++)
			r->total += p.frags[k];
		fake_send(r->fd, &p);
		if (gap == 1)
			at += rnd(2000);
		else if (gap == 2)
			at += rnd(1000000);
		else if (gap == 3 && chance(5))
			at += rnd(200) * FAKE_MS;
	}
	fake_send_fin(r->fd, chance(50) ? 0 : at + rnd(100) * FAKE_MS);
}

static void expect(struct app *app, const struct round *r)
{
	switch (rnd(5)) {
	case 0:
		devmem_rx_expect(app->rx, DEVMEM_RX_STREAM);
		break;
	case 1:
		devmem_rx_expect(app->rx, 0);
		break;
	case 2:
		devmem_rx_expect(app->rx, r->total - app->pos);
		break;
	default:
		devmem_rx_expect(app->rx, skewed(100000));
	}
}

static void release(struct app *app, const struct round *r, uint32_t i)
{
	struct app_held held = app->held[i];

	if (!r->any_thread || chance(50)) {
		app_release(app, i);
		return;
	}
	assert_int_equal(
		fake_compare(app->fd, held.pos, app_bytes(app, &held.frag), held.frag.size), 0);
	assert_int_equal(devmem_rx_release_any(app->rx, &held.frag, 1), 0);
	app->held[i] = app->held[--app->n_held];
}

static void poll_self(struct app *app)
{
	struct pollfd pfd = { .fd = app->fd, .events = POLLIN };
	int timeout = devmem_rx_arm(app->rx), ret;

	assert_true(timeout >= -1);
	ret = sys_poll(&pfd, 1, timeout);
	assert_true(ret >= 0 || ret == -EINTR);
}

/* One stream, from the first byte to the end. */
static void run(struct app *app, const struct round *r)
{
	uint32_t calls = 0;

	for (;;) {
		bool dontwait = r->own_poll || chance(5);
		int ret;

		if (chance(20))
			expect(app, r);
		if (chance(2))
			fake_signal(fake_now() + rnd(30) * FAKE_MS);
		ret = app_recv(app, dontwait ? DEVMEM_RX_DONTWAIT : 0);
		assert_true(++calls < 200000);
		if (!ret)
			break;
		if (ret == -ENOBUFS) {
			assert_true(app->n_held > 0);
			release(app, r, rnd(app->n_held));
			if (chance(50))
				app_release_all(app);
		} else if (ret == -EAGAIN) {
			assert_true(dontwait);
			if (r->own_poll)
				poll_self(app);
		} else {
			assert_true(ret > 0 || ret == -EINTR);
		}
		while (app->n_held > r->keep)
			release(app, r, chance(50) ? 0 : rnd(app->n_held));
		if (chance(5))
			assert_int_equal(devmem_rx_flush(app->rx), 0);
		if (chance(2))
			fake_dontneed_limit(app->fd, chance(50) ? skewed(20) : 0);
	}
}

static void check_end(struct app *app, const struct round *r)
{
	struct devmem_rx_stats s = app_stats(app);
	struct fake_counts c = fake_counts(r->fd);

	assert_int_equal(app->pos, r->total);
	assert_int_equal(s.bytes_device + s.bytes_host + s.bytes_placed, r->total);
	assert_int_equal(s.held_fragments, app->n_held);
	assert_int_equal(s.fragments_missing, 0);
	assert_int_equal(s.fragments_returned, c.freed);
	assert_true(s.ranges_returned >= c.ranges); /* a call may stop before some */
	assert_int_equal(s.return_calls, c.dontneed);
	assert_int_equal(s.recv_calls, c.recv);
	assert_int_equal(s.lowat_calls, c.lowat);
}

static void one_round(uint32_t number)
{
	struct devmem_rx_options o = { 0 };
	struct fake_pool *pool, *foreign;
	struct devmem_region *placement = NULL;
	struct devmem_binding *binding;
	struct round r = { 0 };
	struct app app;
	bool pack;

	(void)number;
	fake_begin(FAKE_LINUX_7_3);
	r.pages = chance(50) ? 16 + rnd(64) : 16 + rnd(600);
	pool = fake_pool_new((uint64_t)r.pages * PAGE, PAGE, 7);
	foreign = fake_pool_new(512 * PAGE, PAGE, 8);
	binding = fake_pool_binding(pool,
				    chance(50) ? r.pages / 4 * PAGE : skewed(r.pages / 2) * PAGE);
	pack = chance(30);
	fake_pool_pack(pool, pack);
	r.fd = fake_socket(pool);
	fake_socket_foreign(r.fd, foreign);
	if (chance(20))
		fake_socket_rcvbuf(r.fd, 20000 + rnd(100000));
	fake_socket_timestamps(r.fd, chance(10));
	fake_socket_nonblock(r.fd, chance(10));
	script(&r, skewed(300));
	r.wait_ms = 1 + rnd(40);
	o.lowat_wait_ms = r.wait_ms;
	if (chance(50))
		o.fragments_max = 16 + rnd(64);
	if (chance(50))
		o.recv_max = 4096 + rnd(60000);
	if (chance(50))
		o.lowat_max = skewed(200000);
	if (chance(30)) {
		assert_int_equal(devmem_region_open(&placement, "memfd", PAGE * (1 + rnd(8)), NULL),
				 0);
		o.placement = placement;
	}
	/* Not more than leaves the NIC pages: an application that keeps all of them waits for
	 * ever. */
	r.keep = chance(40) ? 0 : rnd(r.pages / 4);
	r.own_poll = chance(30);
	r.any_thread = chance(30);
	app_open(&app, r.fd, pool, binding, &o);
	app.foreign = fake_pool_region(foreign);
	run(&app, &r);
	check_end(&app, &r);
	if (!r.own_poll)
		/* Behind a border between kinds, bytes may wait a second time. */
		assert_in_range(fake_delay_max(r.fd), 0, (r.border ? 2 : 1) * r.wait_ms * FAKE_MS);
	app_close(&app);
	assert_int_equal(fake_tokens_out(r.fd), 0);
	assert_int_equal(fake_counts(r.fd).missing, 0);
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	if (!pack)
		assert_true(held_pages_max(fake_pool_held(pool)) <=
			    held_limit(fake_pool_held(pool)));
	assert_int_equal(fake_socket_get_lowat(r.fd), 1);
	fake_pool_pack(pool, false);
	assert_int_equal(fake_pool_free(pool), r.pages);
	assert_int_equal(fake_pool_free(foreign), fake_pool_pages(foreign));
	devmem_region_close(placement);
	fake_end();
}

static void test_random(void **state)
{
	(void)state;
	rounds_run(ROUNDS, one_round);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_random, rounds_report),
	};

	return cmocka_run_group_tests_name("rx-random", tests, NULL, NULL);
}
