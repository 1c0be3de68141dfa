/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ETHTOOL_RULES_H
#define DEVMEM_LIB_ETHTOOL_RULES_H

/* Flow rules as the kernel has them. flow.h is what they mean. */

#include <stdint.h>

#include "nic/nic.h"
#include "uapi/ethtool.h"

/* Flow rules there are, places for them (0: the driver doesn't say), and whether the driver picks
 * the place of a new one. */
int ethtool_get_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			   struct devmem_error *err);
/* All rules, in order of their places, flow type 0 for those that can't be read; the caller frees.
 * size: of the table, 0 if the driver doesn't say. */
int ethtool_get_rules(const struct nic *nic, struct uapi_rxnfc **rules, uint32_t *n, uint32_t *size,
		      struct devmem_error *err);
int ethtool_get_rule(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
		     struct devmem_error *err);
/* rule->fs says what; rule->fs.location receives the place. */
int ethtool_insert_rule(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err);
int ethtool_delete_rule(const struct nic *nic, uint32_t place, struct devmem_error *err);

/* Adds 1 to hits[queue] for each of n queues that the rule sends packets to, itself or through its
 * RSS context. */
int ethtool_rule_hits(const struct nic *nic, const struct uapi_rxnfc *rule, uint32_t *hits,
		      uint32_t n, struct devmem_error *err);

#endif
