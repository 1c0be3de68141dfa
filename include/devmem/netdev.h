/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_NETDEV_H
#define DEVMEM_NETDEV_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_netdev - one network interface, opened for control
 *
 * Opaque. Holds a netlink socket and a snapshot of the interface's settings. Refers to the
 * interface by its index, so it survives a rename. Belongs to the network namespace that it was
 * opened in.
 */
struct devmem_netdev;

/* Header split as ethtool reports it; values of ETHTOOL_TCP_DATA_SPLIT_*
 * (include/uapi/linux/ethtool.h). */
enum devmem_split {
	DEVMEM_SPLIT_UNKNOWN = 0,
	DEVMEM_SPLIT_OFF = 1,
	DEVMEM_SPLIT_ON = 2,
};

/* Which members of struct devmem_netdev_info were reported by this kernel and driver. */
#define DEVMEM_HAS_RINGS (1U << 0)
#define DEVMEM_HAS_SPLIT (1U << 1)
#define DEVMEM_HAS_HDS_THRESH (1U << 2)
#define DEVMEM_HAS_CHANNELS (1U << 3)
#define DEVMEM_HAS_FEATURES (1U << 4)
#define DEVMEM_HAS_RSS (1U << 5)
#define DEVMEM_HAS_DRIVER (1U << 6)
#define DEVMEM_HAS_RULES (1U << 7)

/**
 * struct devmem_netdev_info - snapshot of an interface
 * @has: DEVMEM_HAS_* bits; members of other groups are 0
 * @ifindex: interface index
 * @name: interface name at the time of the snapshot
 * @driver: driver's name
 * @bus: bus address, for PCI "0000:03:00.0"
 * @up: 1 if the interface is up
 * @mtu: bytes
 * @rx_queues: receive queues in use now; queue numbers go from 0 to @rx_queues - 1
 * @tx_queues: transmit queues in use now
 * @channels_combined, @channels_rx, @channels_tx: channels in use
 * @channels_combined_max, @channels_rx_max, @channels_tx_max: their maxima
 * @ring_rx, @ring_tx: descriptors in each ring
 * @ring_rx_max, @ring_tx_max: their maxima
 * @split: header split, enum devmem_split
 * @hds_thresh, @hds_thresh_max: payloads of up to so many bytes stay with their headers
 * @ntuple: 1 if flow rules are switched on
 * @ntuple_settable: 1 if they can be switched
 * @rules: flow rules present
 * @rules_max: places for flow rules; 0 if the driver doesn't say
 * @rules_any: 1 if the driver picks the place of a new rule
 * @rss_hfunc: hash function, a single bit of ETH_RSS_HASH_*
 * @rss_table: receive queue of each entry of the default RSS context
 * @rss_table_len: its entries
 * @rss_key: hash key
 * @rss_key_len: bytes
 *
 * Since 0.1.
 */
struct devmem_netdev_info {
	uint32_t has;
	uint32_t ifindex;
	char name[16];
	char driver[32];
	char bus[32];
	int up;
	uint32_t mtu;
	uint32_t rx_queues, tx_queues;
	uint32_t channels_combined, channels_rx, channels_tx;
	uint32_t channels_combined_max, channels_rx_max, channels_tx_max;
	uint32_t ring_rx, ring_tx, ring_rx_max, ring_tx_max;
	int split;
	uint32_t hds_thresh, hds_thresh_max;
	int ntuple, ntuple_settable;
	uint32_t rules, rules_max;
	int rules_any;
	uint32_t rss_hfunc;
	const uint32_t *rss_table;
	uint32_t rss_table_len;
	const uint8_t *rss_key;
	uint32_t rss_key_len;
};

/**
 * struct devmem_queue - one queue of an interface (netdev family, queue-get)
 * @id: queue number
 * @tx: 1 for a transmit queue
 * @napi_id: NAPI instance that serves it; 0 if none is known
 * @dmabuf_id: binding id if a dma-buf is bound to it, else 0
 * @io_uring: 1 if io_uring's zero-copy receive uses it
 * @xsk: 1 if an AF_XDP socket uses it
 * @leased: 1 if it is leased to another interface
 * @rss: 1 if the default RSS context sends packets to it
 * @rules: flow rules that send packets to it
 *
 * Since 0.1.
 */
