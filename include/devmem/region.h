/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_REGION_H
#define DEVMEM_REGION_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_region - memory that a NIC can write to: a dma-buf, its size, and a way to its
 * bytes
 *
 * Opaque. Freed by devmem_region_close() and, when the process dies, by the kernel; the memory
 * itself lives until its last user (a binding, a received packet still queued) is gone.
 */
struct devmem_region;

/**
 * devmem_region_open() - allocate a region, or import one, as a spec says
 * @region: receives the handle
 * @spec: where the memory comes from:
 *	"udmabuf" - host memory through /dev/udmabuf, on 2 MiB huge pages if enough are free and
 *	@size is a multiple of 2 MiB, else on ordinary pages (devmem_region_note() then says why);
 *	"udmabuf:huge=2M" - huge pages or an error; "udmabuf:huge=no" - ordinary pages;
 *	"heap:NAME" - DMA_HEAP_IOCTL_ALLOC on /dev/dma_heap/NAME;
 *	"memfd" - plain host memory that is no dma-buf: for placement and tests, no NIC can write to
 *	it; "fd:N" - import the dma-buf open as file descriptor N, as devmem_region_import() does
 * @size: bytes, a multiple of the page size; for "fd:N" 0 or the size of the dma-buf
 * @err: filled on failure; may be NULL
 *
 * Huge pages matter: each entry of a dma-buf's scatter list is walked when a fragment is returned,
 *	so with 4 KiB pages and over a thousand fragments outstanding everything slows down many
 *	times.
 *
 * Blocks while the kernel allocates. Errnos: EINVAL malformed spec or size; EFBIG over a limit of
 *	the provider (the message says which and how to raise it); ENOENT no such device node or
 *	heap; EACCES, EPERM no permission for it; ENOMEM, ENOSPC no memory, or no free huge pages;
 *	EBADF no such descriptor. Kernel: drivers/dma-buf/udmabuf.c, drivers/dma-buf/dma-heap.c.
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_open(struct devmem_region **region, const char *spec, uint64_t size,
				  struct devmem_error *err);

/**
 * devmem_region_import() - make a region of a dma-buf that somebody else exported
 * @region: receives the handle
 * @fd: a dma-buf; it is duplicated, the caller keeps its own
 * @err: filled on failure; may be NULL
 *
 * The size is read from the dma-buf itself. Doesn't block. Errnos: EBADF not open; EINVAL not a
 * dma-buf.
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_import(struct devmem_region **region, int fd,
				    struct devmem_error *err);

/**
 * devmem_region_close() - unmap the region and release its memory
 * @region: handle or NULL
 *
 * Close bindings and receivers that use the region first. Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_region_close(struct devmem_region *region);

/**
 * devmem_region_fd() - the dma-buf's file descriptor (of "memfd": the memfd's)
 * @region: handle
 *
 * Return: a file descriptor that the region owns: don't close it. Since 0.1.
 */
DEVMEM_API int devmem_region_fd(const struct devmem_region *region);

/**
 * devmem_region_size() - size in bytes
 * @region: handle
 *
 * Return: bytes. Since 0.1.
 */
DEVMEM_API uint64_t devmem_region_size(const struct devmem_region *region);

/**
 * devmem_region_spec() - the spec that the region was made from, with what was decided filled in
 * @region: handle
 *
 * Return: a string that the region owns, "udmabuf:huge=2M" for example. Since 0.1.
 */
DEVMEM_API const char *devmem_region_spec(const struct devmem_region *region);

/**
 * devmem_region_note() - a remark about the region, for its user
 * @region: handle
 *
 * For example that no huge pages could be had, why, and what to do.
 *
 * Return: one sentence that the region owns, or NULL when there is nothing to say. Since 0.1.
 */
DEVMEM_API const char *devmem_region_note(const struct devmem_region *region);

/**
 * devmem_region_is_dmabuf() - can a NIC write to it?
 * @region: handle
 *
 * Return: 1 for a dma-buf, 0 for host-only memory ("memfd"). Since 0.1.
 */
