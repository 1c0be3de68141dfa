// SPDX-License-Identifier: BSD-3-Clause
/* Snapshots, queues and counters of rich and poor interfaces over the kernel of fake_kernel.c. */
#include <devmem/devmem.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_kernel.h"

static struct fake_nic *eth1, *veth0;

static int begin_as(enum fake_personality personality)
{
	fake_begin(personality);
	veth0 = fake_nic_poor("veth0");
	eth1 = fake_nic_rich("eth1");
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_as(FAKE_LINUX_7_3);
}

static int begin_old(void **state)
{
	(void)state;
	return begin_as(FAKE_LINUX_6_12);
}

static int end(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

static struct devmem_netdev *open_nic(const char *name)
{
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	if (devmem_netdev_open(&nd, name, &err))
		fail_msg("%s", err.message);
	return nd;
}

static void check_rich(const struct devmem_netdev_info *info, bool old)
{
	size_t i;

	assert_int_equal(info->has, DEVMEM_HAS_RINGS | DEVMEM_HAS_SPLIT |
					    (old ? 0 : DEVMEM_HAS_HDS_THRESH) |
					    DEVMEM_HAS_CHANNELS | DEVMEM_HAS_FEATURES |
					    DEVMEM_HAS_RSS | DEVMEM_HAS_DRIVER | DEVMEM_HAS_RULES);
	assert_int_equal(info->ifindex, eth1->ifindex);
	assert_string_equal(info->name, "eth1");
	assert_string_equal(info->driver, "dmsim");
	assert_string_equal(info->bus, "0000:03:00.0");
	assert_int_equal(info->up, 1);
	assert_int_equal(info->mtu, 1500);
	assert_int_equal(info->rx_queues, 4);
	assert_int_equal(info->tx_queues, 4);
	assert_int_equal(info->channels_combined, 4);
	assert_int_equal(info->channels_combined_max, 8);
	assert_int_equal(info->channels_rx, 0);
	assert_int_equal(info->channels_rx_max, 0);
	assert_int_equal(info->ring_rx, 1024);
	assert_int_equal(info->ring_tx, 512);
	assert_int_equal(info->ring_rx_max, 4096);
	assert_int_equal(info->ring_tx_max, 2048);
	assert_int_equal(info->split, DEVMEM_SPLIT_OFF);
	assert_int_equal(info->hds_thresh, old ? 0 : 256);
	assert_int_equal(info->hds_thresh_max, old ? 0 : 1024);
	assert_int_equal(info->ntuple, 0);
	assert_int_equal(info->ntuple_settable, 1);
	assert_int_equal(info->rules, 0);
	assert_int_equal(info->rules_max, 16);
	assert_int_equal(info->rules_any, 1);
	assert_int_equal(info->rss_hfunc, 1);
	assert_int_equal(info->rss_table_len, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(info->rss_table[i], i % 4);
	assert_int_equal(info->rss_key_len, FAKE_KEY);
	assert_memory_equal(info->rss_key, eth1->state.key, FAKE_KEY);
}

static void test_rich(void **state)
{
	struct devmem_netdev *nd = open_nic("eth1");

	(void)state;
	check_rich(devmem_netdev_info(nd), false);
	devmem_netdev_close(nd);
	devmem_netdev_close(NULL);
	/* Nothing was changed on the way. */
	assert_int_equal(fake_log_len(), 0);
}

static void test_rich_old(void **state)
{
	struct devmem_netdev *nd = open_nic("eth1");

	(void)state;
	check_rich(devmem_netdev_info(nd), true);
	devmem_netdev_close(nd);
}

static void test_poor(void **state)
{
	const struct devmem_netdev_info *info;
	struct devmem_netdev *nd = open_nic("veth0");

	(void)state;
	info = devmem_netdev_info(nd);
	assert_int_equal(info->has, DEVMEM_HAS_FEATURES | DEVMEM_HAS_DRIVER);
	assert_string_equal(info->driver, "veth");
	assert_string_equal(info->bus, "");
	assert_int_equal(info->rx_queues, 1);
	assert_int_equal(info->tx_queues, 1);
	assert_int_equal(info->ntuple, 0);
	assert_int_equal(info->ntuple_settable, 0);
	assert_int_equal(info->rss_table_len, 0);
	assert_int_equal(info->split, DEVMEM_SPLIT_UNKNOWN);
	devmem_netdev_close(nd);
}

static void test_no_privilege(void **state)
{
	struct devmem_netdev *nd;

	(void)state;
	fake_admin(false);
	nd = open_nic("eth1");
	check_rich(devmem_netdev_info(nd), false);
	devmem_netdev_close(nd);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "eth2",
					   "",
					   "0",
					   "99",
					   "-1",
					   "4x",
					   " 4",
					   "99999999999999999999",
					   "a-name-longer-than-any-interface",
					   "sixteen-long-nam" };
	struct devmem_netdev *nd;
	struct devmem_error err;
	char index[16];
	size_t i;

	(void)state;
	snprintf(index, sizeof(index), "%u", eth1->ifindex);
	nd = open_nic(index);
	check_rich(devmem_netdev_info(nd), false);
	devmem_netdev_close(nd);
	/* An interface may be called like a number. */
	strcpy(veth0->name, index);
	nd = open_nic(index);
	assert_int_equal(devmem_netdev_info(nd)->ifindex, veth0->ifindex);
	devmem_netdev_close(nd);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		nd = (void *)&err;
		assert_int_equal(devmem_netdev_open(&nd, bad[i], &err), -ENODEV);
		assert_null(nd);
		assert_int_equal(err.code, -ENODEV);
		assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
		if (bad[i][0])
			assert_non_null(strstr(err.message, bad[i]));
		assert_int_equal(devmem_netdev_open(&nd, bad[i], NULL), -ENODEV);
	}
}

