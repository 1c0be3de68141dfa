// SPDX-License-Identifier: BSD-3-Clause
/* Rings of space for senders: by hand, and under random schedules against a map of all bytes. */
#include "test_tx_app.h"
#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PAGE 4096U
#define PIECES 4096U
#define ROUNDS 400U
#define SPACE_MAX (4 * PAGE)

static struct app app;
static struct devmem_tx_ring *ring;

static void begin(uint64_t offset, uint64_t size)
{
	struct devmem_range space = { offset, size };

	app_start(&app, APP_DEVICE, 64 * PAGE);
	assert_int_equal(devmem_tx_ring_open(&ring, app.tx, &space, NULL), 0);
}

static void end(void)
{
	devmem_tx_ring_close(ring);
	app_end(&app);
}

static void gets(uint64_t min, uint64_t max, uint64_t offset, uint64_t size)
{
	struct devmem_range space;

	assert_int_equal(devmem_tx_ring_get(ring, min, max, DEVMEM_TX_DONTWAIT, &space), 0);
	if (space.offset != offset || space.size != size)
		fail_msg("%llu bytes at %llu", (unsigned long long)space.size,
			 (unsigned long long)space.offset);
}

static int get_fails(uint64_t min, uint64_t max)
{
	struct devmem_range space;

	return devmem_tx_ring_get(ring, min, max, DEVMEM_TX_DONTWAIT, &space);
}

static int put(uint64_t offset, uint64_t size, uint64_t sequence)
{
	struct devmem_range space = { offset, size };

	return devmem_tx_ring_put(ring, &space, sequence);
}

static void test_open(void **state)
{
	static const struct {
		struct devmem_range space;
		int code;
		const char *word;
	} cases[] = {
		{ { 0, 0 }, -EINVAL, "0 bytes" },
		{ { 64 * PAGE, 0 }, -EINVAL, "0 bytes" },
		{ { 0, 64 * PAGE + 1 }, -ERANGE, "past the end" },
		{ { 64 * PAGE, 1 }, -ERANGE, "past the end" },
		{ { UINT64_MAX, 1 }, -ERANGE, "past the end" },
		{ { 1, UINT64_MAX }, -ERANGE, "past the end" },
	};
	struct devmem_range all = { 63 * PAGE, PAGE };
	struct devmem_error err;
	unsigned int calls;
	size_t i;

	(void)state;
	app_start(&app, APP_DEVICE, 64 * PAGE);
	calls = fake_calls();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		ring = (void *)&err;
		assert_int_equal(devmem_tx_ring_open(&ring, app.tx, &cases[i].space, &err),
				 cases[i].code);
		assert_null(ring);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
		assert_non_null(strstr(err.message, cases[i].word));
		assert_int_equal(devmem_tx_ring_open(&ring, app.tx, &cases[i].space, NULL),
				 cases[i].code);
	}
	/* All of the region, and its end. */
	assert_int_equal(devmem_tx_ring_open(&ring, app.tx, NULL, &err), 0);
	gets(1, UINT64_MAX, 0, 64 * PAGE);
	devmem_tx_ring_close(ring);
	assert_int_equal(devmem_tx_ring_open(&ring, app.tx, &all, &err), 0);
	gets(PAGE, PAGE, 63 * PAGE, PAGE);
	devmem_tx_ring_close(ring);
	devmem_tx_ring_close(NULL);
	assert_int_equal(fake_calls(), calls);
	app_end(&app);
}

