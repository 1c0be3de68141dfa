/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmsim - a simulated NIC that can do device-memory TCP.
 *
 * What the files share. One file has one job:
 *   dmsim_main.c     module, PCI device, the two net_devices of a device
 *   dmsim_dma.c      the "DMA engine": the CPU copies to and from DMA addresses
 *   dmsim_queue.c    receive queues: buffers, start, stop, queue management ops
 *   dmsim_rx.c       header split and reception in NAPI context
 *   dmsim_wire.c     transmission: picks the queue of the other end
 *   dmsim_steer.c    flow rules, RSS tables and contexts: which queue gets a packet
 *   dmsim_ethtool.c  rings, channels, counters: the rest of ethtool
 */
#ifndef DMSIM_H
#define DMSIM_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/page_pool/types.h>

#include "compat.h"

#define DMSIM_MAX_QUEUES 16
#define DMSIM_MAX_RULES 1024
#define DMSIM_MAX_CONTEXTS 8 /* RSS contexts, the default one included */
#define DMSIM_INDIR_SIZE 128
#define DMSIM_KEY_SIZE 40
#define DMSIM_HDS_THRESH_MAX 1024
#define DMSIM_MAX_WINDOWS 16

/* module parameters, each described where it is defined, in dmsim_main.c */
extern unsigned int dmsim_queues;
extern unsigned int dmsim_nrules;
extern unsigned int dmsim_backlog;
extern unsigned int dmsim_slop;
extern unsigned int dmsim_linear_every;
extern unsigned int dmsim_misroute_every;
extern bool dmsim_pack;
extern bool dmsim_dma_dev;
extern bool dmsim_netmem_tx;
extern bool dmsim_auto_loc;
extern bool dmsim_no_split;
extern bool dmsim_no_ntuple;
extern bool dmsim_no_contexts;
extern bool dmsim_no_queue_mgmt;

/**
 * struct dmsim_pool - receive buffers of one queue
 * @pp: where buffers come from: pages, or a bound dma-buf
 * @bufsz: bytes in one buffer
 * @cur: buffer being filled, 0 for none
 * @off: first free byte of @cur
 * @bias: references to @cur that no packet holds yet
 *
 * This is the per-queue memory of the queue management API: restarting a
 * queue swaps one of these for another.
 */
struct dmsim_pool {
	struct page_pool *pp;
	u32 bufsz;
	netmem_ref cur;
	u32 off;
	long bias;
};

/*
 * Counters of one queue, in the order of the names in dmsim_ethtool.c. They
 * are written without locks: concurrent senders may lose a count of @overruns
 * or @tx_*, and no test needs those to be exact.
 */
struct dmsim_counters {
	u64 rx_packets;
	u64 rx_bytes;
	u64 rx_alloc_fail;
	u64 rx_drops;
	u64 rx_overruns;
	u64 tx_packets;
	u64 tx_bytes;
	u64 tx_devmem_bytes;
	u64 rx_devmem_bytes;
	u64 rx_page_bytes;
	u64 rx_linear_bytes;
	u64 rx_rule_packets;
	u64 rx_misrouted;
	u64 bad_dma;
};

/**
 * struct dmsim_queue - one combined channel
 * @napi: persists over queue restarts; only the pool is swapped
 * @priv: the net_device that it belongs to
 * @idx: its number
 * @split_seen: packets that could be split, for linear_every
 * @rule_seen: packets with payload that a rule brought here, for misroute_every
 * @backlog: what is "on the wire" towards this queue
 * @pool: receive buffers
 * @cnt: counters
 */
struct dmsim_queue {
	struct napi_struct napi;
	struct dmsim_priv *priv;
	u16 idx;
	u32 split_seen;
	u32 rule_seen;
	struct sk_buff_head backlog;
	struct dmsim_pool pool;
	struct dmsim_counters cnt;
};

/**
 * struct dmsim_rule - one ntuple rule; its location is its index
 * @used: in use
 * @context: RSS context when @fs.flow_type has FLOW_RSS
 * @fs: as ethtool gave it
 */
struct dmsim_rule {
	bool used;
	u32 context;
	struct ethtool_rx_flow_spec fs;
};

/**
 * struct dmsim_rss - one RSS context; context 0 is the device's own
 * @used: in use
 * @indir: receive queue by hash
 * @key: Toeplitz key
 */
struct dmsim_rss {
	bool used;
	u32 indir[DMSIM_INDIR_SIZE];
	u8 key[DMSIM_KEY_SIZE];
};

/**
 * struct dmsim_window - a PCI BAR that the DMA engine can reach
 * @start: first physical address
 * @end: first physical address past it
 * @va: where it is mapped
 */
struct dmsim_window {
	phys_addr_t start;
	phys_addr_t end;
	void __iomem *va;
};

/**
 * struct dmsim_dev - one PCI device: two net_devices, wired back to back
 * @pdev: the PCI device, which all DMA mappings are made for
 * @nd: the two ends of the wire
 * @window: BARs that DMA has gone to so far; only ever appended to
 * @nwindows: how many; stored with release semantics once the entry is complete
 * @window_lock: serializes appending
 * @window_work: maps a BAR that the data path came across unmapped
 * @window_wanted: the physical address that @window_work is to map
 * @window_none: the last one that turned out to be in no BAR
 */
