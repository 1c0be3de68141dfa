// SPDX-License-Identifier: BSD-3-Clause
/* The bind-rx request, and what its errors mean to a person. */
#include "bind/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

#define SPLIT_HINT "devmem_reservation_open() does it, or: ethtool -G %s tcp-data-split on"

/* The request that failed, for the search for the reason. */
struct failed {
	struct genl *genl;
	uint32_t ifindex;
	const char *name;
	int fd;
	const uint32_t *queues;
	size_t n;
	uint32_t rx_page_size;
};

/* What the interface's queues say about the queues that were asked for. */
struct taken {
	const struct failed *failed;
	uint32_t rx_queues;
	bool found;
	struct netdev_msg_queue queue;
};

static int take_queue(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct taken *taken = arg;
	struct netdev_msg_queue queue;
	size_t i;
	int ret;

	if (!reply) {
		taken->rx_queues = 0;
		taken->found = false;
		return 0;
	}
	ret = netdev_msg_parse_queue(reply, len, &queue);
	if (ret)
		return ret;
	if (queue.type != UAPI_NETDEV_QUEUE_TYPE_RX)
		return 0;
	taken->rx_queues++;
	if (taken->found || !(queue.dmabuf_id || queue.io_uring || queue.xsk || queue.leased))
		return 0;
	for (i = 0; i < taken->failed->n; i++) {
		if (taken->failed->queues[i] == queue.id) {
			taken->found = true;
			taken->queue = queue;
		}
	}
	return 0;
}

static int look_at_queues(const struct failed *failed, struct taken *taken)
{
	const struct genl_call call = {
		.operation = "queue-get",
		.subject = failed->name,
		.names = netdev_msg_queue_names,
		.fn = take_queue,
		.arg = taken,
	};
	struct nlmsghdr *nlh;
	uint32_t buf[32];
	uint16_t family;
	int ret;

	memset(taken, 0, sizeof(*taken));
	taken->failed = failed;
	ret = genl_family(failed->genl, UAPI_NETDEV_NAME, &family, NULL);
	if (ret)
		return ret;
	nlh = netdev_msg_queue_get(buf, sizeof(buf), family, failed->ifindex);
	if (!nlh)
		return -EMSGSIZE;
	return genl_dump(failed->genl, nlh, &call, NULL);
}

/* Says who has one of the queues. */
static void hint_taken(const struct failed *failed, struct devmem_error *err)
{
	struct taken taken;

	if (look_at_queues(failed, &taken) || !taken.found) {
		error_hint(err, "devmemctl queue show %s says who has the queue", failed->name);
		return;
	}
	if (taken.queue.dmabuf_id)
		error_hint(err,
			   "queue %" PRIu32 " has binding %" PRIu32
			   " already: choose another, or end the process that holds it",
			   taken.queue.id, taken.queue.dmabuf_id);
	else if (taken.queue.io_uring)
		error_hint(err, "io_uring has queue %" PRIu32 ": choose another", taken.queue.id);
	else if (taken.queue.xsk)
		error_hint(err, "an AF_XDP socket has queue %" PRIu32 ": choose another",
			   taken.queue.id);
	else
		error_hint(err,
			   "queue %" PRIu32
			   " is leased to another interface: bind it there, or choose another",
			   taken.queue.id);
}

static void hint_range(const struct failed *failed, struct devmem_error *err)
{
	struct taken taken;

	error_kind(err, DEVMEM_ERROR_INPUT);
	if (look_at_queues(failed, &taken) || !taken.rx_queues)
		error_hint(err, "%s has no such receive queue", failed->name);
	else
		error_hint(err, "%s has receive queues 0 to %" PRIu32, failed->name,
			   taken.rx_queues - 1);
}

static void hint_page_size(const struct failed *failed, const struct devmem_error *copy,
			   struct devmem_error *err)
{
	if (strstr(copy->kernel, "nknown attribute")) {
		error_kind(err, DEVMEM_ERROR_MISSING);
		error_hint(err,
			   "receive buffers of other sizes than the kernel's page need Linux 7.3");
		return;
	}
	error_kind(err, DEVMEM_ERROR_INPUT);
	error_hint(err,
		   "rx-page-size %" PRIu32
		   " must be a power of two and at least the kernel's page size",
		   failed->rx_page_size);
}

/* EINVAL without a word about it: Linux 6.12 leaves header split to the driver, and a descriptor
 * that is no dma-buf gives the same. */
static void hint_einval(const struct failed *failed, struct devmem_error *err)
{
	struct ethtool_dev dev = { .genl = failed->genl, .ifindex = failed->ifindex };
	struct ethtool_msg_rings rings;

	snprintf(dev.name, sizeof(dev.name), "%s", failed->name);
	if (ethtool_get_rings(&dev, &rings, NULL)) {
		error_hint(err,
			   "file descriptor %d is no dma-buf, or header split is off: " SPLIT_HINT,
			   failed->fd, failed->name);
		return;
	}
	if (rings.split != UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED)
		error_hint(err, "header split is not on: " SPLIT_HINT, failed->name);
	else
		error_hint(err, "file descriptor %d is no dma-buf, or the driver can't take it",
			   failed->fd);
}

