/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_STEERING_H
#define DEVMEM_STEERING_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>
#include <devmem/flow.h>
#include <devmem/netdev.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_steering - receive queues set apart for chosen flows
 *
 * Opaque. While it is open: header split is on with a threshold of 0, the default RSS context keeps
 * off the chosen queues, flow rules are switched on, and the flows added to it go to those queues.
 * Closing puts everything back as it was, the last change first. If the process dies without
 * closing, the settings stay: install a signal handler that leads to the close, as devmemctl does.
 * Steerings of several processes on one interface don't know of each other: whoever closes first
 * takes away what the others rely on.
 */
struct devmem_steering;

/**
 * devmem_steering_open() - set receive queues apart
 * @steering: receives the handle
 * @netdev: interface; must stay open until the steering is closed
 * @queues: receive queue numbers, each once
 * @n: how many; at least one receive queue must be left over for everything else
 * @err: filled on failure; may be NULL
 *
 * Needs CAP_NET_ADMIN. May block. On failure everything done so far has been undone; if that failed
 * too, the message says what remains. Errnos: EINVAL no such queue, a queue twice, or no queue left
 * over; EOPNOTSUPP the driver can't split headers or has no flow rules; EBUSY, EPERM; whatever the
 * driver answers. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_steering_open(struct devmem_steering **steering, struct devmem_netdev *netdev,
				    const uint32_t *queues, size_t n, struct devmem_error *err);

/**
 * devmem_steering_add_flow() - send a flow to one of the queues
 * @steering: handle
 * @flow: what to match
 * @queue: one of the steering's queues
 * @location: receives the rule's place in the table; may be NULL
 * @err: filled on failure; may be NULL
 *
 * Needs CAP_NET_ADMIN. May block. Errnos: EINVAL @queue isn't one of them; those of
 * devmem_flow_add(). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_steering_add_flow(struct devmem_steering *steering,
					const struct devmem_flow *flow, uint32_t queue,
					uint32_t *location, struct devmem_error *err);

/**
 * devmem_steering_close() - put everything back, the last change first, and free the handle
 * @steering: handle or NULL; freed in any case
 * @err: filled on failure; may be NULL
 *
 * Close bindings on these queues before: the kernel refuses to turn header split off while a queue
 * is bound. Every step is tried even when one before it failed. An interface that is gone has
 * nothing to put back: that is success. Needs CAP_NET_ADMIN. May block. Errnos: of the first step
 * that failed; the message names what was not put back. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_steering_close(struct devmem_steering *steering, struct devmem_error *err);

DEVMEM_END_DECLS

#endif
