// SPDX-License-Identifier: BSD-3-Clause
/*
 * A region made of memory that somebody else allocated. Whatever hands out a dma-buf as a file
 * descriptor will do: here a dma-heap, elsewhere a GPU framework (cuMemGetHandleForAddressRange,
 * hsa_amd_portable_export_dmabuf), a DRM device (drmPrimeHandleToFD) or another process.
 *
 *	import /dev/dma_heap/system eth1 1
 *
 * As root: binds 16 MiB of that heap to queue 1 of eth1, until Enter is pressed.
 */
#include <devmem/devmem.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE (16U << 20)

/* Stands for that somebody else. Return: a dma-buf, or -1 after a message. */
static int export_memory(const char *heap)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int fd = open(heap, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0) {
		perror(heap);
		return -1;
	}
	ret = ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &data);
	if (ret)
		perror("DMA_HEAP_IOCTL_ALLOC");
	close(fd);
	return ret ? -1 : (int)data.fd;
}

/* Binds the region to a queue until Enter is pressed. Return: 0 or a negative errno. */
static int bind_region(struct devmem_region *region, const char *name, uint32_t queue,
		       struct devmem_error *err)
{
	struct devmem_reservation *reservation;
	struct devmem_binding *binding;
	struct devmem_netdev *netdev;
	int ret, ret_close;

	ret = devmem_netdev_open(&netdev, name, err);
	if (ret)
		return ret;
	ret = devmem_reservation_open(&reservation, netdev, &queue, 1, NULL, err);
	if (ret)
		goto close_netdev;
	ret = devmem_binding_open_rx(&binding, region, netdev, &queue, 1, NULL, err);
	if (ret)
		goto close_reservation;
	printf("bound to queue %u of %s, binding id %u; press Enter to end\n", queue, name,
	       devmem_binding_id(binding));
	fflush(stdout);
	getchar();

	devmem_binding_close(binding);
close_reservation:
	/* Keep the first error. */
	ret_close = devmem_reservation_close(reservation, ret ? NULL : err);
	if (!ret)
		ret = ret_close;
close_netdev:
	devmem_netdev_close(netdev);
	return ret;
}

int main(int argc, char **argv)
{
	struct devmem_region *region;
	struct devmem_error err;
	int fd, ret;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: import /dev/dma_heap/NAME [NETDEV QUEUE]\n");
		return 1;
	}
	fd = export_memory(argv[1]);
	if (fd < 0)
		return 1;
	ret = devmem_region_import(&region, fd, &err);
	/* The region has its own descriptor of the dma-buf. */
	close(fd);
	if (ret) {
		fprintf(stderr, "import: %s\n", err.message);
		return 1;
	}
	printf("%llu bytes of %s imported\n", (unsigned long long)devmem_region_size(region),
	       devmem_region_spec(region));
	if (argc == 4) {
		ret = bind_region(region, argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &err);
		if (ret)
			fprintf(stderr, "import: %s\n", err.message);
	}
	devmem_region_close(region);
	return ret ? 1 : 0;
}
