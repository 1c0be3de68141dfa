// SPDX-License-Identifier: BSD-3-Clause
/* The netdev family: devices, queues, page pools, statistics, bind-rx and bind-tx. Facts from the
 * kernel's net/core/netdev-genl.c, netdev_rx_queue.c, devmem.c and page_pool_user.c. */
#include "fake_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEV_GET = 1,
	PAGE_POOL_GET = 5,
	QUEUE_GET = 10,
	QSTATS_GET = 12,
	BIND_RX = 13,
	BIND_TX = 15
};
enum { DEV_IFINDEX = 1, DEV_XDP_FEATURES = 3, DEV_XDP_RX_METADATA = 5, DEV_XSK_FEATURES = 6 };
enum {
	POOL_ID = 1,
	POOL_IFINDEX,
	POOL_NAPI_ID,
	POOL_INFLIGHT,
	POOL_INFLIGHT_MEM,
	POOL_DETACH_TIME,
	POOL_DMABUF,
	POOL_IO_URING,
};
enum {
	QUEUE_ID = 1,
	QUEUE_IFINDEX,
	QUEUE_TYPE,
	QUEUE_NAPI_ID,
	QUEUE_DMABUF,
	QUEUE_IO_URING,
	QUEUE_XSK,
	QUEUE_LEASE,
};
enum { LEASE_IFINDEX = 1, LEASE_QUEUE, LEASE_NETNS_ID };
enum {
	QSTATS_IFINDEX = 1,
	QSTATS_QUEUE_TYPE,
	QSTATS_QUEUE_ID,
	QSTATS_SCOPE,
	QSTATS_RX_PACKETS = 8,
	QSTATS_RX_BYTES,
	QSTATS_TX_PACKETS,
	QSTATS_TX_BYTES,
	QSTATS_RX_ALLOC_FAIL,
	QSTATS_RX_HW_DROPS,
	QSTATS_RX_HW_DROP_OVERRUNS
};
enum { DMABUF_IFINDEX = 1, DMABUF_QUEUES, DMABUF_FD, DMABUF_ID, DMABUF_RX_PAGE_SIZE };

#define PAGE 4096

