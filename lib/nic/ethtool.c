// SPDX-License-Identifier: BSD-3-Clause
/* Reads and changes single settings of an interface. */
#include "nic/ethtool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "nic/ethtool_ioctl.h"
#include "netlink/genl.h"

/* Room for every request but the one with a table. */
#define REQUEST_WORDS 32

bool ethtool_is_absent(int code)
{
	switch (code) {
	case -EOPNOTSUPP:
	case -KERNEL_ENOTSUPP:
	case -EPROTONOSUPPORT:
	case -ENETDOWN:
	case -EINVAL:
	case -EIO:
	case -ENOENT:
	case -EPERM:
	case -EACCES:
		return true;
	default:
		return false;
	}
}

int ethtool_ignore_absent(int ret, const struct devmem_error *failed, struct devmem_error *err)
{
	if (!ret || ethtool_is_absent(ret))
		return 0;
	if (err)
		*err = *failed;
	return ret;
}

static int take_rings(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return ethtool_msg_parse_rings(reply, len, arg);
}

int ethtool_get_rings(const struct nic *nic, struct ethtool_msg_rings *rings,
		      struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rings-get",
		.subject = nic->name,
		.names = ethtool_msg_rings_names,
		.fn = take_rings,
		.arg = rings,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(rings, 0, sizeof(*rings));
	return genl_do(nic->genl, ethtool_msg_rings_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

int ethtool_set_rings(const struct nic *nic, unsigned int set, uint8_t split, uint32_t hds_thresh,
		      struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rings-set",
		.subject = nic->name,
		.names = ethtool_msg_rings_names,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;

	nlh = ethtool_msg_rings_set(buf, sizeof(buf), nic->ifindex, set, split, hds_thresh);
	return genl_do(nic->genl, nlh, &call, err);
}

static int take_channels(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return ethtool_msg_parse_channels(reply, len, arg);
}

int ethtool_get_channels(const struct nic *nic, struct ethtool_msg_channels *channels,
			 struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "channels-get",
		.subject = nic->name,
		.names = ethtool_msg_channels_names,
		.fn = take_channels,
		.arg = channels,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(channels, 0, sizeof(*channels));
	return genl_do(nic->genl, ethtool_msg_channels_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

struct feature_reply {
	const char *name;
	struct ethtool_msg_feature *feature;
};

static int take_feature(const struct nlmsghdr *reply, size_t len, void *arg)
{
	const struct feature_reply *to = arg;

	return ethtool_msg_parse_feature(reply, len, to->name, to->feature);
}

int ethtool_get_feature(const struct nic *nic, const char *name,
			struct ethtool_msg_feature *feature, struct devmem_error *err)
{
	struct feature_reply to = { name, feature };
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "features-get",
		.subject = nic->name,
		.names = ethtool_msg_features_names,
		.fn = take_feature,
		.arg = &to,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(feature, 0, sizeof(*feature));
	return genl_do(nic->genl, ethtool_msg_features_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

int ethtool_get_ntuple(const struct nic *nic, struct ethtool_msg_feature *ntuple,
		       struct devmem_error *err)
{
	return ethtool_get_feature(nic, UAPI_FEATURE_NTUPLE, ntuple, err);
}

int ethtool_set_ntuple(const struct nic *nic, bool on, struct devmem_error *err)
{
	struct ethtool_msg_feature answer = { 0 };
	struct feature_reply to = { UAPI_FEATURE_NTUPLE, &answer };
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "features-set",
		.subject = nic->name,
		.names = ethtool_msg_features_names,
		.fn = take_feature,
		.arg = &to,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	int ret;

	nlh = ethtool_msg_feature_set(buf, sizeof(buf), nic->ifindex, UAPI_FEATURE_NTUPLE, on);
	ret = genl_do(nic->genl, nlh, &call, err);
	if (ret)
		return ret;
	/* The kernel acknowledges also what the driver didn't do, and lists it. */
	if (answer.wanted.listed)
		return error_system(err, -EOPNOTSUPP, "features-set", nic->name,
				    "the driver did not switch " UAPI_FEATURE_NTUPLE " %s",
				    on ? "on" : "off");
	return 0;
}

static int take_rss(const struct nlmsghdr *reply, size_t len, void *arg)
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
		.fn = take_rss,
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
		return ethtool_ioctl_rss_set(nic, table, n, err);
	if (ret && err)
		*err = first;
	return ret;
}

/* Numbers of RSS contexts, growing. */
struct contexts {
	uint32_t ifindex;
	uint32_t *ids;
	uint32_t n;
};

static int take_context(const struct nlmsghdr *reply, size_t len, void *arg)
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

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void hint_context(const struct nic *nic, int code, struct devmem_error *err)
{
	switch (code) {
	case -EPERM:
		error_hint(err, "RSS contexts need CAP_NET_ADMIN: run it as root");
		break;
	case -EOPNOTSUPP:
	case -KERNEL_ENOTSUPP:
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
		.fn = take_context,
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
	qsort(contexts.ids, contexts.n, sizeof(*contexts.ids), ascending);
	*ids = contexts.ids;
	*n = contexts.n;
	return 0;
}

/* True if a request over netlink was refused in a way that a kernel without it has. Also a driver
 * may refuse so, and then refuses the ioctl as well. */
static bool try_ioctl(const struct nic *nic, int code)
{
	return code == -EOPNOTSUPP && !genl_is_in_doubt(nic->genl);
}

static int take_created(const struct nlmsghdr *reply, size_t len, void *arg)
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
		.fn = take_created,
		.arg = id,
	};
	size_t size = ethtool_msg_rss_set_size(n);
	struct devmem_error first = { 0 };
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
	if (too_long || try_ioctl(nic, ret)) {
		ret = ethtool_ioctl_rss_create(nic, table, n, id, err);
	} else if (ret) {
		if (err)
			*err = first;
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
	if (try_ioctl(nic, ret))
		ret = ethtool_ioctl_rss_delete(nic, id, err);
	else if (ret && err)
		*err = first;
	hint_context(nic, ret, err);
	if (ret == -EBUSY)
		error_hint(err,
			   "a flow rule sends packets through RSS context %" PRIu32
			   ": devmemctl flow show %s lists them",
			   id, nic->name);
	return ret;
}

_Static_assert(ETHTOOL_ADDRESS_MAX == UAPI_MAX_ADDR_LEN, "hardware address");

int ethtool_get_permanent_address(const struct nic *nic, uint8_t address[ETHTOOL_ADDRESS_MAX],
				  uint32_t *len, struct devmem_error *err)
{

	memset(address, 0, ETHTOOL_ADDRESS_MAX);
	*len = 0;
	return ethtool_ioctl_permanent_address(nic, address, len, err);
}

int ethtool_get_bus(const struct nic *nic, char bus[32], struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct uapi_ethtool_drvinfo info;
	int ret;

	bus[0] = '\0';
	ret = ethtool_ioctl_drvinfo(nic, &info, &failed);
	if (ret == -EOPNOTSUPP)
		return 0;
	if (ret) {
		if (err)
			*err = failed;
		return ret;
	}
	memcpy(bus, info.bus_info, sizeof(info.bus_info));
	return 0;
}

int ethtool_get_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err)
{

	return ethtool_ioctl_rx_rings(nic, n, err);
}

int ethtool_get_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			   struct devmem_error *err)
{

	return ethtool_ioctl_rule_count(nic, rules, places, any, err);
}

int ethtool_get_rules(const struct nic *nic, struct uapi_rxnfc **rules, uint32_t *n,
		      uint32_t *places, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *taken, count, i;
	int ret;

	ret = ethtool_ioctl_rule_places(nic, &taken, &count, places, err);
	if (ret)
		return ret;
	qsort(taken, count, sizeof(*taken), ascending);
	*rules = calloc((size_t)count + 1, sizeof(**rules));
	if (!*rules) {
		ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRULE", nic->name, NULL);
		goto free_taken;
	}
	*n = 0;
	for (i = 0; i < count; i++) {
		ret = ethtool_ioctl_rule_get(nic, taken[i], &(*rules)[*n], &failed);
		/* Deleted meanwhile. */
		if (ret == -ENOENT)
			continue;
		if (ret && ret != -EINVAL) {
			if (err)
				*err = failed;
			goto err_free_rules;
		}
		if (ret) {
			/* Deleted meanwhile as other drivers say it, or of a kind that can't be
			 * told: the place counts as taken, the rule matches nothing. */
			memset(&(*rules)[*n], 0, sizeof(**rules));
			(*rules)[*n].fs.ring_cookie = UAPI_RX_CLS_FLOW_WAKE;
		}
		(*rules)[*n].fs.location = taken[i];
		(*n)++;
	}
	ret = 0;
	goto free_taken;

err_free_rules:
	free(*rules);
	*rules = NULL;
free_taken:
	free(taken);
	return ret;
}

int ethtool_get_rule(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
		     struct devmem_error *err)
{

	return ethtool_ioctl_rule_get(nic, place, rule, err);
}

int ethtool_insert_rule(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err)
{

	return ethtool_ioctl_rule_insert(nic, rule, err);
}

int ethtool_delete_rule(const struct nic *nic, uint32_t place, struct devmem_error *err)
{

	return ethtool_ioctl_rule_delete(nic, place, err);
}

int ethtool_rule_hits(const struct nic *nic, const struct uapi_rxnfc *rule, uint32_t *hits,
		      uint32_t n, struct devmem_error *err)
{
	const uint64_t cookie = rule->fs.ring_cookie;
	struct ethtool_rss rss;
	uint32_t queue, i;
	uint8_t *seen;
	int ret;

	/* Dropped, or meant for a virtual function's queue. */
	if (cookie == UAPI_RX_CLS_FLOW_DISC || cookie == UAPI_RX_CLS_FLOW_WAKE ||
	    (cookie & UAPI_RING_COOKIE_VF))
		return 0;
	queue = (uint32_t)(cookie & UAPI_RING_COOKIE_QUEUE);
	if (!(rule->fs.flow_type & UAPI_FLOW_RSS)) {
		if (queue < n)
			hits[queue]++;
		return 0;
	}
	ret = ethtool_get_rss(nic, rule->rss_context, &rss, err);
	if (ret)
		return ret;
	seen = calloc((size_t)n + 1, 1);
	if (!seen) {
		ret = error_system(err, -ENOMEM, "rss-get", nic->name, NULL);
		goto free_rss;
	}
	/* The table's entry is added to the rule's queue. */
	for (i = 0; i < rss.table_len; i++) {
		if (rss.table[i] >= n || queue >= n - rss.table[i] || seen[rss.table[i] + queue])
			continue;
		seen[rss.table[i] + queue] = 1;
		hits[rss.table[i] + queue]++;
	}
	free(seen);
free_rss:
	ethtool_rss_free(&rss);
	return ret;
}
