/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ETHTOOL_H
#define DEVMEM_LIB_ETHTOOL_H

/* Reads and changes single settings of an interface: over ethtool netlink, and over the ioctl where
 * netlink has nothing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "netlink/ethtool_msg.h"
#include "nic/nic.h"
#include "uapi/ethtool.h"

/* True if an error says that driver or kernel don't have what was asked for, or don't have it now
 * (interface down): nothing that a snapshot should fail for. */
bool ethtool_is_absent(int code);
/* 0 after such an error; any other is the caller's: err becomes failed. Return: ret or 0. */
int ethtool_ignore_absent(int ret, const struct devmem_error *failed, struct devmem_error *err);

int ethtool_get_rings(const struct nic *nic, struct ethtool_msg_rings *rings,
		      struct devmem_error *err);
/* set: ETHTOOL_MSG_SET_*. */
int ethtool_set_rings(const struct nic *nic, unsigned int set, uint8_t split, uint32_t hds_thresh,
		      struct devmem_error *err);

int ethtool_get_channels(const struct nic *nic, struct ethtool_msg_channels *channels,
			 struct devmem_error *err);

/* A feature by its name. */
int ethtool_get_feature(const struct nic *nic, const char *name,
			struct ethtool_msg_feature *feature, struct devmem_error *err);
/* Whether flow rules are switched on. */
int ethtool_get_ntuple(const struct nic *nic, struct ethtool_msg_feature *ntuple,
		       struct devmem_error *err);
int ethtool_set_ntuple(const struct nic *nic, bool on, struct devmem_error *err);

/* An RSS context, 0 = the default one. A driver without RSS gives -EOPNOTSUPP, or an empty
 * table. */
struct ethtool_rss {
	uint32_t hfunc;
	uint32_t *table;
	uint32_t table_len;
	uint8_t *key;
	uint32_t key_len;
};
int ethtool_get_rss(const struct nic *nic, uint32_t context, struct ethtool_rss *rss,
		    struct devmem_error *err);
void ethtool_rss_free(struct ethtool_rss *rss);
/* True if the table is the kernel's own: an even spread over so many queues. */
bool ethtool_rss_is_default(const struct ethtool_rss *rss, uint32_t rx_rings);
/* Sets the default context's table; n = 0 resets it to the kernel's spread over all queues. */
int ethtool_set_rss(const struct nic *nic, const uint32_t *table, uint32_t n,
		    struct devmem_error *err);

/* RSS contexts beyond the default one: their numbers, ascending; the caller frees. A driver without
 * them gives -EOPNOTSUPP or none. */
int ethtool_list_rss_contexts(const struct nic *nic, uint32_t **ids, uint32_t *n,
			      struct devmem_error *err);
/* Makes one with a table of n entries, as many as the default context's. -EOPNOTSUPP: the driver
 * has none. After a failure with genl_is_in_doubt() it may be there all the same: id is then its
 * number, or 0 where the answer didn't come as far as that. */
int ethtool_create_rss_context(const struct nic *nic, const uint32_t *table, uint32_t n,
			       uint32_t *id, struct devmem_error *err);
int ethtool_delete_rss_context(const struct nic *nic, uint32_t id, struct devmem_error *err);

/* The device's permanent hardware address; all of it 0 if it has none. */
#define ETHTOOL_ADDRESS_MAX 32
int ethtool_get_permanent_address(const struct nic *nic, uint8_t address[ETHTOOL_ADDRESS_MAX],
				  uint32_t *len, struct devmem_error *err);
/* The device's bus address, "" if it has none. */
int ethtool_get_bus(const struct nic *nic, char bus[32], struct devmem_error *err);

/* Receive queues that RSS can spread over. */
int ethtool_get_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err);

/* Flow rules. */
int ethtool_get_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			   struct devmem_error *err);
/* All rules, in order of their places, flow type 0 for those that can't be read; the caller frees.
 * places receives the size of the table, 0 if the driver doesn't say. */
int ethtool_get_rules(const struct nic *nic, struct uapi_rxnfc **rules, uint32_t *n,
		      uint32_t *places, struct devmem_error *err);
int ethtool_get_rule(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
		     struct devmem_error *err);
int ethtool_insert_rule(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err);
int ethtool_delete_rule(const struct nic *nic, uint32_t place, struct devmem_error *err);

/* Adds 1 to hits[queue] for each of n queues that the rule sends packets to, itself or through its
 * RSS context. */
int ethtool_rule_hits(const struct nic *nic, const struct uapi_rxnfc *rule, uint32_t *hits,
		      uint32_t n, struct devmem_error *err);

#endif
