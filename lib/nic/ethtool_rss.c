// SPDX-License-Identifier: BSD-3-Clause
/* RSS: the table of the default context, and contexts beyond it. */
#include "nic/ethtool_rss.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "netlink/ethtool_msg.h"
#include "netlink/genl.h"
#include "uapi/ethtool.h"
#include "uapi/errno.h"

/* Room for every request but the one with a table. */
#define REQUEST_WORDS 32

static int read_rss(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct ethtool_rss *rss = arg;
	struct ethtool_msg_rss msg;
	int ret;

	ret = ethtool_msg_parse_rss(reply, len, &msg);
	if (ret)
		return ret;
	ethtool_rss_free(rss);
	rss->hfunc = msg.hfunc;
	if (msg.table_len) {
		rss->table = malloc(msg.table_len * sizeof(*rss->table));
		if (!rss->table)
			return -ENOMEM;
		memcpy(rss->table, msg.table, msg.table_len * sizeof(*rss->table));
		rss->table_len = (uint32_t)msg.table_len;
	}
	if (msg.key_len) {
		rss->key = malloc(msg.key_len);
		if (!rss->key)
			return -ENOMEM;
		memcpy(rss->key, msg.key, msg.key_len);
		rss->key_len = (uint32_t)msg.key_len;
	}
	return 0;
}

int ethtool_get_rss(const struct nic *nic, uint32_t context, struct ethtool_rss *rss,
		    struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rss-get",
		.subject = nic->name,
		.names = ethtool_msg_rss_names,
		.fn = read_rss,
		.arg = rss,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	int ret;

	memset(rss, 0, sizeof(*rss));
	nlh = ethtool_msg_rss_get(buf, sizeof(buf), nic->ifindex, context);
	ret = genl_do(nic->genl, nlh, &call, err);
	if (ret)
		ethtool_rss_free(rss);
	return ret;
}

void ethtool_rss_free(struct ethtool_rss *rss)
{
	free(rss->table);
	free(rss->key);
	memset(rss, 0, sizeof(*rss));
}

bool ethtool_rss_is_default(const struct ethtool_rss *rss, uint32_t rx_rings)
{
	uint32_t i;

	for (i = 0; rx_rings && i < rss->table_len; i++) {
		if (rss->table[i] != i % rx_rings)
			return false;
	}
	return rx_rings != 0;
}

/* Sets the table of an RSS context; n = 0 is what the kernel makes of no table. context may receive
 * another number. */
static int set_over_ioctl(const struct nic *nic, uint32_t *context, const uint32_t *table,
			  uint32_t n, struct devmem_error *err)
{
	struct uapi_rxfh *rxfh;
	int ret;

	rxfh = calloc(1, sizeof(*rxfh) + (size_t)n * sizeof(rxfh->rss_config[0]));
	if (!rxfh)
		return error_system(err, -ENOMEM, "ETHTOOL_SRSSH", nic->name, NULL);
	rxfh->cmd = UAPI_ETHTOOL_SRSSH;
	rxfh->rss_context = *context;
	rxfh->indir_size = n;
	/* Kernels since 6.8 read 0 as "transform nothing": keep what there is. Older ones want 0
	 * here, but none of them has device memory. */
	rxfh->input_xfrm = UAPI_RXH_XFRM_NO_CHANGE;
	if (n)
		memcpy(rxfh->rss_config, table, (size_t)n * sizeof(*table));
	ret = nic_ethtool(nic, "ETHTOOL_SRSSH", rxfh, err);
	if (!ret)
		*context = rxfh->rss_context;
	free(rxfh);
	return ret;
}

int ethtool_set_rss(const struct nic *nic, const uint32_t *table, uint32_t n,
		    struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rss-set",
		.subject = nic->name,
		.names = ethtool_msg_rss_names,
	};
	size_t size = ethtool_msg_rss_set_size(n);
	struct devmem_error first = { 0 };
	struct nlmsghdr *nlh;
	uint32_t context = 0;
	void *buf;
	int ret;

	buf = malloc(size);
	if (!buf)
		return error_system(err, -ENOMEM, "rss-set", nic->name, NULL);
	nlh = ethtool_msg_rss_set(buf, size, nic->ifindex, table, n);
	/* Before Linux 6.17 netlink can't; a table can be too long for one attribute. */
	ret = nlh ? genl_do(nic->genl, nlh, &call, &first) : -EOPNOTSUPP;
	free(buf);
	if (ret == -EOPNOTSUPP)
		return set_over_ioctl(nic, &context, table, n, err);
	return ret ? error_copy(err, &first) : 0;
}

/* Numbers of RSS contexts, growing. */
struct contexts {
	uint32_t ifindex;
	uint32_t *ids;
	uint32_t n;
};

