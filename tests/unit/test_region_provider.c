// SPDX-License-Identifier: BSD-3-Clause
/* A region whose provider does everything itself: memory that no CPU can map. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "region/region.h"
#include "rx/placement.h"

#define SIZE UINT64_C(4096)

static int closed, reads, writes;
static unsigned int synced;

static int gpu_open(struct devmem_region *region, const char *option, uint64_t size,
		    struct devmem_error *err)
{
	if (!option || strcmp(option, "0"))
		return error_input(err, -ENODEV, "gpu", "there is only gpu:0");
	region->private = calloc(1, (size_t)size);
	assert_non_null(region->private);
	region->size = size;
	snprintf(region->spec, sizeof(region->spec), "gpu:%s", option);
	return 0;
}

static void gpu_close(struct devmem_region *region)
{
	free(region->private);
	closed++;
}

static int gpu_map(struct devmem_region *region, struct devmem_error *err)
{
	return error_missing(err, -EOPNOTSUPP, "map", region->spec, "no CPU can map it");
}

static int gpu_sync(struct devmem_region *region, unsigned int flags, struct devmem_error *err)
{
	(void)region;
	(void)err;
	synced = flags;
	return 0;
}

static int gpu_read(struct devmem_region *region, uint64_t offset, void *buf, size_t len,
		    struct devmem_error *err)
{
	if (reads++)
		return error_system(err, -EIO, "copy", region->spec, NULL);
	memcpy(buf, (const char *)region->private + offset, len);
	return 0;
}

static int gpu_write(struct devmem_region *region, uint64_t offset, const void *buf, size_t len,
		     struct devmem_error *err)
{
	(void)err;
	writes++;
	memcpy((char *)region->private + offset, buf, len);
	return 0;
}

static const struct region_provider gpu = {
	.scheme = "gpu",
	.open = gpu_open,
	.close = gpu_close,
	.map = gpu_map,
	.sync = gpu_sync,
	.read = gpu_read,
	.write = gpu_write,
};

static void its_own_operations(void **state)
{
	struct devmem_region *region;
	struct devmem_error err;
	char buf[8] = "";

	(void)state;
	assert_int_equal(region_open_by(&region, &gpu, "gpu:0", SIZE, &err), 0);
	assert_string_equal(devmem_region_spec(region), "gpu:0");
	assert_int_equal(devmem_region_size(region), SIZE);
	assert_int_equal(devmem_region_fd(region), -1);
	assert_false(devmem_region_is_dmabuf(region));

	assert_int_equal(devmem_region_write(region, SIZE - 8, "letters", 8, &err), 0);
	assert_int_equal(devmem_region_read(region, SIZE - 8, buf, 8, &err), 0);
	assert_string_equal(buf, "letters");
	assert_int_equal(devmem_region_read(region, 0, buf, 8, &err), -EIO);
	assert_string_equal(err.message, "gpu:0: copy: Input/output error (EIO)");
	assert_int_equal(devmem_region_sync(region, DEVMEM_SYNC_READ, &err), 0);
	assert_int_equal(synced, DEVMEM_SYNC_READ);

	/* What is wrong for every region doesn't come to the provider. */
	assert_int_equal(devmem_region_read(region, SIZE - 7, buf, 8, &err), -ERANGE);
	assert_int_equal(devmem_region_write(region, SIZE, buf, 1, &err), -ERANGE);
	assert_int_equal(devmem_region_write(region, SIZE, buf, 0, &err), 0);
	assert_int_equal(devmem_region_sync(region, 0, &err), -EINVAL);
	assert_int_equal(reads, 2);
	assert_int_equal(writes, 1);
	assert_int_equal(synced, DEVMEM_SYNC_READ);

	closed = 0;
	devmem_region_close(region);
	assert_int_equal(closed, 1);
}

static void no_map(void **state)
{
	struct devmem_region *region;
	struct placement *placement;
	struct devmem_error err;
	void *addr = &err;
	int i;

	(void)state;
	assert_int_equal(region_open_by(&region, &gpu, "gpu:0", SIZE, &err), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(devmem_region_map(region, &addr, &err), -EOPNOTSUPP);
		assert_string_equal(err.message, "gpu:0: no CPU can map it");
	}
	assert_ptr_equal(addr, &err);
	memset(&err, 0, sizeof(err));
	assert_int_equal(placement_open(&placement, region, &err), -EOPNOTSUPP);
	assert_string_equal(err.message, "gpu:0: no CPU can map it");
	devmem_region_close(region);
}

static void open_fails(void **state)
{
	struct devmem_region *region = (void *)state;
	struct devmem_error err;

	closed = 0;
	assert_int_equal(region_open_by(&region, &gpu, "gpu", SIZE, &err), -ENODEV);
	assert_null(region);
	assert_string_equal(err.message, "gpu: there is only gpu:0");
	assert_int_equal(closed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_own_operations),
		cmocka_unit_test(no_map),
		cmocka_unit_test(open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
