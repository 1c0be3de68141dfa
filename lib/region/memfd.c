// SPDX-License-Identifier: BSD-3-Clause
/* Regions of plain host memory, "memfd", and the memfd that a udmabuf is made of. */
#include "region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "core/error.h"
#include "core/sys.h"
#include "uapi/udmabuf.h"

static int create(unsigned int flags)
{
	int fd;

	/* Where vm.memfd_noexec is 2 nothing works without this flag; before Linux 6.3 it is
	 * unknown. */
	fd = sys_memfd_create("devmem-region", flags | MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING);
	if (fd != -EINVAL)
		return fd;
	return sys_memfd_create("devmem-region", flags | MFD_ALLOW_SEALING);
}

int region_memfd_create(const char *subject, unsigned int flags, uint64_t size, bool allocate,
			struct devmem_error *err)
{
	int ret;
	int fd;

	fd = create(flags);
	if (fd < 0)
		return error_system(err, fd, "memfd_create", subject, NULL);
	ret = sys_ftruncate(fd, size);
	if (ret) {
		error_system(err, ret, "ftruncate", subject, NULL);
		goto close_fd;
	}
	if (allocate) {
		ret = sys_fallocate(fd, size);
		if (ret) {
			error_system(err, ret, "fallocate", subject, NULL);
			goto close_fd;
		}
	}
	/* Nobody who gets the descriptor can remove pages that a mapping or a NIC uses. */
	ret = sys_add_seals(fd, F_SEAL_SHRINK);
	if (ret) {
		error_system(err, ret, "F_ADD_SEALS", subject, NULL);
		goto close_fd;
	}
	return fd;

close_fd:
	sys_close(fd);
	return ret;
}

static int memfd_open(struct devmem_region *region, const char *option, uint64_t size,
		      struct devmem_error *err)
{
	int ret;
	int fd;

	if (option)
		return error_input(err, -EINVAL, "memfd", "takes no options, \"%s\" given", option);
	ret = region_check_size(size, "memfd", err);
	if (ret)
		return ret;
	ret = region_host_check_available(size, "memfd", err);
	if (ret)
		return ret;
	fd = region_memfd_create("memfd", 0, size, true, err);
	if (fd < 0)
		return fd;

	region->fd = fd;
	region->size = size;
	snprintf(region->spec, sizeof(region->spec), "memfd");
	return 0;
}

static void memfd_list(struct region_list *list)
{
	static const struct devmem_provider memfd = {
		.spec = "memfd",
		.available = 1,
		.reason = "no dma-buf: for placement and tests, no NIC can write to it",
	};

	region_list_add(list, &memfd);
}

const struct region_provider region_memfd = {
	.scheme = "memfd",
	.open = memfd_open,
	.list = memfd_list,
};
