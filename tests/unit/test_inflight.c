// SPDX-License-Identifier: BSD-3-Clause
/* lib/tx/inflight.h against a naive model: a list of all sends there ever were. The schedule of
 * each round follows from its number. */
#include "tx/inflight.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rounds.h"

#define ROUNDS 3000U
#define STEPS 400U
#define RANGES 12U
#define REGION 4096U

/* Sends are from this one, unless said otherwise. */
static struct inflight_source *source;

static struct inflight *open_inflight(uint32_t sends_max, uint32_t ranges_max, uint32_t kernel_next)
{
	struct inflight *f;

	assert_int_equal(inflight_open(&f, sends_max, kernel_next), 0);
	assert_int_equal(inflight_add_source(f, &source, ranges_max), 0);
	return f;
}

/* ---- the model ---- */

struct model_send {
	struct devmem_range ranges[RANGES];
	size_t n;
	uint64_t bytes;
	bool complete, reported;
};

/* sends[s] is the send with sequence number s. */
struct model {
	struct model_send sends[STEPS + 1];
	uint64_t last;
	uint32_t sends_max, ranges_max;
	uint64_t kernel_first; /* 64 bits of it */
	struct inflight_counts counts;
};

static uint64_t model_completed(const struct model *m)
{
	uint64_t s = 0;

	while (s < m->last && m->sends[s + 1].complete)
		s++;
	return s;
}

static uint64_t model_ranges(const struct model *m)
{
	uint64_t s, n = 0;

	for (s = model_completed(m) + 1; s <= m->last; s++)
		n += m->sends[s].n;
	return n;
}