static const struct attr_policy queue_id_policy[] = {
	[QUEUE_ID] = { .kind = K_U32 },
	[QUEUE_TYPE] = { .kind = K_U32, .ranged = true, .max = 1 },
};
static const struct attr_policy ifindex_policy[] = {
	[1] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
};
static const struct attr_policy queue_get_policy[] = {
	[QUEUE_ID] = { .kind = K_U32 },
	[QUEUE_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
	[QUEUE_TYPE] = { .kind = K_U32, .ranged = true, .max = 1 },
};
static const struct attr_policy queue_dump_policy[] = {
	[QUEUE_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
};
static const struct attr_policy pool_dump_policy[] = {
	[POOL_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = INT32_MAX },
};
static const struct attr_policy qstats_policy[] = {
	[QSTATS_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
	[QSTATS_SCOPE] = { .kind = K_UINT, .mask = 1 },
};
static const struct attr_policy bind_policy[] = {
	[DMABUF_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
	[DMABUF_QUEUES] = { .kind = K_NESTED, .nested = queue_id_policy, .nested_max = QUEUE_TYPE },
	[DMABUF_FD] = { .kind = K_U32 },
	[DMABUF_RX_PAGE_SIZE] = { .kind = K_U32, .ranged = true, .min = PAGE, .max = UINT32_MAX },
};

static const struct attr_policy bind_tx_policy[] = {
	[DMABUF_IFINDEX] = { .kind = K_U32, .ranged = true, .min = 1, .max = UINT32_MAX },
	[DMABUF_FD] = { .kind = K_U32 },
};

static void fill_dev(struct nl_msg *msg, const struct fake_nic *nic)
{
	nla_put_u32(msg, DEV_IFINDEX, nic->ifindex);
	nla_put_u64(msg, DEV_XDP_FEATURES, 0x7f);
	nla_put_u64(msg, DEV_XDP_RX_METADATA, 0);
	nla_put_u64(msg, DEV_XSK_FEATURES, 0);
}

static int dev_get(struct request *req)
{
	struct fake_nic *nic;
	struct nl_msg *msg;

	if (!req->tb[DEV_IFINDEX])
		return fake_missing(&req->ext, DEV_IFINDEX, NULL);
	nic = fake_nic_by_index(nla_get_u32(req->tb[DEV_IFINDEX]));
	if (!nic)
		return -ENODEV;
	msg = fake_answer(req, DEV_GET, 0);
	fill_dev(msg, nic);
	fake_reply(req, msg);
	return 0;
}

static int dev_dump(struct request *req, struct dump *dump)
{
	struct nl_msg *msg;
	unsigned int i;

	for (i = 0; i < kernel.n_nics; i++) {
		if (!kernel.nics[i].present)
			continue;
		msg = fake_answer(req, DEV_GET, NLM_F_MULTI);
		fill_dev(msg, &kernel.nics[i]);
		fake_dump_add(dump, msg);
	}
	return 0;
}

static void put_empty_nest(struct nl_msg *msg, int type)
{
	nla_nest_end_keep_empty(msg, nla_nest_start(msg, type));
}

static void fill_queue(struct nl_msg *msg, const struct fake_nic *nic, uint32_t id, uint32_t type)
{
	struct nlattr *lease, *queue;

	nla_put_u32(msg, QUEUE_ID, id);
	nla_put_u32(msg, QUEUE_TYPE, type);
	nla_put_u32(msg, QUEUE_IFINDEX, nic->ifindex);
	nla_put_u32(msg, QUEUE_NAPI_ID, 8192 + nic->ifindex * 100 + id);
	if (type)
		return;
	if (nic->leased_queues & (1U << id)) {
		lease = nla_nest_start(msg, QUEUE_LEASE);
		queue = nla_nest_start(msg, LEASE_QUEUE);
		nla_put_u32(msg, QUEUE_ID, 1);
		nla_put_u32(msg, QUEUE_TYPE, 0);
		nla_nest_end(msg, queue);
		nla_put_u32(msg, LEASE_IFINDEX, 77);
		nla_put_u32(msg, LEASE_NETNS_ID, 0);
		nla_nest_end(msg, lease);
	}
	if (nic->state.bound[id])
		nla_put_u32(msg, QUEUE_DMABUF, nic->state.bound[id]);
	else if (nic->io_uring_queues & (1U << id))
		put_empty_nest(msg, QUEUE_IO_URING);
	if (nic->xsk_queues & (1U << id))
		put_empty_nest(msg, QUEUE_XSK);
}

static int queue_get(struct request *req)
{
	struct fake_nic *nic;
	struct nl_msg *msg;
	uint32_t id, type;
	int i;

	static const int needed[] = { QUEUE_ID, QUEUE_TYPE, QUEUE_IFINDEX };

	for (i = 0; i < 3; i++)
		if (!req->tb[needed[i]])
			return fake_missing(&req->ext, needed[i], NULL);
	id = nla_get_u32(req->tb[QUEUE_ID]);
	type = nla_get_u32(req->tb[QUEUE_TYPE]);
	nic = fake_nic_by_index(nla_get_u32(req->tb[QUEUE_IFINDEX]));
	if (!nic)
		return -ENODEV;
	if (!nic->up)
		return -ENOENT;
	if (id >= nic->state.combined)
		return -EINVAL;
	msg = fake_answer(req, QUEUE_GET, 0);
	fill_queue(msg, nic, id, type);
	fake_reply(req, msg);
	return 0;
}

static int queue_dump(struct request *req, struct dump *dump)
{
	uint32_t ifindex = 0, id, type;
	struct nl_msg *msg;
	unsigned int i;

	if (req->tb[QUEUE_IFINDEX]) {
		ifindex = nla_get_u32(req->tb[QUEUE_IFINDEX]);
		if (!fake_nic_by_index(ifindex))
			return -ENODEV;
	}
	for (i = 0; i < kernel.n_nics; i++) {
		const struct fake_nic *nic = &kernel.nics[i];

		if (!nic->present || !nic->up || (ifindex && nic->ifindex != ifindex))
			continue;
		for (type = 0; type < 2; type++)
			for (id = 0; id < nic->state.combined; id++) {
				msg = fake_answer(req, QUEUE_GET, NLM_F_MULTI);
				fill_queue(msg, nic, id, type);
				fake_dump_add(dump, msg);
			}
	}
	return 0;
}

static int pool_dump(struct request *req, struct dump *dump)
{
	uint32_t ifindex = 0, id, number = 1;
	struct nl_msg *msg;
	unsigned int i;

	if (req->tb[POOL_IFINDEX]) {
		ifindex = nla_get_u32(req->tb[POOL_IFINDEX]);
		if (!fake_nic_by_index(ifindex))
			return fake_refuse(&req->ext, -ENODEV, req->tb[POOL_IFINDEX], NULL);
	}
	for (i = 0; i < kernel.n_nics; i++) {
		const struct fake_nic *nic = &kernel.nics[i];

		if (!nic->present || !nic->has_page_pools || (ifindex && nic->ifindex != ifindex))
			continue;
		for (id = 0; id < nic->state.combined; id++) {
			msg = fake_answer(req, PAGE_POOL_GET, NLM_F_MULTI);
			fake_put_uint(msg, POOL_ID, number++);
			nla_put_u32(msg, POOL_IFINDEX, nic->ifindex);
			fake_put_uint(msg, POOL_NAPI_ID, 8192 + nic->ifindex * 100 + id);
			fake_put_uint(msg, POOL_INFLIGHT, nic->inflight + id);
			fake_put_uint(msg, POOL_INFLIGHT_MEM, (nic->inflight + id) * PAGE);
			if (nic->state.bound[id])
				nla_put_u32(msg, POOL_DMABUF, nic->state.bound[id]);
			fake_dump_add(dump, msg);
		}
		/* One that was detached and isn't drained: it counts for no queue, whatever the
		 * driver left in it. */
		msg = fake_answer(req, PAGE_POOL_GET, NLM_F_MULTI);
		fake_put_uint(msg, POOL_ID, number++);
		nla_put_u32(msg, POOL_IFINDEX, nic->ifindex);
		fake_put_uint(msg, POOL_NAPI_ID, 8192 + nic->ifindex * 100 + 2);
		fake_put_uint(msg, POOL_INFLIGHT, 5000);
		fake_put_uint(msg, POOL_INFLIGHT_MEM, 0x500000000ULL);
		fake_put_uint(msg, POOL_DETACH_TIME, 99);
		fake_dump_add(dump, msg);
	}
	return 0;
}

static int qstats_dump(struct request *req, struct dump *dump)
{
	uint32_t ifindex = 0, id;
	struct fake_nic *nic;
	struct nl_msg *msg;
	unsigned int i;
	bool by_queue = req->tb[QSTATS_SCOPE];

	if (req->tb[QSTATS_IFINDEX]) {
		ifindex = nla_get_u32(req->tb[QSTATS_IFINDEX]);
		nic = fake_nic_by_index(ifindex);
		if (!nic)
			return fake_refuse(&req->ext, -ENODEV, req->tb[QSTATS_IFINDEX], NULL);
		if (!nic->has_qstats)
			return fake_refuse(&req->ext, -EOPNOTSUPP, req->tb[QSTATS_IFINDEX], NULL);
	}
	for (i = 0; i < kernel.n_nics; i++) {
		nic = &kernel.nics[i];
		if (!nic->present || !nic->has_qstats || (ifindex && nic->ifindex != ifindex))
			continue;
		for (id = 0; id < (by_queue ? nic->state.combined : 1); id++) {
			msg = fake_answer(req, QSTATS_GET, NLM_F_MULTI);
			nla_put_u32(msg, QSTATS_IFINDEX, nic->ifindex);
			if (by_queue) {
				nla_put_u32(msg, QSTATS_QUEUE_TYPE, 0);
				nla_put_u32(msg, QSTATS_QUEUE_ID, id);
			}
			fake_put_uint(msg, QSTATS_RX_PACKETS, nic->rx_packets + id);
			fake_put_uint(msg, QSTATS_RX_BYTES, nic->rx_bytes + id);
			fake_put_uint(msg, QSTATS_RX_ALLOC_FAIL, nic->alloc_fail + id);
			fake_put_uint(msg, QSTATS_RX_HW_DROPS, nic->hw_drops + id);
			fake_put_uint(msg, QSTATS_RX_HW_DROP_OVERRUNS, nic->hw_overruns + id);
			fake_dump_add(dump, msg);
		}
		/* Transmit queues are reported too, with the same numbers. */
		for (id = 0; by_queue && nic->up && id < nic->state.combined; id++) {
			msg = fake_answer(req, QSTATS_GET, NLM_F_MULTI);
			nla_put_u32(msg, QSTATS_IFINDEX, nic->ifindex);
			nla_put_u32(msg, QSTATS_QUEUE_TYPE, 1);
			nla_put_u32(msg, QSTATS_QUEUE_ID, id);
			fake_put_uint(msg, QSTATS_TX_PACKETS, 900 + id);
			fake_put_uint(msg, QSTATS_TX_BYTES, 90000 + id);
			fake_dump_add(dump, msg);
		}
	}
	return 0;
}

/* ---- bind-rx ---- */

static int read_queues(struct request *req, const struct fake_nic *nic, uint32_t *mask)
{
	struct nlattr *tb[TB_MAX + 1], *attr;
	uint32_t id;
	int left, ret;

	nla_for_each_attr(attr, req->head, req->len, left)
	{
		if (nla_type(attr) != DMABUF_QUEUES)
			continue;
		ret = fake_parse_nested(&req->ext, tb, QUEUE_TYPE, attr, queue_id_policy);
		if (ret)
			return ret;
		if (!tb[QUEUE_ID])
			return fake_missing(&req->ext, QUEUE_ID, attr);
		if (!tb[QUEUE_TYPE])
			return fake_missing(&req->ext, QUEUE_TYPE, attr);
		if (nla_get_u32(tb[QUEUE_TYPE]) != 0)
			return fake_refuse(&req->ext, -EINVAL, tb[QUEUE_TYPE], NULL);
		id = nla_get_u32(tb[QUEUE_ID]);
		if (id >= nic->state.combined) {
			if (kernel.personality == FAKE_LINUX_6_12)
				return fake_refuse(&req->ext, -ERANGE, NULL,
						   "rx queue index out of range");
			return fake_refuse(&req->ext, -EINVAL, tb[QUEUE_ID], NULL);
		}
		*mask |= 1U << id;
	}
	return 0;
}

static int get_dmabuf(struct request *req, const struct fake_nic *nic, uint32_t fd,
		      uint32_t page_size)
{
	const struct memory *memory = fake_dmabuf_memory((int)fd);

	if (kernel.personality >= FAKE_LINUX_7_3 && !nic->dma)
		return fake_refuse(&req->ext, -EOPNOTSUPP, NULL, "Device doesn't support DMA");
	if (!fake_object((int)fd))
		return -EBADF;
	if (!memory)
		return -EINVAL;
	if (nic->no_attach)
		return fake_refuse(&req->ext, -nic->no_attach, NULL,
				   "Failed to bind dmabuf to device");
	if (memory->piece % page_size)
		return fake_refuse(&req->ext, -EINVAL, NULL,
				   "dmabuf sg entry (addr=%#018x, len=%lu) not aligned to niov "
				   "size %u",
				   0x40000000, (unsigned long)memory->piece, page_size);
	return 0;
}

static int check_queue(struct request *req, const struct fake_nic *nic, uint32_t id,
		       uint32_t page_size)
{
	bool now = kernel.personality >= FAKE_LINUX_7_3;

	if (now && !nic->queue_mgmt)
		return -EOPNOTSUPP;
	if (now && nic->state.split != 2)
		return fake_refuse(&req->ext, -EINVAL, NULL, "tcp-data-split is disabled");
	if (now && nic->state.hds_thresh)
		return fake_refuse(&req->ext, -EINVAL, NULL, "hds-thresh is not zero");
	if (now && nic->xdp)
		return fake_refuse(&req->ext, -EEXIST, NULL,
				   "unable to custom memory provider to device with XDP program "
				   "attached");
	if (page_size != PAGE && !nic->rx_page_size)
		return fake_refuse(&req->ext, -EOPNOTSUPP, NULL,
				   "device does not support: rx_page_size");
	if (nic->state.bound[id] || (nic->io_uring_queues & (1U << id)))
		return fake_refuse(&req->ext, -EEXIST, NULL,
				   "designated queue already memory provider bound");
	if (nic->xsk_queues & (1U << id))
		return fake_refuse(&req->ext, -EBUSY, NULL,
				   "designated queue already in use by AF_XDP");
	if (!now && !nic->queue_mgmt)
		return -EOPNOTSUPP;
	/* 6.12 leaves it to the driver. */
	if (!now && nic->state.split != 2)
		return -EINVAL;
	return 0;
}

/* NULL: there are too many. */
static struct binding *binding_new(const struct request *req, const struct fake_nic *nic,
				   uint32_t page_size)
{
	struct binding *b;

	for (b = kernel.bindings; b < kernel.bindings + BINDINGS_MAX && b->memory; b++)
		;
	if (b == kernel.bindings + BINDINGS_MAX)
		return NULL;
	b->id = kernel.next_binding++;
	b->ifindex = nic->ifindex;
	b->page_size = page_size;
	b->owner = req->sock;
	b->memory = fake_dmabuf_memory((int)nla_get_u32(req->tb[DMABUF_FD]));
	b->memory->users++;
	return b;
}

static int bind_rx(struct request *req)
{
	static const int needed[] = { DMABUF_IFINDEX, DMABUF_FD, DMABUF_QUEUES };
	uint32_t page_size = PAGE, mask = 0, id;
	struct fake_nic *nic;
	struct nl_msg *msg;
	struct binding *b;
	int i, ret;

	if (req->tb[DMABUF_RX_PAGE_SIZE] && kernel.personality == FAKE_LINUX_6_12)
		return fake_refuse(&req->ext, -EINVAL, req->tb[DMABUF_RX_PAGE_SIZE],
				   "Unknown attribute type");
	for (i = 0; i < 3; i++)
		if (!req->tb[needed[i]])
			return fake_missing(&req->ext, needed[i], NULL);
	if (req->tb[DMABUF_RX_PAGE_SIZE]) {
		page_size = nla_get_u32(req->tb[DMABUF_RX_PAGE_SIZE]);
		if (page_size & (page_size - 1))
			return fake_refuse(&req->ext, -EINVAL, req->tb[DMABUF_RX_PAGE_SIZE],
					   "rx-page-size must be a power of 2");
	}
	nic = fake_nic_by_index(nla_get_u32(req->tb[DMABUF_IFINDEX]));
	if (!nic)
		return -ENODEV;
	if (kernel.personality >= FAKE_LINUX_7_3) {
		if (!nic->queue_mgmt)
			return fake_refuse(&req->ext, -EOPNOTSUPP, req->tb[DMABUF_IFINDEX], NULL);
		ret = read_queues(req, nic, &mask);
		if (!ret)
			ret = get_dmabuf(req, nic, nla_get_u32(req->tb[DMABUF_FD]), page_size);
	} else {
		if (nic->xdp)
			return fake_refuse(&req->ext, -EEXIST, NULL,
					   "unable to bind dmabuf to device with XDP program "
					   "attached");
		ret = get_dmabuf(req, nic, nla_get_u32(req->tb[DMABUF_FD]), page_size);
		if (!ret)
			ret = read_queues(req, nic, &mask);
	}
	if (ret)
		return ret;
	for (id = 0; id < nic->state.combined; id++) {
		if (!(mask & (1U << id)))
			continue;
		ret = check_queue(req, nic, id, page_size);
		if (ret)
			return ret;
	}
	b = binding_new(req, nic, page_size);
	if (!b)
		return -ENOSPC;
	for (id = 0; id < nic->state.combined; id++)
		if (mask & (1U << id))
			nic->state.bound[id] = b->id;
	fake_note("%s bind-rx id=%u queues=%#x page=%u", nic->name, b->id, mask, page_size);
	msg = fake_answer(req, BIND_RX, 0);
	nla_put_u32(msg, DMABUF_ID, b->id);
	fake_reply(req, msg);
	return 0;
}

/* ---- bind-tx ---- */

static int bind_tx(struct request *req)
{
	static const int needed[] = { DMABUF_IFINDEX, DMABUF_FD };
	struct fake_nic *nic;
	struct nl_msg *msg;
	struct binding *b;
	int i, ret;

	for (i = 0; i < 2; i++)
		if (!req->tb[needed[i]])
			return fake_missing(&req->ext, needed[i], NULL);
	nic = fake_nic_by_index(nla_get_u32(req->tb[DMABUF_IFINDEX]));
	if (!nic)
		return -ENODEV;
	if (!nic->netmem_tx)
		return fake_refuse(&req->ext, -EOPNOTSUPP, NULL,
				   "Driver does not support netmem TX");
	ret = get_dmabuf(req, nic, nla_get_u32(req->tb[DMABUF_FD]), 1);
	if (ret)
		return ret;
	if (fake_dmabuf_memory((int)nla_get_u32(req->tb[DMABUF_FD]))->size % PAGE)
		return fake_refuse(&req->ext, -EINVAL, NULL,
				   "TX dma-buf size must be a multiple of PAGE_SIZE");
	b = binding_new(req, nic, 0);
	if (!b)
		return -ENOSPC;
	b->tx = true;
	fake_note("%s bind-tx id=%u", nic->name, b->id);
	msg = fake_answer(req, BIND_TX, 0);
	nla_put_u32(msg, DMABUF_ID, b->id);
	fake_reply(req, msg);
	return 0;
}

static void unbind(struct binding *b)
{
	unsigned int i, queue;

	for (i = 0; i < kernel.n_nics; i++)
		for (queue = 0; queue < FAKE_QUEUES; queue++)
			if (kernel.nics[i].state.bound[queue] == b->id)
				kernel.nics[i].state.bound[queue] = 0;
	fake_note("unbind id=%u", b->id);
	fake_pool_forget(b);
	fake_memory_put(b->memory);
	memset(b, 0, sizeof(*b));
}

void fake_unbind(const struct netlink *owner)
{
	struct binding *b;

	for (b = kernel.bindings; b < kernel.bindings + BINDINGS_MAX; b++)
		if (b->memory && b->owner == owner)
			unbind(b);
}

void fake_forget(uint32_t id)
{
	struct binding *b;

	for (b = kernel.bindings; b->id != id; b++)
		;
	unbind(b);
}

const struct binding *fake_binding_of(uint32_t id)
{
	const struct binding *b;

	for (b = kernel.bindings; b < kernel.bindings + BINDINGS_MAX; b++)
		if (id && b->id == id)
			return b;
	return NULL;
}

static const struct family_command commands[] = {
	{ .cmd = DEV_GET,
	  .do_it = dev_get,
	  .do_policy = ifindex_policy,
	  .do_max = 1,
	  .dump = dev_dump },
	{ .cmd = PAGE_POOL_GET,
	  .dump = pool_dump,
	  .dump_policy = pool_dump_policy,
	  .dump_max = POOL_IFINDEX,
	  .since = FAKE_LINUX_7_3 },
	{ .cmd = PAGE_POOL_GET, .dump = pool_dump }, /* 6.12 can't filter */
	{ .cmd = QUEUE_GET,
	  .do_it = queue_get,
	  .do_policy = queue_get_policy,
	  .do_max = QUEUE_TYPE,
	  .dump = queue_dump,
	  .dump_policy = queue_dump_policy,
	  .dump_max = QUEUE_IFINDEX },
	{ .cmd = QSTATS_GET,
	  .dump = qstats_dump,
	  .dump_policy = qstats_policy,
	  .dump_max = QSTATS_SCOPE },
	{ .cmd = BIND_RX,
	  .admin = true,
	  .do_it = bind_rx,
	  .do_policy = bind_policy,
	  .do_max = DMABUF_RX_PAGE_SIZE },
	{ .cmd = BIND_TX,
	  .do_it = bind_tx,
	  .do_policy = bind_tx_policy,
	  .do_max = DMABUF_FD,
	  .since = FAKE_LINUX_7_3 },
	{ 0 },
};

static const char *const groups[] = { "mgmt", "page-pool", NULL };

const struct family fake_netdev_family = {
	.name = "netdev",
	.id = 27,
	.version = 1,
	.commands = commands,
	.groups = groups,
};
