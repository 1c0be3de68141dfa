// SPDX-License-Identifier: BSD-3-Clause
/* Bindings over the kernel of fake_kernel.c: who binds, what it says when it can't, and that
 * closing unbinds. */
#include <devmem/devmem.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bind/request.h"
#include "bind/binding.h"
#include "bind/refusal.h"
#include "fake_kernel.h"
#include "netlink/genl.h"
#include "nic/netdev.h"
#include "region/region.h"

#define SIZE (64U << 20)

static struct fake_nic *nic;
static struct devmem_netdev *nd;
static struct devmem_region *region;
static struct devmem_error err;
static int dmabuf;

static void world(enum fake_personality personality)
{
	fake_begin(personality);
	nic = fake_nic_rich("eth1");
	nic->state.split = 2;
	nic->state.hds_thresh = 0;
	memset(&err, 0, sizeof(err));
	if (devmem_netdev_open(&nd, "eth1", &err))
		fail_msg("%s", err.message);
	dmabuf = fake_dmabuf_pieces(SIZE, 2 << 20);
	if (devmem_region_import(&region, dmabuf, &err))
		fail_msg("%s", err.message);
	memset(&err, 0, sizeof(err));
}

static void world_end(void)
{
	devmem_region_close(region);
	devmem_netdev_close(nd);
	fake_close(dmabuf);
	fake_end();
}

static const enum fake_personality personalities[] = { FAKE_LINUX_6_12, FAKE_LINUX_7_3 };

static void test_binds(void **state)
{
	const uint32_t queues[] = { 3, 1 }, other = 2;
	struct devmem_binding *binding, *second;
	struct devmem_binding_stats stats;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		world(personalities[i]);
		if (devmem_binding_open_rx(&binding, region, nd, queues, 2, NULL, &err))
			fail_msg("%s", err.message);
		assert_int_not_equal(devmem_binding_id(binding), 0);
		assert_int_equal(nic->state.bound[1], devmem_binding_id(binding));
		assert_int_equal(nic->state.bound[3], devmem_binding_id(binding));
		assert_int_equal(nic->state.bound[0] | nic->state.bound[2], 0);
		assert_true(devmem_binding_fd(binding) >= 0);
		devmem_binding_stats(binding, &stats);
		assert_true(stats.page_size == 4096);
		assert_true(stats.held_pages == 0);
		assert_true(stats.held_pages_limit == SIZE / 4096 / 4);
		/* Another one of the same region on another queue. */
		assert_int_equal(devmem_binding_open_rx(&second, region, nd, &other, 1, NULL, &err),
				 0);
		assert_int_equal(nic->state.bound[2], devmem_binding_id(second));
		assert_int_not_equal(devmem_binding_id(second), devmem_binding_id(binding));
		devmem_binding_close(binding);
		assert_int_equal(nic->state.bound[1] | nic->state.bound[3], 0);
		assert_int_equal(nic->state.bound[2], devmem_binding_id(second));
		devmem_binding_close(second);
		assert_int_equal(nic->state.bound[2], 0);
		devmem_binding_close(NULL);
		/* And again at once. */
		assert_int_equal(
			devmem_binding_open_rx(&binding, region, nd, queues, 2, NULL, &err), 0);
		devmem_binding_close(binding);
		world_end();
	}
}

