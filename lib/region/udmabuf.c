// SPDX-License-Identifier: BSD-3-Clause
/* Regions of host memory through /dev/udmabuf, on huge pages where they can be had. */
#include "region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/error.h"
#include "core/file.h"
#include "core/sys.h"
#include "uapi/udmabuf.h"

#define DEVICE "/dev/udmabuf"
#define SIZE_LIMIT "/sys/module/udmabuf/parameters/size_limit_mb"
#define LIST_LIMIT "/sys/module/udmabuf/parameters/list_limit"
#define NR_HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define MIB (UINT64_C(1) << 20)

#define SPEC_HUGE "udmabuf:huge=2M"
#define SPEC_ORDINARY "udmabuf:huge=no"

static int open_device(struct devmem_error *err)
{
	int fd;

	fd = sys_open(DEVICE, O_RDWR);
	if (fd >= 0)
		return fd;
	switch (fd) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return error_missing(
			err, fd, "open", DEVICE,
			"no such device; load it (modprobe udmabuf), or use a kernel built "
			"with CONFIG_UDMABUF");
	case -EACCES:
	case -EPERM:
		return error_system(err, fd, "open", DEVICE,
				    "run as root, or give it to your group with a udev rule "
				    "(KERNEL==\"udmabuf\", GROUP=\"...\", MODE=\"0660\")");
	default:
		return error_system(err, fd, "open", DEVICE, NULL);
	}
}

/* Most bytes in one udmabuf; 0: no limit, or none that can be read. */
static uint64_t size_limit(void)
{
	uint64_t mib;

	if (file_read_number(SIZE_LIMIT, &mib) || mib >= INT_MAX)
		return 0;
	return mib * MIB;
}

static int check_limit(uint64_t size, struct devmem_error *err)
{
	uint64_t need = size / MIB + !!(size % MIB);
	uint64_t limit = size_limit();

	if (!limit || size <= limit)
		return 0;
	error_input(err, -EFBIG, "udmabuf",
		    "%" PRIu64 " bytes are over the module's limit of %" PRIu64
		    " MiB; raise it now with \"echo %" PRIu64 " > " SIZE_LIMIT
		    "\" as root, and for good with udmabuf.size_limit_mb=%" PRIu64
		    " on the kernel's command line (if a module: \"options udmabuf "
		    "size_limit_mb=%" PRIu64 "\" in /etc/modprobe.d)",
		    size, limit / MIB, need, need, need);
	error_kind(err, DEVMEM_ERROR_REFUSED);
	return -EFBIG;
}

/* What is missing, and how to get it. */
static void advise_huge(char advice[256], const struct region_huge_pages *pages, uint64_t size)
{
	uint64_t need = size / HUGE_PAGE_SIZE;

	snprintf(advice, 256,
		 "huge pages of 2 MiB: %" PRIu64 " needed, %" PRIu64 " free; as root: echo %" PRIu64
		 " > " NR_HUGE_PAGES,
		 need, pages->free, pages->total + need - pages->free);
}

static int create_ordinary(int device, uint64_t size, struct devmem_error *err)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int memfd;
	int fd;

	fd = region_host_check_available(size, SPEC_ORDINARY, err);
	if (fd)
		return fd;
	/* Not allocated here: fallocate leaves pages that are cleared only when they are read
	 * through the memfd, and a udmabuf would show what was in them before (seen on 7.3 with
	 * init_on_alloc=0). The ioctl allocates and clears them. */
	memfd = region_memfd_create(SPEC_ORDINARY, 0, size, false, err);
	if (memfd < 0)
		return memfd;
	create.memfd = (uint32_t)memfd;
	fd = sys_ioctl(device, UDMABUF_CREATE, &create);
	sys_close(memfd);
	if (fd == -EINVAL)
		return error_system(err, fd, "UDMABUF_CREATE", DEVICE,
				    "%" PRIu64 " bytes may be over its limit, see " SIZE_LIMIT,
				    size);
	if (fd < 0)
		return error_system(err, fd, "UDMABUF_CREATE", DEVICE, NULL);
	return fd;
}

static int create_huge(int device, uint64_t size, struct devmem_error *err)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	struct region_huge_pages pages;
	char advice[256];
	int memfd;
	int fd;

	/* Allocated here: a shortage is an error now instead of a SIGBUS later. The kernel clears
	 * huge pages when it allocates them. */
	memfd = region_memfd_create(SPEC_HUGE, MFD_HUGETLB | MFD_HUGE_2MB, size, true, err);
	if (memfd < 0) {
		if (!region_host_huge_pages(&pages) && pages.free < size / HUGE_PAGE_SIZE) {
			advise_huge(advice, &pages, size);
			error_hint(err, "%s", advice);
		}
		return memfd;
	}
	create.memfd = (uint32_t)memfd;
	fd = sys_ioctl(device, UDMABUF_CREATE, &create);
	sys_close(memfd);
	if (fd == -EINVAL || fd == -EBADFD)
		return error_system(err, fd, "UDMABUF_CREATE", DEVICE,
				    "this kernel's udmabuf may not support huge pages");
	if (fd < 0)
		return error_system(err, fd, "UDMABUF_CREATE", DEVICE, NULL);
	return fd;
}

