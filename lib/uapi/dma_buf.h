/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_DMA_BUF_H
#define DEVMEM_UAPI_DMA_BUF_H

/*
 * What the kernel's include/uapi/linux/dma-buf.h and magic.h say, stated by ourselves. Not to be
 * included together with <linux/dma-buf.h>.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct dma_buf_sync {
	uint64_t flags;
};

_Static_assert(sizeof(struct dma_buf_sync) == 8, "struct dma_buf_sync");
_Static_assert(offsetof(struct dma_buf_sync, flags) == 0, "dma_buf_sync.flags");

#define DMA_BUF_SYNC_READ (1 << 0)
#define DMA_BUF_SYNC_WRITE (2 << 0)
#define DMA_BUF_SYNC_RW (DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)
#define DMA_BUF_SYNC_END (1 << 2)

#define DMA_BUF_IOCTL_SYNC _IOW('b', 0, struct dma_buf_sync)

/* The bits for direction and size in an ioctl number differ on some architectures. */
#if !defined(__alpha__) && !defined(__mips__) && !defined(__powerpc__) && !defined(__sparc__) &&   \
	!defined(__hppa__)
_Static_assert(DMA_BUF_IOCTL_SYNC == 0x40086200, "DMA_BUF_IOCTL_SYNC");
#endif

/* f_type of the file system that dma-bufs live on: "DMAB". */
#ifndef DMA_BUF_MAGIC
#define DMA_BUF_MAGIC 0x444d4142
#endif
_Static_assert(DMA_BUF_MAGIC == 0x444d4142, "DMA_BUF_MAGIC");

#endif
