// SPDX-License-Identifier: BSD-3-Clause
/* Regions on the machine of fake_memory.c: what they are made of, every way that making and
 * using one can fail, and that nothing stays behind. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <devmem/region.h>

#include "fake_memory.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define NR_HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define SIZE_LIMIT "/sys/module/udmabuf/parameters/size_limit_mb"
#define ON_ORDINARY "on ordinary pages, which makes returning many fragments slow: "

static int setup(void **state)
{
	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

static struct devmem_region *open_ok(const char *spec, uint64_t size)
{
	struct devmem_region *region = NULL;
	struct devmem_error err;
	int ret;

	ret = devmem_region_open(&region, spec, size, &err);
	if (ret)
		fail_msg("%s: %s", spec, err.message);
	assert_non_null(region);
	return region;
}

static struct devmem_region *open_ok_or_null(const char *spec, uint64_t size)
{
	struct devmem_region *region;

	return devmem_region_open(&region, spec, size, NULL) ? NULL : region;
}

/* Writes a pattern, reads it back, and finds it in the memory behind the region. */
static void check_bytes(struct devmem_region *region)
{
	uint64_t size = devmem_region_size(region);
	unsigned char in[100];
	unsigned char out[100];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + 1);
	assert_int_equal(devmem_region_write(region, size - sizeof(in), in, sizeof(in), NULL), 0);
	memset(out, 0, sizeof(out));
	assert_int_equal(devmem_region_read(region, size - sizeof(in), out, sizeof(out), NULL), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_memory_equal(fake_memory(devmem_region_fd(region)) + size - sizeof(in), in,
			    sizeof(in));
	assert_int_equal(fake.syncing, 0);
}

static void check_nothing_left(void)
{
	assert_int_equal(fake_open_fds(), 0);
	assert_int_equal(fake_mappings(), 0);
	assert_int_equal(fake.syncing, 0);
}

static void udmabuf_takes_huge_pages(void **state)
{
	struct devmem_region *region = open_ok("udmabuf", 4 * MIB);

	(void)state;
	assert_string_equal(devmem_region_spec(region), "udmabuf:huge=2M");
	assert_null(devmem_region_note(region));
	assert_int_equal(devmem_region_size(region), 4 * MIB);
	assert_int_equal(devmem_region_is_dmabuf(region), 1);
	assert_int_equal(fake.huge_free, 7);
	assert_int_equal(fake_open_fds(), 1);
	check_bytes(region);
	devmem_region_close(region);
	assert_int_equal(fake.huge_free, 9);
	check_nothing_left();
}

static void udmabuf_huge_when_told(void **state)
{
	struct devmem_region *region = open_ok("udmabuf:huge=2M", 2 * MIB);

	(void)state;
	assert_string_equal(devmem_region_spec(region), "udmabuf:huge=2M");
	assert_int_equal(fake.huge_free, 8);
	devmem_region_close(region);
	check_nothing_left();
}

static void udmabuf_ordinary_when_told(void **state)
{
	struct devmem_region *region = open_ok("udmabuf:huge=no", 4 * MIB);

	(void)state;
	assert_string_equal(devmem_region_spec(region), "udmabuf:huge=no");
	assert_null(devmem_region_note(region));
	assert_int_equal(fake.huge_free, 9);
	check_bytes(region);
	devmem_region_close(region);
	check_nothing_left();
}

/* Where "udmabuf" can't have huge pages it uses ordinary ones, and says why. */
static void check_fallback(uint64_t size, const char *note)
{
	struct devmem_region *region = open_ok("udmabuf", size);

	assert_string_equal(devmem_region_spec(region), "udmabuf:huge=no");
	assert_non_null(devmem_region_note(region));
	assert_string_equal(devmem_region_note(region), note);
	check_bytes(region);
	devmem_region_close(region);
	assert_true(fake.huge_free == FAKE_NONE || fake.huge_free <= 9);
	check_nothing_left();
}

static void fallback_for_the_size(void **state)
{
	(void)state;
	check_fallback(3 * MIB, ON_ORDINARY "the size is no multiple of 2 MiB; use one that is");
}

static void fallback_for_a_shortage(void **state)
{
	(void)state;
	/* 10 in the pool, 9 free of which 1 is promised: 8 are left, 9 are needed. */
	check_fallback(18 * MIB, ON_ORDINARY
		       "huge pages of 2 MiB: 9 needed, 8 free; as root: echo 11 > " NR_HUGE);
}

static void fallback_for_more_promised_than_free(void **state)
{
	(void)state;
	fake.huge_free = 1;
	fake.huge_reserved = 3;
	check_fallback(2 * MIB, ON_ORDINARY
		       "huge pages of 2 MiB: 1 needed, 0 free; as root: echo 11 > " NR_HUGE);
}

static void fallback_for_a_kernel_without(void **state)
{
	(void)state;
	fake.huge_total = FAKE_NONE;
	fake.huge_free = FAKE_NONE;
	fake.huge_reserved = FAKE_NONE;
	check_fallback(4 * MIB, ON_ORDINARY "this kernel has no huge pages of 2 MiB");
}

static void fallback_for_an_unreadable_count(void **state)
{
	(void)state;
	/* Opening and reading the limit, closing, then opening the first count. */
	fake_fail(5, EIO);
	check_fallback(4 * MIB, ON_ORDINARY "the count of huge pages cannot be read (EIO)");
	assert_string_equal(fake_failed(), "sys_open " NR_HUGE);
}

