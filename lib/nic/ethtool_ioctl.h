/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ETHTOOL_IOCTL_H
#define DEVMEM_LIB_ETHTOOL_IOCTL_H

/*
 * Interface ioctls: those of ethtool that netlink has no match for, or not in all kernels, and an
 * interface's name, index, flags and MTU. They want the name, which is looked up each time by
 * nic->ifindex. Errors name the ioctl and nic->name.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "nic/nic.h"
#include "uapi/ethtool.h"

int ethtool_ioctl_index(const struct nic *nic, const char *name, uint32_t *ifindex,
			struct devmem_error *err);
int ethtool_ioctl_name(const struct nic *nic, char name[NIC_NAME_SIZE], struct devmem_error *err);
int ethtool_ioctl_flags(const struct nic *nic, uint32_t *flags, struct devmem_error *err);
int ethtool_ioctl_mtu(const struct nic *nic, uint32_t *mtu, struct devmem_error *err);

int ethtool_ioctl_drvinfo(const struct nic *nic, struct uapi_ethtool_drvinfo *info,
			  struct devmem_error *err);
/* The permanent hardware address. */
int ethtool_ioctl_permanent_address(const struct nic *nic, uint8_t address[UAPI_MAX_ADDR_LEN],
				    uint32_t *len, struct devmem_error *err);
/* Receive queues that RSS can spread over. */
int ethtool_ioctl_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err);

/* Flow rules there are, places for them (0: the driver doesn't say), and whether the driver picks
 * the place of a new one. */
int ethtool_ioctl_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			     struct devmem_error *err);
/* The places that are taken; the caller frees. */
int ethtool_ioctl_rule_places(const struct nic *nic, uint32_t **places, uint32_t *n, uint32_t *size,
			      struct devmem_error *err);
int ethtool_ioctl_rule_get(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
			   struct devmem_error *err);
/* rule->fs says what; rule->fs.location receives the place. */
int ethtool_ioctl_rule_insert(const struct nic *nic, struct uapi_rxnfc *rule,
			      struct devmem_error *err);
int ethtool_ioctl_rule_delete(const struct nic *nic, uint32_t place, struct devmem_error *err);

/* Sets the table of the default RSS context, for kernels before 6.17. n = 0 resets it. */
int ethtool_ioctl_rss_set(const struct nic *nic, const uint32_t *table, uint32_t n,
			  struct devmem_error *err);
/* Makes an RSS context with a table of n entries, as many as the device's tables have; deletes it.
 * For kernels before 6.17. */
int ethtool_ioctl_rss_create(const struct nic *nic, const uint32_t *table, uint32_t n,
			     uint32_t *context, struct devmem_error *err);
int ethtool_ioctl_rss_delete(const struct nic *nic, uint32_t context, struct devmem_error *err);

#endif
