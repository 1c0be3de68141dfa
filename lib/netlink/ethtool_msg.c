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

static int parse_header(const struct nlattr *nest, uint32_t *ifindex)
{
	const struct nlattr *attr;

	nlmsg_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == UAPI_ETHTOOL_A_HEADER_DEV_INDEX)
			return nlmsg_u32(attr, ifindex);
	}
	return 0;
}

struct nlmsghdr *ethtool_msg_rings_get(void *buf, size_t size, uint32_t ifindex)
{
	return start(buf, size, UAPI_ETHTOOL_MSG_RINGS_GET, ifindex);
}

int ethtool_msg_parse_rings(const void *msg, size_t len, struct ethtool_msg_rings *rings)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(rings, 0, sizeof(*rings));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_ETHTOOL_A_RINGS_HEADER:
			ret = parse_header(attr, &rings->ifindex);
			break;
		case UAPI_ETHTOOL_A_RINGS_RX_MAX:
			ret = nlmsg_u32(attr, &rings->rx_max);
			break;
		case UAPI_ETHTOOL_A_RINGS_TX_MAX:
			ret = nlmsg_u32(attr, &rings->tx_max);
			break;
		case UAPI_ETHTOOL_A_RINGS_RX:
			ret = nlmsg_u32(attr, &rings->rx);
			break;
		case UAPI_ETHTOOL_A_RINGS_TX:
			ret = nlmsg_u32(attr, &rings->tx);
			break;
		case UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT:
			rings->has_split = 1;
			ret = nlmsg_u8(attr, &rings->split);
			break;
		case UAPI_ETHTOOL_A_RINGS_HDS_THRESH:
			rings->has_hds_thresh = 1;
			ret = nlmsg_u32(attr, &rings->hds_thresh);
			break;
		case UAPI_ETHTOOL_A_RINGS_HDS_THRESH_MAX:
			ret = nlmsg_u32(attr, &rings->hds_thresh_max);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
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

int ethtool_msg_parse_channels(const void *msg, size_t len, struct ethtool_msg_channels *channels)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(channels, 0, sizeof(*channels));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_ETHTOOL_A_CHANNELS_HEADER:
			ret = parse_header(attr, &channels->ifindex);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_RX_MAX:
			ret = nlmsg_u32(attr, &channels->rx_max);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_TX_MAX:
			ret = nlmsg_u32(attr, &channels->tx_max);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_COMBINED_MAX:
			ret = nlmsg_u32(attr, &channels->combined_max);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_RX_COUNT:
			ret = nlmsg_u32(attr, &channels->rx);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_TX_COUNT:
			ret = nlmsg_u32(attr, &channels->tx);
			break;
		case UAPI_ETHTOOL_A_CHANNELS_COMBINED_COUNT:
			ret = nlmsg_u32(attr, &channels->combined);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
	return 0;
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

/* Looks for a bit in the bits of a bitset. */
static void parse_bits(const struct nlattr *bits, const char *name, struct ethtool_msg_bit *found)
{
	const struct nlattr *bit, *attr;
	bool match, value;

	nlmsg_for_each_nested(bit, bits)
	{
		if (mnl_attr_get_type(bit) != UAPI_ETHTOOL_A_BITSET_BITS_BIT)
			continue;
		match = false;
		value = false;
		nlmsg_for_each_nested(attr, bit)
		{
			switch (mnl_attr_get_type(attr)) {
			case UAPI_ETHTOOL_A_BITSET_BIT_NAME:
				match = is_name(attr, name);
				break;
			case UAPI_ETHTOOL_A_BITSET_BIT_VALUE:
				value = true;
				break;
			default:
				break;
			}
		}
		if (match) {
			found->listed = 1;
			found->set = value;
			return;
		}
	}
}

/* A bitset without a mask lists the bits that are set; one with a mask lists the masked bits with
 * their values. */
static void parse_bitset(const struct nlattr *bitset, const char *name, struct ethtool_msg_bit *bit)
{
	const struct nlattr *attr;
	bool nomask = false;

	memset(bit, 0, sizeof(*bit));
	nlmsg_for_each_nested(attr, bitset)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_ETHTOOL_A_BITSET_NOMASK:
			nomask = true;
			break;
		case UAPI_ETHTOOL_A_BITSET_BITS:
			parse_bits(attr, name, bit);
			break;
		default:
			break;
		}
	}
	if (nomask)
		bit->set = bit->listed;
}

int ethtool_msg_parse_feature(const void *msg, size_t len, const char *name,
			      struct ethtool_msg_feature *feature)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(feature, 0, sizeof(*feature));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_ETHTOOL_A_FEATURES_HEADER:
			ret = parse_header(attr, &feature->ifindex);
			break;
		case UAPI_ETHTOOL_A_FEATURES_HW:
			parse_bitset(attr, name, &feature->hw);
			break;
		case UAPI_ETHTOOL_A_FEATURES_WANTED:
			parse_bitset(attr, name, &feature->wanted);
			break;
		case UAPI_ETHTOOL_A_FEATURES_ACTIVE:
			parse_bitset(attr, name, &feature->active);
			break;
		case UAPI_ETHTOOL_A_FEATURES_NOCHANGE:
			parse_bitset(attr, name, &feature->nochange);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
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

int ethtool_msg_parse_rss(const void *msg, size_t len, struct ethtool_msg_rss *rss)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(rss, 0, sizeof(*rss));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_ETHTOOL_A_RSS_HEADER:
			ret = parse_header(attr, &rss->ifindex);
			break;
		case UAPI_ETHTOOL_A_RSS_CONTEXT:
			ret = nlmsg_u32(attr, &rss->context);
			break;
		case UAPI_ETHTOOL_A_RSS_HFUNC:
			ret = nlmsg_u32(attr, &rss->hfunc);
			break;
		case UAPI_ETHTOOL_A_RSS_INDIR:
			if (mnl_attr_get_payload_len(attr) % sizeof(uint32_t))
				return -EBADMSG;
			rss->table = mnl_attr_get_payload(attr);
			rss->table_len = mnl_attr_get_payload_len(attr) / sizeof(uint32_t);
			break;
		case UAPI_ETHTOOL_A_RSS_HKEY:
			rss->key = mnl_attr_get_payload(attr);
			rss->key_len = mnl_attr_get_payload_len(attr);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
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
