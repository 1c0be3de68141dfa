// SPDX-License-Identifier: BSD-3-Clause
/*
 * Records netlink messages of the running kernel, for tests/unit/golden.
 *
 *	record_golden DIRECTORY PREFIX INTERFACE...
 *
 * Asks the kernel about each interface with requests that libnl makes, and writes every request and
 * every datagram of the answer to DIRECTORY/PREFIX-INTERFACE-WHAT.req and .ans (.ans2, ... where
 * there are more). Binds nothing and sets nothing: requests that would are made in a way that must
 * fail. If DIRECTORY is "-", it prints a line "NAME HEX" for each message instead.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char *directory, *prefix;
static int sock;
static uint32_t seq = 100;

static int save(const char *interface, const char *what, const char *kind, const void *data,
		size_t len)
{
	const unsigned char *p = data;
	char path[512];
	size_t i;
	FILE *f;

	if (!strcmp(directory, "-")) {
		printf("%s-%s-%s.%s ", prefix, interface, what, kind);
		for (i = 0; i < len; i++)
			printf("%02x", p[i]);
		printf("\n");
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s-%s-%s.%s", directory, prefix, interface, what, kind);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f)) {
		perror(path);
		return -1;
	}
	return 0;
}

/* Sends a request and saves it and everything that comes back. */
static int record(const char *interface, const char *what, struct nl_msg *msg, int flags)
{
	static char buf[1 << 16] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = nlmsg_hdr(msg), *each;
	char kind[16] = "ans";
	int left, n = 1, ret = -1;
	bool more = true;
	ssize_t len;

	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = seq++;
	nlh->nlmsg_pid = 0;
	if (save(interface, what, "req", nlh, nlh->nlmsg_len) ||
	    send(sock, nlh, nlh->nlmsg_len, 0) < 0)
		goto out;
	while (more) {
		len = recv(sock, buf, sizeof(buf), 0);
		if (len < 0) {
			perror(what);
			goto out;
		}
		if (n > 1)
			snprintf(kind, sizeof(kind), "ans%d", n);
		n++;
		if (save(interface, what, kind, buf, (size_t)len))
			goto out;
		left = (int)len;
		for (each = (struct nlmsghdr *)buf; nlmsg_ok(each, left);
		     each = nlmsg_next(each, &left))
			if (each->nlmsg_type == NLMSG_ERROR || each->nlmsg_type == NLMSG_DONE)
				more = false;
	}
	ret = 0;
out:
	nlmsg_free(msg);
	return ret;
}

static struct nl_msg *request(int family, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(16384);

	if (!msg || !genlmsg_put(msg, 0, 0, family, 0, 0, cmd, 1))
		abort();
	return msg;
}

static void put_ethtool_header(struct nl_msg *msg, uint32_t ifindex)
{
	struct nlattr *nest = nla_nest_start(msg, 1);

	nla_put_u32(msg, 1, ifindex);
	nla_nest_end(msg, nest);
}

static void put_queue(struct nl_msg *msg, uint32_t id, uint32_t type)
{
	struct nlattr *nest = nla_nest_start(msg, 2);

	nla_put_u32(msg, 1, id);
	nla_put_u32(msg, 3, type);
	nla_nest_end(msg, nest);
}

static int record_netdev(const char *name, uint32_t ifindex, int family)
{
	struct nl_msg *msg;
	int ret = 0;

	msg = request(family, 1);
	nla_put_u32(msg, 1, ifindex);
	ret |= record(name, "dev-get", msg, NLM_F_ACK);

	msg = request(family, 10);
	nla_put_u32(msg, 2, ifindex);
	ret |= record(name, "queue-get", msg, NLM_F_DUMP);

	ret |= record(name, "page-pool-get", request(family, 5), NLM_F_DUMP);

	msg = request(family, 12);
	nla_put_u32(msg, 1, ifindex);
	nla_put_u32(msg, 4, 1);
	ret |= record(name, "qstats-get", msg, NLM_F_DUMP);

	/* bind-rx in ways that can't succeed. */
	msg = request(family, 13);
	nla_put_u32(msg, 1, ifindex);
	nla_put_u32(msg, 3, UINT32_MAX);
	put_queue(msg, 0, 0);
	/* Some kernels warn in their log when lo is asked. */
	if (strcmp(name, "lo"))
		ret |= record(name, "bind-rx-bad-fd", msg, NLM_F_ACK);
	else
		nlmsg_free(msg);

	msg = request(family, 13);
	nla_put_u32(msg, 1, ifindex);
	put_queue(msg, 0, 0);
	ret |= record(name, "bind-rx-no-fd", msg, NLM_F_ACK);

	msg = request(family, 13);
	nla_put_u32(msg, 1, ifindex);
	nla_put_u32(msg, 3, UINT32_MAX);
	put_queue(msg, 0, 7);
	ret |= record(name, "bind-rx-bad-type", msg, NLM_F_ACK);

	msg = request(family, 13);
	nla_put_u32(msg, 1, 0);
	nla_put_u32(msg, 3, UINT32_MAX);
	put_queue(msg, 0, 0);
	ret |= record(name, "bind-rx-ifindex-0", msg, NLM_F_ACK);

	msg = request(family, 13);
	nla_put_u32(msg, 99, 1);
	ret |= record(name, "bind-rx-unknown-attr", msg, NLM_F_ACK);
	return ret;
}

