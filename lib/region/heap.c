// SPDX-License-Identifier: BSD-3-Clause
/* Regions from the kernel's dma-buf heaps: "heap:NAME" is /dev/dma_heap/NAME. */
#include "region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"
#include "uapi/dma_heap.h"

#define HEAP_DIR "/dev/dma_heap"

/* Names of heaps, for a message: "cma, system", and "..." where they didn't fit. */
struct names {
	char text[256];
	size_t len;
};

static int collect_name(const char *name, void *arg)
{
	static const char more[] = ", ...";
	struct names *names = arg;
	const char *comma = names->len ? ", " : "";
	size_t need = strlen(comma) + strlen(name);

	if (names->len + need + sizeof(more) > sizeof(names->text)) {
		snprintf(names->text + names->len, sizeof(names->text) - names->len, "%s", more);
		return 1;
	}
	snprintf(names->text + names->len, sizeof(names->text) - names->len, "%s%s", comma, name);
	names->len += need;
	return 0;
}

static int no_such_heap(const char *subject, struct devmem_error *err)
{
	struct names names = { .len = 0 };
	int ret;

	ret = sys_list_dir(HEAP_DIR, collect_name, &names);
	if (ret < 0 || !names.len)
		return error_missing(err, -ENOENT, "open", subject,
				     "this machine has no dma-buf heaps (nothing in " HEAP_DIR
				     "); the kernel needs CONFIG_DMABUF_HEAPS and a heap, such as "
				     "CONFIG_DMABUF_HEAPS_SYSTEM");
	return error_missing(err, -ENOENT, "open", subject, "no such heap; this machine has %s",
			     names.text);
}

/* subject is the spec: "heap:NAME". */
static int open_heap(const char *name, const char *subject, struct devmem_error *err)
{
	char path[sizeof(HEAP_DIR) + 1 + NAME_MAX];
	int fd;

	snprintf(path, sizeof(path), HEAP_DIR "/%s", name);
	fd = sys_open(path, O_RDONLY);
	if (fd == -ENOENT)
		return no_such_heap(subject, err);
	if (fd == -EACCES || fd == -EPERM)
		return error_system(err, fd, "open", subject,
				    "run as root, or give %s to your group with a udev rule "
				    "(SUBSYSTEM==\"dma_heap\", GROUP=\"...\", MODE=\"0640\")",
				    path);
	if (fd < 0)
		return error_system(err, fd, "open", subject, NULL);
	return fd;
}

static int check_name(const char *name, struct devmem_error *err)
{
	if (!name || !*name)
		return error_input(err, -EINVAL, "heap",
				   "the name of a heap must follow: heap:NAME");
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return error_input(err, -EINVAL, "heap",
				   "\"%s\" is no name of a heap: give a file name of " HEAP_DIR,
				   name);
	if (strlen(name) > NAME_MAX)
		return error_input(err, -EINVAL, "heap",
				   "a name of a heap has at most %d characters", NAME_MAX);
	return 0;
}

static int heap_open(struct devmem_region *region, const char *option, uint64_t size,
		     struct devmem_error *err)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	char subject[sizeof(region->spec)];
	int heap;
	int ret;

	ret = check_name(option, err);
	if (ret)
		return ret;
	snprintf(subject, sizeof(subject), "heap:%s", option);
	ret = region_check_size(size, subject, err);
	if (ret)
		return ret;
	/* This heap allocates ordinary memory; what others allocate is unknown. */
	if (!strcmp(option, "system")) {
		ret = region_host_check_available(size, subject, err);
		if (ret)
			return ret;
	}

	heap = open_heap(option, subject, err);
	if (heap < 0)
		return heap;
	ret = sys_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	sys_close(heap);
	if (ret == -ENOMEM || ret == -ENOSPC)
		return error_system(err, ret, "DMA_HEAP_IOCTL_ALLOC", subject,
				    "it has no room for %" PRIu64
				    " bytes; ask for less, or close other "
				    "regions of it",
				    size);
	if (ret < 0)
		return error_system(err, ret, "DMA_HEAP_IOCTL_ALLOC", subject, NULL);

	region->fd = (int)data.fd;
	region->is_dmabuf = true;
	region->size = size;
	memcpy(region->spec, subject, sizeof(region->spec));
	return 0;
}

static int list_heap(const char *name, void *arg)
{
	struct devmem_provider provider = { .available = 0 };
	struct devmem_error err = { .code = 0 };
	struct region_list *list = arg;
	int len;
	int fd;

	len = snprintf(provider.spec, sizeof(provider.spec), "heap:%s", name);
	if (len >= (int)sizeof(provider.spec)) {
		provider.code = -ENAMETOOLONG;
		snprintf(provider.reason, sizeof(provider.reason),
			 "its name is too long for this list; devmem_region_open() accepts it");
		region_list_add(list, &provider);
		return 0;
	}
	fd = open_heap(name, provider.spec, &err);
	if (fd < 0) {
		provider.code = fd;
		snprintf(provider.reason, sizeof(provider.reason), "%.*s",
			 (int)sizeof(provider.reason) - 1, err.message);
	} else {
		sys_close(fd);
		provider.available = 1;
	}
	region_list_add(list, &provider);
	return 0;
}

static void heap_list(struct region_list *list)
{
	struct devmem_provider none = { .spec = "heap:" };
	struct devmem_error err = { .code = 0 };
	int ret;

	ret = sys_list_dir(HEAP_DIR, list_heap, list);
	if (!ret || ret == -ENOENT)
		return;
	none.code = error_system(&err, ret, "open", HEAP_DIR, "run as root to see the heaps");
	snprintf(none.reason, sizeof(none.reason), "%.*s", (int)sizeof(none.reason) - 1,
		 err.message);
	region_list_add(list, &none);
}

const struct region_provider region_heap = {
	.scheme = "heap",
	.open = heap_open,
	.list = heap_list,
};
