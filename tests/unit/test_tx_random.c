// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sender under random schedules: lists of ranges that overlap, parts, full buffers, completions in
 * odd orders, messages for others, signals, resets, numbers that wrap. The application writes to
 * the region again as soon as the sender says that it may. Whatever happens, what leaves is what
 * was sent, nothing changes too early, and each send is reported once. The schedule of each round
 * follows from its number.
 */
#include "test_tx_app.h"
#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROUNDS 1500U
#define SENDS 65536U
#define LIST 16U

/* Small numbers often, large ones sometimes. */
static uint32_t skewed(uint32_t max)
{
	return 1 + rnd(1 + rnd(max));
}

struct round {
	struct app app;
	bool plain, reset, notices, signals;
	uint32_t patience; /* how often it waits for a range to write to it */
	uint8_t told[SENDS];
	uint32_t number_first;
};

static void some_range(const struct round *r, struct devmem_range *range)
{
	range->offset = rnd((uint32_t)r->app.size);
	range->size = skewed((uint32_t)(r->app.size - range->offset));
}

static void fill(const struct round *r, const struct devmem_range *range)
{
	uint64_t i;

	for (i = 0; i < range->size; i++)
		r->app.bytes[range->offset + i] = (uint8_t)rnd(256);
}

/* Writes to it if the sender says that it may. */
static void rewrite(struct round *r, const struct devmem_range *range)
{
	struct devmem_tx *tx = r->app.tx;
	uint64_t sequence;
	int ret;

	if (devmem_tx_in_flight(tx, range, &sequence)) {
		assert_false(r->plain);
		assert_in_range(sequence, devmem_tx_completed(tx) + 1, devmem_tx_last(tx));
		if (!chance(r->patience))
			return;
		ret = devmem_tx_wait(tx, sequence, chance(80) ? -1 : (int)rnd(20));
		if (ret) {
			assert_true(ret == -ETIMEDOUT || ret == -EINTR);
			assert_true(ret != -EINTR || r->signals);
			return;
		}
		assert_int_equal(devmem_tx_in_flight(tx, range, &sequence), 0);
	}
	assert_int_equal(sequence, 0);
	fill(r, range);
}

static void reap(struct round *r)
{
	struct devmem_tx_done done[8];
	size_t room = rnd(9);
	uint64_t s, before = 0;
	int n, i;

	n = devmem_tx_reap(r->app.tx, done, room);
	assert_in_range(n, 0, room);
	for (i = 0; i < n; i++) {
		/* Ascending, and as few as possible. */
		assert_true(!i || done[i].first > before + 1);
		assert_true(done[i].first >= 1 && done[i].first <= done[i].last);
		assert_true(done[i].last <= devmem_tx_last(r->app.tx));
		for (s = done[i].first; s <= done[i].last; s++)
			assert_int_equal(r->told[s]++, 0);
		before = done[i].last;
	}
	if (!r->plain) {
		struct devmem_tx_stats stats = app_stats(&r->app);

		assert_int_equal(stats.in_flight_sends, fake_in_flight(r->app.fd));
		/* Nothing of what is there stays unread while something is in flight. */
		assert_true(!stats.in_flight_sends || !fake_notes(r->app.fd));
	}
}

/* One list, whole unless something is in the way. Return: the connection goes on. */
static bool send_list(struct round *r)
{
	struct devmem_range list[LIST], *left = list;
	size_t n = chance(60) ? 1 : 1 + rnd(LIST), i;
	unsigned int flags = chance(40) ? DEVMEM_TX_DONTWAIT : 0;
	int64_t ret;

	for (i = 0; i < n; i++) {
		some_range(r, &list[i]);
		if (chance(70))
			rewrite(r, &list[i]);
	}
	while (n) {
		ret = app_send(&r->app, left, n, flags, NULL);
		if (ret > 0) {
			devmem_tx_advance(&left, &n, (uint64_t)ret);
			continue;
		}
		if (ret == -EAGAIN || ret == -ENOBUFS) {
			assert_true(flags & DEVMEM_TX_DONTWAIT);
			if (chance(30))
				return true;
			fake_advance(1 + rnd(3) * FAKE_MS);
			if (chance(50))
				flags = 0;
		} else if (ret == -EINTR) {
			assert_true(r->signals);
		} else {
			assert_true(r->reset);
			assert_true(ret == -ECONNRESET || ret == -EPIPE);
			return false;
		}
	}
	return true;
}

static void disturb(struct round *r)
{
	if (r->notices && chance(10)) {
		if (chance(50))
			fake_note_timestamp(r->app.fd);
		else
			fake_note_icmp(r->app.fd, EHOSTUNREACH);
	}
	/* What is long complete, once more. */
	if (r->notices && chance(5) && devmem_tx_completed(r->app.tx) && !r->plain) {
		uint32_t last = r->number_first + (uint32_t)devmem_tx_completed(r->app.tx) - 1;

		fake_note_zerocopy(r->app.fd, last - rnd(5), last, chance(50));
	}
	if (r->signals && chance(10))
		fake_signal(fake_now() + rnd(20) * FAKE_MS);
	if (chance(20))
		fake_advance(rnd(10) * FAKE_MS);
}

