/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmbar - the memory of a PCI device as dma-bufs.
 *
 * What the files share. One file has one job:
 *   dmbar_main.c     module, PCI device, sysfs
 *   dmbar_region.c   allocation of regions from the BAR
 *   dmbar_dmabuf.c   a region as a dma-buf: attach, map, mmap
 *   dmbar_heap.c     /dev/dma_heap/dmbarN: allocation by user space
 */
#ifndef DMBAR_H
#define DMBAR_H

#include <linux/dma-buf.h>
#include <linux/genalloc.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "compat.h"

/* module parameters, each described where it is defined, in dmbar_main.c */
extern unsigned int dmbar_chunk;
extern bool dmbar_strict;
extern bool dmbar_nommap;
extern bool dmbar_core_heap;

/**
 * struct dmbar - one device with memory
 * @ref: held by the driver, by every region, by every open node, by a heap of the kernel's core
 * @pdev: the PCI device; referenced
 * @id: number in @name
 * @name: name of the heap
 * @base: physical address of the memory
 * @size: bytes
 * @pool: what is free
 * @lock: guards @gone, @regions and the allocator's fragmentation decisions
 * @gone: the device was removed; nothing can be allocated any more
 * @regions: live allocations
 * @misc: the device node, where the kernel's heap core is not used
 * @misc_registered: @misc is in use
 * @nodename: path of the node below /dev
 */
struct dmbar {
	struct kref ref;
	struct pci_dev *pdev;
	int id;
	char name[16];
	phys_addr_t base;
	size_t size;
	struct gen_pool *pool;
	struct mutex lock;
	bool gone;
	struct list_head regions;
	struct miscdevice misc;
	bool misc_registered;
	char nodename[32];
};

/**
 * struct dmbar_region - one allocation, which is one dma-buf
 * @d: the device; referenced
 * @node: in dmbar.regions
 * @phys: physical address
 * @len: bytes
 * @mappable: mmap is allowed; decided when it was allocated
 */
struct dmbar_region {
	struct dmbar *d;
	struct list_head node;
	phys_addr_t phys;
	size_t len;
	bool mappable;
};

/* dmbar_main.c */
struct dmbar *dmbar_get(struct dmbar *d);
void dmbar_put(struct dmbar *d);

/* dmbar_region.c */
int dmbar_pool_create(struct dmbar *d);
struct dmbar_region *dmbar_region_alloc(struct dmbar *d, size_t len);
void dmbar_region_free(struct dmbar_region *r);
u64 dmbar_region_offset(const struct dmbar_region *r);

/* dmbar_dmabuf.c */
struct dma_buf *dmbar_export(struct dmbar *d, size_t len, u32 fd_flags);

/* dmbar_heap.c */
int dmbar_heap_register(struct dmbar *d);
void dmbar_heap_unregister(struct dmbar *d);

#endif /* DMBAR_H */
