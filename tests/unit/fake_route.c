// SPDX-License-Identifier: BSD-3-Clause
/* rtnetlink of the kernel in tests/unit: the route of a connection. Facts from the kernel's
 * net/ipv4/route.c (inet_rtm_getroute). */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fake_sock.h"

static unsigned int questions;
static int route_code;

void fake_route_begin(void)
{
	questions = 0;
	route_code = 0;
}

void fake_route_fails(int code)
{
	route_code = code;
}

unsigned int fake_route_questions(void)
{
	return questions;
}

struct question {
	const uint8_t *dst, *src;
	size_t len;
	uint32_t oif, mark;
};

static void read_question(const void *buf, size_t len, struct question *q)
{
	const struct nlmsghdr *nlh = buf;
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *attr;
	int left;

	memset(q, 0, sizeof(*q));
	if (len < NLMSG_SPACE(sizeof(*rtm)) || nlh->nlmsg_len != len ||
	    nlh->nlmsg_type != RTM_GETROUTE || nlh->nlmsg_flags != NLM_F_REQUEST)
		fake_stop("not a question for one route");
	q->len = rtm->rtm_family == AF_INET ? 4 : 16;
	if (rtm->rtm_dst_len != 8 * q->len || (rtm->rtm_src_len && rtm->rtm_src_len != 8 * q->len))
		fake_stop("rtm_dst_len %u, rtm_src_len %u", rtm->rtm_dst_len, rtm->rtm_src_len);
	left = (int)RTM_PAYLOAD(nlh);
	for (attr = RTM_RTA(rtm); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == RTA_DST && RTA_PAYLOAD(attr) == q->len)
			q->dst = RTA_DATA(attr);
		else if (attr->rta_type == RTA_SRC && RTA_PAYLOAD(attr) == q->len)
			q->src = RTA_DATA(attr);
		else if (attr->rta_type == RTA_OIF && RTA_PAYLOAD(attr) == 4)
			memcpy(&q->oif, RTA_DATA(attr), 4);
		else if (attr->rta_type == RTA_MARK && RTA_PAYLOAD(attr) == 4)
			memcpy(&q->mark, RTA_DATA(attr), 4);
		else if (attr->rta_type != RTA_IP_PROTO && attr->rta_type != RTA_SPORT &&
			 attr->rta_type != RTA_DPORT && attr->rta_type != RTA_UID)
			fake_stop("attribute %u in a question for a route", attr->rta_type);
	}
	if (left)
		fake_stop("bytes behind the attributes");
	if (!q->dst)
		fake_stop("a question for a route to nowhere");
}

static void answer_error(struct netlink *sock, const struct nlmsghdr *request, int code)
{
	const struct nlmsgerr error = { .error = code, .msg = *request };
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *nlh = nlmsg_put(msg, 0, 0, NLMSG_ERROR, sizeof(error), 0);

	memcpy(nlmsg_data(nlh), &error, sizeof(error));
	fake_netlink_deliver(sock, nlh, nlh->nlmsg_len);
	nlmsg_free(msg);
}

static void answer_route(struct netlink *sock, const struct question *q, uint32_t ifindex)
{
	const struct rtmsg rtm = { .rtm_family = q->len == 4 ? AF_INET : AF_INET6,
				   .rtm_dst_len = (unsigned char)(8 * q->len) };
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *nlh = nlmsg_put(msg, 0, 0, RTM_NEWROUTE, sizeof(rtm), 0);

	memcpy(nlmsg_data(nlh), &rtm, sizeof(rtm));
	nla_put_u32(msg, RTA_TABLE, RT_TABLE_MAIN);
	nla_put(msg, RTA_DST, (int)q->len, q->dst);
	nla_put_u32(msg, RTA_OIF, ifindex);
	fake_netlink_deliver(sock, nlh, nlh->nlmsg_len);
	nlmsg_free(msg);
}

static bool has_address(const struct sockaddr_storage *ss, const uint8_t *addr, size_t len)
{
	if (ss->ss_family != (len == 4 ? AF_INET : AF_INET6))
		return false;
	return !memcmp(len == 4 ? (const void *)&((const struct sockaddr_in *)ss)->sin_addr
				: (const void *)&((const struct sockaddr_in6 *)ss)->sin6_addr,
		       addr, len);
}

void fake_route_handle(struct netlink *nl, const void *buf, size_t len)
{
	const struct sock *s;
	struct question q;
	unsigned int i;

	questions++;
	read_question(buf, len, &q);
	for (i = 0; (s = fake_sock_at(i)); i++) {
		if (!has_address(&s->peer, q.dst, q.len))
			continue;
		if (q.src && !has_address(&s->local, q.src, q.len))
			fake_stop("a route from somebody else's address");
		if (q.oif != s->bound || q.mark != s->mark)
			fake_stop("a route of another socket: interface %u, mark %u", q.oif,
				  q.mark);
		if (route_code)
			break;
		answer_route(nl, &q, s->bound ? s->bound : s->route);
		return;
	}
	answer_error(nl, buf, route_code ? -route_code : -ENETUNREACH);
}