static bool overlap(const struct devmem_range *a, const struct devmem_range *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static uint64_t model_find(const struct model *m, const struct devmem_range *range)
{
	uint64_t s;
	size_t i;

	for (s = m->last; s > 0; s--)
		for (i = 0; i < m->sends[s].n && !m->sends[s].complete; i++)
			if (overlap(&m->sends[s].ranges[i], range))
				return s;
	return 0;
}

static size_t model_report(struct model *m, struct devmem_tx_done *done, size_t n)
{
	size_t k = 0;
	uint64_t s;

	for (s = 1; s <= m->last; s++) {
		if (!m->sends[s].complete || m->sends[s].reported)
			continue;
		if (k && done[k - 1].last == s - 1)
			done[k - 1].last = s;
		else if (k == n)
			break;
		else
			done[k++] = (struct devmem_tx_done){ s, s };
		m->sends[s].reported = true;
	}
	return k;
}

static int model_complete(struct model *m, uint32_t low, uint32_t high, uint64_t *sends,
			  uint64_t *unknown)
{
	uint64_t newest = m->kernel_first + m->last - 1, n = (uint64_t)(uint32_t)(high - low) + 1;
	uint64_t behind = (uint32_t)newest - high, k, number, s;

	behind &= UINT32_MAX;
	*sends = *unknown = 0;
	if (behind > INT32_MAX || n > INT32_MAX)
		return -EBADMSG;
	for (k = 0; k < n; k++) {
		number = newest - behind - k;
		if (number < m->kernel_first) {
			/* Nothing older is ours. */
			*unknown += n - k;
			break;
		}
		s = number - m->kernel_first + 1;
		if (m->sends[s].complete) {
			++*unknown;
			continue;
		}
		m->sends[s].complete = true;
		m->counts.sends--;
		m->counts.bytes -= m->sends[s].bytes;
		++*sends;
	}
	return 0;
}

/* ---- steps ---- */

static void some_range(struct devmem_range *range)
{
	range->offset = rnd(REGION);
	range->size = 1 + rnd(1 + rnd(REGION - (uint32_t)range->offset));
}

static void step_send(struct model *m, struct inflight *f)
{
	struct model_send *send = &m->sends[m->last + 1];
	struct devmem_range given[RANGES];
	size_t n = 1 + rnd(chance(70) ? 2 : RANGES), i;
	uint64_t all = 0, left;
	bool room;

	room = m->last - model_completed(m) < m->sends_max && model_ranges(m) + n <= m->ranges_max;
	assert_int_equal(inflight_has_room(f, source, n), room);
	if (!room)
		return;
	for (i = 0; i < n; i++) {
		some_range(&given[i]);
		all += given[i].size;
	}
	/* A part of it at times: the ranges behind don't count. */
	send->bytes = chance(70) ? all : 1 + rnd((uint32_t)all);
	for (i = 0, left = send->bytes; left; i++) {
		send->ranges[i] = given[i];
		if (send->ranges[i].size > left)
			send->ranges[i].size = left;
		left -= send->ranges[i].size;
	}
	send->n = i;
	m->last++;
	m->counts.sends++;
	m->counts.bytes += send->bytes;
	if (m->counts.sends > m->counts.sends_max)
		m->counts.sends_max = m->counts.sends;
	if (m->counts.bytes > m->counts.bytes_max)
		m->counts.bytes_max = m->counts.bytes;
	assert_true(inflight_send(f, source, given, send->bytes) == m->last);
}

static void step_complete(struct model *m, struct inflight *f, uint32_t foreign)
{
	uint64_t completed = model_completed(m), sends, unknown, want_sends, want_unknown;
	uint32_t low, high, first = (uint32_t)m->kernel_first;
	int ret;

	if (chance(foreign)) {
		/* Anything: before the first, over the newest, in the wrong order. */
		low = first + (uint32_t)m->last + rnd(40) - 20;
		high = low + rnd(30) - 5;
		if (chance(20))
			low = first - 1 - rnd(20);
		if (chance(5))
			high = first + 0x7fffffffU + rnd(5);
	} else if (m->last == completed) {
		return;
	} else if (chance(50)) {
		/* In order. */
		low = first + (uint32_t)completed;
		high = low + rnd((uint32_t)(m->last - completed));
	} else {
		low = first + (uint32_t)completed + rnd((uint32_t)(m->last - completed));
		high = low + rnd(chance(50) ? 1 : first + (uint32_t)m->last - low);
	}
	ret = model_complete(m, low, high, &want_sends, &want_unknown);
	assert_int_equal(inflight_complete(f, low, high, &sends, &unknown), ret);
	assert_true(sends == want_sends);
	assert_true(unknown == want_unknown);
}

static void step_report(struct model *m, struct inflight *f)
{
	struct devmem_tx_done want[STEPS], got[STEPS];
	size_t n = chance(30) ? STEPS : rnd(4), k, i;

	k = model_report(m, want, n);
	assert_int_equal(inflight_report(f, n ? got : NULL, n), k);
	for (i = 0; i < k; i++) {
		assert_true(got[i].first == want[i].first);
		assert_true(got[i].last == want[i].last);
	}
}

static void check(const struct model *m, const struct inflight *f)
{
	struct inflight_counts counts;
	struct devmem_range range;

	some_range(&range);
	assert_true(inflight_find(f, source, &range) == model_find(m, &range));
	assert_true(inflight_last(f) == m->last);
	assert_true(inflight_completed(f) == model_completed(m));
	assert_true(inflight_kernel_next(f) == (uint32_t)(m->kernel_first + m->last));
	inflight_counts(f, &counts);
	assert_true(counts.sends == m->counts.sends);
	assert_true(counts.bytes == m->counts.bytes);
	assert_true(counts.sends_max == m->counts.sends_max);
	assert_true(counts.bytes_max == m->counts.bytes_max);
}

static void one_round(uint32_t number)
{
	struct model *m = calloc(1, sizeof(*m));
	uint32_t kernel_next, foreign, busy, report, i;
	struct inflight *f;

	(void)number;
	assert_non_null(m);
	/* Through the end of 32 bits in the middle of a third of the rounds. */
	kernel_next = chance(33) ? 0U - rnd(STEPS) : chance(50) ? 0 : 0x80000000U - rnd(STEPS);
	m->kernel_first = (UINT64_C(1) << 32) + kernel_next;
	m->sends_max = 1 + rnd(chance(50) ? 8 : STEPS);
	m->ranges_max = RANGES + rnd(chance(50) ? 8 : 2 * STEPS);
	foreign = chance(50) ? 0 : rnd(30);
	busy = 20 + rnd(70);
	report = rnd(40);
	f = open_inflight(m->sends_max, m->ranges_max, kernel_next);
	check(m, f);
	for (i = 0; i < STEPS; i++) {
		if (chance(busy))
			step_send(m, f);
		else
			step_complete(m, f, foreign);
		if (chance(report))
			step_report(m, f);
		check(m, f);
	}
	/* To the end: nothing is left, each one was reported once. */
	if (m->last) {
		uint64_t sends, unknown, want_sends, want_unknown;
		uint32_t low = kernel_next, high = kernel_next + (uint32_t)m->last - 1;

		model_complete(m, low, high, &want_sends, &want_unknown);
		assert_int_equal(inflight_complete(f, low, high, &sends, &unknown), 0);
		assert_true(sends == want_sends && unknown == want_unknown);
		assert_true(inflight_completed(f) == m->last);
	}
	while (model_report(m, (struct devmem_tx_done[1]){ { 0, 0 } }, 1)) {
		struct devmem_tx_done done;

		assert_int_equal(inflight_report(f, &done, 1), 1);
	}
	assert_int_equal(inflight_report(f, (struct devmem_tx_done[1]){ { 0, 0 } }, 1), 0);
	check(m, f);
	inflight_close(f);
	free(m);
}

static void test_random(void **state)
{
	(void)state;
	rounds_run(ROUNDS, one_round);
}

/* ---- by hand ---- */

static const struct devmem_range page = { 0, 4096 };

static void send_some(struct inflight *f, unsigned int n)
{
	while (n--)
		inflight_send(f, source, &page, page.size);
}

static void expect(struct inflight *f, uint32_t low, uint32_t high, uint64_t sends,
		   uint64_t unknown)
{
	uint64_t got_sends = 99, got_unknown = 99;

	assert_int_equal(inflight_complete(f, low, high, &got_sends, &got_unknown), 0);
	assert_true(got_sends == sends);
	assert_true(got_unknown == unknown);
}

static void test_wrap(void **state)
{
	struct inflight *f = open_inflight(16, 1024, 0xfffffffeU);
	struct devmem_tx_done done[4];
	uint64_t sends, unknown;

	(void)state;
	assert_true(inflight_kernel_next(f) == 0xfffffffeU);
	send_some(f, 5);
	/* They are fffffffe, ffffffff, 0, 1, 2. */
	assert_true(inflight_kernel_next(f) == 3);
	expect(f, 0xffffffffU, 1, 3, 0);
	assert_true(inflight_completed(f) == 0);
	assert_int_equal(inflight_report(f, done, 4), 1);
	assert_true(done[0].first == 2 && done[0].last == 4);
	/* Twice: all but one are old news. */
	expect(f, 0xffffffffU, 2, 1, 3);
	expect(f, 0xfffffffdU, 0xfffffffeU, 1, 1);
	assert_true(inflight_completed(f) == 5);
	assert_int_equal(inflight_complete(f, 3, 3, &sends, &unknown), -EBADMSG);
	inflight_close(f);
}

/* Numbers that there can't be yet change nothing, not even those that there are. */
static void test_impossible(void **state)
{
	static const struct {
		uint32_t low, high;
	} ranges[] = {
		{ 105, 105 }, { 100, 105 },	 { 104, 103 },
		{ 103, 102 }, { 0, 0x7fffffff }, { 0x80000000, 0x80000000 },
		{ 105, 104 },
	};
	struct inflight *f = open_inflight(16, 1024, 100);
	struct inflight_counts counts;
	uint64_t sends, unknown;
	size_t i;

	(void)state;
	send_some(f, 5);
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (inflight_complete(f, ranges[i].low, ranges[i].high, &sends, &unknown) !=
		    -EBADMSG)
			fail_msg("%u to %u", ranges[i].low, ranges[i].high);
		assert_true(sends == 0 && unknown == 0);
		inflight_counts(f, &counts);
		assert_true(counts.sends == 5);
		assert_true(inflight_completed(f) == 0);
	}
	/* Those before the first are somebody else's. */
	expect(f, 90, 99, 0, 10);
	expect(f, 99, 100, 1, 1);
	inflight_close(f);
}