static void test_errors(void **state)
{
	struct devmem_range space;
	struct devmem_error err;

	(void)state;
	begin(PAGE, 1000);
	assert_int_equal(devmem_tx_ring_get(ring, 0, 10, 0, &space), -EINVAL);
	app_explains(&app, -EINVAL, DEVMEM_ERROR_INPUT, "ring hands out");
	assert_int_equal(devmem_tx_ring_get(ring, 11, 10, 0, &space), -EINVAL);
	assert_int_equal(devmem_tx_ring_get(ring, 1, 10, 2, &space), -EINVAL);
	assert_int_equal(devmem_tx_ring_get(ring, 1001, 2000, 0, &space), -EMSGSIZE);
	app_explains(&app, -EMSGSIZE, DEVMEM_ERROR_INPUT, "than the ring has");
	gets(10, 100, PAGE, 100);
	/* What was wrong before isn't said of what follows. */
	assert_int_equal(devmem_tx_close(app.tx, 0, 0), -EINVAL);
	devmem_tx_explain(app.tx, -EINVAL, &err);
	assert_null(strstr(err.message, "ring"));
	/* Not handed out; longer than it was; a send that isn't there yet; twice. */
	assert_int_equal(put(PAGE + 1, 10, 0), -EINVAL);
	assert_int_equal(put(0, 100, 0), -EINVAL);
	assert_int_equal(put(PAGE, 101, 0), -EINVAL);
	assert_int_equal(put(PAGE, 100, 1), -EINVAL);
	assert_int_equal(put(PAGE, 100, UINT64_MAX), -EINVAL);
	app_send_one(&app, PAGE, 100);
	assert_int_equal(put(PAGE, 100, 1), 0);
	assert_int_equal(put(PAGE, 100, 1), -EINVAL);
	end();
}

/* Space comes back in order, and what is too little at the end stays empty. */
static void test_circle(void **state)
{
	(void)state;
	begin(PAGE, 1000);
	gets(300, 300, PAGE, 300);
	gets(300, 300, PAGE + 300, 300);
	gets(300, 300, PAGE + 600, 300);
	/* 100 are left, all of them if they are of use. */
	assert_int_equal(get_fails(101, 1000), -ENOBUFS);
	app_send_one(&app, PAGE, 300);
	assert_int_equal(put(PAGE, 300, 1), 0);
	assert_int_equal(get_fails(101, 1000), -EAGAIN);
	fake_take(app.fd, 300);
	/* At the end there are 100, at the beginning 300. */
	gets(101, 1000, PAGE, 300);
	assert_int_equal(get_fails(1, 1000), -ENOBUFS);
	assert_int_equal(put(PAGE + 600, 300, 0), 0);
	assert_int_equal(get_fails(1, 1000), -ENOBUFS);
	assert_int_equal(put(PAGE + 300, 300, 0), 0);
	/* Both, and the 100 that were left out come back with the piece behind them. */
	gets(1, 1000, PAGE + 300, 600);
	assert_int_equal(put(PAGE, 300, 0), 0);
	assert_int_equal(put(PAGE + 300, 600, 0), 0);
	gets(1000, 1000, PAGE, 1000);
	assert_int_equal(put(PAGE, 1000, 0), 0);
	/* Up to the very end, then from the beginning. */
	gets(400, 400, PAGE, 400);
	gets(600, 600, PAGE + 400, 600);
	assert_int_equal(put(PAGE, 400, 0), 0);
	gets(1, 400, PAGE, 400);
	end();
}

/* The rest of the newest piece is free at once; of others it comes back with them. */
static void test_short(void **state)
{
	(void)state;
	begin(0, 1000);
	gets(1000, 1000, 0, 1000);
	assert_int_equal(put(0, 300, 0), 0);
	gets(1, 1000, 0, 1000);
	app_send_one(&app, 0, 300);
	assert_int_equal(put(0, 300, 1), 0);
	gets(1, 1000, 300, 700);
	app_send_one(&app, 300, 100);
	assert_int_equal(put(300, 100, 2), 0);
	gets(50, 50, 400, 50);
	gets(50, 50, 450, 50);
	/* Not the newest. */
	assert_int_equal(put(400, 10, 0), 0);
	gets(1, 1000, 500, 500);
	/* Nothing of it. */
	assert_int_equal(put(500, 0, 0), 0);
	gets(1, 1000, 500, 500);
	assert_int_equal(get_fails(1, 1000), -EAGAIN);
	fake_take(app.fd, 400);
	gets(1, 1000, 0, 450);
	assert_int_equal(put(0, 0, 0), 0);
	/* The beginning again; the piece given back whole is in nobody's way. */
	gets(1, 399, 0, 399);
	assert_int_equal(put(450, 50, 0), 0);
	assert_int_equal(put(500, 500, 0), 0);
	assert_int_equal(put(0, 399, 0), 0);
	gets(1000, 1000, 0, 1000);
	app_check(&app);
	end();
}