static void hint_unsupported(const struct failed *failed, const struct devmem_error *copy,
			     struct devmem_error *err)
{
	if (strstr(copy->kernel, "rx_page_size"))
		error_hint(err, "this driver only has receive buffers of the kernel's page size: "
				"leave rx-page-size out");
	else if (strstr(copy->kernel, "support DMA"))
		error_hint(err,
			   "%s is no device that reads and writes memory itself: bind to the "
			   "physical interface below it",
			   failed->name);
	else if (strstr(copy->kernel, "bind dmabuf") || strstr(copy->kernel, "map dmabuf"))
		error_hint(err,
			   "the region's exporter does not hand it to %s (VFIO's only serves "
			   "importers that can move it)",
			   failed->name);
	else if (strstr(copy->kernel, "virtual netdev") || strstr(copy->kernel, "leased"))
		hint_taken(failed, err);
	else if (!strcmp(copy->attribute, "ifindex"))
		error_hint(err,
			   "the driver of %s can't restart single queues, which device memory "
			   "needs: bnxt, mlx5, gve and fbnic can",
			   failed->name);
	else if (!copy->kernel[0])
		error_hint(err,
			   "the driver of %s can't, or the kernel is older than 6.12 or has "
			   "no CONFIG_NET_DEVMEM",
			   failed->name);
}

/* Adds what to do to an error of bind-rx; copy is the same without it. */
static void explain(const struct failed *failed, const struct devmem_error *copy,
		    struct devmem_error *err)
{
	const char *kernel = copy->kernel;

	if (strstr(kernel, "tcp-data-split")) {
		error_hint(err, "switch it on: " SPLIT_HINT, failed->name);
	} else if (strstr(kernel, "hds-thresh")) {
		error_hint(err,
			   "set it to 0: devmem_reservation_open() does it, or: ethtool -G %s "
			   "hds-thresh 0 (ethtool 6.14)",
			   failed->name);
	} else if (strstr(kernel, "XDP program")) {
		error_hint(err, "take the XDP program off: ip link set dev %s xdp off",
			   failed->name);
	} else if (!strcmp(copy->attribute, "rx-page-size")) {
		hint_page_size(failed, copy, err);
	} else if (strstr(kernel, "not aligned to niov")) {
		error_hint(err,
			   "each piece of the region must be a multiple of %" PRIu32
			   " bytes: take larger pages (udmabuf:huge=2M) or a smaller "
			   "rx-page-size",
			   failed->rx_page_size);
	} else if (!strcmp(copy->attribute, "queues.id") ||
		   (copy->code == -ERANGE && !copy->attribute[0])) {
		hint_range(failed, err);
	} else if (copy->code == -EPERM) {
		error_hint(err, "binding needs CAP_NET_ADMIN over the network namespace, before "
				"Linux 7.2 in the initial user namespace: run it as root");
	} else if (copy->code == -EEXIST || copy->code == -EBUSY) {
		hint_taken(failed, err);
	} else if (copy->code == -EOPNOTSUPP) {
		hint_unsupported(failed, copy, err);
	} else if (copy->code == -EREMOTEIO) {
		error_hint(err,
			   "%s and the region's device can't reach each other over PCI: put "
			   "them behind one switch, or take a region in host memory",
			   failed->name);
	} else if (copy->code == -EBADF) {
		error_kind(err, DEVMEM_ERROR_INPUT);
		error_hint(err, "file descriptor %d is not open", failed->fd);
	} else if (copy->code == -ENODEV) {
		error_hint(err, "no interface with index %" PRIu32 " in this network namespace",
			   failed->ifindex);
	} else if (copy->code == -ENOMEM) {
		error_hint(err,
			   "the region may be smaller than the receive rings need: a larger "
			   "region, or shorter rings (ethtool -G %s rx N)",
			   failed->name);
	} else if (copy->code == -EINVAL && !kernel[0] && !copy->attribute[0]) {
		hint_einval(failed, err);
	}
}

int bind_rx(struct genl *genl, uint32_t ifindex, const char *name, int dmabuf_fd,
	    const uint32_t *queues, size_t n, uint32_t rx_page_size, uint32_t *id,
	    struct devmem_error *err)
{
	const struct failed failed = {
		.genl = genl,
		.ifindex = ifindex,
		.name = name,
		.fd = dmabuf_fd,
		.queues = queues,
		.n = n,
		.rx_page_size = rx_page_size,
	};
	struct devmem_error copy = { 0 };
	struct nlmsghdr *nlh;
	uint16_t family;
	size_t size;
	void *buf;
	int ret;

	if (!n)
		return error_input(err, -EINVAL, name, "bind-rx: no receive queue given");
	/* Linux 6.12 warns in its log when it's asked this. */
	if (ifindex == UAPI_LOOPBACK_IFINDEX)
		return error_missing(err, -EOPNOTSUPP, "bind-rx", name,
				     "bind-rx: the loopback interface has no device to write into "
				     "memory; receive through placement there");
	ret = genl_family(genl, UAPI_NETDEV_NAME, &family, err);
	if (ret)
		return ret;
	size = netdev_msg_bind_rx_size(n);
	buf = malloc(size);
	if (!buf)
		return error_system(err, -ENOMEM, "bind-rx", name, NULL);
	nlh = netdev_msg_bind_rx(buf, size, family, ifindex, dmabuf_fd, queues, n, rx_page_size);
	if (!nlh) {
		ret = error_input(err, -EMSGSIZE, name, "bind-rx: too many queues");
		goto free_buf;
	}
	ret = bind_do(genl, nlh, "bind-rx", name, id, &copy);
	if (ret && err) {
		*err = copy;
		explain(&failed, &copy, err);
	}
free_buf:
	free(buf);
	return ret;
}
