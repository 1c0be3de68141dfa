// SPDX-License-Identifier: BSD-3-Clause
/* The ethtool family: rings, channels, features, RSS. Facts from the kernel's net/ethtool/. */
#include "fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FEATURES_GET = 11,
	FEATURES_SET,
	RINGS_GET = 15,
	RINGS_SET,
	CHANNELS_GET = 17,
	RSS_GET = 38,
	RSS_SET = 48,
	RSS_CREATE_ACT,
	RSS_DELETE_ACT
};
enum {
	FEATURES_GET_REPLY = 11,
	FEATURES_SET_REPLY,
	RINGS_GET_REPLY = 16,
	CHANNELS_GET_REPLY = 18,
	RSS_GET_REPLY = 38,
	RSS_CREATE_ACT_REPLY = 51
};
enum { HEADER = 1 }; /* of every command */
enum { DEV_INDEX = 1, DEV_NAME, FLAGS };
enum { COMPACT = 1, OMIT_REPLY = 2 };
enum { BITSET_NOMASK = 1, BITSET_SIZE, BITSET_BITS, BITSET_VALUE, BITSET_MASK };
enum { BIT_INDEX = 1, BIT_NAME, BIT_VALUE };
enum {
	RINGS_RX_MAX = 2,
	RINGS_TX_MAX = 5,
	RINGS_RX,
	RINGS_RX_MINI,
	RINGS_RX_JUMBO,
	RINGS_TX,
	RINGS_RX_BUF_LEN,
	RINGS_TCP_DATA_SPLIT,
	RINGS_CQE_SIZE,
	RINGS_TX_PUSH,
	RINGS_RX_PUSH,
	RINGS_TX_PUSH_BUF_LEN,
	RINGS_TX_PUSH_BUF_LEN_MAX,
	RINGS_HDS_THRESH,
	RINGS_HDS_THRESH_MAX,
};
enum { FEATURES_HW = 2, FEATURES_WANTED, FEATURES_ACTIVE, FEATURES_NOCHANGE };
enum { CHANNELS_OTHER_MAX = 4, CHANNELS_COMBINED_MAX, CHANNELS_OTHER = 8, CHANNELS_COMBINED };
enum { RSS_CONTEXT = 2, RSS_HFUNC, RSS_INDIR, RSS_HKEY, RSS_INPUT_XFRM, RSS_START, RSS_FLOW_HASH };

static const struct attr_policy header_policy[] = {
	[DEV_INDEX] = { .kind = K_U32 },
	[DEV_NAME] = { .kind = K_STRING, .max = 127 },
	[FLAGS] = { .kind = K_U32, .mask = COMPACT | OMIT_REPLY },
};
#define HEADER_POLICY                                                                              \
	{                                                                                          \
		.kind = K_NESTED, .nested = header_policy, .nested_max = FLAGS                     \
	}

