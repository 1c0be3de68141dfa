// SPDX-License-Identifier: BSD-3-Clause
/* lib/netlink/netdev_msg.c in both directions against libnl, and against what real kernels said.
 * Attribute numbers are written out here: from Documentation/netlink/specs/netdev.yaml, not from
 * lib/uapi. */
#include "netlink/netdev_msg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "twin.h"

#define FAMILY 27

/* ---- requests: ours builds, libnl reads ---- */

static struct nlmsghdr *build_dev(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return netdev_msg_dev_dump(buf, size);
}

static struct nlmsghdr *build_queue(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return netdev_msg_queue_get(buf, size, 5);
}

static struct nlmsghdr *build_pool(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return netdev_msg_page_pool_get(buf, size);
}

static struct nlmsghdr *build_qstats(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return netdev_msg_qstats_get(buf, size, 5);
}

static void test_gets(void **state)
{
	struct nlattr *head;
	uint64_t buf[32];
	int len;

	(void)state;
	twin_request(build_dev(buf, sizeof(buf), NULL), 1, &head, &len);
	assert_int_equal(twin_count(head, len), 0);

	twin_request(build_queue(buf, sizeof(buf), NULL), 10, &head, &len);
	assert_int_equal(twin_count(head, len), 1);
	assert_int_equal(twin_u32(head, len, 2), 5);

	twin_request(build_pool(buf, sizeof(buf), NULL), 5, &head, &len);
	assert_int_equal(twin_count(head, len), 0);

	twin_request(build_qstats(buf, sizeof(buf), NULL), 12, &head, &len);
	assert_int_equal(twin_count(head, len), 2);
	assert_int_equal(twin_u32(head, len, 1), 5);
	assert_int_equal(twin_u32(head, len, 4), 1);

	twin_sizes(build_dev, NULL);
	twin_sizes(build_queue, NULL);
	twin_sizes(build_pool, NULL);
	twin_sizes(build_qstats, NULL);
}

struct bind {
	uint32_t queues[4];
	size_t n;
	uint32_t page;
};

static struct nlmsghdr *build_bind(void *buf, size_t size, const void *arg)
{
	const struct bind *bind = arg;

	return netdev_msg_bind_rx(buf, size, 5, 12, bind->queues, bind->n, bind->page);
}

static void test_bind(void **state)
{
	static const struct bind cases[] = {
		{ { 3 }, 1, 0 },
		{ { 0, 7, 4000000000u }, 3, 16384 },
		{ { 0 }, 0, 4096 },
	};
	struct nlattr *head, *attr, *inner;
	uint64_t buf[64];
	int len, left, inner_len;
	size_t i, n, need;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bind *bind = &cases[i];
		struct nlmsghdr *nlh = build_bind(buf, sizeof(buf), bind);

		twin_request(nlh, 13, &head, &len);
		assert_int_equal(twin_count(head, len), (int)(2 + bind->n + (bind->page != 0)));
		assert_int_equal(twin_u32(head, len, 1), 5);
		assert_int_equal(twin_u32(head, len, 3), 12);
		if (bind->page)
			assert_int_equal(twin_u32(head, len, 5), bind->page);
		n = 0;
		nla_for_each_attr(attr, head, len, left)
		{
			if (nla_type(attr) != 2)
				continue;
			assert_true(attr->nla_type & NLA_F_NESTED);
			inner = nla_data(attr);
			inner_len = nla_len(attr);
			assert_int_equal(twin_count(inner, inner_len), 2);
			assert_true(n < bind->n);
			assert_true(twin_u32(inner, inner_len, 1) == bind->queues[n]);
			assert_int_equal(twin_u32(inner, inner_len, 3), 0);
			n++;
		}
		assert_int_equal(n, bind->n);
		need = netdev_msg_bind_rx_size(bind->n);
		assert_true(nlh->nlmsg_len <= need);
		assert_non_null(build_bind(buf, need, bind));
		twin_sizes(build_bind, bind);
	}
}

