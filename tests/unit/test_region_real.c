// SPDX-License-Identifier: BSD-3-Clause
/* Regions through the real system calls, as far as any machine has them: memfds, what is no
 * dma-buf, and nodes that aren't there. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <devmem/region.h>

#define SIZE (UINT64_C(1) << 20)

/* How many descriptors this process has open: the same before and after, or something leaked. */
static int open_fds(void)
{
	int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static struct devmem_region *open_memfd(uint64_t size)
{
	struct devmem_region *region;
	struct devmem_error err;

	if (devmem_region_open(&region, "memfd", size, &err))
		fail_msg("%s", err.message);
	return region;
}

static void memory_is_there_and_clear(void **state)
{
	struct devmem_region *region = open_memfd(SIZE);
	static char zeros[4096];
	char buf[4096];
	struct stat st;
	uint64_t at;

	(void)state;
	assert_int_equal(fstat(devmem_region_fd(region), &st), 0);
	assert_int_equal(st.st_size, SIZE);
	/* Allocated, not only promised: no SIGBUS later. */
	assert_true((uint64_t)st.st_blocks * 512 >= SIZE);
	for (at = 0; at < SIZE; at += sizeof(buf)) {
		memset(buf, 1, sizeof(buf));
		assert_int_equal(devmem_region_read(region, at, buf, sizeof(buf), NULL), 0);
		assert_memory_equal(buf, zeros, sizeof(buf));
	}
	devmem_region_close(region);
}

static void bytes_are_shared(void **state)
{
	struct devmem_region *region = open_memfd(SIZE);
	char got[8] = "";
	int status;
	pid_t child;
	void *addr;

	(void)state;
	assert_int_equal(devmem_region_map(region, &addr, NULL), 0);
	/* Through a descriptor, a mapping, and the calls, it is the same memory. */
	assert_int_equal(pwrite(devmem_region_fd(region), "outside", 8, 4096), 8);
	assert_int_equal(devmem_region_read(region, 4096, got, 8, NULL), 0);
	assert_string_equal(got, "outside");
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		memcpy((char *)addr + 8192, "a child", 8);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(devmem_region_read(region, 8192, got, 8, NULL), 0);
	assert_string_equal(got, "a child");
	assert_int_equal(devmem_region_write(region, SIZE - 1, "z", 1, NULL), 0);
	assert_int_equal(((char *)addr)[SIZE - 1], 'z');
	devmem_region_close(region);
}

static void descriptor_is_safe(void **state)
{
	struct devmem_region *region = open_memfd(SIZE);
	int fd = devmem_region_fd(region);

	(void)state;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	/* Nobody can pull the pages away under a mapping. */
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(errno, EPERM);
	devmem_region_close(region);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void no_dmabuf(void **state)
{
	struct devmem_region *memfd = open_memfd(SIZE);
	struct devmem_region *region;
	struct devmem_error err;
	char spec[16];
	int pipes[2];

	(void)state;
	assert_int_equal(devmem_region_import(&region, devmem_region_fd(memfd), &err), -EINVAL);
	assert_non_null(strstr(err.message, "is no dma-buf"));
	snprintf(spec, sizeof(spec), "fd:%d", devmem_region_fd(memfd));
	assert_int_equal(devmem_region_open(&region, spec, 0, &err), -EINVAL);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(devmem_region_import(&region, pipes[0], &err), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(devmem_region_import(&region, pipes[0], &err), -EBADF);
	devmem_region_close(memfd);
}

static void too_large(void **state)
{
	struct devmem_region *region;
	struct devmem_error err;

	(void)state;
	/* Refused by arithmetic: no process is killed for it. */
	assert_int_equal(devmem_region_open(&region, "memfd", UINT64_C(1) << 50, &err), -ENOMEM);
	assert_non_null(strstr(err.message, "MemAvailable"));
	assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
	assert_int_equal(devmem_region_open(&region, "memfd", UINT64_C(1) << 63, &err), -EFBIG);
}

static void absent_nodes(void **state)
{
	struct devmem_region *region;
	struct devmem_error err;

	(void)state;
	assert_int_equal(devmem_region_open(&region, "heap:no-such-heap", SIZE, &err), -ENOENT);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	if (access("/dev/udmabuf", F_OK) == 0)
		skip();
	assert_int_equal(devmem_region_open(&region, "udmabuf", SIZE, &err), -ENOENT);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "CONFIG_UDMABUF"));
}

/* Where there is a real udmabuf that this process may use. */
static void real_udmabuf(void **state)
{
	struct devmem_region *region;
	struct devmem_region *import;
	char got[8] = "";

	(void)state;
	if (access("/dev/udmabuf", R_OK | W_OK) != 0)
		skip();
	assert_int_equal(devmem_region_open(&region, "udmabuf:huge=no", SIZE, NULL), 0);
	assert_int_equal(devmem_region_is_dmabuf(region), 1);
	assert_int_equal(devmem_region_write(region, SIZE - 8, "devmem!", 8, NULL), 0);
	assert_int_equal(devmem_region_import(&import, devmem_region_fd(region), NULL), 0);
	devmem_region_close(region);
	assert_int_equal(devmem_region_size(import), SIZE);
	assert_int_equal(devmem_region_read(import, SIZE - 8, got, 8, NULL), 0);
	assert_string_equal(got, "devmem!");
	devmem_region_close(import);
}

static void providers(void **state)
{
	struct devmem_provider list[32];
	int n = devmem_region_providers(list, 32);

	(void)state;
	assert_true(n >= 2 && n <= 32);
	assert_string_equal(list[0].spec, "udmabuf");
	assert_int_equal(list[0].available, list[0].code == 0);
	assert_string_equal(list[n - 1].spec, "memfd");
	assert_int_equal(list[n - 1].available, 1);
}

static int fds_before(void **state)
{
	static int before;

	before = open_fds();
	*state = &before;
	return 0;
}

static int fds_after(void **state)
{
	return open_fds() == *(int *)*state ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_is_there_and_clear, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(bytes_are_shared, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(descriptor_is_safe, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(no_dmabuf, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(too_large, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(absent_nodes, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(real_udmabuf, fds_before, fds_after),
		cmocka_unit_test_setup_teardown(providers, fds_before, fds_after),
	};

	return cmocka_run_group_tests_name("region-real", tests, NULL, NULL);
}
