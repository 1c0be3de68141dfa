// SPDX-License-Identifier: BSD-3-Clause
/* Codec of the ethtool netlink family. */
#include "netlink/ethtool_msg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "netlink/nlmsg.h"
#include "uapi/ethtool.h"

/* Names as in Documentation/netlink/specs/ethtool.yaml. */
static const struct attr_name header_names[] = {
	{ UAPI_ETHTOOL_A_HEADER_DEV_INDEX, "dev-index", NULL },
	{ UAPI_ETHTOOL_A_HEADER_DEV_NAME, "dev-name", NULL },
	{ UAPI_ETHTOOL_A_HEADER_FLAGS, "flags", NULL },
	{ 0, NULL, NULL },
};

static const struct attr_name bit_names[] = {
	{ UAPI_ETHTOOL_A_BITSET_BIT_INDEX, "index", NULL },
	{ UAPI_ETHTOOL_A_BITSET_BIT_NAME, "name", NULL },
	{ UAPI_ETHTOOL_A_BITSET_BIT_VALUE, "value", NULL },
	{ 0, NULL, NULL },
};

static const struct attr_name bits_names[] = {
	{ UAPI_ETHTOOL_A_BITSET_BITS_BIT, "bit", bit_names },
	{ 0, NULL, NULL },
};

static const struct attr_name bitset_names[] = {
	{ UAPI_ETHTOOL_A_BITSET_NOMASK, "nomask", NULL },
	{ UAPI_ETHTOOL_A_BITSET_SIZE, "size", NULL },
	{ UAPI_ETHTOOL_A_BITSET_BITS, "bits", bits_names },
	{ 0, NULL, NULL },
};

const struct attr_name ethtool_msg_rings_names[] = {
	{ UAPI_ETHTOOL_A_RINGS_HEADER, "header", header_names },
	{ UAPI_ETHTOOL_A_RINGS_RX, "rx", NULL },
	{ UAPI_ETHTOOL_A_RINGS_TX, "tx", NULL },
	{ UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, "tcp-data-split", NULL },
	{ UAPI_ETHTOOL_A_RINGS_HDS_THRESH, "hds-thresh", NULL },
	{ 0, NULL, NULL },
};

const struct attr_name ethtool_msg_channels_names[] = {
	{ UAPI_ETHTOOL_A_CHANNELS_HEADER, "header", header_names },
	{ 0, NULL, NULL },
};

const struct attr_name ethtool_msg_features_names[] = {
	{ UAPI_ETHTOOL_A_FEATURES_HEADER, "header", header_names },
	{ UAPI_ETHTOOL_A_FEATURES_WANTED, "wanted", bitset_names },
	{ 0, NULL, NULL },
};

const struct attr_name ethtool_msg_rss_names[] = {
	{ UAPI_ETHTOOL_A_RSS_HEADER, "header", header_names },
	{ UAPI_ETHTOOL_A_RSS_CONTEXT, "context", NULL },
	{ UAPI_ETHTOOL_A_RSS_HFUNC, "hfunc", NULL },
	{ UAPI_ETHTOOL_A_RSS_INDIR, "indir", NULL },
	{ UAPI_ETHTOOL_A_RSS_HKEY, "hkey", NULL },
	{ UAPI_ETHTOOL_A_RSS_INPUT_XFRM, "input-xfrm", NULL },
	{ UAPI_ETHTOOL_A_RSS_START_CONTEXT, "start-context", NULL },
	{ 0, NULL, NULL },
};

/* Every request starts with a header nest of the same number that says which interface. */
_Static_assert(UAPI_ETHTOOL_A_RINGS_HEADER == 1 && UAPI_ETHTOOL_A_CHANNELS_HEADER == 1 &&
		       UAPI_ETHTOOL_A_FEATURES_HEADER == 1 && UAPI_ETHTOOL_A_RSS_HEADER == 1,
	       "header attribute");

