// SPDX-License-Identifier: BSD-3-Clause
/* A region on receive queues, or on an interface to send from it. */
#include "bind/binding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind/held.h"
#include "bind/request.h"
#include "core/error.h"
#include "core/options.h"
#include "netlink/genl.h"
#include "nic/ethtool.h"
#include "nic/netdev.h"
#include "nic/nic.h"
#include "uapi/ethtool.h"

/* The part of the region that may be out with the application unless told otherwise. With more,
 * many sockets starve each other: the NIC needs the rest. */
#define HELD_PART 4U

struct devmem_binding {
	struct devmem_region *region;
	/* NULL of a binding to send. */
	struct held *held;
	/* 0 of a plain one. */
	uint32_t id;
	/* Unbinds when it is closed. NULL if another process has it, and of a plain binding. */
	struct nic *nic;
	bool tx, plain;
	/* To send: the interface; ifindex 0 if another process made the binding. */
	uint32_t ifindex;
	char dev[NIC_NAME_SIZE];
	/* Why it is plain. */
	char note[768];
};

/* What the kernel cuts a region into unless told otherwise. */
static uint32_t kernel_page_size(void)
{
	return (uint32_t)sysconf(_SC_PAGESIZE);
}

static int check_rx_region(const struct devmem_region *region, struct devmem_error *err)
{
	if (devmem_region_is_dmabuf(region))
		return 0;
	return error_input(
		err, -EINVAL, devmem_region_spec(region),
		"host memory that is no dma-buf: a NIC can't write to it; use udmabuf or "
		"heap:NAME");
}

static int check_rx_options(const struct devmem_binding_options *o, const char *name,
			    struct devmem_error *err)
{
	uint32_t size = o->rx_page_size, min = kernel_page_size();

	/* DEVMEM_BINDING_PLAIN_OK is for sending. */
	if (o->flags)
		return error_input(err, -EINVAL, name,
				   "devmem_binding_options: flags is 0x%x, must be 0 to receive",
				   o->flags);
	if (!size || (size >= min && size <= BINDING_PAGE_SIZE_MAX && !(size & (size - 1))))
		return 0;
	return error_input(err, -EINVAL, name,
			   "rx-page-size %u must be a power of two from %u to %u", size, min,
			   BINDING_PAGE_SIZE_MAX);
}

static uint64_t held_pages_limit(const struct devmem_binding_options *o, uint64_t region_size,
				 uint32_t page_size)
{
	uint64_t bytes = o->held_max ? o->held_max : region_size / HELD_PART;

	if (o->held_max == UINT64_MAX)
		return UINT64_MAX;
	return bytes > page_size ? bytes / page_size : 1;
}

static int binding_new_rx(struct devmem_binding **binding, struct devmem_region *region,
			  uint32_t page_size, uint64_t held_limit, struct devmem_error *err)
{
	struct devmem_binding *b;
	int ret;

	b = calloc(1, sizeof(*b));
	ret = b ? held_alloc(&b->held, devmem_region_size(region), page_size, held_limit) : -ENOMEM;
	if (ret) {
		free(b);
		return error_system(err, ret, "allocate", "binding", NULL);
	}
	b->region = region;
	*binding = b;
	return 0;
}

int devmem_binding_open_rx(struct devmem_binding **binding, struct devmem_region *region,
			   struct devmem_netdev *netdev, const uint32_t *queues, size_t n,
			   const struct devmem_binding_options *options, struct devmem_error *err)
{
	const struct devmem_netdev_info *info = devmem_netdev_info(netdev);
	uint64_t size = devmem_region_size(region);
	struct devmem_binding_options o;
	uint32_t page_size, asked;
	struct devmem_binding *b;
	int ret;

	*binding = NULL;
	ret = options_read(&o, sizeof(o), options, "devmem_binding_options", err);
	if (!ret)
		ret = check_rx_options(&o, info->name, err);
	if (!ret)
		ret = check_rx_region(region, err);
	if (ret)
		return ret;
	page_size = o.rx_page_size ? o.rx_page_size : kernel_page_size();
	/* The default needs no attribute, which kernels before Linux 7.3 refuse. */
	asked = page_size == kernel_page_size() ? 0 : page_size;
	ret = binding_new_rx(&b, region, page_size, held_pages_limit(&o, size, page_size), err);
	if (ret)
		return ret;
	ret = nic_open_same(&b->nic, netdev_nic(netdev), err);
	if (!ret)
		ret = bind_rx(b->nic, devmem_region_fd(region), queues, n, asked, &b->id, err);
	if (ret) {
		devmem_binding_close(b);
		return ret;
	}
	*binding = b;
	return 0;
}

static struct devmem_binding *binding_new_tx(struct devmem_region *region, const char *dev)
{
	struct devmem_binding *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->region = region;
	b->tx = true;
	snprintf(b->dev, sizeof(b->dev), "%s", dev);
	return b;
}

static int check_tx_options(const struct devmem_binding_options *o, const char *name,
			    struct devmem_error *err)
{
	if (o->flags & ~DEVMEM_BINDING_PLAIN_OK)
		return error_input(err, -EINVAL, name,
				   "devmem_binding_options: unknown bits in flags 0x%x", o->flags);
	if (o->rx_page_size || o->held_max)
		return error_input(err, -EINVAL, name,
				   "devmem_binding_options: %s is for receiving, must be 0 to send",
				   o->rx_page_size ? "rx_page_size" : "held_max");
	return 0;
}

/* True if the feature is reported as off. What is not reported is left to the kernel. */
static bool is_off(const struct nic *nic, const char *name)
{
	struct ethtool_msg_feature feature;

	return !ethtool_get_feature(nic, name, &feature, NULL) && !feature.active.set;
}

