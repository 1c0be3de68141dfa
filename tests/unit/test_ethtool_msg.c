// SPDX-License-Identifier: BSD-3-Clause
/* lib/netlink/ethtool_msg.c in both directions against libnl, and against what real kernels said.
 * Numbers are written out here: from Documentation/netlink/specs/ethtool.yaml, not from
 * lib/uapi. */
#include "netlink/ethtool_msg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "twin.h"

#define FAMILY 21
#define NTUPLE "rx-ntuple-filter"

/* ---- requests: ours builds, libnl reads ---- */

typedef struct nlmsghdr *(*get_fn)(void *buf, size_t size, uint32_t ifindex);

static struct nlmsghdr *build_get(void *buf, size_t size, const void *arg)
{
	get_fn fn;

	memcpy(&fn, arg, sizeof(fn));
	return fn(buf, size, 5);
}

/* The header nest with nothing but the index: flags would change what the kernel answers. */
static void check_header(struct nlattr *head, int len)
{
	struct nlattr *nest;
	int nest_len;

	nest = twin_nest(head, len, 1, &nest_len);
	assert_int_equal(twin_count(nest, nest_len), 1);
	assert_int_equal(twin_u32(nest, nest_len, 1), 5);
}

static void test_gets(void **state)
{
	static const struct {
		get_fn fn;
		uint8_t cmd;
	} gets[] = {
		{ ethtool_msg_rings_get, 15 },
		{ ethtool_msg_channels_get, 17 },
		{ ethtool_msg_features_get, 11 },
	};
	struct nlattr *head;
	uint64_t buf[32];
	size_t i;
	int len;

	(void)state;
	for (i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
		twin_request(gets[i].fn(buf, sizeof(buf), 5), gets[i].cmd, &head, &len);
		assert_int_equal(twin_count(head, len), 1);
		check_header(head, len);
		twin_sizes(build_get, &gets[i].fn);
	}
}

static struct nlmsghdr *build_rings_set(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_rings_set(buf, size, 5, *(const unsigned int *)arg, 2, 1000);
}

static void test_rings_set(void **state)
{
	struct nlattr *head, *split;
	unsigned int set;
	uint64_t buf[32];
	int len;

	(void)state;
	for (set = 0; set < 4; set++) {
		twin_request(build_rings_set(buf, sizeof(buf), &set), 16, &head, &len);
		check_header(head, len);
		assert_int_equal(twin_count(head, len), 1 + (set & 1) + (set >> 1));
		split = twin_find(head, len, 11);
		if (set & ETHTOOL_MSG_SET_SPLIT) {
			assert_non_null(split);
			assert_int_equal(nla_len(split), 1);
			assert_int_equal(nla_get_u8(split), 2);
		} else {
			assert_null(split);
		}
		if (set & ETHTOOL_MSG_SET_HDS_THRESH)
			assert_int_equal(twin_u32(head, len, 17), 1000);
		else
			assert_null(twin_find(head, len, 17));
		twin_sizes(build_rings_set, &set);
	}
}

static struct nlmsghdr *build_feature_set(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_feature_set(buf, size, 5, NTUPLE, *(const int *)arg);
}

static void test_feature_set(void **state)
{
	struct nlattr *head, *wanted, *bits, *bit, *name;
	int len, wanted_len, bits_len, bit_len, on;
	uint64_t buf[32];

	(void)state;
	for (on = 0; on < 2; on++) {
		twin_request(build_feature_set(buf, sizeof(buf), &on), 12, &head, &len);
		check_header(head, len);
		assert_int_equal(twin_count(head, len), 2);
		wanted = twin_nest(head, len, 3, &wanted_len);
		/* No NOMASK: nothing but the one feature must change. */
		assert_null(twin_find(wanted, wanted_len, 1));
		bits = twin_nest(wanted, wanted_len, 3, &bits_len);
		assert_int_equal(twin_count(bits, bits_len), 1);
		bit = twin_nest(bits, bits_len, 1, &bit_len);
		name = twin_find(bit, bit_len, 2);
		assert_non_null(name);
		assert_int_equal(nla_len(name), (int)sizeof(NTUPLE));
		assert_string_equal(nla_get_string(name), NTUPLE);
		assert_int_equal(twin_find(bit, bit_len, 3) != NULL, on);
		if (on)
			assert_int_equal(nla_len(twin_find(bit, bit_len, 3)), 0);
		twin_sizes(build_feature_set, &on);
	}
}