static const struct attr_policy get_policy[] = { [HEADER] = HEADER_POLICY };
static const struct attr_policy rings_set_policy[] = {
	[HEADER] = HEADER_POLICY,
	[RINGS_RX] = { .kind = K_U32 },
	[RINGS_TX] = { .kind = K_U32 },
	[RINGS_TCP_DATA_SPLIT] = { .kind = K_U8, .ranged = true, .max = 2 },
	[RINGS_TX_PUSH] = { .kind = K_U8, .ranged = true, .max = 1 },
	[RINGS_RX_PUSH] = { .kind = K_U8, .ranged = true, .max = 1 },
	[RINGS_TX_PUSH_BUF_LEN] = { .kind = K_U32 },
	[RINGS_HDS_THRESH] = { .kind = K_U32 },
};
static const struct attr_policy features_set_policy[] = {
	[HEADER] = HEADER_POLICY,
	[FEATURES_WANTED] = { .kind = K_NESTED },
};
static const struct attr_policy rss_get_policy[] = {
	[HEADER] = HEADER_POLICY,
	[RSS_CONTEXT] = { .kind = K_U32 },
	[RSS_START] = { .kind = K_U32 },
};
static const struct attr_policy rss_set_policy[] = {
	[HEADER] = HEADER_POLICY,
	[RSS_CONTEXT] = { .kind = K_U32 },
	[RSS_HFUNC] = { .kind = K_U32, .ranged = true, .min = 1, .max = 255 },
	[RSS_INDIR] = { .kind = K_BINARY },
	[RSS_HKEY] = { .kind = K_BINARY, .ranged = true, .min = 1, .max = 65535 },
	[RSS_INPUT_XFRM] = { .kind = K_U32, .ranged = true, .max = 2 },
	[RSS_FLOW_HASH] = { .kind = K_NESTED },
};
static const struct attr_policy rss_create_policy[] = {
	[HEADER] = HEADER_POLICY,
	[RSS_CONTEXT] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
	[RSS_HFUNC] = { .kind = K_U32, .ranged = true, .min = 1, .max = 255 },
	[RSS_INDIR] = { .kind = K_BINARY, .ranged = true, .min = 1, .max = 65535 },
	[RSS_HKEY] = { .kind = K_BINARY, .ranged = true, .min = 1, .max = 65535 },
	[RSS_INPUT_XFRM] = { .kind = K_U32, .ranged = true, .max = 2 },
};
static const struct attr_policy rss_delete_policy[] = {
	[HEADER] = HEADER_POLICY,
	[RSS_CONTEXT] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
};
static const struct attr_policy bitset_policy[] = {
	[BITSET_NOMASK] = { .kind = K_FLAG },
	[BITSET_SIZE] = { .kind = K_U32, .ranged = true, .max = 1 << 16 },
	[BITSET_BITS] = { .kind = K_NESTED },
	[BITSET_VALUE] = { .kind = K_BINARY },
	[BITSET_MASK] = { .kind = K_BINARY },
};
static const struct attr_policy bit_policy[] = {
	[BIT_INDEX] = { .kind = K_U32 },
	[BIT_NAME] = { .kind = K_STRING },
	[BIT_VALUE] = { .kind = K_FLAG },
};

/* Names of some features; their bits moved between versions. */
static const struct {
	const char *name;
	int bit_6_12, bit_7_3;
} features[] = {
	{ "tx-scatter-gather", 0, 0 },
	{ "tx-checksum-ipv4", 1, 1 },
	{ "tx-checksum-ip-generic", 2, 2 },
	{ "highdma", 4, 4 },
	{ "rx-gro", 14, 14 },
	{ "rx-ntuple-filter", 38, 39 },
	{ "rx-hashing", 39, 40 },
	{ "rx-checksum", 40, 41 },
};
#define N_FEATURES (sizeof(features) / sizeof(features[0]))

static int feature_bit(size_t i)
{
	return kernel.personality == FAKE_LINUX_6_12 ? features[i].bit_6_12 : features[i].bit_7_3;
}

static unsigned int feature_count(void)
{
	return kernel.personality == FAKE_LINUX_6_12 ? 59 : 60;
}

uint64_t fake_ntuple(void)
{
	return 1ULL << feature_bit(5);
}

static int get_nic(struct request *req, struct fake_nic **nic, uint32_t *flags)
{
	struct nlattr *tb[FLAGS + 2];
	int ret;

	if (!req->tb[HEADER])
		return fake_missing(&req->ext, HEADER, NULL);
	ret = fake_parse_nested(&req->ext, tb, FLAGS + 1, req->tb[HEADER], NULL);
	if (ret)
		return ret;
	*flags = tb[FLAGS] ? nla_get_u32(tb[FLAGS]) : 0;
	if (tb[DEV_INDEX]) {
		*nic = fake_nic_by_index(nla_get_u32(tb[DEV_INDEX]));
		if (!*nic)
			return fake_refuse(&req->ext, -ENODEV, tb[DEV_INDEX],
					   "no device matches ifindex");
		if (tb[DEV_NAME] && strcmp(nla_get_string(tb[DEV_NAME]), (*nic)->name))
			return fake_refuse(&req->ext, -ENODEV, req->tb[HEADER],
					   "ifindex and name do not match");
		return 0;
	}
	if (tb[DEV_NAME]) {
		*nic = fake_nic_by_name(nla_get_string(tb[DEV_NAME]));
		return *nic ? 0
			    : fake_refuse(&req->ext, -ENODEV, tb[DEV_NAME],
					  "no device matches name");
	}
	return fake_refuse(&req->ext, -EINVAL, req->tb[HEADER],
			   "neither ifindex nor name specified");
}

