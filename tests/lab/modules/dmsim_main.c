// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmsim - a simulated NIC that can do device-memory TCP, for tests.
 *
 * A PCI driver for a toy device of QEMU: edu (1234:11e8), pci-testdev
 * (1b36:0005), or any other through new_id. It has to be a PCI device, because
 * exporters of peer-to-peer memory accept no other importers; which one doesn't
 * matter, since its registers are never touched.
 *
 * Each PCI device gets two net_devices, wired back to back. With one of them
 * in another network namespace they are the NICs of two hosts.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <net/netdev_queues.h>

#include "dmsim.h"

unsigned int dmsim_queues = 4;
module_param_named(queues, dmsim_queues, uint, 0444);
MODULE_PARM_DESC(queues, "combined channels of a net_device, 1 to 16 (default 4)");

unsigned int dmsim_nrules = 64;
module_param_named(nrules, dmsim_nrules, uint, 0444);
MODULE_PARM_DESC(nrules, "ntuple rules that fit in the table, 1 to 1024 (default 64)");

unsigned int dmsim_backlog = 1024;
module_param_named(backlog, dmsim_backlog, uint, 0644);
MODULE_PARM_DESC(backlog, "packets on the wire towards a queue before it overruns (default 1024)");

bool dmsim_pack = true;
module_param_named(pack, dmsim_pack, bool, 0644);
MODULE_PARM_DESC(pack,
		 "payloads of several packets share a buffer (default), else each has its own");

unsigned int dmsim_slop;
module_param_named(slop, dmsim_slop, uint, 0644);
MODULE_PARM_DESC(slop, "fault: first bytes of each payload that stay with the headers (default 0)");

unsigned int dmsim_linear_every;
module_param_named(linear_every, dmsim_linear_every, uint, 0644);
MODULE_PARM_DESC(linear_every,
		 "fault: every Nth TCP packet is not split at all (default 0: never)");

unsigned int dmsim_misroute_every;
module_param_named(misroute_every, dmsim_misroute_every, uint, 0644);
MODULE_PARM_DESC(
	misroute_every,
	"fault: every Nth TCP packet with payload that a rule brought to a queue goes where the "
	"main RSS table says instead (default 0: never)");

bool dmsim_auto_loc = true;
module_param_named(auto_loc, dmsim_auto_loc, bool, 0644);
MODULE_PARM_DESC(auto_loc,
		 "the driver picks a free location for a rule (default), else the caller has to");

bool dmsim_dma_dev = true;
module_param_named(dma_dev, dmsim_dma_dev, bool, 0644);
MODULE_PARM_DESC(dma_dev,
		 "queues have a DMA device (default), else none can be bound; Linux 7.x only");

bool dmsim_netmem_tx = true;
module_param_named(netmem_tx, dmsim_netmem_tx, bool, 0444);
MODULE_PARM_DESC(netmem_tx, "can send from device memory (default); Linux 7.x only");

bool dmsim_no_split;
module_param_named(no_split, dmsim_no_split, bool, 0444);
MODULE_PARM_DESC(no_split, "a driver without header split (default 0)");

bool dmsim_no_ntuple;
module_param_named(no_ntuple, dmsim_no_ntuple, bool, 0444);
MODULE_PARM_DESC(no_ntuple, "a driver without flow rules (default 0)");

bool dmsim_no_contexts;
module_param_named(no_contexts, dmsim_no_contexts, bool, 0444);
MODULE_PARM_DESC(no_contexts, "a driver without RSS contexts beyond the default one (default 0)");

bool dmsim_no_queue_mgmt;
module_param_named(no_queue_mgmt, dmsim_no_queue_mgmt, bool, 0444);
MODULE_PARM_DESC(no_queue_mgmt,
		 "a driver that cannot restart single queues, so none can be bound (default 0)");

static int dmsim_set_features(struct net_device *dev, netdev_features_t features)
{
	if ((dev->features ^ features) & ~features & NETIF_F_NTUPLE)
		dmsim_rules_flush(netdev_priv(dev));
	return 0;
}

