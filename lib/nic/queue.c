// SPDX-License-Identifier: BSD-3-Clause
/* The queues of an interface, and their counters. */
#include "nic/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "nic/ethtool.h"
#include "nic/ethtool_rss.h"
#include "nic/ethtool_rules.h"
#include "nic/netdev.h"
#include "uapi/netdev.h"

/* Room for every request but bind-rx. */
#define REQUEST_WORDS 32

static int add_queue(struct queue_list *list, const struct devmem_queue *queue)
{
	struct devmem_queue *array = array_grow(list->array, list->n, sizeof(*array));

	if (!array)
		return -ENOMEM;
	list->array = array;
	list->array[list->n++] = *queue;
	return 0;
}

static int read_queue(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct netdev_msg_queue msg;
	struct queue_list *list = arg;
	struct devmem_queue queue;
	int ret;

	if (!reply) {
		list->n = 0;
		return 0;
	}
	ret = netdev_msg_parse_queue(reply, len, &msg);
	if (ret)
		return ret;
	memset(&queue, 0, sizeof(queue));
	queue.id = msg.id;
	queue.tx = msg.type == UAPI_NETDEV_QUEUE_TYPE_TX;
	queue.napi_id = msg.napi_id;
	queue.dmabuf_id = msg.dmabuf_id;
	queue.io_uring = msg.io_uring;
	queue.xsk = msg.xsk;
	queue.leased = msg.leased;
	return add_queue(list, &queue);
}

static int by_kind_and_number(const void *a, const void *b)
{
	const struct devmem_queue *x = a, *y = b;

	if (x->tx != y->tx)
		return x->tx - y->tx;
	return (x->id > y->id) - (x->id < y->id);
}

int queue_list(const struct nic *nic, struct queue_list *list, struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = "queue-get",
		.subject = nic->name,
		.names = netdev_msg_queue_names,
		.fn = read_queue,
		.arg = list,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	int ret;

	memset(list, 0, sizeof(*list));
	nlh = netdev_msg_queue_get(buf, sizeof(buf), nic->ifindex);
	ret = genl_dump(nic->genl, nlh, &call, err);
	if (ret) {
		free(list->array);
		memset(list, 0, sizeof(*list));
		return ret;
	}
	if (list->n)
		qsort(list->array, list->n, sizeof(*list->array), by_kind_and_number);
	return 0;
}

int queue_count(const struct nic *nic, uint32_t *rx, uint32_t *tx, struct devmem_error *err)
{
	struct ethtool_msg_channels channels = { 0 };
	struct devmem_error failed = { 0 };
	uint32_t count[2] = { 0, 0 };
	struct queue_list list;
	size_t i;
	int ret;

	ret = queue_list(nic, &list, &failed);
	for (i = 0; !ret && i < list.n; i++)
		count[list.array[i].tx]++;
	free(list.array);
	ret = ethtool_ignore_absent(ret, &failed, err);
	if (!ret && (!count[0] || !count[1])) {
		ret = ethtool_get_channels(nic, &channels, &failed);
		ret = ethtool_ignore_absent(ret, &failed, err);
	}
	*rx = count[0] ? count[0] : channels.combined + channels.rx;
	if (tx)
		*tx = count[1] ? count[1] : channels.combined + channels.tx;
	if (ret || *rx)
		return ret;
	ret = ethtool_get_rx_rings(nic, rx, &failed);
	return ethtool_ignore_absent(ret, &failed, err);
}

/* Adds queues of one kind. */
static int add_queues(struct queue_list *list, bool tx, uint32_t n)
{
	struct devmem_queue queue;
	uint32_t i;
	int ret = 0;

	memset(&queue, 0, sizeof(queue));
	queue.tx = tx;
	for (i = 0; !ret && i < n; i++) {
		queue.id = i;
		ret = add_queue(list, &queue);
	}
	return ret;
}