static void test_options(void **state)
{
	struct devmem_binding_options options = { .sz = sizeof(options),
						  .rx_page_size = 16384,
						  .held_max = 1 << 20 };
	struct devmem_binding_stats stats;
	struct devmem_binding *binding;
	const uint32_t queue = 0;
	const void *request;
	size_t len;

	(void)state;
	world(FAKE_LINUX_7_3);
	if (devmem_binding_open_rx(&binding, region, nd, &queue, 1, &options, &err))
		fail_msg("%s", err.message);
	devmem_binding_stats(binding, &stats);
	assert_true(stats.page_size == 16384);
	assert_true(stats.held_pages_limit == (1 << 20) / 16384);
	assert_non_null(strstr(fake_log(fake_log_len() - 1), "page=16384"));
	devmem_binding_close(binding);
	options.held_max = UINT64_MAX;
	options.rx_page_size = 0;
	assert_int_equal(devmem_binding_open_rx(&binding, region, nd, &queue, 1, &options, &err),
			 0);
	devmem_binding_stats(binding, &stats);
	assert_true(stats.held_pages_limit == UINT64_MAX);
	/* The attribute isn't sent unless it is needed: older kernels refuse it. */
	request = fake_last_request(&len);
	assert_non_null(request);
	assert_int_equal(len, 20 + 8 + 8 + 4 + 16);
	devmem_binding_close(binding);
	options.flags = DEVMEM_BINDING_PLAIN_OK;
	assert_int_equal(devmem_binding_open_rx(&binding, region, nd, &queue, 1, &options, &err),
			 -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_non_null(strstr(err.message, "flags"));
	assert_null(binding);
	world_end();
}

struct refusal {
	const char *why;
	int code, kind;
	const char *kernel, *attribute, *text; /* text: in the message */
	uint32_t queues[3];
	size_t n;
	uint32_t page;
	void (*prepare)(void);
	int old_code; /* 6.12, if it isn't the same; 1 = not there */
};

static void nothing(void)
{
}

static void split_off(void)
{
	nic->state.split = 1;
}

static void thresh(void)
{
	nic->state.hds_thresh = 100;
}

static void bound(void)
{
	nic->state.bound[2] = 7;
}

static void xdp(void)
{
	nic->xdp = true;
}

static void xsk(void)
{
	nic->xsk_queues = 4;
}

static void no_queue_mgmt(void)
{
	nic->queue_mgmt = false;
}

static void no_dma(void)
{
	nic->dma = false;
}

static void no_page_sizes(void)
{
	nic->rx_page_size = false;
}

static void no_admin(void)
{
	fake_admin(false);
}

static void gone(void)
{
	nic->present = false;
}

static void test_refusals(void **state)
{
	static const struct refusal refusals[] = {
		{ "split off",
		  -EINVAL,
		  DEVMEM_ERROR_REFUSED,
		  "tcp-data-split is disabled",
		  "",
		  "tcp-data-split on",
		  { 2 },
		  1,
		  0,
		  split_off,
		  0 },
		{ "threshold",
		  -EINVAL,
		  DEVMEM_ERROR_REFUSED,
		  "hds-thresh is not zero",
		  "",
		  "hds-thresh",
		  { 2 },
		  1,
		  0,
		  thresh,
		  1 },
		{ "bound already",
		  -EEXIST,
		  DEVMEM_ERROR_REFUSED,
		  "designated queue already memory provider bound",
		  "",
		  "binding 7",
		  { 2 },
		  1,
		  0,
		  bound,
		  0 },
		{ "XDP", -EEXIST, DEVMEM_ERROR_REFUSED, "", "", "XDP", { 2 }, 1, 0, xdp, 0 },
		{ "AF_XDP",
		  -EBUSY,
		  DEVMEM_ERROR_REFUSED,
		  "designated queue already in use by AF_XDP",
		  "",
		  "AF_XDP",
		  { 2 },
		  1,
		  0,
		  xsk,
		  0 },
		{ "no such queue",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  "",
		  "queues.id",
		  "0 to 3",
		  { 1, 4 },
		  2,
		  0,
		  nothing,
		  -ERANGE },
		{ "driver can't",
		  -EOPNOTSUPP,
		  DEVMEM_ERROR_MISSING,
		  "",
		  "ifindex",
		  "driver",
		  { 2 },
		  1,
		  0,
		  no_queue_mgmt,
		  0 },
		{ "no DMA",
		  -EOPNOTSUPP,
		  DEVMEM_ERROR_MISSING,
		  "Device doesn't support DMA",
		  "",
		  "eth1",
		  { 2 },
		  1,
		  0,
		  no_dma,
		  1 },
		{ "no other page sizes",
		  -EOPNOTSUPP,
		  DEVMEM_ERROR_MISSING,
		  "device does not support: rx_page_size",
		  "",
		  "page size",
		  { 2 },
		  1,
		  16384,
		  no_page_sizes,
		  -EINVAL },
		{ "pieces too small",
		  -EINVAL,
		  DEVMEM_ERROR_REFUSED,
		  NULL,
		  "",
		  "not aligned to niov",
		  { 2 },
		  1,
		  4 << 20,
		  nothing,
		  -EINVAL },
		{ "odd page size",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  "",
		  "",
		  "5000",
		  { 2 },
		  1,
		  5000,
		  nothing,
		  0 },
		{ "small page size",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  "",
		  "",
		  "2048",
		  { 2 },
		  1,
		  2048,
		  nothing,
		  0 },
		{ "no privilege",
		  -EPERM,
		  DEVMEM_ERROR_MISSING,
		  "",
		  "",
		  "CAP_NET_ADMIN",
		  { 2 },
		  1,
		  0,
		  no_admin,
		  0 },
		{ "interface gone",
		  -ENODEV,
		  DEVMEM_ERROR_MISSING,
		  "",
		  "",
		  "eth1",
		  { 2 },
		  1,
		  0,
		  gone,
		  0 },
		{ "no queue",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  "",
		  "",
		  "queue",
		  { 0 },
		  0,
		  0,
		  nothing,
		  0 },
	};
	struct devmem_binding_options options = { .sz = sizeof(options) };
	struct devmem_binding *binding;
	struct fake_state before;
	size_t i, old;
	int ret, code;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		for (old = 0; old < 2; old++) {
			const struct refusal *r = &refusals[i];

			if (old && r->old_code == 1)
				continue;
			code = old && r->old_code ? r->old_code : r->code;
			world(personalities[!old]);
			r->prepare();
			fake_snapshot(nic, &before);
			options.rx_page_size = r->page;
			binding = (void *)&err;
			ret = devmem_binding_open_rx(&binding, region, nd, r->queues, r->n,
						     &options, &err);
			if (ret != code)
				fail_msg("%s, old %zu: %d %s", r->why, old, ret, err.message);
			assert_null(binding);
			assert_int_equal(err.code, ret);
			if (code == r->code && !old) {
				if (!strstr(err.message, r->text))
					fail_msg("%s: %s", r->why, err.message);
				if (err.kind != r->kind)
					fail_msg("%s: kind %d", r->why, err.kind);
				if (r->kernel && r->kernel[0])
					assert_string_equal(err.kernel, r->kernel);
				assert_string_equal(err.attribute, r->attribute);
			}
			/* One line that names the interface. */
			assert_non_null(strstr(err.message, "eth1"));
			assert_null(strchr(err.message, '\n'));
			fake_assert_state(nic, &before, r->why);
			assert_int_equal(devmem_binding_open_rx(&binding, region, nd, r->queues,
								r->n, &options, NULL),
					 code);
			world_end();
		}
}

/* What the kernel says, and what that means: a case for each row of the table. */
static void test_advice(void **state)
{
	static const struct {
		bool tx;
		int code;
		const char *attribute, *kernel;
		int kind; /* REFUSED: as it was */
		const char *advice;
	} cases[] = {
		{ false, EINVAL, "rx-page-size", "Unknown attribute type", DEVMEM_ERROR_MISSING,
		  "need Linux 7.3" },
		{ false, EINVAL, "rx-page-size", "rx-page-size must be a power of 2",
		  DEVMEM_ERROR_INPUT, "rx-page-size 16384 must be a power" },
		{ false, ERANGE, "rx-page-size", "integer out of range", DEVMEM_ERROR_INPUT,
		  "rx-page-size 16384 must be a power" },
		{ false, EINVAL, "", "tcp-data-split is disabled", DEVMEM_ERROR_REFUSED,
		  "switch it on: devmem_reservation_open() does it, or: ethtool -G eth1 tcp-data" },
		{ false, EINVAL, "", "hds-thresh is not zero", DEVMEM_ERROR_REFUSED,
		  "ethtool -G eth1 hds-thresh 0" },
		{ false, EEXIST, "", "unable to bind dmabuf to device with XDP program attached",
		  DEVMEM_ERROR_REFUSED, "ip link set dev eth1 xdp off" },
		{ false, EEXIST, "", "designated queue already memory provider bound",
		  DEVMEM_ERROR_REFUSED, "queue 2 has binding 9 already" },
		{ false, EBUSY, "", "rx queue peered to a virtual netdev", DEVMEM_ERROR_REFUSED,
		  "queue 2 has binding 9 already" },
		{ false, EINVAL, "queues.id", "", DEVMEM_ERROR_INPUT,
		  "eth1 has receive queues 0 to 3" },
		{ false, ERANGE, "", "rx queue index out of range", DEVMEM_ERROR_INPUT,
		  "eth1 has receive queues 0 to 3" },
		{ false, ERANGE, "ifindex", "integer out of range", DEVMEM_ERROR_REFUSED, NULL },
		{ false, EOPNOTSUPP, "", "device does not support: rx_page_size",
		  DEVMEM_ERROR_REFUSED, "leave rx-page-size out" },
		{ false, EINVAL, "", "dmabuf sg entry (addr=0, len=4096) not aligned to niov size",
		  DEVMEM_ERROR_REFUSED, "must be a multiple of 16384 bytes" },
		{ false, EOPNOTSUPP, "", "Device doesn't support DMA", DEVMEM_ERROR_REFUSED,
		  "eth1 is no device that reads and writes memory" },
		{ false, EOPNOTSUPP, "", "Failed to bind dmabuf to device", DEVMEM_ERROR_REFUSED,
		  "exporter does not hand it to eth1" },
		{ false, EOPNOTSUPP, "", "Failed to map dmabuf attachment", DEVMEM_ERROR_REFUSED,
		  "exporter does not hand it to eth1" },
		{ false, EOPNOTSUPP, "", "some new text", DEVMEM_ERROR_REFUSED, NULL },
		{ false, EOPNOTSUPP, "ifindex", "", DEVMEM_ERROR_REFUSED,
		  "driver of eth1 can't restart single queues" },
		{ false, EOPNOTSUPP, "", "", DEVMEM_ERROR_REFUSED, "older than 6.12" },
		{ false, EPERM, "", "", DEVMEM_ERROR_REFUSED, "CAP_NET_ADMIN" },
		{ false, ENODEV, "", "", DEVMEM_ERROR_REFUSED, "no interface with index 7 " },
		{ false, EBADF, "", "", DEVMEM_ERROR_INPUT, "file descriptor 12 is not open" },
		{ false, EINVAL, "", "", DEVMEM_ERROR_REFUSED, "file descriptor 12 is no dma-buf" },
		{ false, EINVAL, "fd", "", DEVMEM_ERROR_REFUSED, NULL },
		{ false, EREMOTEIO, "", "Failed to map dmabuf attachment", DEVMEM_ERROR_REFUSED,
		  "eth1 and the region's device can't reach" },
		{ false, ENOMEM, "", "", DEVMEM_ERROR_REFUSED, "ethtool -G eth1 rx N" },
		{ true, EINVAL, "", "TX dma-buf size must be a multiple of PAGE_SIZE",
		  DEVMEM_ERROR_INPUT, "size of the dma-buf" },
		{ true, EOPNOTSUPP, "", "Device doesn't support DMA", DEVMEM_ERROR_REFUSED,
		  "eth1 is no device that reads and writes memory" },
		{ true, EOPNOTSUPP, "", "Failed to bind dmabuf to device", DEVMEM_ERROR_REFUSED,
		  "exporter does not hand it to eth1" },
		{ true, EOPNOTSUPP, "", "Failed to map dmabuf attachment", DEVMEM_ERROR_REFUSED,
		  "exporter does not hand it to eth1" },
		{ true, EOPNOTSUPP, "", "Driver does not support netmem TX", DEVMEM_ERROR_REFUSED,
		  "driver of eth1 can't send" },
		{ true, EOPNOTSUPP, "", "", DEVMEM_ERROR_REFUSED, "needs Linux 6.16" },
		{ true, ENODEV, "", "", DEVMEM_ERROR_REFUSED, "no interface with index 7 " },
		{ true, EBADF, "", "", DEVMEM_ERROR_INPUT, "file descriptor 12 is not open" },
		{ true, EINVAL, "", "", DEVMEM_ERROR_INPUT, "file descriptor 12 is no dma-buf" },
		{ true, EREMOTEIO, "", "Failed to map dmabuf attachment", DEVMEM_ERROR_REFUSED,
		  "eth1 and the region's device can't reach" },
		{ true, EPERM, "", "", DEVMEM_ERROR_REFUSED, NULL },
		{ true, ENOMEM, "", "", DEVMEM_ERROR_REFUSED, NULL },
		{ true, EEXIST, "", "", DEVMEM_ERROR_REFUSED, NULL },
	};
	const uint32_t queue = 2;
	struct nic eth1 = { .ifindex = 7, .name = "eth1" };
	struct refusal_request request = { .nic = &eth1, .fd = 12 };
	size_t i;

	(void)state;
	world(FAKE_LINUX_7_3);
	nic->ifindex = 7;
	nic->state.bound[2] = 9;
	assert_int_equal(genl_open(&eth1.genl, NULL), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct devmem_error refused = { .code = -cases[i].code,
						.kind = DEVMEM_ERROR_REFUSED,
						.message = "said" };

		request.tx = cases[i].tx;
		request.queues = request.tx ? NULL : &queue;
		request.n = request.tx ? 0 : 1;
		request.rx_page_size = request.tx ? 0 : 16384;
		strcpy(refused.attribute, cases[i].attribute);
		strcpy(refused.kernel, cases[i].kernel);
		refusal_explain(&request, &refused);
		if (refused.kind != cases[i].kind || strchr(refused.message, '{') ||
		    (cases[i].advice ? !strstr(refused.message, cases[i].advice)
				     : strcmp(refused.message, "said")))
			fail_msg("case %zu: kind %d, %s", i, refused.kind, refused.message);
	}
	genl_close(eth1.genl);
	world_end();
}

/* What 6.12 doesn't say in words, the message does. */
static void test_old_split(void **state)
{
	struct devmem_binding *binding;
	const uint32_t queue = 2;

	(void)state;
	world(FAKE_LINUX_6_12);
	nic->state.split = 1;
	assert_int_equal(devmem_binding_open_rx(&binding, region, nd, &queue, 1, NULL, &err),
			 -EINVAL);
	assert_string_equal(err.kernel, "");
	assert_non_null(strstr(err.message, "split"));
	world_end();
	world(FAKE_LINUX_6_12);
	{
		struct devmem_binding_options options = { .sz = sizeof(options),
							  .rx_page_size = 16384 };

		assert_int_equal(
			devmem_binding_open_rx(&binding, region, nd, &queue, 1, &options, &err),
			-EINVAL);
		assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
		assert_string_equal(err.attribute, "rx-page-size");
		assert_non_null(strstr(err.message, "7.3"));
		/* The kernel's own page size is what it uses anyway. */
		options.rx_page_size = (uint32_t)sysconf(_SC_PAGESIZE);
		assert_int_equal(
			devmem_binding_open_rx(&binding, region, nd, &queue, 1, &options, &err), 0);
		devmem_binding_close(binding);
	}
	world_end();
}

/* Every call fails: nothing is bound, nothing leaks. */
static void test_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EPERM, ENOBUFS, EEXIST };
	const uint32_t queues[] = { 1, 2 };
	struct devmem_binding *binding;
	struct fake_state before;
	unsigned int k, base;
	bool finished;
	size_t i, p;
	int ret;

	(void)state;
	for (p = 0; p < 2; p++)
		for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			for (k = 1, finished = false; !finished; k++) {
				world(personalities[p]);
				fake_snapshot(nic, &before);
				base = fake_calls();
				fake_fail(base + k, codes[i]);
				ret = devmem_binding_open_rx(&binding, region, nd, queues, 2, NULL,
							     &err);
				if (ret) {
					assert_null(binding);
					assert_int_equal(err.code, ret);
				} else {
					assert_int_equal(nic->state.bound[1],
							 devmem_binding_id(binding));
					devmem_binding_close(binding);
				}
				fake_assert_state(nic, &before, "after close or failure");
				finished = fake_calls() - base < k;
				fake_fail(0, 0);
				world_end();
			}
	assert_true(k > 10);
}

