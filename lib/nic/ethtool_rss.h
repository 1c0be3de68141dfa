/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ETHTOOL_RSS_H
#define DEVMEM_LIB_ETHTOOL_RSS_H

/* RSS: the table of the default context, and contexts beyond it. */

#include <stdbool.h>
#include <stdint.h>

#include "nic/nic.h"

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

/* Receive queues that RSS can spread over. */
int ethtool_get_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err);

#endif
