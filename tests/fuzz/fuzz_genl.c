// SPDX-License-Identifier: BSD-3-Clause
/* A request and a dump answered by the input: framing, errors, and the parsers behind them. */
#include "netlink/genl.h"

#include <string.h>

#include "netlink/ethtool_msg.h"
#include "netlink/netdev_msg.h"
#include "target.h"

static unsigned int replies;

static int read_queue(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct netdev_msg_queue *queue = arg;

	if (!reply)
		return 0;
	MUST(reply->nlmsg_len == len);
	replies++;
	return netdev_msg_parse_queue(reply, len, queue);
}

static int read_feature(const struct nlmsghdr *reply, size_t len, void *arg)
{
	MUST(reply && reply->nlmsg_len == len);
	return ethtool_msg_parse_feature(reply, len, "rx-ntuple-filter", arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ethtool_msg_feature feature;
	struct netdev_msg_queue queue;
	const struct genl_call dump = { NULL,	    "queue-get", "eth1", netdev_msg_queue_names,
					read_queue, &queue };
	const struct genl_call get = { NULL,	     "features-get",
				       "eth1",	     ethtool_msg_features_names,
				       read_feature, &feature };
	struct devmem_error err;
	struct nlmsghdr *nlh;
	struct genl *genl;
	uint64_t buf[16];
	uint16_t id;
	int ret;

	fuzz_sys_input(data, size);
	MUST(!genl_open(&genl, &err));
	memset(&err, 0x5a, sizeof(err));
	nlh = netdev_msg_queue_get(buf, sizeof(buf), 3);
	nlh->nlmsg_type = 27;
	ret = genl_dump(genl, nlh, &dump, &err);
	MUST(ret <= 0);
	MUST(!ret || (err.code == ret && memchr(err.message, 0, sizeof(err.message))));
	nlh = ethtool_msg_features_get(buf, sizeof(buf), 3);
	nlh->nlmsg_type = 21;
	ret = genl_do(genl, nlh, &get, &err);
	MUST(ret <= 0);
	ret = genl_family(genl, "netdev", &id, &err);
	MUST(ret < 0 || id);
	genl_close(genl);
	fuzz_sys_check();
	return 0;
}
