// SPDX-License-Identifier: BSD-3-Clause
/* The region: made by a provider, then mapped, synced, read, written and closed by the provider's
 * operations, or else through its descriptor. */
#include "region/region.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"
#include "uapi/dma_buf.h"
#include "uapi/errno.h"

_Static_assert(DEVMEM_SYNC_READ == DMA_BUF_SYNC_READ, "DEVMEM_SYNC_READ");
_Static_assert(DEVMEM_SYNC_WRITE == DMA_BUF_SYNC_WRITE, "DEVMEM_SYNC_WRITE");
_Static_assert(DEVMEM_SYNC_END == DMA_BUF_SYNC_END, "DEVMEM_SYNC_END");

static const struct region_provider *const providers[] = {
	&region_udmabuf,
	&region_heap,
	&region_memfd,
	&region_import,
};

/* The provider's own operation, or that of a region that is nothing but a descriptor. */
#define OPERATION(region, name) ((region)->provider->name ? (region)->provider->name : fd_##name)

#define N_PROVIDERS (sizeof(providers) / sizeof(providers[0]))

/* The provider that a spec names. */
static const struct region_provider *find_provider(const char *spec)
{
	size_t len = strcspn(spec, ":");
	size_t i;

	for (i = 0; i < N_PROVIDERS; i++)
		if (strlen(providers[i]->scheme) == len &&
		    !strncmp(providers[i]->scheme, spec, len))
			return providers[i];
	return NULL;
}

int region_check_size(uint64_t size, const char *subject, struct devmem_error *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!size)
		return error_input(err, -EINVAL, subject,
				   "a region of 0 bytes cannot be; give a size");
	if (size % page)
		return error_input(err, -EINVAL, subject,
				   "%" PRIu64 " bytes are no multiple of the page size, %" PRIu64,
				   size, page);
	if (size > INT64_MAX || size > SIZE_MAX)
		return error_input(err, -EFBIG, subject,
				   "%" PRIu64 " bytes are more than a process can address", size);
	return 0;
}

int region_open_by(struct devmem_region **region, const struct region_provider *provider,
		   const char *spec, uint64_t size, struct devmem_error *err)
{
	const char *colon = strchr(spec, ':');
	struct devmem_region *made;
	int ret;

	*region = NULL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return error_system(err, -ENOMEM, "allocate", spec, NULL);
	made->provider = provider;
	made->fd = -1;
	ret = provider->open(made, colon ? colon + 1 : NULL, size, err);
	if (ret)
		goto free_region;
	*region = made;
	return 0;

free_region:
	free(made);
	return ret;
}

int devmem_region_open(struct devmem_region **region, const char *spec, uint64_t size,
		       struct devmem_error *err)
{
	const struct region_provider *provider = find_provider(spec);

	*region = NULL;
	if (!provider)
		return error_input(err, -EINVAL, *spec ? spec : "region spec",
				   "no such kind of region; there are udmabuf, udmabuf:huge=2M, "
				   "udmabuf:huge=no, heap:NAME, memfd and fd:N");
	return region_open_by(region, provider, spec, size, err);
}

static void fd_close(struct devmem_region *region)
{
	if (region->addr)
		sys_munmap(region->addr, (size_t)region->size);
	sys_close(region->fd);
}

void devmem_region_close(struct devmem_region *region)
{
	if (!region)
		return;
	OPERATION(region, close)(region);
	free(region);
}

int devmem_region_fd(const struct devmem_region *region)
{
	return region->fd;
}

uint64_t devmem_region_size(const struct devmem_region *region)
{
	return region->size;
}

const char *devmem_region_spec(const struct devmem_region *region)
{
	return region->spec;
}

const char *devmem_region_note(const struct devmem_region *region)
{
	return region->note[0] ? region->note : NULL;
}

int devmem_region_is_dmabuf(const struct devmem_region *region)
{
	return region->is_dmabuf;
}

/* EINVAL is what dma-buf.c answers for an exporter without an mmap operation, 524 what NVIDIA's
 * driver answers. */
static bool means_not_mappable(int code)
{
	return code == -EINVAL || code == -ENODEV || code == -ENOTTY || code == -EOPNOTSUPP ||
	       code == -ENOSYS || code == -ENXIO || code == -UAPI_ENOTSUPP;
}

