// SPDX-License-Identifier: BSD-3-Clause
/* RSS contexts and addresses of an interface, over the kernel of fake_kernel.c. */
#include "nic/ethtool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_kernel.h"
#include "netlink/genl.h"
#include "nic/ethtool_rss.h"

static struct fake_nic *nic;
static struct nic dev;
static struct devmem_error err;

static const uint32_t table[8] = { 2, 3, 2, 3, 2, 3, 2, 3 };

static void world(enum fake_personality personality)
{
	fake_begin(personality);
	nic = fake_nic_rich("eth1");
	fake_nic_rich("eth2");
	memset(&err, 0, sizeof(err));
	memset(&dev, 0, sizeof(dev));
	if (genl_open(&dev.genl, &err))
		fail_msg("%s", err.message);
	dev.ifindex = nic->ifindex;
	strcpy(dev.name, "eth1");
}

static int begin(void **state)
{
	(void)state;
	world(FAKE_LINUX_7_3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	genl_close(dev.genl);
	fake_end();
	return 0;
}

static unsigned int calls_named(unsigned int from, const char *name)
{
	unsigned int i, n = 0;

	for (i = from + 1; i <= fake_calls(); i++)
		n += !strcmp(fake_call_name(i), name);
	return n;
}

static void check_list(uint32_t n, uint32_t first, uint32_t second)
{
	uint32_t *ids = NULL, found = 77;

	if (ethtool_list_rss_contexts(&dev, &ids, &found, &err))
		fail_msg("%s", err.message);
	assert_non_null(ids);
	assert_int_equal(found, n);
	if (n > 0)
		assert_int_equal(ids[0], first);
	if (n > 1)
		assert_int_equal(ids[1], second);
	free(ids);
}

static uint32_t create(void)
{
	uint32_t id = 77;

	if (ethtool_create_rss_context(&dev, table, 8, &id, &err))
		fail_msg("%s", err.message);
	return id;
}

/* With netlink and, on older kernels, without. */
static void test_contexts(void **state)
{
	struct fake_state before;
	struct ethtool_rss rss;
	unsigned int old, from;

	(void)state;
	for (old = 0; old < 2; old++) {
		end(NULL);
		world(old ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
		fake_snapshot(nic, &before);
		check_list(0, 0, 0);
		from = fake_calls();
		assert_int_equal(create(), 1);
		/* Each ioctl has another before it, for the name. */
		assert_int_equal(calls_named(from, "sys_ioctl"), old ? 2 : 0);
		assert_int_equal(create(), 2);
		assert_string_equal(fake_log(0), "eth1 rss-create 1");
		assert_string_equal(fake_log(1), "eth1 rss-create 2");
		check_list(2, 1, 2);
		assert_memory_equal(fake_context(nic, 1), table, sizeof(table));
		assert_int_equal(ethtool_get_rss(&dev, 2, &rss, &err), 0);
		assert_int_equal(rss.table_len, 8);
		assert_memory_equal(rss.table, table, sizeof(table));
		ethtool_rss_free(&rss);
		/* The default table stays as it is. */
		assert_int_equal(ethtool_get_rss(&dev, 0, &rss, &err), 0);
		assert_memory_equal(rss.table, before.indir, sizeof(table));
		ethtool_rss_free(&rss);

		from = fake_calls();
		assert_int_equal(ethtool_delete_rss_context(&dev, 1, &err), 0);
		assert_int_equal(calls_named(from, "sys_ioctl"), old ? 2 : 0);
		assert_string_equal(fake_log(2), "eth1 rss-delete 1");
		check_list(1, 2, 0);
		assert_int_equal(create(), 1);
		assert_int_equal(ethtool_delete_rss_context(&dev, 2, &err), 0);
		assert_int_equal(ethtool_delete_rss_context(&dev, 1, &err), 0);
		check_list(0, 0, 0);
		fake_assert_state(nic, &before, "created and deleted");
	}
}

/* A table too long for one netlink attribute: the ioctl is asked, and its answer counts. */
static void test_long_table(void **state)
{
	uint32_t *big = calloc(16384, sizeof(*big));
	uint32_t id = 77;

	(void)state;
	assert_non_null(big);
	assert_int_equal(ethtool_create_rss_context(&dev, big, 16384, &id, &err), -EINVAL);
	assert_string_equal(err.operation, "ETHTOOL_SRSSH");
	assert_int_equal(id, 0);
	assert_int_equal(ethtool_create_rss_context(&dev, big, 16384, &id, NULL), -EINVAL);
	free(big);
}

static void test_driver_without(void **state)
{
	unsigned int old, without;
	struct fake_state before;
	uint32_t id;

	(void)state;
	for (old = 0; old < 2; old++)
		for (without = 0; without < 2; without++) {
			end(NULL);
			world(old ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
			nic->rss_contexts = false;
			nic->has_rss = !without;
			fake_snapshot(nic, &before);
			check_list(0, 0, 0);
			assert_int_equal(ethtool_create_rss_context(&dev, table, 8, &id, &err),
					 -EOPNOTSUPP);
			assert_int_equal(err.code, -EOPNOTSUPP);
			assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
			assert_non_null(strstr(err.message, "eth1 has no RSS contexts"));
			assert_non_null(strstr(err.message, "one queue"));
			assert_int_equal(id, 0);
			assert_false(genl_is_in_doubt(dev.genl));
			assert_int_equal(ethtool_create_rss_context(&dev, table, 8, &id, NULL),
					 -EOPNOTSUPP);
			assert_int_equal(ethtool_delete_rss_context(&dev, 1, &err), -EOPNOTSUPP);
			fake_assert_state(nic, &before, "nothing was made");
		}
}

static void test_refusals(void **state)
{
	static const uint32_t outside[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct fake_state before;
	unsigned int old, i;
	uint32_t id;

	(void)state;
	for (old = 0; old < 2; old++) {
		end(NULL);
		world(old ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
		fake_context_put(nic, 3, table, 8);
		fake_rule_put_context(nic, 7, TCP_V4_FLOW, 3);
		fake_snapshot(nic, &before);

		assert_int_equal(ethtool_create_rss_context(&dev, outside, 8, &id, &err), -EINVAL);
		assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
		if (!old)
			assert_non_null(strstr(err.message, "entry 4: queue out of range (4)"));
		/* A table of nothing, and one of a length that doesn't go. */
		assert_true(ethtool_create_rss_context(&dev, table, 0, &id, &err) < 0);
		assert_int_equal(ethtool_create_rss_context(&dev, table, 7, &id, &err), -EINVAL);

		assert_int_equal(ethtool_delete_rss_context(&dev, 3, &err), -EBUSY);
		assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
		assert_non_null(strstr(err.message, "RSS context 3: devmemctl flow show eth1"));
		assert_int_equal(ethtool_delete_rss_context(&dev, 3, NULL), -EBUSY);
		assert_int_equal(ethtool_delete_rss_context(&dev, 2, &err), -ENOENT);
		/* Never the default one, whose table that would reset. */
		assert_true(ethtool_delete_rss_context(&dev, 0, &err) < 0);
		assert_true(ethtool_delete_rss_context(&dev, UINT32_MAX, &err) < 0);

		fake_admin(false);
		assert_int_equal(ethtool_create_rss_context(&dev, table, 8, &id, &err), -EPERM);
		assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
		assert_non_null(strstr(err.message, "CAP_NET_ADMIN"));
		assert_int_equal(ethtool_delete_rss_context(&dev, 3, &err), -EPERM);
		assert_non_null(strstr(err.message, "CAP_NET_ADMIN"));
		/* Everybody may look. */
		check_list(1, 3, 0);
		fake_admin(true);
		fake_assert_state(nic, &before, "after refusals");

		for (i = 0; i < 3; i++)
			create();
		assert_int_equal(ethtool_create_rss_context(&dev, table, 8, &id, &err), -EBUSY);
		assert_non_null(strstr(err.message, "no room for another RSS context"));
		assert_int_equal(id, 0);
	}
}

static void test_list(void **state)
{
	struct fake_nic *other = fake_nic_find("eth2");
	uint32_t *ids = (uint32_t *)&dev, n = 77, i;

	(void)state;
	for (i = 1; i <= FAKE_CONTEXTS; i++)
		fake_context_put(other, i, table, 8);
	check_list(0, 0, 0);
	fake_context_put(nic, 2, table, 8);
	fake_context_put(nic, 5, NULL, 0);
	check_list(2, 2, 5);
	nic->rss_dump_all = true;
	check_list(2, 2, 5);
	nic->rss_dump_all = false;
	/* A datagram each. */
	fake_dump_size(1);
	check_list(2, 2, 5);
	/* Changed while it was read: once, and for ever. */
	fake_mischief(1, FAKE_DUMP_INTR);
	check_list(2, 2, 5);
	for (i = 1; i <= 32; i++)
		fake_mischief(i, FAKE_DUMP_INTR);
	assert_int_equal(ethtool_list_rss_contexts(&dev, &ids, &n, &err), -EAGAIN);
	end(NULL);

	begin(NULL);
	nic->no_rss_dump = true;
	assert_int_equal(ethtool_list_rss_contexts(&dev, &ids, &n, &err), -EOPNOTSUPP);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "6.12"));
	assert_int_equal(ethtool_list_rss_contexts(&dev, &ids, &n, NULL), -EOPNOTSUPP);
	/* A failure leaves what the caller has alone. */
	assert_ptr_equal(ids, &dev);
	assert_int_equal(n, 77);
}

/* The context is made but the answer lost: the caller finds that one and makes no second. */
static void test_lost_answer(void **state)
{
	static const enum fake_mischief lost[] = { FAKE_SHORT,	 FAKE_STUB,	  FAKE_GARBAGE,
						   FAKE_OVERRUN, FAKE_BAD_LENGTH, FAKE_NO_TYPE };
	unsigned int at;
	uint32_t id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		for (at = 1; at <= 2; at++) {
			end(NULL);
			begin(NULL);
			check_list(0, 0, 0);
			fake_mischief(at, lost[i]);
			id = 77;
			if (!ethtool_create_rss_context(&dev, table, 8, &id, &err))
				fail_msg("mischief %d at %u went unnoticed", (int)lost[i], at);
			assert_true(genl_is_in_doubt(dev.genl));
			assert_true(id == 0 || id == 1);
			/* Never a second one over the ioctl. */
			check_list(1, 1, 0);
			assert_int_equal(ethtool_delete_rss_context(&dev, 1, &err), 0);
		}

	for (nic->rss_create_mute = 1; nic->rss_create_mute <= 2; nic->rss_create_mute++) {
		id = 77;
		assert_int_equal(ethtool_create_rss_context(&dev, table, 8, &id, &err), -EBADMSG);
		assert_int_equal(err.code, -EBADMSG);
		assert_true(genl_is_in_doubt(dev.genl));
		assert_int_equal(id, 0);
		check_list(1, 1, 0);
		assert_int_equal(ethtool_delete_rss_context(&dev, 1, &err), 0);
	}
}

static void test_addresses(void **state)
{
	static const uint8_t none[ETHTOOL_ADDRESS_MAX];
	uint8_t address[ETHTOOL_ADDRESS_MAX];
	char bus[32];
	uint32_t len;

	(void)state;
	fake_admin(false);
	memset(address, 0x5a, sizeof(address));
	assert_int_equal(ethtool_get_permanent_address(&dev, address, &len, &err), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(address, nic->perm_addr, 6);
	assert_memory_equal(address + 6, none, sizeof(address) - 6);
	assert_int_equal(address[0], 2);
	assert_int_equal(ethtool_get_bus(&dev, bus, &err), 0);
	assert_string_equal(bus, "0000:03:00.0");

	/* The longest one, without an end. */
	memset(nic->perm_addr, 0xa5, sizeof(nic->perm_addr));
	nic->addr_len = 32;
	assert_int_equal(ethtool_get_permanent_address(&dev, address, &len, &err), 0);
	assert_int_equal(len, 32);
	assert_memory_equal(address, nic->perm_addr, 32);
	memset(nic->bus, 'x', sizeof(nic->bus));
	nic->bus[31] = '\0';
	assert_int_equal(ethtool_get_bus(&dev, bus, &err), 0);
	assert_string_equal(bus, nic->bus);

	/* None. */
	memset(nic->perm_addr, 0, sizeof(nic->perm_addr));
	nic->addr_len = 6;
	memset(address, 0x5a, sizeof(address));
	assert_int_equal(ethtool_get_permanent_address(&dev, address, &len, &err), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(address, none, sizeof(address));
	nic->driver[0] = '\0';
	strcpy(bus, "?");
	err.code = 0;
	assert_int_equal(ethtool_get_bus(&dev, bus, &err), 0);
	assert_string_equal(bus, "");
	assert_int_equal(err.code, 0);

	nic->present = false;
	assert_int_equal(ethtool_get_bus(&dev, bus, &err), -ENODEV);
	assert_int_equal(err.code, -ENODEV);
	assert_int_equal(ethtool_get_bus(&dev, bus, NULL), -ENODEV);
	assert_int_equal(ethtool_get_permanent_address(&dev, address, &len, &err), -ENODEV);
	assert_int_equal(len, 0);
	nic->present = true;
}

/* Every call fails: what failed without a doubt changed nothing. */
static void test_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EPERM, EBUSY, EOPNOTSUPP, ENOBUFS };
	unsigned int old, k, base, most = 0;
	struct fake_state before;
	uint32_t *ids, id, n;
	bool finished;
	size_t i;
	int ret;

	(void)state;
	for (old = 0; old < 2; old++)
		for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			for (k = 1, finished = false; !finished; k++) {
				end(NULL);
				world(old ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
				fake_context_put(nic, 1, table, 8);
				fake_snapshot(nic, &before);
				base = fake_calls();
				fake_fail(base + k, codes[i]);
				err.code = 0;
				ret = ethtool_list_rss_contexts(&dev, &ids, &n, &err);
				assert_int_equal(err.code, ret);
				if (!ret) {
					assert_int_equal(n, 1);
					free(ids);
				}
				fake_assert_state(nic, &before, "list");

				err.code = 0;
				ret = ethtool_create_rss_context(&dev, table, 8, &id, &err);
				assert_int_equal(err.code, ret);
				if (!ret)
					assert_int_equal(id, 2);
				else if (!genl_is_in_doubt(dev.genl))
					fake_assert_state(nic, &before, "failed create");
				else
					assert_true(id == 0 || id == 2);
				/* At most one was made. */
				assert_null(fake_context(nic, 3));
				if (!fake_context(nic, 2))
					fake_context_put(nic, 2, table, 8);

				err.code = 0;
				ret = ethtool_delete_rss_context(&dev, 2, &err);
				assert_int_equal(err.code, ret);
				if (!ret)
					fake_assert_state(nic, &before, "delete");
				else if (!genl_is_in_doubt(dev.genl))
					assert_non_null(fake_context(nic, 2));
				assert_non_null(fake_context(nic, 1));
				finished = fake_calls() - base < k;
				most = k > most ? k : most;
			}
	assert_true(most > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_contexts, begin, end),
		cmocka_unit_test_setup_teardown(test_long_table, begin, end),
		cmocka_unit_test_setup_teardown(test_driver_without, begin, end),
		cmocka_unit_test_setup_teardown(test_refusals, begin, end),
		cmocka_unit_test_setup_teardown(test_list, begin, end),
		cmocka_unit_test_setup_teardown(test_lost_answer, begin, end),
		cmocka_unit_test_setup_teardown(test_addresses, begin, end),
		cmocka_unit_test_setup_teardown(test_every_call, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
