/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_QUEUE_H
#define DEVMEM_LIB_QUEUE_H

/* What other objects need of an interface's queues. */

#include <stdint.h>

#include "nic/nic.h"

/* Counts the queues in use: those that the kernel lists, or while it lists none because the
 * interface is down, the driver's channels and rings. tx may be NULL. */
int queue_count(const struct nic *nic, uint32_t *rx, uint32_t *tx, struct devmem_error *err);

#endif
