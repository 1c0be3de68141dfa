// SPDX-License-Identifier: BSD-3-Clause
/*
 * Nothing is allocated or mapped after devmem_rx_open(), and each allocation and system call of it
 * that fails leaves nothing behind. Linked with --wrap for malloc, calloc, realloc and free.
 */
#include "test_rx_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bind/held.h"

#define PAGE 4096U
#define MIB (1U << 20)

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static unsigned int allocations, fail_at;
static int live;

static bool fails(void)
{
	return ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	live += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(n, size);

	live += p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __real_realloc(old, size);

	live += p && !old;
	return p;
}

void __wrap_free(void *old)
{
	live -= old != NULL;
	__real_free(old);
}

static int setup(void **state)
{
	(void)state;
	fake_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

/* A stream with everything in it, through every call of the data path. */
static void stream(struct devmem_region *placement, uint32_t expect)
{
	struct devmem_fragment kept[4096];
	const struct devmem_fragment *frags;
	unsigned int before, mapped;
	struct devmem_binding *binding;
	struct devmem_rx_stats stats;
	struct fake_pool *pool;
	struct devmem_rx_options o = { .sz = sizeof(o), .placement = placement };
	struct devmem_error err;
	uint32_t n_kept = 0, calls = 0;
	struct devmem_rx *rx;
	int fd, i, n;

	pool = fake_pool_new(4 * MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB);
	fd = fake_socket(pool);
	for (i = 0; i < 2000; i++) {
		if (i % 7 == 3)
			fake_send_plain(fd, (uint64_t)i * 20000, 700);
		else
			fake_send_linear(fd, (uint64_t)i * 20000, i % 3 ? 0 : 50, 5000, 1448);
	}
	fake_send_fin(fd, 0);
	assert_int_equal(devmem_rx_open(&rx, fd, binding, &o, NULL), 0);
	devmem_rx_expect(rx, expect ? DEVMEM_RX_STREAM : 0);
	before = allocations;
	mapped = fake_mappings();
	while ((n = devmem_rx_recv(rx, &frags, calls++ % 3 ? 0 : DEVMEM_RX_DONTWAIT))) {
		if (n == -EAGAIN)
			assert_true(devmem_rx_arm(rx) >= -1);
		if (n < 0)
			devmem_rx_explain(rx, n, &err);
		for (i = 0; i < n; i++) {
			if (frags[i].kind != DEVMEM_FRAGMENT_DEVICE || n_kept == 100)
				devmem_rx_release(rx, &frags[i], 1);
			else
				kept[n_kept++] = frags[i];
		}
		if (n_kept > 50 || n == -ENOBUFS) {
			if (calls % 2)
				devmem_rx_release(rx, kept, n_kept);
			else
				assert_int_equal(devmem_rx_release_any(rx, kept, n_kept), 0);
			n_kept = 0;
		}
		if (calls % 5 == 0)
			assert_int_equal(devmem_rx_flush(rx), 0);
		devmem_rx_stats(rx, &stats);
		assert_int_equal(allocations, before);
		assert_int_equal(fake_mappings(), mapped);
	}
	assert_int_equal(stats.bytes_device + stats.bytes_host + stats.bytes_placed, fake_read(fd));
	devmem_rx_close(rx);
	assert_int_equal(allocations, before);
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
}

static void test_none(void **state)
{
	(void)state;
	stream(NULL, 0);
	stream(NULL, 1);
}

static void test_none_placed(void **state)
{
	struct devmem_region *placement;

	(void)state;
	assert_int_equal(devmem_region_open(&placement, "memfd", 64 * PAGE, NULL), 0);
	stream(placement, 1);
	devmem_region_close(placement);
}

/* Opens with failure number k of either kind; true when there were fewer than k. */
static bool open_failing(struct devmem_binding *binding, struct devmem_region *placement, int fd,
			 unsigned int k, bool memory)
{
	struct devmem_rx_options o = { .sz = sizeof(o), .placement = placement };
	struct devmem_error err = { 0 };
	unsigned int mapped = fake_mappings(), calls = fake_calls();
	int before = live, ret;
	struct devmem_rx *rx;

	if (memory)
		fail_at = allocations + k;
	else
		fake_fail_call(k, EPERM);
	ret = devmem_rx_open(&rx, fd, binding, &o, &err);
	fail_at = 0;
	fake_fail_call(0, 0);
	if (!ret) {
		assert_true(memory || fake_calls() - calls < k);
		devmem_rx_close(rx);
	} else {
		assert_int_equal(ret, memory ? -ENOMEM : -EPERM);
		assert_null(rx);
		assert_int_equal(err.code, ret);
		assert_true(err.message[0]);
	}
	assert_int_equal(live, before);
	assert_int_equal(fake_mappings(), mapped);
	assert_int_equal(fake_socket_get_lowat(fd), 1);
	return !ret;
}

static void fail_each(struct devmem_binding *binding, struct devmem_region *placement, int fd,
		      unsigned int memory, unsigned int calls)
{
	unsigned int k;

	for (k = 1; !open_failing(binding, placement, fd, k, true); k++)
		;
	assert_int_equal(k - 1, memory);
	for (k = 1; !open_failing(binding, placement, fd, k, false); k++)
		;
	assert_int_equal(k - 1, calls);
}

static void test_open_fails(void **state)
{
	struct devmem_region *placement;
	struct devmem_binding *binding;
	struct fake_pool *pool;
	void *base;
	int fd;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	binding = fake_pool_binding(pool, MIB / 4);
	fd = fake_socket(pool);
	/* One piece of memory; two questions about the socket and two mappings. */
	fail_each(binding, NULL, fd, 1, 4);
	fail_each(NULL, NULL, fd, 1, 3);
	assert_int_equal(devmem_region_open(&placement, "memfd", PAGE, NULL), 0);
	assert_int_equal(devmem_region_map(placement, &base, NULL), 0);
	/* The ring needs one more. */
	fail_each(binding, placement, fd, 2, 4);
	devmem_region_close(placement);
	/* The binding's pages weren't kept by any of these. */
	fake_pool_unbind(pool);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_none),
		TEST(test_none_placed),
		TEST(test_open_fails),
	};

	return cmocka_run_group_tests_name("alloc-rx", tests, NULL, NULL);
}
