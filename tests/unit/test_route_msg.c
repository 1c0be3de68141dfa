// SPDX-License-Identifier: BSD-3-Clause
/* lib/netlink/route_msg.h: questions against libnl and against bytes written out by hand, answers
 * that libnl builds, errors, and what is no answer. Attribute numbers are written out: from
 * rtnetlink(7). */
#include "netlink/route_msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"

enum { DST = 1, SRC = 2, IIF = 3, OIF = 4, GATEWAY = 5, MARK = 16, IP_PROTO = 27, SPORT, DPORT };

static void set_address(struct sockaddr_storage *ss, int family, const char *text, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	in->sin_port = htons(port);
	assert_int_equal(
		inet_pton(family, text,
			  family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr),
		1);
}

static void set_query(struct route_msg_query *q, int family, const char *local, const char *peer)
{
	memset(q, 0, sizeof(*q));
	set_address(&q->local, family, local, 40000);
	set_address(&q->peer, family, peer, 5001);
}

/* Reads a question with libnl: family, addresses of len bytes, and so many attributes. */
static void read_question(struct nlmsghdr *nlh, int family, const void *dst, const void *src,
			  int len, int attrs)
{
	struct rtmsg *rtm;
	struct nlattr *tb[DPORT + 1], *attr;
	int left, n = 0;

	assert_non_null(nlh);
	assert_true(nlmsg_ok(nlh, (int)nlh->nlmsg_len));
	assert_true(nlmsg_valid_hdr(nlh, sizeof(*rtm)));
	assert_int_equal(nlh->nlmsg_type, RTM_GETROUTE);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST);
	rtm = nlmsg_data(nlh);
	/* The kernel's strict check: net/ipv4/route.c, inet_rtm_valid_getroute_req(). */
	assert_int_equal(rtm->rtm_family, family);
	assert_int_equal(rtm->rtm_dst_len, 8 * len);
	assert_int_equal(rtm->rtm_src_len, 8 * len);
	assert_int_equal(rtm->rtm_tos | rtm->rtm_table | rtm->rtm_protocol, 0);
	assert_int_equal(rtm->rtm_scope | rtm->rtm_type, 0);
	assert_int_equal(rtm->rtm_flags, 0);
	nlmsg_for_each_attr(attr, nlh, sizeof(*rtm), left) n++;
	assert_int_equal(left, 0);
	assert_int_equal(n, attrs);
	assert_int_equal(nlmsg_parse(nlh, sizeof(*rtm), tb, DPORT, NULL), 0);
	assert_true(tb[DST] && tb[SRC] && tb[IP_PROTO] && tb[SPORT] && tb[DPORT]);
	assert_int_equal(nla_len(tb[DST]), len);
	assert_int_equal(nla_len(tb[SRC]), len);
	assert_memory_equal(nla_data(tb[DST]), dst, len);
	assert_memory_equal(nla_data(tb[SRC]), src, len);
	assert_int_equal(nla_len(tb[IP_PROTO]), 1);
	assert_int_equal(nla_get_u8(tb[IP_PROTO]), 6);
	assert_int_equal(nla_len(tb[SPORT]), 2);
	assert_int_equal(ntohs(nla_get_u16(tb[SPORT])), 40000);
	assert_int_equal(nla_len(tb[DPORT]), 2);
	assert_int_equal(ntohs(nla_get_u16(tb[DPORT])), 5001);
}

static uint32_t number(struct nlmsghdr *nlh, int type)
{
	struct nlattr *attr = nlmsg_find_attr(nlh, sizeof(struct rtmsg), type);

	if (!attr)
		return 0;
	assert_int_equal(nla_len(attr), 4);
	return nla_get_u32(attr);
}

