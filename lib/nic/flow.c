// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules: which packets go to which receive queue. */
#include "nic/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys.h"
#include "nic/ethtool.h"
#include "nic/ethtool_rules.h"
#include "nic/netdev.h"
#include "nic/queue.h"

/* Flow rules that are switched off but can be switched on make nothing of a rule, or refuse it. */
static int check_ntuple(const struct nic *nic, struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_ntuple(nic, &ntuple, &failed);
	if (ret)
		return ethtool_ignore_absent(ret, &failed, err);
	if (ntuple.hw.set && !ntuple.active.set)
		return error_missing(err, -EOPNOTSUPP, "ETHTOOL_SRXCLSRLINS", nic->name,
				     "flow rules are switched off; switch them on: ethtool -K %s "
				     "ntuple on",
				     nic->name);
	return 0;
}

/* The first place that no rule is at. */
static int free_place(const struct nic *nic, const struct uapi_rxnfc *rules, uint32_t n,
		      uint32_t places, uint32_t *place, struct devmem_error *err)
{
	uint32_t i, next = 0;

	for (i = 0; i < n; i++) {
		if (rules[i].fs.location > next)
			break;
		next = rules[i].fs.location + 1;
	}
	if (places && next >= places)
		return error_system(err, -ENOSPC, "ETHTOOL_SRXCLSRLINS", nic->name,
				    "all %" PRIu32 " places for flow rules are taken: devmemctl "
				    "flow show %s lists them",
				    places, nic->name);
	*place = next;
	return 0;
}

static void hint_insert(const struct nic *nic, int code, struct devmem_error *err)
{
	switch (code) {
	case -EPERM:
		error_hint(err, "flow rules need CAP_NET_ADMIN: run it as root");
		break;
	case -EOPNOTSUPP:
		error_hint(err, "the driver of %s has no flow rules, or none of this form",
			   nic->name);
		break;
	case -EINVAL:
		error_hint(err, "the driver refuses this rule; some only accept rules with both "
				"addresses and both ports");
		break;
	case -ENOSPC:
		error_hint(err, "the device has no room for another rule");
		break;
	default:
		break;
	}
}

/* Refuses a rule that would make nothing of another, or the other of it. */
static int check_others(const struct nic *nic, const struct uapi_rxnfc *rules, uint32_t n,
			const struct uapi_rxnfc *rule, bool exclusive, struct devmem_error *err)
{
	char text[FLOW_TEXT_SIZE];
	uint32_t i, place;

	for (i = 0; i < n; i++) {
		if (!flow_has_same_match(&rules[i].fs, &rule->fs))
			continue;
		place = rules[i].fs.location;
		return error_system(err, -EEXIST, "ETHTOOL_SRXCLSRLINS", nic->name,
				    "rule %" PRIu32 " matches the same packets; delete it first: "
				    "devmemctl flow del %s %" PRIu32,
				    place, nic->name, place);
	}
	for (i = 0; exclusive && i < n; i++) {
		if (!flow_covers(&rules[i].fs, &rule->fs) || flow_has_same_target(&rules[i], rule))
			continue;
		place = rules[i].fs.location;
		return error_system(err, -EBUSY, "ETHTOOL_SRXCLSRLINS", nic->name,
				    "rule %" PRIu32
				    " (%s) catches all of its packets and sends them "
				    "elsewhere; delete it first: devmemctl flow del %s %" PRIu32,
				    place, flow_text(&rules[i], text), nic->name, place);
	}
	return 0;
}

int flow_prepare(const struct nic *nic, const struct devmem_flow *flow, uint32_t queue,
		 uint32_t rss_context, uint32_t rx_queues, bool exclusive, struct uapi_rxnfc *rule,
		 struct devmem_error *err)
{
	uint32_t n, places, size;
	struct uapi_rxnfc *rules;
	int any, ret;

	memset(rule, 0, sizeof(*rule));
	ret = flow_make(&rule->fs, flow, nic->name, err);
	if (ret)
		return ret;
	if (rss_context) {
		/* A queue here would be added to the context's. */
		rule->fs.flow_type |= UAPI_FLOW_RSS;
		rule->rss_context = rss_context;
	} else if (rx_queues && queue >= rx_queues) {
		return error_input(err, -EINVAL, nic->name,
				   "flow: no receive queue %" PRIu32 ", there are 0 to %" PRIu32,
				   queue, rx_queues - 1);
	} else {
		rule->fs.ring_cookie = queue;
	}
	ret = check_ntuple(nic, err);
	if (ret)
		return ret;
	ret = ethtool_get_rule_count(nic, &n, &places, &any, err);
	if (!ret)
		ret = ethtool_get_rules(nic, &rules, &n, &size, err);
	if (ret) {
		hint_insert(nic, ret, err);
		return ret;
	}
	ret = check_others(nic, rules, n, rule, exclusive, err);
	if (ret)
		goto free_rules;
	rule->fs.location = UAPI_RX_CLS_LOC_ANY;
	if (!any)
		ret = free_place(nic, rules, n, size, &rule->fs.location, err);
free_rules:
	free(rules);
	return ret;
}