static struct nlmsghdr *build_rss_get(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_rss_get(buf, size, 5, *(const uint32_t *)arg);
}

static void test_rss_get(void **state)
{
	struct nlattr *head;
	uint32_t context;
	uint64_t buf[32];
	int len;

	(void)state;
	for (context = 0; context < 3; context++) {
		twin_request(build_rss_get(buf, sizeof(buf), &context), 38, &head, &len);
		check_header(head, len);
		assert_int_equal(twin_count(head, len), 1 + (context != 0));
		if (context)
			assert_int_equal(twin_u32(head, len, 2), context);
		twin_sizes(build_rss_get, &context);
	}
}

static const uint32_t table[128] = { 0, 1, 2, 3, 0, 1, 2, 3, 4000000000u };

static struct nlmsghdr *build_rss_set(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_rss_set(buf, size, 5, table, *(const size_t *)arg);
}

static void test_rss_set(void **state)
{
	static const size_t lengths[] = { 0, 1, 8, 128 };
	struct nlattr *head, *indir;
	size_t i, n, need;
	uint64_t buf[256];
	int len;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		n = lengths[i];
		twin_request(build_rss_set(buf, sizeof(buf), &n), 48, &head, &len);
		check_header(head, len);
		assert_int_equal(twin_count(head, len), 2);
		indir = twin_find(head, len, 4);
		assert_non_null(indir);
		assert_int_equal(nla_len(indir), (int)(4 * n));
		assert_memory_equal(nla_data(indir), table, 4 * n);
		need = ethtool_msg_rss_set_size(n);
		assert_non_null(build_rss_set(buf, need, &n));
		twin_sizes(build_rss_set, &n);
	}
}

static struct nlmsghdr *build_rss_create(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_rss_create(buf, size, 5, table, *(const size_t *)arg);
}

static void test_rss_create(void **state)
{
	static const size_t lengths[] = { 1, 8, 128 };
	struct nlattr *head, *indir;
	uint64_t buf[256];
	size_t i, n;
	int len;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		n = lengths[i];
		twin_request(build_rss_create(buf, sizeof(buf), &n), 49, &head, &len);
		check_header(head, len);
		/* No number: the kernel picks one. No key, no function: not all drivers have them
		 * apart from the default context's. */
		assert_int_equal(twin_count(head, len), 2);
		indir = twin_find(head, len, 4);
		assert_non_null(indir);
		assert_int_equal(nla_len(indir), (int)(4 * n));
		assert_memory_equal(nla_data(indir), table, 4 * n);
		assert_non_null(build_rss_create(buf, ethtool_msg_rss_set_size(n), &n));
		twin_sizes(build_rss_create, &n);
	}
}

static struct nlmsghdr *build_rss_delete(void *buf, size_t size, const void *arg)
{
	return ethtool_msg_rss_delete(buf, size, 5, *(const uint32_t *)arg);
}

static void test_rss_delete(void **state)
{
	static const uint32_t contexts[] = { 0, 1, 4000000000u };
	struct nlattr *head;
	uint64_t buf[32];
	size_t i;
	int len;

	(void)state;
	for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		twin_request(build_rss_delete(buf, sizeof(buf), &contexts[i]), 50, &head, &len);
		check_header(head, len);
		assert_int_equal(twin_count(head, len), 2);
		/* Also where it is 0: one left out would be refused for another reason. */
		assert_int_equal(twin_u32(head, len, 2), contexts[i]);
		twin_sizes(build_rss_delete, &contexts[i]);
	}
}

static struct nlmsghdr *build_rss_dump(void *buf, size_t size, const void *arg)
{
	(void)arg;
	return ethtool_msg_rss_dump(buf, size, 5);
}

