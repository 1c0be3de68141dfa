// SPDX-License-Identifier: BSD-3-Clause
/* An interface: snapshot of its settings. */
#include "nic/netdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/number.h"
#include "nic/ethtool_ioctl.h"
#include "nic/queue.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

/* Room for every request to the netdev family but bind-rx. */
#define REQUEST_WORDS 32

struct devmem_netdev {
	struct genl *genl;
	struct ethtool_dev dev;
	struct devmem_netdev_info info;
	struct ethtool_rss rss; /* what info points into */
};

const struct ethtool_dev *netdev_dev(const struct devmem_netdev *netdev)
{
	return &netdev->dev;
}

static struct ethtool_ioctl io_of(const struct devmem_netdev *nd)
{
	return (struct ethtool_ioctl){
		.fd = genl_fd(nd->genl),
		.ifindex = nd->dev.ifindex,
		.subject = nd->dev.name,
	};
}

/* Each of the following fills one group of the snapshot. What kernel or driver don't have is left
 * out; any other failure is one of the snapshot. */
static int snapshot_basics(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			   struct devmem_error *err)
{
	const struct ethtool_ioctl io = io_of(nd);
	uint32_t flags;
	int ret;

	info->ifindex = nd->dev.ifindex;
	ret = ethtool_ioctl_name(&io, info->name, err);
	if (ret)
		return ret;
	ret = ethtool_ioctl_flags(&io, &flags, err);
	if (ret)
		return ret;
	info->up = !!(flags & IFF_UP);
	return ethtool_ioctl_mtu(&io, &info->mtu, err);
}