static int fd_map(struct devmem_region *region, struct devmem_error *err)
{
	size_t len = (size_t)region->size;
	char name[16];
	int ret;

	ret = sys_mmap(&region->addr, len, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd);
	/* Exported for reading only. */
	region->read_only = ret == -EACCES || ret == -EPERM;
	if (region->read_only)
		ret = sys_mmap(&region->addr, len, PROT_READ, MAP_SHARED, region->fd);
	if (means_not_mappable(ret))
		return error_missing(
			err, -EOPNOTSUPP, "mmap", region->spec,
			"not mappable: its exporter offers no mapping for the CPU (mmap "
			"answered %s); read and write it through the device that owns it",
			error_name(ret, name));
	if (ret)
		return error_system(err, ret, "mmap", region->spec, NULL);
	return 0;
}

int devmem_region_map(struct devmem_region *region, void **addr, struct devmem_error *err)
{
	int ret = 0;

	if (!region->addr)
		ret = OPERATION(region, map)(region, err);
	if (!ret)
		*addr = region->addr;
	return ret;
}

static int fd_sync(struct devmem_region *region, unsigned int flags, struct devmem_error *err)
{
	struct dma_buf_sync sync = { .flags = flags };
	int ret;

	if (!region->is_dmabuf)
		return 0;
	/* The kernel's documentation of this ioctl wants it repeated on EAGAIN. */
	do {
		ret = sys_ioctl(region->fd, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret == -EAGAIN);
	return ret < 0 ? error_system(err, ret, "DMA_BUF_IOCTL_SYNC", region->spec, NULL) : 0;
}

int devmem_region_sync(struct devmem_region *region, unsigned int flags, struct devmem_error *err)
{
	if (!(flags & DMA_BUF_SYNC_RW) ||
	    (flags & ~(unsigned int)(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)))
		return error_input(err, -EINVAL, region->spec,
				   "sync flags 0x%x are not READ and/or WRITE, with or without END",
				   flags);
	return OPERATION(region, sync)(region, flags, err);
}

static int check_range(const struct devmem_region *region, uint64_t offset, size_t len,
		       struct devmem_error *err)
{
	if (offset > region->size || len > region->size - offset)
		return error_input(err, -ERANGE, region->spec,
				   "%zu bytes at offset %" PRIu64 " reach past its end at %" PRIu64,
				   len, offset, region->size);
	return 0;
}

static int begin_access(struct devmem_region *region, unsigned int flags, void **addr,
			struct devmem_error *err)
{
	int ret;

	ret = devmem_region_map(region, addr, err);
	if (ret)
		return ret;
	if ((flags & DEVMEM_SYNC_WRITE) && region->read_only)
		return error_system(err, -EACCES, "write", region->spec,
				    "its exporter lets this process only read it");
	return devmem_region_sync(region, flags, err);
}

static int fd_read(struct devmem_region *region, uint64_t offset, void *buf, size_t len,
		   struct devmem_error *err)
{
	void *addr;
	int ret;

	ret = begin_access(region, DEVMEM_SYNC_READ, &addr, err);
	if (ret)
		return ret;
	memcpy(buf, (const char *)addr + offset, len);
	return devmem_region_sync(region, DEVMEM_SYNC_READ | DEVMEM_SYNC_END, err);
}

static int fd_write(struct devmem_region *region, uint64_t offset, const void *buf, size_t len,
		    struct devmem_error *err)
{
	void *addr;
	int ret;

	ret = begin_access(region, DEVMEM_SYNC_WRITE, &addr, err);
	if (ret)
		return ret;
	memcpy((char *)addr + offset, buf, len);
	return devmem_region_sync(region, DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END, err);
}

int devmem_region_read(struct devmem_region *region, uint64_t offset, void *buf, size_t len,
		       struct devmem_error *err)
{
	int ret;

	ret = check_range(region, offset, len, err);
	if (ret || !len)
		return ret;
	return OPERATION(region, read)(region, offset, buf, len, err);
}

int devmem_region_write(struct devmem_region *region, uint64_t offset, const void *buf, size_t len,
			struct devmem_error *err)
{
	int ret;

	ret = check_range(region, offset, len, err);
	if (ret || !len)
		return ret;
	return OPERATION(region, write)(region, offset, buf, len, err);
}

void region_list_add(struct region_list *list, const struct devmem_provider *provider)
{
	if (list->count < list->n)
		list->out[list->count] = *provider;
	list->count++;
}

int devmem_region_providers(struct devmem_provider *out, size_t n)
{
	struct region_list list = { .out = out, .n = n };
	size_t i;

	for (i = 0; i < N_PROVIDERS; i++)
		if (providers[i]->list)
			providers[i]->list(&list);
	return (int)list.count;
}
