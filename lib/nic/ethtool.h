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

/* The device's permanent hardware address; all of it 0 if it has none. */
#define ETHTOOL_ADDRESS_MAX 32
int ethtool_get_permanent_address(const struct nic *nic, uint8_t address[ETHTOOL_ADDRESS_MAX],
				  uint32_t *len, struct devmem_error *err);
/* The driver, and the device's bus address. */
int ethtool_get_drvinfo(const struct nic *nic, struct uapi_ethtool_drvinfo *info,
			struct devmem_error *err);
/* The device's bus address, "" if it has none. */
int ethtool_get_bus(const struct nic *nic, char bus[32], struct devmem_error *err);

#endif
