// SPDX-License-Identifier: BSD-3-Clause
/* Every parser of the ethtool family over one message. */
#include "netlink/ethtool_msg.h"

#include <string.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ethtool_msg_channels channels;
	struct ethtool_msg_feature feature;
	struct ethtool_msg_rings rings;
	struct ethtool_msg_rss rss;
	uint32_t context = 77;
	const uint8_t *p;
	int ret;

	ethtool_msg_parse_rings(data, size, &rings);
	ethtool_msg_parse_channels(data, size, &channels);
	ethtool_msg_parse_feature(data, size, "rx-ntuple-filter", &feature);
	ethtool_msg_parse_feature(data, size, "", &feature);
	ret = ethtool_msg_parse_rss_create(data, size, &context);
	/* Either a number or a failure. */
	MUST(!ret == !!context);
	if (ethtool_msg_parse_rss(data, size, &rss)) {
		MUST(ret);
		return 0;
	}
	MUST(context == rss.context);
	/* What it points to lies inside the message. */
	p = rss.table;
	if (rss.table_len)
		MUST(p >= data && p + 4 * rss.table_len <= data + size);
	p = rss.key;
	if (rss.key_len)
		MUST(p >= data && p + rss.key_len <= data + size);
	return 0;
}
