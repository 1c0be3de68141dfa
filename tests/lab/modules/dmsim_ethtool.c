// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ethtool operations of dmsim, steering excepted: rings with header split,
 * channels, counters. Counters by queue for `netdev` netlink as well.
 */
#include <linux/ethtool_netlink.h>
#include <net/netdev_queues.h>

#include "dmsim.h"

#define DMSIM_RING_MAX 4096

/* -------------------------------------------------------------------- rings */

static void dmsim_get_ringparam(struct net_device *dev, struct ethtool_ringparam *r,
				struct kernel_ethtool_ringparam *kr, struct netlink_ext_ack *extack)
{
	struct dmsim_priv *priv = netdev_priv(dev);

	r->rx_max_pending = DMSIM_RING_MAX;
	r->tx_max_pending = DMSIM_RING_MAX;
	r->rx_pending = priv->rx_pending;
	r->tx_pending = priv->tx_pending;
	if (dmsim_no_split)
		return;
	kr->tcp_data_split =
		priv->hds ? ETHTOOL_TCP_DATA_SPLIT_ENABLED : ETHTOOL_TCP_DATA_SPLIT_DISABLED;
#if LAB_KERNEL_7
	kr->hds_thresh = priv->hds_thresh;
	kr->hds_thresh_max = DMSIM_HDS_THRESH_MAX;
#endif
}

/*
 * A queue with a dma-buf must split headers, or they would land where the CPU
 * cannot read them. 7.x checks that itself, 6.12 leaves it to the driver. The
 * text is that of 7.x, so that a test can look for the same words.
 */
static int dmsim_split_off_allowed(struct net_device *dev, struct netlink_ext_ack *extack)
{
	unsigned int i;

	for (i = 0; i < dev->real_num_rx_queues; i++) {
		if (!dmsim_queue_is_bound(dev, i))
			continue;
		NL_SET_ERR_MSG(
			extack,
			"can't disable tcp-data-split while device has memory provider enabled");
		return -EINVAL;
	}
	return 0;
}

static int dmsim_set_ringparam(struct net_device *dev, struct ethtool_ringparam *r,
			       struct kernel_ethtool_ringparam *kr, struct netlink_ext_ack *extack)
{
	bool hds = kr->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	struct dmsim_priv *priv = netdev_priv(dev);
	int err;

	if (priv->hds && !hds) {
		err = dmsim_split_off_allowed(dev, extack);
		if (err)
			return err;
	}
	priv->rx_pending = r->rx_pending;
	priv->tx_pending = r->tx_pending;
	/* "auto" is off: nothing but device memory has a use for it */
	WRITE_ONCE(priv->hds, hds);
#if LAB_KERNEL_7
	WRITE_ONCE(priv->hds_thresh, kr->hds_thresh);
#endif
	return 0;
}

/* ----------------------------------------------------------------- channels */

static void dmsim_get_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	ch->max_combined = dmsim_queues;
	ch->combined_count = dev->real_num_rx_queues;
}

static int dmsim_set_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	unsigned int n = ch->combined_count, i;
	int err;

	if (!n || ch->rx_count || ch->tx_count)
		return -EINVAL;
	/* the core checks this for netlink, and since 7.x for the ioctl */
	for (i = n; i < dev->real_num_rx_queues; i++)
		if (dmsim_queue_is_bound(dev, i))
			return -EBUSY;
	err = dmsim_set_num_queues(dev, n);
	if (err)
		return err;
	if (!netif_is_rxfh_configured(dev))
		dmsim_steer_spread(netdev_priv(dev), n);
	return 0;
}

#if LAB_KERNEL_7
static u32 dmsim_get_rx_ring_count(struct net_device *dev)
{
	return dev->real_num_rx_queues;
}
#endif

/* ----------------------------------------------------------------- counters */

/* sums over the queues: one name for each member of struct dmsim_counters, in that order */
static const char dmsim_counter_names[][ETH_GSTRING_LEN] = {
	"rx_packets",	   "rx_bytes",	      "rx_alloc_fail",	 "rx_drops",	    "rx_overruns",
	"tx_packets",	   "tx_bytes",	      "tx_devmem_bytes", "rx_devmem_bytes", "rx_page_bytes",
	"rx_linear_bytes", "rx_rule_packets", "rx_misrouted",	 "bad_dma",
};

/* after the sums, for each queue: these show where a flow went */
#define DMSIM_QUEUE_COUNTERS 2

static int dmsim_get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(dmsim_counter_names) + DMSIM_QUEUE_COUNTERS * dmsim_queues;
}

static void dmsim_get_strings(struct net_device *dev, u32 set, u8 *buf)
{
	int i;

	if (set != ETH_SS_STATS)
		return;
	memcpy(buf, dmsim_counter_names, sizeof(dmsim_counter_names));
	buf += sizeof(dmsim_counter_names);
	for (i = 0; i < dmsim_queues; i++) {
		ethtool_sprintf(&buf, "rx%d_packets", i);
		ethtool_sprintf(&buf, "rx%d_bytes", i);
	}
}

static void dmsim_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int i, j;

	BUILD_BUG_ON(sizeof(struct dmsim_counters) !=
		     sizeof(u64) * ARRAY_SIZE(dmsim_counter_names));
	memset(data, 0, sizeof(struct dmsim_counters));
	for (i = 0; i < dmsim_queues; i++) {
		const u64 *cnt = (const u64 *)&priv->q[i].cnt;

		for (j = 0; j < ARRAY_SIZE(dmsim_counter_names); j++)
			data[j] += cnt[j];
	}
	data += ARRAY_SIZE(dmsim_counter_names);
	for (i = 0; i < dmsim_queues; i++) {
		*data++ = priv->q[i].cnt.rx_packets;
		*data++ = priv->q[i].cnt.rx_bytes;
	}
}

