/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_REGION_H
#define DEVMEM_LIB_REGION_H

/* What region.c and the providers of regions share. Nobody else includes this file. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/error.h>
#include <devmem/region.h>

#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)

/* A provider's open() fills fd, is_dmabuf, size, spec and note, and private for itself. */
struct devmem_region {
	const struct region_provider *provider;
	/* Of the provider's own operations. */
	void *private;
	/* -1 for memory without one. */
	int fd;
	bool is_dmabuf;
	/* The mapping could only be had for reading. */
	bool read_only;
	/* NULL until mapped. */
	void *addr;
	uint64_t size;
	char spec[264];
	char note[512];
};

/* The list that devmem_region_providers() makes: count goes on when out is full. */
struct region_list {
	struct devmem_provider *out;
	size_t n;
	size_t count;
};

/* One way to make a region. */
struct region_provider {
	/* What a spec starts with, up to its end or a colon. */
	const char *scheme;
	/* option: what follows the colon, or NULL without one. When it fails there is nothing to
	 * close. */
	int (*open)(struct devmem_region *region, const char *option, uint64_t size,
		    struct devmem_error *err);
	/* NULL if there is nothing to list. */
	void (*list)(struct region_list *list);

	/* The rest is NULL where region->fd is all there is: unmap and close it, map it, sync it as
	 * a dma-buf, copy through the mapping. Flags and ranges have been checked. */

	/* Undoes open and map. */
	void (*close)(struct devmem_region *region);
	/* Fills addr and read_only, or refuses: -EOPNOTSUPP where no CPU can map the memory. Called
	 * until it succeeds. */
	int (*map)(struct devmem_region *region, struct devmem_error *err);
	int (*sync)(struct devmem_region *region, unsigned int flags, struct devmem_error *err);
	int (*read)(struct devmem_region *region, uint64_t offset, void *buf, size_t len,
		    struct devmem_error *err);
	int (*write)(struct devmem_region *region, uint64_t offset, const void *buf, size_t len,
		     struct devmem_error *err);
};

extern const struct region_provider region_udmabuf;
extern const struct region_provider region_heap;
extern const struct region_provider region_memfd;
extern const struct region_provider region_import;

/* region.c */
int region_open_by(struct devmem_region **region, const struct region_provider *provider,
		   const char *spec, uint64_t size, struct devmem_error *err);
int region_check_size(uint64_t size, const char *subject, struct devmem_error *err);
void region_list_add(struct region_list *list, const struct devmem_provider *provider);

/* memfd.c: a memfd that can't shrink. allocate: with all of its memory, else the memory
 * comes with the first access. */
int region_memfd_create(const char *subject, unsigned int flags, uint64_t size, bool allocate,
			struct devmem_error *err);

/* host.c: what the machine says about its memory. */
struct region_huge_pages {
	/* Pages of 2 MiB: in the pool, and free in it without being promised to somebody. */
	uint64_t total;
	uint64_t free;
};
int region_host_huge_pages(struct region_huge_pages *pages);
/* Refuses a size that is more than what the machine has left, before the kernel starts to kill
 * processes for it. */
int region_host_check_available(uint64_t size, const char *subject, struct devmem_error *err);

#endif