static void put_header(struct nl_msg *msg, const struct fake_nic *nic)
{
	struct nlattr *nest = nla_nest_start(msg, HEADER);

	nla_put_u32(msg, DEV_INDEX, nic->ifindex);
	nla_put_string(msg, DEV_NAME, nic->name);
	nla_nest_end(msg, nest);
}

/* ---- rings ---- */

static int rings_get(struct request *req)
{
	const struct fake_state *state;
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags, split;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (!nic->has_rings)
		return -EOPNOTSUPP;
	state = &nic->state;
	msg = fake_answer(req, RINGS_GET_REPLY, 0);
	put_header(msg, nic);
	if (nic->ring_rx_max) {
		nla_put_u32(msg, RINGS_RX_MAX, nic->ring_rx_max);
		nla_put_u32(msg, RINGS_RX, state->ring_rx);
	}
	if (nic->ring_tx_max) {
		nla_put_u32(msg, RINGS_TX_MAX, nic->ring_tx_max);
		nla_put_u32(msg, RINGS_TX, state->ring_tx);
	}
	split = state->split ? state->split : nic->split_auto;
	if (split)
		nla_put_u8(msg, RINGS_TCP_DATA_SPLIT, (uint8_t)split);
	nla_put_u8(msg, RINGS_TX_PUSH, 0);
	nla_put_u8(msg, RINGS_RX_PUSH, 0);
	if (nic->can_hds_thresh) {
		nla_put_u32(msg, RINGS_HDS_THRESH, state->hds_thresh);
		nla_put_u32(msg, RINGS_HDS_THRESH_MAX, nic->hds_thresh_max);
	}
	fake_reply(req, msg);
	return 0;
}

static bool is_bound(const struct fake_nic *nic)
{
	size_t i;

	for (i = 0; i < FAKE_QUEUES; i++)
		if (nic->state.bound[i])
			return true;
	return false;
}

static int rings_set(struct request *req)
{
	struct fake_state new;
	struct fake_nic *nic;
	uint32_t flags;
	int ret;

	if (req->tb[RINGS_HDS_THRESH] && kernel.personality == FAKE_LINUX_6_12)
		return fake_refuse(&req->ext, -EINVAL, req->tb[RINGS_HDS_THRESH],
				   "Unknown attribute type");
	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (req->tb[RINGS_TCP_DATA_SPLIT] && !nic->can_split)
		return fake_refuse(&req->ext, -EOPNOTSUPP, req->tb[RINGS_TCP_DATA_SPLIT],
				   "setting TCP data split is not supported");
	if (req->tb[RINGS_HDS_THRESH] && !nic->can_hds_thresh)
		return fake_refuse(&req->ext, -EOPNOTSUPP, req->tb[RINGS_HDS_THRESH],
				   "setting hds-thresh is not supported");
	if (!nic->has_rings || !nic->can_set_rings)
		return -EOPNOTSUPP;
	new = nic->state;
	if (req->tb[RINGS_RX])
		new.ring_rx = nla_get_u32(req->tb[RINGS_RX]);
	if (req->tb[RINGS_TX])
		new.ring_tx = nla_get_u32(req->tb[RINGS_TX]);
	if (req->tb[RINGS_TCP_DATA_SPLIT])
		new.split = nla_get_u8(req->tb[RINGS_TCP_DATA_SPLIT]);
	if (req->tb[RINGS_HDS_THRESH])
		new.hds_thresh = nla_get_u32(req->tb[RINGS_HDS_THRESH]);
	if (!memcmp(&new, &nic->state, sizeof(new)))
		return 0;
	if (is_bound(nic) && kernel.personality >= FAKE_LINUX_7_3) {
		if (new.split != 2)
			return fake_refuse(&req->ext, -EINVAL, NULL,
					   "can't disable tcp-data-split while device has memory "
					   "provider enabled");
		if (new.hds_thresh)
			return fake_refuse(&req->ext, -EINVAL, NULL,
					   "can't set non-zero hds_thresh while device is memory "
					   "provider enabled");
	}
	if (new.ring_rx > nic->ring_rx_max)
		return fake_refuse(&req->ext, -EINVAL, req->tb[RINGS_RX],
				   "requested ring size exceeds maximum");
	if (new.hds_thresh > nic->hds_thresh_max)
		return fake_refuse(&req->ext, -EINVAL, req->tb[RINGS_HDS_THRESH],
				   "requested ring size exceeds maximum");
	nic->state = new;
	fake_note("%s rings-set split=%u hds-thresh=%u", nic->name, new.split, new.hds_thresh);
	return 0;
}

