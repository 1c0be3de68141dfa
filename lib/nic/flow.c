// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules: which packets go to which receive queue. */
#include "nic/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/ethtool_rules.h"
#include "nic/netdev.h"
#include "nic/queue.h"
#include "core/sys.h"

/* One end of a flow: family 0 where anything matches. */
struct end {
	int family;
	struct in_addr addr4;
	struct in6_addr addr6;
	uint16_t port; /* network byte order */
	bool any_addr;
};

/* Reads a socket address. An IPv4 address inside an IPv6 one is an IPv4 address. */
static int read_end(const struct sockaddr_storage *ss, struct end *end)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	memset(end, 0, sizeof(*end));
	switch (ss->ss_family) {
	case AF_UNSPEC:
		end->any_addr = true;
		return 0;
	case AF_INET:
		memcpy(&in, ss, sizeof(in));
		end->family = AF_INET;
		end->addr4 = in.sin_addr;
		end->port = in.sin_port;
		break;
	case AF_INET6:
		memcpy(&in6, ss, sizeof(in6));
		end->family = AF_INET6;
		end->addr6 = in6.sin6_addr;
		end->port = in6.sin6_port;
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			end->family = AF_INET;
			memcpy(&end->addr4, &in6.sin6_addr.s6_addr[12], sizeof(end->addr4));
		}
		break;
	default:
		return -EINVAL;
	}
	if (end->family == AF_INET)
		end->any_addr = end->addr4.s_addr == htonl(INADDR_ANY);
	else
		end->any_addr = IN6_IS_ADDR_UNSPECIFIED(&end->addr6);
	return 0;
}

static void put_addr4(uint32_t *val, uint32_t *mask, const struct end *end)
{
	if (end->any_addr)
		return;
	*val = end->addr4.s_addr;
	*mask = UINT32_MAX;
}

static void put_addr6(uint32_t val[4], uint32_t mask[4], const struct end *end)
{
	if (end->any_addr)
		return;
	memcpy(val, &end->addr6, 16);
	memset(mask, 0xff, 16);
}

static void put_port(uint16_t *val, uint16_t *mask, const struct end *end)
{
	if (!end->port)
		return;
	*val = end->port;
	*mask = UINT16_MAX;
}

/* The rule for a flow, without a place and without a target. */
static int make_rule(struct uapi_rx_flow_spec *fs, const struct devmem_flow *flow,
		     const char *subject, struct devmem_error *err)
{
	struct end dst, src;

	memset(fs, 0, sizeof(*fs));
	if (read_end(&flow->dst, &dst) || read_end(&flow->src, &src))
		return error_input(err, -EINVAL, subject, "flow: addresses must be IPv4 or IPv6");
	if (dst.any_addr && !dst.port)
		return error_input(err, -EINVAL, subject,
				   "flow: the destination needs an address or a port");
	/* A source of nothing but wildcards may have any family. */
	if (src.any_addr && !src.port)
		src.family = dst.family;
	if (src.family != dst.family)
		return error_input(err, -EINVAL, subject,
				   "flow: source and destination must both be IPv4 or both IPv6");
	if (dst.family == AF_INET) {
		fs->flow_type = UAPI_TCP_V4_FLOW;
		put_addr4(&fs->h_u.tcp4.ip4dst, &fs->m_u.tcp4.ip4dst, &dst);
		put_port(&fs->h_u.tcp4.pdst, &fs->m_u.tcp4.pdst, &dst);
		put_addr4(&fs->h_u.tcp4.ip4src, &fs->m_u.tcp4.ip4src, &src);
		put_port(&fs->h_u.tcp4.psrc, &fs->m_u.tcp4.psrc, &src);
	} else {
		fs->flow_type = UAPI_TCP_V6_FLOW;
		put_addr6(fs->h_u.tcp6.ip6dst, fs->m_u.tcp6.ip6dst, &dst);
		put_port(&fs->h_u.tcp6.pdst, &fs->m_u.tcp6.pdst, &dst);
		put_addr6(fs->h_u.tcp6.ip6src, fs->m_u.tcp6.ip6src, &src);
		put_port(&fs->h_u.tcp6.psrc, &fs->m_u.tcp6.psrc, &src);
	}
	return 0;
}

/* A field that a rule matches whole or not at all. */
static bool read_field(const void *val, const void *mask, size_t len, void *out, bool *matched)
{
	const uint8_t *m = mask;
	size_t i;

	for (i = 1; i < len; i++) {
		if (m[i] != m[0])
			return false;
	}
	if (m[0] != 0 && m[0] != 0xff)
		return false;
	*matched = m[0] == 0xff;
	memset(out, 0, len);
	if (*matched)
		memcpy(out, val, len);
	return true;
}