static void test_refresh(void **state)
{
	const struct devmem_netdev_info *info;
	struct devmem_netdev *nd = open_nic("eth1");
	struct devmem_error err;

	(void)state;
	info = devmem_netdev_info(nd);
	strcpy(eth1->name, "wan0");
	eth1->state.split = 2;
	eth1->state.hds_thresh = 0;
	eth1->state.combined = 8;
	eth1->indir_size = 16;
	fake_indir_default(eth1);
	fake_rule_put(eth1, 3, TCP_V4_FLOW, 1);
	eth1->up = false;
	assert_int_equal(devmem_netdev_refresh(nd, &err), 0);
	assert_ptr_equal(devmem_netdev_info(nd), info);
	assert_string_equal(info->name, "wan0");
	assert_int_equal(info->split, DEVMEM_SPLIT_ON);
	assert_int_equal(info->hds_thresh, 0);
	assert_int_equal(info->up, 0);
	assert_int_equal(info->rx_queues, 8);
	assert_int_equal(info->rules, 1);
	assert_int_equal(info->ntuple, 1);
	assert_int_equal(info->rss_table_len, 16);
	assert_int_equal(info->rss_table[15], 7);
	eth1->present = false;
	assert_int_equal(devmem_netdev_refresh(nd, &err), -ENODEV);
	/* The old one is still there. */
	assert_int_equal(info->rx_queues, 8);
	assert_int_equal(info->rss_table[15], 7);
	devmem_netdev_close(nd);
}

