// SPDX-License-Identifier: BSD-3-Clause
/* lib/netlink/extack.c: what it makes of extended acknowledgements that libnl encodes, and of those
 * that real kernels gave. */
#include "netlink/extack.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "netlink/netdev_msg.h"
#include "netlink/ethtool_msg.h"

enum { ACK_MSG = 1, ACK_OFFS, ACK_COOKIE, ACK_POLICY, ACK_MISS_TYPE, ACK_MISS_NEST };

static const struct attr_name leaf_names[] = {
	{ 1, "id", NULL },
	{ 3, "type", NULL },
	{ 0, NULL, NULL },
};
static const struct attr_name middle_names[] = {
	{ 5, "leaf", leaf_names },
	{ 0, NULL, NULL },
};
static const struct attr_name names[] = {
	{ 1, "ifindex", NULL },	       { 2, "queues", leaf_names }, { 3, "fd", NULL },
	{ 4, "middle", middle_names }, { 0, NULL, NULL },
};

/* A request and the offsets of its attributes: ifindex, queues (id, type), a byte, middle (leaf
 * (id, type)), one without a name. */
struct example {
	struct nl_msg *msg;
	struct nlmsghdr *nlh;
	uint32_t ifindex, queues, id, type, fd, middle, leaf, leaf_type, unknown;
};

static uint32_t place(const struct example *ex)
{
	return NLMSG_ALIGN(ex->nlh->nlmsg_len);
}

static void example_make(struct example *ex)
{
	struct nlattr *outer, *inner;

	ex->msg = nlmsg_alloc();
	assert_non_null(ex->msg);
	assert_non_null(genlmsg_put(ex->msg, 0, 7, 27, 0, NLM_F_REQUEST | NLM_F_ACK, 13, 1));
	ex->nlh = nlmsg_hdr(ex->msg);
	ex->ifindex = place(ex);
	nla_put_u32(ex->msg, 1, 5);
	ex->queues = place(ex);
	outer = nla_nest_start(ex->msg, 2);
	ex->id = place(ex);
	nla_put_u32(ex->msg, 1, 9);
	ex->type = place(ex);
	nla_put_u32(ex->msg, 3, 0);
	nla_nest_end(ex->msg, outer);
	ex->fd = place(ex);
	nla_put_u8(ex->msg, 3, 1);
	ex->middle = place(ex);
	outer = nla_nest_start(ex->msg, 4);
	ex->leaf = place(ex);
	inner = nla_nest_start(ex->msg, 5);
	nla_put_u32(ex->msg, 1, 9);
	ex->leaf_type = place(ex);
	nla_put_u32(ex->msg, 3, 0);
	nla_nest_end(ex->msg, inner);
	nla_nest_end(ex->msg, outer);
	ex->unknown = place(ex);
	nla_put_u32(ex->msg, 77, 0);
}

/* The kernel's answer to it. */
struct answer {
	int code;
	const char *text;
	bool raw_text; /* without its NUL */
	int offset, miss_type, miss_nest;
	bool capped, done, no_flag;
};

static struct nl_msg *answer_make(const struct example *ex, const struct answer *a)
{
	struct nl_msg *msg = nlmsg_alloc_size(16384);
	struct nlmsghdr *nlh;

	assert_non_null(msg);
	nlh = nlmsg_put(msg, 4711, 7, a->done ? NLMSG_DONE : NLMSG_ERROR, 0,
			a->done ? NLM_F_MULTI : 0);
	nlmsg_append(msg, (void *)&a->code, sizeof(a->code), a->done ? NLMSG_ALIGNTO : 0);
	if (!a->done && a->capped) {
		nlmsg_append(msg, ex->nlh, sizeof(*ex->nlh), NLMSG_ALIGNTO);
		nlh->nlmsg_flags |= NLM_F_CAPPED;
	} else if (!a->done) {
		nlmsg_append(msg, ex->nlh, ex->nlh->nlmsg_len, NLMSG_ALIGNTO);
	}
	if (!a->no_flag)
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
	if (a->text)
		nla_put(msg, ACK_MSG, (int)strlen(a->text) + !a->raw_text, a->text);
	if (a->offset)
		nla_put_u32(msg, ACK_OFFS, (uint32_t)a->offset);
	if (a->miss_type)
		nla_put_u32(msg, ACK_MISS_TYPE, (uint32_t)a->miss_type);
	if (a->miss_nest)
		nla_put_u32(msg, ACK_MISS_NEST, (uint32_t)a->miss_nest);
	return msg;
}

