// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sets the threshold of header split, which Debian 13's ethtool can't: hds DEV BYTES. Speaks netlink through libnl, not through the library under test.
 */
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>

/* include/uapi/linux/ethtool_netlink_generated.h */
#define MSG_RINGS_SET 16
#define RINGS_HEADER 1
#define RINGS_HDS_THRESH 17
#define HEADER_DEV_NAME 2

int main(int argc, char **argv)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *header;
	int family, ret;

	if (argc != 3 || !sock || !msg)
		return 1;
	ret = genl_connect(sock);
	if (ret)
		goto out;
	family = ret = genl_ctrl_resolve(sock, "ethtool");
	if (ret < 0)
		goto out;
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, MSG_RINGS_SET, 1);
	header = nla_nest_start(msg, RINGS_HEADER | NLA_F_NESTED);
	nla_put_string(msg, HEADER_DEV_NAME, argv[1]);
	nla_nest_end(msg, header);
	nla_put_u32(msg, RINGS_HDS_THRESH, (uint32_t)strtoul(argv[2], NULL, 0));
	ret = nl_send_sync(sock, msg);
	msg = NULL;
out:
	if (ret < 0)
		fprintf(stderr, "hds: %s\n", nl_geterror(ret));
	nlmsg_free(msg);
	nl_socket_free(sock);
	return ret < 0;
}
