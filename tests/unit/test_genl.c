// SPDX-License-Identifier: BSD-3-Clause
/* lib/netlink/genl.c over the kernel of fake_kernel.c: families, requests, dumps, and answers that
 * are cut, garbled, stale, interrupted or lost. */
#include "netlink/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_kernel.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

static int begin(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	fake_nic_rich("eth0");
	fake_nic_rich("eth1");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

struct seen {
	unsigned int resets, messages;
	uint32_t ids; /* queues, as bits */
	int fail;
};

static int read_queue(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct netdev_msg_queue queue;
	struct seen *seen = arg;
	int ret;

	if (!reply) {
		seen->resets++;
		seen->messages = 0;
		seen->ids = 0;
		return 0;
	}
	seen->messages++;
	ret = netdev_msg_parse_queue(reply, len, &queue);
	if (ret)
		return ret;
	if (!queue.type)
		seen->ids |= 1U << queue.id;
	return seen->fail;
}

static int dump_queues(struct genl *genl, struct seen *seen, struct devmem_error *err)
{
	const struct genl_call call = { "netdev",   "queue-get", "eth1", netdev_msg_queue_names,
					read_queue, seen };
	uint64_t buf[16];

	memset(seen, 0, sizeof(*seen));
	return genl_dump(genl,
			 netdev_msg_queue_get(buf, sizeof(buf), fake_nic_find("eth1")->ifindex),
			 &call, err);
}

static int read_dev(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return netdev_msg_parse_dev(reply, len, arg);
}

static int get_dev(struct genl *genl, uint32_t ifindex, uint32_t *dev, struct devmem_error *err)
{
	const struct genl_call call = { "netdev", "dev-get", "eth1", netdev_msg_dev_names,
					read_dev, dev };
	uint64_t buf[16];
	struct nlmsghdr *nlh = netdev_msg_dev_dump(buf, sizeof(buf));

	mnl_attr_put_u32(nlh, UAPI_NETDEV_A_DEV_IFINDEX, ifindex);
	return genl_do(genl, nlh, &call, err);
}

static void test_families(void **state)
{
	struct devmem_error err;
	struct genl *genl;
	unsigned int before;
	uint16_t id;

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_true(genl_fd(genl) >= 0);
	assert_int_equal(genl_family(genl, "netdev", &id, &err), 0);
	assert_int_equal(id, 27);
	assert_int_equal(genl_family(genl, "ethtool", &id, &err), 0);
	assert_int_equal(id, 21);
	/* Asked once. */
	before = fake_calls();
	assert_int_equal(genl_family(genl, "netdev", &id, &err), 0);
	assert_int_equal(id, 27);
	assert_int_equal(fake_calls(), before);
	assert_int_equal(genl_family(genl, "psample", &id, &err), -EPROTONOSUPPORT);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "psample"));
	assert_true(genl_family(genl, "a-name-longer-than-any-family", &id, &err) < 0);
	assert_true(genl_family(genl, "a-name-longer-than-any-family", &id, NULL) < 0);
	genl_close(genl);
	genl_close(NULL);
}

/* A call names its family: asked for once a socket, and nothing is sent if the kernel has none. */
static void test_family_of_call(void **state)
{
	const struct genl_call call = { .family = "psample", .operation = "get", .subject = "x" };
	uint32_t dev;
	struct devmem_error err;
	struct genl *genl;
	uint64_t buf[16];
	unsigned int before, first;

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	before = fake_calls();
	assert_int_equal(get_dev(genl, 4, &dev, &err), 0);
	first = fake_calls() - before;
	before = fake_calls();
	assert_int_equal(get_dev(genl, 4, &dev, &err), 0);
	assert_int_equal(2 * (fake_calls() - before), first);
	before = fake_calls();
	assert_int_equal(genl_do(genl, netdev_msg_dev_dump(buf, sizeof(buf)), &call, &err),
			 -EPROTONOSUPPORT);
	assert_true(2 * (fake_calls() - before) < first);
	assert_string_equal(err.operation, "getfamily");
	assert_false(genl_is_in_doubt(genl));
	/* It didn't fit into its buffer. */
	assert_int_equal(genl_do(genl, NULL, &call, &err), -EMSGSIZE);
	assert_string_equal(err.operation, "get");
	genl_close(genl);
}

