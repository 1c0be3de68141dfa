// SPDX-License-Identifier: BSD-3-Clause
/* libnl as the second implementation of the codecs. */
#include "twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void twin_request(struct nlmsghdr *nlh, uint8_t cmd, struct nlattr **head, int *len)
{
	struct genlmsghdr *genl;

	assert_non_null(nlh);
	assert_true(nlmsg_ok(nlh, (int)nlh->nlmsg_len));
	assert_true(genlmsg_valid_hdr(nlh, 0));
	assert_int_equal(nlh->nlmsg_type, 0);
	genl = genlmsg_hdr(nlh);
	assert_int_equal(genl->cmd, cmd);
	assert_int_equal(genl->version, 1);
	assert_int_equal(genl->reserved, 0);
	*head = genlmsg_attrdata(genl, 0);
	*len = genlmsg_attrlen(genl, 0);
}

int twin_count(struct nlattr *head, int len)
{
	struct nlattr *attr;
	int left, n = 0;

	nla_for_each_attr(attr, head, len, left) n++;
	assert_int_equal(left, 0);
	return n;
}

struct nlattr *twin_find(struct nlattr *head, int len, int type)
{
	struct nlattr *attr, *found = NULL;
	int left;

	nla_for_each_attr(attr, head, len, left)
	{
		if (nla_type(attr) != type)
			continue;
		assert_null(found);
		found = attr;
	}
	return found;
}

uint32_t twin_u32(struct nlattr *head, int len, int type)
{
	struct nlattr *attr = twin_find(head, len, type);

	assert_non_null(attr);
	assert_int_equal(nla_len(attr), 4);
	assert_false(attr->nla_type & NLA_F_NESTED);
	return nla_get_u32(attr);
}

struct nlattr *twin_nest(struct nlattr *head, int len, int type, int *nest_len)
{
	struct nlattr *attr = twin_find(head, len, type);

	assert_non_null(attr);
	assert_true(attr->nla_type & NLA_F_NESTED);
	*nest_len = nla_len(attr);
	return nla_data(attr);
}

struct nl_msg *twin_reply(uint16_t family, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(32768);

	assert_non_null(msg);
	assert_non_null(genlmsg_put(msg, 4711, 7, family, 0, 0, cmd, 1));
	return msg;
}

void twin_sizes(twin_builder build, const void *arg)
{
	struct nlmsghdr *nlh;
	size_t size, need = 0;
	uint64_t big[512];
	void *buf;

	nlh = build(big, sizeof(big), arg);
	assert_non_null(nlh);
	need = nlh->nlmsg_len;
	for (size = 0; size < need + 16; size++) {
		buf = malloc(size ? size : 1);
		assert_non_null(buf);
		memset(buf, 0x5a, size ? size : 1);
		nlh = build(buf, size, arg);
		if (size < need) {
			assert_null(nlh);
		} else {
			assert_ptr_equal(nlh, buf);
			assert_int_equal(nlh->nlmsg_len, need);
			assert_memory_equal(nlh, big, need);
		}
		free(buf);
	}
}