static struct nlmsghdr *start(void *buf, size_t size, uint8_t cmd, uint32_t ifindex)
{
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = nlmsg_start(buf, size, cmd, UAPI_ETHTOOL_VERSION);
	if (!nlh)
		return NULL;
	nest = mnl_attr_nest_start_check(nlh, size, UAPI_ETHTOOL_A_RINGS_HEADER);
	if (!nest || !mnl_attr_put_u32_check(nlh, size, UAPI_ETHTOOL_A_HEADER_DEV_INDEX, ifindex))
		return NULL;
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

/* What a reply's header says: which interface. */
static const struct nlmsg_field header_fields[] = {
	{ UAPI_ETHTOOL_A_HEADER_DEV_INDEX, NLMSG_KIND_NUMBER, sizeof(uint32_t), 0, NULL },
	{ 0 },
};

struct nlmsghdr *ethtool_msg_rings_get(void *buf, size_t size, uint32_t ifindex)
{
	return start(buf, size, UAPI_ETHTOOL_MSG_RINGS_GET, ifindex);
}

static const struct nlmsg_field rings_fields[] = {
	NLMSG_NEST(UAPI_ETHTOOL_A_RINGS_HEADER, struct ethtool_msg_rings, ifindex, header_fields),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_RX_MAX, struct ethtool_msg_rings, rx_max),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_TX_MAX, struct ethtool_msg_rings, tx_max),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_RX, struct ethtool_msg_rings, rx),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_TX, struct ethtool_msg_rings, tx),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, struct ethtool_msg_rings, split),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_HDS_THRESH, struct ethtool_msg_rings, hds_thresh),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RINGS_HDS_THRESH_MAX, struct ethtool_msg_rings, hds_thresh_max),
	{ 0 },
};

int ethtool_msg_parse_rings(const void *msg, size_t len, struct ethtool_msg_rings *rings)
{
	uint64_t has;
	int ret = nlmsg_read(msg, len, rings_fields, rings, sizeof(*rings), &has);

	if (ret)
		return ret;
	rings->has_split = nlmsg_has(has, UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT);
	rings->has_hds_thresh = nlmsg_has(has, UAPI_ETHTOOL_A_RINGS_HDS_THRESH);
	return 0;
}

struct nlmsghdr *ethtool_msg_rings_set(void *buf, size_t size, uint32_t ifindex, unsigned int set,
				       uint8_t split, uint32_t hds_thresh)
{
	struct nlmsghdr *nlh = start(buf, size, UAPI_ETHTOOL_MSG_RINGS_SET, ifindex);

	if (!nlh)
		return NULL;
	if ((set & ETHTOOL_MSG_SET_SPLIT) &&
	    !mnl_attr_put_u8_check(nlh, size, UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, split))
		return NULL;
	if ((set & ETHTOOL_MSG_SET_HDS_THRESH) &&
	    !mnl_attr_put_u32_check(nlh, size, UAPI_ETHTOOL_A_RINGS_HDS_THRESH, hds_thresh))
		return NULL;
	return nlh;
}

struct nlmsghdr *ethtool_msg_channels_get(void *buf, size_t size, uint32_t ifindex)
{
	return start(buf, size, UAPI_ETHTOOL_MSG_CHANNELS_GET, ifindex);
}

static const struct nlmsg_field channels_fields[] = {
	NLMSG_NEST(UAPI_ETHTOOL_A_CHANNELS_HEADER, struct ethtool_msg_channels, ifindex,
		   header_fields),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_RX_MAX, struct ethtool_msg_channels, rx_max),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_TX_MAX, struct ethtool_msg_channels, tx_max),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_COMBINED_MAX, struct ethtool_msg_channels,
		     combined_max),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_RX_COUNT, struct ethtool_msg_channels, rx),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_TX_COUNT, struct ethtool_msg_channels, tx),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_CHANNELS_COMBINED_COUNT, struct ethtool_msg_channels, combined),
	{ 0 },
};

int ethtool_msg_parse_channels(const void *msg, size_t len, struct ethtool_msg_channels *channels)
{
	return nlmsg_read(msg, len, channels_fields, channels, sizeof(*channels), NULL);
}

struct nlmsghdr *ethtool_msg_features_get(void *buf, size_t size, uint32_t ifindex)
{
	return start(buf, size, UAPI_ETHTOOL_MSG_FEATURES_GET, ifindex);
}

struct nlmsghdr *ethtool_msg_feature_set(void *buf, size_t size, uint32_t ifindex, const char *name,
					 int on)
{
	struct nlmsghdr *nlh = start(buf, size, UAPI_ETHTOOL_MSG_FEATURES_SET, ifindex);
	struct nlattr *wanted, *bits, *bit;

	if (!nlh)
		return NULL;
	wanted = mnl_attr_nest_start_check(nlh, size, UAPI_ETHTOOL_A_FEATURES_WANTED);
	if (!wanted)
		return NULL;
	bits = mnl_attr_nest_start_check(nlh, size, UAPI_ETHTOOL_A_BITSET_BITS);
	if (!bits)
		return NULL;
	bit = mnl_attr_nest_start_check(nlh, size, UAPI_ETHTOOL_A_BITSET_BITS_BIT);
	if (!bit || !mnl_attr_put_strz_check(nlh, size, UAPI_ETHTOOL_A_BITSET_BIT_NAME, name))
		return NULL;
	if (on && !mnl_attr_put_check(nlh, size, UAPI_ETHTOOL_A_BITSET_BIT_VALUE, 0, ""))
		return NULL;
	mnl_attr_nest_end(nlh, bit);
	mnl_attr_nest_end(nlh, bits);
	mnl_attr_nest_end(nlh, wanted);
	return nlh;
}

