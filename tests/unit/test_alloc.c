// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory: receiving and sending allocate and map nothing, and each allocation that fails leaves
 * nothing behind, nor does each system call of opening a receiver. Linked with fake_alloc.c.
 */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_send.h"
#include "reserve/journal.h"

#define PAGE 4096U
#define MIB (1U << 20)

static struct fake_nic *nic;

static int setup(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	nic = fake_nic_rich("eth1");
	nic->ifindex = 2;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

/* What failed says so. */
static int outcome(int ret, const struct devmem_error *err)
{
	if (ret) {
		assert_int_equal(err->code, ret);
		assert_true(err->message[0]);
	}
	return ret;
}

/* ---- receiving ---- */

/* A stream with everything in it, through every call of the data path. */
static void receive(struct devmem_region *placement, uint32_t expect)
{
	struct devmem_fragment kept[4096];
	const struct devmem_fragment *frags;
	struct devmem_binding *binding;
	struct devmem_rx_stats stats;
	struct fake_pool *pool;
	struct devmem_rx_options o = { .sz = sizeof(o), .placement = placement };
	struct devmem_error err;
	uint32_t n_kept = 0, calls = 0;
	unsigned int before, mapped;
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
	before = fake_allocations();
	mapped = fake_mappings();
	fake_count_allocations(true);
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
		assert_int_equal(fake_allocations(), before);
		assert_int_equal(fake_mappings(), mapped);
	}
	assert_int_equal(stats.bytes_device + stats.bytes_host + stats.bytes_placed, fake_read(fd));
	devmem_rx_close(rx);
	assert_int_equal(fake_allocations(), before);
	fake_count_allocations(false);
	assert_int_equal(fake_pool_free(pool), fake_pool_pages(pool));
}

static void test_receiving(void **state)
{
	struct devmem_region *placement;

	(void)state;
	receive(NULL, 0);
	receive(NULL, 1);
	assert_int_equal(devmem_region_open(&placement, "memfd", 64 * PAGE, NULL), 0);
	receive(placement, 1);
	devmem_region_close(placement);
}

struct receiver {
	struct devmem_binding *binding;
	struct devmem_region *placement;
	int fd;
};

static int open_receiver(void *arg)
{
	const struct receiver *r = arg;
	struct devmem_rx_options o = { .sz = sizeof(o), .placement = r->placement };
	struct devmem_error err;
	struct devmem_rx *rx;
	int ret;

	ret = outcome(devmem_rx_open(&rx, r->fd, r->binding, &o, &err), &err);
	devmem_rx_close(rx);
	assert_int_equal(fake_socket_get_lowat(r->fd), 1);
	return ret;
}

static void test_receiver_fails(void **state)
{
	struct receiver r = { NULL, NULL, 0 };
	struct fake_pool *pool;
	void *base;
	int i;

	(void)state;
	pool = fake_pool_new(MIB, PAGE, 7);
	r.fd = fake_socket(pool);
	for (i = 0; i < 3; i++) {
		if (i == 1) {
			r.binding = fake_pool_binding(pool, MIB / 4);
		} else if (i == 2) {
			assert_int_equal(devmem_region_open(&r.placement, "memfd", PAGE, NULL), 0);
			assert_int_equal(devmem_region_map(r.placement, &base, NULL), 0);
		}
		assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, open_receiver, &r) > 0);
		assert_true(fake_each_fails(FAKE_CALL, EPERM, open_receiver, &r) > 1);
	}
	devmem_region_close(r.placement);
	/* The binding's pages weren't kept by any of these. */
	fake_pool_unbind(pool);
}

/* ---- sending ---- */

static struct devmem_binding *bind_tx(struct devmem_region *region, bool plain)
{
	struct devmem_binding_options o = { .sz = sizeof(o) };
	struct devmem_binding *binding;
	struct devmem_netdev *netdev;

	nic->netmem_tx = !plain;
	o.flags = plain ? DEVMEM_BINDING_PLAIN_OK : 0;
	assert_int_equal(devmem_netdev_open(&netdev, "eth1", NULL), 0);
	assert_int_equal(devmem_binding_open_tx(&binding, region, netdev, &o, NULL), 0);
	devmem_netdev_close(netdev);
	return binding;
}