static bool read_rule4(const struct uapi_rx_flow_spec *fs, struct devmem_flow *flow)
{
	const struct uapi_tcpip4_spec *h = &fs->h_u.tcp4, *m = &fs->m_u.tcp4;
	struct sockaddr_in dst = { .sin_family = AF_INET }, src = { .sin_family = AF_INET };
	bool da, dp, sa, sp;

	if (m->tos || !read_field(&h->ip4dst, &m->ip4dst, 4, &dst.sin_addr, &da) ||
	    !read_field(&h->pdst, &m->pdst, 2, &dst.sin_port, &dp) ||
	    !read_field(&h->ip4src, &m->ip4src, 4, &src.sin_addr, &sa) ||
	    !read_field(&h->psrc, &m->psrc, 2, &src.sin_port, &sp))
		return false;
	if (!da && !dp)
		return false;
	memcpy(&flow->dst, &dst, sizeof(dst));
	if (sa || sp)
		memcpy(&flow->src, &src, sizeof(src));
	return true;
}

static bool read_rule6(const struct uapi_rx_flow_spec *fs, struct devmem_flow *flow)
{
	const struct uapi_tcpip6_spec *h = &fs->h_u.tcp6, *m = &fs->m_u.tcp6;
	struct sockaddr_in6 dst = { .sin6_family = AF_INET6 }, src = { .sin6_family = AF_INET6 };
	bool da, dp, sa, sp;

	if (m->tclass || !read_field(h->ip6dst, m->ip6dst, 16, &dst.sin6_addr, &da) ||
	    !read_field(&h->pdst, &m->pdst, 2, &dst.sin6_port, &dp) ||
	    !read_field(h->ip6src, m->ip6src, 16, &src.sin6_addr, &sa) ||
	    !read_field(&h->psrc, &m->psrc, 2, &src.sin6_port, &sp))
		return false;
	if (!da && !dp)
		return false;
	memcpy(&flow->dst, &dst, sizeof(dst));
	if (sa || sp)
		memcpy(&flow->src, &src, sizeof(src));
	return true;
}

void flow_read(const struct uapi_rxnfc *nfc, struct devmem_flow_rule *rule)
{
	const struct uapi_rx_flow_spec *fs = &nfc->fs;

	memset(rule, 0, sizeof(*rule));
	rule->location = fs->location;
	rule->queue = UINT32_MAX;
	if (fs->ring_cookie == UAPI_RX_CLS_FLOW_DISC)
		rule->drop = 1;
	else if (fs->flow_type & UAPI_FLOW_RSS)
		rule->rss_context = nfc->rss_context;
	else if (!(fs->ring_cookie & ~UAPI_RING_COOKIE_QUEUE))
		rule->queue = (uint32_t)fs->ring_cookie;
	switch (fs->flow_type & ~UAPI_FLOW_RSS) {
	case UAPI_TCP_V4_FLOW:
		rule->tcp = read_rule4(fs, &rule->flow);
		break;
	case UAPI_TCP_V6_FLOW:
		rule->tcp = read_rule6(fs, &rule->flow);
		break;
	default:
		break;
	}
}

bool flow_same_match(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b)
{
	size_t i;

	/* Where RSS spreads the packets to is no matter of what matches. */
	if ((a->flow_type ^ b->flow_type) & ~UAPI_FLOW_RSS)
		return false;
	for (i = 0; i < sizeof(a->m_u.hdata); i++) {
		if (a->m_u.hdata[i] != b->m_u.hdata[i])
			return false;
		/* Drivers need not give back what they don't look at. */
		if ((a->h_u.hdata[i] ^ b->h_u.hdata[i]) & a->m_u.hdata[i])
			return false;
	}
	if (!(a->flow_type & (UAPI_FLOW_EXT | UAPI_FLOW_MAC_EXT)))
		return true;
	return !memcmp(&a->m_ext, &b->m_ext, sizeof(a->m_ext)) &&
	       !memcmp(&a->h_ext, &b->h_ext, sizeof(a->h_ext));
}

/* True if every bit that a looks at, b looks at with the same value. */
static bool covers_bits(const void *h_a, const void *m_a, const void *h_b, const void *m_b,
			size_t len)
{
	const uint8_t *ha = h_a, *ma = m_a, *hb = h_b, *mb = m_b;
	size_t i;

	for (i = 0; i < len; i++) {
		if ((ma[i] & ~mb[i]) || ((ha[i] ^ hb[i]) & ma[i]))
			return false;
	}
	return true;
}