static int record_ethtool(const char *name, uint32_t ifindex, int family)
{
	static const struct {
		const char *what;
		uint8_t cmd;
	} gets[] = {
		{ "features-get", 11 },
		{ "rings-get", 15 },
		{ "channels-get", 17 },
		{ "rss-get", 38 },
	};
	static const uint32_t no_queues[4] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	struct nlattr *nest, *bits, *bit;
	struct nl_msg *msg;
	int ret = 0;
	size_t i;

	for (i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
		msg = request(family, gets[i].cmd);
		put_ethtool_header(msg, ifindex);
		ret |= record(name, gets[i].what, msg, NLM_F_ACK);
	}

	/* RSS contexts: the existing ones, one with queues that no NIC has, and one that doesn't
	 * exist. */
	msg = request(family, 38);
	put_ethtool_header(msg, ifindex);
	nla_put_u32(msg, 7, 1);
	ret |= record(name, "rss-dump", msg, NLM_F_DUMP);

	msg = request(family, 49);
	put_ethtool_header(msg, ifindex);
	nla_put(msg, 4, sizeof(no_queues), no_queues);
	ret |= record(name, "rss-create-bad-queue", msg, NLM_F_ACK);

	msg = request(family, 50);
	put_ethtool_header(msg, ifindex);
	nla_put_u32(msg, 2, 0x7fffff);
	ret |= record(name, "rss-delete-unknown", msg, NLM_F_ACK);

	/* hds-thresh beyond any maximum, and an index that no interface has. */
	msg = request(family, 16);
	put_ethtool_header(msg, ifindex);
	nla_put_u8(msg, 11, 9);
	ret |= record(name, "rings-set-bad-split", msg, NLM_F_ACK);

	msg = request(family, 16);
	put_ethtool_header(msg, 0x7fffff);
	nla_put_u8(msg, 11, 2);
	ret |= record(name, "rings-set-no-device", msg, NLM_F_ACK);

	msg = request(family, 16);
	nla_put_u8(msg, 11, 2);
	ret |= record(name, "rings-set-no-header", msg, NLM_F_ACK);

	/* A feature that doesn't exist. */
	msg = request(family, 12);
	put_ethtool_header(msg, ifindex);
	nest = nla_nest_start(msg, 3);
	bits = nla_nest_start(msg, 3);
	bit = nla_nest_start(msg, 1);
	nla_put_string(msg, 2, "no-such-feature");
	nla_put_flag(msg, 3);
	nla_nest_end(msg, bit);
	nla_nest_end(msg, bits);
	nla_nest_end(msg, nest);
	ret |= record(name, "features-set-unknown", msg, NLM_F_ACK);
	return ret;
}

static int open_socket(void)
{
	const struct timeval wait = { .tv_sec = 5 };
	const int on = 1;

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock < 0 || setsockopt(sock, 270, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const families[] = { "netdev", "ethtool", "no-such-family" };
	struct nl_sock *nl = nl_socket_alloc();
	int netdev, ethtool, i, ret = 0;
	struct nl_msg *msg;
	uint32_t ifindex;

	if (argc < 4) {
		fprintf(stderr, "usage: %s DIRECTORY|- PREFIX INTERFACE...\n", argv[0]);
		return 1;
	}
	directory = argv[1];
	prefix = argv[2];
	if (!nl || genl_connect(nl) || open_socket()) {
		perror("netlink");
		return 1;
	}
	netdev = genl_ctrl_resolve(nl, "netdev");
	ethtool = genl_ctrl_resolve(nl, "ethtool");
	if (netdev < 0 || ethtool < 0) {
		fprintf(stderr, "netdev or ethtool: no such netlink family\n");
		return 1;
	}
	for (i = 0; i < 3; i++) {
		msg = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
		nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, families[i]);
		ret |= record(families[i], "getfamily", msg, NLM_F_ACK);
	}
	for (i = 3; i < argc; i++) {
		ifindex = if_nametoindex(argv[i]);
		if (!ifindex) {
			perror(argv[i]);
			return 1;
		}
		ret |= record_netdev(argv[i], ifindex, netdev);
		ret |= record_ethtool(argv[i], ifindex, ethtool);
	}
	nl_socket_free(nl);
	close(sock);
	return ret ? 1 : 0;
}