static void dmsim_get_queue_stats_rx(struct net_device *dev, int i, struct netdev_queue_stats_rx *s)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	const struct dmsim_counters *cnt = &priv->q[i].cnt;

	s->packets = cnt->rx_packets;
	s->bytes = cnt->rx_bytes;
	s->alloc_fail = cnt->rx_alloc_fail;
	s->hw_drops = cnt->rx_drops + cnt->rx_overruns;
	s->hw_drop_overruns = cnt->rx_overruns;
}

static void dmsim_get_queue_stats_tx(struct net_device *dev, int i, struct netdev_queue_stats_tx *s)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	const struct dmsim_counters *cnt = &priv->q[i].cnt;

	s->packets = cnt->tx_packets;
	s->bytes = cnt->tx_bytes;
}

/* the sums over the queues that the core doesn't ask for, those beyond the channels in use */
static void dmsim_get_base_stats(struct net_device *dev, struct netdev_queue_stats_rx *rx,
				 struct netdev_queue_stats_tx *tx)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int i;

	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->hw_drops = 0;
	rx->hw_drop_overruns = 0;
	tx->packets = 0;
	tx->bytes = 0;
	for (i = dev->real_num_rx_queues; i < dmsim_queues; i++) {
		const struct dmsim_counters *cnt = &priv->q[i].cnt;

		rx->packets += cnt->rx_packets;
		rx->bytes += cnt->rx_bytes;
		rx->alloc_fail += cnt->rx_alloc_fail;
		rx->hw_drops += cnt->rx_drops + cnt->rx_overruns;
		rx->hw_drop_overruns += cnt->rx_overruns;
		tx->packets += cnt->tx_packets;
		tx->bytes += cnt->tx_bytes;
	}
}

const struct netdev_stat_ops dmsim_stat_ops = {
	.get_queue_stats_rx = dmsim_get_queue_stats_rx,
	.get_queue_stats_tx = dmsim_get_queue_stats_tx,
	.get_base_stats = dmsim_get_base_stats,
};

/* --------------------------------------------------------------------- table */

static void dmsim_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct dmsim_priv *priv = netdev_priv(dev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(priv->dd->pdev), sizeof(info->bus_info));
}

/* not const: operations that module parameters disable are removed at load */
static struct ethtool_ops dmsim_ethtool_ops __ro_after_init = {
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT,
	.rxfh_per_ctx_key = 1,
	.rxfh_max_num_contexts = DMSIM_MAX_CONTEXTS,
	.get_drvinfo = dmsim_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_ringparam = dmsim_get_ringparam,
	.set_ringparam = dmsim_set_ringparam,
	.get_channels = dmsim_get_channels,
	.set_channels = dmsim_set_channels,
	.get_rxnfc = dmsim_get_rxnfc,
	.set_rxnfc = dmsim_set_rxnfc,
	.get_rxfh_indir_size = dmsim_get_rxfh_indir_size,
	.get_rxfh_key_size = dmsim_get_rxfh_key_size,
	.get_rxfh = dmsim_get_rxfh,
	.set_rxfh = dmsim_set_rxfh,
	.create_rxfh_context = dmsim_create_context,
	.modify_rxfh_context = dmsim_modify_context,
	.remove_rxfh_context = dmsim_remove_context,
	.get_sset_count = dmsim_get_sset_count,
	.get_strings = dmsim_get_strings,
	.get_ethtool_stats = dmsim_get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
#if LAB_KERNEL_7
	.get_rx_ring_count = dmsim_get_rx_ring_count,
	.get_rxfh_fields = dmsim_get_rxfh_fields,
#else
	.cap_rss_ctx_supported = 1,
#endif
#ifdef ETHTOOL_OP_NEEDS_RTNL_SCHANNELS
	/* netif_set_real_num_queues() wants both locks */
	.op_needs_rtnl = ETHTOOL_OP_NEEDS_RTNL_SCHANNELS,
#endif
};

void __init dmsim_ethtool_init(void)
{
#if LAB_KERNEL_7
	dmsim_ethtool_ops.supported_ring_params |= ETHTOOL_RING_USE_HDS_THRS;
#endif
	if (dmsim_no_split)
		dmsim_ethtool_ops.supported_ring_params = 0;
	if (dmsim_no_ntuple)
		dmsim_ethtool_ops.set_rxnfc = NULL;
	if (dmsim_no_contexts) {
#if !LAB_KERNEL_7
		dmsim_ethtool_ops.cap_rss_ctx_supported = 0;
#endif
		dmsim_ethtool_ops.rxfh_per_ctx_key = 0;
		dmsim_ethtool_ops.rxfh_max_num_contexts = 0;
		dmsim_ethtool_ops.create_rxfh_context = NULL;
		dmsim_ethtool_ops.modify_rxfh_context = NULL;
		dmsim_ethtool_ops.remove_rxfh_context = NULL;
	}
}

void dmsim_ethtool_attach(struct net_device *dev)
{
	dev->ethtool_ops = &dmsim_ethtool_ops;
	dev->stat_ops = &dmsim_stat_ops;
}