static bool is_name(const struct nlattr *attr, const char *name)
{
	size_t len = strlen(name);

	/* With its terminator. */
	return mnl_attr_get_payload_len(attr) == len + 1 &&
	       !memcmp(mnl_attr_get_payload(attr), name, len + 1);
}

struct bit {
	const struct nlattr *name;
	int value;
};

static const struct nlmsg_field bit_fields[] = {
	NLMSG_ATTR(UAPI_ETHTOOL_A_BITSET_BIT_NAME, struct bit, name),
	NLMSG_FLAG(UAPI_ETHTOOL_A_BITSET_BIT_VALUE, struct bit, value),
	{ 0 },
};

struct bitset {
	int nomask;
	const struct nlattr *bits;
};

static const struct nlmsg_field bitset_fields[] = {
	NLMSG_FLAG(UAPI_ETHTOOL_A_BITSET_NOMASK, struct bitset, nomask),
	NLMSG_ATTR(UAPI_ETHTOOL_A_BITSET_BITS, struct bitset, bits),
	{ 0 },
};

/* Looks for a bit in a bitset, which may be NULL. A bitset without a mask lists the bits that are
 * set; one with a mask lists the masked bits with their values. */
static int parse_bitset(const struct nlattr *nest, const char *name, struct ethtool_msg_bit *found)
{
	const struct nlattr *attr;
	struct bitset set;
	struct bit bit;
	int ret;

	if (!nest)
		return 0;
	ret = nlmsg_read_nest(nest, bitset_fields, &set, sizeof(set), NULL);
	if (ret || !set.bits)
		return ret;
	nlmsg_for_each_nested(attr, set.bits)
	{
		if (mnl_attr_get_type(attr) != UAPI_ETHTOOL_A_BITSET_BITS_BIT)
			continue;
		ret = nlmsg_read_nest(attr, bit_fields, &bit, sizeof(bit), NULL);
		if (ret)
			return ret;
		if (bit.name && is_name(bit.name, name)) {
			found->listed = 1;
			found->set = set.nomask || bit.value;
			return 0;
		}
	}
	return 0;
}

struct features {
	uint32_t ifindex;
	const struct nlattr *hw, *wanted, *active, *nochange;
};

static const struct nlmsg_field features_fields[] = {
	NLMSG_NEST(UAPI_ETHTOOL_A_FEATURES_HEADER, struct features, ifindex, header_fields),
	NLMSG_ATTR(UAPI_ETHTOOL_A_FEATURES_HW, struct features, hw),
	NLMSG_ATTR(UAPI_ETHTOOL_A_FEATURES_WANTED, struct features, wanted),
	NLMSG_ATTR(UAPI_ETHTOOL_A_FEATURES_ACTIVE, struct features, active),
	NLMSG_ATTR(UAPI_ETHTOOL_A_FEATURES_NOCHANGE, struct features, nochange),
	{ 0 },
};

int ethtool_msg_parse_feature(const void *msg, size_t len, const char *name,
			      struct ethtool_msg_feature *feature)
{
	struct features features;
	int ret;

	memset(feature, 0, sizeof(*feature));
	ret = nlmsg_read(msg, len, features_fields, &features, sizeof(features), NULL);
	if (ret)
		return ret;
	feature->ifindex = features.ifindex;
	if (parse_bitset(features.hw, name, &feature->hw) ||
	    parse_bitset(features.wanted, name, &feature->wanted) ||
	    parse_bitset(features.active, name, &feature->active) ||
	    parse_bitset(features.nochange, name, &feature->nochange))
		return -EBADMSG;
	return 0;
}

struct nlmsghdr *ethtool_msg_rss_get(void *buf, size_t size, uint32_t ifindex, uint32_t context)
{
	struct nlmsghdr *nlh = start(buf, size, UAPI_ETHTOOL_MSG_RSS_GET, ifindex);

