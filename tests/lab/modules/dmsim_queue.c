// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive queues of dmsim: their buffers, opening and closing the interface,
 * and the queue management operations by which the core restarts one queue
 * with other memory behind it. NAPI instances persist; only pools are swapped.
 */
#include <linux/etherdevice.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/helpers.h>

#include "dmsim.h"

#if LAB_KERNEL_7
#include <net/netdev_lock.h>

/* every callback of the device runs under its lock: see request_ops_lock in dmsim_main.c */
#define dmsim_napi_enable napi_enable_locked
#define dmsim_napi_disable napi_disable_locked
/* what queue management callbacks get between the device and the memory */
#define DMSIM_QCFG_ARG struct netdev_queue_config *qcfg,
#define DMSIM_QCFG_PAGE_SIZE (qcfg->rx_page_size)
#else
#define dmsim_napi_enable napi_enable
#define dmsim_napi_disable napi_disable
#define DMSIM_QCFG_ARG
#define DMSIM_QCFG_PAGE_SIZE PAGE_SIZE
#endif

/* one buffer; softirq context, or bottom halves off */
netmem_ref dmsim_pool_get(struct page_pool *pp)
{
#ifdef DMSIM_HAVE_ALLOC_NETMEMS
	return page_pool_alloc_netmems(pp, GFP_ATOMIC | __GFP_NOWARN);
#else
	return page_pool_alloc_netmem(pp, GFP_ATOMIC | __GFP_NOWARN);
#endif
}

/* drops the buffer being filled; packets that lie in it have references of their own */
void dmsim_pool_drain(struct dmsim_pool *p)
{
	if (p->cur && !page_pool_unref_netmem(p->cur, p->bias))
		page_pool_put_unrefed_netmem(p->pp, p->cur, -1, false);
	p->cur = 0;
}

static void dmsim_pool_premap(struct dmsim_dev *dd, struct page_pool *pp)
{
	netmem_ref nm;

	local_bh_disable();
	nm = dmsim_pool_get(pp);
	local_bh_enable();
	if (!nm)
		return;
	if (netmem_is_net_iov(nm))
		dmsim_dma_premap(dd, page_pool_get_dma_addr_netmem(nm));
	page_pool_put_full_netmem(pp, nm, false);
}

static int dmsim_pool_create(struct dmsim_priv *priv, int idx, u32 bufsz, struct dmsim_pool *p)
{
	struct page_pool_params params = {
		.order = ilog2(bufsz) - PAGE_SHIFT,
		.pool_size = 1024,
		.nid = NUMA_NO_NODE,
		.dev = &priv->dd->pdev->dev,
		.napi = &priv->q[idx].napi,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = bufsz,
		.netdev = priv->dev,
		.queue_idx = idx,
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
	};
	struct page_pool *pp;

	/* memory that the CPU cannot read is of use only when headers go elsewhere */
	if (priv->hds)
		params.flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
	pp = page_pool_create(&params);
	if (IS_ERR(pp))
		return PTR_ERR(pp);
	dmsim_pool_premap(priv->dd, pp);
	*p = (struct dmsim_pool){ .pp = pp, .bufsz = bufsz };
	return 0;
}

static void dmsim_pool_destroy(struct dmsim_pool *p)
{
	if (!p->pp)
		return;
	dmsim_pool_drain(p);
	page_pool_destroy(p->pp);
	p->pp = NULL;
}

/* a dma-buf (or another memory provider) is bound to the queue */
bool dmsim_queue_is_bound(struct net_device *dev, unsigned int idx)
{
#if LAB_KERNEL_7
	return netif_rxq_has_unreadable_mp(dev, idx);
#else
	return __netif_get_rx_queue(dev, idx)->mp_params.mp_priv;
#endif
}

static u32 dmsim_queue_bufsz(struct net_device *dev, int idx)
{
#if LAB_KERNEL_7
	struct netdev_queue_config qcfg;

	/* without queue management the core has no configuration to ask for */
	if (dev->queue_mgmt_ops) {
		netdev_queue_config(dev, idx, &qcfg);
		return qcfg.rx_page_size;
	}
#endif
	return PAGE_SIZE;
}

/* tells the core which NAPI serves which of the first @n queues; the others have none */
static void dmsim_link_napi(struct net_device *dev, unsigned int n)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < dmsim_queues; i++) {
		struct napi_struct *napi = i < n ? &priv->q[i].napi : NULL;

		netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_RX, napi);
		netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_TX, napi);
	}
}

int dmsim_set_num_queues(struct net_device *dev, unsigned int n)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int err;

	err = netif_set_real_num_queues(dev, n, n);
	if (err)
		return err;
	if (priv->running)
		dmsim_link_napi(dev, n);
	return 0;
}