static void test_queues(void **state)
{
	struct devmem_netdev *nd = open_nic("eth1");
	struct devmem_queue *queues;
	struct devmem_error err;
	size_t i, n;

	(void)state;
	eth1->state.bound[2] = 17;
	eth1->io_uring_queues = 1U << 1;
	eth1->xsk_queues = 1U << 0;
	eth1->leased_queues = 1U << 3;
	eth1->state.indir[3] = eth1->state.indir[7] = 0;
	fake_rule_put(eth1, 1, TCP_V4_FLOW, 2);
	fake_rule_put(eth1, 2, TCP_V6_FLOW, 2);
	fake_rule_put(eth1, 3, UDP_V4_FLOW, 0);
	fake_rule_put(eth1, 4, TCP_V4_FLOW, RX_CLS_FLOW_DISC);
	assert_int_equal(devmem_netdev_queues(nd, &queues, &n, &err), 0);
	assert_int_equal(n, 8);
	for (i = 0; i < n; i++) {
		assert_int_equal(queues[i].id, i % 4);
		assert_int_equal(queues[i].tx, i >= 4);
		assert_true(queues[i].napi_id > 0);
	}
	assert_int_equal(queues[2].dmabuf_id, 17);
	assert_int_equal(queues[0].dmabuf_id | queues[1].dmabuf_id | queues[3].dmabuf_id, 0);
	assert_true(queues[1].io_uring && !queues[0].io_uring && !queues[2].io_uring);
	assert_true(queues[0].xsk && !queues[1].xsk);
	assert_true(queues[3].leased && !queues[2].leased);
	assert_true(queues[0].rss && queues[1].rss && queues[2].rss && !queues[3].rss);
	assert_int_equal(queues[0].rules, 1);
	assert_int_equal(queues[1].rules, 0);
	assert_int_equal(queues[2].rules, 2);
	assert_int_equal(queues[3].rules, 0);
	for (i = 4; i < n; i++)
		assert_int_equal(queues[i].rules | (uint32_t)queues[i].rss, 0);
	free(queues);
	/* In small pieces it is the same. */
	fake_dump_size(1);
	assert_int_equal(devmem_netdev_queues(nd, &queues, &n, &err), 0);
	assert_int_equal(n, 8);
	free(queues);
	devmem_netdev_close(nd);
}

static void test_queues_down(void **state)
{
	struct devmem_netdev *nd = open_nic("eth1");
	struct devmem_queue *queues;
	struct devmem_error err;
	size_t i, n;

	(void)state;
	eth1->up = false;
	assert_int_equal(devmem_netdev_queues(nd, &queues, &n, &err), 0);
	assert_int_equal(n, 8);
	for (i = 0; i < n; i++) {
		assert_int_equal(queues[i].id, i % 4);
		assert_int_equal(queues[i].tx, i >= 4);
		assert_int_equal(queues[i].napi_id, 0);
	}
	assert_int_equal(queues[3].rss, 1);
	free(queues);
	devmem_netdev_close(nd);
}

static void set_down(void *arg)
{
	(void)arg;
	eth1->up = false;
}

/* The interface goes down while its queues are listed, and then a call fails: either all queues or
 * an error, and nothing stays behind. */
static void test_queues_going_down(void **state)
{
	struct devmem_queue *queues;
	struct devmem_netdev *nd;
	struct devmem_error err;
	unsigned int k, j;
	size_t n;
	int ret;

	(void)state;
	for (k = 1; k < 5; k++)
		for (j = 1; j < 12; j++) {
			end(NULL);
			begin(NULL);
			nd = open_nic("eth1");
			fake_mischief(1, FAKE_DUMP_INTR);
			fake_before(fake_calls() + k, set_down, NULL);
			fake_fail(fake_calls() + k + j, ENODEV);
			memset(&err, 0, sizeof(err));
			ret = devmem_netdev_queues(nd, &queues, &n, &err);
			assert_int_equal(err.code, ret);
			if (!ret) {
				assert_int_equal(n, 8);
				free(queues);
			}
			devmem_netdev_close(nd);
		}
}