static void transmit(struct devmem_tx *tx, struct devmem_tx_ring *ring)
{
	struct devmem_range space, rest, *left;
	struct devmem_tx_done done[4];
	struct devmem_tx_stats stats;
	struct devmem_error err;
	uint64_t sequence;
	unsigned int i;
	int64_t ret;
	size_t n;

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
		ret = devmem_tx_send(tx, left, n, i % 2 ? 0 : DEVMEM_TX_DONTWAIT, &sequence);
		if (ret < 0)
			devmem_tx_explain(tx, (int)ret, &err);
		else
			devmem_tx_advance(&left, &n, (uint64_t)ret);
		assert_int_equal(devmem_tx_ring_put(ring, &space, sequence), 0);
		if (i % 5 == 0)
			assert_true(devmem_tx_reap(tx, done, 4) >= 0);
		if (i % 7 == 0) {
			ret = devmem_tx_wait(tx, devmem_tx_last(tx), (int)(i % 20));
			assert_true(!ret || ret == -ETIMEDOUT || ret == -EINTR);
			devmem_tx_explain(tx, (int)ret, &err);
		}
		devmem_tx_in_flight(tx, &space, &sequence);
		devmem_tx_stats(tx, &stats);
	}
	assert_true(stats.sends > 500);
}

static void test_sending(void **state)
{
	static const struct {
		const char *region;
		bool plain;
	} kinds[] = { { "heap:system", false }, { "heap:system", true }, { "memfd", true } };
	struct devmem_tx_options o = { .sz = sizeof(o), .sends_max = 16 };
	struct devmem_binding *binding;
	struct devmem_region *region;
	struct devmem_tx_ring *ring;
	unsigned int before, mapped;
	struct devmem_tx *tx;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(devmem_region_open(&region, kinds[i].region, MIB, NULL), 0);
		binding = bind_tx(region, kinds[i].plain);
		fd = fake_connected(AF_INET);
		fake_socket_sndbuf(fd, 50000);
		fake_pace(fd, 3000, FAKE_MS);
		fake_jitter(fd, 5 * FAKE_MS);
		fake_merge(fd, false);
		assert_int_equal(devmem_tx_open(&tx, fd, binding, &o, NULL), 0);
		assert_int_equal(devmem_tx_ring_open(&ring, tx, NULL, NULL), 0);
		before = fake_allocations();
		mapped = fake_mappings();
		fake_count_allocations(true);
		transmit(tx, ring);
		fake_count_allocations(false);
		assert_int_equal(fake_allocations(), before);
		assert_int_equal(fake_mappings(), mapped);
		devmem_tx_ring_close(ring);
		assert_int_equal(devmem_tx_close(tx, DEVMEM_TX_ABANDON, 0), 0);
		devmem_binding_close(binding);
		devmem_region_close(region);
	}
}

struct sender {
	struct devmem_binding *binding;
	int fd;
};

static int open_sender(void *arg)
{
	const struct sender *s = arg;
	struct devmem_tx_ring *ring = NULL;
	struct devmem_error err;
	struct devmem_tx *tx;
	int ret;

	ret = outcome(devmem_tx_open(&tx, s->fd, s->binding, NULL, &err), &err);
	if (ret) {
		assert_false(fake_socket_has_zerocopy(s->fd));
		assert_int_equal(fake_socket_bound(s->fd), 0);
		return ret;
	}
	ret = outcome(devmem_tx_ring_open(&ring, tx, NULL, &err), &err);
	devmem_tx_ring_close(ring);
	assert_int_equal(devmem_tx_close(tx, DEVMEM_TX_DRAIN, 0), 0);
	fake_socket_bind(s->fd, 0);
	return ret;
}

static void test_sender_fails(void **state)
{
	struct devmem_region *region;
	struct sender s;

	(void)state;
	assert_int_equal(devmem_region_open(&region, "heap:system", MIB, NULL), 0);
	s.binding = bind_tx(region, false);
	s.fd = fake_connected(AF_INET);
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, open_sender, &s) > 1);
	devmem_binding_close(s.binding);
	devmem_region_close(region);
}

/* ---- the rest ---- */

static int open_region(void *spec)
{
	struct devmem_region *region;
	struct devmem_error err;
	int ret;

	ret = outcome(devmem_region_open(&region, spec, 2 * MIB, &err), &err);
	devmem_region_close(region);
	return ret;
}

