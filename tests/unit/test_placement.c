// SPDX-License-Identifier: BSD-3-Clause
/* The placement ring against a model that marks each byte of the region as used or free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rx/placement.h"
#include "fake_socket.h"

#define SIZE 8192U

static struct devmem_region *region;
static struct placement *ring;
static uint8_t *base;

static int setup(void **state)
{
	void *addr;

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	assert_int_equal(devmem_region_open(&region, "memfd", SIZE, NULL), 0);
	assert_int_equal(placement_open(&ring, region, NULL), 0);
	assert_int_equal(devmem_region_map(region, &addr, NULL), 0);
	base = addr;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	placement_close(ring);
	devmem_region_close(region);
	fake_end();
	return 0;
}

static void test_wrap(void **state)
{
	uint32_t token[3], size;
	struct iovec iov[2];
	uint64_t offset;

	(void)state;
	assert_int_equal(placement_space(ring, 100000, iov), 1);
	assert_ptr_equal(iov[0].iov_base, base);
	assert_int_equal(iov[0].iov_len, SIZE);
	assert_int_equal(placement_add(ring, 5000, &offset, &token[0]), 5000);
	assert_int_equal(offset, 0);
	assert_int_equal(placement_add(ring, 1000, &offset, &token[1]), 1000);
	assert_int_equal(offset, 5000);
	assert_int_equal(placement_release(ring, token[0]), 5000);
	assert_int_equal(placement_space(ring, 100000, iov), 2);
	assert_ptr_equal(iov[0].iov_base, base + 6000);
	assert_int_equal(iov[0].iov_len, SIZE - 6000);
	assert_ptr_equal(iov[1].iov_base, base);
	assert_int_equal(iov[1].iov_len, 5000);
	/* Less than to the end: one piece. */
	assert_int_equal(placement_space(ring, SIZE - 6000, iov), 1);
	/* A piece ends where the region does. */
	size = placement_add(ring, 3000, &offset, &token[2]);
	assert_int_equal(size, SIZE - 6000);
	assert_int_equal(placement_add(ring, 3000 - size, &offset, &token[0]), 3000 - size);
	assert_int_equal(offset, 0);
	assert_int_equal(placement_space(ring, 100000, iov), 1);
	assert_int_equal(iov[0].iov_len, 5000 - (3000 - size));
}

static void test_full(void **state)
{
	uint32_t first, second;
	struct iovec iov[2];
	uint64_t offset;

	(void)state;
	assert_int_equal(placement_add(ring, 100, &offset, &first), 100);
	assert_int_equal(placement_add(ring, SIZE - 100, &offset, &second), SIZE - 100);
	assert_int_equal(placement_space(ring, 1, iov), 0);
	/* Out of order: the space comes back with the oldest. */
	assert_int_equal(placement_release(ring, second), SIZE - 100);
	assert_int_equal(placement_space(ring, 1, iov), 0);
	assert_int_equal(placement_release(ring, first), 100);
	assert_int_equal(placement_release(ring, first), 0); /* twice */
	assert_int_equal(placement_space(ring, SIZE * 2, iov), 1);
	assert_int_equal(iov[0].iov_len, SIZE);
	assert_ptr_equal(iov[0].iov_base, base); /* starts over */
}

static void test_pieces(void **state)
{
	uint32_t token, first = 0, n = 0, left = placement_pieces_left(ring);
	struct iovec iov[2];
	uint64_t offset;

	(void)state;
	/* Pieces of one byte: bytes run out first here. */
	while (placement_space(ring, 1, iov)) {
		assert_int_equal(placement_add(ring, 1, &offset, &token), 1);
		if (!n++)
			first = token;
		assert_int_equal(placement_pieces_left(ring), left - n);
	}
	assert_int_equal(n, SIZE);
	assert_int_equal(placement_release(ring, first), 1);
	assert_int_equal(placement_release(ring, UINT32_MAX), 0);
	assert_int_equal(placement_space(ring, 5, iov), 1);
	assert_int_equal(iov[0].iov_len, 1);
	/* Empty pieces need no space: the limit on pieces is reached instead. */
	assert_int_equal(placement_add(ring, 1, &offset, &token), 1);
	for (; placement_pieces_left(ring); n++)
		placement_add(ring, 0, &offset, &token);
	assert_int_equal(placement_add(ring, 1, &offset, &token), 0);
	assert_int_equal(placement_space(ring, 1, iov), 0);
}

struct out {
	uint32_t token, size;
	uint64_t offset;
};

/* Random placements and releases: no byte is handed out twice, and all that is free can be had as
 * soon as what was handed out before it is released. */
static void test_random(void **state)
{
	static struct out out[SIZE];
	static uint8_t taken[SIZE];
	uint32_t x = 1234567, n = 0, i, k;

	(void)state;
	memset(taken, 0, sizeof(taken));
	for (i = 0; i < 300000; i++) {
		struct iovec iov[2];
		uint64_t room = 0;
		uint32_t want, p;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (x % 3 == 0 && n) {
			k = x / 3 % n;
			assert_int_equal(placement_release(ring, out[k].token), out[k].size);
			memset(taken + out[k].offset, 0, out[k].size);
			out[k] = out[--n];
			continue;
		}
		p = (uint32_t)placement_space(ring, SIZE, iov);
		for (k = 0; k < p; k++) {
			size_t at = (size_t)((uint8_t *)iov[k].iov_base - base);

			assert_true(iov[k].iov_len > 0 && at + iov[k].iov_len <= SIZE);
			assert_null(memchr(taken + at, 1, iov[k].iov_len));
			room += iov[k].iov_len;
		}
		if (!n)
			assert_int_equal(room, SIZE);
		if (!room)
			continue;
		want = 1 + x / 64 % (room < 700 ? (uint32_t)room : 700);
		while (want) {
			struct out *o = &out[n++];

			o->size = placement_add(ring, want, &o->offset, &o->token);
			assert_in_range(o->size, 1, want);
			assert_true(o->offset + o->size <= SIZE);
			assert_null(memchr(taken + o->offset, 1, o->size));
			memset(taken + o->offset, 1, o->size);
			want -= o->size;
		}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_wrap),
		TEST(test_full),
		TEST(test_pieces),
		TEST(test_random),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