/* ---- channels ---- */

static int channels_get(struct request *req)
{
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (!nic->has_channels)
		return -EOPNOTSUPP;
	msg = fake_answer(req, CHANNELS_GET_REPLY, 0);
	put_header(msg, nic);
	nla_put_u32(msg, CHANNELS_OTHER_MAX, 1);
	nla_put_u32(msg, CHANNELS_OTHER, 1);
	nla_put_u32(msg, CHANNELS_COMBINED_MAX, nic->combined_max);
	nla_put_u32(msg, CHANNELS_COMBINED, nic->state.combined);
	fake_reply(req, msg);
	return 0;
}

/* ---- features ---- */

static void put_bitset(struct nl_msg *msg, int type, uint64_t value, const uint64_t *mask,
		       bool compact)
{
	struct nlattr *nest = nla_nest_start(msg, type), *bits, *one;
	uint64_t shown = mask ? *mask : value;
	unsigned int bit;
	size_t i;

	if (!mask)
		nla_put_flag(msg, BITSET_NOMASK);
	nla_put_u32(msg, BITSET_SIZE, feature_count());
	if (compact) {
		nla_put(msg, BITSET_VALUE, 8, &value);
		if (mask)
			nla_put(msg, BITSET_MASK, 8, mask);
	} else {
		bits = nla_nest_start(msg, BITSET_BITS);
		for (bit = 0; bit < feature_count(); bit++) {
			if (!(shown & (1ULL << bit)))
				continue;
			one = nla_nest_start(msg, 1);
			nla_put_u32(msg, BIT_INDEX, bit);
			for (i = 0; i < N_FEATURES; i++)
				if (feature_bit(i) == (int)bit)
					nla_put_string(msg, BIT_NAME, features[i].name);
			if (mask && (value & (1ULL << bit)))
				nla_put_flag(msg, BIT_VALUE);
			nla_nest_end(msg, one);
		}
		nla_nest_end_keep_empty(msg, bits);
	}
	nla_nest_end(msg, nest);
}

static uint64_t settable(const struct fake_nic *nic)
{
	return 0x17 | (1ULL << 14) | (nic->ntuple_fixed ? 0 : fake_ntuple());
}

static int features_get(struct request *req)
{
	uint64_t all = ~0ULL >> (64 - feature_count());
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	msg = fake_answer(req, FEATURES_GET_REPLY, 0);
	put_header(msg, nic);
	put_bitset(msg, FEATURES_HW, settable(nic), &all, flags & COMPACT);
	put_bitset(msg, FEATURES_WANTED, nic->state.features_wanted, NULL, flags & COMPACT);
	put_bitset(msg, FEATURES_ACTIVE, nic->state.features, NULL, flags & COMPACT);
	put_bitset(msg, FEATURES_NOCHANGE, 1ULL << 30, NULL, flags & COMPACT);
	fake_reply(req, msg);
	return 0;
}

