// SPDX-License-Identifier: BSD-3-Clause
/* Codec of the netdev netlink family. */
#include "netlink/netdev_msg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "netlink/nlmsg.h"
#include "uapi/netdev.h"

/* Names as in Documentation/netlink/specs/netdev.yaml. */
const struct attr_name netdev_msg_dev_names[] = {
	{ UAPI_NETDEV_A_DEV_IFINDEX, "ifindex", NULL },
	{ 0, NULL, NULL },
};

const struct attr_name netdev_msg_queue_names[] = {
	{ UAPI_NETDEV_A_QUEUE_ID, "id", NULL },
	{ UAPI_NETDEV_A_QUEUE_IFINDEX, "ifindex", NULL },
	{ UAPI_NETDEV_A_QUEUE_TYPE, "type", NULL },
	{ 0, NULL, NULL },
};

const struct attr_name netdev_msg_page_pool_names[] = {
	{ UAPI_NETDEV_A_PAGE_POOL_ID, "id", NULL },
	{ UAPI_NETDEV_A_PAGE_POOL_IFINDEX, "ifindex", NULL },
	{ 0, NULL, NULL },
};

const struct attr_name netdev_msg_qstats_names[] = {
	{ UAPI_NETDEV_A_QSTATS_IFINDEX, "ifindex", NULL },
	{ UAPI_NETDEV_A_QSTATS_SCOPE, "scope", NULL },
	{ 0, NULL, NULL },
};

const struct attr_name netdev_msg_bind_names[] = {
	{ UAPI_NETDEV_A_DMABUF_IFINDEX, "ifindex", NULL },
	{ UAPI_NETDEV_A_DMABUF_QUEUES, "queues", netdev_msg_queue_names },
	{ UAPI_NETDEV_A_DMABUF_FD, "fd", NULL },
	{ UAPI_NETDEV_A_DMABUF_ID, "id", NULL },
	{ UAPI_NETDEV_A_DMABUF_RX_PAGE_SIZE, "rx-page-size", NULL },
	{ 0, NULL, NULL },
};

static struct nlmsghdr *start(void *buf, size_t size, uint8_t cmd)
{
	return nlmsg_start(buf, size, cmd, UAPI_NETDEV_VERSION);
}

/* A request with an interface index and nothing else. */
static struct nlmsghdr *start_ifindex(void *buf, size_t size, uint8_t cmd, uint16_t type,
				      uint32_t ifindex)
{
	struct nlmsghdr *nlh = start(buf, size, cmd);

	if (!nlh || !mnl_attr_put_u32_check(nlh, size, type, ifindex))
		return NULL;
	return nlh;
}

struct nlmsghdr *netdev_msg_dev_dump(void *buf, size_t size)
{
	return start(buf, size, UAPI_NETDEV_CMD_DEV_GET);
}

int netdev_msg_parse_dev(const void *msg, size_t len, uint32_t *ifindex)
{
	return nlmsg_read_number(msg, len, GENL_HDRLEN, UAPI_NETDEV_A_DEV_IFINDEX, ifindex,
				 sizeof(*ifindex));
}

struct nlmsghdr *netdev_msg_queue_get(void *buf, size_t size, uint32_t ifindex)
{
	return start_ifindex(buf, size, UAPI_NETDEV_CMD_QUEUE_GET, UAPI_NETDEV_A_QUEUE_IFINDEX,
			     ifindex);
}

static const struct nlmsg_field queue_fields[] = {
	NLMSG_NUMBER(UAPI_NETDEV_A_QUEUE_ID, struct netdev_msg_queue, id),
	NLMSG_NUMBER(UAPI_NETDEV_A_QUEUE_IFINDEX, struct netdev_msg_queue, ifindex),
	NLMSG_NUMBER(UAPI_NETDEV_A_QUEUE_TYPE, struct netdev_msg_queue, type),
	NLMSG_NUMBER(UAPI_NETDEV_A_QUEUE_NAPI_ID, struct netdev_msg_queue, napi_id),
	NLMSG_NUMBER(UAPI_NETDEV_A_QUEUE_DMABUF, struct netdev_msg_queue, dmabuf_id),
	NLMSG_FLAG(UAPI_NETDEV_A_QUEUE_IO_URING, struct netdev_msg_queue, io_uring),
	NLMSG_FLAG(UAPI_NETDEV_A_QUEUE_XSK, struct netdev_msg_queue, xsk),
	NLMSG_FLAG(UAPI_NETDEV_A_QUEUE_LEASE, struct netdev_msg_queue, leased),
	{ 0 },
};

int netdev_msg_parse_queue(const void *msg, size_t len, struct netdev_msg_queue *queue)
{
	uint64_t has;
	int ret = nlmsg_read(msg, len, queue_fields, queue, sizeof(*queue), &has);

	if (!ret &&
	    !(nlmsg_has(has, UAPI_NETDEV_A_QUEUE_ID) && nlmsg_has(has, UAPI_NETDEV_A_QUEUE_TYPE)))
		ret = -EBADMSG;
	return ret;
}

struct nlmsghdr *netdev_msg_page_pool_get(void *buf, size_t size)
{
	return start(buf, size, UAPI_NETDEV_CMD_PAGE_POOL_GET);
}