/* Answers that are lost or damaged although the kernel bound: closing the socket unbinds. */
static void test_mischief(void **state)
{
	static const enum fake_mischief kinds[] = { FAKE_SHORT,	  FAKE_STUB,	FAKE_EMPTY,
						    FAKE_GARBAGE, FAKE_OVERRUN, FAKE_BAD_LENGTH,
						    FAKE_NO_TYPE, FAKE_TWICE,	FAKE_STALE,
						    FAKE_NOTICE };
	struct devmem_binding *binding;
	struct fake_state before;
	const uint32_t queue = 1;
	unsigned int n;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (n = 1; n <= 4; n++) {
			world(FAKE_LINUX_7_3);
			fake_snapshot(nic, &before);
			fake_mischief(n, kinds[i]);
			ret = devmem_binding_open_rx(&binding, region, nd, &queue, 1, NULL, &err);
			if (!ret) {
				assert_int_equal(nic->state.bound[1], devmem_binding_id(binding));
				devmem_binding_close(binding);
			}
			fake_assert_state(nic, &before, "after mischief");
			world_end();
		}
}

static void test_vanishes(void **state)
{
	struct devmem_binding *binding;
	const uint32_t queue = 1;
	unsigned int k, base;
	bool finished;
	int ret;

	(void)state;
	for (k = 1, finished = false; !finished; k++) {
		world(FAKE_LINUX_7_3);
		base = fake_calls();
		fake_vanish(base + k, nic);
		ret = devmem_binding_open_rx(&binding, region, nd, &queue, 1, NULL, &err);
		if (!ret)
			devmem_binding_close(binding);
		else
			assert_int_equal(ret, -ENODEV);
		finished = fake_calls() - base < k;
		world_end();
	}
}

