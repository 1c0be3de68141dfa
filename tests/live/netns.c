// SPDX-License-Identifier: BSD-3-Clause
/* A network namespace for live tests. */
#include "netns.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void netns_enter(void)
{
	if (geteuid() != 0) {
		printf("skipped: needs root for a network namespace of its own\n");
		exit(77);
	}
	if (unshare(CLONE_NEWNET)) {
		printf("skipped: unshare(CLONE_NEWNET): %s\n", strerror(errno));
		exit(77);
	}
	netns_up("lo", true);
}

void netns_up(const char *name, bool up)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr)) {
		perror(name);
		exit(99);
	}
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr)) {
		perror(name);
		exit(99);
	}
	close(fd);
}

static void put_names_and_queues(struct nl_msg *msg, const char *name)
{
	nla_put_string(msg, IFLA_IFNAME, name);
	nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 2);
	nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 2);
}

bool netns_veth(const char *name, const char *peer)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *link, *data, *inner;
	int ret;

	if (!sock || !msg || nl_connect(sock, NETLINK_ROUTE))
		exit(99);
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	put_names_and_queues(msg, name);
	link = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	inner = nla_nest_start(msg, VETH_INFO_PEER);
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	put_names_and_queues(msg, peer);
	nla_nest_end(msg, inner);
	nla_nest_end(msg, data);
	nla_nest_end(msg, link);
	ret = nl_send_sync(sock, msg); /* frees the message */
	nl_socket_free(sock);
	if (ret)
		printf("no veth: %s\n", nl_geterror(ret));
	return !ret;
}