/* On huge pages if there are enough of them; if not, the region's note says why. */
static int create_auto(struct devmem_region *region, int device, uint64_t size, bool *huge,
		       struct devmem_error *err)
{
	static const char slow[] = "on ordinary pages, which makes returning many fragments slow";
	struct region_huge_pages pages;
	struct devmem_error why;
	char advice[256];
	char name[16];
	int counted;
	int fd;

	*huge = false;
	counted = region_host_huge_pages(&pages);
	if (size % HUGE_PAGE_SIZE) {
		snprintf(region->note, sizeof(region->note),
			 "%s: the size is no multiple of 2 MiB; use one that is", slow);
	} else if (counted == -ENOENT) {
		snprintf(region->note, sizeof(region->note),
			 "%s: this kernel has no huge pages of 2 MiB", slow);
	} else if (counted) {
		snprintf(region->note, sizeof(region->note),
			 "%s: the count of huge pages cannot be read (%s)", slow,
			 error_name(counted, name));
	} else if (pages.free < size / HUGE_PAGE_SIZE) {
		advise_huge(advice, &pages, size);
		snprintf(region->note, sizeof(region->note), "%s: %s", slow, advice);
	} else {
		fd = create_huge(device, size, &why);
		if (fd >= 0) {
			*huge = true;
			return fd;
		}
		snprintf(region->note, sizeof(region->note), "%s: %.*s", slow,
			 (int)(sizeof(region->note) - sizeof(slow) - 2), why.message);
	}
	return create_ordinary(device, size, err);
}

static int udmabuf_open(struct devmem_region *region, const char *option, uint64_t size,
			struct devmem_error *err)
{
	bool huge = false;
	int device;
	int ret;
	int fd;

	if (option && strcmp(option, "huge=2M") && strcmp(option, "huge=no"))
		return error_input(err, -EINVAL, "udmabuf",
				   "unknown option \"%s\"; there are huge=2M and huge=no", option);
	ret = region_check_size(size, "udmabuf", err);
	if (ret)
		return ret;
	if (option && !strcmp(option, "huge=2M")) {
		huge = true;
		if (size % HUGE_PAGE_SIZE)
			return error_input(err, -EINVAL, SPEC_HUGE,
					   "%" PRIu64 " bytes are no multiple of 2 MiB", size);
	}
	device = open_device(err);
	if (device < 0)
		return device;
	fd = check_limit(size, err);
	if (fd)
		goto close_device;

	if (!option) {
		fd = create_auto(region, device, size, &huge, err);
	} else if (huge) {
		fd = create_huge(device, size, err);
		if (fd < 0)
			error_hint(err, "or use " SPEC_ORDINARY);
	} else {
		fd = create_ordinary(device, size, err);
	}
	if (fd < 0)
		goto close_device;

	region->fd = fd;
	region->is_dmabuf = true;
	region->size = size;
	snprintf(region->spec, sizeof(region->spec), "%s", huge ? SPEC_HUGE : SPEC_ORDINARY);

close_device:
	sys_close(device);
	return fd < 0 ? fd : 0;
}

static void udmabuf_list(struct region_list *list)
{
	struct devmem_provider provider = { .spec = "udmabuf" };
	struct devmem_error err = { .code = 0 };
	struct region_huge_pages pages;
	char *reason = provider.reason;
	size_t left = sizeof(provider.reason);
	int len = 0;
	int fd;

	provider.max_bytes = size_limit();
	file_read_number(LIST_LIMIT, &provider.list_limit);
	if (!region_host_huge_pages(&pages))
		provider.huge_free_bytes = pages.free * HUGE_PAGE_SIZE;

	fd = open_device(&err);
	if (fd < 0) {
		provider.code = fd;
		snprintf(reason, left, "%.*s", (int)left - 1, err.message);
		region_list_add(list, &provider);
		return;
	}
	sys_close(fd);
	provider.available = 1;
	if (provider.max_bytes)
		len = snprintf(reason, left,
			       "a region has at most %" PRIu64 " MiB (" SIZE_LIMIT ")",
			       provider.max_bytes / MIB);
	if (!provider.huge_free_bytes)
		snprintf(reason + len, left - (size_t)len,
			 "%sno free huge pages of 2 MiB (" NR_HUGE_PAGES ")", len ? "; " : "");
	region_list_add(list, &provider);
}

const struct region_provider region_udmabuf = {
	.scheme = "udmabuf",
	.open = udmabuf_open,
	.list = udmabuf_list,
};
