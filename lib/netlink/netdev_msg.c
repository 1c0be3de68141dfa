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

struct nlmsghdr *netdev_msg_dev_get(void *buf, size_t size, uint32_t ifindex)
{
	return start_ifindex(buf, size, UAPI_NETDEV_CMD_DEV_GET, UAPI_NETDEV_A_DEV_IFINDEX,
			     ifindex);
}

struct nlmsghdr *netdev_msg_dev_dump(void *buf, size_t size)
{
	return start(buf, size, UAPI_NETDEV_CMD_DEV_GET);
}

int netdev_msg_parse_dev(const void *msg, size_t len, struct netdev_msg_dev *dev)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(dev, 0, sizeof(*dev));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_NETDEV_A_DEV_IFINDEX:
			ret = nlmsg_u32(attr, &dev->ifindex);
			break;
		case UAPI_NETDEV_A_DEV_XDP_FEATURES:
			ret = nlmsg_uint(attr, &dev->xdp_features);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
	return dev->ifindex ? 0 : -EBADMSG;
}

struct nlmsghdr *netdev_msg_queue_get(void *buf, size_t size, uint32_t ifindex)
{
	return start_ifindex(buf, size, UAPI_NETDEV_CMD_QUEUE_GET, UAPI_NETDEV_A_QUEUE_IFINDEX,
			     ifindex);
}

int netdev_msg_parse_queue(const void *msg, size_t len, struct netdev_msg_queue *queue)
{
	bool has_id = false, has_type = false;
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(queue, 0, sizeof(*queue));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_NETDEV_A_QUEUE_ID:
			has_id = true;
			ret = nlmsg_u32(attr, &queue->id);
			break;
		case UAPI_NETDEV_A_QUEUE_IFINDEX:
			ret = nlmsg_u32(attr, &queue->ifindex);
			break;
		case UAPI_NETDEV_A_QUEUE_TYPE:
			has_type = true;
			ret = nlmsg_u32(attr, &queue->type);
			break;
		case UAPI_NETDEV_A_QUEUE_NAPI_ID:
			ret = nlmsg_u32(attr, &queue->napi_id);
			break;
		case UAPI_NETDEV_A_QUEUE_DMABUF:
			ret = nlmsg_u32(attr, &queue->dmabuf_id);
			break;
		case UAPI_NETDEV_A_QUEUE_IO_URING:
			queue->io_uring = 1;
			break;
		case UAPI_NETDEV_A_QUEUE_XSK:
			queue->xsk = 1;
			break;
		case UAPI_NETDEV_A_QUEUE_LEASE:
			queue->leased = 1;
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
	return has_id && has_type ? 0 : -EBADMSG;
}

struct nlmsghdr *netdev_msg_page_pool_get(void *buf, size_t size)
{
	return start(buf, size, UAPI_NETDEV_CMD_PAGE_POOL_GET);
}

int netdev_msg_parse_page_pool(const void *msg, size_t len, struct netdev_msg_page_pool *pool)
{
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(pool, 0, sizeof(*pool));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_NETDEV_A_PAGE_POOL_ID:
			ret = nlmsg_uint(attr, &pool->id);
			break;
		case UAPI_NETDEV_A_PAGE_POOL_IFINDEX:
			ret = nlmsg_u32(attr, &pool->ifindex);
			break;
		case UAPI_NETDEV_A_PAGE_POOL_NAPI_ID:
			ret = nlmsg_uint(attr, &pool->napi_id);
			break;
		case UAPI_NETDEV_A_PAGE_POOL_INFLIGHT:
			ret = nlmsg_uint(attr, &pool->inflight);
			break;
		case UAPI_NETDEV_A_PAGE_POOL_INFLIGHT_MEM:
			ret = nlmsg_uint(attr, &pool->inflight_mem);
			break;
		case UAPI_NETDEV_A_PAGE_POOL_DETACH_TIME:
			pool->detached = 1;
			break;
		case UAPI_NETDEV_A_PAGE_POOL_DMABUF:
			ret = nlmsg_u32(attr, &pool->dmabuf_id);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
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

int netdev_msg_parse_qstats(const void *msg, size_t len, struct netdev_msg_qstats *qstats)
{
	bool has_id = false, has_type = false;
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	memset(qstats, 0, sizeof(*qstats));
	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		switch (mnl_attr_get_type(attr)) {
		case UAPI_NETDEV_A_QSTATS_IFINDEX:
			ret = nlmsg_u32(attr, &qstats->ifindex);
			break;
		case UAPI_NETDEV_A_QSTATS_QUEUE_TYPE:
			has_type = true;
			ret = nlmsg_u32(attr, &qstats->queue_type);
			break;
		case UAPI_NETDEV_A_QSTATS_QUEUE_ID:
			has_id = true;
			ret = nlmsg_u32(attr, &qstats->queue_id);
			break;
		case UAPI_NETDEV_A_QSTATS_RX_PACKETS:
			qstats->has |= 1U << UAPI_NETDEV_A_QSTATS_RX_PACKETS;
			ret = nlmsg_uint(attr, &qstats->rx_packets);
			break;
		case UAPI_NETDEV_A_QSTATS_RX_BYTES:
			qstats->has |= 1U << UAPI_NETDEV_A_QSTATS_RX_BYTES;
			ret = nlmsg_uint(attr, &qstats->rx_bytes);
			break;
		case UAPI_NETDEV_A_QSTATS_RX_ALLOC_FAIL:
			qstats->has |= 1U << UAPI_NETDEV_A_QSTATS_RX_ALLOC_FAIL;
			ret = nlmsg_uint(attr, &qstats->rx_alloc_fail);
			break;
		case UAPI_NETDEV_A_QSTATS_RX_HW_DROPS:
			qstats->has |= 1U << UAPI_NETDEV_A_QSTATS_RX_HW_DROPS;
			ret = nlmsg_uint(attr, &qstats->rx_hw_drops);
			break;
		case UAPI_NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS:
			qstats->has |= 1U << UAPI_NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS;
			ret = nlmsg_uint(attr, &qstats->rx_hw_drop_overruns);
			break;
		default:
			break;
		}
		if (ret)
			return ret;
	}
	return has_id && has_type ? 0 : -EBADMSG;
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
	const struct nlattr *attr;
	const void *attrs;
	size_t attrs_len;
	int ret;

	ret = nlmsg_attrs(msg, len, &attrs, &attrs_len);
	if (ret)
		return ret;
	nlmsg_for_each(attr, attrs, attrs_len)
	{
		if (mnl_attr_get_type(attr) == UAPI_NETDEV_A_DMABUF_ID)
			return nlmsg_u32(attr, id);
	}
	return -EBADMSG;
}