/* Also those of an interface that is down, which the kernel doesn't list. */
static int list_all(const struct nic *nic, struct queue_list *list, struct devmem_error *err)
{
	uint32_t rx, tx;
	int ret;

	ret = queue_list(nic, list, err);
	if (ret || list->n)
		return ret;
	ret = queue_count(nic, &rx, &tx, err);
	if (ret)
		goto free_list;
	ret = add_queues(list, false, rx);
	if (!ret)
		ret = add_queues(list, true, tx);
	if (!ret)
		return 0;
	error_system(err, ret, "queue-get", nic->name, NULL);
free_list:
	/* A list that was started again may have an array without queues. */
	free(list->array);
	return ret;
}

static int mark_rss(const struct nic *nic, struct devmem_queue *queues, uint32_t n,
		    struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct ethtool_rss rss;
	uint32_t i, j;
	int ret;

	ret = ethtool_get_rss(nic, 0, &rss, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	for (i = 0; i < rss.table_len; i++) {
		for (j = 0; j < n; j++) {
			if (queues[j].id == rss.table[i]) {
				queues[j].rss = 1;
				break;
			}
		}
	}
	ethtool_rss_free(&rss);
	return 0;
}

static int count_rules(const struct nic *nic, struct devmem_queue *queues, uint32_t n,
		       struct devmem_error *err)
{
	uint32_t *hits, nrules, places, last = 0, i;
	struct devmem_error failed = { 0 };
	struct uapi_rxnfc *rules;
	int ret;

	if (!n)
		return 0;
	ret = ethtool_get_rules(nic, &rules, &nrules, &places, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	for (i = 0; i < n; i++)
		last = queues[i].id > last ? queues[i].id : last;
	hits = calloc((size_t)last + 1, sizeof(*hits));
	if (!hits) {
		ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRULE", nic->name, NULL);
		goto free_rules;
	}
	for (i = 0; i < nrules; i++) {
		ret = ethtool_rule_hits(nic, &rules[i], hits, last + 1, &failed);
		ret = ethtool_ignore_absent(ret, &failed, err);
		if (ret)
			goto free_hits;
	}
	for (i = 0; i < n; i++)
		queues[i].rules = hits[queues[i].id];
free_hits:
	free(hits);
free_rules:
	free(rules);
	return ret;
}

int devmem_netdev_queues(struct devmem_netdev *netdev, struct devmem_queue **queues, size_t *n,
			 struct devmem_error *err)
{
	const struct nic *nic = netdev_nic(netdev);
	struct queue_list list;
	uint32_t rx = 0;
	int ret;

	ret = list_all(nic, &list, err);
	if (ret)
		return ret;
	while (rx < list.n && !list.array[rx].tx)
		rx++;
	ret = mark_rss(nic, list.array, rx, err);
	if (!ret)
		ret = count_rules(nic, list.array, rx, err);
	if (ret) {
		free(list.array);
		return ret;
	}
	*queues = list.array;
	*n = list.n;
	return 0;
}

/* The counters of the queue that is asked for. */
struct wanted_stats {
	uint32_t queue;
	struct devmem_qstats *stats;
};

/* Counters that are there, as DEVMEM_QSTATS_* bits. */
static uint32_t qstats_bits(const struct netdev_msg_qstats *msg)
{
	static const uint32_t bits[][2] = {
		{ UAPI_NETDEV_A_QSTATS_RX_PACKETS, DEVMEM_QSTATS_PACKETS },
		{ UAPI_NETDEV_A_QSTATS_RX_BYTES, DEVMEM_QSTATS_BYTES },
		{ UAPI_NETDEV_A_QSTATS_RX_ALLOC_FAIL, DEVMEM_QSTATS_ALLOC_FAIL },
		{ UAPI_NETDEV_A_QSTATS_RX_HW_DROPS, DEVMEM_QSTATS_HW_DROPS },
		{ UAPI_NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS, DEVMEM_QSTATS_HW_DROP_OVERRUNS },
	};
	uint32_t has = 0;
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		has |= msg->has & 1U << bits[i][0] ? bits[i][1] : 0;
	return has;
}

static int read_qstats(const struct nlmsghdr *reply, size_t len, void *arg)
{
	const struct wanted_stats *wanted = arg;
	struct netdev_msg_qstats msg;
	int ret;

	if (!reply) {
		memset(wanted->stats, 0, sizeof(*wanted->stats));
		return 0;
	}
	ret = netdev_msg_parse_qstats(reply, len, &msg);
	if (ret)
		return ret;
	if (msg.queue_type != UAPI_NETDEV_QUEUE_TYPE_RX || msg.queue_id != wanted->queue)
		return 0;
	wanted->stats->has = qstats_bits(&msg);
	wanted->stats->rx_packets = msg.rx_packets;
	wanted->stats->rx_bytes = msg.rx_bytes;
	wanted->stats->rx_alloc_fail = msg.rx_alloc_fail;
	wanted->stats->rx_hw_drops = msg.rx_hw_drops;
	wanted->stats->rx_hw_drop_overruns = msg.rx_hw_drop_overruns;
	return 0;
}

/* The page pools of the queue that is asked for. */
struct wanted_pools {
	uint32_t ifindex;
	const struct devmem_queue *queue;
	uint32_t found;
	uint64_t inflight, inflight_mem;
};

/* A pool belongs to the queue that shares its NAPI instance. A queue may have a second pool for
 * headers: where it has a binding, only the pool of that counts. */
static int read_pool(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct netdev_msg_page_pool msg;
	struct wanted_pools *wanted = arg;
	int ret;

	if (!reply) {
		wanted->found = 0;
		wanted->inflight = 0;
		wanted->inflight_mem = 0;
		return 0;
	}
	ret = netdev_msg_parse_page_pool(reply, len, &msg);
	if (ret)
		return ret;
	if (msg.detached || msg.ifindex != wanted->ifindex ||
	    msg.dmabuf_id != wanted->queue->dmabuf_id || msg.napi_id != wanted->queue->napi_id)
		return 0;
	/* Without a NAPI instance only the binding shows whose pool it is. */
	if (!msg.napi_id && !msg.dmabuf_id)
		return 0;
	wanted->found++;
	wanted->inflight += msg.inflight;
	wanted->inflight_mem += msg.inflight_mem;
	return 0;
}

static int add_inflight(const struct nic *nic, const struct devmem_queue *queue,
			struct devmem_qstats *stats, struct devmem_error *err)
{
	struct wanted_pools wanted = { .ifindex = nic->ifindex, .queue = queue };
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = "page-pool-get",
		.subject = nic->name,
		.names = netdev_msg_page_pool_names,
		.fn = read_pool,
		.arg = &wanted,
	};
	struct devmem_error failed = { 0 };
	uint32_t buf[REQUEST_WORDS];
	int ret;

	ret = genl_dump(nic->genl, netdev_msg_page_pool_get(buf, sizeof(buf)), &call, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	if (!wanted.found)
		return 0;
	stats->has |= DEVMEM_QSTATS_INFLIGHT;
	stats->inflight = wanted.inflight;
	stats->inflight_mem = wanted.inflight_mem;
	return 0;
}

int devmem_netdev_qstats(struct devmem_netdev *netdev, uint32_t queue, struct devmem_qstats *stats,
			 struct devmem_error *err)
{
	const struct nic *nic = netdev_nic(netdev);
	struct wanted_stats wanted = { queue, stats };
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = "qstats-get",
		.subject = nic->name,
		.names = netdev_msg_qstats_names,
		.fn = read_qstats,
		.arg = &wanted,
	};
	const struct devmem_queue *found = NULL;
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	struct queue_list list;
	size_t i;
	int ret;

	ret = list_all(nic, &list, err);
	if (ret)
		return ret;
	for (i = 0; i < list.n; i++) {
		if (!list.array[i].tx && list.array[i].id == queue)
			found = &list.array[i];
	}
	if (!found) {
		ret = error_input(err, -EINVAL, nic->name,
				  "qstats-get: no receive queue %" PRIu32 "; devmemctl queue show "
				  "%s lists them",
				  queue, nic->name);
		goto free_list;
	}
	nlh = netdev_msg_qstats_get(buf, sizeof(buf), nic->ifindex);
	ret = genl_dump(nic->genl, nlh, &call, err);
	if (ret == -EOPNOTSUPP)
		error_hint(err, "the driver keeps no statistics of its queues");
	if (!ret)
		ret = add_inflight(nic, found, stats, err);
free_list:
	free(list.array);
	return ret;
}
