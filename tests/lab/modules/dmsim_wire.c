// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wire: what one end sends is put into the backlog of a receive queue of
 * the other end, chosen as the other end's rules and RSS tables say.
 */
#include <linux/etherdevice.h>

#include "dmsim.h"

/**
 * dmsim_wire_put() - put a packet on the wire towards a queue
 * @q: the queue
 * @skb: the packet, its control block filled in
 *
 * Return: false when the backlog is full; the packet stays the caller's.
 */
bool dmsim_wire_put(struct dmsim_queue *q, struct sk_buff *skb)
{
	if (skb_queue_len_lockless(&q->backlog) >= READ_ONCE(dmsim_backlog)) {
		q->cnt.rx_overruns++;
		return false;
	}
	skb_queue_tail(&q->backlog, skb);
	napi_schedule(&q->napi);
	return true;
}

netdev_tx_t dmsim_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dmsim_priv *priv = netdev_priv(dev), *peer = netdev_priv(priv->peer);
	struct dmsim_counters *cnt = &priv->q[skb_get_queue_mapping(skb)].cnt;
	int q;

	if (!dmsim_skb_map(priv->dd, skb)) {
		struct netdev_queue *txq = netdev_get_tx_queue(dev, skb_get_queue_mapping(skb));

		netif_tx_stop_queue(txq);
		/* the window may have been mapped, and all queues woken, before this one stopped */
		if (dmsim_skb_map(priv->dd, skb))
			netif_tx_start_queue(txq);
		return NETDEV_TX_BUSY;
	}
	skb_tx_timestamp(skb);
	cnt->tx_packets++;
	cnt->tx_bytes += skb->len;
	if (!skb_frags_readable(skb))
		cnt->tx_devmem_bytes += skb->data_len;
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	/* senders run under RCU: dmsim_stop() waits for those that read true here */
	if (!READ_ONCE(peer->running))
		goto drop;
	q = dmsim_steer(peer, skb);
	if (q < 0 || !dmsim_wire_put(&peer->q[q], skb))
		goto drop;
	return NETDEV_TX_OK;

drop:
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}