static int parse_bits(struct request *req, struct nlattr **tb, uint64_t *value, uint64_t *mask)
{
	struct nlattr *bit[BIT_VALUE + 1], *attr;
	int left, ret, index;
	size_t i;

	*value = 0;
	*mask = tb[BITSET_NOMASK] ? ~0ULL >> (64 - feature_count()) : 0;
	nla_for_each_nested(attr, tb[BITSET_BITS], left)
	{
		if (nla_type(attr) != 1)
			return fake_refuse(&req->ext, -EINVAL, attr,
					   "only ETHTOOL_A_BITSET_BITS_BIT allowed in "
					   "ETHTOOL_A_BITSET_BITS");
		ret = fake_parse_nested(&req->ext, bit, BIT_VALUE, attr, bit_policy);
		if (ret)
			return ret;
		index = -1;
		if (bit[BIT_INDEX])
			index = (int)nla_get_u32(bit[BIT_INDEX]);
		else if (bit[BIT_NAME])
			for (i = 0; i < N_FEATURES; i++)
				if (!strcmp(features[i].name, nla_get_string(bit[BIT_NAME])))
					index = feature_bit(i);
		if (!bit[BIT_INDEX] && !bit[BIT_NAME])
			return fake_refuse(&req->ext, -EINVAL, attr,
					   "neither bit index nor name specified");
		if (index < 0)
			return fake_refuse(&req->ext, -EOPNOTSUPP, bit[BIT_NAME],
					   "bit name not found");
		if (index >= (int)feature_count())
			return fake_refuse(&req->ext, -EOPNOTSUPP, bit[BIT_INDEX],
					   "bit index too high");
		*mask |= 1ULL << index;
		if (tb[BITSET_NOMASK] || bit[BIT_VALUE])
			*value |= 1ULL << index;
	}
	return 0;
}

static int parse_bitset(struct request *req, struct nlattr *nest, uint64_t *value, uint64_t *mask)
{
	struct nlattr *tb[BITSET_MASK + 1];
	uint32_t size, words;
	int ret;

	ret = fake_parse_nested(&req->ext, tb, BITSET_MASK, nest, bitset_policy);
	if (ret)
		return ret;
	if (tb[BITSET_BITS] && tb[BITSET_VALUE])
		return fake_refuse(&req->ext, -EINVAL, tb[BITSET_VALUE],
				   "value only allowed in compact bitset");
	if (tb[BITSET_BITS])
		return parse_bits(req, tb, value, mask);
	if (!tb[BITSET_SIZE])
		return fake_refuse(&req->ext, -EINVAL, nest, "missing size in compact bitset");
	if (!tb[BITSET_VALUE])
		return fake_refuse(&req->ext, -EINVAL, nest, "missing value in compact bitset");
	if (!tb[BITSET_NOMASK] && !tb[BITSET_MASK])
		return fake_refuse(&req->ext, -EINVAL, nest,
				   "missing mask in compact nonlist bitset");
	size = nla_get_u32(tb[BITSET_SIZE]);
	words = (size + 31) / 32;
	if ((uint32_t)nla_len(tb[BITSET_VALUE]) != 4 * words ||
	    (tb[BITSET_MASK] && (uint32_t)nla_len(tb[BITSET_MASK]) != 4 * words))
		return fake_refuse(&req->ext, -EINVAL, tb[BITSET_VALUE],
				   "bitset value length does not match size");
	*value = 0;
	*mask = tb[BITSET_MASK] ? 0 : ~0ULL;
	memcpy(value, nla_data(tb[BITSET_VALUE]), words > 2 ? 8 : 4 * words);
	if (tb[BITSET_MASK])
		memcpy(mask, nla_data(tb[BITSET_MASK]), words > 2 ? 8 : 4 * words);
	return 0;
}

