// SPDX-License-Identifier: BSD-3-Clause
/* Tokens waiting for return, against a plain list of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rx/tokens.h"

#define RANGES 512

static struct uapi_dmabuf_token ranges[RANGES];
static struct tokens tokens;

static bool add(uint32_t token)
{
	return tokens_add_range(&tokens, token, 1);
}

static void add_run(uint32_t first, uint32_t n)
{
	while (n--)
		assert_true(add(first++));
}

static void test_add(void **state)
{
	(void)state;
	tokens_init(&tokens, ranges, 3);
	add_run(5, 4);
	assert_int_equal(tokens.n, 1);
	assert_true(add(4)); /* before it: a range of its own */
	assert_true(add(6));
	assert_int_equal(tokens.n, 3);
	assert_int_equal(tokens.fragments, 6);
	assert_false(add(6));
	assert_false(add(9));
	assert_int_equal(tokens.fragments, 6);
	/* Full, but the last range can still grow. */
	assert_true(add(7));
	assert_int_equal(tokens.fragments, 7);
	assert_int_equal(ranges[0].token_start, 5);
	assert_int_equal(ranges[0].token_count, 4);
	assert_int_equal(ranges[1].token_start, 4);
	assert_int_equal(ranges[1].token_count, 1);
	assert_int_equal(ranges[2].token_start, 6);
	assert_int_equal(ranges[2].token_count, 2);
}

/* Exactly at the kernel's limits, one below and one above. */
static void test_limits(void **state)
{
	static const uint32_t counts[] = { 1023, 1024, 1025, 2048, 2049 };
	struct tokens_chunk chunk;
	uint32_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		tokens_init(&tokens, ranges, RANGES);
		tokens_begin(&chunk);
		add_run(1, counts[i]);
		assert_true(tokens_prepare(&tokens, &chunk));
		assert_int_equal(chunk.n, 1);
		assert_int_equal(chunk.fragments, counts[i] < 1024 ? counts[i] : 1024);
		assert_int_equal(chunk.ranges[0].token_count, chunk.fragments);
		tokens_advance(&tokens, &chunk, chunk.fragments);
		assert_int_equal(tokens_prepare(&tokens, &chunk), counts[i] > 1024);
		if (counts[i] > 1024)
			assert_int_equal(chunk.ranges[0].token_start, 1025);
	}
	for (i = 127; i <= 129; i++) {
		uint32_t k;

		tokens_init(&tokens, ranges, RANGES);
		tokens_begin(&chunk);
		for (k = 0; k < i; k++)
			assert_true(add(1 + 2 * k));
		assert_true(tokens_prepare(&tokens, &chunk));
		assert_int_equal(chunk.n, i < 128 ? i : 128);
		assert_int_equal(chunk.fragments, i < 128 ? i : 128);
	}
	tokens_init(&tokens, ranges, RANGES);
	tokens_begin(&chunk);
	assert_int_equal(tokens_prepare(&tokens, &chunk), 0);
	assert_int_equal(chunk.fragments, 0);
}

static uint32_t list[RANGES * 40], list_n;
static uint32_t x = 2463534242;

static uint32_t rnd(uint32_t n)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % n;
}

/* Random lists, sent in chunks of which the kernel frees a random part: every token goes out once,
 * in order; stopping half way keeps exactly the rest. */
static void test_random(void **state)
{
	uint32_t round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		struct tokens_chunk chunk;
		uint32_t done = 0, i, k, token = 1;

		tokens_init(&tokens, ranges, RANGES);
		for (list_n = 0; list_n < RANGES * 40; list_n++) {
			token = rnd(round % 40 + 1) ? token + 1 : 1 + rnd(100000);
			if (!add(token))
				break;
			list[list_n] = token;
		}
		assert_int_equal(tokens.fragments, list_n);
		tokens_begin(&chunk);
		while (tokens_prepare(&tokens, &chunk)) {
			const uint32_t n = chunk.n;
			uint32_t seen = 0, part;

			assert_in_range(n, 1, UAPI_DONTNEED_RANGES_MAX);
			assert_in_range(chunk.fragments, 1, UAPI_DONTNEED_FRAGMENTS_MAX);
			for (i = 0; i < n; i++) {
				assert_true(chunk.ranges[i].token_count > 0);
				for (k = 0; k < chunk.ranges[i].token_count; k++)
					assert_int_equal(chunk.ranges[i].token_start + k,
							 list[done + seen++]);
			}
			assert_int_equal(seen, chunk.fragments);
			/* As much as fits: by ranges, by tokens, or all. */
			assert_true(n == UAPI_DONTNEED_RANGES_MAX ||
				    chunk.fragments == UAPI_DONTNEED_FRAGMENTS_MAX ||
				    done + chunk.fragments == list_n);
			part = rnd(3) ? chunk.fragments : 1 + rnd(chunk.fragments);
			tokens_advance(&tokens, &chunk, part);
			done += part;
			if (!rnd(4)) {
				tokens_drop(&tokens, &chunk);
				assert_int_equal(chunk.range, 0);
				assert_int_equal(chunk.token, 0);
				assert_int_equal(tokens.fragments, list_n - done);
			}
		}
		assert_int_equal(done, list_n);
		tokens_drop(&tokens, &chunk);
		assert_int_equal(tokens.n, 0);
		assert_int_equal(tokens.fragments, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