struct dmsim_dev {
	struct pci_dev *pdev;
	struct net_device *nd[2];
	struct dmsim_window window[DMSIM_MAX_WINDOWS];
	int nwindows;
	struct mutex window_lock;
	struct work_struct window_work;
	phys_addr_t window_wanted;
	phys_addr_t window_none;
};

/**
 * struct dmsim_priv - one net_device
 * @dd: its PCI device
 * @dev: itself
 * @peer: the other end of the wire
 * @running: between open and stop; the peer checks it before it sends
 * @hds: header split is on
 * @hds_thresh: payload of at most that many bytes stays with the headers
 * @rx_pending: ring size; kept for ethtool only
 * @tx_pending: likewise
 * @lock: guards @rules, @nrules and @rss against the peer's sender
 * @rules: ntuple rules, dmsim_nrules of them
 * @nrules: how many of them are in use
 * @rss: RSS contexts by number
 * @q: the queues
 */
struct dmsim_priv {
	struct dmsim_dev *dd;
	struct net_device *dev;
	struct net_device *peer;
	bool running;
	bool hds;
	u32 hds_thresh;
	u32 rx_pending;
	u32 tx_pending;
	spinlock_t lock;
	struct dmsim_rule *rules;
	unsigned int nrules;
	struct dmsim_rss rss[DMSIM_MAX_CONTEXTS];
	struct dmsim_queue q[DMSIM_MAX_QUEUES];
};

/**
 * struct dmsim_cb - what travels with a packet from the sender to the queue
 * @from: first byte of the payload to receive, a multiple of the segment size
 * @to: first byte of the payload not to receive; U32_MAX: all of it
 * @rss_queue: where the packet would go if no rule had matched
 * @ruled: a rule matched
 *
 * A packet is up to 64 KiB that the receiver cuts into segments. A range
 * lets a single segment of it be handed to another queue.
 */
struct dmsim_cb {
	u32 from;
	u32 to;
	u16 rss_queue;
	bool ruled;
};

static inline struct dmsim_cb *dmsim_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct dmsim_cb) > sizeof(skb->cb));
	return (struct dmsim_cb *)skb->cb;
}

/* dmsim_dma.c */
void dmsim_dma_init(struct dmsim_dev *dd);
void dmsim_dma_exit(struct dmsim_dev *dd);
void dmsim_dma_premap(struct dmsim_dev *dd, dma_addr_t dma);
bool dmsim_netmem_write(struct dmsim_dev *dd, netmem_ref nm, u32 off, const void *buf, size_t len);
bool dmsim_skb_map(struct dmsim_dev *dd, const struct sk_buff *skb);
bool dmsim_skb_read(struct dmsim_dev *dd, struct sk_buff *skb, u32 off, void *buf, u32 len);

/* dmsim_queue.c */
extern const struct netdev_queue_mgmt_ops dmsim_queue_mgmt_ops;
netmem_ref dmsim_pool_get(struct page_pool *pp);
void dmsim_pool_drain(struct dmsim_pool *p);
bool dmsim_queue_is_bound(struct net_device *dev, unsigned int idx);
int dmsim_open(struct net_device *dev);
int dmsim_stop(struct net_device *dev);
int dmsim_set_num_queues(struct net_device *dev, unsigned int n);

/* dmsim_rx.c */
int dmsim_poll(struct napi_struct *napi, int budget);
u32 dmsim_tcp_headers(const struct sk_buff *skb, u32 *l4);

/* dmsim_wire.c */
netdev_tx_t dmsim_xmit(struct sk_buff *skb, struct net_device *dev);
bool dmsim_wire_put(struct dmsim_queue *q, struct sk_buff *skb);

/* dmsim_steer.c */
int dmsim_steer(struct dmsim_priv *priv, struct sk_buff *skb);
int dmsim_steer_init(struct dmsim_priv *priv);
void dmsim_steer_exit(struct dmsim_priv *priv);
void dmsim_steer_spread(struct dmsim_priv *priv, unsigned int n);
void dmsim_rules_flush(struct dmsim_priv *priv);
int dmsim_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *c, u32 *locs);
int dmsim_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *c);
u32 dmsim_get_rxfh_indir_size(struct net_device *dev);
u32 dmsim_get_rxfh_key_size(struct net_device *dev);
int dmsim_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p);
int dmsim_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p,
		   struct netlink_ext_ack *extack);
int dmsim_create_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			 const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack);
int dmsim_modify_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			 const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack);
int dmsim_remove_context(struct net_device *dev, struct ethtool_rxfh_context *ctx, u32 id,
			 struct netlink_ext_ack *extack);
#if LAB_KERNEL_7
int dmsim_get_rxfh_fields(struct net_device *dev, struct ethtool_rxfh_fields *f);
#endif

/* dmsim_ethtool.c */
extern const struct netdev_stat_ops dmsim_stat_ops;
void dmsim_ethtool_init(void);
void dmsim_ethtool_attach(struct net_device *dev);

#endif /* DMSIM_H */