static void test_rss_dump(void **state)
{
	struct nlattr *head;
	uint64_t buf[32];
	int len;

	(void)state;
	twin_request(build_rss_dump(buf, sizeof(buf), NULL), 38, &head, &len);
	check_header(head, len);
	/* The kernel refuses dumps of one context: never attribute 2. */
	assert_int_equal(twin_count(head, len), 2);
	assert_int_equal(twin_u32(head, len, 7), 1);
	twin_sizes(build_rss_dump, NULL);
}

/* An attribute's length has 16 bits: a table that doesn't fit must not wrap round. */
static void test_rss_too_long(void **state)
{
	const size_t n = 16384;
	uint32_t *big = calloc(n, sizeof(*big));
	size_t size = 4 * n + 1024;
	void *buf = malloc(size);

	(void)state;
	assert_non_null(big);
	assert_non_null(buf);
	assert_null(ethtool_msg_rss_set(buf, size, 5, big, n));
	assert_non_null(ethtool_msg_rss_set(buf, size, 5, big, 16380));
	assert_null(ethtool_msg_rss_create(buf, size, 5, big, n));
	assert_non_null(ethtool_msg_rss_create(buf, size, 5, big, 16380));
	free(buf);
	free(big);
}

/* ---- replies: libnl builds, ours reads ---- */

static void parse_all(const void *data, size_t len)
{
	struct ethtool_msg_channels channels;
	struct ethtool_msg_feature feature;
	struct ethtool_msg_rings rings;
	struct ethtool_msg_rss rss;
	uint32_t context;

	ethtool_msg_parse_rss_create(data, len, &context);
	ethtool_msg_parse_rings(data, len, &rings);
	ethtool_msg_parse_channels(data, len, &channels);
	ethtool_msg_parse_feature(data, len, NTUPLE, &feature);
	if (!ethtool_msg_parse_rss(data, len, &rss)) {
		size_t i, sum = 0;

		/* What it points to is inside. */
		for (i = 0; i < rss.table_len * 4; i++)
			sum += ((const unsigned char *)rss.table)[i];
		for (i = 0; i < rss.key_len; i++)
			sum += ((const unsigned char *)rss.key)[i];
		assert_true(sum <= 255 * len);
	}
}

static struct nl_msg *reply(uint8_t cmd)
{
	struct nl_msg *msg = twin_reply(FAMILY, cmd);
	struct nlattr *nest = nla_nest_start(msg, 1);

	nla_put_u32(msg, 1, 5);
	nla_put_string(msg, 2, "eth1");
	nla_nest_end(msg, nest);
	return msg;
}

/* A message and its length, as two arguments. */
#define WIRE(msg) nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len

static void test_rings(void **state)
{
	struct ethtool_msg_rings rings;
	struct nl_msg *msg;
	unsigned int bits;

	(void)state;
	for (bits = 0; bits < 8; bits++) {
		msg = reply(16);
		nla_put_u32(msg, 2, 4096);
		nla_put_u32(msg, 6, 1024);
		nla_put_u32(msg, 3, 77);
		nla_put_u32(msg, 5, 2048);
		nla_put_u32(msg, 9, 512);
		if (bits & 1)
			nla_put_u8(msg, 11, 2);
		nla_put_u8(msg, 13, 0);
		if (bits & 2) {
			nla_put_u32(msg, 17, 256);
			nla_put_u32(msg, 18, 1023);
		}
		if (bits & 4)
			nla_put_u32(msg, 99, 1);
		memset(&rings, 0x5a, sizeof(rings));
		assert_int_equal(ethtool_msg_parse_rings(WIRE(msg), &rings), 0);
		assert_int_equal(rings.ifindex, 5);
		assert_int_equal(rings.rx_max, 4096);
		assert_int_equal(rings.rx, 1024);
		assert_int_equal(rings.tx_max, 2048);
		assert_int_equal(rings.tx, 512);
		assert_int_equal(!!rings.has_split, bits & 1);
		assert_int_equal(rings.split, bits & 1 ? 2 : 0);
		assert_int_equal(!!rings.has_hds_thresh, !!(bits & 2));
		assert_int_equal(rings.hds_thresh, bits & 2 ? 256 : 0);
		assert_int_equal(rings.hds_thresh_max, bits & 2 ? 1023 : 0);
		golden_truncate(WIRE(msg), parse_all);
		nlmsg_free(msg);
	}
}