static void decode(const struct answer *a, struct devmem_error *err)
{
	struct nl_msg *msg;
	struct example ex;

	example_make(&ex);
	msg = answer_make(&ex, a);
	memset(err, 0x5a, sizeof(*err));
	assert_int_equal(
		extack_error(err, a->code, "bind-rx", "eth1", ex.nlh, nlmsg_hdr(msg), names),
		a->code);
	assert_int_equal(err->code, a->code);
	assert_string_equal(err->operation, "bind-rx");
	assert_string_equal(err->subject, "eth1");
	assert_null(strchr(err->message, '\n'));
	nlmsg_free(msg);
	nlmsg_free(ex.msg);
}

static void places(struct example *ex)
{
	example_make(ex);
	nlmsg_free(ex->msg);
}

static void test_text(void **state)
{
	struct devmem_error err;
	int form;

	(void)state;
	for (form = 0; form < 6; form++) {
		struct answer a = {
			.code = -EINVAL,
			.text = "tcp-data-split is disabled",
			.capped = form & 1,
			.done = form / 2 == 1,
			.raw_text = form / 2 == 2,
		};

		decode(&a, &err);
		assert_string_equal(err.kernel, "tcp-data-split is disabled");
		assert_string_equal(err.attribute, "");
		assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
		assert_non_null(strstr(err.message, "eth1: bind-rx: tcp-data-split is disabled"));
		assert_non_null(strstr(err.message, "EINVAL"));
	}
}

static void test_without_text(void **state)
{
	struct answer a = { .code = -EPERM };
	struct devmem_error err;

	(void)state;
	decode(&a, &err);
	assert_string_equal(err.kernel, "");
	assert_string_equal(err.attribute, "");
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "Operation not permitted"));
	assert_non_null(strstr(err.message, "EPERM"));
}

static void test_offsets(void **state)
{
	struct devmem_error err;
	struct example ex;
	size_t i;
	int capped;

	(void)state;
	places(&ex);
	{
		const struct {
			uint32_t offset;
			const char *attribute;
		} cases[] = {
			{ ex.ifindex, "ifindex" },
			{ ex.queues, "queues" },
			{ ex.id, "queues.id" },
			{ ex.type, "queues.type" },
			{ ex.fd, "fd" },
			{ ex.middle, "middle" },
			{ ex.leaf, "middle.leaf" },
			{ ex.leaf_type, "middle.leaf.type" },
			{ ex.unknown, "attribute-77" },
			/* Places that are no attribute's. */
			{ ex.ifindex + 4, "" },
			{ ex.id + 1, "" },
			{ 16, "" },
			{ ex.unknown + 8, "" },
			{ 4000000000u, "" },
		};

		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			for (capped = 0; capped < 2; capped++) {
				struct answer a = {
					.code = -EOPNOTSUPP,
					.offset = (int)cases[i].offset,
					.capped = capped,
				};

				decode(&a, &err);
				assert_string_equal(err.attribute, cases[i].attribute);
				assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
				if (cases[i].attribute[0])
					assert_non_null(strstr(err.message, cases[i].attribute));
			}
	}
}