int flow_commit(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err)
{
	int ret;

	ret = ethtool_insert_rule(nic, rule, err);
	if (ret)
		hint_insert(nic, ret, err);
	return ret;
}

int devmem_flow_add(struct devmem_netdev *netdev, const struct devmem_flow *flow, uint32_t queue,
		    uint32_t *location, struct devmem_error *err)
{
	const struct nic *nic = netdev_nic(netdev);
	struct uapi_rxnfc rule;
	uint32_t rx_queues;
	int ret;

	ret = queue_count(nic, &rx_queues, NULL, err);
	if (!ret)
		ret = flow_prepare(nic, flow, queue, 0, rx_queues, false, &rule, err);
	if (!ret)
		ret = flow_commit(nic, &rule, err);
	if (!ret && location)
		*location = rule.fs.location;
	return ret;
}

int devmem_flow_del(struct devmem_netdev *netdev, uint32_t location, struct devmem_error *err)
{
	const struct nic *nic = netdev_nic(netdev);
	struct uapi_rxnfc *rules;
	uint32_t n, places, i;
	int ret;

	/* Drivers have many errors for a place without a rule. */
	ret = ethtool_get_rules(nic, &rules, &n, &places, err);
	if (ret) {
		hint_insert(nic, ret, err);
		return ret;
	}
	for (i = 0; i < n && rules[i].fs.location != location; i++)
		;
	free(rules);
	if (i == n) {
		ret = error_input(err, -ENOENT, nic->name,
				  "flow: no rule at place %" PRIu32
				  "; devmemctl flow show %s lists them",
				  location, nic->name);
		error_kind(err, DEVMEM_ERROR_INPUT);
		return ret;
	}
	ret = ethtool_delete_rule(nic, location, err);
	if (ret == -EPERM)
		error_hint(err, "flow rules need CAP_NET_ADMIN: run it as root");
	return ret;
}

int devmem_flow_list(struct devmem_netdev *netdev, struct devmem_flow_rule **rules, size_t *n,
		     struct devmem_error *err)
{
	const struct nic *nic = netdev_nic(netdev);
	struct devmem_flow_rule *list;
	struct uapi_rxnfc *nfc;
	uint32_t count, places, i;
	int ret;

	ret = ethtool_get_rules(nic, &nfc, &count, &places, err);
	if (ret) {
		if (ret == -EOPNOTSUPP)
			error_hint(err, "the driver of %s has no flow rules", nic->name);
		return ret;
	}
	list = calloc((size_t)count + 1, sizeof(*list));
	if (!list) {
		ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRULE", nic->name, NULL);
		goto free_nfc;
	}
	for (i = 0; i < count; i++)
		flow_read(&nfc[i], &list[i]);
	*rules = list;
	*n = count;
free_nfc:
	free(nfc);
	return ret;
}

int devmem_flow_from_socket(struct devmem_flow *flow, int fd, struct devmem_error *err)
{
	struct devmem_flow found;
	socklen_t len = sizeof(int);
	int protocol = 0, ret;

	ret = sys_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (ret == -ENOTSOCK || (!ret && protocol != IPPROTO_TCP))
		return error_input(err, -EINVAL, "socket",
				   "flow: file descriptor %d is no TCP socket", fd);
	if (ret)
		return error_system(err, ret, "getsockopt", "socket", NULL);
	memset(&found, 0, sizeof(found));
	len = sizeof(found.dst);
	ret = sys_getsockname(fd, (struct sockaddr *)&found.dst, &len);
	if (ret)
		return error_system(err, ret, "getsockname", "socket", NULL);
	if (!flow_unmap(&found.dst))
		return error_input(err, -EINVAL, "socket",
				   "flow: the socket is not bound to a port: bind or connect it "
				   "first");
	len = sizeof(found.src);
	ret = sys_getpeername(fd, (struct sockaddr *)&found.src, &len);
	if (ret == -ENOTCONN) {
		memset(&found.src, 0, sizeof(found.src));
		ret = 0;
	}
	if (ret)
		return error_system(err, ret, "getpeername", "socket", NULL);
	flow_unmap(&found.src);
	*flow = found;
	return 0;
}