static int open_inherited(void *id)
{
	struct devmem_binding *inherited = (void *)&err;
	int ret;

	ret = binding_open_inherited_rx(&inherited, region, *(uint32_t *)id, 4096, UINT64_MAX,
					&err);
	if (ret) {
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(err.code, ret);
		assert_null(inherited);
	}
	devmem_binding_close(inherited);
	return ret;
}

/* Somebody else's binding: nothing is asked of the kernel, and closing doesn't unbind. */
static void test_inherited(void **state)
{
	struct devmem_binding *binding, *inherited;
	struct devmem_binding_stats stats;
	const uint32_t queue = 1;
	uint32_t id;

	(void)state;
	world(FAKE_LINUX_7_3);
	assert_int_equal(devmem_binding_open_rx(&binding, region, nd, &queue, 1, NULL, &err), 0);
	id = devmem_binding_id(binding);
	fake_admin(false);
	assert_int_equal(binding_open_inherited_rx(&inherited, region, id, 16384, 77, &err), 0);
	assert_int_equal(devmem_binding_id(inherited), id);
	assert_int_equal(devmem_binding_fd(inherited), -1);
	assert_ptr_equal(binding_region(inherited), region);
	assert_non_null(binding_held(inherited));
	assert_ptr_not_equal(binding_held(inherited), binding_held(binding));
	devmem_binding_stats(inherited, &stats);
	assert_true(stats.page_size == 16384);
	assert_true(stats.held_pages == 0);
	assert_true(stats.held_pages_limit == 77);
	devmem_binding_close(inherited);
	assert_int_equal(nic->state.bound[1], id);
	assert_true(fake_each_fails(FAKE_CALL, ENOMEM, open_inherited, &id) > 0);
	devmem_binding_close(binding);
	assert_int_equal(nic->state.bound[1], 0);
	world_end();
}