/* Without these the kernel would have to read what is sent, to put it into one piece or to compute
 * its checksum. It can't, and silently drops each such packet (net/core/dev.c,
 * validate_xmit_skb()). */
static int check_offloads(const struct nic *nic, struct devmem_error *err)
{
	if (is_off(nic, UAPI_FEATURE_TX_SG))
		return error_missing(err, -EOPNOTSUPP, "bind-tx", nic->name,
				     "bind-tx: scatter-gather is off, without which nothing can be "
				     "sent from device memory; switch it on: ethtool -K %s sg on",
				     nic->name);
	if (is_off(nic, UAPI_FEATURE_TX_CSUM) && is_off(nic, UAPI_FEATURE_TX_CSUM_IPV4))
		return error_missing(
			err, -EOPNOTSUPP, "bind-tx", nic->name,
			"bind-tx: checksums are left to the CPU, which can't read device "
			"memory; let the NIC compute them: ethtool -K %s tx on",
			nic->name);
	return 0;
}

/* Return: 0, or what stands in the way of sending from the region itself. */
static int open_device(struct devmem_binding *b, struct devmem_netdev *netdev,
		       struct devmem_error *err)
{
	int ret;

	if (!devmem_region_is_dmabuf(b->region))
		return error_input(err, -EINVAL, devmem_region_spec(b->region),
				   "host memory that is no dma-buf: a NIC can't read it; use "
				   "udmabuf or heap:NAME");
	ret = nic_open_same(&b->nic, netdev_nic(netdev), err);
	if (!ret)
		ret = bind_tx(b->nic, devmem_region_fd(b->region), &b->id, err);
	return ret ? ret : check_offloads(netdev_nic(netdev), err);
}

/* True if a plain binding can do without what failed. */
static bool plain_helps(const struct devmem_binding *b, int code)
{
	return !devmem_region_is_dmabuf(b->region) || code == -EOPNOTSUPP || code == -EREMOTEIO;
}

static int make_plain(struct devmem_binding *b, const struct devmem_error *why,
		      struct devmem_error *err)
{
	void *addr;
	int ret;

	ret = devmem_region_map(b->region, &addr, err);
	if (ret)
		return ret;
	nic_close(b->nic);
	b->nic = NULL;
	b->id = 0;
	b->plain = true;
	memcpy(b->note, why->message, sizeof(b->note));
	return 0;
}

int devmem_binding_open_tx(struct devmem_binding **binding, struct devmem_region *region,
			   struct devmem_netdev *netdev,
			   const struct devmem_binding_options *options, struct devmem_error *err)
{
	const struct devmem_netdev_info *info = devmem_netdev_info(netdev);
	struct devmem_binding_options o;
	struct devmem_error why;
	struct devmem_binding *b;
	int ret;

	*binding = NULL;
	ret = options_read(&o, sizeof(o), options, "devmem_binding_options", err);
	if (!ret)
		ret = check_tx_options(&o, info->name, err);
	if (ret)
		return ret;
	b = binding_new_tx(region, info->name);
	if (!b)
		return error_system(err, -ENOMEM, "allocate", "binding", NULL);
	b->ifindex = info->ifindex;
	ret = open_device(b, netdev, &why);
	if (ret && (o.flags & DEVMEM_BINDING_PLAIN_OK) && plain_helps(b, ret))
		ret = make_plain(b, &why, err);
	else if (ret && err)
		*err = why;
	if (ret) {
		devmem_binding_close(b);
		return ret;
	}
	*binding = b;
	return 0;
}

int binding_open_inherited_tx(struct devmem_binding **binding, struct devmem_region *region,
			      const char *dev, uint32_t id, struct devmem_error *err)
{
	*binding = binding_new_tx(region, dev);
	if (!*binding)
		return error_system(err, -ENOMEM, "allocate", "binding", NULL);
	(*binding)->id = id;
	return 0;
}

int binding_open_inherited_rx(struct devmem_binding **binding, struct devmem_region *region,
			      uint32_t id, uint32_t page_size, uint64_t held_limit,
			      struct devmem_error *err)
{
	int ret;

	*binding = NULL;
	ret = binding_new_rx(binding, region, page_size, held_limit, err);
	if (ret)
		return ret;
	(*binding)->id = id;
	return 0;
}

void devmem_binding_close(struct devmem_binding *binding)
{
	if (!binding)
		return;
	nic_close(binding->nic);
	held_put(binding->held);
	free(binding);
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

int devmem_binding_fd(const struct devmem_binding *binding)
{
	return binding->nic ? genl_fd(binding->nic->genl) : -1;
}

int devmem_binding_is_plain(const struct devmem_binding *binding)
{
	return binding->plain;
}

const char *devmem_binding_note(const struct devmem_binding *binding)
{
	return binding->plain ? binding->note : NULL;
}

void devmem_binding_stats(const struct devmem_binding *binding, struct devmem_binding_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (binding->tx)
		return;
	stats->page_size = held_page_size(binding->held);
	stats->held_pages = held_pages(binding->held);
	stats->held_pages_max = held_pages_max(binding->held);
	stats->held_pages_limit = held_limit(binding->held);
}

struct devmem_region *binding_region(const struct devmem_binding *binding)
{
	return binding->region;
}

struct held *binding_held(const struct devmem_binding *binding)
{
	return binding->held;
}

bool binding_is_tx(const struct devmem_binding *binding)
{
	return binding->tx;
}

const char *binding_dev(const struct devmem_binding *binding)
{
	return binding->dev;
}

uint32_t binding_ifindex(const struct devmem_binding *binding)
{
	return binding->ifindex;
}