static void fallback_for_an_old_udmabuf(void **state)
{
	(void)state;
	fake.udmabuf_huge_code = -EINVAL;
	check_fallback(4 * MIB,
		       ON_ORDINARY "/dev/udmabuf: UDMABUF_CREATE: Invalid argument (EINVAL); this "
				   "kernel's udmabuf may not support huge pages");
	assert_int_equal(fake.huge_free, 9);
	fake.udmabuf_huge_code = -EBADFD;
	check_fallback(4 * MIB, ON_ORDINARY
		       "/dev/udmabuf: UDMABUF_CREATE: File descriptor in bad state (EBADFD); this "
		       "kernel's udmabuf may not support huge pages");
	assert_int_equal(fake.huge_free, 9);
}

/* Others allocated the pages between the count and the allocation. */
static void fallback_for_a_lost_race(void **state)
{
	int k;

	(void)state;
	for (k = 1; k < 100 && strncmp(fake_failed(), "sys_fallocate", 13) != 0; k++) {
		fake_begin(FAKE_LINUX_7_3);
		fake_fail(k, ENOSPC);
		fake.huge_free = 3;
		fake.huge_reserved = 0;
		devmem_region_close(open_ok_or_null("udmabuf", 4 * MIB));
	}
	fake_begin(FAKE_LINUX_7_3);
	fake_fail(k - 1, ENOSPC);
	check_fallback(4 * MIB,
		       ON_ORDINARY "udmabuf:huge=2M: fallocate: No space left on device (ENOSPC)");
}

static void memfd_without_noexec(void **state)
{
	struct devmem_region *region;

	(void)state;
	fake.knows_noexec = false;
	region = open_ok("memfd", 64 * KIB);
	devmem_region_close(region);
	fake_begin(FAKE_LINUX_7_3);
	fake.wants_noexec = true;
	devmem_region_close(open_ok("memfd", 64 * KIB));
	check_nothing_left();
}

static void memfd_is_host_only(void **state)
{
	struct devmem_region *region = open_ok("memfd", 64 * KIB);

	(void)state;
	assert_int_equal(devmem_region_is_dmabuf(region), 0);
	assert_string_equal(devmem_region_spec(region), "memfd");
	assert_null(devmem_region_note(region));
	check_bytes(region);
	assert_int_equal(fake.syncs, 0);
	assert_int_equal(devmem_region_sync(region, DEVMEM_SYNC_WRITE, NULL), 0);
	devmem_region_close(region);
	check_nothing_left();
}

static void heap_by_name(void **state)
{
	struct devmem_region *region = open_ok("heap:cma", 64 * KIB);

	(void)state;
	assert_int_equal(devmem_region_is_dmabuf(region), 1);
	assert_string_equal(devmem_region_spec(region), "heap:cma");
	assert_int_equal(devmem_region_size(region), 64 * KIB);
	check_bytes(region);
	devmem_region_close(region);
	check_nothing_left();
}

static void heap_with_the_longest_name(void **state)
{
	struct devmem_region *region;
	char spec[5 + 255 + 1] = "heap:";
	char path[14 + 255 + 1] = "/dev/dma_heap/";

	(void)state;
	memset(spec + 5, 'h', 255);
	memset(path + 14, 'h', 255);
	spec[sizeof(spec) - 1] = '\0';
	path[sizeof(path) - 1] = '\0';
	fake_node(path, 0);
	region = open_ok(spec, 4 * KIB);
	assert_string_equal(devmem_region_spec(region), spec);
	devmem_region_close(region);
	check_nothing_left();
}

static void import_duplicates(void **state)
{
	struct devmem_region *region;
	int fd = fake_dmabuf(12 * KIB);
	char spec[16];

	(void)state;
	assert_int_equal(devmem_region_import(&region, fd, NULL), 0);
	assert_int_not_equal(devmem_region_fd(region), fd);
	assert_int_equal(devmem_region_size(region), 12 * KIB);
	assert_int_equal(devmem_region_is_dmabuf(region), 1);
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	assert_string_equal(devmem_region_spec(region), spec);
	check_bytes(region);
	devmem_region_close(region);
	assert_int_equal(fake_open_fds(), 1);

	region = open_ok(spec, 0);
	assert_int_equal(devmem_region_size(region), 12 * KIB);
	devmem_region_close(region);
	region = open_ok(spec, 12 * KIB);
	fake_close(fd);
	/* The region lives on without the caller's descriptor. */
	check_bytes(region);
	devmem_region_close(region);
	check_nothing_left();
}

static void several_at_once(void **state)
{
	struct devmem_region *a = open_ok("udmabuf", 2 * MIB);
	struct devmem_region *b = open_ok("heap:system", 2 * MIB);
	struct devmem_region *c = open_ok("udmabuf:huge=no", 2 * MIB);
	char one = 'a';
	char two = 'b';
	char got;

	(void)state;
	assert_int_equal(devmem_region_write(a, 0, &one, 1, NULL), 0);
	assert_int_equal(devmem_region_write(b, 0, &two, 1, NULL), 0);
	assert_int_equal(devmem_region_read(a, 0, &got, 1, NULL), 0);
	assert_int_equal(got, 'a');
	devmem_region_close(a);
	assert_int_equal(devmem_region_read(b, 0, &got, 1, NULL), 0);
	assert_int_equal(got, 'b');
	devmem_region_close(c);
	devmem_region_close(b);
	check_nothing_left();
}

static void close_of_nothing(void **state)
{
	(void)state;
	devmem_region_close(NULL);
	assert_int_equal(fake_calls(), 0);
}

/* What the machine is like, besides the usual. */
enum condition {
	USUAL,
	NO_UDMABUF,
	NO_DRIVER,
	UDMABUF_EACCES,
	UDMABUF_EPERM,
	UDMABUF_EMFILE,
	LIMIT_4_MIB,
	LIMIT_UNKNOWN_TO_US,
	NO_HUGE,
	HUGE_NOT_TAKEN,
	FEW_HUGE,
	LITTLE_MEMORY,
	HEAP_FULL,
	HEAP_EACCES,
	HEAP_EBUSY,
	HEAP_ENODEV,
	NO_HEAPS,
	MANY_HEAPS,
};

