// SPDX-License-Identifier: BSD-3-Clause
/* An interface: snapshot of its settings. */
#include "nic/netdev.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/ethtool_rss.h"
#include "nic/ethtool_rules.h"
#include "nic/queue.h"

struct devmem_netdev {
	struct nic *nic;
	struct devmem_netdev_info info;
	struct ethtool_rss rss; /* what info points into */
};

const struct nic *netdev_nic(const struct devmem_netdev *netdev)
{
	return netdev->nic;
}

/* Each of the following fills one group of the snapshot. What kernel or driver don't have is left
 * out; any other failure fails the snapshot. */
static int snapshot_basics(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			   struct devmem_error *err)
{
	uint32_t flags;
	int ret;

	info->ifindex = nd->nic->ifindex;
	ret = nic_read_name(nd->nic, info->name, err);
	if (ret)
		return ret;
	ret = nic_read_flags(nd->nic, &flags, err);
	if (ret)
		return ret;
	info->up = !!(flags & IFF_UP);
	return nic_read_mtu(nd->nic, &info->mtu, err);
}

static int snapshot_driver(const struct devmem_netdev *nd, struct devmem_netdev_info *info,
			   struct devmem_error *err)
{
	struct uapi_ethtool_drvinfo drvinfo;
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_drvinfo(nd->nic, &drvinfo, &failed);
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

	ret = ethtool_get_rings(nd->nic, &rings, &failed);
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

	ret = ethtool_get_channels(nd->nic, &channels, &failed);
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

	ret = ethtool_get_ntuple(nd->nic, &ntuple, &failed);
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

	ret = ethtool_get_rss(nd->nic, 0, rss, &failed);
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

	ret = ethtool_get_rule_count(nd->nic, &info->rules, &info->rules_max, &info->rules_any,
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
		ret = queue_count(netdev->nic, &info.rx_queues, &info.tx_queues, err);
	if (ret) {
		ethtool_rss_free(&rss);
		return ret;
	}
	ethtool_rss_free(&netdev->rss);
	netdev->rss = rss;
	netdev->info = info;
	memcpy(netdev->nic->name, info.name, sizeof(netdev->nic->name));
	return 0;
}

int devmem_netdev_open(struct devmem_netdev **netdev, const char *name, struct devmem_error *err)
{
	struct devmem_netdev *nd;
	int ret;

	*netdev = NULL;
	nd = calloc(1, sizeof(*nd));
	if (!nd)
		return error_system(err, -ENOMEM, "open", name, NULL);
	ret = nic_open(&nd->nic, name, err);
	if (!ret)
		ret = devmem_netdev_refresh(nd, err);
	if (ret) {
		devmem_netdev_close(nd);
		return ret;
	}
	*netdev = nd;
	return 0;
}

void devmem_netdev_close(struct devmem_netdev *netdev)
{
	if (!netdev)
		return;
	ethtool_rss_free(&netdev->rss);
	nic_close(netdev->nic);
	free(netdev);
}

const struct devmem_netdev_info *devmem_netdev_info(const struct devmem_netdev *netdev)
{
	return &netdev->info;
}
