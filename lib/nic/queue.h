/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_QUEUE_H
#define DEVMEM_LIB_QUEUE_H

/* An interface's queues. */

#include <stddef.h>
#include <stdint.h>

#include <devmem/netdev.h>

#include "nic/nic.h"

struct queue_list {
	struct devmem_queue *array; /* the caller frees */
	size_t n;
};

/* The queues as the kernel lists them, receive queues first, by number: none while the interface is
 * down. list is empty after a failure. */
int queue_list(const struct nic *nic, struct queue_list *list, struct devmem_error *err);
/* Counts the queues in use: those that the kernel lists, or while it lists none because the
 * interface is down, the driver's channels and rings. tx may be NULL. */
int queue_count(const struct nic *nic, uint32_t *rx, uint32_t *tx, struct devmem_error *err);

#endif