static void world(struct round *r)
{
	static const enum app_kind kinds[] = { APP_PLAIN_DMABUF, APP_PLAIN_MEMFD };
	struct devmem_tx_options o = { .sz = sizeof(o) };
	int fd;

	r->plain = chance(15);
	app_begin(&r->app, r->plain ? kinds[rnd(2)] : APP_DEVICE, 4096 * (1 + rnd(5)));
	fd = r->app.fd = fake_connected(chance(50) ? AF_INET : AF_INET6);
	fake_socket_nonblock(fd, chance(50));
	fake_socket_sndbuf(fd, chance(50) ? 200 + rnd(5000) : 100000);
	fake_pace(fd, skewed(10000), 1 + rnd(3000000));
	fake_jitter(fd, chance(50) ? 0 : 1 + rnd(30000000));
	fake_merge(fd, chance(80));
	fake_join(fd, chance(50) ? 0 : rnd(100));
	fake_copied(fd, chance(70) ? 0 : rnd(100));
	fake_stamps(fd, chance(20));
	if (chance(30))
		fake_socket_optmem(fd, 1 + rnd(20));
	r->number_first = chance(50) ? 0 : 0U - rnd(200);
	fake_socket_number(fd, r->number_first);
	o.zerocopy_sends = r->number_first;
	if (chance(50))
		o.sends_max = skewed(20);
	if (chance(50))
		o.ranges_max = DEVMEM_TX_RANGES_MAX;
	r->notices = chance(30);
	r->signals = chance(30);
	r->reset = chance(20);
	r->patience = rnd(100);
	if (r->reset)
		fake_reset(fd, rnd(300) * FAKE_MS, ECONNRESET);
	app_open(&r->app, &o);
}

static void check_end(const struct round *r)
{
	struct devmem_tx_stats s = app_stats(&r->app);
	struct fake_counts c = fake_counts(r->app.fd);
	uint64_t last = devmem_tx_last(r->app.tx), i;

	assert_int_equal(s.sends, last);
	assert_int_equal(r->plain ? s.bytes_plain : s.bytes_device, r->app.want_len);
	assert_int_equal(s.bytes_plain && s.bytes_device, 0);
	assert_int_equal(s.sends_completed, last);
	assert_int_equal(s.in_flight_sends, 0);
	assert_int_equal(s.in_flight_bytes, 0);
	assert_int_equal(s.send_calls, c.send - !r->plain);
	assert_int_equal(s.reap_calls, c.reap);
	/* Naps aren't of the socket. */
	assert_int_equal(s.poll_calls, c.poll);
	assert_int_equal(s.sync_calls, fake.syncs);
	assert_int_equal(s.full_socket, c.eagain);
	assert_true(s.zerocopy_sends == fake_socket_next(r->app.fd));
	assert_true(s.sends_copied <= s.sends_completed);
	assert_int_equal(fake_in_flight(r->app.fd), 0);
	if (!r->notices) {
		assert_int_equal(s.completions_unknown, 0);
		assert_int_equal(s.notices_other, 0);
	}
	for (i = 1; i <= last; i++)
		assert_int_equal(r->told[i], 1);
	if (r->reset)
		app_check(&r->app);
	else
		app_check_all(&r->app);
}

static void one_round(uint32_t number)
{
	struct round *r = calloc(1, sizeof(*r));
	struct devmem_tx_done done;
	uint32_t steps;
	int ret;

	fake_begin(FAKE_LINUX_7_3);
	fake_seed(number);
	assert_non_null(r);
	world(r);
	for (steps = 10 + rnd(120); steps; steps--) {
		if (!send_list(r) || devmem_tx_last(r->app.tx) > SENDS / 2)
			break;
		disturb(r);
		if (chance(30))
			reap(r);
	}
	fake_signal(FAKE_NEVER);
	do
		ret = devmem_tx_wait(r->app.tx, DEVMEM_TX_ALL, (int)rnd(2000));
	while (ret == -ETIMEDOUT);
	assert_int_equal(ret, 0);
	assert_int_equal(devmem_tx_completed(r->app.tx), devmem_tx_last(r->app.tx));
	/* A plain one's bytes may still be in the socket's buffer. */
	while (r->plain && !r->reset && fake_sent(r->app.fd)) {
		uint64_t len;

		fake_stream(r->app.fd, &len);
		if (len == fake_sent(r->app.fd))
			break;
		fake_advance(FAKE_MS);
	}
	while ((ret = devmem_tx_reap(r->app.tx, &done, 1)) > 0)
		for (; done.first <= done.last; done.first++)
			assert_int_equal(r->told[done.first]++, 0);
	assert_int_equal(ret, 0);
	check_end(r);
	assert_int_equal(devmem_tx_close(r->app.tx, DEVMEM_TX_DRAIN, 0), 0);
	r->app.tx = NULL;
	assert_false(fake_socket_has_zerocopy(r->app.fd));
	app_end(&r->app);
	free(r);
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

	return cmocka_run_group_tests_name("tx-random", tests, NULL, NULL);
}
