// SPDX-License-Identifier: BSD-3-Clause
/* The bind-tx request, and what its errors mean to a person. */
#include "bind/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

static void hint_unsupported(const struct devmem_error *copy, const char *name,
			     struct devmem_error *err)
{
	if (strstr(copy->kernel, "bind dmabuf") || strstr(copy->kernel, "map dmabuf"))
		error_hint(err,
			   "the region's exporter does not hand it to %s (VFIO's only serves "
			   "importers that can move it)",
			   name);
	else if (strstr(copy->kernel, "support DMA"))
		error_hint(err,
			   "%s is no device that reads and writes memory itself: bind to the "
			   "physical interface below it",
			   name);
	else if (strstr(copy->kernel, "netmem TX"))
		error_hint(err,
			   "the driver of %s can't send from device memory: bnxt, mlx5, gve and "
			   "fbnic can",
			   name);
	else if (!copy->kernel[0])
		error_hint(err, "sending from device memory needs Linux 6.16, with "
				"CONFIG_NET_DEVMEM, and a driver that can");
}

/* Adds what to do to an error of bind-tx; copy is the same without it. */
static void explain(const struct devmem_error *copy, uint32_t ifindex, const char *name, int fd,
		    struct devmem_error *err)
{
	if (strstr(copy->kernel, "multiple of PAGE_SIZE")) {
		error_kind(err, DEVMEM_ERROR_INPUT);
		error_hint(err, "the size of the dma-buf must be a multiple of the page size");
	} else if (copy->code == -EOPNOTSUPP) {
		hint_unsupported(copy, name, err);
	} else if (copy->code == -EREMOTEIO) {
		error_hint(err,
			   "%s and the region's device can't reach each other over PCI: put them "
			   "behind one switch, or take a region in host memory",
			   name);
	} else if (copy->code == -EBADF) {
		error_kind(err, DEVMEM_ERROR_INPUT);
		error_hint(err, "file descriptor %d is not open", fd);
	} else if (copy->code == -EINVAL && !copy->attribute[0] && !copy->kernel[0]) {
		error_kind(err, DEVMEM_ERROR_INPUT);
		error_hint(err, "file descriptor %d is no dma-buf, or the driver can't take it",
			   fd);
	} else if (copy->code == -ENODEV) {
		error_hint(err, "no interface with index %" PRIu32 " in this network namespace",
			   ifindex);
	}
}

int bind_tx(struct genl *genl, uint32_t ifindex, const char *name, int dmabuf_fd, uint32_t *id,
	    struct devmem_error *err)
{
	struct devmem_error copy = { 0 };
	struct nlmsghdr *nlh;
	uint16_t family;
	uint32_t buf[16];
	int ret;

	if (ifindex == UAPI_LOOPBACK_IFINDEX)
		return error_missing(err, -EOPNOTSUPP, "bind-tx", name,
				     "bind-tx: the loopback interface has no device to read from "
				     "memory");
	ret = genl_family(genl, UAPI_NETDEV_NAME, &family, err);
	if (ret)
		return ret;
	nlh = netdev_msg_bind_tx(buf, sizeof(buf), family, ifindex, dmabuf_fd);
	if (!nlh)
		return error_system(err, -EMSGSIZE, "bind-tx", name, NULL);
	ret = bind_do(genl, nlh, "bind-tx", name, id, &copy);
	if (ret && err) {
		*err = copy;
		explain(&copy, ifindex, name, dmabuf_fd, err);
	}
	return ret;
}
