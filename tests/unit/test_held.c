// SPDX-License-Identifier: BSD-3-Clause
/* Pages that are out with the application, against a naive count; and from several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "bind/held.h"
#include "fake_socket.h"

#define PAGE 4096U
#define PAGES 64U

/* One fragment, counted at once. */
static uint32_t held_add(struct held *held, uint64_t offset, uint32_t size)
{
	uint32_t fresh = held_enter(held, offset, size);

	held_count_entered(held, fresh);
	return fresh;
}

static void held_sub(struct held *held, uint64_t offset, uint32_t size)
{
	held_count_left(held, held_leave(held, offset, size));
}

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

static void test_pages(void **state)
{
	struct held *held;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGES * PAGE, PAGE, 10), 0);
	assert_int_equal(held_page_size(held), PAGE);
	assert_int_equal(held_limit(held), 10);
	assert_int_equal(held_room(held), 10 * PAGE);
	assert_int_equal(held_add(held, 100, 1), 1);
	assert_int_equal(held_add(held, 0, PAGE), 0);
	assert_int_equal(held_pages(held), 1);
	/* The last byte of one page and the first of the next. */
	assert_int_equal(held_add(held, PAGE - 1, 2), 1);
	assert_int_equal(held_pages(held), 2);
	assert_int_equal(held_pages_left(held), 8);
	held_sub(held, 0, PAGE);
	held_sub(held, PAGE - 1, 2);
	assert_int_equal(held_pages(held), 1);
	held_sub(held, 100, 1);
	assert_int_equal(held_pages(held), 0);
	assert_int_equal(held_pages_max(held), 2);
	assert_int_equal(held_room(held), 10 * PAGE);
	held_put(held);
}

static void test_limit(void **state)
{
	struct held *held;
	uint32_t i;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGES * PAGE, PAGE, 3), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(held_room(held), (3 - i) * PAGE);
		held_add(held, i * PAGE, PAGE);
	}
	assert_int_equal(held_room(held), 0);
	assert_int_equal(held_pages_left(held), 0);
	held_add(held, 3 * PAGE, PAGE);
	assert_int_equal(held_room(held), 0);
	held_put(held);
	assert_int_equal(held_alloc(&held, PAGES * PAGE, PAGE, UINT64_MAX), 0);
	held_add(held, 0, PAGE);
	assert_int_equal(held_room(held), UINT64_MAX);
	assert_int_equal(held_pages_left(held), UINT64_MAX);
	held_put(held);
}

/* Offsets that can't be: nothing is counted, nothing is touched outside. */
static void test_outside(void **state)
{
	static const uint64_t offsets[] = { PAGES * PAGE, UINT64_MAX, UINT64_MAX - 100,
					    UINT64_C(1) << 40 };
	struct held *held;
	size_t i;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGES * PAGE - 5, PAGE, 3), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(held_add(held, offsets[i], PAGE), 0);
		held_sub(held, offsets[i], PAGE);
	}
	/* Half outside: the part inside counts, and is subtracted alike. */
	assert_int_equal(held_add(held, (PAGES - 1) * PAGE, 3 * PAGE), 1);
	held_sub(held, (PAGES - 1) * PAGE, 3 * PAGE);
	assert_int_equal(held_pages(held), 0);
	held_put(held);
}

/* Which fragments lie in one page, and that those count as others do. */
static void test_one_page(void **state)
{
	static const struct {
		uint64_t offset;
		uint32_t size;
		bool one;
	} cases[] = {
		{ 0, 1, true },
		{ 0, PAGE, true },
		{ 100, PAGE - 100, true },
		{ 100, PAGE - 99, false },
		{ PAGE - 1, 2, false },
		{ (PAGES - 1) * PAGE, PAGE, true },
		{ PAGES * PAGE - 1, 2, false },
		{ PAGES * PAGE, 1, false },
		{ UINT64_MAX, 1, false },
		{ UINT64_MAX - 5, PAGE, false },
	};
	uint32_t fresh = 0;
	struct held *held;
	size_t i;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGES * PAGE, PAGE, 3), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(held_enter_one(held, cases[i].offset, cases[i].size, &fresh),
				 cases[i].one);
		assert_int_equal(fresh, cases[i].one);
		if (cases[i].one)
			fresh -= held_leave_one(held, cases[i].offset);
		assert_int_equal(fresh, 0);
	}
	assert_true(held_enter_one(held, PAGE + 5, 1, &fresh));
	assert_true(held_enter_one(held, 2 * PAGE - 1, 1, &fresh));
	assert_int_equal(fresh, 1);
	assert_int_equal(held_enter(held, PAGE, 2 * PAGE), 1);
	assert_int_equal(held_leave_one(held, PAGE + 5), 0);
	assert_int_equal(held_leave(held, PAGE, 2 * PAGE), 1);
	assert_int_equal(held_leave_one(held, 2 * PAGE - 1), 1);
	held_put(held);
}

static void test_references(void **state)
{
	struct held *held, *other;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGE, PAGE, 3), 0);
	other = held_get(held);
	assert_ptr_equal(other, held);
	held_put(held);
	held_add(other, 0, 1);
	assert_int_equal(held_pages(other), 1);
	held_put(other);
	held_put(NULL);
	assert_null(held_get(NULL));
	assert_int_equal(fake_mappings(), 0);
	fake_fail(fake_calls() + 1, ENOMEM);
	assert_int_equal(held_alloc(&held, PAGE, PAGE, 3), -ENOMEM);
}

struct job {
	struct held *held;
	uint32_t seed;
};

static void *add_and_sub(void *arg)
{
	struct job *job = arg;
	uint32_t x = job->seed, i;

	for (i = 0; i < 50000; i++) {
		uint32_t offset, size;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		offset = x % (PAGES * PAGE - PAGE);
		size = 1 + x / 7 % PAGE;
		held_add(job->held, offset, size);
		held_sub(job->held, offset, size);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct job jobs[4];
	pthread_t threads[4];
	struct held *held;
	uint32_t i;

	(void)state;
	assert_int_equal(held_alloc(&held, PAGES * PAGE, PAGE, 3), 0);
	for (i = 0; i < 4; i++) {
		jobs[i].held = held_get(held);
		jobs[i].seed = 1 + i;
		assert_int_equal(pthread_create(&threads[i], NULL, add_and_sub, &jobs[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		held_put(jobs[i].held);
	}
	assert_int_equal(held_pages(held), 0);
	assert_in_range(held_pages_max(held), 1, 12);
	held_put(held);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_pages),    TEST(test_limit),	    TEST(test_outside),
		TEST(test_one_page), TEST(test_references), TEST(test_threads),
	};

	return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