/* ---- to send ---- */

static const struct devmem_binding_options plain_ok = {
	.sz = sizeof(plain_ok),
	.flags = DEVMEM_BINDING_PLAIN_OK,
};

static void check_tx(const struct devmem_binding *binding, bool plain)
{
	struct devmem_binding_stats stats;

	assert_true(binding_is_tx(binding));
	assert_ptr_equal(binding_region(binding), region);
	assert_string_equal(binding_dev(binding), "eth1");
	assert_int_equal(binding_ifindex(binding), nic->ifindex);
	assert_int_equal(devmem_binding_is_plain(binding), plain);
	if (plain) {
		assert_int_equal(devmem_binding_id(binding), 0);
		assert_int_equal(devmem_binding_fd(binding), -1);
		assert_non_null(devmem_binding_note(binding));
		assert_null(strchr(devmem_binding_note(binding), '\n'));
	} else {
		assert_int_not_equal(devmem_binding_id(binding), 0);
		assert_true(devmem_binding_fd(binding) >= 0);
		assert_null(devmem_binding_note(binding));
	}
	memset(&stats, 0x5a, sizeof(stats));
	devmem_binding_stats(binding, &stats);
	assert_true(!stats.page_size && !stats.held_pages && !stats.held_pages_max);
	assert_true(!stats.held_pages_limit);
}

