// SPDX-License-Identifier: BSD-3-Clause
/* Every parser of the netdev family over one message. */
#include "netlink/netdev_msg.h"

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netdev_msg_page_pool pool;
	struct netdev_msg_qstats qstats;
	struct netdev_msg_queue queue;
	uint32_t id = 0;

	netdev_msg_parse_dev(data, size, &id);
	if (!netdev_msg_parse_queue(data, size, &queue))
		MUST(queue.io_uring >> 1 == 0 && queue.xsk >> 1 == 0 && queue.leased >> 1 == 0);
	netdev_msg_parse_page_pool(data, size, &pool);
	if (!netdev_msg_parse_qstats(data, size, &qstats))
		MUST(qstats.has < 1U << 15);
	netdev_msg_parse_bind(data, size, &id);
	return 0;
}
