/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_BINDING_H
#define DEVMEM_LIB_BINDING_H

/* What receivers and senders, and processes that inherit a binding, need of it. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/binding.h>

/* Largest receive buffers that may be asked for. */
#define BINDING_PAGE_SIZE_MAX (1U << 30)

struct held;

/* The region it binds: borrowed. */
struct devmem_region *binding_region(const struct devmem_binding *binding);
/* True if it is for sending. */
bool binding_is_tx(const struct devmem_binding *binding);
/* To send: name of the interface, and its index, 0 if another process made the binding. */
const char *binding_dev(const struct devmem_binding *binding);
uint32_t binding_ifindex(const struct devmem_binding *binding);
/* To receive: the count of its pages that are out: borrowed, take a reference to keep it. */
struct held *binding_held(const struct devmem_binding *binding);

/*
 * A binding that another process made and holds: id is what the kernel called it, page_size a power
 * of two, held_limit in pages (UINT64_MAX = none). It has no netlink socket, so closing it doesn't
 * unbind. The region is borrowed.
 */
int binding_open_inherited_rx(struct devmem_binding **binding, struct devmem_region *region,
			      uint32_t id, uint32_t page_size, uint64_t held_limit,
			      struct devmem_error *err);
/* The same for one to send from the region through an interface. */
int binding_open_inherited_tx(struct devmem_binding **binding, struct devmem_region *region,
			      const char *dev, uint32_t id, struct devmem_error *err);

#endif