static void test_missing(void **state)
{
	struct devmem_error err;
	struct example ex;
	size_t i;

	(void)state;
	places(&ex);
	{
		const struct {
			int type;
			uint32_t nest;
			const char *attribute;
		} cases[] = {
			{ 1, 0, "ifindex" },
			{ 3, 0, "fd" },
			{ 60, 0, "attribute-60" },
			{ 3, ex.queues, "queues.type" },
			{ 1, ex.leaf, "middle.leaf.id" },
			{ 5, ex.middle, "middle.leaf" },
			{ 9, ex.queues, "queues.attribute-9" },
		};

		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct answer a = {
				.code = -EINVAL,
				.miss_type = cases[i].type,
				.miss_nest = (int)cases[i].nest,
				.capped = true,
			};

			decode(&a, &err);
			assert_string_equal(err.attribute, cases[i].attribute);
			assert_non_null(strstr(err.message, cases[i].attribute));
			assert_string_equal(err.kernel, "");
		}
	}
}

static void test_text_and_offset(void **state)
{
	struct answer a = { .code = -ERANGE, .text = "integer out of range" };
	struct devmem_error err;
	struct example ex;

	(void)state;
	places(&ex);
	a.offset = (int)ex.id;
	decode(&a, &err);
	assert_string_equal(err.kernel, "integer out of range");
	assert_string_equal(err.attribute, "queues.id");
	assert_non_null(strstr(err.message, "integer out of range"));
	assert_non_null(strstr(err.message, "queues.id"));
}

static void test_flag_needed(void **state)
{
	/* Without NLM_F_ACK_TLVS what follows is not an extended ack. */
	struct answer a = { .code = -EINVAL, .text = "not to be believed", .no_flag = true };
	struct devmem_error err;

	(void)state;
	decode(&a, &err);
	assert_string_equal(err.kernel, "");
}

static void test_odd_texts(void **state)
{
	struct devmem_error err;
	char text[1200];
	struct answer a = { .code = -EINVAL, .text = text };

	(void)state;
	strcpy(text, "two\nlines and a tab\there");
	decode(&a, &err);
	assert_string_equal(err.kernel, text);
	assert_null(strchr(err.message, '\t'));

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	decode(&a, &err);
	assert_int_equal(strlen(err.kernel), sizeof(err.kernel) - 1);
	assert_true(strlen(err.message) < sizeof(err.message));
	assert_non_null(strstr(err.message, "EINVAL"));

	text[0] = '\0';
	decode(&a, &err);
	assert_string_equal(err.kernel, "");
	assert_non_null(strstr(err.message, "Invalid argument"));
}

static void test_policy(void **state)
{
	struct answer a = { .code = -ERANGE, .text = "integer out of range", .capped = true };
	struct devmem_error err;
	struct nlattr *nest;
	struct nl_msg *msg;
	struct example ex;

	(void)state;
	example_make(&ex);
	a.offset = (int)ex.fd;
	msg = answer_make(&ex, &a);
	nest = nla_nest_start(msg, ACK_POLICY);
	nla_put_u64(msg, 4, 4096);
	nla_put_u64(msg, 5, UINT32_MAX);
	nla_put_u32(msg, 1, 4);
	nla_nest_end(msg, nest);
	extack_error(&err, a.code, "bind-rx", "eth1", ex.nlh, nlmsg_hdr(msg), names);
	assert_string_equal(err.attribute, "fd");
	assert_string_equal(err.kernel, "integer out of range");
	assert_non_null(strstr(err.message, "4096"));
	assert_non_null(strstr(err.message, "4294967295"));
	nlmsg_free(msg);
	nlmsg_free(ex.msg);
}

static void test_null(void **state)
{
	struct answer a = { .code = -EINVAL, .text = "x" };
	struct nl_msg *msg;
	struct example ex;
	struct devmem_error err;

	(void)state;
	example_make(&ex);
	msg = answer_make(&ex, &a);
	assert_int_equal(extack_error(NULL, -5, "a", "b", ex.nlh, nlmsg_hdr(msg), names), -5);
	assert_int_equal(extack_error(&err, -5, NULL, NULL, NULL, NULL, NULL), -5);
	assert_int_equal(extack_error(&err, -5, "a", "b", NULL, nlmsg_hdr(msg), NULL), -5);
	assert_string_equal(err.kernel, "x");
	nlmsg_free(msg);
	nlmsg_free(ex.msg);
}

