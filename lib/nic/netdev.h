/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NETDEV_H
#define DEVMEM_LIB_NETDEV_H

/* What other objects need of an interface. */

#include <devmem/netdev.h>

#include "nic/nic.h"

/* The handle's own. Never open a binding with its socket. */
const struct nic *netdev_nic(const struct devmem_netdev *netdev);

#endif