static void test_channels(void **state)
{
	struct ethtool_msg_channels channels;
	struct nl_msg *msg = reply(18);
	int i;

	(void)state;
	for (i = 2; i <= 9; i++)
		nla_put_u32(msg, i, (uint32_t)(100 + i));
	assert_int_equal(ethtool_msg_parse_channels(WIRE(msg), &channels), 0);
	assert_int_equal(channels.ifindex, 5);
	assert_int_equal(channels.rx_max, 102);
	assert_int_equal(channels.tx_max, 103);
	assert_int_equal(channels.combined_max, 105);
	assert_int_equal(channels.rx, 106);
	assert_int_equal(channels.tx, 107);
	assert_int_equal(channels.combined, 109);
	golden_truncate(WIRE(msg), parse_all);
	nlmsg_free(msg);
}

/* A bitset as the kernel writes it: entries have index, name (if the bit has one) and, with a mask,
 * a value. */
static void put_bitset(struct nl_msg *msg, int type, bool nomask, int listed, int set)
{
	struct nlattr *nest = nla_nest_start(msg, type), *bits, *bit;
	int i;

	static const char *const names[] = { "rx-gro", NTUPLE, "rx-ntuple-filter2", NULL,
					     "rx-ntuple" };

	if (nomask)
		nla_put_flag(msg, 1);
	nla_put_u32(msg, 2, 60);
	bits = nla_nest_start(msg, 3);
	for (i = 0; i < 5; i++) {
		if (i == 1 && !listed)
			continue;
		bit = nla_nest_start(msg, 1);
		nla_put_u32(msg, 1, (uint32_t)i);
		if (names[i])
			nla_put_string(msg, 2, names[i]);
		/* Neighbours have the opposite value. */
		if (!nomask && (i == 1 ? set : !set))
			nla_put_flag(msg, 3);
		nla_nest_end(msg, bit);
	}
	nla_nest_end(msg, bits);
	nla_nest_end(msg, nest);
}

static void check_bit(const struct ethtool_msg_bit *bit, bool nomask, int listed, int set)
{
	assert_int_equal(!!bit->listed, listed);
	assert_int_equal(!!bit->set, listed && (nomask || set));
}

static void test_feature(void **state)
{
	struct ethtool_msg_feature feature;
	struct nl_msg *msg;
	int bits;

	(void)state;
	for (bits = 0; bits < 16; bits++) {
		msg = reply(11);
		put_bitset(msg, 2, bits & 1, !!(bits & 2), !!(bits & 4));
		put_bitset(msg, 3, bits & 8, !!(bits & 4), !!(bits & 2));
		put_bitset(msg, 4, bits & 2, !!(bits & 8), !!(bits & 1));
		put_bitset(msg, 5, bits & 4, !!(bits & 1), !!(bits & 8));
		assert_int_equal(ethtool_msg_parse_feature(WIRE(msg), NTUPLE, &feature), 0);
		assert_int_equal(feature.ifindex, 5);
		check_bit(&feature.hw, bits & 1, !!(bits & 2), !!(bits & 4));
		check_bit(&feature.wanted, bits & 8, !!(bits & 4), !!(bits & 2));
		check_bit(&feature.active, bits & 2, !!(bits & 8), !!(bits & 1));
		check_bit(&feature.nochange, bits & 4, !!(bits & 1), !!(bits & 8));
		golden_truncate(WIRE(msg), parse_all);
		nlmsg_free(msg);
	}
}