/* A descriptor is a signed number here and unsigned there. */
static void test_bind_fd(void **state)
{
	const uint32_t queue = 0;
	struct nlattr *head;
	uint64_t buf[32];
	int len;

	(void)state;
	twin_request(netdev_msg_bind_rx(buf, sizeof(buf), 5, -1, &queue, 1, 0), 13, &head, &len);
	assert_true(twin_u32(head, len, 3) == UINT32_MAX);
}

static struct nlmsghdr *build_bind_tx(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return netdev_msg_bind_tx(buf, size, 5, 12);
}

/* Interface 5, descriptor 12; nothing else, which the kernel would refuse. For a little-endian
 * machine. */
static void test_bind_tx(void **state)
{
	static const uint8_t bytes[] = {
		36, 0, 0, 0, 0,	 0, 1, 0, /* nlmsg_len, nlmsg_type, NLM_F_REQUEST */
		0,  0, 0, 0, 0,	 0, 0, 0, /* nlmsg_seq, nlmsg_pid: filled in when it is sent */
		15, 1, 0, 0,		  /* bind-tx, version */
		8,  0, 1, 0, 5,	 0, 0, 0, /* ifindex */
		8,  0, 3, 0, 12, 0, 0, 0, /* fd */
	};
	struct nlmsghdr *nlh;
	struct nlattr *head;
	uint64_t buf[32];
	int len;

	(void)state;
	nlh = build_bind_tx(buf, sizeof(buf), NULL);
	twin_request(nlh, 15, &head, &len);
	assert_int_equal(twin_count(head, len), 2);
	assert_int_equal(twin_u32(head, len, 1), 5);
	assert_int_equal(twin_u32(head, len, 3), 12);
	assert_int_equal(nlh->nlmsg_len, sizeof(bytes));
	nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	assert_memory_equal(nlh, bytes, sizeof(bytes));
	twin_sizes(build_bind_tx, NULL);
	/* A descriptor is a signed number here and unsigned there. */
	twin_request(netdev_msg_bind_tx(buf, sizeof(buf), 5, -1), 15, &head, &len);
	assert_true(twin_u32(head, len, 3) == UINT32_MAX);
}

/* ---- replies: libnl builds, ours reads ---- */

static void parse_all(const void *data, size_t len)
{
	struct netdev_msg_page_pool pool;
	struct netdev_msg_qstats qstats;
	struct netdev_msg_queue queue;
	uint32_t id;

	netdev_msg_parse_dev(data, len, &id);
	netdev_msg_parse_queue(data, len, &queue);
	netdev_msg_parse_page_pool(data, len, &pool);
	netdev_msg_parse_qstats(data, len, &qstats);
	netdev_msg_parse_bind(data, len, &id);
}

/* A message and its length, as two arguments. */
#define WIRE(msg) nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len

static void test_dev(void **state)
{
	struct nl_msg *msg = twin_reply(FAMILY, 1);
	uint32_t ifindex;

	(void)state;
	nla_put_u64(msg, 3, 0x123456789abcULL);
	nla_put_u32(msg, 1, 5);
	nla_put_u64(msg, 6, 0);
	assert_int_equal(netdev_msg_parse_dev(WIRE(msg), &ifindex), 0);
	assert_int_equal(ifindex, 5);
	golden_truncate(WIRE(msg), parse_all);
	nlmsg_free(msg);
}

