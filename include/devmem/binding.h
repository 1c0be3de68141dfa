/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_BINDING_H
#define DEVMEM_BINDING_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>
#include <devmem/netdev.h>
#include <devmem/region.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_binding - a region on receive queues, whose payload lands in it, or on an
 * interface, which sends from it
 *
 * Opaque. Lives as long as its netlink socket, which it owns: closing the binding or the death of
 * the process unbinds. One that was inherited (devmem_inherited_open()) has no socket: it lives as
 * long as the launcher's.
 */
struct devmem_binding;

/* Flags of struct devmem_binding_options */
#define DEVMEM_BINDING_PLAIN_OK 1U /* for sending, copies by the CPU are acceptable */

/**
 * struct devmem_binding_options - how to bind
 * @sz: sizeof(struct devmem_binding_options)
 * @rx_page_size: bytes in each receive buffer, a power of two; 0 = the kernel's page size. Others
 *	need Linux 7.3 and a driver that can, and every piece of the region's scatter list must be a
 *	multiple of it
 * @flags: 0 or, for sending, DEVMEM_BINDING_PLAIN_OK: where the kernel, the interface or the region
 *	can't do it, get a plain binding instead of an error
 * @held_max: most bytes of the region, in whole receive buffers, that may be out with the
 *	application over all receivers of this binding; when reached, devmem_rx_recv() answers
 *	ENOBUFS until something is released. 0 = a quarter of the region; UINT64_MAX = no limit: the
 *	application itself leaves the NIC enough to receive into
 *
 * @rx_page_size and @held_max are for receiving: 0 in a call for sending. Since 0.1.
 */
struct devmem_binding_options {
	size_t sz;
	uint32_t rx_page_size;
	uint32_t flags;
	uint64_t held_max;
};

/**
 * devmem_binding_open_rx() - bind a region to receive queues
 * @binding: receives the handle
 * @region: a dma-buf; must stay open until the binding is closed
 * @netdev: interface, in the network namespace that the calling thread is in; may be closed before
 *	the binding
 * @queues: receive queue numbers
 * @n: how many
 * @options: NULL for defaults
 * @err: filled on failure; may be NULL
 *
 * Header split must be on and its threshold 0: devmem_reservation_open() does that. Needs
 * CAP_NET_ADMIN. The queues restart, so packets in them at that moment are lost. May block. Errnos
 * with the kernel's text, among others: EINVAL "tcp-data-split is disabled", "hds-thresh is not
 * zero", a bad page size; EEXIST a region or an XDP program is there already; EBUSY AF_XDP uses the
 * queue; EOPNOTSUPP the driver can't; ERANGE or EINVAL no such queue; EPERM; EREMOTEIO the region's
 * device and the NIC can't reach each other. Kernel: net/core/netdev-genl.c, net/core/devmem.c,
 * Documentation/networking/devmem.rst. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_binding_open_rx(struct devmem_binding **binding, struct devmem_region *region,
				      struct devmem_netdev *netdev, const uint32_t *queues,
				      size_t n, const struct devmem_binding_options *options,
				      struct devmem_error *err);

/**
 * devmem_binding_open_tx() - bind a region to an interface, to send from it
 * @binding: receives the handle
 * @region: a dma-buf; must stay open until the binding is closed
 * @netdev: interface, in the network namespace that the calling thread is in; may be closed before
 *	the binding
 * @options: NULL for defaults
 * @err: filled on failure; may be NULL
 *
 * Changes nothing on the interface, and needs no privilege. May block. Errnos, with the kernel's
 * text where it has one: EOPNOTSUPP the kernel is older than 6.16, or the driver can't send from
 * device memory ("Driver does not support netmem TX"), or its scatter-gather or checksums are
 * switched off, without which the kernel would drop each packet, or the interface is lo; EINVAL the
 * region is no dma-buf, or "TX dma-buf size must be a multiple of PAGE_SIZE"; EREMOTEIO the
 * region's device and the NIC can't reach each other; ENODEV; ENOMEM. Kernel:
 * net/core/netdev-genl.c, net/core/devmem.c.
 *
 * With DEVMEM_BINDING_PLAIN_OK a region that is no dma-buf, EOPNOTSUPP and EREMOTEIO are no errors:
 * the binding is plain then. A sender with a plain binding works the same, but the CPU copies the
 * bytes from the region's mapping; devmem_binding_is_plain() reports it, devmem_binding_note() says
 * why. The region must be mappable: EOPNOTSUPP if it isn't.
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_binding_open_tx(struct devmem_binding **binding, struct devmem_region *region,
				      struct devmem_netdev *netdev,
				      const struct devmem_binding_options *options,
				      struct devmem_error *err);

/**
 * devmem_binding_is_plain() - does the CPU copy what is sent?
 * @binding: handle
 *
 * Return: 1 for a plain binding (DEVMEM_BINDING_PLAIN_OK), else 0. Since 0.1.
 */
DEVMEM_API int devmem_binding_is_plain(const struct devmem_binding *binding);

/**
 * devmem_binding_note() - why a binding is plain
 * @binding: handle
 *
 * Return: one sentence that the binding owns, or NULL for a binding that isn't. Since 0.1.
 */
DEVMEM_API const char *devmem_binding_note(const struct devmem_binding *binding);

/**
 * devmem_binding_close() - unbind
 * @binding: handle or NULL
 *
 * Allowed under traffic: what is queued still arrives as device fragments and can be released, what
 * comes later arrives as host fragments. What was sent is still read from the region, and
 * completes; further sends fail (ESTALE). Close the receivers and senders that use the binding
 * first, or after: they keep what they need of it. May block. Since 0.1.
 */
DEVMEM_API void devmem_binding_close(struct devmem_binding *binding);

/**
 * devmem_binding_id() - the kernel's id of the binding
 * @binding: handle
 *
 * Return: the id that fragments carry and that `devmemctl queue show` prints; 0 for a plain
 * binding. Since 0.1.
 */
DEVMEM_API uint32_t devmem_binding_id(const struct devmem_binding *binding);

/**
 * devmem_binding_fd() - the netlink socket that keeps the binding alive
 * @binding: handle
 *
 * Pass it to another process (SCM_RIGHTS, or clear close-on-exec) to keep the binding alive there.
 * It never becomes readable.
 *
 * Return: a file descriptor that the binding owns: don't close it; -1 for a plain binding, which
 * has none, and for one of devmem_inherited_binding(), whose socket another process has. Since 0.1.
 */
DEVMEM_API int devmem_binding_fd(const struct devmem_binding *binding);

/**
 * struct devmem_binding_stats - what is out with the application, over all receivers
 * @page_size: bytes in each receive buffer
 * @held_pages: receive buffers that unreleased fragments lie in
 * @held_pages_max: most there ever were
 * @held_pages_limit: what held_max allows; UINT64_MAX = no limit
 *
 * Since 0.1.
 */
struct devmem_binding_stats {
	uint64_t page_size;
	uint64_t held_pages, held_pages_max, held_pages_limit;
};

/**
 * devmem_binding_stats() - read the counters
 * @binding: handle
 * @stats: receives them
 *
 * All 0 for a binding to send. Any thread. Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_binding_stats(const struct devmem_binding *binding,
				     struct devmem_binding_stats *stats);

DEVMEM_END_DECLS

#endif