static void test_rss(void **state)
{
	struct ethtool_msg_rss rss;
	struct nl_msg *msg = reply(38);
	uint8_t key[40];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	nla_put_u32(msg, 2, 3);
	nla_put(msg, 4, sizeof(table), table);
	nla_put_u32(msg, 3, 4);
	nla_put(msg, 5, sizeof(key), key);
	assert_int_equal(ethtool_msg_parse_rss(WIRE(msg), &rss), 0);
	assert_int_equal(rss.ifindex, 5);
	assert_int_equal(rss.context, 3);
	assert_int_equal(rss.hfunc, 4);
	assert_int_equal(rss.table_len, 128);
	assert_memory_equal(rss.table, table, sizeof(table));
	assert_int_equal(rss.key_len, 40);
	assert_memory_equal(rss.key, key, sizeof(key));
	golden_truncate(WIRE(msg), parse_all);
	nlmsg_free(msg);

	msg = reply(38);
	assert_int_equal(ethtool_msg_parse_rss(WIRE(msg), &rss), 0);
	assert_null(rss.table);
	assert_int_equal(rss.table_len, 0);
	assert_int_equal(rss.key_len, 0);
	nla_put(msg, 4, 7, table);
	assert_int_equal(ethtool_msg_parse_rss(WIRE(msg), &rss), -EBADMSG);
	nlmsg_free(msg);
}

/* The answer to a request that makes a context. */
static void test_rss_created(void **state)
{
	static const uint32_t contexts[] = { 1, 7, UINT32_MAX };
	struct nl_msg *msg;
	uint32_t context;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		msg = reply(51);
		nla_put_u32(msg, 2, contexts[i]);
		nla_put(msg, 4, sizeof(table), table);
		nla_put_u32(msg, 3, 4);
		context = 77;
		assert_int_equal(ethtool_msg_parse_rss_create(WIRE(msg), &context), 0);
		assert_true(context == contexts[i]);
		golden_truncate(WIRE(msg), parse_all);
		nlmsg_free(msg);
	}

	/* Without a number, or with that of the default context. */
	msg = reply(51);
	nla_put(msg, 4, sizeof(table), table);
	context = 77;
	assert_int_equal(ethtool_msg_parse_rss_create(WIRE(msg), &context), -EBADMSG);
	assert_int_equal(context, 0);
	nla_put_u32(msg, 2, 0);
	assert_int_equal(ethtool_msg_parse_rss_create(WIRE(msg), &context), -EBADMSG);
	nlmsg_free(msg);
	/* A number of another size; a table that is none. */
	msg = reply(51);
	nla_put_u16(msg, 2, 1);
	context = 77;
	assert_int_equal(ethtool_msg_parse_rss_create(WIRE(msg), &context), -EBADMSG);
	assert_int_equal(context, 0);
	nlmsg_free(msg);
	msg = reply(51);
	nla_put_u32(msg, 2, 3);
	nla_put(msg, 4, 6, table);
	assert_int_equal(ethtool_msg_parse_rss_create(WIRE(msg), &context), -EBADMSG);
	assert_int_equal(context, 0);
	nlmsg_free(msg);
}

static void test_wrong_sizes(void **state)
{
	struct ethtool_msg_channels channels;
	struct ethtool_msg_rings rings;
	struct ethtool_msg_rss rss;
	static const char bytes[16] = { 1 };
	static const int rings_types[] = { 2, 5, 6, 9, 17, 18 };
	struct nl_msg *msg;
	size_t i;
	int size;

	(void)state;
	for (size = 0; size < 16; size++) {
		for (i = 0; i < 6 && size != 4; i++) {
			msg = reply(16);
			nla_put(msg, rings_types[i], size, bytes);
			assert_int_equal(ethtool_msg_parse_rings(WIRE(msg), &rings), -EBADMSG);
			nlmsg_free(msg);
		}
		msg = reply(16);
		nla_put(msg, 11, size, bytes);
		assert_int_equal(ethtool_msg_parse_rings(WIRE(msg), &rings),
				 size == 1 ? 0 : -EBADMSG);
		nlmsg_free(msg);
		if (size == 4)
			continue;
		msg = reply(18);
		nla_put(msg, 9, size, bytes);
		assert_int_equal(ethtool_msg_parse_channels(WIRE(msg), &channels), -EBADMSG);
		nlmsg_free(msg);
		msg = reply(38);
		nla_put(msg, 3, size, bytes);
		assert_int_equal(ethtool_msg_parse_rss(WIRE(msg), &rss), -EBADMSG);
		nlmsg_free(msg);
	}
}

/* ---- what real kernels said ---- */