static int add_context(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct contexts *contexts = arg;
	struct ethtool_msg_rss msg;
	uint32_t *ids;
	int ret;

	if (!reply) {
		contexts->n = 0;
		return 0;
	}
	ret = ethtool_msg_parse_rss(reply, len, &msg);
	if (ret)
		return ret;
	if (!msg.context || msg.ifindex != contexts->ifindex)
		return 0;
	ids = array_grow(contexts->ids, contexts->n, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	contexts->ids = ids;
	contexts->ids[contexts->n++] = msg.context;
	return 0;
}

static void hint_context(const struct nic *nic, int code, struct devmem_error *err)
{
	switch (code) {
	case -EPERM:
		error_hint(err, "RSS contexts need CAP_NET_ADMIN: run it as root");
		break;
	case -EOPNOTSUPP:
	case -UAPI_ENOTSUPP:
		error_hint(err,
			   "the driver of %s has no RSS contexts: steer each flow to one queue "
			   "instead",
			   nic->name);
		break;
	default:
		break;
	}
}

int ethtool_list_rss_contexts(const struct nic *nic, uint32_t **ids, uint32_t *n,
			      struct devmem_error *err)
{
	struct contexts contexts = { .ifindex = nic->ifindex };
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rss-get",
		.subject = nic->name,
		.names = ethtool_msg_rss_names,
		.fn = add_context,
		.arg = &contexts,
	};
	uint32_t buf[REQUEST_WORDS];
	int ret;

	ret = genl_dump(nic->genl, ethtool_msg_rss_dump(buf, sizeof(buf), nic->ifindex), &call,
			err);
	if (ret == -EOPNOTSUPP)
		error_hint(err, "Linux 6.12 or newer lists RSS contexts");
	/* The caller frees an array also where there is none. */
	if (!ret && !contexts.ids) {
		contexts.ids = calloc(1, sizeof(*contexts.ids));
		if (!contexts.ids)
			ret = error_system(err, -ENOMEM, "rss-get", nic->name, NULL);
	}
	if (ret) {
		free(contexts.ids);
		return ret;
	}
	array_sort(contexts.ids, contexts.n);
	*ids = contexts.ids;
	*n = contexts.n;
	return 0;
}

/* True if a request over netlink was refused in a way that a kernel without it has. Also a driver
 * may refuse so, and then refuses the ioctl as well. */
static bool needs_ioctl(const struct nic *nic, int code)
{
	return code == -EOPNOTSUPP && !genl_is_in_doubt(nic->genl);
}

static int read_created(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return ethtool_msg_parse_rss_create(reply, len, arg);
}

int ethtool_create_rss_context(const struct nic *nic, const uint32_t *table, uint32_t n,
			       uint32_t *id, struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rss-create-act",
		.subject = nic->name,
		.names = ethtool_msg_rss_names,
		.fn = read_created,
		.arg = id,
	};
	size_t size = ethtool_msg_rss_set_size(n);
	struct devmem_error first = { 0 };
	uint32_t made = UAPI_RXFH_CONTEXT_ALLOC;
	struct nlmsghdr *nlh;
	bool too_long;
	void *buf;
	int ret;

	*id = 0;
	buf = malloc(size);
	if (!buf)
		return error_system(err, -ENOMEM, "rss-create-act", nic->name, NULL);
	nlh = ethtool_msg_rss_create(buf, size, nic->ifindex, table, n);
	too_long = !nlh;
	ret = nlh ? genl_do(nic->genl, nlh, &call, &first) : 0;
	free(buf);
	if (too_long || needs_ioctl(nic, ret)) {
		ret = set_over_ioctl(nic, &made, table, n, err);
		*id = ret ? 0 : made;
	} else if (ret) {
		error_copy(err, &first);
	} else if (!*id) {
		ret = error_system(err, -EBADMSG, "rss-create-act", nic->name,
				   "the kernel did not say which RSS context it made");
	}
	hint_context(nic, ret, err);
	/* That is what the kernel answers when there is no free number. */
	if (ret == -EBUSY || ret == -ENOSPC)
		error_hint(err, "the device has no room for another RSS context");
	return ret;
}

static int delete_over_ioctl(const struct nic *nic, uint32_t context, struct devmem_error *err)
{
	/* Without a number this would reset the default context's table. */
	if (!context || context == UAPI_RXFH_CONTEXT_ALLOC)
		return error_input(err, -EINVAL, nic->name,
				   "no RSS context %" PRIu32 " can be deleted", context);
	return set_over_ioctl(nic, &context, NULL, 0, err);
}

int ethtool_delete_rss_context(const struct nic *nic, uint32_t id, struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rss-delete-act",
		.subject = nic->name,
		.names = ethtool_msg_rss_names,
	};
	struct devmem_error first = { 0 };
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	int ret;

	nlh = ethtool_msg_rss_delete(buf, sizeof(buf), nic->ifindex, id);
	ret = genl_do(nic->genl, nlh, &call, &first);
	if (needs_ioctl(nic, ret))
		ret = delete_over_ioctl(nic, id, err);
	else if (ret)
		error_copy(err, &first);
	hint_context(nic, ret, err);
	if (ret == -EBUSY)
		error_hint(err,
			   "a flow rule sends packets through RSS context %" PRIu32
			   ": devmemctl flow show %s lists them",
			   id, nic->name);
	return ret;
}

int ethtool_get_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_GRXRINGS };
	int ret;

	ret = nic_ethtool(nic, "ETHTOOL_GRXRINGS", &nfc, err);
	if (ret)
		return ret;
	*n = (uint32_t)nfc.data;
	return 0;
}