struct devmem_queue {
	uint32_t id;
	int tx;
	uint32_t napi_id;
	uint32_t dmabuf_id;
	int io_uring, xsk, leased;
	int rss;
	uint32_t rules;
};

/**
 * struct devmem_qstats - counters of one receive queue (netdev family, qstats-get) and of its page
 * pool
 * @has: which counters the driver keeps, DEVMEM_QSTATS_* bits
 * @rx_packets, @rx_bytes: received
 * @rx_alloc_fail: packets lost because the page pool (the region) had no free page
 * @rx_hw_drops: packets dropped by the device
 * @rx_hw_drop_overruns: those of them that found no receive buffer
 * @inflight: pages out of the queue's page pool, held by the device, the stack or the application
 * @inflight_mem: the same in bytes
 *
 * Since 0.1.
 */
struct devmem_qstats {
	uint32_t has;
	uint64_t rx_packets, rx_bytes;
	uint64_t rx_alloc_fail, rx_hw_drops, rx_hw_drop_overruns;
	uint64_t inflight, inflight_mem;
};
#define DEVMEM_QSTATS_PACKETS (1U << 0)
#define DEVMEM_QSTATS_BYTES (1U << 1)
#define DEVMEM_QSTATS_ALLOC_FAIL (1U << 2)
#define DEVMEM_QSTATS_HW_DROPS (1U << 3)
#define DEVMEM_QSTATS_HW_DROP_OVERRUNS (1U << 4)
#define DEVMEM_QSTATS_INFLIGHT (1U << 5)

/**
 * devmem_netdev_open() - open an interface for control, and read a snapshot of its settings
 * @netdev: receives the handle
 * @name: interface name, or its index in decimal
 * @err: filled on failure; may be NULL
 *
 * Needs no privilege. What the driver or the kernel doesn't support is left out of the snapshot
 * (see devmem_netdev_info.has), not an error. May block on the kernel's rtnl lock. Errnos: ENODEV
 * no such interface; EPROTONOSUPPORT the kernel has no netdev netlink family (CONFIG_NET,
 * Linux 6.7).
 *
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_netdev_open(struct devmem_netdev **netdev, const char *name,
				  struct devmem_error *err);

/**
 * devmem_netdev_close() - close the handle; changes nothing on the interface
 * @netdev: handle or NULL
 *
 * Since 0.1.
 */
DEVMEM_API void devmem_netdev_close(struct devmem_netdev *netdev);

/**
 * devmem_netdev_refresh() - read the snapshot again
 * @netdev: handle
 * @err: filled on failure; may be NULL
 *
 * Pointers from devmem_netdev_info() stay valid, those inside it (table, key) don't. Errnos: as
 * devmem_netdev_open(). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_netdev_refresh(struct devmem_netdev *netdev, struct devmem_error *err);

/**
 * devmem_netdev_info() - the snapshot
 * @netdev: handle
 *
 * Return: owned by the handle, valid until it is closed. Never NULL. Since 0.1.
 */
DEVMEM_API const struct devmem_netdev_info *devmem_netdev_info(const struct devmem_netdev *netdev);

/**
 * devmem_netdev_queues() - the interface's queues as they are now
 * @netdev: handle
 * @queues: receives an array; the caller frees it with free()
 * @n: receives its length
 * @err: filled on failure; may be NULL
 *
 * Receive queues first, each kind in order of its numbers. Blocks as any netlink dump. An interface
 * that is down has queues too, without a NAPI instance. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_netdev_queues(struct devmem_netdev *netdev, struct devmem_queue **queues,
				    size_t *n, struct devmem_error *err);

/**
 * devmem_netdev_qstats() - counters of one receive queue as they are now
 * @netdev: handle
 * @queue: queue number
 * @stats: receives the counters
 * @err: filled on failure; may be NULL
 *
 * Errnos: EOPNOTSUPP the driver keeps no queue statistics; EINVAL no such queue.
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_netdev_qstats(struct devmem_netdev *netdev, uint32_t queue,
				    struct devmem_qstats *stats, struct devmem_error *err);

DEVMEM_END_DECLS

#endif
