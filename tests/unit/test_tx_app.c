// SPDX-License-Identifier: BSD-3-Clause
/* An application for the tests of senders. */
#include "test_tx_app.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int app_setup(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	return 0;
}

int app_teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

/* Number 2 is "eth1", number 3 "eth2". */
static void interfaces(void)
{
	struct fake_nic *eth1 = fake_nic_rich("eth1");

	fake_nic_rich("eth2");
	eth1->ifindex = 2;
	fake_nic_find("eth2")->ifindex = 3;
	eth1->state.split = 2;
	eth1->state.hds_thresh = 0;
	fake_next_binding(41);
}

static void close_region(void *region)
{
	devmem_region_close(region);
}

static struct devmem_region *new_region(uint64_t size, bool dmabuf)
{
	struct devmem_region *region;
	int fd;

	if (dmabuf) {
		fd = fake_dmabuf(size);
		assert_int_equal(devmem_region_import(&region, fd, NULL), 0);
		fake_close(fd);
	} else {
		assert_int_equal(devmem_region_open(&region, "memfd", size, NULL), 0);
	}
	fake_at_end(close_region, region);
	return region;
}

/* Bindings that fake_end() closes. */
static struct devmem_binding *bindings[64];

static void close_binding(void *binding)
{
	struct devmem_binding **slot = binding;

	devmem_binding_close(*slot);
	*slot = NULL;
}

void app_bind(struct app *app, enum app_kind kind)
{
	struct devmem_binding_options o = { .sz = sizeof(o) };
	struct fake_nic *nic = fake_nic_find("eth1");
	struct devmem_binding **slot = bindings;
	const uint32_t queue = 3;
	struct devmem_netdev *nd;
	int ret;

	while (*slot)
		slot++;
	assert_int_equal(devmem_netdev_open(&nd, nic->name, NULL), 0);
	nic->netmem_tx = kind == APP_DEVICE;
	o.flags = kind == APP_DEVICE || kind == APP_RX ? 0 : DEVMEM_BINDING_PLAIN_OK;
	ret = kind == APP_RX ? devmem_binding_open_rx(slot, app->region, nd, &queue, 1, &o, NULL)
			     : devmem_binding_open_tx(slot, app->region, nd, &o, NULL);
	assert_int_equal(ret, 0);
	devmem_netdev_close(nd);
	fake_at_end(close_binding, slot);
	app->binding = *slot;
}

void app_unbind(struct app *app)
{
	struct devmem_binding **slot = bindings;

	while (*slot != app->binding)
		slot++;
	close_binding(slot);
}

void app_begin(struct app *app, enum app_kind kind, uint64_t size)
{
	uint64_t i;

	memset(app, 0, sizeof(*app));
	if (!fake_nic_find("eth1"))
		interfaces();
	app->region = new_region(size, kind != APP_PLAIN_MEMFD);
	app->bytes = fake_memory(devmem_region_fd(app->region));
	app->size = size;
	for (i = 0; i < size && i < 1U << 22; i++)
		app->bytes[i] = (uint8_t)(i * 131 + (i >> 8) * 7 + 1);
	app_bind(app, kind);
	app->fd = fake_connected(AF_INET);
}

void app_open(struct app *app, const struct devmem_tx_options *options)
{
	struct devmem_error err = { 0 };

	if (devmem_tx_open(&app->tx, app->fd, app->binding, options, &err))
		fail_msg("%s", err.message);
}

void app_start(struct app *app, enum app_kind kind, uint64_t size)
{
	app_begin(app, kind, size);
	app_open(app, NULL);
}

void app_end(struct app *app)
{
	if (app->tx)
		assert_int_equal(devmem_tx_close(app->tx, DEVMEM_TX_ABANDON, 0), 0);
	app->tx = NULL;
	free(app->want);
	app->want = NULL;
	app->want_len = app->want_cap = 0;
}

static void write_down(struct app *app, const struct devmem_range *ranges, uint64_t bytes)
{
	while (app->want_cap < app->want_len + bytes) {
		app->want_cap = app->want_cap ? 2 * app->want_cap : 65536;
		app->want = realloc(app->want, app->want_cap);
		assert_non_null(app->want);
	}
	for (; bytes; ranges++) {
		uint64_t n = ranges->size < bytes ? ranges->size : bytes;

		memcpy(app->want + app->want_len, app->bytes + ranges->offset, n);
		app->want_len += n;
		bytes -= n;
	}
}

int64_t app_send(struct app *app, const struct devmem_range *ranges, size_t n, unsigned int flags,
		 uint64_t *sequence)
{
	uint64_t number = 77, before = devmem_tx_last(app->tx);
	int64_t ret;

	ret = devmem_tx_send(app->tx, ranges, n, flags, &number);
	if (ret > 0)
		write_down(app, ranges, (uint64_t)ret);
	assert_true(ret > 0 ? number > before : number == 0);
	assert_true(devmem_tx_last(app->tx) == (ret > 0 ? number : before));
	assert_true(fake_sent(app->fd) == app->want_len);
	if (sequence)
		*sequence = number;
	return ret;
}

uint64_t app_send_one(struct app *app, uint64_t offset, uint64_t size)
{
	const struct devmem_range range = { offset, size };
	uint64_t sequence;

	assert_int_equal(app_send(app, &range, 1, 0, &sequence), (int64_t)size);
	return sequence;
}

void app_check(const struct app *app)
{
	const uint8_t *stream;
	uint64_t len;

	stream = fake_stream(app->fd, &len);
	assert_true(len <= app->want_len);
	if (len)
		assert_memory_equal(stream, app->want, len);
	assert_int_equal(fake_spoilt(app->fd), 0);
}

void app_check_all(const struct app *app)
{
	uint64_t len;

	fake_stream(app->fd, &len);
	assert_int_equal(len, app->want_len);
	app_check(app);
}

struct devmem_tx_stats app_stats(const struct app *app)
{
	struct devmem_tx_stats stats;

	devmem_tx_stats(app->tx, &stats);
	return stats;
}

void app_explains(const struct app *app, int code, int kind, const char *words)
{
	struct devmem_error err = { 0 };

	devmem_tx_explain(app->tx, code, &err);
	assert_int_equal(err.code, code);
	assert_int_equal(err.kind, kind);
	assert_null(strchr(err.message, '\n'));
	assert_non_null(strstr(err.message, "socket 100"));
	if (!strstr(err.message, words))
		fail_msg("\"%s\" is not in: %s", words, err.message);
}