static int open_netdev(void *name)
{
	struct devmem_netdev *netdev;
	struct devmem_error err;
	int ret;

	ret = outcome(devmem_netdev_open(&netdev, name, &err), &err);
	devmem_netdev_close(netdev);
	return ret;
}

/* A reservation with a flow, and a binding in each direction. */
static int set_apart(void *arg)
{
	struct devmem_reservation_options o = { .sz = sizeof(o),
						.dir = fake_dir(),
						.flags = DEVMEM_RESERVATION_NO_WATCHER };
	struct devmem_reservation *reservation = NULL;
	struct devmem_binding *rx = NULL, *tx = NULL;
	struct devmem_netdev *netdev;
	struct devmem_flow flow;
	struct devmem_error err;
	const uint32_t queue = 3;
	int ret;

	memset(&flow, 0, sizeof(flow));
	((struct sockaddr_in *)&flow.dst)->sin_family = AF_INET;
	((struct sockaddr_in *)&flow.dst)->sin_port = htons(5201);
	ret = outcome(devmem_netdev_open(&netdev, "eth1", &err), &err);
	if (ret)
		return ret;
	ret = outcome(devmem_reservation_open(&reservation, netdev, &queue, 1, &o, &err), &err);
	if (!ret)
		ret = outcome(devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err), &err);
	if (!ret)
		ret = outcome(devmem_binding_open_rx(&rx, arg, netdev, &queue, 1, NULL, &err),
			      &err);
	if (!ret)
		ret = outcome(devmem_binding_open_tx(&tx, arg, netdev, NULL, &err), &err);
	devmem_binding_close(tx);
	devmem_binding_close(rx);
	if (reservation && devmem_reservation_close(reservation, &err))
		/* What it couldn't put back, the next one does. */
		assert_int_equal(devmem_reservation_restore("eth1", NULL, &o, NULL), 0);
	devmem_netdev_close(netdev);
	return ret;
}

static void test_others_fail(void **state)
{
	char specs[][16] = { "udmabuf", "udmabuf:huge=no", "heap:system", "memfd" };
	struct devmem_region *region;
	struct fake_state before;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, open_region, specs[i]) > 0);
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, open_netdev, nic->name) > 1);
	assert_int_equal(devmem_region_open(&region, "udmabuf", 2 * MIB, NULL), 0);
	fake_snapshot(nic, &before);
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, set_apart, region) > 10);
	fake_assert_state(nic, &before, "a reservation without memory");
	devmem_region_close(region);
}

static const char *text;
static size_t len;

static int read_journal(void *arg)
{
	struct journal journal;
	unsigned int line;
	int ret;

	(void)arg;
	ret = journal_read(&journal, text, len, &line);
	assert_int_equal(line, 0);
	assert_true(!ret || journal_empty(&journal));
	journal_free(&journal);
	return ret;
}

static int write_journal(void *journal)
{
	size_t written_len;
	char *written;
	int ret;

	ret = journal_write(journal, &written, &written_len);
	assert_true(!ret || !written);
	free(written);
	return ret;
}

/* An owner with queues and rules. */
static int add_owner(void *journal)
{
	static const uint32_t queues[] = { 8, 9 };
	struct journal_owner *owner = journal_add(journal);
	int ret = -ENOMEM;

	if (!owner)
		return ret;
	if (!journal_set_queues(owner, queues, 2) && journal_add_rule(owner) &&
	    journal_add_rule(owner))
		ret = 0;
	journal_remove(journal, owner);
	return ret;
}

static void test_journal_fails(void **state)
{
	struct journal journal = { .name = "eth1", .boot = "a-boot" };
	char *written;
	uint32_t i;

	(void)state;
	for (i = 1; i <= 4; i++) {
		struct journal_owner *owner = journal_add(&journal);

		assert_int_equal(journal_set_queues(owner, &i, 1), 0);
		assert_non_null(journal_add_rule(owner));
	}
	assert_int_equal(journal_write(&journal, &written, &len), 0);
	text = written;
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, read_journal, NULL) > 4);
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, write_journal, &journal) > 0);
	free(written);
	assert_true(fake_each_fails(FAKE_ALLOCATION, ENOMEM, add_owner, &journal) > 1);
	journal_free(&journal);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_receiving),	 TEST(test_receiver_fails), TEST(test_sending),
		TEST(test_sender_fails), TEST(test_others_fail),    TEST(test_journal_fails),
	};

	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
