// SPDX-License-Identifier: BSD-3-Clause
/* A region on receive queues. */
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bind.h"
#include "error.h"
#include "genl.h"
#include "held.h"
#include "options.h"

#define PAGE_SIZE_MAX (1U << 30)
/* The part of the region that may be out with the application unless told otherwise. With more,
 * many sockets starve each other: the NIC needs the rest. */
#define HELD_PART 4U

struct devmem_binding {
	struct devmem_region *region;
	struct held *held;
	uint32_t id;
	/* Unbinds when it is closed. NULL if another process has it. */
	struct genl *genl;
};

/* What the kernel cuts a region into unless told otherwise. */
static uint32_t kernel_page_size(void)
{
	return (uint32_t)sysconf(_SC_PAGESIZE);
}

static int check_region(const struct devmem_region *region, struct devmem_error *err)
{
	if (devmem_region_is_dmabuf(region))
		return 0;
	return error_input(
		err, -EINVAL, devmem_region_spec(region),
		"host memory that is no dma-buf: a NIC can't write to it; use udmabuf or heap:NAME");
}

static int check_options(const struct devmem_binding_options *o, const char *name,
			 struct devmem_error *err)
{
	uint32_t size = o->rx_page_size, min = kernel_page_size();

	/* So that it can get a meaning. */
	if (o->reserved)
		return error_input(err, -EINVAL, name,
				   "devmem_binding_options: reserved is %u, must be 0",
				   o->reserved);
	if (!size || (size >= min && size <= PAGE_SIZE_MAX && !(size & (size - 1))))
		return 0;
	return error_input(err, -EINVAL, name,
			   "rx-page-size %u must be a power of two from %u to %u", size, min,
			   PAGE_SIZE_MAX);
}

static uint64_t held_pages_limit(const struct devmem_binding_options *o, uint64_t region_size,
				 uint32_t page_size)
{
	uint64_t bytes = o->held_max ? o->held_max : region_size / HELD_PART;

	if (o->held_max == UINT64_MAX)
		return UINT64_MAX;
	return bytes > page_size ? bytes / page_size : 1;
}

static int binding_new(struct devmem_binding **binding, struct devmem_region *region,
		       uint32_t page_size, uint64_t held_limit, struct devmem_error *err)
{
	struct devmem_binding *b;
	int ret;

	b = calloc(1, sizeof(*b));
	if (!b)
		return error_system(err, -ENOMEM, "allocate", "binding", NULL);
	b->region = region;
	ret = held_alloc(&b->held, devmem_region_size(region), page_size, held_limit);
	if (ret) {
		error_system(err, ret, "allocate", "binding", NULL);
		goto free_binding;
	}
	*binding = b;
	return 0;

free_binding:
	free(b);
	return ret;
}

int devmem_binding_open_rx(struct devmem_binding **binding, struct devmem_region *region,
			   struct devmem_netdev *netdev, const uint32_t *queues, size_t n,
			   const struct devmem_binding_options *options, struct devmem_error *err)
{
	const struct devmem_netdev_info *info = devmem_netdev_info(netdev);
	uint64_t size = devmem_region_size(region);
	struct devmem_binding_options o;
	uint32_t page_size, asked;
	struct devmem_binding *b;
	int ret;

	*binding = NULL;
	ret = options_read(&o, sizeof(o), options, "devmem_binding_options", err);
	if (!ret)
		ret = check_options(&o, info->name, err);
	if (!ret)
		ret = check_region(region, err);
	if (ret)
		return ret;
	page_size = o.rx_page_size ? o.rx_page_size : kernel_page_size();
	/* The default needs no attribute, which kernels before Linux 7.3 refuse. */
	asked = page_size == kernel_page_size() ? 0 : page_size;
	ret = binding_new(&b, region, page_size, held_pages_limit(&o, size, page_size), err);
	if (ret)
		return ret;
	ret = genl_open(&b->genl, err);
	if (ret)
		goto close_binding;
	ret = bind_rx(b->genl, info->ifindex, info->name, devmem_region_fd(region), queues, n,
		      asked, &b->id, err);
	if (ret)
		goto close_binding;
	*binding = b;
	return 0;

close_binding:
	/* Its socket, too, if there is one. */
	devmem_binding_close(b);
	return ret;
}

int binding_open_inherited(struct devmem_binding **binding, struct devmem_region *region,
			   uint32_t id, uint32_t page_size, uint64_t held_limit,
			   struct devmem_error *err)
{
	int ret;

	*binding = NULL;
	ret = binding_new(binding, region, page_size, held_limit, err);
	if (ret)
		return ret;
	(*binding)->id = id;
	return 0;
}

void devmem_binding_close(struct devmem_binding *binding)
{
	if (!binding)
		return;
	genl_close(binding->genl);
	held_put(binding->held);
	free(binding);
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

int devmem_binding_fd(const struct devmem_binding *binding)
{
	return binding->genl ? genl_fd(binding->genl) : -1;
}

void devmem_binding_stats(const struct devmem_binding *binding, struct devmem_binding_stats *stats)
{
	stats->page_size = held_page_size(binding->held);
	stats->held_pages = held_pages(binding->held);
	stats->held_pages_max = held_pages_max(binding->held);
	stats->held_pages_limit = held_limit(binding->held);
}

struct devmem_region *binding_region(const struct devmem_binding *binding)
{
	return binding->region;
}

struct held *binding_held(const struct devmem_binding *binding)
{
	return binding->held;
}