static int features_set(struct request *req)
{
	uint64_t value, mask, old, wanted, missed, changed;
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags;
	int ret;

	if (!req->tb[FEATURES_WANTED])
		return -EINVAL;
	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	ret = parse_bitset(req, req->tb[FEATURES_WANTED], &value, &mask);
	if (ret)
		return ret;
	old = nic->state.features;
	wanted = (nic->state.features_wanted & ~mask) | (value & mask);
	if (wanted != nic->state.features_wanted) {
		nic->state.features_wanted =
			(nic->state.features_wanted & ~settable(nic)) | (wanted & settable(nic));
		nic->state.features = nic->state.features_wanted;
		if (nic->ntuple_off_flushes && (old & ~nic->state.features & fake_ntuple()))
			memset(nic->state.rules, 0, sizeof(nic->state.rules));
		if (nic->state.features != old)
			fake_note("%s features-set ntuple=%d", nic->name,
				  !!(nic->state.features & fake_ntuple()));
	}
	if (flags & OMIT_REPLY)
		return 0;
	/* A wanted change that isn't made is reported, not refused. */
	missed = (wanted ^ nic->state.features) & mask;
	changed = old ^ nic->state.features;
	wanted &= missed;
	value = nic->state.features & changed;
	msg = fake_answer(req, FEATURES_SET_REPLY, 0);
	put_header(msg, nic);
	put_bitset(msg, FEATURES_WANTED, wanted, &missed, flags & COMPACT);
	put_bitset(msg, FEATURES_ACTIVE, value, &changed, flags & COMPACT);
	fake_reply(req, msg);
	return 0;
}

/* ---- RSS ---- */

static void put_rss(struct nl_msg *msg, const struct fake_nic *nic, uint32_t context)
{
	put_header(msg, nic);
	if (context)
		nla_put_u32(msg, RSS_CONTEXT, context);
	if (nic->indir_size)
		nla_put(msg, RSS_INDIR, (int)nic->indir_size * 4,
			context ? fake_context(nic, context) : nic->state.indir);
	if (nic->state.rss_hfunc)
		nla_put_u32(msg, RSS_HFUNC, nic->state.rss_hfunc);
	if (nic->key_size)
		nla_put(msg, RSS_HKEY, (int)nic->key_size, nic->state.key);
}

static int rss_get(struct request *req)
{
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags, context = 0;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (req->tb[RSS_START])
		return fake_refuse(&req->ext, -EINVAL, req->tb[RSS_START], NULL);
	if (!nic->has_rss)
		return -EOPNOTSUPP;
	if (req->tb[RSS_CONTEXT])
		context = nla_get_u32(req->tb[RSS_CONTEXT]);
	if (context && !nic->rss_contexts)
		return -EOPNOTSUPP;
	if (context && !fake_context(nic, context))
		return -ENOENT;
	msg = fake_answer(req, RSS_GET_REPLY, 0);
	put_rss(msg, nic, context);
	fake_reply(req, msg);
	return 0;
}

static void dump_rss(struct dump *dump, const struct fake_nic *nic, uint32_t context)
{
	struct nl_msg *msg = fake_answer(dump->req, RSS_GET_REPLY, NLM_F_MULTI);

	put_rss(msg, nic, context);
	fake_dump_add(dump, msg);
}

static int rss_dump(struct request *req, struct dump *dump)
{
	struct fake_nic *only = NULL, *nic;
	uint32_t flags, start = 0, id;
	unsigned int i;
	int ret;

	if (req->tb[RSS_CONTEXT])
		return fake_refuse(&req->ext, -EINVAL, req->tb[RSS_CONTEXT], NULL);
	if (req->tb[RSS_START])
		start = nla_get_u32(req->tb[RSS_START]);
	if (req->tb[HEADER]) {
		ret = get_nic(req, &only, &flags);
		if (ret)
			return ret;
		if (only->no_rss_dump)
			return -EOPNOTSUPP;
		if (only->rss_dump_all) {
			only = NULL;
			start = 0;
		}
	}
	for (i = 0; i < kernel.n_nics; i++) {
		nic = &kernel.nics[i];
		if (!nic->present || !nic->has_rss || (only && nic != only))
			continue;
		if (!start)
			dump_rss(dump, nic, 0);
		for (id = start ? start : 1; id <= FAKE_CONTEXTS; id++)
			if (fake_context(nic, id))
				dump_rss(dump, nic, id);
	}
	return 0;
}

