// SPDX-License-Identifier: BSD-3-Clause
/* What the machine says about its memory: limits, huge pages, what is left. */
#include "region/region.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/number.h"

#define HUGE_DIR "/sys/kernel/mm/hugepages/hugepages-2048kB/"

int region_host_huge_pages(struct region_huge_pages *pages)
{
	uint64_t reserved, free;
	int ret;

	ret = file_read_number(HUGE_DIR "nr_hugepages", &pages->total);
	if (!ret)
		ret = file_read_number(HUGE_DIR "free_hugepages", &free);
	if (!ret)
		ret = file_read_number(HUGE_DIR "resv_hugepages", &reserved);
	if (ret)
		return ret;
	/* Read one after the other while others allocate: they may not match. */
	pages->free = free > reserved ? free - reserved : 0;
	return 0;
}

int region_host_check_available(uint64_t size, const char *subject, struct devmem_error *err)
{
	static const char name[] = "\nMemAvailable:";
	char text[4096];
	uint64_t left;
	const char *at;

	/* Without a figure the kernel decides. */
	file_read("/proc/meminfo", text, sizeof(text), NULL);
	at = strstr(text, name);
	if (!at)
		return 0;
	at += sizeof(name) - 1;
	at += strspn(at, " ");
	if (!number_next(&at, text + sizeof(text), UINT64_MAX, &left) || size / 1024 <= left)
		return 0;
	error_input(err, -ENOMEM, subject,
		    "%" PRIu64 " KiB asked for, and the machine has %" PRIu64
		    " KiB left (MemAvailable in /proc/meminfo); ask for less",
		    size / 1024, left);
	error_kind(err, DEVMEM_ERROR_REFUSED);
	return -ENOMEM;
}