static void set_condition(enum condition condition)
{
	int i;

	switch (condition) {
	case USUAL:
		break;
	case NO_UDMABUF:
		fake_remove("/dev/udmabuf");
		break;
	case NO_DRIVER:
		fake_node("/dev/udmabuf", -ENODEV);
		break;
	case UDMABUF_EACCES:
		fake_node("/dev/udmabuf", -EACCES);
		break;
	case UDMABUF_EPERM:
		fake_node("/dev/udmabuf", -EPERM);
		break;
	case UDMABUF_EMFILE:
		fake_node("/dev/udmabuf", -EMFILE);
		break;
	case LIMIT_4_MIB:
		fake.size_limit_mb = 4;
		break;
	case LIMIT_UNKNOWN_TO_US:
		fake.size_limit_mb = 4;
		fake.size_limit_text = "four\n";
		break;
	case NO_HUGE:
		fake.huge_total = FAKE_NONE;
		fake.huge_free = FAKE_NONE;
		fake.huge_reserved = FAKE_NONE;
		break;
	case HUGE_NOT_TAKEN:
		fake.udmabuf_huge_code = -EBADFD;
		break;
	case FEW_HUGE:
		fake.huge_total = 2;
		fake.huge_free = 1;
		fake.huge_reserved = 0;
		break;
	case LITTLE_MEMORY:
		fake.mem_available_kib = 1023;
		break;
	case HEAP_FULL:
		fake.heap_left = 4 * KIB;
		break;
	case HEAP_EACCES:
		fake_node("/dev/dma_heap/system", -EACCES);
		break;
	case HEAP_EBUSY:
		fake_node("/dev/dma_heap/system", -EBUSY);
		break;
	case HEAP_ENODEV:
		fake_node("/dev/dma_heap/system", -ENODEV);
		break;
	case NO_HEAPS:
		fake_remove("/dev/dma_heap/");
		break;
	case MANY_HEAPS:
		for (i = 0; i < 9; i++) {
			char path[80];

			snprintf(path, sizeof(path),
				 "/dev/dma_heap/a-heap-with-quite-a-long-name-no-%d", i);
			fake_node(path, 0);
		}
		break;
	}
}

#define INPUT DEVMEM_ERROR_INPUT
#define REFUSED DEVMEM_ERROR_REFUSED
#define MISSING DEVMEM_ERROR_MISSING

