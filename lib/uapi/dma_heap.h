/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_DMA_HEAP_H
#define DEVMEM_UAPI_DMA_HEAP_H

/*
 * What the kernel's include/uapi/linux/dma-heap.h says, stated by ourselves: an allocator that
 * hands out dma-bufs. Not to be included together with <linux/dma-heap.h>.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* fd must be 0 on the way in and is the dma-buf on the way out; fd_flags take O_CLOEXEC and the
 * access mode; heap_flags must be 0. */
struct dma_heap_allocation_data {
	uint64_t len;
	uint32_t fd;
	uint32_t fd_flags;
	uint64_t heap_flags;
};

_Static_assert(sizeof(struct dma_heap_allocation_data) == 24, "struct dma_heap_allocation_data");
_Static_assert(offsetof(struct dma_heap_allocation_data, fd) == 8, "dma_heap_allocation_data.fd");
_Static_assert(offsetof(struct dma_heap_allocation_data, fd_flags) == 12,
	       "dma_heap_allocation_data.fd_flags");
_Static_assert(offsetof(struct dma_heap_allocation_data, heap_flags) == 16,
	       "dma_heap_allocation_data.heap_flags");

#define DMA_HEAP_IOCTL_ALLOC _IOWR('H', 0x0, struct dma_heap_allocation_data)

/* The bits for direction and size in an ioctl number differ on some architectures. */
#if !defined(__alpha__) && !defined(__mips__) && !defined(__powerpc__) && !defined(__sparc__) &&   \
	!defined(__hppa__)
_Static_assert(DMA_HEAP_IOCTL_ALLOC == 0xc0184800, "DMA_HEAP_IOCTL_ALLOC");
#endif

#endif
