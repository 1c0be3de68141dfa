// SPDX-License-Identifier: BSD-3-Clause
/* Decoding of extended acks. The input is two bytes with the offset of the request, then an answer
 * and the request that it is about. Both are made whole messages, which callers guarantee. */
#include "netlink/extack.h"

#include <string.h>

#include "netlink/ethtool_msg.h"
#include "netlink/netdev_msg.h"
#include "target.h"

static void check_string(const char *s, size_t size)
{
	MUST(memchr(s, '\0', size));
}

/* A copy whose header has a valid length. */
static struct nlmsghdr *whole(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh;

	if (size < sizeof(*nlh))
		return NULL;
	nlh = malloc(size);
	MUST(nlh);
	memcpy(nlh, data, size);
	if (nlh->nlmsg_len > size || nlh->nlmsg_len < sizeof(*nlh))
		nlh->nlmsg_len = (uint32_t)size;
	return nlh;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct attr_name *const names[] = {
		netdev_msg_bind_names,	    netdev_msg_queue_names,
		netdev_msg_qstats_names,    ethtool_msg_rings_names,
		ethtool_msg_rss_names,	    ethtool_msg_features_names,
		ethtool_msg_channels_names, NULL,
	};
	struct nlmsghdr *reply, *request;
	struct devmem_error err;
	size_t split, i;

	if (size < 2)
		return 0;
	split = (size_t)data[0] | (size_t)data[1] << 8;
	data += 2;
	size -= 2;
	split = split < size ? split : size;
	reply = whole(data, split);
	request = whole(data + split, size - split);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(&err, 0x5a, sizeof(err));
		extack_error(&err, -22, "operation", "eth1", request, reply, names[i]);
		check_string(err.operation, sizeof(err.operation));
		check_string(err.subject, sizeof(err.subject));
		check_string(err.attribute, sizeof(err.attribute));
		check_string(err.kernel, sizeof(err.kernel));
		check_string(err.message, sizeof(err.message));
		MUST(!strchr(err.message, '\n'));
		MUST(err.code == -22);
	}
	free(reply);
	free(request);
	return 0;
}