static const struct refusal {
	const char *spec;
	uint64_t size;
	enum condition condition;
	int code;
	int kind;
	const char *operation;
	const char *message;
} refusals[] = {
	{ "", 4096, USUAL, -EINVAL, INPUT, "",
	  "region spec: no such kind of region; there are udmabuf, udmabuf:huge=2M, "
	  "udmabuf:huge=no, heap:NAME, memfd and fd:N" },
	{ "udma", 4096, USUAL, -EINVAL, INPUT, "",
	  "udma: no such kind of region; there are udmabuf, udmabuf:huge=2M, "
	  "udmabuf:huge=no, heap:NAME, memfd and fd:N" },
	{ "udmabuffer", 4096, USUAL, -EINVAL, INPUT, "",
	  "udmabuffer: no such kind of region; there are udmabuf, udmabuf:huge=2M, "
	  "udmabuf:huge=no, heap:NAME, memfd and fd:N" },
	{ ":", 4096, USUAL, -EINVAL, INPUT, "",
	  ":: no such kind of region; there are udmabuf, udmabuf:huge=2M, "
	  "udmabuf:huge=no, heap:NAME, memfd and fd:N" },
	{ "udmabuf:", 4096, USUAL, -EINVAL, INPUT, "",
	  "udmabuf: unknown option \"\"; there are huge=2M and huge=no" },
	{ "udmabuf:huge=1G", 4096, USUAL, -EINVAL, INPUT, "",
	  "udmabuf: unknown option \"huge=1G\"; there are huge=2M and huge=no" },
	{ "udmabuf:huge=2Mx", 4096, USUAL, -EINVAL, INPUT, "",
	  "udmabuf: unknown option \"huge=2Mx\"; there are huge=2M and huge=no" },
	{ "udmabuf", 0, USUAL, -EINVAL, INPUT, "",
	  "udmabuf: a region of 0 bytes cannot be; give a size" },
	{ "udmabuf", 4097, USUAL, -EINVAL, INPUT, "",
	  "udmabuf: 4097 bytes are no multiple of the page size, 4096" },
	{ "udmabuf", UINT64_MAX - 4095, USUAL, -EFBIG, INPUT, "",
	  "udmabuf: 18446744073709547520 bytes are more than a process can address" },
	{ "udmabuf:huge=2M", 4096, USUAL, -EINVAL, INPUT, "",
	  "udmabuf:huge=2M: 4096 bytes are no multiple of 2 MiB" },
	{ "udmabuf", 4096, NO_UDMABUF, -ENOENT, MISSING, "open",
	  "/dev/udmabuf: no such device; load it (modprobe udmabuf), or use a kernel built with "
	  "CONFIG_UDMABUF" },
	{ "udmabuf", 4096, NO_DRIVER, -ENODEV, MISSING, "open",
	  "/dev/udmabuf: no such device; load it (modprobe udmabuf), or use a kernel built with "
	  "CONFIG_UDMABUF" },
	{ "udmabuf", 4096, UDMABUF_EACCES, -EACCES, MISSING, "open",
	  "/dev/udmabuf: open: Permission denied (EACCES); run as root, or give it to your "
	  "group with a udev rule (KERNEL==\"udmabuf\", GROUP=\"...\", MODE=\"0660\")" },
	{ "udmabuf", 4096, UDMABUF_EPERM, -EPERM, MISSING, "open",
	  "/dev/udmabuf: open: Operation not permitted (EPERM); run as root, or give it to your "
	  "group with a udev rule (KERNEL==\"udmabuf\", GROUP=\"...\", MODE=\"0660\")" },
	{ "udmabuf", 4096, UDMABUF_EMFILE, -EMFILE, REFUSED, "open",
	  "/dev/udmabuf: open: Too many open files (EMFILE)" },
	{ "udmabuf", 4 * MIB + 4096, LIMIT_4_MIB, -EFBIG, REFUSED, "",
	  "udmabuf: 4198400 bytes are over the module's limit of 4 MiB; raise it now with "
	  "\"echo 5 > " SIZE_LIMIT
	  "\" as root, and for good with udmabuf.size_limit_mb=5 on the kernel's command "
	  "line (if a module: \"options udmabuf size_limit_mb=5\" in /etc/modprobe.d)" },
	{ "udmabuf:huge=no", 8 * MIB, LIMIT_UNKNOWN_TO_US, -EINVAL, REFUSED, "UDMABUF_CREATE",
	  "/dev/udmabuf: UDMABUF_CREATE: Invalid argument (EINVAL); 8388608 bytes may be over its "
	  "limit, see " SIZE_LIMIT },
	{ "udmabuf:huge=2M", 4 * MIB, NO_HUGE, -ENODEV, MISSING, "memfd_create",
	  "udmabuf:huge=2M: memfd_create: No such device (ENODEV); or use udmabuf:huge=no" },
	{ "udmabuf:huge=2M", 4 * MIB, FEW_HUGE, -ENOSPC, REFUSED, "fallocate",
	  "udmabuf:huge=2M: fallocate: No space left on device (ENOSPC); huge pages of "
	  "2 MiB: 2 needed, 1 free; as root: echo 3 > " NR_HUGE "; or use udmabuf:huge=no" },
	{ "udmabuf:huge=2M", 4 * MIB, HUGE_NOT_TAKEN, -EBADFD, REFUSED, "UDMABUF_CREATE",
	  "/dev/udmabuf: UDMABUF_CREATE: File descriptor in bad state (EBADFD); this kernel's "
	  "udmabuf may not support huge pages; or use udmabuf:huge=no" },
	{ "udmabuf:huge=no", MIB, LITTLE_MEMORY, -ENOMEM, REFUSED, "",
	  "udmabuf:huge=no: 1024 KiB asked for, and the machine has 1023 KiB left (MemAvailable in "
	  "/proc/meminfo); ask for less" },
	{ "memfd", MIB, LITTLE_MEMORY, -ENOMEM, REFUSED, "",
	  "memfd: 1024 KiB asked for, and the machine has 1023 KiB left (MemAvailable in "
	  "/proc/meminfo); ask for less" },
	{ "heap:system", MIB, LITTLE_MEMORY, -ENOMEM, REFUSED, "",
	  "heap:system: 1024 KiB asked for, and the machine has 1023 KiB left (MemAvailable in "
	  "/proc/meminfo); ask for less" },
	{ "memfd:", 4096, USUAL, -EINVAL, INPUT, "", "memfd: takes no options, \"\" given" },
	{ "memfd:huge=2M", 4096, USUAL, -EINVAL, INPUT, "",
	  "memfd: takes no options, \"huge=2M\" given" },
	{ "memfd", 0, USUAL, -EINVAL, INPUT, "",
	  "memfd: a region of 0 bytes cannot be; give a size" },
	{ "memfd", 100, USUAL, -EINVAL, INPUT, "",
	  "memfd: 100 bytes are no multiple of the page size, 4096" },
	{ "heap", 4096, USUAL, -EINVAL, INPUT, "",
	  "heap: the name of a heap must follow: heap:NAME" },
	{ "heap:", 4096, USUAL, -EINVAL, INPUT, "",
	  "heap: the name of a heap must follow: heap:NAME" },
	{ "heap:../udmabuf", 4096, USUAL, -EINVAL, INPUT, "",
	  "heap: \"../udmabuf\" is no name of a heap: give a file name of /dev/dma_heap" },
	{ "heap:..", 4096, USUAL, -EINVAL, INPUT, "",
	  "heap: \"..\" is no name of a heap: give a file name of /dev/dma_heap" },
	{ "heap:.", 4096, USUAL, -EINVAL, INPUT, "",
	  "heap: \".\" is no name of a heap: give a file name of /dev/dma_heap" },
	{ "heap:system", 0, USUAL, -EINVAL, INPUT, "",
	  "heap:system: a region of 0 bytes cannot be; give a size" },
	{ "heap:system", 1, USUAL, -EINVAL, INPUT, "",
	  "heap:system: 1 bytes are no multiple of the page size, 4096" },
	{ "heap:bar", 4096, USUAL, -ENOENT, MISSING, "open",
	  "heap:bar: no such heap; this machine has system, cma" },
	{ "heap:bar", 4096, MANY_HEAPS, -ENOENT, MISSING, "open",
	  "heap:bar: no such heap; this machine has system, cma, "
	  "a-heap-with-quite-a-long-name-no-0, a-heap-with-quite-a-long-name-no-1, "
	  "a-heap-with-quite-a-long-name-no-2, a-heap-with-quite-a-long-name-no-3, "
	  "a-heap-with-quite-a-long-name-no-4, a-heap-with-quite-a-long-name-no-5, ..." },
	{ "heap:system", 4096, NO_HEAPS, -ENOENT, MISSING, "open",
	  "heap:system: this machine has no dma-buf heaps (nothing in /dev/dma_heap); the kernel "
	  "needs CONFIG_DMABUF_HEAPS and a heap, such as CONFIG_DMABUF_HEAPS_SYSTEM" },
	{ "heap:system", 4096, HEAP_EACCES, -EACCES, MISSING, "open",
	  "heap:system: open: Permission denied (EACCES); run as root, or give "
	  "/dev/dma_heap/system to your group with a udev rule ("
	  "SUBSYSTEM==\"dma_heap\", GROUP=\"...\", MODE=\"0640\")" },
	{ "heap:system", 4096, HEAP_EBUSY, -EBUSY, REFUSED, "open",
	  "heap:system: open: Device or resource busy (EBUSY)" },
	{ "heap:system", 4096, HEAP_ENODEV, -ENODEV, MISSING, "open",
	  "heap:system: open: No such device (ENODEV)" },
	{ "heap:system", 8192, HEAP_FULL, -ENOMEM, REFUSED, "DMA_HEAP_IOCTL_ALLOC",
	  "heap:system: DMA_HEAP_IOCTL_ALLOC: Cannot allocate memory (ENOMEM); it has no room for "
	  "8192 bytes; ask for less, or close other regions of it" },
	{ "fd", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:-1", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd: 1", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:1x", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:4294967396", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:99999999999999999999999", 0, USUAL, -EINVAL, INPUT, "",
	  "fd: the number of an open dma-buf must follow: fd:N" },
	{ "fd:1040", 0, USUAL, -EBADF, INPUT, "", "fd:1040: is not an open file descriptor" },
};

