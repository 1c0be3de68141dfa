// SPDX-License-Identifier: BSD-3-Clause
/* Which interface a connection's packets leave through. */
#include "nic/route.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "core/sys.h"
#include "netlink/route_msg.h"

/* The kernel answers at once. */
#define ANSWER_SECONDS 5

static int read_query(int fd, struct route_msg_query *query)
{
	socklen_t len = sizeof(query->local);
	int ret;

	memset(query, 0, sizeof(*query));
	ret = sys_getsockname(fd, (struct sockaddr *)&query->local, &len);
	if (ret)
		return ret;
	len = sizeof(query->peer);
	ret = sys_getpeername(fd, (struct sockaddr *)&query->peer, &len);
	if (ret)
		return ret;
	len = sizeof(query->mark);
	ret = sys_getsockopt(fd, SOL_SOCKET, SO_MARK, &query->mark, &len);
	if (ret)
		return ret;
	len = sizeof(query->ifindex);
	return sys_getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &query->ifindex, &len);
}

static int ask(const struct route_msg_query *query, uint32_t *ifindex)
{
	const struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	union {
		struct nlmsghdr align;
		char bytes[256];
	} request;
	union {
		struct nlmsghdr align;
		char bytes[4096];
	} answer;
	struct nlmsghdr *nlh;
	ssize_t n;
	int fd, ret;

	nlh = route_msg_get(&request, sizeof(request), query);
	if (!nlh)
		return -EAFNOSUPPORT;
	fd = sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (fd < 0)
		return fd;
	ret = sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (ret)
		goto close_socket;
	n = sys_send(fd, nlh, nlh->nlmsg_len, 0);
	if (n >= 0)
		n = sys_recv(fd, &answer, sizeof(answer), 0);
	ret = n < 0 ? (int)n : route_msg_parse(&answer, (size_t)n, ifindex);
close_socket:
	sys_close(fd);
	return ret;
}

int route_of_socket(int fd, struct route *route)
{
	struct route_msg_query query;
	struct ifreq ifr = { 0 };
	int ret;

	ret = read_query(fd, &query);
	if (!ret)
		ret = ask(&query, &route->ifindex);
	if (ret)
		return ret;
	ifr.ifr_ifindex = (int)route->ifindex;
	ret = sys_ioctl(fd, SIOCGIFNAME, &ifr);
	if (ret < 0)
		return ret;
	memcpy(route->name, ifr.ifr_name, sizeof(route->name));
	route->name[sizeof(route->name) - 1] = '\0';
	return 0;
}