static void test_do(void **state)
{
	uint32_t dev;
	struct devmem_error err;
	struct genl *genl;

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_int_equal(get_dev(genl, 4, &dev, &err), 0);
	assert_int_equal(dev, 4);
	assert_int_equal(get_dev(genl, 99, &dev, &err), -ENODEV);
	assert_int_equal(err.code, -ENODEV);
	assert_string_equal(err.operation, "dev-get");
	assert_string_equal(err.subject, "eth1");
	/* The policy says from 1. */
	assert_int_equal(get_dev(genl, 0, &dev, &err), -ERANGE);
	assert_string_equal(err.attribute, "ifindex");
	assert_string_equal(err.kernel, "integer out of range");
	assert_int_equal(get_dev(genl, 0, &dev, NULL), -ERANGE);
	/* The socket is as good as before. */
	assert_int_equal(get_dev(genl, 3, &dev, &err), 0);
	assert_int_equal(dev, 3);
	genl_close(genl);
}

static void test_dump(void **state)
{
	static const size_t sizes[] = { 1, 100, 4096, 60000 };
	struct devmem_error err;
	struct genl *genl;
	struct seen seen;
	size_t i;

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	for (i = 0; i < 4; i++) {
		fake_dump_size(sizes[i]);
		assert_int_equal(dump_queues(genl, &seen, &err), 0);
		assert_int_equal(seen.messages, 8);
		assert_int_equal(seen.ids, 0xf);
		assert_int_equal(seen.resets, 1);
	}
	genl_close(genl);
}

/* More than any buffer has at first. */
static void test_large_dump(void **state)
{
	struct devmem_error err;
	struct genl *genl;
	struct seen seen;
	unsigned int i;

	(void)state;
	fake_nic_find("eth1")->state.combined = FAKE_QUEUES;
	fake_dump_size(1 << 20);
	assert_int_equal(genl_open(&genl, &err), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(dump_queues(genl, &seen, &err), 0);
		assert_int_equal(seen.messages, 2 * FAKE_QUEUES);
	}
	genl_close(genl);
}

static void test_dump_interrupted(void **state)
{
	struct devmem_error err;
	struct genl *genl;
	struct seen seen;
	unsigned int i;

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_int_equal(dump_queues(genl, &seen, &err), 0);
	/* Twice what is dumped changes: the third answer is whole. */
	fake_mischief(1, FAKE_DUMP_INTR);
	fake_mischief(2, FAKE_DUMP_INTR);
	assert_int_equal(dump_queues(genl, &seen, &err), 0);
	assert_int_equal(seen.resets, 3);
	assert_int_equal(seen.messages, 8);
	/* It never stops changing: an error, not an endless loop. */
	for (i = 1; i < 200; i++)
		fake_mischief(i, FAKE_DUMP_INTR);
	assert_int_equal(dump_queues(genl, &seen, &err), -EAGAIN);
	genl_close(genl);
}

static void test_receiver_fails(void **state)
{
	struct devmem_error err;
	struct genl *genl;
	struct seen seen = { .fail = -ENOMEM };
	const struct genl_call call = { "netdev",   "queue-get", "eth1", netdev_msg_queue_names,
					read_queue, &seen };
	uint64_t buf[16];

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_int_equal(genl_dump(genl, netdev_msg_queue_get(buf, sizeof(buf), 4), &call, &err),
			 -ENOMEM);
	seen.fail = 0;
	/* What was left of that dump doesn't disturb the next. */
	assert_int_equal(dump_queues(genl, &seen, &err), 0);
	assert_int_equal(seen.messages, 8);
	genl_close(genl);
}