static void every_refusal(void **state)
{
	struct devmem_region *region;
	struct devmem_error err;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];

		fake_begin(FAKE_LINUX_7_3);
		set_condition(r->condition);
		memset(&err, 0xa5, sizeof(err));
		region = (void *)&err;
		ret = devmem_region_open(&region, r->spec, r->size, &err);
		if (ret != r->code)
			fail_msg("\"%s\" %" PRIu64 ": %d, expected %d", r->spec, r->size, ret,
				 r->code);
		assert_string_equal(err.message, r->message);
		assert_int_equal(err.code, r->code);
		assert_int_equal(err.kind, r->kind);
		assert_string_equal(err.operation, r->operation);
		assert_null(region);
		assert_true(fake_undone_in_reverse());
		check_nothing_left();

		/* The same without an error object. */
		fake_begin(FAKE_LINUX_7_3);
		set_condition(r->condition);
		assert_int_equal(devmem_region_open(&region, r->spec, r->size, NULL), r->code);
		check_nothing_left();
	}
}

static void import_refusals(void **state)
{
	struct devmem_region *region;
	struct devmem_error err;
	int plain = fake_plain_fd();
	int empty = fake_dmabuf(0);
	int good = fake_dmabuf(8 * KIB);

	(void)state;
	assert_int_equal(devmem_region_import(&region, -1, &err), -EBADF);
	assert_string_equal(err.message, "fd:-1: is not an open file descriptor");
	assert_int_equal(err.kind, INPUT);
	assert_int_equal(plain, 1000);
	assert_int_equal(devmem_region_import(&region, plain, &err), -EINVAL);
	assert_string_equal(err.message,
			    "fd:1000: is open, but is no dma-buf; give one that a device or "
			    "framework exported");
	assert_int_equal(err.kind, INPUT);
	assert_int_equal(devmem_region_import(&region, empty, &err), -EINVAL);
	assert_string_equal(err.message, "fd:1001: is a dma-buf of 0 bytes");
	assert_int_equal(good, 1002);
	assert_int_equal(devmem_region_open(&region, "fd:1002", 4 * KIB, &err), -EINVAL);
	assert_string_equal(err.message,
			    "fd:1002: the dma-buf has 8192 bytes, not 4096; give that size, or 0");
	assert_int_equal(fake_open_fds(), 3);
}

/* A size_limit_mb that means no limit. */
static void no_limit(void **state)
{
	static const int64_t none[] = { FAKE_NONE, INT32_MAX };
	struct devmem_provider providers[1];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fake_begin(FAKE_LINUX_7_3);
		fake.size_limit_mb = none[i];
		devmem_region_close(open_ok("udmabuf:huge=no", 80 * MIB));
		devmem_region_providers(providers, 1);
		assert_int_equal(providers[0].max_bytes, 0);
	}
	/* Exactly what is left. */
	fake.mem_available_kib = 4096;
	devmem_region_close(open_ok("memfd", 4 * MIB));
	/* Exactly the limit, and a machine that doesn't say what memory it has. */
	fake.size_limit_mb = 4;
	fake.mem_available_kib = FAKE_NONE;
	devmem_region_close(open_ok("udmabuf:huge=no", 4 * MIB));
	check_nothing_left();
}

/* Calls whose failure loses only what they would have reported, or that can't be helped. */
static bool survivable(const char *call, int code)
{
	/* Asked again without MFD_NOEXEC_SEAL. */
	if (!strncmp(call, "sys_memfd_create", 16) && code == -EINVAL)
		return true;
	return !strncmp(call, "sys_open /sys/", 14) || !strncmp(call, "sys_open /proc/", 15) ||
	       !strncmp(call, "sys_read", 8) || !strncmp(call, "sys_close", 9);
}