static int snapshot_driver(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			   struct devmem_error *err)
{
	const struct ethtool_ioctl io = io_of(nd);
	struct uapi_ethtool_drvinfo drvinfo;
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_ioctl_drvinfo(&io, &drvinfo, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	info->has |= DEVMEM_HAS_DRIVER;
	memcpy(info->driver, drvinfo.driver, sizeof(info->driver));
	memcpy(info->bus, drvinfo.bus_info, sizeof(info->bus));
	return 0;
}
_Static_assert(sizeof(((struct devmem_netdev_info *)0)->driver) ==
		       sizeof(((struct uapi_ethtool_drvinfo *)0)->driver),
	       "driver's name");
_Static_assert(sizeof(((struct devmem_netdev_info *)0)->bus) ==
		       sizeof(((struct uapi_ethtool_drvinfo *)0)->bus_info),
	       "bus address");

static int snapshot_rings(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			  struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct ethtool_msg_rings rings;
	int ret;

	ret = ethtool_get_rings(&nd->dev, &rings, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	if (rings.rx_max || rings.tx_max)
		info->has |= DEVMEM_HAS_RINGS;
	info->ring_rx = rings.rx;
	info->ring_tx = rings.tx;
	info->ring_rx_max = rings.rx_max;
	info->ring_tx_max = rings.tx_max;
	if (rings.has_split) {
		info->has |= DEVMEM_HAS_SPLIT;
		info->split = rings.split;
	}
	if (rings.has_hds_thresh) {
		info->has |= DEVMEM_HAS_HDS_THRESH;
		info->hds_thresh = rings.hds_thresh;
		info->hds_thresh_max = rings.hds_thresh_max;
	}
	return 0;
}

static int snapshot_channels(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			     struct devmem_error *err)
{
	struct ethtool_msg_channels channels;
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_channels(&nd->dev, &channels, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	info->has |= DEVMEM_HAS_CHANNELS;
	info->channels_rx = channels.rx;
	info->channels_tx = channels.tx;
	info->channels_combined = channels.combined;
	info->channels_rx_max = channels.rx_max;
	info->channels_tx_max = channels.tx_max;
	info->channels_combined_max = channels.combined_max;
	return 0;
}

static int snapshot_features(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			     struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_ntuple(&nd->dev, &ntuple, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	info->has |= DEVMEM_HAS_FEATURES;
	info->ntuple = ntuple.active.set;
	info->ntuple_settable = ntuple.hw.set && !ntuple.nochange.set;
	return 0;
}

static int snapshot_rss(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			struct ethtool_rss *rss, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_rss(&nd->dev, 0, rss, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	if (!rss->table_len && !rss->key_len && !rss->hfunc)
		return 0;
	info->has |= DEVMEM_HAS_RSS;
	info->rss_hfunc = rss->hfunc;
	info->rss_table = rss->table;
	info->rss_table_len = rss->table_len;
	info->rss_key = rss->key;
	info->rss_key_len = rss->key_len;
	return 0;
}

static int snapshot_rules(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			  struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_rule_count(&nd->dev, &info->rules, &info->rules_max, &info->rules_any,
				     &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	info->has |= DEVMEM_HAS_RULES;
	return 0;
}

int devmem_netdev_refresh(struct devmem_netdev *netdev, struct devmem_error *err)
{
	struct devmem_netdev_info info;
	struct ethtool_rss rss = { 0 };
	int ret;

	memset(&info, 0, sizeof(info));
	ret = snapshot_basics(netdev, &info, err);
	if (!ret)
		ret = snapshot_driver(netdev, &info, err);
	if (!ret)
		ret = snapshot_rings(netdev, &info, err);
	if (!ret)
		ret = snapshot_channels(netdev, &info, err);
	if (!ret)
		ret = snapshot_features(netdev, &info, err);
	if (!ret)
		ret = snapshot_rss(netdev, &info, &rss, err);
	if (!ret)
		ret = snapshot_rules(netdev, &info, err);
	if (!ret)
		ret = queue_count(&netdev->dev, &info.rx_queues, &info.tx_queues, err);
	if (ret) {
		ethtool_rss_free(&rss);
		return ret;
	}
	ethtool_rss_free(&netdev->rss);
	netdev->rss = rss;
	netdev->info = info;
	memcpy(netdev->dev.name, info.name, sizeof(netdev->dev.name));
	return 0;
}

/* An index in decimal: no interface's name may be taken for one that exists. */
static int parse_index(const char *name, uint32_t *ifindex)
{
	uint64_t value;

	if (name[0] == '0' || !number_parse(name, strlen(name), INT32_MAX, &value))
		return -EINVAL;
	*ifindex = (uint32_t)value;
	return 0;
}

static int find(struct devmem_netdev *nd, const char *name, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct ethtool_ioctl io;
	uint32_t ifindex;
	int ret;

	ret = ethtool_ioctl_index(genl_fd(nd->genl), name, &nd->dev.ifindex, &failed);
	if (!ret) {
		snprintf(nd->dev.name, sizeof(nd->dev.name), "%s", name);
		return 0;
	}
	if (ret == -ENODEV && !parse_index(name, &ifindex)) {
		nd->dev.ifindex = ifindex;
		io = io_of(nd);
		io.subject = name;
		return ethtool_ioctl_name(&io, nd->dev.name, err);
	}
	if (err)
		*err = failed;
	return ret;
}

int devmem_netdev_open(struct devmem_netdev **netdev, const char *name, struct devmem_error *err)
{
	struct devmem_netdev *nd;
	uint16_t family;
	int ret;

	*netdev = NULL;
	nd = calloc(1, sizeof(*nd));
	if (!nd)
		return error_system(err, -ENOMEM, "open", name, NULL);
	ret = genl_open(&nd->genl, err);
	if (ret)
		goto err_free;
	nd->dev.genl = nd->genl;
	ret = genl_family(nd->genl, UAPI_NETDEV_NAME, &family, err);
	if (ret)
		goto err_close_genl;
	ret = find(nd, name, err);
	if (ret)
		goto err_close_genl;
	ret = devmem_netdev_refresh(nd, err);
	if (ret)
		goto err_close_genl;
	*netdev = nd;
	return 0;

err_close_genl:
	genl_close(nd->genl);
err_free:
	free(nd);
	return ret;
}

void devmem_netdev_close(struct devmem_netdev *netdev)
{
	if (!netdev)
		return;
	ethtool_rss_free(&netdev->rss);
	genl_close(netdev->genl);
	free(netdev);
}

const struct devmem_netdev_info *devmem_netdev_info(const struct devmem_netdev *netdev)
{
	return &netdev->info;
}

/* The indices of a network namespace's interfaces. */
struct indices {
	uint32_t *array;
	size_t n;
};

static int take_index(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct indices *indices = arg;
	uint32_t ifindex;
	uint32_t *array;
	int ret;

	if (!reply) {
		indices->n = 0;
		return 0;
	}
	ret = netdev_msg_parse_dev(reply, len, &ifindex);
	if (ret)
		return ret;
	array = array_grow(indices->array, indices->n, sizeof(*array));
	if (!array)
		return -ENOMEM;
	indices->array = array;
	indices->array[indices->n++] = ifindex;
	return 0;
}

int netdev_each(int (*fn)(const struct ethtool_dev *dev, void *arg), void *arg,
		struct devmem_error *err)
{
	struct indices indices = { 0 };
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = "dev-get",
		.subject = "netdev",
		.names = netdev_msg_dev_names,
		.fn = take_index,
		.arg = &indices,
	};
	struct ethtool_dev dev = { 0 };
	struct ethtool_ioctl io;
	uint32_t buf[REQUEST_WORDS];
	size_t i;
	int ret;

	ret = genl_open(&dev.genl, err);
	if (ret)
		return ret;
	ret = genl_dump(dev.genl, netdev_msg_dev_dump(buf, sizeof(buf)), &call, err);
	for (i = 0; !ret && i < indices.n; i++) {
		dev.ifindex = indices.array[i];
		io = (struct ethtool_ioctl){
			.fd = genl_fd(dev.genl),
			.ifindex = dev.ifindex,
			.subject = "netdev",
		};
		/* Gone meanwhile. */
		if (ethtool_ioctl_name(&io, dev.name, NULL))
			continue;
		ret = fn(&dev, arg);
	}
	free(indices.array);
	genl_close(dev.genl);
	return ret;
}