DEVMEM_API int devmem_region_is_dmabuf(const struct devmem_region *region);

/**
 * devmem_region_map() - map the whole region into this process
 * @region: handle
 * @addr: receives the address; valid until the region is closed
 * @err: filled on failure; may be NULL
 *
 * A second call returns the same address. A dma-buf that was exported for reading only is mapped
 * for reading only. Reads and writes through the mapping belong between devmem_region_sync() calls.
 * Device memory is often mapped uncached: correct, and slow to read. May block. Errnos: EOPNOTSUPP
 * "not mappable": the exporter offers no mapping; ENOMEM.
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_map(struct devmem_region *region, void **addr,
				 struct devmem_error *err);

/* Kinds of access for devmem_region_sync(). The values are DMA_BUF_SYNC_READ, _WRITE and _END of
 * the kernel's include/uapi/linux/dma-buf.h. */
#define DEVMEM_SYNC_READ 1U
#define DEVMEM_SYNC_WRITE 2U
#define DEVMEM_SYNC_END 4U

/**
 * devmem_region_sync() - begin or end access by the CPU through the mapping
 * @region: handle
 * @flags: DEVMEM_SYNC_READ and/or DEVMEM_SYNC_WRITE; with DEVMEM_SYNC_END the access ends, without
 * it begins
 * @err: filled on failure; may be NULL
 *
 * DMA_BUF_IOCTL_SYNC on a dma-buf; nothing on a memfd. May block. Errnos: EINVAL for other flags;
 * whatever the exporter answers.
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_sync(struct devmem_region *region, unsigned int flags,
				  struct devmem_error *err);

/**
 * devmem_region_read() - copy bytes out of the region
 * @region: handle
 * @offset: bytes from the region's start
 * @buf: where to
 * @len: bytes
 * @err: filled on failure; may be NULL
 *
 * Maps the region on first use, and syncs. May block. Errnos: ERANGE past the region's end; those
 * of devmem_region_map() and devmem_region_sync().
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_read(struct devmem_region *region, uint64_t offset, void *buf,
				  size_t len, struct devmem_error *err);

/**
 * devmem_region_write() - copy bytes into the region
 * @region: handle
 * @offset: bytes from the region's start
 * @buf: where from
 * @len: bytes
 * @err: filled on failure; may be NULL
 *
 * As devmem_region_read(), in the other direction. Errnos: EACCES the dma-buf was exported for
 * reading only; those of devmem_region_read().
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_region_write(struct devmem_region *region, uint64_t offset, const void *buf,
				   size_t len, struct devmem_error *err);

/**
 * struct devmem_provider - one way to get a region on this machine
 * @spec: what to give to devmem_region_open(): "udmabuf", "heap:system", "memfd"
 * @available: 1 if it can be used by this process now
 * @code: negative errno that says why not; 0 if available
 * @reason: one sentence: why not and what to do, or a limit worth knowing; may be empty
 * @max_bytes: most bytes in one region (udmabuf: size_limit_mb); 0 = no known limit
 * @list_limit: most memory areas that one udmabuf may be made of (udmabuf: list_limit); 0 = not
 *	applicable. libdevmem makes each from one.
 * @huge_free_bytes: free 2 MiB huge pages, in bytes; 0 if none, or not applicable
 *
 * Since 0.1.
 */
struct devmem_provider {
	char spec[64];
	int available;
	int code;
	char reason[256];
	uint64_t max_bytes;
	uint64_t list_limit;
	uint64_t huge_free_bytes;
};

/**
 * devmem_region_providers() - what regions can be made of on this machine
 * @out: array that receives the list
 * @n: its length
 *
 * Opens each device node for a moment; allocates nothing. May block shortly. Errnos: none.
 *
 * Return: how many there are, which can be more than @n; only @n are written. Since 0.1.
 */
DEVMEM_API int devmem_region_providers(struct devmem_provider *out, size_t n);

DEVMEM_END_DECLS

#endif
