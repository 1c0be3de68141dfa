// SPDX-License-Identifier: BSD-3-Clause
/* What the machine says about its memory: limits, huge pages, what is left. */
#include "region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"

#define HUGE_DIR "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* The first bytes of a small file, terminated. */
static int read_file(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	n = sys_read(fd, buf, size - 1);
	sys_close(fd);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	return 0;
}

int region_host_number(const char *path, int64_t *number)
{
	char text[32];
	long long n;
	char *end;
	int ret;

	ret = read_file(path, text, sizeof(text));
	if (ret)
		return ret;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EINVAL;
	*number = n;
	return 0;
}

int region_host_huge_pages(struct region_huge_pages *pages)
{
	int64_t reserved;
	int64_t total;
	int64_t free;
	int ret;

	ret = region_host_number(HUGE_DIR "nr_hugepages", &total);
	if (ret)
		return ret;
	ret = region_host_number(HUGE_DIR "free_hugepages", &free);
	if (ret)
		return ret;
	ret = region_host_number(HUGE_DIR "resv_hugepages", &reserved);
	if (ret)
		return ret;
	/* Read one after the other while others allocate: they need not fit together. */
	pages->total = total > 0 ? (uint64_t)total : 0;
	pages->free = free > reserved ? (uint64_t)(free - reserved) : 0;
	return 0;
}

int region_host_check_available(uint64_t size, const char *subject, struct devmem_error *err)
{
	static const char name[] = "\nMemAvailable:";
	char text[4096];
	uint64_t left;
	char *at;

	/* Without a figure the kernel decides. */
	if (read_file("/proc/meminfo", text, sizeof(text)))
		return 0;
	at = strstr(text, name);
	if (!at)
		return 0;
	left = strtoull(at + sizeof(name) - 1, NULL, 10);
	if (size / 1024 <= left)
		return 0;
	error_input(err, -ENOMEM, subject,
		    "%" PRIu64 " KiB asked for, and the machine has %" PRIu64
		    " KiB left (MemAvailable in /proc/meminfo); ask for less",
		    size / 1024, left);
	error_kind(err, DEVMEM_ERROR_REFUSED);
	return -ENOMEM;
}
