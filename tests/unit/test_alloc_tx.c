// SPDX-License-Identifier: BSD-3-Clause
/*
 * Nothing is allocated or mapped after devmem_tx_open() and devmem_tx_ring_open(), and each of
 * their allocations that fails leaves nothing behind. Linked with --wrap for malloc, calloc,
 * realloc and free.
 */
#include "test_tx_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
/* While the library runs. The model, which it calls, allocates before: fake_reserve(). */
static bool counting;

static bool fails(void)
{
	return counting && ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	live += counting && p;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(n, size);

	live += counting && p;
	return p;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __real_realloc(old, size);

	live += counting && p && !old;
	return p;
}

void __wrap_free(void *old)
{
	live -= counting && old;
	__real_free(old);
}

/* A stream with everything in it, through every call of the data path. */
static void stream(enum app_kind kind)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .sends_max = 16 };
	struct devmem_range space, rest, *left;
	unsigned int before, mapped, i;
	struct devmem_tx_done done[4];
	struct devmem_tx_ring *ring;
	struct devmem_tx_stats stats;
	struct devmem_error err;
	uint64_t sequence;
	struct app app;
	int64_t ret;
	size_t n;

	app_begin(&app, kind, MIB);
	fake_socket_sndbuf(app.fd, 50000);
	fake_pace(app.fd, 3000, FAKE_MS);
	fake_jitter(app.fd, 5 * FAKE_MS);
	fake_merge(app.fd, false);
	app_open(&app, &o);
	assert_int_equal(devmem_tx_ring_open(&ring, app.tx, NULL, NULL), 0);
	fake_reserve(app.fd, 16U << 20);
	before = allocations;
	mapped = fake_mappings();
	counting = true;
	for (i = 0; i < 3000; i++) {
		n = 1;
		left = &rest;
		sequence = 0;
		ret = devmem_tx_ring_get(ring, 1, 1 + i * 7 % 3000, i % 3 ? 0 : DEVMEM_TX_DONTWAIT,
					 &space);
		if (ret == -EAGAIN)
			continue;
		assert_int_equal(ret, 0);
		rest = space;
		if (i % 100 == 0)
			fake_signal(fake_now() + FAKE_MS);
		ret = devmem_tx_send(app.tx, left, n, i % 2 ? 0 : DEVMEM_TX_DONTWAIT, &sequence);
		if (ret < 0)
			devmem_tx_explain(app.tx, (int)ret, &err);
		else
			devmem_tx_advance(&left, &n, (uint64_t)ret);
		assert_int_equal(devmem_tx_ring_put(ring, &space, sequence), 0);
		if (i % 5 == 0)
			assert_true(devmem_tx_reap(app.tx, done, 4) >= 0);
		if (i % 7 == 0) {
			ret = devmem_tx_wait(app.tx, devmem_tx_last(app.tx), (int)(i % 20));
			assert_true(!ret || ret == -ETIMEDOUT || ret == -EINTR);
			devmem_tx_explain(app.tx, (int)ret, &err);
		}
		devmem_tx_in_flight(app.tx, &space, &sequence);
		devmem_tx_stats(app.tx, &stats);
	}
	counting = false;
	assert_int_equal(fake_mappings(), mapped);
	assert_true(stats.sends > 500);
	assert_int_equal(allocations, before);
	devmem_tx_ring_close(ring);
	app_end(&app);
}

static void test_none(void **state)
{
	enum app_kind kind;

	(void)state;
	for (kind = APP_DEVICE; kind <= APP_PLAIN_MEMFD; kind++) {
		stream(kind);
		fake_end();
		fake_begin();
	}
}

static void test_open_fails(void **state)
{
	struct devmem_error err = { 0 };
	struct devmem_tx_ring *ring;
	struct app app;
	unsigned int k;
	int ret;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	for (k = 1;; k++) {
		live = 0;
		allocations = 0;
		fail_at = k;
		counting = true;
		app.tx = (void *)&app;
		ret = devmem_tx_open(&app.tx, app.fd, app.binding, NULL, &err);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_null(app.tx);
			assert_int_equal(err.code, ret);
			assert_true(err.message[0]);
			assert_int_equal(live, 0);
			counting = false;
			assert_false(fake_socket_has_zerocopy(app.fd));
			assert_int_equal(fake_socket_bound(app.fd), 0);
			continue;
		}
		fail_at = 1;
		allocations = 0;
		assert_int_equal(devmem_tx_ring_open(&ring, app.tx, NULL, &err), -ENOMEM);
		assert_null(ring);
		assert_int_equal(devmem_tx_ring_open(&ring, app.tx, NULL, &err), 0);
		devmem_tx_ring_close(ring);
		assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 0), 0);
		counting = false;
		app.tx = NULL;
		assert_int_equal(live, 0);
		break;
	}
	/* The sender, and what is in flight: numbers, and ranges. */
	assert_int_equal(k - 1, 3);
	fail_at = 0;
	app_end(&app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APP_TEST(test_none),
		APP_TEST(test_open_fails),
	};

	return cmocka_run_group_tests_name("alloc-tx", tests, NULL, NULL);
}
