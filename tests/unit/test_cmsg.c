// SPDX-License-Identifier: BSD-3-Clause
/* Control messages: what is right, every truncation, and garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "rx/cmsg.h"
#include "uapi/errno.h"

#define MAX 64
#define CANARY 0xC5

static _Alignas(8) uint8_t control[4096];
static size_t used;
/* One more than may be written. */
static struct devmem_fragment frags[MAX + 1];

static void put(int level, int type, const void *data, size_t len)
{
	struct cmsghdr header = { .cmsg_len = CMSG_LEN(len),
				  .cmsg_level = level,
				  .cmsg_type = type };

	assert_true(used + CMSG_SPACE(len) <= sizeof(control));
	memset(control + used, 0xEE, CMSG_SPACE(len));
	memcpy(control + used, &header, sizeof(header));
	memcpy(control + used + CMSG_LEN(0), data, len);
	used += CMSG_SPACE(len);
}

/* The kernel's numbers and layout, written out: 78 linear, 79 dma-buf. */
static void put_fragment(int type, uint64_t offset, uint32_t size, uint32_t token, uint32_t id)
{
	uint32_t body[6];

	memcpy(body, &offset, sizeof(offset));
	body[2] = size;
	body[3] = token;
	body[4] = id;
	body[5] = 0;
	put(SOL_SOCKET, type, body, sizeof(body));
}

/* All fragments, one by one, or with as many as possible the ordinary way; max: length of to. */
static int decode_all(const void *data, size_t len, size_t received, bool ordinary,
		      struct devmem_fragment *to, uint32_t max, uint32_t *n)
{
	struct devmem_fragment frag = { 0 };
	struct cmsg_reader reader;
	int ret;

	cmsg_begin(&reader, data, len, received);
	for (*n = 0;; ++*n) {
		while (ordinary && cmsg_ordinary_max(&reader) && *n < max &&
		       cmsg_ordinary(reader.at, &frag)) {
			to[(*n)++] = frag;
			cmsg_passed(&reader, 1, frag.size);
		}
		ret = cmsg_next(&reader, &frag);
		if (ret <= 0)
			return ret;
		if (*n == max)
			return -EMSGSIZE;
		to[*n] = frag;
	}
}

static int decode(size_t len, size_t received, uint32_t max, uint32_t *n)
{
	struct devmem_fragment again[MAX];
	uint8_t *copy = malloc(len ? len : 1);
	uint32_t m;
	int ret;

	/* An exact copy, so that a sanitizer reports a read past its end. */
	assert_non_null(copy);
	memcpy(copy, control, len);
	memset(frags, CANARY, sizeof(frags));
	ret = decode_all(copy, len, received, false, frags, max, n);
	assert_int_equal(decode_all(copy, len, received, true, again, max, &m), ret);
	assert_int_equal(m, *n);
	assert_memory_equal(again, frags, m * sizeof(again[0]));
	free(copy);
	assert_true(*n <= max);
	assert_int_equal(*(uint8_t *)&frags[max], CANARY);
	return ret;
}

static void check(uint32_t i, uint32_t kind, uint64_t offset, uint32_t size, uint32_t token,
		  uint32_t id)
{
	assert_int_equal(frags[i].kind, kind);
	assert_int_equal(frags[i].offset, offset);
	assert_int_equal(frags[i].size, size);
	assert_int_equal(frags[i].token, token);
	assert_int_equal(frags[i].dmabuf_id, id);
}