/* True if a matches all packets that b matches. Of kinds that contain each other, such as TCP and
 * all of IP, it knows nothing. */
static bool covers(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b)
{
	const uint32_t parts = UAPI_FLOW_EXT | UAPI_FLOW_MAC_EXT;
	struct uapi_flow_ext mask_a = { 0 }, mask_b = { 0 };

	if ((a->flow_type ^ b->flow_type) & ~(UAPI_FLOW_RSS | parts))
		return false;
	if (!covers_bits(a->h_u.hdata, a->m_u.hdata, b->h_u.hdata, b->m_u.hdata,
			 sizeof(a->m_u.hdata)))
		return false;
	/* What a rule doesn't say that it has counts for nothing. */
	if (a->flow_type & parts)
		mask_a = a->m_ext;
	if (b->flow_type & parts)
		mask_b = b->m_ext;
	return covers_bits(&a->h_ext, &mask_a, &b->h_ext, &mask_b, sizeof(mask_a));
}

/* True if two rules send packets to the same place. */
static bool same_target(const struct uapi_rxnfc *a, const struct uapi_rxnfc *b)
{
	if (a->fs.ring_cookie != b->fs.ring_cookie ||
	    ((a->fs.flow_type ^ b->fs.flow_type) & UAPI_FLOW_RSS))
		return false;
	return !(a->fs.flow_type & UAPI_FLOW_RSS) || a->rss_context == b->rss_context;
}

static void end_text(const struct sockaddr_storage *ss, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "*";
	struct end end;

	if (read_end(ss, &end) || !end.family)
		snprintf(addr, sizeof(addr), "*");
	else if (!end.any_addr && end.family == AF_INET)
		inet_ntop(AF_INET, &end.addr4, addr, sizeof(addr));
	else if (!end.any_addr)
		inet_ntop(AF_INET6, &end.addr6, addr, sizeof(addr));
	snprintf(text, size, end.family == AF_INET6 && !end.any_addr ? "[%s]:%u" : "%s:%u", addr,
		 ntohs(end.port));
}

const char *flow_text(const struct uapi_rxnfc *nfc, char text[FLOW_TEXT_SIZE])
{
	char dst[INET6_ADDRSTRLEN + 10], src[INET6_ADDRSTRLEN + 10];
	struct devmem_flow_rule rule;

	flow_read(nfc, &rule);
	if (!rule.tcp) {
		snprintf(text, FLOW_TEXT_SIZE, "flow type 0x%" PRIx32, nfc->fs.flow_type);
		return text;
	}
	end_text(&rule.flow.dst, dst, sizeof(dst));
	end_text(&rule.flow.src, src, sizeof(src));
	snprintf(text, FLOW_TEXT_SIZE, "tcp%s to %s%s%s",
		 rule.flow.dst.ss_family == AF_INET ? "4" : "6", dst,
		 rule.flow.src.ss_family ? " from " : "", rule.flow.src.ss_family ? src : "");
	return text;
}

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
		error_hint(err, "the driver refuses this rule; some only take rules with both "
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
		if (!flow_same_match(&rules[i].fs, &rule->fs))
			continue;
		place = rules[i].fs.location;
		return error_system(err, -EEXIST, "ETHTOOL_SRXCLSRLINS", nic->name,
				    "rule %" PRIu32 " matches the same packets; delete it first: "
				    "devmemctl flow del %s %" PRIu32,
				    place, nic->name, place);
	}
	for (i = 0; exclusive && i < n; i++) {
		if (!covers(&rules[i].fs, &rule->fs) || same_target(&rules[i], rule))
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
	ret = make_rule(&rule->fs, flow, nic->name, err);
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

/* Turns an IPv4 address inside an IPv6 one into an IPv4 address. */
static void unmap(struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct end end;

	if (ss->ss_family != AF_INET6 || read_end(ss, &end) || end.family != AF_INET)
		return;
	in.sin_addr = end.addr4;
	in.sin_port = end.port;
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &in, sizeof(in));
}

int devmem_flow_from_socket(struct devmem_flow *flow, int fd, struct devmem_error *err)
{
	struct devmem_flow found;
	socklen_t len = sizeof(int);
	int protocol = 0, ret;
	struct end dst;

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
	if (read_end(&found.dst, &dst) || !dst.port)
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
	unmap(&found.dst);
	unmap(&found.src);
	*flow = found;
	return 0;
}