/* A short one that had left out the end of the circle. */
static void test_short_behind_end(void **state)
{
	(void)state;
	begin(0, 1000);
	gets(900, 900, 0, 900);
	assert_int_equal(put(0, 900, 0), 0);
	gets(900, 900, 0, 900);
	assert_int_equal(put(0, 800, 0), 0);
	gets(100, 100, 0, 100);
	gets(700, 700, 100, 700);
	assert_int_equal(put(0, 100, 0), 0);
	assert_int_equal(put(100, 700, 0), 0);
	gets(150, 150, 0, 150);
	gets(800, 800, 150, 800);
	assert_int_equal(put(0, 150, 0), 0);
	gets(100, 150, 0, 150);
	/* It used 50 at the end and 150; now 50 and 30. */
	assert_int_equal(put(0, 30, 0), 0);
	gets(1, 1000, 30, 120);
	assert_int_equal(get_fails(1, 1000), -ENOBUFS);
	assert_int_equal(put(150, 800, 0), 0);
	gets(1, 1000, 150, 850);
	end();
}

/* It waits for the oldest piece's sends, not for others, and not for ever. */
static void test_waits(void **state)
{
	struct devmem_range space;
	uint64_t sequence, polls;

	(void)state;
	begin(0, 1000);
	gets(500, 500, 0, 500);
	gets(500, 500, 500, 500);
	app_send_one(&app, 0, 500);
	sequence = app_send_one(&app, 500, 500);
	assert_int_equal(put(500, 500, sequence), 0);
	polls = fake_counts(app.fd).poll;
	assert_int_equal(devmem_tx_ring_get(ring, 1, 1000, 0, &space), -ENOBUFS);
	assert_int_equal(fake_counts(app.fd).poll, polls);
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "devmem_tx_ring_put");
	assert_int_equal(put(0, 500, 1), 0);
	fake_signal(5 * FAKE_MS);
	assert_int_equal(devmem_tx_ring_get(ring, 1, 1000, 0, &space), -EINTR);
	assert_int_equal(devmem_tx_ring_get(ring, 1, 1000, DEVMEM_TX_DONTWAIT, &space), -EAGAIN);
	app_explains(&app, -EAGAIN, DEVMEM_ERROR_REFUSED, "no space");
	fake_pace(app.fd, 100, FAKE_MS);
	assert_int_equal(devmem_tx_ring_get(ring, 1, 1000, 0, &space), 0);
	assert_int_equal(fake_now(), 10 * FAKE_MS);
	assert_true(space.offset == 0 && space.size == 500);
	/* A lost count of completions. */
	fake_note_zerocopy(app.fd, 9, 9, false);
	assert_int_equal(devmem_tx_ring_get(ring, 501, 1000, 0, &space), -EBADMSG);
	app_explains(&app, -EBADMSG, DEVMEM_ERROR_REFUSED, "somebody else");
	end();
}

/* Completions that can't be, after some that seemed right: these may have been somebody else's, so
 * no space comes back by them. */