static void test_questions(void **state)
{
	static const uint8_t six_a[16] = { 0xfd, [15] = 1 }, six_b[16] = { 0xfd, [14] = 1, 2 };
	struct route_msg_query q;
	struct nlmsghdr *nlh;
	uint64_t buf[64];

	(void)state;
	set_query(&q, AF_INET, "10.0.0.1", "10.0.0.2");
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET, "\x0a\0\0\2", "\x0a\0\0\1", 4, 5);
	q.ifindex = 7;
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET, "\x0a\0\0\2", "\x0a\0\0\1", 4, 6);
	assert_int_equal(number(nlh, OIF), 7);
	q.mark = 0x80000001U;
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET, "\x0a\0\0\2", "\x0a\0\0\1", 4, 7);
	assert_true(number(nlh, MARK) == 0x80000001U);

	set_query(&q, AF_INET6, "fd00::1", "fd00::102");
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET6, six_b, six_a, 16, 5);
	/* An address of one link says which, unless the socket is bound. */
	((struct sockaddr_in6 *)&q.peer)->sin6_scope_id = 5;
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET6, six_b, six_a, 16, 6);
	assert_int_equal(number(nlh, OIF), 5);
	q.ifindex = 6;
	nlh = route_msg_get(buf, sizeof(buf), &q);
	assert_int_equal(number(nlh, OIF), 6);

	/* IPv4 in IPv6 goes ways of IPv4. */
	set_query(&q, AF_INET6, "::ffff:10.0.0.1", "::ffff:10.0.0.2");
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET, "\x0a\0\0\2", "\x0a\0\0\1", 4, 5);
	set_address(&q.local, AF_INET, "10.0.0.1", 40000);
	nlh = route_msg_get(buf, sizeof(buf), &q);
	read_question(nlh, AF_INET, "\x0a\0\0\2", "\x0a\0\0\1", 4, 5);
}

/* Byte by byte, for a little-endian machine. */
static void test_bytes(void **state)
{
	static const uint8_t bytes[] = {
		84,   0,  0,	    0, RTM_GETROUTE,
		0,    1,  0, /* nlmsg_len, type, NLM_F_REQUEST */
		0,    0,  0,	    0, 0,
		0,    0,  0, /* nlmsg_seq, nlmsg_pid */
		2,    32, 32,	    0, 0,
		0,    0,  0,	       /* AF_INET, lengths of addresses */
		0,    0,  0,	    0, /* rtm_flags */
		8,    0,  DST,	    0, 10,
		0,    0,  2, /* to */
		8,    0,  SRC,	    0, 10,
		0,    0,  1, /* from */
		5,    0,  IP_PROTO, 0, 6,
		0,    0,  0, /* TCP */
		6,    0,  SPORT,    0, 0x9c,
		0x40, 0,  0, /* 40000 */
		6,    0,  DPORT,    0, 0x13,
		0x89, 0,  0, /* 5001 */
		8,    0,  MARK,	    0, 3,
		0,    0,  0, /* mark */
		8,    0,  OIF,	    0, 2,
		0,    0,  0, /* interface */
	};
	struct route_msg_query q;
	struct nlmsghdr *nlh;
	uint64_t buf[64];

	(void)state;
	memset(buf, 0x5a, sizeof(buf));
	set_query(&q, AF_INET, "10.0.0.1", "10.0.0.2");
	q.mark = 3;
	q.ifindex = 2;
	nlh = route_msg_get(buf, sizeof(buf), &q);
	assert_non_null(nlh);
	assert_int_equal(nlh->nlmsg_len, sizeof(bytes));
	assert_memory_equal(nlh, bytes, sizeof(bytes));
}

static void test_no_question(void **state)
{
	struct route_msg_query q;
	uint64_t buf[64];
	size_t size;
	void *exact;

	(void)state;
	set_query(&q, AF_INET6, "fd00::1", "fd00::2");
	set_address(&q.local, AF_INET, "10.0.0.1", 1);
	assert_null(route_msg_get(buf, sizeof(buf), &q));
	set_query(&q, AF_INET6, "fd00::1", "::ffff:10.0.0.2");
	assert_null(route_msg_get(buf, sizeof(buf), &q));
	set_query(&q, AF_INET, "10.0.0.1", "10.0.0.2");
	q.peer.ss_family = AF_UNIX;
	assert_null(route_msg_get(buf, sizeof(buf), &q));
	q.local.ss_family = AF_UNSPEC;
	q.peer.ss_family = AF_UNSPEC;
	assert_null(route_msg_get(buf, sizeof(buf), &q));
	/* Each size that is too small. */
	set_query(&q, AF_INET6, "fd00::1", "fd00::2");
	q.mark = 1;
	q.ifindex = 1;
	for (size = 0; size < 108; size++) {
		exact = malloc(size + !size);
		assert_non_null(exact);
		if (route_msg_get(exact, size, &q))
			fail_msg("fits into %zu", size);
		free(exact);
	}
	assert_non_null(route_msg_get(buf, 108, &q));
}