static void test_golden(void **state)
{
	size_t len;
	struct ethtool_msg_channels channels;
	struct ethtool_msg_feature feature;
	void *data;

	(void)state;
	data = golden_read("6.18-veth0-features-get.ans", &len);
	assert_int_equal(ethtool_msg_parse_feature(data, len, "rx-gro", &feature), 0);
	assert_true(feature.ifindex > 1);
	assert_true(feature.hw.listed);
	assert_int_equal(feature.active.set, feature.active.listed);
	assert_int_equal(ethtool_msg_parse_feature(data, len, "tx-scatter-gather", &feature), 0);
	assert_true(feature.hw.set && feature.active.set);
	/* A veth has no flow rules, and they can't be switched on. */
	assert_int_equal(ethtool_msg_parse_feature(data, len, NTUPLE, &feature), 0);
	assert_true(feature.hw.listed && !feature.hw.set);
	assert_false(feature.active.set);
	assert_int_equal(ethtool_msg_parse_feature(data, len, "no-such-feature", &feature), 0);
	assert_false(feature.hw.listed || feature.active.listed);
	free(data);

	data = golden_read("6.18-veth0-channels-get.ans", &len);
	assert_int_equal(ethtool_msg_parse_channels(data, len, &channels), 0);
	assert_int_equal(channels.rx, 2);
	assert_int_equal(channels.rx_max, 2);
	assert_int_equal(channels.combined, 0);
	free(data);
}

/* The lab's NIC: split on, RSS over the first three of four queues. Linux 6.12 has no
 * threshold. */
static void check_nic(const char *rings_name, const char *rss_name, const char *features_name,
		      bool has_hds_thresh)
{
	struct ethtool_msg_feature feature;
	struct ethtool_msg_rings rings;
	struct ethtool_msg_rss rss;
	uint32_t queue;
	size_t len, i;
	void *data;

	data = golden_read(rings_name, &len);
	assert_int_equal(ethtool_msg_parse_rings(data, len, &rings), 0);
	assert_true(rings.has_split);
	assert_int_equal(rings.split, 2);
	assert_int_equal(rings.has_hds_thresh, has_hds_thresh);
	assert_int_equal(rings.hds_thresh, 0);
	assert_int_equal(rings.hds_thresh_max, has_hds_thresh ? 1024 : 0);
	assert_int_equal(rings.rx, 512);
	assert_int_equal(rings.rx_max, 4096);
	free(data);

	data = golden_read(rss_name, &len);
	assert_int_equal(ethtool_msg_parse_rss(data, len, &rss), 0);
	assert_int_equal(rss.context, 0);
	assert_int_equal(rss.hfunc, 1);
	assert_int_equal(rss.key_len, 40);
	assert_int_equal(rss.table_len, 128);
	for (i = 0; i < 128; i++) {
		memcpy(&queue, (const char *)rss.table + i * sizeof(queue), sizeof(queue));
		assert_int_equal(queue, i % 3);
	}
	free(data);

	data = golden_read(features_name, &len);
	assert_int_equal(ethtool_msg_parse_feature(data, len, NTUPLE, &feature), 0);
	assert_true(feature.hw.set && feature.active.set);
	free(data);
}

static void test_golden_nic(void **state)
{
	(void)state;
	check_nic("6.12-eth1-rings-get.ans", "6.12-eth1-rss-get.ans", "6.12-eth1-features-get.ans",
		  false);
	check_nic("7.3-eth1-rings-get.ans", "7.3-eth1-rss-get.ans", "7.3-eth1-features-get.ans",
		  true);
}

/* A dump of the lab's NIC, which has one context over two queues: the default one isn't in it. What
 * makes a context is answered with the same attributes. */