static const struct nlmsg_field page_pool_fields[] = {
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_ID, struct netdev_msg_page_pool, id),
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_IFINDEX, struct netdev_msg_page_pool, ifindex),
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_NAPI_ID, struct netdev_msg_page_pool, napi_id),
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_INFLIGHT, struct netdev_msg_page_pool, inflight),
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_INFLIGHT_MEM, struct netdev_msg_page_pool,
		     inflight_mem),
	NLMSG_FLAG(UAPI_NETDEV_A_PAGE_POOL_DETACH_TIME, struct netdev_msg_page_pool, detached),
	NLMSG_NUMBER(UAPI_NETDEV_A_PAGE_POOL_DMABUF, struct netdev_msg_page_pool, dmabuf_id),
	{ 0 },
};

int netdev_msg_parse_page_pool(const void *msg, size_t len, struct netdev_msg_page_pool *pool)
{
	int ret = nlmsg_read(msg, len, page_pool_fields, pool, sizeof(*pool), NULL);

	if (ret)
		return ret;
	return pool->id ? 0 : -EBADMSG;
}

struct nlmsghdr *netdev_msg_qstats_get(void *buf, size_t size, uint32_t ifindex)
{
	struct nlmsghdr *nlh;

	nlh = start_ifindex(buf, size, UAPI_NETDEV_CMD_QSTATS_GET, UAPI_NETDEV_A_QSTATS_IFINDEX,
			    ifindex);
	if (!nlh || !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_QSTATS_SCOPE,
					    UAPI_NETDEV_QSTATS_SCOPE_QUEUE))
		return NULL;
	return nlh;
}

static const struct nlmsg_field qstats_fields[] = {
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_IFINDEX, struct netdev_msg_qstats, ifindex),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_QUEUE_TYPE, struct netdev_msg_qstats, queue_type),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_QUEUE_ID, struct netdev_msg_qstats, queue_id),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_RX_PACKETS, struct netdev_msg_qstats, rx_packets),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_RX_BYTES, struct netdev_msg_qstats, rx_bytes),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_RX_ALLOC_FAIL, struct netdev_msg_qstats, rx_alloc_fail),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_RX_HW_DROPS, struct netdev_msg_qstats, rx_hw_drops),
	NLMSG_NUMBER(UAPI_NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS, struct netdev_msg_qstats,
		     rx_hw_drop_overruns),
	{ 0 },
};

int netdev_msg_parse_qstats(const void *msg, size_t len, struct netdev_msg_qstats *qstats)
{
	uint64_t has = 0;
	int ret = nlmsg_read(msg, len, qstats_fields, qstats, sizeof(*qstats), &has);

	qstats->has = has;
	if (!ret && !(nlmsg_has(has, UAPI_NETDEV_A_QSTATS_QUEUE_ID) &&
		      nlmsg_has(has, UAPI_NETDEV_A_QSTATS_QUEUE_TYPE)))
		ret = -EBADMSG;
	return ret;
}

size_t netdev_msg_bind_rx_size(size_t n)
{
	const size_t attr = MNL_ATTR_HDRLEN + MNL_ALIGN(sizeof(uint32_t));

	return MNL_NLMSG_HDRLEN + GENL_HDRLEN + 3 * attr + n * (MNL_ATTR_HDRLEN + 2 * attr);
}

struct nlmsghdr *netdev_msg_bind_rx(void *buf, size_t size, uint32_t ifindex, int fd,
				    const uint32_t *queues, size_t n, uint32_t rx_page_size)
{
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	size_t i;

	nlh = start_ifindex(buf, size, UAPI_NETDEV_CMD_BIND_RX, UAPI_NETDEV_A_DMABUF_IFINDEX,
			    ifindex);
	if (!nlh || !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_DMABUF_FD, (uint32_t)fd))
		return NULL;
	for (i = 0; i < n; i++) {
		nest = mnl_attr_nest_start_check(nlh, size, UAPI_NETDEV_A_DMABUF_QUEUES);
		if (!nest ||
		    !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_QUEUE_ID, queues[i]) ||
		    !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_QUEUE_TYPE,
					    UAPI_NETDEV_QUEUE_TYPE_RX))
			return NULL;
		mnl_attr_nest_end(nlh, nest);
	}
	if (rx_page_size &&
	    !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_DMABUF_RX_PAGE_SIZE, rx_page_size))
		return NULL;
	return nlh;
}

struct nlmsghdr *netdev_msg_bind_tx(void *buf, size_t size, uint32_t ifindex, int fd)
{
	struct nlmsghdr *nlh = start_ifindex(buf, size, UAPI_NETDEV_CMD_BIND_TX,
					     UAPI_NETDEV_A_DMABUF_IFINDEX, ifindex);

	if (!nlh || !mnl_attr_put_u32_check(nlh, size, UAPI_NETDEV_A_DMABUF_FD, (uint32_t)fd))
		return NULL;
	return nlh;
}

int netdev_msg_parse_bind(const void *msg, size_t len, uint32_t *id)
{
	return nlmsg_read_number(msg, len, GENL_HDRLEN, UAPI_NETDEV_A_DMABUF_ID, id, sizeof(*id));
}