static void test_qstats(void **state)
{
	struct devmem_netdev *nd = open_nic("eth1");
	struct devmem_qstats stats;
	struct devmem_error err;

	(void)state;
	memset(&stats, 0x5a, sizeof(stats));
	assert_int_equal(devmem_netdev_qstats(nd, 2, &stats, &err), 0);
	assert_int_equal(stats.has, DEVMEM_QSTATS_PACKETS | DEVMEM_QSTATS_BYTES |
					    DEVMEM_QSTATS_ALLOC_FAIL | DEVMEM_QSTATS_HW_DROPS |
					    DEVMEM_QSTATS_HW_DROP_OVERRUNS |
					    DEVMEM_QSTATS_INFLIGHT);
	assert_true(stats.rx_packets == 13);
	assert_true(stats.rx_bytes == 0x123456789cULL);
	assert_true(stats.rx_alloc_fail == 5);
	assert_true(stats.rx_hw_drops == 7);
	assert_true(stats.rx_hw_drop_overruns == 6);
	/* Of this queue's pool alone, not of one that was detached. */
	assert_true(stats.inflight == 66);
	assert_true(stats.inflight_mem == 66 * 4096);
	assert_int_equal(devmem_netdev_qstats(nd, 4, &stats, &err), -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	eth1->has_page_pools = false;
	assert_int_equal(devmem_netdev_qstats(nd, 0, &stats, &err), 0);
	assert_false(stats.has & DEVMEM_QSTATS_INFLIGHT);
	eth1->has_qstats = false;
	assert_int_equal(devmem_netdev_qstats(nd, 0, &stats, &err), -EOPNOTSUPP);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "eth1"));
	devmem_netdev_close(nd);
}

/* An error, or a snapshot without the group that was asked for then. */
static int snapshot(void *arg)
{
	struct devmem_qstats stats;
	struct devmem_queue *queues;
	struct devmem_netdev *nd;
	struct devmem_error err = { 0 };
	size_t n;
	int ret;

	(void)arg;
	ret = devmem_netdev_open(&nd, "eth1", &err);
	if (ret) {
		assert_null(nd);
		assert_int_equal(err.code, ret);
		assert_non_null(strstr(err.message, ":"));
		return ret;
	}
	ret = devmem_netdev_queues(nd, &queues, &n, &err);
	if (!ret) {
		assert_int_equal(n, 8);
		free(queues);
	}
	ret = ret ? ret : devmem_netdev_qstats(nd, 1, &stats, &err);
	if (ret)
		assert_int_equal(err.code, ret);
	devmem_netdev_close(nd);
	return ret;
}

static void test_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EPERM, EOPNOTSUPP, ENODEV, ENOBUFS };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_true(fake_each_fails(FAKE_CALL, codes[i], snapshot, NULL) > 50);
}

static void test_vanishes(void **state)
{
	struct devmem_netdev *nd;
	struct devmem_error err;
	unsigned int k, total;
	int ret;

	(void)state;
	nd = open_nic("eth1");
	total = fake_calls();
	devmem_netdev_close(nd);
	for (k = 1; k <= total; k++) {
		end(NULL);
		begin(NULL);
		fake_vanish(k, eth1);
		ret = devmem_netdev_open(&nd, "eth1", &err);
		if (ret)
			assert_int_equal(ret, -ENODEV);
		else
			devmem_netdev_close(nd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rich, begin, end),
		cmocka_unit_test_setup_teardown(test_rich_old, begin_old, end),
		cmocka_unit_test_setup_teardown(test_poor, begin, end),
		cmocka_unit_test_setup_teardown(test_no_privilege, begin, end),
		cmocka_unit_test_setup_teardown(test_names, begin, end),
		cmocka_unit_test_setup_teardown(test_refresh, begin, end),
		cmocka_unit_test_setup_teardown(test_queues, begin, end),
		cmocka_unit_test_setup_teardown(test_queues_down, begin, end),
		cmocka_unit_test_setup_teardown(test_queues_going_down, begin, end),
		cmocka_unit_test_setup_teardown(test_qstats, begin, end),
		cmocka_unit_test_setup_teardown(test_every_call, begin, end),
		cmocka_unit_test_setup_teardown(test_vanishes, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
