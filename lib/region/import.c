// SPDX-License-Identifier: BSD-3-Clause
/* Regions that somebody else exported: "fd:N", and devmem_region_import(). */
#include "region/region.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/number.h"
#include "core/sys.h"
#include "uapi/dma_buf.h"

#define NOT_OPEN "is not an open file descriptor"

/* Checks that fd is a dma-buf, and gets its size. */
static int dmabuf_size(int fd, const char *subject, uint64_t *size, struct devmem_error *err)
{
	uint32_t magic;
	int64_t end;
	int ret;

	ret = sys_fs_magic(fd, &magic);
	if (ret == -EBADF)
		return error_input(err, ret, subject, NOT_OPEN);
	if (ret)
		return error_system(err, ret, "fstatfs", subject, NULL);
	if (magic != DMA_BUF_MAGIC)
		return error_input(
			err, -EINVAL, subject,
			"is open, but is no dma-buf; give one that a device or framework "
			"exported");
	end = sys_size(fd);
	if (end < 0)
		return error_system(err, (int)end, "lseek", subject, NULL);
	if (!end)
		return error_input(err, -EINVAL, subject, "is a dma-buf of 0 bytes");
	if ((uint64_t)end > SIZE_MAX)
		return error_input(err, -EFBIG, subject,
				   "%" PRId64 " bytes are more than a process can address", end);
	*size = (uint64_t)end;
	return 0;
}

/* size: what the caller expects, 0 for anything. */
static int import_open(struct devmem_region *region, const char *option, uint64_t size,
		       struct devmem_error *err)
{
	uint64_t fd, actual = 0;
	char subject[16];
	int copy;
	int ret;

	if (!option || !number_parse(option, strlen(option), INT_MAX, &fd))
		return error_input(err, -EINVAL, "fd",
				   "the number of an open dma-buf must follow: fd:N");
	snprintf(subject, sizeof(subject), "fd:%d", (int)fd);
	ret = dmabuf_size((int)fd, subject, &actual, err);
	if (ret)
		return ret;
	if (size && size != actual)
		return error_input(err, -EINVAL, subject,
				   "the dma-buf has %" PRIu64 " bytes, not %" PRIu64
				   "; give that size, or 0",
				   actual, size);
	copy = sys_dup((int)fd);
	if (copy < 0)
		return error_system(err, copy, "F_DUPFD_CLOEXEC", subject, NULL);

	region->fd = copy;
	region->is_dmabuf = true;
	region->size = actual;
	snprintf(region->spec, sizeof(region->spec), "%s", subject);
	return 0;
}

int devmem_region_import(struct devmem_region **region, int fd, struct devmem_error *err)
{
	char spec[16];

	*region = NULL;
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	if (fd < 0)
		return error_input(err, -EBADF, spec, NOT_OPEN);
	return devmem_region_open(region, spec, 0, err);
}

const struct region_provider region_import = {
	.scheme = "fd",
	.open = import_open,
};