/* The circle of ranges wraps, and a list that doesn't fit waits for a whole one. */
static void test_ranges_room(void **state)
{
	const struct devmem_range list[] = { { 0, 10 }, { 20, 10 }, { 40, 10 } };
	struct inflight *f = open_inflight(100, 8, 0);
	struct devmem_range query = { 45, 1 };
	uint32_t i;

	(void)state;
	for (i = 0; i < 50; i += 2) {
		assert_true(inflight_has_room(f, source, 8));
		assert_false(inflight_has_room(f, source, 9));
		assert_true(inflight_send(f, source, list, 30) == i + 1);
		assert_true(inflight_send(f, source, list, 30) == i + 2);
		assert_true(inflight_has_room(f, source, 2));
		assert_false(inflight_has_room(f, source, 3));
		assert_true(inflight_find(f, source, &query) == i + 2);
		/* The newer one first: the ranges of the older are still the first. */
		expect(f, i + 1, i + 1, 1, 0);
		assert_false(inflight_has_room(f, source, 3));
		assert_true(inflight_find(f, source, &query) == i + 1);
		expect(f, i, i, 1, 0);
		assert_true(inflight_find(f, source, &query) == 0);
	}
	/* Borders of ranges. */
	inflight_send(f, source, &list[1], 10);
	query = (struct devmem_range){ 10, 10 };
	assert_true(inflight_find(f, source, &query) == 0);
	query = (struct devmem_range){ 10, 11 };
	assert_true(inflight_find(f, source, &query) == 51);
	query = (struct devmem_range){ 30, 10 };
	assert_true(inflight_find(f, source, &query) == 0);
	query = (struct devmem_range){ 29, 1 };
	assert_true(inflight_find(f, source, &query) == 51);
	query = (struct devmem_range){ 0, UINT64_MAX };
	assert_true(inflight_find(f, source, &query) == 51);
	query = (struct devmem_range){ UINT64_MAX, UINT64_MAX };
	assert_true(inflight_find(f, source, &query) == 0);
	inflight_close(f);
}