/* ---- answers ---- */

static struct nl_msg *answer(int type)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);

	assert_non_null(msg);
	assert_int_equal(nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO), 0);
	nla_put_u32(msg, 15, 254); /* table */
	nla_put(msg, DST, 4, "\x0a\0\0\2");
	return msg;
}

static int parse(struct nl_msg *msg, uint32_t *ifindex)
{
	int ret = route_msg_parse(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, ifindex);

	nlmsg_free(msg);
	return ret;
}

static void parse_any(const void *data, size_t len)
{
	uint32_t ifindex = 0;
	int ret = route_msg_parse(data, len, &ifindex);

	assert_true(ret <= 0);
}

static void test_answers(void **state)
{
	struct nl_msg *msg;
	uint32_t ifindex;

	(void)state;
	msg = answer(RTM_NEWROUTE);
	nla_put_u32(msg, OIF, 0x12345678);
	nla_put(msg, GATEWAY, 4, "\x0a\0\0\xfe");
	golden_truncate(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, parse_any);
	assert_int_equal(parse(msg, &ifindex), 0);
	assert_int_equal(ifindex, 0x12345678);
	/* One that says no interface, says it in another width, or says another thing. */
	assert_int_equal(parse(answer(RTM_NEWROUTE), &ifindex), -EBADMSG);
	msg = answer(RTM_NEWROUTE);
	nla_put_u32(msg, IIF, 3);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
	msg = answer(RTM_NEWROUTE);
	nla_put_u16(msg, OIF, 3);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
	msg = answer(RTM_NEWROUTE);
	nla_put_u64(msg, OIF, 3);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
	msg = answer(RTM_DELROUTE);
	nla_put_u32(msg, OIF, 3);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
	msg = answer(NLMSG_DONE);
	nla_put_u32(msg, OIF, 3);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
	msg = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
	assert_int_equal(parse(msg, &ifindex), -EBADMSG);
}

static int parse_error(int code, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(NLMSG_ERROR, 0);
	struct nlmsgerr error = { .error = code };
	uint32_t ifindex;

	assert_int_equal(nlmsg_append(msg, &error, len, 0), 0);
	return parse(msg, &ifindex);
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(parse_error(-ENETUNREACH, sizeof(struct nlmsgerr)), -ENETUNREACH);
	assert_int_equal(parse_error(-EHOSTUNREACH, 4), -EHOSTUNREACH);
	assert_int_equal(parse_error(-EHOSTUNREACH, 3), -EBADMSG);
	assert_int_equal(parse_error(0, 0), -EBADMSG);
	/* Neither an error nor a route. */
	assert_int_equal(parse_error(0, sizeof(struct nlmsgerr)), -EBADMSG);
	assert_int_equal(parse_error(5, sizeof(struct nlmsgerr)), -EBADMSG);
	assert_int_equal(parse_error(INT32_MIN, sizeof(struct nlmsgerr)), INT32_MIN);
}

static void test_truncated(void **state)
{
	struct nl_msg *msg = answer(RTM_NEWROUTE);
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	size_t whole;
	uint32_t ifindex;
	void *exact;
	size_t len;

	(void)state;
	nla_put_u32(msg, OIF, 3);
	whole = nlh->nlmsg_len;
	/* Fewer bytes than the header promises; and than the header is long. */
	for (len = 0; len < whole; len++) {
		exact = malloc(len + !len);
		assert_non_null(exact);
		memcpy(exact, nlh, len);
		assert_int_equal(route_msg_parse(exact, len, &ifindex), -EBADMSG);
		free(exact);
	}
	for (len = 0; len < whole; len++) {
		nlh->nlmsg_len = (uint32_t)len;
		assert_int_equal(route_msg_parse(nlh, whole, &ifindex), -EBADMSG);
	}
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),   cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_no_question), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_errors),	    cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests_name("route-msg", tests, NULL, NULL);
}