/* An error at the end of a dump, with an extended ack in NLMSG_DONE. */
static void test_dump_error(void **state)
{
	const struct genl_call call = { "netdev", "qstats-get", "veth0", netdev_msg_qstats_names,
					NULL,	  NULL };
	struct fake_nic *nic = fake_nic_poor("veth0");
	struct devmem_error err;
	struct genl *genl;
	uint64_t buf[16];

	(void)state;
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_int_equal(
		genl_dump(genl, netdev_msg_qstats_get(buf, sizeof(buf), nic->ifindex), &call, &err),
		-EOPNOTSUPP);
	assert_string_equal(err.attribute, "ifindex");
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	/* A dump that is refused at once. */
	assert_int_equal(genl_dump(genl, netdev_msg_qstats_get(buf, sizeof(buf), 0), &call, &err),
			 -ERANGE);
	assert_string_equal(err.attribute, "ifindex");
	genl_close(genl);
}

/* Each kind of mischief with each datagram: the right result or an error, and the next request
 * on the same socket works. */
static void test_mischief(void **state)
{
	static const char *const names[FAKE_MISCHIEFS] = {
		"fine",	   "short",  "stub",	  "empty",   "garbage",	   "twice",   "stale",
		"foreign", "notice", "dump-intr", "overrun", "bad-length", "no-type",
	};
	uint32_t dev;
	struct devmem_error err;
	struct genl *genl;
	struct seen seen;
	unsigned int n;
	int what, ret;

	(void)state;
	for (what = 0; what < FAKE_MISCHIEFS; what++)
		for (n = 1; n <= 6; n++) {
			fake_dump_size(150);
			memset(&err, 0, sizeof(err));
			assert_int_equal(genl_open(&genl, &err), 0);
			fake_mischief(n, what);
			ret = dump_queues(genl, &seen, &err);
			if (!ret && seen.ids != 0xf)
				fail_msg("%s in datagram %u: success with queues %#x", names[what],
					 n, seen.ids);
			if (ret && (err.code != ret || !err.message[0]))
				fail_msg("%s in datagram %u: %d without a message", names[what], n,
					 ret);
			switch (what) {
			case FAKE_FINE:
			case FAKE_STALE:
			case FAKE_NOTICE:
			case FAKE_DUMP_INTR:
			case FAKE_TWICE:
			case FAKE_FOREIGN:
				if (ret)
					fail_msg("%s in datagram %u: %s", names[what], n,
						 err.message);
				break;
			case FAKE_OVERRUN:
				assert_int_equal(ret, -ENOBUFS);
				break;
			default:
				break;
			}
			ret = get_dev(genl, 4, &dev, &err);
			if (ret || dev != 4)
				fail_msg("after %s in datagram %u: %s", names[what], n,
					 err.message);
			genl_close(genl);
			end(NULL);
			begin(NULL);
		}
}

static int open_and_dump(void *code)
{
	struct devmem_error err = { 0 };
	struct genl *genl;
	struct seen seen;
	int ret;

	ret = genl_open(&genl, &err);
	if (!ret) {
		ret = dump_queues(genl, &seen, &err);
		genl_close(genl);
	}
	if (!*fake_failed() || !strncmp(fake_failed(), "sys_close", 9) ||
	    !strncmp(fake_failed(), "sys_munmap", 10)) {
		assert_int_equal(ret, 0);
	} else {
		assert_int_equal(ret, -*(const int *)code);
		assert_int_equal(err.code, ret);
		assert_true(err.message[0]);
	}
	return ret;
}

/* Every call fails in turn, with several errnos. */
static void test_every_call(void **state)
{
	int codes[] = { ENOMEM, ENOBUFS, EPERM, EIO };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_true(fake_each_fails(FAKE_CALL, codes[i], open_and_dump, &codes[i]) > 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_families, begin, end),
		cmocka_unit_test_setup_teardown(test_family_of_call, begin, end),
		cmocka_unit_test_setup_teardown(test_do, begin, end),
		cmocka_unit_test_setup_teardown(test_dump, begin, end),
		cmocka_unit_test_setup_teardown(test_large_dump, begin, end),
		cmocka_unit_test_setup_teardown(test_dump_interrupted, begin, end),
		cmocka_unit_test_setup_teardown(test_receiver_fails, begin, end),
		cmocka_unit_test_setup_teardown(test_dump_error, begin, end),
		cmocka_unit_test_setup_teardown(test_mischief, begin, end),
		cmocka_unit_test_setup_teardown(test_every_call, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
