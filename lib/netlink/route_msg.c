// SPDX-License-Identifier: BSD-3-Clause
/* Codec of the rtnetlink request for a connection's route. */
#include "netlink/route_msg.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/nlmsg.h"

/* One address of the connection, as the kernel wants it. */
struct endpoint {
	const void *addr;
	size_t len;
	uint16_t port; /* big-endian */
	uint32_t scope;
	int family;
};

/* An IPv4 address in IPv6 is routed as IPv4. */
static int read_endpoint(struct endpoint *endpoint, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	if (addr->ss_family == AF_INET) {
		*endpoint = (struct endpoint){ &in->sin_addr, sizeof(in->sin_addr), in->sin_port, 0,
					       AF_INET };
		return 0;
	}
	if (addr->ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		*endpoint = (struct endpoint){ &in6->sin6_addr.s6_addr[12], sizeof(struct in_addr),
					       in6->sin6_port, 0, AF_INET };
	else
		*endpoint = (struct endpoint){ &in6->sin6_addr, sizeof(in6->sin6_addr),
					       in6->sin6_port, in6->sin6_scope_id, AF_INET6 };
	return 0;
}

struct nlmsghdr *route_msg_get(void *buf, size_t size, const struct route_msg_query *query)
{
	uint32_t ifindex = query->ifindex;
	struct endpoint local, peer;
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	if (read_endpoint(&local, &query->local) || read_endpoint(&peer, &query->peer) ||
	    local.family != peer.family || size < MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*rtm)))
		return NULL;
	memset(buf, 0, size);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)peer.family;
	rtm->rtm_dst_len = rtm->rtm_src_len = (uint8_t)(8 * peer.len);
	if (!ifindex)
		ifindex = peer.scope;
	if (!mnl_attr_put_check(nlh, size, RTA_DST, peer.len, peer.addr) ||
	    !mnl_attr_put_check(nlh, size, RTA_SRC, local.len, local.addr) ||
	    !mnl_attr_put_u8_check(nlh, size, RTA_IP_PROTO, IPPROTO_TCP) ||
	    !mnl_attr_put_u16_check(nlh, size, RTA_SPORT, local.port) ||
	    !mnl_attr_put_u16_check(nlh, size, RTA_DPORT, peer.port))
		return NULL;
	if (query->mark && !mnl_attr_put_u32_check(nlh, size, RTA_MARK, query->mark))
		return NULL;
	if (ifindex && !mnl_attr_put_u32_check(nlh, size, RTA_OIF, ifindex))
		return NULL;
	return nlh;
}

static int parse_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

	/* 0 would be an answer without a route in it. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error->error) || error->error >= 0)
		return -EBADMSG;
	return error->error;
}

int route_msg_parse(const void *msg, size_t len, uint32_t *ifindex)
{
	const struct nlmsghdr *nlh = msg;

	if (len < MNL_NLMSG_HDRLEN || nlh->nlmsg_len > len || nlh->nlmsg_len < MNL_NLMSG_HDRLEN)
		return -EBADMSG;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return parse_error(nlh);
	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return -EBADMSG;
	return nlmsg_read_number(msg, len, sizeof(struct rtmsg), RTA_OIF, ifindex,
				 sizeof(*ifindex));
}