static void test_queue(void **state)
{
	struct netdev_msg_queue queue;
	struct nlattr *nest;
	struct nl_msg *msg;
	unsigned int bits;

	(void)state;
	/* Every combination of the attributes that may be there. */
	for (bits = 0; bits < 32; bits++) {
		msg = twin_reply(FAMILY, 10);
		nla_put_u32(msg, 1, 3);
		nla_put_u32(msg, 3, bits & 1);
		nla_put_u32(msg, 2, 5);
		if (bits & 1)
			nla_put_u32(msg, 4, 8193);
		if (bits & 2)
			nla_put_u32(msg, 5, 9);
		if (bits & 4)
			nla_nest_end_keep_empty(msg, nla_nest_start(msg, 6));
		if (bits & 8)
			nla_nest_end_keep_empty(msg, nla_nest_start(msg, 7));
		if (bits & 16) {
			nest = nla_nest_start(msg, 8);
			nla_put_u32(msg, 1, 77);
			nla_nest_end(msg, nest);
		}
		nla_put_u32(msg, 200, 1); /* of a kernel to come */
		memset(&queue, 0x5a, sizeof(queue));
		assert_int_equal(netdev_msg_parse_queue(WIRE(msg), &queue), 0);
		assert_int_equal(queue.id, 3);
		assert_int_equal(queue.ifindex, 5);
		assert_int_equal(queue.type, bits & 1);
		assert_int_equal(queue.napi_id, bits & 1 ? 8193 : 0);
		assert_int_equal(queue.dmabuf_id, bits & 2 ? 9 : 0);
		assert_int_equal(!!queue.io_uring, !!(bits & 4));
		assert_int_equal(!!queue.xsk, !!(bits & 8));
		assert_int_equal(!!queue.leased, !!(bits & 16));
		golden_truncate(WIRE(msg), parse_all);
		nlmsg_free(msg);
	}
}

static void put_uint(struct nl_msg *msg, int type, uint64_t value, bool wide)
{
	if (wide)
		nla_put_u64(msg, type, value);
	else
		nla_put_u32(msg, type, (uint32_t)value);
}

static void test_page_pool(void **state)
{
	struct netdev_msg_page_pool pool;
	struct nl_msg *msg;
	int wide;

	(void)state;
	for (wide = 0; wide < 2; wide++) {
		uint64_t more = wide ? 1ULL << 40 : 0;

		msg = twin_reply(FAMILY, 5);
		put_uint(msg, 1, 17, wide);
		nla_put_u32(msg, 2, 5);
		put_uint(msg, 3, 8193, wide);
		put_uint(msg, 4, 64 + more, wide);
		put_uint(msg, 5, 262144 + more, wide);
		if (wide)
			put_uint(msg, 6, 123, wide);
		nla_put_u32(msg, 7, 9);
		assert_int_equal(netdev_msg_parse_page_pool(WIRE(msg), &pool), 0);
		assert_true(pool.id == 17);
		assert_int_equal(pool.ifindex, 5);
		assert_true(pool.napi_id == 8193);
		assert_true(pool.inflight == 64 + more);
		assert_true(pool.inflight_mem == 262144 + more);
		assert_int_equal(!!pool.detached, wide);
		assert_int_equal(pool.dmabuf_id, 9);
		golden_truncate(WIRE(msg), parse_all);
		nlmsg_free(msg);
	}
}

static void test_qstats(void **state)
{
	static const int counters[] = { 8, 9, 12, 13, 14 };
	struct netdev_msg_qstats qstats;
	struct nl_msg *msg;
	unsigned int bits;
	uint32_t has;
	size_t i;

	(void)state;
	for (bits = 0; bits < 64; bits++) {
		msg = twin_reply(FAMILY, 12);
		nla_put_u32(msg, 1, 5);
		nla_put_u32(msg, 2, 0);
		nla_put_u32(msg, 3, 2);
		put_uint(msg, 10, 77, false);
		for (has = 0, i = 0; i < 5; i++) {
			if (!(bits & (1U << i)))
				continue;
			has |= 1U << counters[i];
			put_uint(msg, counters[i], 1000 + i, bits & 32);
		}
		memset(&qstats, 0x5a, sizeof(qstats));
		assert_int_equal(netdev_msg_parse_qstats(WIRE(msg), &qstats), 0);
		assert_int_equal(qstats.ifindex, 5);
		assert_int_equal(qstats.queue_type, 0);
		assert_int_equal(qstats.queue_id, 2);
		/* The bits of interface, kind and number are always there. */
		assert_true(qstats.has == (has | 0xe));
		assert_true(qstats.rx_packets == (bits & 1 ? 1000 : 0));
		assert_true(qstats.rx_bytes == (bits & 2 ? 1001 : 0));
		assert_true(qstats.rx_alloc_fail == (bits & 4 ? 1002 : 0));
		assert_true(qstats.rx_hw_drops == (bits & 8 ? 1003 : 0));
		assert_true(qstats.rx_hw_drop_overruns == (bits & 16 ? 1004 : 0));
		nlmsg_free(msg);
	}
}