static void test_lost(void **state)
{
	struct devmem_range space;

	(void)state;
	begin(0, 1000);
	gets(500, 500, 0, 500);
	app_send_one(&app, 0, 500);
	assert_int_equal(put(0, 500, 1), 0);
	fake_take(app.fd, 500);
	fake_note_zerocopy(app.fd, 9, 9, false);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), 0);
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	assert_int_equal(get_fails(1, 1000), -EBADMSG);
	assert_int_equal(devmem_tx_ring_get(ring, 1, 1000, 0, &space), -EBADMSG);
	app_explains(&app, -EBADMSG, DEVMEM_ERROR_REFUSED, "somebody else");
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), -EBADMSG);
	end();
}

/* As many pieces as there can be. */
static void test_many(void **state)
{
	struct devmem_range space;
	uint32_t i;

	(void)state;
	begin(0, 2 * PIECES);
	for (i = 0; i < PIECES; i++)
		gets(1, 1, i, 1);
	assert_int_equal(get_fails(1, 1), -ENOBUFS);
	for (i = PIECES; i-- > 1;)
		assert_int_equal(put(i, 1, 0), 0);
	assert_int_equal(get_fails(1, 1), -ENOBUFS);
	assert_int_equal(put(0, 1, 0), 0);
	gets(1, 2 * PIECES, 0, 2 * PIECES);
	assert_int_equal(put(0, 2 * PIECES, 0), 0);
	/* The circle of pieces goes round, too. */
	for (i = 0; i < 3 * PIECES; i++) {
		assert_int_equal(devmem_tx_ring_get(ring, 3, 5, 0, &space), 0);
		assert_int_equal(devmem_tx_ring_put(ring, &space, 0), 0);
	}
	end();
}

/* ---- random ---- */

/* A piece, as the model has it, in the order in which they were handed out. */
struct model_piece {
	struct devmem_range space;
	uint64_t left_out; /* at the end of the circle, before it */
	bool put;
	uint64_t sequence;
};

static struct {
	uint64_t offset, size, head;
	struct model_piece pieces[4 * PIECES];
	uint32_t n, oldest;
	uint8_t map[SPACE_MAX]; /* bytes that are in use */
} m;

static void mark(uint64_t offset, uint64_t size, bool taken)
{
	uint64_t i;

	for (i = offset; i < offset + size; i++) {
		assert_int_equal(m.map[i], !taken);
		m.map[i] = taken;
	}
}

static void model_take_back(void)
{
	while (m.oldest < m.n) {
		const struct model_piece *p = &m.pieces[m.oldest];

		if (!p->put || p->sequence > devmem_tx_completed(app.tx))
			break;
		mark(p->space.offset - m.offset, p->space.size, false);
		mark(m.size - p->left_out, p->left_out, false);
		m.oldest++;
	}
	if (m.oldest == m.n)
		m.head = 0;
}

static uint64_t free_run(uint64_t at)
{
	uint64_t n = 0;

	while (at + n < m.size && !m.map[at + n])
		n++;
	return n;
}

static bool model_get(uint64_t min, uint64_t max, struct devmem_range *space)
{
	struct model_piece p = { .left_out = 0 };
	uint64_t at = m.head, n;

	if (m.n - m.oldest == PIECES)
		return false;
	n = free_run(at);
	if (n < min) {
		/* From the beginning, if nothing lies between here and the end. */
		if (at + n < m.size || !at)
			return false;
		p.left_out = n;
		at = 0;
		n = free_run(0);
		if (n < min)
			return false;
	}
	if (n > max)
		n = max;
	p.space = (struct devmem_range){ m.offset + at, n };
	*space = p.space;
	mark(at, n, true);
	mark(m.size - p.left_out, p.left_out, true);
	m.head = at + n == m.size ? 0 : at + n;
	assert_true(m.n < 4 * PIECES);
	m.pieces[m.n++] = p;
	return true;
}

static void model_put(uint32_t i, uint64_t size, uint64_t sequence)
{
	struct model_piece *p = &m.pieces[i];

	p->put = true;
	p->sequence = sequence;
	if (i + 1 < m.n)
		return;
	mark(p->space.offset - m.offset + size, p->space.size - size, false);
	p->space.size = size;
	m.head = p->space.offset - m.offset + size;
	if (m.head == m.size)
		m.head = 0;
}