/* len 0 puts the driver's default back. */
int fake_set_indir(struct fake_nic *nic, const uint32_t *table, uint32_t len)
{
	char text[200] = "";
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if (table[i] >= nic->state.combined)
			return -EINVAL;
	if (len) {
		for (i = 0; i < nic->indir_size; i++)
			nic->state.indir[i] = table[i % len];
	} else {
		fake_indir_default(nic);
	}
	nic->state.rss_configured = len != 0;
	for (i = 0; i < nic->indir_size && n < sizeof(text) - 8; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i ? "," : "",
				      nic->state.indir[i]);
	fake_note("%s rss-set %s%s", nic->name, len ? "" : "default ", text);
	return 0;
}

/* The lowest free number, as the kernel gives it. */
int fake_context_add(struct fake_nic *nic, const uint32_t *table, uint32_t len, uint32_t *id)
{
	uint32_t at, i;

	for (i = 0; i < len; i++)
		if (table[i] >= nic->state.combined)
			return -EINVAL;
	for (at = 1; at <= nic->contexts_max && fake_context(nic, at); at++)
		;
	if (at > nic->contexts_max)
		return -EBUSY;
	fake_context_put(nic, at, table, len);
	fake_note("%s rss-create %u", nic->name, at);
	*id = at;
	return 0;
}

/* Up to Linux 6.12 whether rules stand in the way was the driver's to say. */
int fake_context_del(struct fake_nic *nic, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < nic->rules_max; i++)
		if (nic->state.rules[i].used && (nic->state.rules[i].fs.flow_type & FLOW_RSS) &&
		    nic->state.rules[i].rss_context == id)
			return -EBUSY;
	if (!fake_context(nic, id))
		return -ENOENT;
	memset(&nic->state.contexts[id - 1], 0, sizeof(nic->state.contexts[0]));
	fake_note("%s rss-delete %u", nic->name, id);
	return 0;
}

/* Checks the table of a request, if it has one. */
static int check_indir(struct request *req, const struct fake_nic *nic)
{
	struct nlattr *indir = req->tb[RSS_INDIR];
	uint32_t n, i, entry;

	if (!indir)
		return 0;
	if (!nic->indir_size)
		return -EOPNOTSUPP;
	if (nla_len(indir) % 4)
		return fake_refuse(&req->ext, -EINVAL, indir, NULL);
	n = (uint32_t)nla_len(indir) / 4;
	if (n && nic->indir_size % n)
		return fake_refuse(&req->ext, -EINVAL, indir,
				   "size (%u) mismatch with device indir table (%u)", n,
				   nic->indir_size);
	for (i = 0; i < n; i++) {
		memcpy(&entry, (char *)nla_data(indir) + 4 * (size_t)i, 4);
		if (entry >= nic->state.combined)
			return fake_refuse(&req->ext, -EINVAL, indir,
					   "entry %u: queue out of range (%u)", i, entry);
	}
	return 0;
}

static int rss_set(struct request *req)
{
	struct nlattr *indir = req->tb[RSS_INDIR];
	struct fake_nic *nic;
	uint32_t flags;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (req->tb[RSS_CONTEXT] && nla_get_u32(req->tb[RSS_CONTEXT])) {
		fake_complain("RSS_SET of a context");
		return -EOPNOTSUPP;
	}
	if (!nic->has_rss)
		return -EOPNOTSUPP;
	ret = check_indir(req, nic);
	if (ret || !indir)
		return ret;
	if (!nic->can_set_rss)
		return -EOPNOTSUPP;
	return fake_set_indir(nic, nla_data(indir), (uint32_t)nla_len(indir) / 4);
}