static void test_golden_contexts(void **state)
{
	static const char *const names[] = { "6.12-eth1-rss-dump.ans", "7.3-eth1-rss-dump.ans" };
	struct ethtool_msg_rss rss;
	struct nlmsghdr *nlh;
	uint32_t context, queue;
	size_t i, j, len;
	void *data;
	int left;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		data = golden_read(names[i], &len);
		nlh = data;
		assert_int_equal(ethtool_msg_parse_rss(nlh, len, &rss), 0);
		assert_int_equal(rss.context, 1);
		assert_true(rss.ifindex > 1);
		assert_int_equal(rss.table_len, 128);
		for (j = 0; j < 128; j++) {
			memcpy(&queue, (const char *)rss.table + 4 * j, 4);
			assert_int_equal(queue, j % 2);
		}
		assert_int_equal(ethtool_msg_parse_rss_create(nlh, len, &context), 0);
		assert_int_equal(context, 1);
		/* Nothing follows it but the end. */
		left = (int)len;
		nlh = nlmsg_next(nlh, &left);
		if (left > 0)
			assert_int_equal(nlh->nlmsg_type, NLMSG_DONE);
		free(data);
	}
}

/* The errno of an answer. */
static int answered(const char *name)
{
	struct nlmsghdr *nlh;
	size_t len;
	int code;

	nlh = golden_read(name, &len);
	assert_true(len >= sizeof(*nlh) + sizeof(code));
	assert_int_equal(nlh->nlmsg_type, NLMSG_ERROR);
	memcpy(&code, nlh + 1, sizeof(code));
	free(nlh);
	return code;
}

/* Kernels without the requests say what drivers without contexts say. */
static void test_golden_refusals(void **state)
{
	(void)state;
	assert_int_equal(answered("6.12-eth1-rss-create-bad-queue.ans"), -EOPNOTSUPP);
	assert_int_equal(answered("6.12-eth1-rss-delete-unknown.ans"), -EOPNOTSUPP);
	assert_int_equal(answered("6.18-veth0-rss-create-bad-queue.ans"), -EOPNOTSUPP);
	assert_int_equal(answered("6.18-veth0-rss-delete-unknown.ans"), -EOPNOTSUPP);
	assert_int_equal(answered("7.3-eth1-rss-create-bad-queue.ans"), -EINVAL);
	assert_int_equal(answered("7.3-eth1-rss-delete-unknown.ans"), -ENOENT);
}

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

static void test_golden_requests(void **state)
{
	static const uint32_t no_queues[4] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	uint64_t buf[64];

	(void)state;
	check_request("6.18-lo-rings-get.req", ethtool_msg_rings_get(buf, sizeof(buf), 1));
	check_request("6.18-lo-channels-get.req", ethtool_msg_channels_get(buf, sizeof(buf), 1));
	check_request("6.18-lo-features-get.req", ethtool_msg_features_get(buf, sizeof(buf), 1));
	check_request("6.18-lo-rss-get.req", ethtool_msg_rss_get(buf, sizeof(buf), 1, 0));
	check_request("6.18-lo-rss-dump.req", ethtool_msg_rss_dump(buf, sizeof(buf), 1));
	check_request("6.18-lo-rss-create-bad-queue.req",
		      ethtool_msg_rss_create(buf, sizeof(buf), 1, no_queues, 4));
	check_request("6.18-lo-rss-delete-unknown.req",
		      ethtool_msg_rss_delete(buf, sizeof(buf), 1, 0x7fffff));
	check_request("6.18-lo-rings-set-bad-split.req",
		      ethtool_msg_rings_set(buf, sizeof(buf), 1, ETHTOOL_MSG_SET_SPLIT, 9, 0));
	check_request("6.18-lo-features-set-unknown.req",
		      ethtool_msg_feature_set(buf, sizeof(buf), 1, "no-such-feature", 1));
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
		cmocka_unit_test(test_rings_set),
		cmocka_unit_test(test_feature_set),
		cmocka_unit_test(test_rss_get),
		cmocka_unit_test(test_rss_set),
		cmocka_unit_test(test_rss_create),
		cmocka_unit_test(test_rss_delete),
		cmocka_unit_test(test_rss_dump),
		cmocka_unit_test(test_rss_too_long),
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_feature),
		cmocka_unit_test(test_rss),
		cmocka_unit_test(test_rss_created),
		cmocka_unit_test(test_wrong_sizes),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_nic),
		cmocka_unit_test(test_golden_contexts),
		cmocka_unit_test(test_golden_refusals),
		cmocka_unit_test(test_golden_requests),
		cmocka_unit_test(test_golden_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
