/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NETDEV_MSG_H
#define DEVMEM_LIB_NETDEV_MSG_H

/*
 * Codec of the netdev netlink family: requests into a buffer, replies out of one. No file
 * descriptor, no memory of its own.
 *
 * Builders return the message, which starts at buf, or NULL if it doesn't fit in size bytes; genl
 * fills in the family's number, the sequence number and flags. Parsers take a message of at most
 * len bytes and return 0 or -EBADMSG; what the message doesn't say is 0. Numbers and types:
 * uapi/netdev.h.
 */

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/extack.h"

/* Names of the requests' attributes, for extack_error(). */
extern const struct attr_name netdev_msg_queue_names[];
extern const struct attr_name netdev_msg_page_pool_names[];
extern const struct attr_name netdev_msg_qstats_names[];
extern const struct attr_name netdev_msg_dev_names[];
extern const struct attr_name netdev_msg_bind_names[];

/* dev-get of all interfaces, as a dump: one message for each that the family has an entry for. */
struct nlmsghdr *netdev_msg_dev_dump(void *buf, size_t size);
int netdev_msg_parse_dev(const void *msg, size_t len, uint32_t *ifindex);

/* queue-get, as a dump: one message for each queue. */
struct netdev_msg_queue {
	uint32_t id, ifindex, type;
	uint32_t napi_id;
	uint32_t dmabuf_id;
	int io_uring, xsk, leased;
};
struct nlmsghdr *netdev_msg_queue_get(void *buf, size_t size, uint32_t ifindex);
int netdev_msg_parse_queue(const void *msg, size_t len, struct netdev_msg_queue *queue);

/* page-pool-get, as a dump of all interfaces' pools: old kernels can't filter. */
struct netdev_msg_page_pool {
	uint64_t id, napi_id;
	uint32_t ifindex;
	uint32_t dmabuf_id;
	uint64_t inflight, inflight_mem;
	int detached;
};
struct nlmsghdr *netdev_msg_page_pool_get(void *buf, size_t size);
int netdev_msg_parse_page_pool(const void *msg, size_t len, struct netdev_msg_page_pool *pool);

/* qstats-get, as a dump: one message for each queue that the driver counts. has: a bit
 * 1 << UAPI_NETDEV_A_QSTATS_* for each attribute that is there. */
struct netdev_msg_qstats {
	uint32_t ifindex, queue_type, queue_id;
	uint64_t has;
	uint64_t rx_packets, rx_bytes;
	uint64_t rx_alloc_fail, rx_hw_drops, rx_hw_drop_overruns;
};
struct nlmsghdr *netdev_msg_qstats_get(void *buf, size_t size, uint32_t ifindex);
int netdev_msg_parse_qstats(const void *msg, size_t len, struct netdev_msg_qstats *qstats);

/* bind-rx. rx_page_size 0 leaves the attribute out: kernels before 7.3 don't have it. The reply
 * carries the binding's id: -EBADMSG if it doesn't. */
size_t netdev_msg_bind_rx_size(size_t n);
struct nlmsghdr *netdev_msg_bind_rx(void *buf, size_t size, uint32_t ifindex, int fd,
				    const uint32_t *queues, size_t n, uint32_t rx_page_size);
/* bind-tx, answered likewise. */
struct nlmsghdr *netdev_msg_bind_tx(void *buf, size_t size, uint32_t ifindex, int fd);
int netdev_msg_parse_bind(const void *msg, size_t len, uint32_t *id);

#endif
