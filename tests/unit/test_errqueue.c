// SPDX-License-Identifier: BSD-3-Clause
/* lib/tx/errqueue.h: messages of the error queue, written out byte by byte for a little-endian
 * machine of 64 bits, whole, cut at every place, and spoilt. */
#include "tx/errqueue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

_Static_assert(sizeof(size_t) == 8, "the messages below are of such a machine");

/* SOL_IP, IP_RECVERR: sends 3 to 5 are complete. A sockaddr_in of zeros follows. */
static const uint8_t plain4[48] = {
	0x30, 0, 0, 0, 0,  0, 0, 0, /* cmsg_len 48 */
	0,    0, 0, 0, 11, 0, 0, 0, /* SOL_IP, IP_RECVERR */
	0,    0, 0, 0,		    /* ee_errno */
	5,    0, 0, 0,		    /* ee_origin ZEROCOPY, type, code, pad */
	3,    0, 0, 0,		    /* ee_info */
	5,    0, 0, 0,		    /* ee_data */
};

/* SOL_IPV6, IPV6_RECVERR: fffffff0 to 2, copied. A sockaddr_in6 follows: 60 bytes in 64. */
static const uint8_t copied6[64] = {
	0x3c, 0,    0,	  0,	0,  0, 0, 0, /* cmsg_len 60 */
	41,   0,    0,	  0,	25, 0, 0, 0, /* SOL_IPV6, IPV6_RECVERR */
	0,    0,    0,	  0,		     /* ee_errno */
	5,    0,    1,	  0,		     /* ee_origin, type, code COPIED */
	0xf0, 0xff, 0xff, 0xff,		     /* ee_info */
	2,    0,    0,	  0,		     /* ee_data */
};

/* SOL_SOCKET, SCM_TIMESTAMPING: three timespecs of zeros. */
static const uint8_t stamps[64] = {
	0x40, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 37, 0, 0, 0,
};

/* A timestamp: ENOMSG, ee_origin TIMESTAMPING. */
static const uint8_t timestamping[48] = {
	0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0,
	42,   0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 9,  0, 0, 0,
};

/* ICMP: host unreachable. */
static const uint8_t icmp[48] = {
	0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0,
	113,  0, 0, 0, 2, 3, 1, 0, 0, 0, 0, 0, 0,  0, 0, 0,
};

/* Exactly that many bytes, aligned: a sanitizer reports a read past their end. */
static int parse(const void *bytes, size_t len, struct errqueue_notice *notice)
{
	void *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	memset(notice, 0x5a, sizeof(*notice));
	ret = errqueue_parse(copy, len, notice);
	free(copy);
	return ret;
}

static void test_notices(void **state)
{
	struct errqueue_notice notice;
	uint8_t both[112];

	(void)state;
	assert_int_equal(parse(plain4, sizeof(plain4), &notice), 1);
	assert_true(notice.low == 3 && notice.high == 5);
	assert_false(notice.copied);
	assert_int_equal(parse(copied6, sizeof(copied6), &notice), 1);
	assert_true(notice.low == 0xfffffff0U && notice.high == 2);
	assert_true(notice.copied);
	/* The last one may lack its padding. */
	assert_int_equal(parse(copied6, 60, &notice), 1);
	assert_true(notice.low == 0xfffffff0U && notice.high == 2);
	/* Behind another. */
	memcpy(both, stamps, 64);
	memcpy(both + 64, plain4, 48);
	assert_int_equal(parse(both, 112, &notice), 1);
	assert_true(notice.low == 3 && notice.high == 5);
	/* Before another. */
	memcpy(both, plain4, 48);
	memcpy(both + 48, stamps, 64);
	assert_int_equal(parse(both, 112, &notice), 1);
	assert_true(notice.low == 3 && notice.high == 5);
}

/* Every other bit of ee_code says something else. */
static void test_code(void **state)
{
	struct errqueue_notice notice;
	uint8_t bytes[48];
	unsigned int code;

	(void)state;
	memcpy(bytes, plain4, 48);
	for (code = 0; code < 256; code++) {
		bytes[22] = (uint8_t)code;
		assert_int_equal(parse(bytes, 48, &notice), 1);
		assert_int_equal(notice.copied, code & 1);
	}
}