/* Makes each call fail, one after the other, with this code. */
static void fail_each_call_of_open(const char *spec, uint64_t size, int code)
{
	bool automatic = !strcmp(spec, "udmabuf");
	struct devmem_region *region;
	struct devmem_error err;
	int failures = 0;
	int k;

	for (k = 1;; k++) {
		int64_t huge_free;
		int ret;

		fake_begin(FAKE_LINUX_7_3);
		huge_free = fake.huge_free;
		fake_fail(k, -code);
		memset(&err, 0, sizeof(err));
		ret = devmem_region_open(&region, spec, size, &err);
		if (!fake_failed()[0]) {
			assert_int_equal(ret, 0);
			devmem_region_close(region);
			break;
		}
		if (ret) {
			failures++;
			assert_int_equal(ret, code);
			assert_int_equal(err.code, code);
			assert_int_not_equal(err.kind, DEVMEM_ERROR_NONE);
			assert_true(err.message[0]);
			assert_true(err.operation[0]);
			assert_false(survivable(fake_failed(), code));
			assert_true(fake_undone_in_reverse());
		} else {
			/* The way out of failing huge pages is ordinary ones. */
			if (!survivable(fake_failed(), code)) {
				assert_true(automatic);
				assert_string_equal(devmem_region_spec(region), "udmabuf:huge=no");
				assert_non_null(
					strstr(devmem_region_note(region), "ordinary pages"));
			}
			fake_fail(0, 0);
			check_bytes(region);
			devmem_region_close(region);
		}
		check_nothing_left();
		assert_int_equal(fake.huge_free, huge_free);
	}
	/* Each spec has a call that can't be done without, and not only one was tried. */
	assert_true(failures > 0);
	assert_true(k > 3);
}

static void fail_at_each_call(void **state)
{
	static const int codes[] = { -EIO, -ENOMEM, -EMFILE, -EPERM, -EINVAL, -ENOSPC };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		fail_each_call_of_open("udmabuf", 4 * MIB, codes[i]);
		fail_each_call_of_open("udmabuf", 3 * MIB, codes[i]);
		fail_each_call_of_open("udmabuf:huge=2M", 4 * MIB, codes[i]);
		fail_each_call_of_open("udmabuf:huge=no", 4 * MIB, codes[i]);
		fail_each_call_of_open("heap:system", 64 * KIB, codes[i]);
		fail_each_call_of_open("heap:cma", 64 * KIB, codes[i]);
		fail_each_call_of_open("memfd", 64 * KIB, codes[i]);
	}
}

static int import_one(void *fd)
{
	struct devmem_region *region;
	struct devmem_error err;
	int ret = devmem_region_import(&region, *(int *)fd, &err);

	if (!ret) {
		assert_string_equal(fake_failed(), "");
		devmem_region_close(region);
		return 0;
	}
	assert_int_equal(ret, -EIO);
	assert_int_equal(err.kind, REFUSED);
	assert_non_null(strstr(err.message, "Input/output error (EIO)"));
	return ret;
}

static void fail_at_each_call_of_import(void **state)
{
	int fd;

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	fd = fake_dmabuf(8 * KIB);
	assert_true(fake_each_fails(FAKE_CALL, EIO, import_one, &fd) > 2);
	assert_int_equal(fake_open_fds(), 1);
}

static void fail_at_each_call_of_use(void **state)
{
	/* Of read, then of write: map, begin, end. */
	static const char *const subjects[] = { "mmap", "DMA_BUF_IOCTL_SYNC",
						"DMA_BUF_IOCTL_SYNC" };
	struct devmem_region *region;
	struct devmem_error err;
	char buf[16] = "sixteen letters";
	int way;
	int k;

	(void)state;
	for (way = 0; way < 2; way++) {
		for (k = 1; k <= 3; k++) {
			int ret;

			fake_begin(FAKE_LINUX_7_3);
			region = open_ok("heap:cma", 64 * KIB);
			fake_fail(fake_calls() + (unsigned int)k, EIO);
			ret = way ? devmem_region_write(region, 0, buf, sizeof(buf), &err)
				  : devmem_region_read(region, 0, buf, sizeof(buf), &err);
			assert_int_equal(ret, -EIO);
			assert_string_equal(err.operation, subjects[k - 1]);
			assert_string_equal(err.subject, "heap:cma");
			assert_int_equal(fake_mappings(), k > 1);
			/* When the end fails there is nothing to be done but to say so. */
			assert_int_equal(fake.syncing, k < 3 ? 0
						       : way ? DEVMEM_SYNC_WRITE
							     : DEVMEM_SYNC_READ);
			fake.syncing = 0;
			fake_fail(0, 0);
			/* It can be used again. */
			check_bytes(region);
			devmem_region_close(region);
			check_nothing_left();
		}
	}
}

static void map_is_made_once(void **state)
{
	struct devmem_region *region = open_ok("heap:cma", 64 * KIB);
	void *again;
	void *addr;

	(void)state;
	assert_int_equal(devmem_region_map(region, &addr, NULL), 0);
	assert_int_equal(devmem_region_map(region, &again, NULL), 0);
	assert_ptr_equal(addr, again);
	assert_int_equal(fake_mappings(), 1);
	devmem_region_close(region);
	check_nothing_left();
}

static void not_mappable(void **state)
{
	static const struct {
		int code;
		const char *name;
	} answers[] = {
		{ -EINVAL, "EINVAL" },	       { -ENODEV, "ENODEV" }, { -ENOTTY, "ENOTTY" },
		{ -EOPNOTSUPP, "EOPNOTSUPP" }, { -ENOSYS, "ENOSYS" }, { -ENXIO, "ENXIO" },
		{ -524, "ENOTSUPP" },
	};
	struct devmem_region *region = open_ok("heap:cma", 64 * KIB);
	struct devmem_error err;
	char expected[256];
	void *addr = &err;
	char c = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fake.mmap_write_code = answers[i].code;
		snprintf(expected, sizeof(expected),
			 "heap:cma: not mappable: its exporter offers no mapping for the CPU (mmap "
			 "answered %s); read and write it through the device that owns it",
			 answers[i].name);
		assert_int_equal(devmem_region_map(region, &addr, &err), -EOPNOTSUPP);
		assert_string_equal(err.message, expected);
		assert_int_equal(err.kind, MISSING);
		assert_int_equal(devmem_region_read(region, 0, &c, 1, NULL), -EOPNOTSUPP);
		assert_int_equal(devmem_region_write(region, 0, &c, 1, NULL), -EOPNOTSUPP);
	}
	assert_ptr_equal(addr, &err);
	fake.mmap_write_code = -ENOMEM;
	assert_int_equal(devmem_region_map(region, &addr, &err), -ENOMEM);
	assert_string_equal(err.message, "heap:cma: mmap: Cannot allocate memory (ENOMEM)");
	devmem_region_close(region);
	check_nothing_left();
}