static void test_layout(void **state)
{
	(void)state;
	assert_int_equal(UAPI_SCM_DEVMEM_LINEAR, 78);
	assert_int_equal(UAPI_SCM_DEVMEM_DMABUF, 79);
	assert_int_equal(UAPI_SO_DEVMEM_DONTNEED, 80);
	assert_int_equal(UAPI_MSG_SOCK_DEVMEM, 0x2000000);
	assert_int_equal(UAPI_DONTNEED_RANGES_MAX, 128);
	assert_int_equal(UAPI_DONTNEED_FRAGMENTS_MAX, 1024);
	assert_int_equal(UAPI_ETOOSMALL, 525);
	assert_int_equal(sizeof(struct uapi_dmabuf_cmsg), 24);
	assert_int_equal(offsetof(struct uapi_dmabuf_cmsg, frag_size), 8);
	assert_int_equal(offsetof(struct uapi_dmabuf_cmsg, frag_token), 12);
	assert_int_equal(offsetof(struct uapi_dmabuf_cmsg, dmabuf_id), 16);
	assert_int_equal(sizeof(struct uapi_dmabuf_token), 8);
	assert_int_equal(CMSG_FRAGMENT_SPACE, 40);
}

static void test_fragments(void **state)
{
	uint32_t n;

	(void)state;
	used = 0;
	put_fragment(78, 0, 100, 0, 0);
	put_fragment(79, UINT64_C(0x123456789000), 4096, 1, 7);
	put(SOL_SOCKET, SO_TIMESTAMPNS, "0123456789abcdef", 16);
	put(IPPROTO_TCP, 79, "not ours", 8);
	put_fragment(78, 77, 5, 3, 9); /* only its size says something */
	put_fragment(79, 8, 1, UINT32_MAX, UINT32_MAX);
	put(SOL_SOCKET, 80, "x", 1);
	assert_int_equal(decode(used, 4202, MAX, &n), 0);
	assert_int_equal(n, 4);
	check(0, DEVMEM_FRAGMENT_HOST, 0, 100, 0, 0);
	check(1, DEVMEM_FRAGMENT_DEVICE, UINT64_C(0x123456789000), 4096, 1, 7);
	check(2, DEVMEM_FRAGMENT_HOST, 100, 5, 0, 0);
	check(3, DEVMEM_FRAGMENT_DEVICE, 8, 1, UINT32_MAX, UINT32_MAX);
}

static void test_plain(void **state)
{
	uint32_t n;

	(void)state;
	used = 0;
	assert_int_equal(decode(0, 5000, MAX, &n), 0);
	assert_int_equal(n, 1);
	check(0, DEVMEM_FRAGMENT_HOST, 0, 5000, 0, 0);
	put(SOL_SOCKET, SO_TIMESTAMPNS, "0123456789abcdef", 16);
	assert_int_equal(decode(used, 1, 1, &n), 0);
	assert_int_equal(n, 1);
	check(0, DEVMEM_FRAGMENT_HOST, 0, 1, 0, 0);
	/* A header cut off, as the kernel may leave it of messages that aren't ours. */
	assert_int_equal(decode(15, 9, MAX, &n), 0);
	assert_int_equal(n, 1);
}

/* Every length up to the whole: a hole is always noticed. */
static void test_truncation(void **state)
{
	size_t len;
	uint32_t n;

	(void)state;
	used = 0;
	put_fragment(79, 0, 10, 1, 7);
	put_fragment(78, 0, 20, 0, 0);
	put(SOL_SOCKET, SO_TIMESTAMPNS, "0123456789abcdef", 16);
	put_fragment(79, 4096, 30, 2, 7);
	for (len = 1; len < used; len++) {
		int ret = decode(len, 60, MAX, &n);

		if (len < 16) {
			/* No header fits: as if there were none. */
			assert_int_equal(ret, 0);
			continue;
		}
		assert_int_equal(ret, -EBADMSG);
		assert_int_equal(n, len < 40 ? 0 : len < 80 ? 1 : 2);
	}
	assert_int_equal(decode(used, 60, MAX, &n), 0);
	assert_int_equal(n, 3);
}

static void test_sums(void **state)
{
	uint32_t n;

	(void)state;
	used = 0;
	put_fragment(79, 0, 10, 1, 7);
	put_fragment(78, 0, 20, 0, 0);
	assert_int_equal(decode(used, 29, MAX, &n), -EBADMSG);
	assert_int_equal(n, 2);
	assert_int_equal(decode(used, 31, MAX, &n), -EBADMSG);
	/* Sizes that only add up modulo 2^32. */
	used = 0;
	put_fragment(78, 0, UINT32_MAX, 0, 0);
	put_fragment(78, 0, 11, 0, 0);
	assert_int_equal(decode(used, 10, MAX, &n), -EBADMSG);
	used = 0;
	put_fragment(79, 0, 0, 1, 7);
	assert_int_equal(decode(used, 10, MAX, &n), -EBADMSG);
}