static void test_tx_binds(void **state)
{
	struct devmem_binding *binding, *second, *rx;
	struct devmem_rx *rx_handle;
	struct fake_state before;
	const uint32_t queue = 1;
	unsigned int calls;
	char text[64];

	(void)state;
	world(FAKE_LINUX_7_3);
	fake_snapshot(nic, &before);
	/* Needs no privilege, and no header split. */
	fake_admin(false);
	nic->state.split = before.split = 1;
	if (devmem_binding_open_tx(&binding, region, nd, NULL, &err))
		fail_msg("%s", err.message);
	check_tx(binding, false);
	snprintf(text, sizeof(text), "eth1 bind-tx id=%u", devmem_binding_id(binding));
	assert_string_equal(fake_log(fake_log_len() - 1), text);
	fake_assert_state(nic, &before, "to send changes nothing");
	/* Plain would do, too, but isn't needed. */
	assert_int_equal(devmem_binding_open_tx(&second, region, nd, &plain_ok, NULL), 0);
	check_tx(second, false);
	assert_int_not_equal(devmem_binding_id(second), devmem_binding_id(binding));
	snprintf(text, sizeof(text), "unbind id=%u", devmem_binding_id(binding));
	devmem_binding_close(binding);
	assert_string_equal(fake_log(fake_log_len() - 1), text);
	/* Nobody receives with it. */
	rx_handle = (void *)&err;
	calls = fake_calls();
	assert_int_equal(devmem_rx_open(&rx_handle, 0, second, NULL, &err), -EINVAL);
	assert_null(rx_handle);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_non_null(strstr(err.message, "devmem_binding_open_rx"));
	assert_int_equal(fake_calls(), calls);
	/* One to receive is another thing. */
	fake_admin(true);
	nic->state.split = 2;
	assert_int_equal(devmem_binding_open_rx(&rx, region, nd, &queue, 1, NULL, &err), 0);
	assert_false(binding_is_tx(rx));
	assert_int_equal(devmem_binding_is_plain(rx), 0);
	assert_null(devmem_binding_note(rx));
	devmem_binding_close(rx);
	devmem_binding_close(second);
	world_end();
}

static void test_tx_options(void **state)
{
	static const struct {
		struct devmem_binding_options o;
		const char *word;
	} cases[] = {
		{ { .sz = sizeof(struct devmem_binding_options), .rx_page_size = 4096 },
		  "rx_page_size" },
		{ { .sz = sizeof(struct devmem_binding_options), .held_max = 1 }, "held_max" },
		{ { .sz = sizeof(struct devmem_binding_options), .flags = 2 }, "flags" },
		{ { .sz = sizeof(struct devmem_binding_options), .flags = 3 }, "flags" },
		{ { .sz = 2 }, "sz" },
	};
	struct devmem_binding *binding;
	unsigned int calls;
	size_t i;

	(void)state;
	world(FAKE_LINUX_7_3);
	calls = fake_calls();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		binding = (void *)&err;
		assert_int_equal(devmem_binding_open_tx(&binding, region, nd, &cases[i].o, &err),
				 -EINVAL);
		assert_null(binding);
		assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
		assert_non_null(strstr(err.message, cases[i].word));
	}
	assert_int_equal(fake_calls(), calls);
	world_end();
}

/* Puts another region in the place of the usual one. */
static void region_of(int fd)
{
	devmem_region_close(region);
	fake_close(dmabuf);
	dmabuf = fd;
	if (devmem_region_import(&region, dmabuf, &err))
		fail_msg("%s", err.message);
	memset(&err, 0, sizeof(err));
}

static void no_netmem_tx(void)
{
	nic->netmem_tx = false;
}

static void odd_size(void)
{
	region_of(fake_dmabuf(5000));
}

static void far_away(void)
{
	nic->no_attach = EREMOTEIO;
}

static void not_for_us(void)
{
	nic->no_attach = EOPNOTSUPP;
}

static void no_memory(void)
{
	nic->no_attach = ENOMEM;
}

static void no_sg(void)
{
	nic->state.features &= ~1ULL;
}

static void no_checksums(void)
{
	nic->state.features &= ~6ULL;
}

static void no_dmabuf(void)
{
	region->is_dmabuf = false;
}

static void loopback(void)
{
	devmem_netdev_close(nd);
	nic->ifindex = 1;
	if (devmem_netdev_open(&nd, "eth1", &err))
		fail_msg("%s", err.message);
}