static void step_get(void)
{
	uint64_t min = 1 + rnd(1 + rnd((uint32_t)m.size)), max = min + rnd((uint32_t)m.size);
	bool wait = chance(50), fits;
	struct devmem_range space = { 0, 0 }, want = { 0, 0 };
	int ret;

	ret = devmem_tx_ring_get(ring, min, max, wait ? 0 : DEVMEM_TX_DONTWAIT, &space);
	model_take_back();
	fits = model_get(min, max, &want);
	if (fits) {
		assert_int_equal(ret, 0);
		assert_true(space.offset == want.offset && space.size == want.size);
		return;
	}
	assert_true(m.oldest < m.n);
	assert_int_equal(ret, m.pieces[m.oldest].put ? -EAGAIN : -ENOBUFS);
	assert_true(!wait || ret == -ENOBUFS);
}

/* Fills a piece, sends some or all of it, and puts it back. */
static void step_put(void)
{
	struct devmem_range space;
	uint64_t sequence = 0, i;
	uint32_t at, k, outs = 0;

	for (k = m.oldest; k < m.n; k++)
		outs += !m.pieces[k].put;
	if (!outs)
		return;
	/* Mostly the oldest, or the newest. */
	outs = chance(50) ? 0 : chance(50) ? outs - 1 : rnd(outs);
	for (at = m.oldest;; at++)
		if (!m.pieces[at].put && !outs--)
			break;
	space = m.pieces[at].space;
	if (chance(40))
		space.size = rnd((uint32_t)space.size + 1);
	for (i = 0; i < space.size; i++)
		app.bytes[space.offset + i] = (uint8_t)rnd(256);
	if (space.size && chance(90))
		sequence = app_send_one(&app, space.offset, space.size);
	assert_int_equal(devmem_tx_ring_put(ring, &space, sequence), 0);
	model_take_back();
	model_put(at, space.size, sequence);
	assert_int_equal(devmem_tx_ring_put(ring, &space, sequence), -EINVAL);
}

static void one_round(uint32_t number)
{
	uint32_t steps;

	fake_begin(FAKE_LINUX_7_3);
	fake_seed(number);
	memset(&m, 0, sizeof(m));
	m.size = 1 + rnd(chance(50) ? 200 : SPACE_MAX);
	m.offset = rnd(PAGE);
	begin(m.offset, m.size);
	fake_socket_nonblock(app.fd, chance(50));
	fake_socket_sndbuf(app.fd, 500 + rnd(20000));
	fake_pace(app.fd, 1 + rnd(5000), 1 + rnd(2000000));
	fake_jitter(app.fd, chance(50) ? 0 : 1 + rnd(20000000));
	fake_join(app.fd, rnd(50));
	for (steps = 0; steps < 500; steps++) {
		if (chance(50))
			step_get();
		else
			step_put();
		if (chance(10))
			fake_advance(rnd(5000000));
		if (chance(10))
			assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), 0);
	}
	/* In the end all of it is there again. */
	while (m.oldest < m.n) {
		step_put();
		assert_int_equal(devmem_tx_wait(app.tx, DEVMEM_TX_ALL, -1), 0);
		model_take_back();
	}
	gets(m.size, m.size, m.offset, m.size);
	app_check_all(&app);
	end();
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
		APP_TEST(test_open),
		APP_TEST(test_errors),
		APP_TEST(test_circle),
		APP_TEST(test_short),
		APP_TEST(test_short_behind_end),
		APP_TEST(test_waits),
		APP_TEST(test_lost),
		APP_TEST(test_many),
		cmocka_unit_test_teardown(test_random, rounds_report),
	};

	return cmocka_run_group_tests_name("tx-ring", tests, NULL, NULL);
}
