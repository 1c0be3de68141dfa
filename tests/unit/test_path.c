// SPDX-License-Identifier: BSD-3-Clause
/* The whole path: a reservation steers a connection to a queue, a binding puts a region there, a
 * receiver finds the bytes in it, a sender sends them back from it; then all is as it was. */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_send.h"

#define PAGE 4096U
#define MIB (1U << 20)
#define QUEUE 3U

static struct fake_nic *nic;
static struct fake_state before;
static struct devmem_error err;
static int fd;

#define OK(call)                                                                                   \
	do {                                                                                       \
		if (call)                                                                          \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

static int setup(void **state)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(5201) };
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(40000) };

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &local.sin_addr);
	inet_pton(AF_INET, "198.51.100.7", &peer.sin_addr);
	fake_begin(FAKE_LINUX_7_3);
	nic = fake_nic_rich("eth1");
	fake_snapshot(nic, &before);
	fd = fake_tcp(&local, &peer, sizeof(local));
	fake_socket_nic(fd, nic);
	fake_socket_route(fd, nic->ifindex);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

/* What a connection needs. */
struct path {
	struct devmem_netdev *netdev;
	struct devmem_region *region;
	struct devmem_reservation *reservation;
	struct devmem_binding *in, *out;
	struct devmem_rx *rx;
	struct devmem_tx *tx;
	uint8_t *bytes;
};

static void open_path(struct path *p)
{
	struct devmem_reservation_options o = { .sz = sizeof(o),
						.dir = fake_dir(),
						.flags = DEVMEM_RESERVATION_NO_WATCHER };
	const uint32_t queue = QUEUE;
	struct devmem_flow flow;
	void *addr;

	memset(p, 0, sizeof(*p));
	OK(devmem_netdev_open(&p->netdev, "eth1", &err));
	OK(devmem_region_open(&p->region, "udmabuf", 2 * MIB, &err));
	OK(devmem_region_map(p->region, &addr, &err));
	p->bytes = addr;
	OK(devmem_reservation_open(&p->reservation, p->netdev, &queue, 1, &o, &err));
	OK(devmem_flow_from_socket(&flow, fd, &err));
	OK(devmem_reservation_add_flow(p->reservation, &flow, QUEUE, NULL, &err));
	OK(devmem_binding_open_rx(&p->in, p->region, p->netdev, &queue, 1, NULL, &err));
	OK(devmem_rx_open(&p->rx, fd, p->in, NULL, &err));
}

static void open_way_back(struct path *p)
{
	OK(devmem_binding_open_tx(&p->out, p->region, p->netdev, NULL, &err));
	OK(devmem_tx_open(&p->tx, fd, p->out, NULL, &err));
}

static void close_path(struct path *p)
{
	if (p->tx)
		assert_int_equal(devmem_tx_close(p->tx, DEVMEM_TX_DRAIN, -1), 0);
	devmem_rx_close(p->rx);
	devmem_binding_close(p->out);
	devmem_binding_close(p->in);
	OK(devmem_reservation_close(p->reservation, &err));
	devmem_region_close(p->region);
	devmem_netdev_close(p->netdev);
	fake_assert_state(nic, &before, "after the connection");
}

/* Receives so many bytes, all of one kind, sends them back if there is a way, and releases them. */
static void receive(struct path *p, uint64_t bytes, uint32_t kind)
{
	const struct devmem_fragment *frags;
	uint64_t end = fake_read(fd) + bytes, pos = fake_read(fd), sequence = 0;
	struct devmem_range range;
	int i, n;

	while (pos < end) {
		n = devmem_rx_recv(p->rx, &frags, 0);
		assert_true(n > 0);
		for (i = 0; i < n; i++) {
			assert_int_equal(frags[i].kind, kind);
			if (kind == DEVMEM_FRAGMENT_DEVICE) {
				assert_ptr_equal(frags[i].region, p->region);
				assert_int_equal(frags[i].dmabuf_id, devmem_binding_id(p->in));
			}
			assert_int_equal(fake_compare(fd, pos,
						      kind == DEVMEM_FRAGMENT_HOST
							      ? frags[i].host
							      : p->bytes + frags[i].offset,
						      frags[i].size),
					 0);
			pos += frags[i].size;
			range = (struct devmem_range){ frags[i].offset, frags[i].size };
			if (p->tx)
				assert_int_equal(devmem_tx_send(p->tx, &range, 1, 0, &sequence),
						 range.size);
		}
		/* What isn't sent yet must not be overwritten. */
		if (p->tx)
			assert_int_equal(devmem_tx_wait(p->tx, sequence, -1), 0);
		devmem_rx_release(p->rx, frags, (size_t)n);
	}
}

static void test_receive(void **state)
{
	struct devmem_rx *plain;
	struct path p;

	(void)state;
	/* Before, and after: to whatever queue, in the kernel's own memory. */
	fake_send_device(fd, 0, 10000, PAGE);
	fake_advance(1);
	open_path(&p);
	assert_int_equal(nic->state.bound[QUEUE], devmem_binding_id(p.in));
	receive(&p, 10000, DEVMEM_FRAGMENT_HOST);
	/* More than the region has. */
	fake_send_device(fd, fake_now(), 8 * MIB, 1448);
	receive(&p, 8 * MIB, DEVMEM_FRAGMENT_DEVICE);
	assert_int_equal(fake_tokens_out(fd), 0);
	close_path(&p);
	fake_send_device(fd, fake_now(), 10000, PAGE);
	OK(devmem_rx_open(&plain, fd, NULL, NULL, &err));
	receive(&(struct path){ .rx = plain }, 10000, DEVMEM_FRAGMENT_HOST);
	devmem_rx_close(plain);
}

/* Sent back from where it was received, without a copy. */
static void test_echo(void **state)
{
	const uint8_t *stream;
	struct path p;
	uint64_t len;

	(void)state;
	open_path(&p);
	open_way_back(&p);
	fake_pace(fd, 20000, FAKE_MS);
	fake_send_device(fd, 0, MIB, PAGE);
	receive(&p, MIB, DEVMEM_FRAGMENT_DEVICE);
	stream = fake_stream(fd, &len);
	assert_int_equal(len, MIB);
	assert_int_equal(fake_compare(fd, 0, stream, len), 0);
	assert_int_equal(fake_spoilt(fd), 0);
	close_path(&p);
}

/* A process that dies at any call of it leaves what a restore puts back. */
static void connection(void *arg)
{
	struct path p;

	(void)arg;
	open_path(&p);
	open_way_back(&p);
	fake_send_device(fd, fake_now(), PAGE, PAGE);
	receive(&p, PAGE, DEVMEM_FRAGMENT_DEVICE);
	close_path(&p);
}

static void test_killed(void **state)
{
	struct devmem_reservation_options o = { .sz = sizeof(o) };
	unsigned int k;
	bool killed = true;

	for (k = 1; killed; k++) {
		teardown(state);
		setup(state);
		fake_pace(fd, 20000, FAKE_MS);
		killed = fake_crashes(fake_calls() + k, connection, NULL);
		o.dir = fake_dir();
		OK(devmem_reservation_restore(NULL, NULL, &o, &err));
		fake_assert_state(nic, &before, "after a restore");
	}
	assert_true(k > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_receive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