static void test_bind_reply(void **state)
{
	struct nl_msg *msg = twin_reply(FAMILY, 13);
	uint32_t id = 0;

	(void)state;
	assert_int_equal(netdev_msg_parse_bind(WIRE(msg), &id), -EBADMSG);
	nla_put_u32(msg, 4, 4000000001u);
	assert_int_equal(netdev_msg_parse_bind(WIRE(msg), &id), 0);
	assert_true(id == 4000000001u);
	golden_truncate(WIRE(msg), parse_all);
	nlmsg_free(msg);
	msg = twin_reply(FAMILY, 13);
	nla_put_u64(msg, 4, 1);
	assert_int_equal(netdev_msg_parse_bind(WIRE(msg), &id), -EBADMSG);
	nlmsg_free(msg);
}

/* Numbers of a size that they can't have, in each attribute in turn. */
static void test_wrong_sizes(void **state)
{
	struct netdev_msg_page_pool pool;
	struct netdev_msg_qstats qstats;
	struct netdev_msg_queue queue;
	struct nl_msg *msg;
	int type, size;

	static const char bytes[16] = { 1 };

	(void)state;
	for (type = 1; type <= 5; type++)
		for (size = 0; size < 16; size++) {
			if (size == 4)
				continue;
			msg = twin_reply(FAMILY, 10);
			nla_put_u32(msg, 1, 3);
			nla_put_u32(msg, 3, 0);
			nla_put(msg, type, size, bytes);
			assert_int_equal(netdev_msg_parse_queue(WIRE(msg), &queue), -EBADMSG);
			nlmsg_free(msg);
			if (size == 8)
				continue;
			msg = twin_reply(FAMILY, 5);
			nla_put_u32(msg, 1, 3);
			nla_put(msg, type, size, bytes);
			assert_int_equal(netdev_msg_parse_page_pool(WIRE(msg), &pool), -EBADMSG);
			nlmsg_free(msg);
			msg = twin_reply(FAMILY, 12);
			nla_put_u32(msg, 2, 0);
			nla_put_u32(msg, 3, 0);
			nla_put(msg, type < 4 ? 7 + type : 8 + type, size, bytes);
			/* 10 is a transmit counter, which isn't read. */
			assert_int_equal(netdev_msg_parse_qstats(WIRE(msg), &qstats),
					 type == 3 ? 0 : -EBADMSG);
			nlmsg_free(msg);
		}
}

/* Attribute headers that lie about their length. */
static void test_lying_attributes(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 3, 5, 9, 100, 0x8000, 0xffff };
	struct nl_msg *msg;
	struct nlmsghdr *nlh;
	void *copy;
	size_t i, at, len;

	(void)state;
	msg = twin_reply(FAMILY, 10);
	nla_put_u32(msg, 1, 3);
	nla_put_u32(msg, 3, 0);
	nla_put_u32(msg, 4, 3);
	nlh = nlmsg_hdr(msg);
	len = nlh->nlmsg_len;
	for (at = 20; at + 4 <= len; at += 8)
		for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			copy = malloc(len);
			memcpy(copy, nlh, len);
			memcpy((char *)copy + at, &lengths[i], 2);
			parse_all(copy, len);
			free(copy);
		}
	nlmsg_free(msg);
}

/* ---- what real kernels said ---- */

static void test_golden(void **state)
{
	struct netdev_msg_queue queue;
	uint32_t ifindex;
	struct nlmsghdr *nlh;
	unsigned int rx = 0, tx = 0;
	size_t len;
	void *data;
	int left;

	(void)state;
	data = golden_read("6.18-lo-dev-get.ans", &len);
	assert_int_equal(netdev_msg_parse_dev(data, len, &ifindex), 0);
	assert_int_equal(ifindex, 1);
	free(data);

	/* A veth with two queues each way. */
	data = golden_read("6.18-veth0-queue-get.ans", &len);
	left = (int)len;
	for (nlh = data; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_DONE)
			continue;
		assert_int_equal(netdev_msg_parse_queue(nlh, (size_t)left, &queue), 0);
		assert_true(queue.ifindex > 1);
		assert_int_equal(queue.id, queue.type ? tx : rx);
		if (queue.type)
			tx++;
		else
			rx++;
		assert_int_equal(queue.dmabuf_id, 0);
		assert_int_equal(queue.leased, 0);
	}
	assert_int_equal(rx, 2);
	assert_int_equal(tx, 2);
	free(data);
}

