// SPDX-License-Identifier: BSD-3-Clause
/*
 * One thread receives, others release what it hands them; two receivers share a binding. Made for
 * -fsanitize=thread, and worth running without.
 */
#include "test_rx_app.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "bind/held.h"

#define PAGE 4096U
#define BATCH 64U
#define QUEUE 64U

struct item {
	struct devmem_rx *rx;
	struct devmem_fragment frags[BATCH];
	uint64_t pos[BATCH];
	uint32_t n;
	int fd;
};

/* Fragments on their way to the threads that release them. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct item items[QUEUE];
	uint32_t n, busy;
	bool done;
} queue;
static atomic_uint wrong;

static void put(const struct item *item)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.n == QUEUE)
		pthread_cond_wait(&queue.emptied, &queue.lock);
	queue.items[queue.n++] = *item;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

/* From the middle, so that order is lost. */
static bool get(struct item *item)
{
	bool got = false;

	pthread_mutex_lock(&queue.lock);
	while (!queue.n && !queue.done)
		pthread_cond_wait(&queue.filled, &queue.lock);
	if (queue.n) {
		uint32_t i = queue.n / 2;

		*item = queue.items[i];
		queue.items[i] = queue.items[--queue.n];
		queue.busy++;
		got = true;
		pthread_cond_signal(&queue.emptied);
	}
	pthread_mutex_unlock(&queue.lock);
	return got;
}

static void put_back(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.busy--;
	pthread_cond_broadcast(&queue.emptied);
	pthread_mutex_unlock(&queue.lock);
}

/* Waits until the other threads have released everything. */
static void wait_empty(void)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.n || queue.busy)
		pthread_cond_wait(&queue.emptied, &queue.lock);
	pthread_mutex_unlock(&queue.lock);
}

static void *releaser(void *arg)
{
	struct item item;
	uint32_t i;
	void *base;

	(void)arg;
	while (get(&item)) {
		for (i = 0; i < item.n; i++) {
			if (devmem_region_map(item.frags[i].region, &base, NULL) ||
			    fake_compare(item.fd, item.pos[i],
					 (uint8_t *)base + item.frags[i].offset,
					 item.frags[i].size))
				atomic_fetch_add(&wrong, 1);
		}
		if (devmem_rx_release_any(item.rx, item.frags, item.n))
			atomic_fetch_add(&wrong, 1);
		put_back();
	}
	return NULL;
}

/* Receives everything; hands most of it to the others and releases the rest itself. */
static void receive_all(struct app *app)
{
	struct item item = { .rx = app->rx, .fd = app->fd };
	uint64_t pos = app->pos;
	uint32_t rounds = 0;

	for (;;) {
		const struct devmem_fragment *frags;
		int n = devmem_rx_recv(app->rx, &frags, 0), i;

		if (!n)
			break;
		if (n == -ENOBUFS) {
			wait_empty();
			continue;
		}
		assert_true(n > 0);
		for (i = 0; i < n; i++) {
			const struct devmem_fragment *f = &frags[i];

			assert_int_equal(fake_compare(app->fd, pos, app_bytes(app, f), f->size), 0);
			if (f->kind == DEVMEM_FRAGMENT_DEVICE && rounds % 4) {
				item.frags[item.n] = *f;
				item.pos[item.n++] = pos;
			} else {
				devmem_rx_release(app->rx, f, 1);
			}
			pos += f->size;
			if (item.n == BATCH || (item.n && i == n - 1)) {
				put(&item);
				item.n = 0;
			}
		}
		rounds++;
	}
	app->pos = pos;
}

static void *receiver(void *arg)
{
	receive_all(arg);
	return NULL;
}

static void run(uint32_t receivers, struct devmem_region *placement)
{
	struct devmem_binding *binding;
	pthread_t threads[3], seconds[2];
	struct fake_pool *pool;
	struct app app[2];
	uint64_t total = 0;
	uint32_t i, k;

	fake_threads(true);
	memset(&queue, 0, sizeof(queue));
	pthread_mutex_init(&queue.lock, NULL);
	pthread_cond_init(&queue.filled, NULL);
	pthread_cond_init(&queue.emptied, NULL);
	pool = fake_pool_new(256 * PAGE, PAGE, 7);
	binding = fake_pool_binding(pool, 64 * PAGE);
	for (k = 0; k < receivers; k++) {
		int fd = fake_socket(pool);

		for (i = 0; i < 1500; i++) {
			if (i % 50 == 7)
				fake_send_plain(fd, i * 1000, 300);
			else
				fake_send_linear(fd, i * 1000, i % 3 * 20, 100 + i * 37 % 5000,
						 1448);
		}
		fake_send_fin(fd, 0);
		app_open(&app[k], fd, pool, binding,
			 &(struct devmem_rx_options){ .placement = k ? NULL : placement });
		devmem_rx_expect(app[k].rx, DEVMEM_RX_STREAM);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, releaser, NULL), 0);
	for (k = 1; k < receivers; k++)
		assert_int_equal(pthread_create(&seconds[k], NULL, receiver, &app[k]), 0);
	receive_all(&app[0]);
	for (k = 1; k < receivers; k++)
		pthread_join(seconds[k], NULL);
	pthread_mutex_lock(&queue.lock);
	queue.done = true;
	pthread_cond_broadcast(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	for (k = 0; k < receivers; k++) {
		struct devmem_rx_stats s = app_stats(&app[k]);

		devmem_rx_flush(app[k].rx);
		total = s.bytes_device + s.bytes_host + s.bytes_placed;
		assert_int_equal(total, fake_read(app[k].fd));
		assert_int_equal(total, app[k].pos);
		assert_int_equal(s.held_fragments, 0);
		assert_int_equal(s.held_bytes, 0);
		assert_int_equal(s.fragments_missing, 0);
		assert_int_equal(fake_tokens_out(app[k].fd), 0);
		assert_int_equal(fake_counts(app[k].fd).missing, 0);
		app_close(&app[k]);
	}
	assert_int_equal(held_pages(fake_pool_held(pool)), 0);
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
}

static void test_one_receiver(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	run(1, NULL);
	fake_end();
}

static void test_two_receivers(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	run(2, NULL);
	fake_end();
}

static void test_placement(void **state)
{
	struct devmem_region *placement;

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	assert_int_equal(devmem_region_open(&placement, "memfd", 16 * PAGE, NULL), 0);
	run(1, placement);
	devmem_region_close(placement);
	fake_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_receiver),
		cmocka_unit_test(test_two_receivers),
		cmocka_unit_test(test_placement),
	};

	return cmocka_run_group_tests_name("rx-threads", tests, NULL, NULL);
}