	if (!nlh)
		return NULL;
	if (context && !mnl_attr_put_u32_check(nlh, size, UAPI_ETHTOOL_A_RSS_CONTEXT, context))
		return NULL;
	return nlh;
}

/* Puts the payload of the attribute that *data points to in its place. Returns the length. */
static size_t payload(const void **data)
{
	const struct nlattr *attr = *data;

	if (!attr)
		return 0;
	*data = mnl_attr_get_payload(attr);
	return mnl_attr_get_payload_len(attr);
}

static const struct nlmsg_field rss_fields[] = {
	NLMSG_NEST(UAPI_ETHTOOL_A_RSS_HEADER, struct ethtool_msg_rss, ifindex, header_fields),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RSS_CONTEXT, struct ethtool_msg_rss, context),
	NLMSG_NUMBER(UAPI_ETHTOOL_A_RSS_HFUNC, struct ethtool_msg_rss, hfunc),
	NLMSG_ATTR(UAPI_ETHTOOL_A_RSS_INDIR, struct ethtool_msg_rss, table),
	NLMSG_ATTR(UAPI_ETHTOOL_A_RSS_HKEY, struct ethtool_msg_rss, key),
	{ 0 },
};

int ethtool_msg_parse_rss(const void *msg, size_t len, struct ethtool_msg_rss *rss)
{
	int ret = nlmsg_read(msg, len, rss_fields, rss, sizeof(*rss), NULL);

	if (ret)
		return ret;
	rss->table_len = payload(&rss->table);
	rss->key_len = payload(&rss->key);
	if (rss->table_len % sizeof(uint32_t))
		return -EBADMSG;
	rss->table_len /= sizeof(uint32_t);
	return 0;
}

size_t ethtool_msg_rss_set_size(size_t n)
{
	/* Header nest with one number, then the table. */
	return MNL_NLMSG_HDRLEN + GENL_HDRLEN + 2 * MNL_ATTR_HDRLEN + sizeof(uint32_t) +
	       MNL_ATTR_HDRLEN + n * sizeof(uint32_t);
}

/* A request with a table. */
static struct nlmsghdr *start_table(void *buf, size_t size, uint8_t cmd, uint32_t ifindex,
				    const uint32_t *table, size_t n)
{
	struct nlmsghdr *nlh = start(buf, size, cmd, ifindex);

	/* An attribute's length has 16 bits. */
	if (!nlh || n > (UINT16_MAX - MNL_ATTR_HDRLEN) / sizeof(*table))
		return NULL;
	if (!mnl_attr_put_check(nlh, size, UAPI_ETHTOOL_A_RSS_INDIR, n * sizeof(*table),
				n ? (const void *)table : ""))
		return NULL;
	return nlh;
}

struct nlmsghdr *ethtool_msg_rss_set(void *buf, size_t size, uint32_t ifindex,
				     const uint32_t *table, size_t n)
{
	return start_table(buf, size, UAPI_ETHTOOL_MSG_RSS_SET, ifindex, table, n);
}

struct nlmsghdr *ethtool_msg_rss_dump(void *buf, size_t size, uint32_t ifindex)
{
	struct nlmsghdr *nlh = start(buf, size, UAPI_ETHTOOL_MSG_RSS_GET, ifindex);

	if (!nlh || !mnl_attr_put_u32_check(nlh, size, UAPI_ETHTOOL_A_RSS_START_CONTEXT, 1))
		return NULL;
	return nlh;
}

struct nlmsghdr *ethtool_msg_rss_create(void *buf, size_t size, uint32_t ifindex,
					const uint32_t *table, size_t n)
{
	return start_table(buf, size, UAPI_ETHTOOL_MSG_RSS_CREATE_ACT, ifindex, table, n);
}

int ethtool_msg_parse_rss_create(const void *msg, size_t len, uint32_t *context)
{
	struct ethtool_msg_rss rss;
	int ret;

	*context = 0;
	ret = ethtool_msg_parse_rss(msg, len, &rss);
	if (ret)
		return ret;
	if (!rss.context)
		return -EBADMSG;
	*context = rss.context;
	return 0;
}

struct nlmsghdr *ethtool_msg_rss_delete(void *buf, size_t size, uint32_t ifindex, uint32_t context)
{
	struct nlmsghdr *nlh = start(buf, size, UAPI_ETHTOOL_MSG_RSS_DELETE_ACT, ifindex);

	if (!nlh || !mnl_attr_put_u32_check(nlh, size, UAPI_ETHTOOL_A_RSS_CONTEXT, context))
		return NULL;
	return nlh;
}
