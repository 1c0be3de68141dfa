/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NETDEV_H
#define DEVMEM_LIB_NETDEV_H

/* What other objects need of an interface. */

#include <devmem/netdev.h>

#include "nic/ethtool.h"

/* The interface for ethtool.h's calls, owned by the handle: index, name, and the handle's netlink
 * socket. Never open a binding with that socket. */
const struct ethtool_dev *netdev_dev(const struct devmem_netdev *netdev);
/* Calls fn for each interface of this network namespace, with a netlink socket that lives as long
 * as the call; fn's non-zero result ends it and is returned. */
int netdev_each(int (*fn)(const struct ethtool_dev *dev, void *arg), void *arg,
		struct devmem_error *err);

#endif
