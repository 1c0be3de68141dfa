// SPDX-License-Identifier: BSD-3-Clause
/* Requests for a route, and answers to them. The input is the room that there is for the request,
 * the addresses of both ends, a mark and an interface; the rest is an answer. */
#include "netlink/route_msg.h"

#include <string.h>

#include "target.h"

#define ROOM 160

struct input {
	uint8_t room;
	uint8_t addresses[2][28];
	uint32_t mark, ifindex;
} __attribute__((packed));

static void ask(const struct input *in)
{
	struct route_msg_query q = { .mark = in->mark, .ifindex = in->ifindex };
	size_t room = in->room % ROOM;
	struct nlmsghdr *nlh;
	void *buf;

	memcpy(&q.local, in->addresses[0], sizeof(in->addresses[0]));
	memcpy(&q.peer, in->addresses[1], sizeof(in->addresses[1]));
	/* A buffer of exactly that size. */
	buf = malloc(room ? room : 1);
	MUST(buf);
	nlh = route_msg_get(buf, room, &q);
	if (nlh)
		MUST(nlh->nlmsg_len <= room && nlh->nlmsg_len % 4 == 0);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t ifindex = 0;
	struct input in;
	void *answer;
	int ret;

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	ask(&in);
	data += sizeof(in);
	size -= sizeof(in);
	answer = malloc(size ? size : 1);
	MUST(answer);
	memcpy(answer, data, size);
	ret = route_msg_parse(answer, size, &ifindex);
	MUST(ret <= 0);
	free(answer);
	return 0;
}
