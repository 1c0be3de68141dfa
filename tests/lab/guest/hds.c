// SPDX-License-Identifier: BSD-3-Clause
/*
 * The threshold of header split, which Debian 13's ethtool doesn't support: hds DEV prints it, hds
 * DEV BYTES sets it. Speaks netlink through libnl, not through the library under test.
 */
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>

/* include/uapi/linux/ethtool_netlink_generated.h */
#define MSG_RINGS_GET 15
#define MSG_RINGS_SET 16
#define RINGS_HEADER 1
#define RINGS_HDS_THRESH 17
#define HEADER_DEV_NAME 2

static int print_threshold(struct nl_msg *msg, void *arg)
{
	const struct nlattr *attr = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, RINGS_HDS_THRESH);

	(void)arg;
	if (attr)
		printf("%u\n", nla_get_u32(attr));
	else
		printf("none\n");
	return NL_OK;
}

int main(int argc, char **argv)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *header;
	int family, ret;

	if (argc < 2 || argc > 3 || !sock || !msg)
		return 1;
	ret = genl_connect(sock);
	if (ret)
		goto out;
	family = ret = genl_ctrl_resolve(sock, "ethtool");
	if (ret < 0)
		goto out;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, print_threshold, NULL);
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
		    argc == 3 ? MSG_RINGS_SET : MSG_RINGS_GET, 1);
	header = nla_nest_start(msg, RINGS_HEADER | NLA_F_NESTED);
	nla_put_string(msg, HEADER_DEV_NAME, argv[1]);
	nla_nest_end(msg, header);
	if (argc == 3) {
		nla_put_u32(msg, RINGS_HDS_THRESH, (uint32_t)strtoul(argv[2], NULL, 0));
		ret = nl_send_sync(sock, msg);
		msg = NULL;
	} else {
		ret = nl_send_auto(sock, msg);
		if (ret >= 0)
			ret = nl_recvmsgs_default(sock);
	}
out:
	if (ret < 0)
		fprintf(stderr, "hds: %s\n", nl_geterror(ret));
	nlmsg_free(msg);
	nl_socket_free(sock);
	return ret < 0;
}
