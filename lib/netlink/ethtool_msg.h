/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ETHTOOL_MSG_H
#define DEVMEM_LIB_ETHTOOL_MSG_H

/*
 * Codec of the ethtool netlink family: requests into a buffer, replies out of one. No file
 * descriptor, no memory of its own.
 *
 * Builders return the message, which starts at buf, or NULL if it doesn't fit in size bytes; genl
 * fills in the family's number, the sequence number and flags. Parsers take a message of at most
 * len bytes and return 0 or -EBADMSG; what the message doesn't say is 0. Numbers and types:
 * uapi/ethtool.h.
 */

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/extack.h"

/* Names of the requests' attributes, for extack_error(). */
extern const struct attr_name ethtool_msg_rings_names[];
extern const struct attr_name ethtool_msg_channels_names[];
extern const struct attr_name ethtool_msg_features_names[];
extern const struct attr_name ethtool_msg_rss_names[];

struct ethtool_msg_rings {
	uint32_t ifindex;
	uint32_t rx, tx, rx_max, tx_max;
	int has_split, has_hds_thresh;
	uint8_t split; /* UAPI_ETHTOOL_TCP_DATA_SPLIT_* */
	uint32_t hds_thresh, hds_thresh_max;
};
struct nlmsghdr *ethtool_msg_rings_get(void *buf, size_t size, uint32_t ifindex);
int ethtool_msg_parse_rings(const void *msg, size_t len, struct ethtool_msg_rings *rings);

/* Only what set names is changed. */
#define ETHTOOL_MSG_SET_SPLIT (1U << 0)
#define ETHTOOL_MSG_SET_HDS_THRESH (1U << 1)
struct nlmsghdr *ethtool_msg_rings_set(void *buf, size_t size, uint32_t ifindex, unsigned int set,
				       uint8_t split, uint32_t hds_thresh);

struct ethtool_msg_channels {
	uint32_t ifindex;
	uint32_t rx, tx, combined;
	uint32_t rx_max, tx_max, combined_max;
};
struct nlmsghdr *ethtool_msg_channels_get(void *buf, size_t size, uint32_t ifindex);
int ethtool_msg_parse_channels(const void *msg, size_t len, struct ethtool_msg_channels *channels);

/* One bit of a bitset: whether it is listed at all, and whether it's set. */
struct ethtool_msg_bit {
	int listed, set;
};

/* One feature. In the reply to a set request, wanted.listed means: the request was not honoured. */
struct ethtool_msg_feature {
	uint32_t ifindex;
	struct ethtool_msg_bit hw, wanted, active, nochange;
};
struct nlmsghdr *ethtool_msg_features_get(void *buf, size_t size, uint32_t ifindex);
struct nlmsghdr *ethtool_msg_feature_set(void *buf, size_t size, uint32_t ifindex, const char *name,
					 int on);
int ethtool_msg_parse_feature(const void *msg, size_t len, const char *name,
			      struct ethtool_msg_feature *feature);

/* table and key point into the message; table holds table_len numbers of 32 bits. */
struct ethtool_msg_rss {
	uint32_t ifindex;
	uint32_t context;
	uint32_t hfunc;
	const void *table;
	size_t table_len;
	const void *key;
	size_t key_len;
};
/* context 0 is the default one. */
struct nlmsghdr *ethtool_msg_rss_get(void *buf, size_t size, uint32_t ifindex, uint32_t context);
int ethtool_msg_parse_rss(const void *msg, size_t len, struct ethtool_msg_rss *rss);

/* Sets the table of the default context; n = 0 resets it to the kernel's default. */
size_t ethtool_msg_rss_set_size(size_t n);
struct nlmsghdr *ethtool_msg_rss_set(void *buf, size_t size, uint32_t ifindex,
				     const uint32_t *table, size_t n);

/* Asks for all RSS contexts of the interface but the default one, as a dump of messages for
 * ethtool_msg_parse_rss(). */
struct nlmsghdr *ethtool_msg_rss_dump(void *buf, size_t size, uint32_t ifindex);
/* Makes an RSS context with a table of n entries, at least 1; a buffer of
 * ethtool_msg_rss_set_size() is large enough. */
struct nlmsghdr *ethtool_msg_rss_create(void *buf, size_t size, uint32_t ifindex,
					const uint32_t *table, size_t n);
/* The number of the context that was made; -EBADMSG without one. */
int ethtool_msg_parse_rss_create(const void *msg, size_t len, uint32_t *context);
struct nlmsghdr *ethtool_msg_rss_delete(void *buf, size_t size, uint32_t ifindex, uint32_t context);

#endif