struct tx_refusal {
	const char *why;
	int code, kind;
	const char *kernel, *text; /* text: in the message */
	bool plain;		   /* what a plain binding helps against */
	void (*prepare)(void);
	bool old; /* Linux 6.12 */
};

static void test_tx_refusals(void **state)
{
	static const struct tx_refusal refusals[] = {
		{ "kernel is old", -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "", "6.16", true, nothing,
		  true },
		{ "driver can't", -EOPNOTSUPP, DEVMEM_ERROR_MISSING,
		  "Driver does not support netmem TX", "driver of eth1", true, no_netmem_tx,
		  false },
		{ "no DMA", -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "Device doesn't support DMA", "eth1",
		  true, no_dma, false },
		{ "exporter won't", -EOPNOTSUPP, DEVMEM_ERROR_MISSING,
		  "Failed to bind dmabuf to device", "exporter", true, not_for_us, false },
		{ "out of reach", -EREMOTEIO, DEVMEM_ERROR_REFUSED,
		  "Failed to bind dmabuf to device", "PCI", true, far_away, false },
		{ "scatter-gather off", -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "",
		  "ethtool -K eth1 sg on", true, no_sg, false },
		{ "checksums off", -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "", "ethtool -K eth1 tx on",
		  true, no_checksums, false },
		{ "loopback", -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "", "loopback", true, loopback,
		  false },
		{ "no dma-buf", -EINVAL, DEVMEM_ERROR_INPUT, "", "no dma-buf", true, no_dmabuf,
		  false },
		{ "no dma-buf, old", -EINVAL, DEVMEM_ERROR_INPUT, "", "no dma-buf", true, no_dmabuf,
		  true },
		{ "odd size", -EINVAL, DEVMEM_ERROR_INPUT,
		  "TX dma-buf size must be a multiple of PAGE_SIZE", "page size", false, odd_size,
		  false },
		{ "no memory", -ENOMEM, DEVMEM_ERROR_REFUSED, "Failed to bind dmabuf to device", "",
		  false, no_memory, false },
		{ "interface gone", -ENODEV, DEVMEM_ERROR_MISSING, "", "eth1", false, gone, false },
	};
	struct devmem_binding *binding;
	char why[sizeof(err.message)];
	struct fake_state before;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct tx_refusal *r = &refusals[i];

		world(personalities[!r->old]);
		r->prepare();
		fake_snapshot(nic, &before);
		binding = (void *)&err;
		ret = devmem_binding_open_tx(&binding, region, nd, NULL, &err);
		if (ret != r->code)
			fail_msg("%s: %d %s", r->why, ret, err.message);
		assert_null(binding);
		assert_int_equal(err.code, ret);
		if (err.kind != r->kind)
			fail_msg("%s: kind %d", r->why, err.kind);
		assert_string_equal(err.kernel, r->kernel);
		if (!strstr(err.message, r->text))
			fail_msg("%s: %s", r->why, err.message);
		assert_null(strchr(err.message, '\n'));
		assert_int_equal(devmem_binding_open_tx(&binding, region, nd, NULL, NULL), ret);
		/* The note says what the error said. */
		strcpy(why, err.message);
		memset(&err, 0, sizeof(err));
		ret = devmem_binding_open_tx(&binding, region, nd, &plain_ok, &err);
		if (ret != (r->plain ? 0 : r->code))
			fail_msg("%s, plain: %d %s", r->why, ret, err.message);
		if (!ret) {
			assert_int_equal(err.code, 0);
			check_tx(binding, true);
			assert_string_equal(devmem_binding_note(binding), why);
			devmem_binding_close(binding);
			assert_int_equal(
				devmem_binding_open_tx(&binding, region, nd, &plain_ok, NULL), 0);
			devmem_binding_close(binding);
		} else {
			assert_null(binding);
			assert_string_equal(err.message, why);
		}
		fake_assert_state(nic, &before, r->why);
		region->is_dmabuf = true;
		world_end();
	}
}

/* Checksums of IPv4 alone, or of anything, will do. */
static void test_tx_offloads(void **state)
{
	struct devmem_binding *binding;
	unsigned int bit;

	(void)state;
	for (bit = 1; bit <= 2; bit++) {
		world(FAKE_LINUX_7_3);
		nic->state.features &= ~(1ULL << bit);
		if (devmem_binding_open_tx(&binding, region, nd, NULL, &err))
			fail_msg("%s", err.message);
		check_tx(binding, false);
		devmem_binding_close(binding);
		world_end();
	}
}

/* An id that can't be, and a caller without an error object. */
static void test_no_id(void **state)
{
	struct devmem_binding *binding;
	const uint32_t queue = 1;
	uint32_t id = 77;

	(void)state;
	world(FAKE_LINUX_7_3);
	fake_next_binding(0);
	assert_int_equal(devmem_binding_open_tx(&binding, region, nd, &plain_ok, &err), -EBADMSG);
	assert_null(binding);
	assert_non_null(strstr(err.message, "no id"));
	fake_next_binding(0);
	assert_int_equal(devmem_binding_open_rx(&binding, region, nd, &queue, 1, NULL, &err),
			 -EBADMSG);
	assert_null(binding);
	nic->netmem_tx = false;
	assert_int_equal(bind_tx(netdev_nic(nd), dmabuf, &id, NULL), -EOPNOTSUPP);
	assert_int_equal(id, 0);
	world_end();
}