static void read_only_export(void **state)
{
	static const int codes[] = { -EACCES, -EPERM };
	struct devmem_region *region;
	struct devmem_error err;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		char byte = 1;
		int fd;

		fake_begin(FAKE_LINUX_7_3);
		fd = fake_dmabuf(8 * KIB);
		fake_memory(fd)[5] = 42;
		fake.mmap_write_code = codes[i];
		assert_int_equal(devmem_region_import(&region, fd, NULL), 0);
		assert_int_equal(devmem_region_read(region, 5, &byte, 1, &err), 0);
		assert_int_equal(byte, 42);
		assert_int_equal(devmem_region_write(region, 5, &byte, 1, &err), -EACCES);
		assert_string_equal(err.message,
				    "fd:1000: write: Permission denied (EACCES); its exporter "
				    "lets this process only read it");
		assert_int_equal(fake.syncing, 0);
		devmem_region_close(region);

		fake.mmap_read_code = -EACCES;
		assert_int_equal(devmem_region_import(&region, fd, NULL), 0);
		assert_int_equal(devmem_region_read(region, 5, &byte, 1, &err), -EACCES);
		assert_string_equal(err.message, "fd:1000: mmap: Permission denied (EACCES)");
		devmem_region_close(region);
		fake_close(fd);
		check_nothing_left();
	}
}

static void ranges(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
		int code;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 8192, 0 },
		{ 8191, 1, 0 },
		{ 8192, 0, 0 },
		{ 0, 8193, -ERANGE },
		{ 8191, 2, -ERANGE },
		{ 8192, 1, -ERANGE },
		{ 8193, 0, -ERANGE },
		{ 1, SIZE_MAX, -ERANGE },
		{ UINT64_MAX, 1, -ERANGE },
		{ UINT64_MAX, SIZE_MAX, -ERANGE },
		{ UINT64_MAX - 8191, 8192, -ERANGE },
	};
	struct devmem_region *region = open_ok("heap:cma", 8 * KIB);
	static char buf[8192];
	struct devmem_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			devmem_region_read(region, cases[i].offset, buf, cases[i].len, &err),
			cases[i].code);
		assert_int_equal(
			devmem_region_write(region, cases[i].offset, buf, cases[i].len, &err),
			cases[i].code);
		if (cases[i].code)
			assert_int_equal(err.kind, INPUT);
	}
	assert_int_equal(devmem_region_read(region, 8000, buf, 500, &err), -ERANGE);
	assert_string_equal(err.message,
			    "heap:cma: 500 bytes at offset 8000 reach past its end at 8192");
	devmem_region_close(region);
	check_nothing_left();
}

static void sync_flags(void **state)
{
	static const unsigned int good[] = { 1, 5, 2, 6, 3, 7 };
	static const unsigned int bad[] = { 0, 4, 8, 9, 0x80000001U, UINT32_MAX };
	struct devmem_region *memfd = open_ok("memfd", 4 * KIB);
	struct devmem_region *region = open_ok("heap:cma", 4 * KIB);
	struct devmem_error err;
	unsigned int calls;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(devmem_region_sync(region, good[i], NULL), 0);
	assert_int_equal(fake.syncs, 6);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(devmem_region_sync(region, bad[i], &err), -EINVAL);
		assert_int_equal(err.kind, INPUT);
		assert_int_equal(devmem_region_sync(memfd, bad[i], NULL), -EINVAL);
	}
	assert_string_equal(err.message,
			    "heap:cma: sync flags 0xffffffff are not READ and/or WRITE, "
			    "with or without END");
	assert_int_equal(fake.syncs, 6);

	/* Asked for again when the exporter says so. */
	calls = fake_calls();
	fake_fail(calls + 1, EAGAIN);
	assert_int_equal(devmem_region_sync(region, DEVMEM_SYNC_READ, NULL), 0);
	assert_int_equal(fake_calls(), calls + 2);
	fake_fail(calls + 3, EIO);
	assert_int_equal(devmem_region_sync(region, DEVMEM_SYNC_READ | DEVMEM_SYNC_END, &err),
			 -EIO);
	assert_string_equal(err.message, "heap:cma: DMA_BUF_IOCTL_SYNC: Input/output error (EIO)");
	fake.syncing = 0;
	devmem_region_close(region);
	devmem_region_close(memfd);
	check_nothing_left();
}