static const struct net_device_ops dmsim_netdev_ops = {
	.ndo_open = dmsim_open,
	.ndo_stop = dmsim_stop,
	.ndo_start_xmit = dmsim_xmit,
	.ndo_set_features = dmsim_set_features,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void dmsim_netdev_setup(struct net_device *dev)
{
	dev->netdev_ops = &dmsim_netdev_ops;
	dmsim_ethtool_attach(dev);
	if (!dmsim_no_queue_mgmt)
		dev->queue_mgmt_ops = &dmsim_queue_mgmt_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = 9000;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 |
			   NETIF_F_RXCSUM | NETIF_F_RXHASH | NETIF_F_HIGHDMA;
	if (!dmsim_no_ntuple)
		dev->hw_features |= NETIF_F_NTUPLE;
	dev->features = dev->hw_features;
	dev->vlan_features = NETIF_F_SG | NETIF_F_HW_CSUM;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
#if LAB_KERNEL_7
	/* the same locking with and without queue management */
	dev->request_ops_lock = true;
	dev->netmem_tx = dmsim_netmem_tx ? NETMEM_TX_DMA : NETMEM_TX_NONE;
#endif
}

static void dmsim_queue_setup(struct dmsim_priv *priv, int idx)
{
	struct dmsim_queue *q = &priv->q[idx];

	q->priv = priv;
	q->idx = idx;
	skb_queue_head_init(&q->backlog);
#if LAB_KERNEL_7
	netif_napi_add_config(priv->dev, &q->napi, dmsim_poll, idx);
#else
	netif_napi_add(priv->dev, &q->napi, dmsim_poll);
#endif
}

/* end @n of the wire; not registered yet */
static struct net_device *dmsim_netdev_create(struct dmsim_dev *dd, int n)
{
	const u8 mac[ETH_ALEN] = {
		0x02, 0x64, 0x6d, dd->pdev->bus->number, dd->pdev->devfn, n + 1
	};
	struct dmsim_priv *priv;
	struct net_device *dev;
	int i;

	dev = alloc_etherdev_mqs(sizeof(*priv), dmsim_queues, dmsim_queues);
	if (!dev)
		return NULL;
	priv = netdev_priv(dev);
	priv->dd = dd;
	priv->dev = dev;
	priv->rx_pending = 512;
	priv->tx_pending = 512;
	if (dmsim_steer_init(priv)) {
		free_netdev(dev);
		return NULL;
	}
	strscpy(dev->name, "dms%d", IFNAMSIZ);
	SET_NETDEV_DEV(dev, &dd->pdev->dev);
	dmsim_netdev_setup(dev);
	eth_hw_addr_set(dev, mac);
	for (i = 0; i < dmsim_queues; i++)
		dmsim_queue_setup(priv, i);
	netif_carrier_off(dev);
	return dev;
}

static void dmsim_netdev_destroy(struct net_device *dev)
{
	dmsim_steer_exit(netdev_priv(dev));
	free_netdev(dev);
}

static int dmsim_netdevs_create(struct dmsim_dev *dd)
{
	struct dmsim_priv *priv[2];

	dd->nd[0] = dmsim_netdev_create(dd, 0);
	if (!dd->nd[0])
		return -ENOMEM;
	dd->nd[1] = dmsim_netdev_create(dd, 1);
	if (!dd->nd[1]) {
		dmsim_netdev_destroy(dd->nd[0]);
		return -ENOMEM;
	}
	priv[0] = netdev_priv(dd->nd[0]);
	priv[1] = netdev_priv(dd->nd[1]);
	priv[0]->peer = dd->nd[1];
	priv[1]->peer = dd->nd[0];
	return 0;
}

static int dmsim_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct dmsim_dev *dd;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	/* the CPU copies: a scatterlist entry may have any length */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	dd = devm_kzalloc(&pdev->dev, sizeof(*dd), GFP_KERNEL);
	if (!dd)
		return -ENOMEM;
	dd->pdev = pdev;
	dmsim_dma_init(dd);
	err = dmsim_netdevs_create(dd);
	if (err)
		return err;
	err = register_netdev(dd->nd[0]);
	if (err)
		goto destroy_netdevs;
	err = register_netdev(dd->nd[1]);
	if (err)
		goto unregister_first;
	pci_set_drvdata(pdev, dd);
	pci_info(pdev, "%s <-> %s, %u queues\n", dd->nd[0]->name, dd->nd[1]->name, dmsim_queues);
	return 0;

unregister_first:
	unregister_netdev(dd->nd[0]);
destroy_netdevs:
	dmsim_dma_exit(dd);
	dmsim_netdev_destroy(dd->nd[1]);
	dmsim_netdev_destroy(dd->nd[0]);
	return err;
}

static void dmsim_remove(struct pci_dev *pdev)
{
	struct dmsim_dev *dd = pci_get_drvdata(pdev);

	/* stops both ends before either is freed: a sender accesses its peer */
	unregister_netdev(dd->nd[0]);
	unregister_netdev(dd->nd[1]);
	dmsim_dma_exit(dd);
	dmsim_netdev_destroy(dd->nd[0]);
	dmsim_netdev_destroy(dd->nd[1]);
}

static const struct pci_device_id dmsim_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, /* QEMU edu */
						  { PCI_DEVICE(0x1b36,
							       0x0005) }, /* QEMU pci-testdev */
						  {} };
MODULE_DEVICE_TABLE(pci, dmsim_ids);

static struct pci_driver dmsim_driver = {
	.name = KBUILD_MODNAME,
	.id_table = dmsim_ids,
	.probe = dmsim_probe,
	.remove = dmsim_remove,
};

static int __init dmsim_init(void)
{
	dmsim_queues = clamp(dmsim_queues, 1U, (unsigned int)DMSIM_MAX_QUEUES);
	dmsim_nrules = clamp(dmsim_nrules, 1U, (unsigned int)DMSIM_MAX_RULES);
	dmsim_ethtool_init();
	return pci_register_driver(&dmsim_driver);
}
module_init(dmsim_init);

static void __exit dmsim_exit(void)
{
	pci_unregister_driver(&dmsim_driver);
}
module_exit(dmsim_exit);

MODULE_DESCRIPTION("Simulated NIC with device-memory TCP");
MODULE_LICENSE("GPL");
