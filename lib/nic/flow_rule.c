// SPDX-License-Identifier: BSD-3-Clause
/* A flow as a rule of the kernel's, and back. */
#include "nic/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* An address and port of a flow: family 0 where anything matches. */
struct address {
	int family;
	struct in_addr addr4;
	struct in6_addr addr6;
	uint16_t port; /* network byte order */
	bool any_addr;
};

/* Reads a socket address. An IPv4 address inside an IPv6 one is an IPv4 address. */
static int read_address(const struct sockaddr_storage *ss, struct address *address)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	memset(address, 0, sizeof(*address));
	switch (ss->ss_family) {
	case AF_UNSPEC:
		address->any_addr = true;
		return 0;
	case AF_INET:
		memcpy(&in, ss, sizeof(in));
		address->family = AF_INET;
		address->addr4 = in.sin_addr;
		address->port = in.sin_port;
		break;
	case AF_INET6:
		memcpy(&in6, ss, sizeof(in6));
		address->family = AF_INET6;
		address->addr6 = in6.sin6_addr;
		address->port = in6.sin6_port;
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			address->family = AF_INET;
			memcpy(&address->addr4, &in6.sin6_addr.s6_addr[12], sizeof(address->addr4));
		}
		break;
	default:
		return -EINVAL;
	}
	if (address->family == AF_INET)
		address->any_addr = address->addr4.s_addr == htonl(INADDR_ANY);
	else
		address->any_addr = IN6_IS_ADDR_UNSPECIFIED(&address->addr6);
	return 0;
}

static void put_addr4(uint32_t *val, uint32_t *mask, const struct address *address)
{
	if (address->any_addr)
		return;
	*val = address->addr4.s_addr;
	*mask = UINT32_MAX;
}

static void put_addr6(uint32_t val[4], uint32_t mask[4], const struct address *address)
{
	if (address->any_addr)
		return;
	memcpy(val, &address->addr6, 16);
	memset(mask, 0xff, 16);
}

static void put_port(uint16_t *val, uint16_t *mask, const struct address *address)
{
	if (!address->port)
		return;
	*val = address->port;
	*mask = UINT16_MAX;
}

int flow_make(struct uapi_rx_flow_spec *fs, const struct devmem_flow *flow, const char *subject,
	      struct devmem_error *err)
{
	struct address dst, src;

	memset(fs, 0, sizeof(*fs));
	if (read_address(&flow->dst, &dst) || read_address(&flow->src, &src))
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

bool flow_has_same_match(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b)
{
	size_t i;

	/* Where RSS spreads the packets to is no matter of what matches. */
	if ((a->flow_type ^ b->flow_type) & ~UAPI_FLOW_RSS)
		return false;
	for (i = 0; i < sizeof(a->m_u.hdata); i++) {
		if (a->m_u.hdata[i] != b->m_u.hdata[i])
			return false;
		/* Drivers need not report the values of bits that a rule doesn't match. */
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

bool flow_covers(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b)
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

bool flow_has_same_target(const struct uapi_rxnfc *a, const struct uapi_rxnfc *b)
{
	if (a->fs.ring_cookie != b->fs.ring_cookie ||
	    ((a->fs.flow_type ^ b->fs.flow_type) & UAPI_FLOW_RSS))
		return false;
	return !(a->fs.flow_type & UAPI_FLOW_RSS) || a->rss_context == b->rss_context;
}

static void address_text(const struct sockaddr_storage *ss, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "*";
	struct address address;

	if (read_address(ss, &address) || !address.family)
		snprintf(addr, sizeof(addr), "*");
	else if (!address.any_addr && address.family == AF_INET)
		inet_ntop(AF_INET, &address.addr4, addr, sizeof(addr));
	else if (!address.any_addr)
		inet_ntop(AF_INET6, &address.addr6, addr, sizeof(addr));
	snprintf(text, size, address.family == AF_INET6 && !address.any_addr ? "[%s]:%u" : "%s:%u",
		 addr, ntohs(address.port));
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
	address_text(&rule.flow.dst, dst, sizeof(dst));
	address_text(&rule.flow.src, src, sizeof(src));
	snprintf(text, FLOW_TEXT_SIZE, "tcp%s to %s%s%s",
		 rule.flow.dst.ss_family == AF_INET ? "4" : "6", dst,
		 rule.flow.src.ss_family ? " from " : "", rule.flow.src.ss_family ? src : "");
	return text;
}

uint16_t flow_unmap(struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct address address;

	if (read_address(ss, &address))
		return 0;
	if (ss->ss_family == AF_INET6 && address.family == AF_INET) {
		in.sin_addr = address.addr4;
		in.sin_port = address.port;
		memset(ss, 0, sizeof(*ss));
		memcpy(ss, &in, sizeof(in));
	}
	return address.port;
}