static int rss_create(struct request *req)
{
	struct nlattr *indir = req->tb[RSS_INDIR];
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t flags, id;
	int ret;

	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (!nic->has_rss || !nic->rss_contexts)
		return -EOPNOTSUPP;
	if (req->tb[RSS_CONTEXT] || req->tb[RSS_HFUNC] || req->tb[RSS_HKEY] ||
	    req->tb[RSS_INPUT_XFRM])
		fake_complain("RSS_CREATE_ACT with more than a table");
	ret = check_indir(req, nic);
	if (ret)
		return ret;
	ret = fake_context_add(nic, indir ? nla_data(indir) : NULL,
			       indir ? (uint32_t)nla_len(indir) / 4 : 0, &id);
	if (ret == -EBUSY)
		return fake_refuse(&req->ext, ret, NULL, "error allocating context ID");
	if (ret)
		return ret;
	if (nic->rss_create_mute == 2)
		return 0;
	msg = fake_answer(req, RSS_CREATE_ACT_REPLY, 0);
	put_rss(msg, nic, nic->rss_create_mute ? 0 : id);
	fake_reply(req, msg);
	return 0;
}

static int rss_delete(struct request *req)
{
	struct fake_nic *nic;
	uint32_t flags;
	int ret;

	if (!req->tb[RSS_CONTEXT])
		return fake_missing(&req->ext, RSS_CONTEXT, NULL);
	ret = get_nic(req, &nic, &flags);
	if (ret)
		return ret;
	if (!nic->has_rss || !nic->rss_contexts)
		return -EOPNOTSUPP;
	return fake_context_del(nic, nla_get_u32(req->tb[RSS_CONTEXT]));
}

static const struct family_command commands[] = {
	{ .cmd = FEATURES_GET, .do_it = features_get, .do_policy = get_policy, .do_max = HEADER },
	{ .cmd = FEATURES_SET,
	  .admin = true,
	  .do_it = features_set,
	  .do_policy = features_set_policy,
	  .do_max = FEATURES_WANTED },
	{ .cmd = RINGS_GET, .do_it = rings_get, .do_policy = get_policy, .do_max = HEADER },
	{ .cmd = RINGS_SET,
	  .admin = true,
	  .do_it = rings_set,
	  .do_policy = rings_set_policy,
	  .do_max = RINGS_HDS_THRESH },
	{ .cmd = CHANNELS_GET, .do_it = channels_get, .do_policy = get_policy, .do_max = HEADER },
	{ .cmd = RSS_GET,
	  .do_it = rss_get,
	  .do_policy = rss_get_policy,
	  .do_max = RSS_START,
	  .dump = rss_dump,
	  .dump_policy = rss_get_policy,
	  .dump_max = RSS_START },
	{ .cmd = RSS_SET,
	  .admin = true,
	  .do_it = rss_set,
	  .do_policy = rss_set_policy,
	  .do_max = RSS_FLOW_HASH,
	  .since = FAKE_LINUX_7_3 },
	{ .cmd = RSS_CREATE_ACT,
	  .admin = true,
	  .do_it = rss_create,
	  .do_policy = rss_create_policy,
	  .do_max = RSS_INPUT_XFRM,
	  .since = FAKE_LINUX_7_3 },
	{ .cmd = RSS_DELETE_ACT,
	  .admin = true,
	  .do_it = rss_delete,
	  .do_policy = rss_delete_policy,
	  .do_max = RSS_CONTEXT,
	  .since = FAKE_LINUX_7_3 },
	{ 0 },
};

static const char *const groups[] = { "monitor", NULL };

const struct family fake_ethtool_family = {
	.name = "ethtool",
	.id = 21,
	.version = 1,
	.commands = commands,
	.groups = groups,
};