int dmsim_open(struct net_device *dev)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int i, err;

	/* all queues, in use or not: the number of channels may change while up */
	for (i = 0; i < dmsim_queues; i++) {
		err = dmsim_pool_create(priv, i, dmsim_queue_bufsz(dev, i), &priv->q[i].pool);
		if (err)
			goto destroy_pools;
	}
	dmsim_link_napi(dev, dev->real_num_rx_queues);
	for (i = 0; i < dmsim_queues; i++)
		dmsim_napi_enable(&priv->q[i].napi);
	WRITE_ONCE(priv->running, true);
	netif_carrier_on(dev);
	netif_tx_start_all_queues(dev);
	return 0;

destroy_pools:
	while (i--)
		dmsim_pool_destroy(&priv->q[i].pool);
	return err;
}

int dmsim_stop(struct net_device *dev)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int i;

	netif_tx_stop_all_queues(dev);
	netif_carrier_off(dev);
	WRITE_ONCE(priv->running, false);
	/* the peer's senders check running under RCU: none that read true is left after this */
	synchronize_net();
	/* a queue may hand packets to any other: all of them stop before any is emptied */
	for (i = 0; i < dmsim_queues; i++)
		dmsim_napi_disable(&priv->q[i].napi);
	dmsim_link_napi(dev, 0);
	for (i = 0; i < dmsim_queues; i++) {
		skb_queue_purge(&priv->q[i].backlog);
		dmsim_pool_destroy(&priv->q[i].pool);
	}
	return 0;
}

/* ------------------------------------------------- queue management operations */

static int dmsim_queue_mem_alloc(struct net_device *dev, DMSIM_QCFG_ARG void *mem, int idx)
{
	struct dmsim_priv *priv = netdev_priv(dev);

#if !LAB_KERNEL_7
	/* 6.12 leaves it to the driver to refuse a binding while header split is off */
	if (!priv->hds && dmsim_queue_is_bound(dev, idx))
		return -EINVAL;
	/* and to refuse to restart a queue while the interface is down */
	if (!priv->running)
		return -ENETDOWN;
#endif
	return dmsim_pool_create(priv, idx, DMSIM_QCFG_PAGE_SIZE, mem);
}

static void dmsim_queue_mem_free(struct net_device *dev, void *mem)
{
	dmsim_pool_destroy(mem);
}

static int dmsim_queue_start(struct net_device *dev, DMSIM_QCFG_ARG void *mem, int idx)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	struct dmsim_queue *q = &priv->q[idx];

	q->pool = *(struct dmsim_pool *)mem;
	memset(mem, 0, sizeof(q->pool));
	dmsim_napi_enable(&q->napi);
	/* what came in the meantime waits in the backlog: nothing was scheduled while disabled */
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
	return 0;
}

static int dmsim_queue_stop(struct net_device *dev, void *mem, int idx)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	struct dmsim_queue *q = &priv->q[idx];

	dmsim_napi_disable(&q->napi);
	page_pool_disable_direct_recycling(q->pool.pp);
	*(struct dmsim_pool *)mem = q->pool;
	memset(&q->pool, 0, sizeof(q->pool));
	return 0;
}

#if LAB_KERNEL_7
static void dmsim_default_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg)
{
	qcfg->rx_page_size = PAGE_SIZE;
}

static int dmsim_validate_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg,
			       struct netlink_ext_ack *extack)
{
	if (qcfg->rx_page_size < PAGE_SIZE || qcfg->rx_page_size > SZ_2M) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "rx-page-size %u out of [%lu, %u]",
				       qcfg->rx_page_size, PAGE_SIZE, SZ_2M);
		return -EINVAL;
	}
	return 0;
}

static struct device *dmsim_queue_get_dma_dev(struct net_device *dev, int idx)
{
	return dmsim_dma_dev ? dev->dev.parent : NULL;
}
#endif

const struct netdev_queue_mgmt_ops dmsim_queue_mgmt_ops = {
	.ndo_queue_mem_size = sizeof(struct dmsim_pool),
	.ndo_queue_mem_alloc = dmsim_queue_mem_alloc,
	.ndo_queue_mem_free = dmsim_queue_mem_free,
	.ndo_queue_start = dmsim_queue_start,
	.ndo_queue_stop = dmsim_queue_stop,
#if LAB_KERNEL_7
	.ndo_default_qcfg = dmsim_default_qcfg,
	.ndo_validate_qcfg = dmsim_validate_qcfg,
	.ndo_queue_get_dma_dev = dmsim_queue_get_dma_dev,
	.supported_params = QCFG_RX_PAGE_SIZE,
#endif
};