/* As many holes as there can be, with what is complete reported late. */
static void test_holes(void **state)
{
	enum { N = 64 };
	struct inflight *f = open_inflight(N, 1024, 0);
	struct devmem_tx_done done[2 * N];
	uint32_t i, k, base = 0;
	size_t n;

	(void)state;
	send_some(f, N);
	for (k = 0; k < 20; k++) {
		assert_false(inflight_has_room(f, source, 1));
		for (i = 1; i < N; i += 2)
			expect(f, base + i, base + i, 1, 0);
		assert_true(inflight_completed(f) == base);
		for (i = 0; i < N; i += 2) {
			expect(f, base + i, base + i, 1, 0);
			assert_true(inflight_completed(f) == base + i + 2);
		}
		base += N;
		send_some(f, N);
		if (k % 3 == 2) {
			n = inflight_report(f, done, 2 * N);
			assert_int_equal(n, 1);
			assert_true(done[0].first == base - 3 * N + 1 && done[0].last == base);
		}
	}
	inflight_close(f);
}

static void test_complete_at_once(void **state)
{
	struct inflight *f = open_inflight(4, 1024, 7);
	struct devmem_tx_done done[2];
	struct inflight_counts counts;
	uint32_t i;

	(void)state;
	for (i = 1; i <= 100; i++) {
		assert_true(inflight_send_complete(f) == i);
		assert_true(inflight_completed(f) == i);
		assert_true(inflight_last(f) == i);
		assert_true(inflight_has_room(f, source, 1024));
		if (i == 60) {
			assert_int_equal(inflight_report(f, done, 2), 1);
			assert_true(done[0].first == 1 && done[0].last == 60);
		}
	}
	assert_int_equal(inflight_report(f, done, 2), 1);
	assert_true(done[0].first == 61 && done[0].last == 100);
	assert_int_equal(inflight_report(f, done, 2), 0);
	inflight_counts(f, &counts);
	assert_true(counts.sends == 0 && counts.sends_max == 0 && counts.bytes_max == 0);
	assert_true(inflight_find(f, source, &page) == 0);
	inflight_close(f);
	inflight_close(NULL);
}

/* Bindings have numbers in common, and ranges and room for them of their own. */
static void test_two_sources(void **state)
{
	const struct devmem_range list[] = { { 0, 10 }, { 20, 10 } };
	struct inflight *f = open_inflight(16, 4, 0);
	struct inflight_source *other;
	struct inflight_counts counts;
	struct devmem_tx_done done;
	uint32_t i;

	(void)state;
	assert_int_equal(inflight_add_source(f, &other, 2), 0);
	for (i = 0; i < 9; i += 3) {
		assert_true(inflight_send(f, source, list, 20) == i + 1);
		assert_true(inflight_send(f, other, list, 15) == i + 2);
		assert_true(inflight_send(f, source, list, 5) == i + 3);
		assert_true(inflight_has_room(f, source, 1));
		assert_false(inflight_has_room(f, source, 2));
		assert_false(inflight_has_room(f, other, 1));
		assert_true(inflight_find(f, source, &list[0]) == i + 3);
		assert_true(inflight_find(f, other, &list[0]) == i + 2);
		expect(f, i + 1, i + 2, 2, 0);
		assert_true(inflight_find(f, source, &list[1]) == i + 1);
		assert_true(inflight_find(f, other, &page) == 0);
		inflight_counts(f, &counts);
		assert_true(counts.sends == 1 && counts.bytes == 20 && counts.bytes_max == 40);
		expect(f, i, i, 1, 0);
		assert_true(inflight_has_room(f, source, 4) && inflight_has_room(f, other, 2));
	}
	assert_int_equal(inflight_report(f, &done, 1), 1);
	assert_true(done.first == 1 && done.last == 9);
	inflight_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_ranges_room),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_complete_at_once),
		cmocka_unit_test(test_two_sources),
		cmocka_unit_test_teardown(test_random, rounds_report),
	};

	return cmocka_run_group_tests_name("inflight", tests, NULL, NULL);
}