static void test_others(void **state)
{
	struct errqueue_notice notice;
	uint8_t bytes[64];

	(void)state;
	assert_int_equal(parse(timestamping, sizeof(timestamping), &notice), 0);
	assert_int_equal(parse(icmp, sizeof(icmp), &notice), 0);
	assert_int_equal(parse(stamps, sizeof(stamps), &notice), 0);
	assert_int_equal(parse("", 0, &notice), 0);
	/* Too short for a header: there is no message. */
	assert_int_equal(parse(plain4, 15, &notice), 0);
	/* Origin of a completion, but an error. */
	memcpy(bytes, plain4, 48);
	bytes[16] = 12;
	assert_int_equal(parse(bytes, 48, &notice), 0);
	/* No error, but another origin: SO_EE_ORIGIN_TXTIME, for one. */
	bytes[16] = 0;
	bytes[20] = 6;
	assert_int_equal(parse(bytes, 48, &notice), 0);
	bytes[20] = 4;
	assert_int_equal(parse(bytes, 48, &notice), 0);
	/* Level of the one, type of the other family. */
	memcpy(bytes, plain4, 48);
	bytes[12] = 25;
	assert_int_equal(parse(bytes, 48, &notice), 0);
	memcpy(bytes, copied6, 64);
	bytes[12] = 11;
	assert_int_equal(parse(bytes, 64, &notice), 0);
	/* Another level of the same type. */
	memcpy(bytes, plain4, 48);
	bytes[8] = 1;
	assert_int_equal(parse(bytes, 48, &notice), 0);
}

static void test_malformed(void **state)
{
	static const uint64_t lengths[] = {
		0, 1, 15, 49, 64, 0x30 + (UINT64_C(1) << 32), UINT64_MAX, UINT64_MAX - 7
	};
	struct errqueue_notice notice;
	uint8_t bytes[112];
	size_t len, i;

	(void)state;
	/* Cut: the header says more than there is. */
	for (len = 16; len < 48; len++)
		assert_int_equal(parse(plain4, len, &notice), -EBADMSG);
	for (len = 16; len < 60; len++)
		assert_int_equal(parse(copied6, len, &notice), -EBADMSG);
	memcpy(bytes, plain4, 48);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memcpy(bytes, &lengths[i], 8);
		assert_int_equal(parse(bytes, 48, &notice), -EBADMSG);
	}
	/* Too short for what it is. */
	for (len = 16; len < 32; len++) {
		bytes[0] = (uint8_t)len;
		memset(bytes + 1, 0, 7);
		assert_int_equal(parse(bytes, 48, &notice), -EBADMSG);
	}
	/* Without the address it says enough. */
	bytes[0] = 32;
	assert_int_equal(parse(bytes, 48, &notice), 1);
	assert_true(notice.low == 3 && notice.high == 5);
	assert_int_equal(parse(bytes, 32, &notice), 1);
	/* The one behind is cut, or says nonsense. */
	memcpy(bytes, stamps, 64);
	memcpy(bytes + 64, plain4, 48);
	for (len = 64 + 16; len < 112; len++)
		assert_int_equal(parse(bytes, len, &notice), -EBADMSG);
	/* One that isn't ours with a length that would stand still. */
	bytes[0] = 0;
	assert_int_equal(parse(bytes, 112, &notice), -EBADMSG);
}

/* Lengths that are no multiple of the alignment: the next message begins behind the padding. */
static void test_padding(void **state)
{
	struct errqueue_notice notice;
	uint8_t bytes[112];
	size_t len;

	(void)state;
	for (len = 57; len <= 64; len++) {
		memcpy(bytes, stamps, 64);
		memcpy(bytes + 64, plain4, 48);
		bytes[0] = (uint8_t)len;
		assert_int_equal(parse(bytes, 112, &notice), 1);
		assert_true(notice.low == 3 && notice.high == 5);
		/* Nothing but a part of the padding follows. */
		assert_int_equal(parse(bytes, len, &notice), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notices), cmocka_unit_test(test_code),
		cmocka_unit_test(test_others),	cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_padding),
	};

	return cmocka_run_group_tests_name("errqueue", tests, NULL, NULL);
}