/* What is ordinary, and that all else is right where it has to be. */
static void test_ordinary(void **state)
{
	static const struct {
		int level, type;
		size_t len;
		uint32_t size;
		bool ordinary;
		int ret;
	} cases[] = {
		{ SOL_SOCKET, 79, 24, 5, true, 0 },
		{ SOL_SOCKET, 79, 24, 0, false, -EBADMSG },
		{ SOL_SOCKET, 79, 23, 5, false, -EBADMSG },
		{ SOL_SOCKET, 79, 32, 5, false, 0 },
		{ SOL_SOCKET, 78, 24, 5, false, 0 },
		/* Not ours: as if they weren't there. */
		{ SOL_SOCKET, 80, 24, 5, false, -EBADMSG },
		{ IPPROTO_TCP, 79, 24, 5, false, -EBADMSG },
	};
	uint32_t n, body[8] = { 77 };
	struct devmem_fragment frag;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		used = 0;
		put_fragment(79, 0, 10, 1, 7);
		body[2] = cases[i].size;
		put(cases[i].level, cases[i].type, body, cases[i].len);
		put_fragment(79, 0, 10, 2, 7);
		assert_int_equal(cmsg_ordinary(control + 40, &frag), cases[i].ordinary);
		assert_int_equal(decode(used, 25, MAX, &n), cases[i].ret);
		if (cases[i].ret)
			continue;
		assert_int_equal(n, 3);
		if (cases[i].type == 79)
			check(1, DEVMEM_FRAGMENT_DEVICE, 77, 5, 0, 0);
		else
			check(1, DEVMEM_FRAGMENT_HOST, 0, 5, 0, 0);
		check(2, DEVMEM_FRAGMENT_DEVICE, 0, 10, 2, 7);
	}
}

static void test_bad_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 15, 41, 100, SIZE_MAX, SIZE_MAX - 6, SIZE_MAX / 2 };
	uint32_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		used = 0;
		put_fragment(79, 0, 10, 1, 7);
		memcpy(control, &lengths[i], sizeof(size_t));
		assert_int_equal(decode(used, 10, MAX, &n), -EBADMSG);
		assert_int_equal(n, 0);
	}
	/* Ours, but too short for its content. */
	for (i = 16; i < 40; i++) {
		used = 0;
		put_fragment(79, 0, 10, 1, 7);
		memcpy(control, &i, sizeof(size_t));
		assert_int_equal(decode(used, 10, MAX, &n), -EBADMSG);
	}
}

/* Whatever lies there: nothing read or written outside, and what it calls right adds up. */
static void test_garbage(void **state)
{
	uint32_t x = 88172645, n, i, k;

	(void)state;
	for (i = 0; i < 200000; i++) {
		uint64_t sum = 0;
		size_t len, received = 60;

		used = 0;
		put_fragment(79, 0, 10, 1, 7);
		put_fragment(78, 0, 20, 0, 0);
		put_fragment(79, 4096, 30, 2, 7);
		for (k = 0; k < 1 + i % 4; k++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			control[(x >> 8) % used] = (uint8_t)(i % 3 ? x : 1U << (x % 8));
		}
		len = i % 5 ? used : (x >> 4) % (used + 1);
		if (decode(len, received, 1 + i % 4, &n))
			continue;
		for (k = 0; k < n; k++) {
			assert_true(frags[k].kind == DEVMEM_FRAGMENT_DEVICE ||
				    frags[k].kind == DEVMEM_FRAGMENT_HOST);
			assert_true(frags[k].size > 0);
			sum += frags[k].size;
		}
		assert_int_equal(sum, received);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),	    cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_plain),	    cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_sums),	    cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_bad_lengths), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("cmsg", tests, NULL, NULL);
}
