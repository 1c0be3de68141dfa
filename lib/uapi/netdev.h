/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_NETDEV_H
#define DEVMEM_UAPI_NETDEV_H

/*
 * Generic netlink family "netdev": our own statement of the facts in include/uapi/linux/netdev.h
 * (numbers) and net/core/netdev-genl-gen.c (types). Linux 6.7; what came later is marked.
 */

#define UAPI_NETDEV_NAME "netdev"
#define UAPI_NETDEV_VERSION 1

/* The loopback interface has this index in every network namespace: include/net/flow.h. */
#define UAPI_LOOPBACK_IFINDEX 1

enum {
	UAPI_NETDEV_CMD_DEV_GET = 1,
	UAPI_NETDEV_CMD_PAGE_POOL_GET = 5, /* 6.8 */
	UAPI_NETDEV_CMD_QUEUE_GET = 10,	   /* 6.8 */
	UAPI_NETDEV_CMD_NAPI_GET = 11,	   /* 6.8 */
	UAPI_NETDEV_CMD_QSTATS_GET = 12,   /* 6.9 */
	UAPI_NETDEV_CMD_BIND_RX = 13,	   /* 6.12 */
	UAPI_NETDEV_CMD_NAPI_SET = 14,	   /* 6.13 */
	UAPI_NETDEV_CMD_BIND_TX = 15,	   /* 6.16 */
	UAPI_NETDEV_CMD_QUEUE_CREATE = 16, /* 7.1 */
};

enum {
	UAPI_NETDEV_A_DEV_IFINDEX = 1,	    /* u32 */
	UAPI_NETDEV_A_DEV_XDP_FEATURES = 3, /* u64 */
};

enum {
	UAPI_NETDEV_A_PAGE_POOL_ID = 1,		  /* uint: 4 or 8 bytes */
	UAPI_NETDEV_A_PAGE_POOL_IFINDEX = 2,	  /* u32 */
	UAPI_NETDEV_A_PAGE_POOL_NAPI_ID = 3,	  /* uint */
	UAPI_NETDEV_A_PAGE_POOL_INFLIGHT = 4,	  /* uint, pages */
	UAPI_NETDEV_A_PAGE_POOL_INFLIGHT_MEM = 5, /* uint, bytes */
	UAPI_NETDEV_A_PAGE_POOL_DETACH_TIME = 6,  /* uint, seconds since boot */
	UAPI_NETDEV_A_PAGE_POOL_DMABUF = 7,	  /* u32, binding id, 6.12 */
	UAPI_NETDEV_A_PAGE_POOL_IO_URING = 8,	  /* nest, 6.15 */
};

enum {
	UAPI_NETDEV_A_QUEUE_ID = 1,	  /* u32 */
	UAPI_NETDEV_A_QUEUE_IFINDEX = 2,  /* u32 */
	UAPI_NETDEV_A_QUEUE_TYPE = 3,	  /* u32 */
	UAPI_NETDEV_A_QUEUE_NAPI_ID = 4,  /* u32 */
	UAPI_NETDEV_A_QUEUE_DMABUF = 5,	  /* u32, binding id, 6.12 */
	UAPI_NETDEV_A_QUEUE_IO_URING = 6, /* nest, 6.15 */
	UAPI_NETDEV_A_QUEUE_XSK = 7,	  /* nest, 6.15 */
	UAPI_NETDEV_A_QUEUE_LEASE = 8,	  /* nest, 7.1 */
};

enum {
	UAPI_NETDEV_QUEUE_TYPE_RX = 0,
	UAPI_NETDEV_QUEUE_TYPE_TX = 1,
};

enum {
	UAPI_NETDEV_A_QSTATS_IFINDEX = 1,    /* u32 */
	UAPI_NETDEV_A_QSTATS_QUEUE_TYPE = 2, /* u32 */
	UAPI_NETDEV_A_QSTATS_QUEUE_ID = 3,   /* u32 */
	UAPI_NETDEV_A_QSTATS_SCOPE = 4,	     /* uint */
	UAPI_NETDEV_A_QSTATS_RX_PACKETS = 8, /* uint, this and the following */
	UAPI_NETDEV_A_QSTATS_RX_BYTES = 9,
	UAPI_NETDEV_A_QSTATS_RX_ALLOC_FAIL = 12,
	UAPI_NETDEV_A_QSTATS_RX_HW_DROPS = 13,
	UAPI_NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS = 14,
};

#define UAPI_NETDEV_QSTATS_SCOPE_QUEUE 1

enum {
	UAPI_NETDEV_A_DMABUF_IFINDEX = 1,      /* u32 */
	UAPI_NETDEV_A_DMABUF_QUEUES = 2,       /* nest, once for each queue: QUEUE_ID, QUEUE_TYPE */
	UAPI_NETDEV_A_DMABUF_FD = 3,	       /* u32 */
	UAPI_NETDEV_A_DMABUF_ID = 4,	       /* u32 */
	UAPI_NETDEV_A_DMABUF_RX_PAGE_SIZE = 5, /* u32, 7.3 */
};

#endif