static void providers_of_the_usual_machine(void **state)
{
	struct devmem_provider list[8];
	int i;

	(void)state;
	memset(list, 0xa5, sizeof(list));
	assert_int_equal(devmem_region_providers(list, 8), 4);
	assert_string_equal(list[0].spec, "udmabuf");
	assert_string_equal(list[0].reason, "a region has at most 64 MiB (" SIZE_LIMIT ")");
	assert_int_equal(list[0].max_bytes, 64 * MIB);
	assert_int_equal(list[0].list_limit, 1024);
	assert_int_equal(list[0].huge_free_bytes, 16 * MIB);
	assert_string_equal(list[1].spec, "heap:system");
	assert_string_equal(list[2].spec, "heap:cma");
	assert_string_equal(list[3].spec, "memfd");
	assert_string_equal(list[3].reason,
			    "no dma-buf: for placement and tests, no NIC can write to it");
	for (i = 0; i < 4; i++) {
		assert_int_equal(list[i].available, 1);
		assert_int_equal(list[i].code, 0);
		if (i) {
			assert_int_equal(list[i].max_bytes, 0);
			assert_int_equal(list[i].list_limit, 0);
			assert_int_equal(list[i].huge_free_bytes, 0);
		}
	}
	assert_true(fake_undone_in_reverse());
	check_nothing_left();

	/* Only what fits is written. */
	memset(list, 0xa5, sizeof(list));
	assert_int_equal(devmem_region_providers(list, 2), 4);
	assert_string_equal(list[1].spec, "heap:system");
	assert_int_equal((unsigned char)list[2].spec[0], 0xa5);
	assert_int_equal(devmem_region_providers(NULL, 0), 4);

	fake.huge_free = 0;
	devmem_region_providers(list, 1);
	assert_string_equal(list[0].reason, "a region has at most 64 MiB (" SIZE_LIMIT
					    "); no free huge pages of 2 MiB (" NR_HUGE ")");
	fake.size_limit_mb = FAKE_NONE;
	devmem_region_providers(list, 1);
	assert_string_equal(list[0].reason, "no free huge pages of 2 MiB (" NR_HUGE ")");
}

static void providers_of_a_poor_machine(void **state)
{
	struct devmem_provider list[8];
	char path[14 + 59 + 1] = "/dev/dma_heap/";

	(void)state;
	fake_remove("/dev/udmabuf");
	fake_remove("/dev/dma_heap/");
	fake.size_limit_mb = FAKE_NONE;
	fake.list_limit = FAKE_NONE;
	assert_int_equal(devmem_region_providers(list, 8), 2);
	assert_string_equal(list[0].spec, "udmabuf");
	assert_int_equal(list[0].available, 0);
	assert_int_equal(list[0].code, -ENOENT);
	assert_string_equal(list[0].reason,
			    "/dev/udmabuf: no such device; load it (modprobe udmabuf), "
			    "or use a kernel built with CONFIG_UDMABUF");
	assert_int_equal(list[0].max_bytes, 0);
	assert_int_equal(list[0].list_limit, 0);
	assert_string_equal(list[1].spec, "memfd");

	/* Nodes that this process may not open; one whose name has no room in the list. */
	memset(path + 14, 'x', 59);
	path[sizeof(path) - 1] = '\0';
	fake_node("/dev/udmabuf", -EACCES);
	fake_node("/dev/dma_heap/system", -EACCES);
	fake_node(path, 0);
	assert_int_equal(devmem_region_providers(list, 8), 4);
	assert_int_equal(list[0].code, -EACCES);
	assert_int_equal(list[0].available, 0);
	assert_non_null(strstr(list[0].reason, "udev rule"));
	assert_string_equal(list[1].spec, "heap:system");
	assert_int_equal(list[1].code, -EACCES);
	assert_non_null(strstr(list[1].reason, "udev rule"));
	assert_int_equal(list[2].code, -ENAMETOOLONG);
	assert_int_equal(list[2].available, 0);
	assert_int_equal(strlen(list[2].spec), sizeof(list[2].spec) - 1);

	/* A directory that can't be read is said, not passed over. */
	fake.list_dir_code = -EACCES;
	assert_int_equal(devmem_region_providers(list, 8), 3);
	assert_string_equal(list[1].spec, "heap:");
	assert_int_equal(list[1].available, 0);
	assert_int_equal(list[1].code, -EACCES);
	assert_string_equal(list[1].reason,
			    "/dev/dma_heap: open: Permission denied (EACCES); run as "
			    "root to see the heaps");
	check_nothing_left();
}

static void providers_survive_each_call(void **state)
{
	struct devmem_provider list[8];
	int k;

	(void)state;
	for (k = 1;; k++) {
		int n;

		fake_begin(FAKE_LINUX_7_3);
		fake_fail(k, EIO);
		n = devmem_region_providers(list, 8);
		check_nothing_left();
		assert_true(fake_undone_in_reverse());
		if (!fake_failed()[0])
			break;
		assert_int_equal(n, !strncmp(fake_failed(), "sys_list_dir", 12) ? 3 : 4);
		if (!strncmp(fake_failed(), "sys_open /dev/", 14)) {
			int i;

			for (i = 0; i < n && list[i].available; i++)
				;
			assert_true(i < n);
			assert_int_equal(list[i].code, -EIO);
			assert_non_null(strstr(list[i].reason, "EIO"));
		}
	}
	assert_true(k > 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(udmabuf_takes_huge_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(udmabuf_huge_when_told, setup, teardown),
		cmocka_unit_test_setup_teardown(udmabuf_ordinary_when_told, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_the_size, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_a_shortage, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_more_promised_than_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(fallback_for_a_kernel_without, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_an_unreadable_count, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_an_old_udmabuf, setup, teardown),
		cmocka_unit_test_setup_teardown(fallback_for_a_lost_race, setup, teardown),
		cmocka_unit_test_setup_teardown(memfd_without_noexec, setup, teardown),
		cmocka_unit_test_setup_teardown(memfd_is_host_only, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(heap_with_the_longest_name, setup, teardown),
		cmocka_unit_test_setup_teardown(import_duplicates, setup, teardown),
		cmocka_unit_test_setup_teardown(several_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(close_of_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(every_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(import_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(no_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(fail_at_each_call, setup, teardown),
		cmocka_unit_test_setup_teardown(fail_at_each_call_of_import, setup, teardown),
		cmocka_unit_test_setup_teardown(fail_at_each_call_of_use, setup, teardown),
		cmocka_unit_test_setup_teardown(map_is_made_once, setup, teardown),
		cmocka_unit_test_setup_teardown(not_mappable, setup, teardown),
		cmocka_unit_test_setup_teardown(read_only_export, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(sync_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(providers_of_the_usual_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(providers_of_a_poor_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(providers_survive_each_call, setup, teardown),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