/* Plain would do, but the CPU can't read the region. */
static void test_tx_unmappable(void **state)
{
	struct devmem_binding *binding;

	(void)state;
	world(FAKE_LINUX_7_3);
	fake_dmabuf_unmappable(dmabuf);
	assert_int_equal(devmem_binding_open_tx(&binding, region, nd, &plain_ok, &err), 0);
	check_tx(binding, false);
	devmem_binding_close(binding);
	nic->netmem_tx = false;
	assert_int_equal(devmem_binding_open_tx(&binding, region, nd, &plain_ok, &err),
			 -EOPNOTSUPP);
	assert_null(binding);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "not mappable"));
	world_end();
}

/* Every call fails: an error or a plain binding, and nothing leaks. */
static void test_tx_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EPERM, ENOBUFS, EOPNOTSUPP, EREMOTEIO };
	struct devmem_binding *binding;
	unsigned int k, base;
	bool finished;
	size_t i, way;
	int ret;

	(void)state;
	/* As usual; where plain would do; where nothing else does. */
	for (way = 0; way < 3; way++)
		for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			for (k = 1, finished = false; !finished; k++) {
				world(FAKE_LINUX_7_3);
				nic->netmem_tx = way < 2;
				base = fake_calls();
				fake_fail(base + k, codes[i]);
				ret = devmem_binding_open_tx(&binding, region, nd,
							     way ? &plain_ok : NULL, &err);
				if (ret) {
					assert_null(binding);
					assert_int_equal(err.code, ret);
				} else {
					check_tx(binding, devmem_binding_is_plain(binding));
					assert_true(way || !devmem_binding_is_plain(binding));
					devmem_binding_close(binding);
				}
				finished = fake_calls() - base < k;
				if (finished)
					assert_int_equal(ret, 0);
				fake_fail(0, 0);
				world_end();
			}
	assert_true(k > 10);
}

static void test_tx_mischief(void **state)
{
	struct devmem_binding *binding;
	unsigned int n, k;

	(void)state;
	for (k = FAKE_FINE; k < FAKE_MISCHIEFS; k++)
		for (n = 1; n <= 4; n++) {
			world(FAKE_LINUX_7_3);
			fake_mischief(n, k);
			if (!devmem_binding_open_tx(&binding, region, nd, NULL, &err)) {
				check_tx(binding, false);
				devmem_binding_close(binding);
			} else {
				assert_null(binding);
			}
			world_end();
		}
}

static void test_tx_vanishes(void **state)
{
	struct devmem_binding *binding;
	unsigned int k, base;
	bool finished;
	int ret;

	(void)state;
	for (k = 1, finished = false; !finished; k++) {
		world(FAKE_LINUX_7_3);
		base = fake_calls();
		fake_vanish(base + k, nic);
		ret = devmem_binding_open_tx(&binding, region, nd, &plain_ok, &err);
		if (!ret)
			devmem_binding_close(binding);
		else
			assert_int_equal(ret, -ENODEV);
		finished = fake_calls() - base < k;
		world_end();
	}
}

static void test_tx_inherited(void **state)
{
	struct devmem_binding *binding;
	struct devmem_binding_stats stats;
	unsigned int calls;

	(void)state;
	world(FAKE_LINUX_7_3);
	calls = fake_calls();
	assert_int_equal(binding_open_inherited_tx(&binding, region, "eth1", 77, &err), 0);
	assert_true(binding_is_tx(binding));
	assert_int_equal(devmem_binding_id(binding), 77);
	assert_int_equal(devmem_binding_fd(binding), -1);
	assert_int_equal(devmem_binding_is_plain(binding), 0);
	assert_null(devmem_binding_note(binding));
	assert_string_equal(binding_dev(binding), "eth1");
	assert_int_equal(binding_ifindex(binding), 0);
	assert_ptr_equal(binding_region(binding), region);
	devmem_binding_stats(binding, &stats);
	assert_true(stats.page_size == 0);
	devmem_binding_close(binding);
	assert_int_equal(fake_calls(), calls);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binds),	      cmocka_unit_test(test_options),
		cmocka_unit_test(test_refusals),      cmocka_unit_test(test_advice),
		cmocka_unit_test(test_old_split),     cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_mischief),      cmocka_unit_test(test_vanishes),
		cmocka_unit_test(test_inherited),     cmocka_unit_test(test_tx_binds),
		cmocka_unit_test(test_tx_options),    cmocka_unit_test(test_tx_refusals),
		cmocka_unit_test(test_tx_offloads),   cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_tx_unmappable), cmocka_unit_test(test_tx_every_call),
		cmocka_unit_test(test_tx_mischief),   cmocka_unit_test(test_tx_vanishes),
		cmocka_unit_test(test_tx_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