/* ---- what real kernels answered ---- */

static const struct attr_name *names_for(const char *name)
{
	if (strstr(name, "bind-rx"))
		return netdev_msg_bind_names;
	if (strstr(name, "qstats"))
		return netdev_msg_qstats_names;
	if (strstr(name, "rings"))
		return ethtool_msg_rings_names;
	if (strstr(name, "features"))
		return ethtool_msg_features_names;
	return netdev_msg_dev_names;
}

static void check_golden(const char *what, int code, const char *kernel, const char *attribute)
{
	struct devmem_error err;
	size_t ans_len, req_len;
	char name[128];
	void *ans, *req;

	snprintf(name, sizeof(name), "%s.ans", what);
	ans = golden_read(name, &ans_len);
	snprintf(name, sizeof(name), "%s.req", what);
	req = golden_read(name, &req_len);
	extack_error(&err, code, "op", "dev", req, ans, names_for(what));
	assert_string_equal(err.kernel, kernel);
	assert_string_equal(err.attribute, attribute);
	free(ans);
	free(req);
}

static void test_golden_acks(void **state)
{
	(void)state;
	check_golden("6.18-veth0-bind-rx-bad-fd", -EOPNOTSUPP, "", "ifindex");
	check_golden("6.18-veth0-bind-rx-no-fd", -EINVAL, "", "fd");
	check_golden("6.18-veth0-bind-rx-bad-type", -ERANGE, "integer out of range", "queues.type");
	check_golden("6.18-veth0-bind-rx-ifindex-0", -ERANGE, "integer out of range", "ifindex");
	check_golden("6.18-veth0-bind-rx-unknown-attr", -EINVAL, "Unknown attribute type",
		     "attribute-99");
	check_golden("6.18-veth0-rings-set-bad-split", -ERANGE, "integer out of range",
		     "tcp-data-split");
	check_golden("6.18-veth0-rings-set-no-device", -ENODEV, "no device matches ifindex",
		     "header.dev-index");
	check_golden("6.18-veth0-rings-set-no-header", -EINVAL, "", "header");
	check_golden("6.18-veth0-features-set-unknown", -EOPNOTSUPP, "bit name not found",
		     "wanted.bits.bit.name");
	/* In the message that ends a dump. */
	check_golden("6.18-veth0-qstats-get", -EOPNOTSUPP, "", "ifindex");
}

static void decode_any(const void *data, size_t len)
{
	const struct nlmsghdr *nlh = data;
	struct devmem_error err;
	struct example ex;

	/* The caller has checked that the message is whole. */
	if (len < sizeof(*nlh) || nlh->nlmsg_len > len)
		return;
	example_make(&ex);
	extack_error(&err, -EINVAL, "op", "dev", ex.nlh, nlh, names);
	/* It is also safe as the request. */
	if (nlh->nlmsg_len >= sizeof(*nlh))
		extack_error(&err, -EINVAL, "op", "dev", nlh, nlh, names);
	nlmsg_free(ex.msg);
}

static void truncate_one(const char *name, const void *data, size_t len)
{
	(void)name;
	golden_truncate(data, len, decode_any);
}

static void test_truncations(void **state)
{
	struct answer a = {
		.code = -EINVAL, .text = "text", .offset = 20, .miss_type = 3, .miss_nest = 28
	};
	struct nl_msg *msg;
	struct example ex;

	(void)state;
	example_make(&ex);
	for (int form = 0; form < 3; form++) {
		a.capped = form == 1;
		a.done = form == 2;
		msg = answer_make(&ex, &a);
		golden_truncate(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, decode_any);
		nlmsg_free(msg);
	}
	nlmsg_free(ex.msg);
	assert_true(golden_each(".ans", truncate_one) > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_without_text),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_text_and_offset),
		cmocka_unit_test(test_flag_needed),
		cmocka_unit_test(test_odd_texts),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_golden_acks),
		cmocka_unit_test(test_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