/* The lab's NIC: four queues each way, a region bound to receive queue 3. */
static void check_bound(const char *queues, const char *pools)
{
	struct netdev_msg_page_pool pool;
	struct netdev_msg_queue queue;
	uint32_t n = 0, bound = 0, bound_pools = 0;
	struct nlmsghdr *nlh;
	size_t len;
	void *data;
	int left;

	data = golden_read(queues, &len);
	left = (int)len;
	for (nlh = data; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_DONE)
			continue;
		assert_int_equal(netdev_msg_parse_queue(nlh, (size_t)left, &queue), 0);
		assert_true(queue.napi_id > 0);
		n++;
		if (!queue.dmabuf_id)
			continue;
		bound++;
		assert_int_equal(queue.dmabuf_id, 1);
		assert_int_equal(queue.id, 3);
		assert_int_equal(queue.type, 0);
	}
	assert_int_equal(n, 8);
	assert_int_equal(bound, 1);
	free(data);

	data = golden_read(pools, &len);
	left = (int)len;
	for (nlh = data; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_DONE)
			continue;
		assert_int_equal(netdev_msg_parse_page_pool(nlh, (size_t)left, &pool), 0);
		if (pool.dmabuf_id == 1 && !pool.detached)
			bound_pools++;
	}
	assert_int_equal(bound_pools, 1);
	free(data);
}

static void test_golden_bound(void **state)
{
	(void)state;
	check_bound("6.12-eth1-queue-get.ans", "6.12-eth1-page-pool-get.ans");
	check_bound("7.3-eth1-queue-get.ans", "7.3-eth1-page-pool-get.ans");
}

/* What the recorder built with libnl is what the codec builds. */
static void check_request(const char *name, const struct nlmsghdr *ours)
{
	struct nlmsghdr *theirs;
	size_t len;

	theirs = golden_read(name, &len);
	assert_non_null(ours);
	assert_int_equal(ours->nlmsg_len, len);
	assert_memory_equal(ours + 1, theirs + 1, len - sizeof(*ours));
	free(theirs);
}

static uint32_t golden_ifindex(const char *name)
{
	uint32_t ifindex;
	size_t len;
	char *data;

	data = golden_read(name, &len);
	memcpy(&ifindex, data + 24, sizeof(ifindex));
	free(data);
	return ifindex;
}

static void test_golden_requests(void **state)
{
	const uint32_t queue = 0;
	uint64_t buf[64];
	uint32_t ifindex;

	(void)state;
	ifindex = golden_ifindex("6.18-veth0-queue-get.req");
	check_request("6.18-veth0-queue-get.req", netdev_msg_queue_get(buf, sizeof(buf), ifindex));
	check_request("6.18-veth0-page-pool-get.req", netdev_msg_page_pool_get(buf, sizeof(buf)));
	check_request("6.18-veth0-qstats-get.req",
		      netdev_msg_qstats_get(buf, sizeof(buf), ifindex));
	check_request("6.18-veth0-bind-rx-bad-fd.req",
		      netdev_msg_bind_rx(buf, sizeof(buf), ifindex, -1, &queue, 1, 0));
}

static void each_golden(const char *name, const void *data, size_t len)
{
	(void)name;
	parse_all(data, len);
	golden_truncate(data, len, parse_all);
}

static void test_golden_truncations(void **state)
{
	(void)state;
	assert_true(golden_each("", each_golden) > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gets),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_bind_tx),
		cmocka_unit_test(test_bind_fd),
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_page_pool),
		cmocka_unit_test(test_qstats),
		cmocka_unit_test(test_bind_reply),
		cmocka_unit_test(test_wrong_sizes),
		cmocka_unit_test(test_lying_attributes),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_bound),
		cmocka_unit_test(test_golden_requests),
		cmocka_unit_test(test_golden_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
