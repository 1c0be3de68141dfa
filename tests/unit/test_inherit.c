// SPDX-License-Identifier: BSD-3-Clause
/* A binding handed over by text and descriptor: what the launcher writes, what the command makes of
 * it, and what it says to texts that no launcher wrote. */
#include <devmem/devmem.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bind/binding.h"
#include "fake_kernel.h"

#define SIZE (64U << 20)

static struct fake_nic *nic;
static struct devmem_netdev *nd;
static struct devmem_region *region;
static struct devmem_binding *binding;
static struct devmem_error err;
static int dmabuf;
static char text[DEVMEM_INHERIT_TEXT_SIZE];

static const uint32_t queues[] = { 3, 1 };

/* An interface and a dma-buf. */
static void begin(enum fake_personality kernel)
{
	fake_begin(kernel);
	nic = fake_nic_rich("eth1");
	nic->state.split = 2;
	nic->state.hds_thresh = 0;
	memset(&err, 0, sizeof(err));
	dmabuf = fake_dmabuf_pieces(SIZE, 2 << 20);
	if (devmem_netdev_open(&nd, "eth1", &err) || devmem_region_import(&region, dmabuf, &err))
		fail_msg("%s", err.message);
}

/* The launcher: a region on two queues of eth1. */
static void launcher(const struct devmem_binding_options *options)
{
	begin(FAKE_LINUX_7_3);
	if (devmem_binding_open_rx(&binding, region, nd, queues, 2, options, &err) ||
	    devmem_inherit_format(text, sizeof(text), binding, "eth1", queues, 2, &err))
		fail_msg("%s", err.message);
	memset(&err, 0, sizeof(err));
}

static void launcher_end(void)
{
	devmem_binding_close(binding);
	devmem_region_close(region);
	devmem_netdev_close(nd);
	fake_close(dmabuf);
	fake_end();
}

/* The text names what the binding is, in these words. */
static void test_text(void **state)
{
	struct devmem_binding_options options = { .sz = sizeof(options),
						  .rx_page_size = 16384,
						  .held_max = UINT64_MAX };
	char expected[256];

	(void)state;
	launcher(NULL);
	snprintf(expected, sizeof(expected),
		 "1 dev=eth1 binding=%u queues=3,1 region-fd=%d page-size=4096 held-pages=4096",
		 devmem_binding_id(binding), devmem_region_fd(region));
	assert_string_equal(text, expected);
	launcher_end();
	launcher(&options);
	assert_non_null(strstr(text, " page-size=16384 held-pages=18446744073709551615"));
	launcher_end();
}

/* No privilege, no question to the kernel but about the descriptor; the binding stays. */
static void test_round_trip(void **state)
{
	struct devmem_binding_options options = { .sz = sizeof(options),
						  .rx_page_size = 8192,
						  .held_max = 5 * 8192 };
	struct devmem_inherited *in, *again;
	struct devmem_binding_stats stats;
	const uint32_t *list;
	char copy[sizeof(text)];
	size_t n = 0;

	(void)state;
	launcher(&options);
	fake_admin(false);
	if (devmem_inherited_open(&in, text, &err))
		fail_msg("%s", err.message);
	/* As often as one likes. */
	assert_int_equal(devmem_inherited_open(&again, text, NULL), 0);
	assert_string_equal(devmem_inherited_dev(in), "eth1");
	list = devmem_inherited_queues(in, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(list, queues, sizeof(queues));
	assert_ptr_equal(devmem_inherited_queues(in, NULL), list);
	assert_int_equal(devmem_region_size(devmem_inherited_region(in)), SIZE);
	assert_int_equal(devmem_region_is_dmabuf(devmem_inherited_region(in)), 1);
	assert_int_not_equal(devmem_region_fd(devmem_inherited_region(in)),
			     devmem_region_fd(region));
	assert_ptr_equal(binding_region(devmem_inherited_binding(in)), devmem_inherited_region(in));
	assert_int_equal(devmem_binding_id(devmem_inherited_binding(in)),
			 devmem_binding_id(binding));
	assert_int_equal(devmem_binding_fd(devmem_inherited_binding(in)), -1);
	devmem_binding_stats(devmem_inherited_binding(in), &stats);
	assert_true(stats.page_size == 8192);
	assert_true(stats.held_pages == 0 && stats.held_pages_max == 0);
	assert_true(stats.held_pages_limit == 5);
	devmem_inherited_close(again);
	/* Handed on: the same but for the descriptor. */
	assert_int_equal(devmem_inherit_format(copy, sizeof(copy), devmem_inherited_binding(in),
					       devmem_inherited_dev(in), list, n, &err),
			 0);
	assert_int_equal(devmem_inherited_open(&again, copy, &err), 0);
	devmem_inherited_close(again);
	devmem_inherited_close(in);
	devmem_inherited_close(NULL);
	assert_int_equal(nic->state.bound[1], devmem_binding_id(binding));
	assert_int_equal(nic->state.bound[3], devmem_binding_id(binding));
	launcher_end();
}

/* A binding to send is that in the command, too. */
static void test_tx(void **state)
{
	struct devmem_inherited *in, *again;
	char expected[256], copy[sizeof(text)];
	size_t n = 77;

	(void)state;
	begin(FAKE_LINUX_7_3);
	assert_int_equal(binding_open_inherited_tx(&binding, region, "eth1", 9, &err), 0);
	assert_int_equal(devmem_inherit_format(text, sizeof(text), binding, "eth1", NULL, 0, &err),
			 0);
	snprintf(expected, sizeof(expected), "1 dev=eth1 binding=9 direction=tx region-fd=%d",
		 devmem_region_fd(region));
	assert_string_equal(text, expected);
	fake_admin(false);
	if (devmem_inherited_open(&in, text, &err))
		fail_msg("%s", err.message);
	assert_non_null(devmem_inherited_queues(in, &n));
	assert_int_equal(n, 0);
	assert_string_equal(devmem_inherited_dev(in), "eth1");
	assert_true(binding_is_tx(devmem_inherited_binding(in)));
	assert_string_equal(binding_dev(devmem_inherited_binding(in)), "eth1");
	assert_ptr_equal(binding_region(devmem_inherited_binding(in)), devmem_inherited_region(in));
	assert_int_equal(devmem_binding_id(devmem_inherited_binding(in)), 9);
	assert_int_equal(devmem_binding_fd(devmem_inherited_binding(in)), -1);
	assert_int_equal(devmem_binding_is_plain(devmem_inherited_binding(in)), 0);
	/* Handed on: the same but for the descriptor. */
	assert_int_equal(devmem_inherit_format(copy, sizeof(copy), devmem_inherited_binding(in),
					       "eth1", NULL, 0, &err),
			 0);
	assert_int_equal(devmem_inherited_open(&again, copy, &err), 0);
	devmem_inherited_close(again);
	devmem_inherited_close(in);
	/* In any order; and with what belongs to receivers it is none. */
	snprintf(copy, sizeof(copy), "1 region-fd=%d direction=tx binding=4294967295 dev=%%65",
		 dmabuf);
	assert_int_equal(devmem_inherited_open(&in, copy, &err), 0);
	assert_string_equal(devmem_inherited_dev(in), "e");
	devmem_inherited_close(in);
	assert_int_equal(
		devmem_inherit_format(text, sizeof(text), binding, "eth1", queues, 2, &err),
		-EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_non_null(strstr(err.message, "no queues"));
	assert_string_equal(text, "");
	launcher_end();
}

/* A plain binding can't be handed on: the kernel has no entry for it. */
static void test_plain(void **state)
{
	const struct devmem_binding_options options = { .sz = sizeof(options),
							.flags = DEVMEM_BINDING_PLAIN_OK };

	(void)state;
	/* This kernel can't send from device memory. */
	begin(FAKE_LINUX_6_12);
	if (devmem_binding_open_tx(&binding, region, nd, &options, &err))
		fail_msg("%s", err.message);
	assert_int_equal(devmem_binding_is_plain(binding), 1);
	assert_int_equal(devmem_inherit_format(text, sizeof(text), binding, "eth1", NULL, 0, &err),
			 -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_non_null(strstr(err.message, "plain"));
	assert_string_equal(text, "");
	launcher_end();
}

/* A receiver needs nothing of the binding that an inherited one hasn't. */
static void test_receiver(void **state)
{
	const struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(5000) };
	const struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(5001) };
	struct devmem_inherited *in;
	struct devmem_rx_stats stats;
	struct devmem_rx *rx;
	int conn;

	(void)state;
	launcher(NULL);
	fake_admin(false);
	assert_int_equal(devmem_inherited_open(&in, text, &err), 0);
	conn = fake_tcp(&local, &peer, sizeof(local));
	if (devmem_rx_open(&rx, conn, devmem_inherited_binding(in), NULL, &err))
		fail_msg("%s", err.message);
	devmem_rx_stats(rx, &stats);
	assert_true(stats.held_fragments == 0);
	devmem_rx_close(rx);
	/* It keeps what it needs. */
	assert_int_equal(devmem_rx_open(&rx, conn, devmem_inherited_binding(in), NULL, &err), 0);
	devmem_inherited_close(in);
	devmem_rx_close(rx);
	fake_close(conn);
	launcher_end();
}

/* Every name that an interface can have comes through; others are refused, on both sides. */
static void test_names(void **state)
{
	static const char *const good[] = {
		"eth1",
		"a",
		"e-_.9",
		"%",
		"%41",
		"=",
		"a=b",
		"1,2",
		"...",
		"\x01\x7f",
		"\"'",
		"\xc3\xbc",
		"\xff",
		"abcdefghijklmno",
		"%%%%%%%%%%%%%%%",
		"..a",
	};
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "a:b", "a\tb", "a\nb", "\xa0", "abcdefghijklmnop",
	};
	struct devmem_inherited *in;
	const char *p;
	size_t i;

	(void)state;
	launcher(NULL);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (devmem_inherit_format(text, sizeof(text), binding, good[i], queues, 2, &err) ||
		    devmem_inherited_open(&in, text, &err))
			fail_msg("%s: %s", good[i], err.message);
		/* Printable, and without spaces of its own. */
		for (p = text; *p; p++)
			assert_true(*p >= ' ' && *p < 0x7f);
		assert_string_equal(devmem_inherited_dev(in), good[i]);
		devmem_inherited_close(in);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			devmem_inherit_format(text, sizeof(text), binding, bad[i], queues, 2, &err),
			-EINVAL);
		assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
		assert_int_equal(err.code, -EINVAL);
		assert_null(strchr(err.message, '\n'));
		assert_string_equal(text, "");
	}
	launcher_end();
}

static void test_format_refuses(void **state)
{
	const uint32_t twice[] = { 4, 2, 4 };
	uint32_t many[256], i;
	struct devmem_inherited *in;
	char buf[sizeof(text)];
	size_t len, size, n;

	(void)state;
	launcher(NULL);
	len = strlen(text);
	for (size = 0; size <= len + 1; size++) {
		memset(buf, 'x', sizeof(buf));
		if (size == len + 1) {
			assert_int_equal(
				devmem_inherit_format(buf, size, binding, "eth1", queues, 2, &err),
				0);
			assert_string_equal(buf, text);
		} else {
			assert_int_equal(
				devmem_inherit_format(buf, size, binding, "eth1", queues, 2, &err),
				-ENOSPC);
			assert_int_equal(err.code, -ENOSPC);
			assert_true(!size || !buf[0]);
		}
		assert_int_equal(buf[size], 'x');
	}
	assert_int_equal(devmem_inherit_format(buf, 0, binding, "eth1", queues, 2, NULL), -ENOSPC);
	assert_int_equal(devmem_inherit_format(NULL, 0, binding, "eth1", queues, 2, NULL), -ENOSPC);
	assert_int_equal(devmem_inherit_format(text, sizeof(text), binding, "eth1", NULL, 0, &err),
			 -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_non_null(strstr(err.message, "queue"));
	assert_string_equal(text, "");
	assert_int_equal(devmem_inherit_format(text, sizeof(text), binding, "eth1", twice, 3, &err),
			 -EINVAL);
	assert_non_null(strstr(err.message, "queue 4"));
	/* As long as the room is promised for. */
	for (i = 0; i < 256; i++)
		many[i] = UINT32_MAX - i;
	assert_int_equal(devmem_inherit_format(text, sizeof(text), binding,
					       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
					       "\xff\xff\xff",
					       many, 256, &err),
			 0);
	assert_int_equal(devmem_inherited_open(&in, text, &err), 0);
	assert_memory_equal(devmem_inherited_queues(in, &n), many, sizeof(many));
	assert_int_equal(n, 256);
	devmem_inherited_close(in);
	launcher_end();
}

/* Each is the text with one thing wrong. @ stands for a dma-buf's descriptor. */
static const struct malformed {
	const char *text;
	const char *says; /* in the message: the word */
} malformed[] = {
	{ "0 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"0\"" },
	{ "2 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"2\"" },
	{ "11 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"11\"" },
	{ " 1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"\"" },
	{ " ", "\"\"" },
	{ "dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=e\"" },
	{ "1\tdev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"1 dev=e\"" },
	{ "1", "\"dev\"" },
	{ "1 ", "\"\"" },
	{ "1 binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev\"" },
	{ "1 dev=e queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding\"" },
	{ "1 dev=e binding=7 region-fd=@ page-size=4096 held-pages=9", "\"queues\"" },
	{ "1 dev=e binding=7 queues=2 page-size=4096 held-pages=9", "\"region-fd\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ held-pages=9", "\"page-size\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096", "\"held-pages\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9 ", "\"\"" },
	{ "1 dev=e  binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9\n",
	  "\"held-pages=9 " },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9 new=1", "\"new=1\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9 junk", "\"junk\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9 =1", "\"=1\"" },
	{ "1 dev=e bindin=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"bindin=7\"" },
	{ "1 dev=e bindings=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"bindings=7\"" },
	{ "1 dev=e BINDING=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"BINDING=7\"" },
	{ "1 dev=e binding 7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding\"" },
	{ "1 dev=e dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=e\"" },
	{ "1 dev=e binding=7 binding=8 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"binding=8\"" },
	{ "1 dev=e binding=7 queues=2 queues=3 region-fd=@ page-size=4096 held-pages=9",
	  "\"queues=3\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9 region-fd=1",
	  "\"region-fd=1\"" },
	{ "1 dev=e binding=7 queues=2 page-size=4096 page-size=4096 region-fd=@ held-pages=9",
	  "\"page-size=4096\"" },
	{ "1 dev=e binding=7 queues=2 held-pages=8 region-fd=@ page-size=4096 held-pages=9",
	  "\"held-pages=9\"" },
	{ "1 dev= binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=\"" },
	{ "1 dev=. binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=.\"" },
	{ "1 dev=%2e%2E binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"dev=%2e%2E\"" },
	{ "1 dev=a/b binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=a/b\"" },
	{ "1 dev=a%2fb binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"dev=a%2fb\"" },
	{ "1 dev=a%20b binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"dev=a%20b\"" },
	{ "1 dev=a%00 binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=a%00\"" },
	{ "1 dev=% binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=%\"" },
	{ "1 dev=%4 binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=%4\"" },
	{ "1 dev=%4g binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=%4g\"" },
	{ "1 dev=%-1 binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"dev=%-1\"" },
	{ "1 dev=\xc3\xbc binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9", "dev=\xc3" },
	{ "1 dev=abcdefghijklmnop binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"dev=abcdefghijklmnop\"" },
	{ "1 dev=abcdefghijklmnopq binding=7 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"dev=abcdefghijklmnopq\"" },
	{ "1 dev=e binding= queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=\"" },
	{ "1 dev=e binding=0 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=0\"" },
	{ "1 dev=e binding=07 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=07\"" },
	{ "1 dev=e binding=+7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=+7\"" },
	{ "1 dev=e binding=-7 queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=-7\"" },
	{ "1 dev=e binding=0x7 queues=2 region-fd=@ page-size=4096 held-pages=9", "binding=0x7" },
	{ "1 dev=e binding=7x queues=2 region-fd=@ page-size=4096 held-pages=9", "\"binding=7x\"" },
	{ "1 dev=e binding=4294967296 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"binding=4294967296\"" },
	{ "1 dev=e binding=18446744073709551623 queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"binding=18446744073709551623\"" },
	{ "1 dev=e binding=7 queues= region-fd=@ page-size=4096 held-pages=9", "\"queues=\"" },
	{ "1 dev=e binding=7 queues=, region-fd=@ page-size=4096 held-pages=9", "\"queues=,\"" },
	{ "1 dev=e binding=7 queues=2, region-fd=@ page-size=4096 held-pages=9", "\"queues=2,\"" },
	{ "1 dev=e binding=7 queues=,2 region-fd=@ page-size=4096 held-pages=9", "\"queues=,2\"" },
	{ "1 dev=e binding=7 queues=2,,3 region-fd=@ page-size=4096 held-pages=9",
	  "\"queues=2,,3\"" },
	{ "1 dev=e binding=7 queues=2-3 region-fd=@ page-size=4096 held-pages=9",
	  "\"queues=2-3\"" },
	{ "1 dev=e binding=7 queues=2,3,2 region-fd=@ page-size=4096 held-pages=9",
	  "\"queues=2,3,2\"" },
	{ "1 dev=e binding=7 queues=4294967296 region-fd=@ page-size=4096 held-pages=9",
	  "\"queues=4294967296\"" },
	{ "1 dev=e binding=7 queues=2 region-fd= page-size=4096 held-pages=9", "\"region-fd=\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=-1 page-size=4096 held-pages=9",
	  "\"region-fd=-1\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=2147483648 page-size=4096 held-pages=9",
	  "\"region-fd=2147483648\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=0 held-pages=9", "\"page-size=0\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=2048 held-pages=9",
	  "\"page-size=2048\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=5000 held-pages=9",
	  "\"page-size=5000\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=2147483648 held-pages=9",
	  "\"page-size=2147483648\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4k held-pages=9", "\"page-size=4k\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=0",
	  "\"held-pages=0\"" },
	{ "1 dev=e binding=7 direction=rx queues=2 region-fd=@ page-size=4096 held-pages=9",
	  "\"direction=rx\"" },
	{ "1 dev=e binding=7 direction= region-fd=@", "\"direction=\"" },
	{ "1 dev=e binding=7 direction=txx region-fd=@", "\"direction=txx\"" },
	{ "1 dev=e binding=7 direction=TX region-fd=@", "\"direction=TX\"" },
	{ "1 dev=e binding=7 direction=tx direction=tx region-fd=@", "\"direction=tx\"" },
	{ "1 dev=e binding=7 direction=tx", "\"region-fd\"" },
	{ "1 dev=e direction=tx region-fd=@", "\"binding\"" },
	{ "1 dev=e binding=7 direction=tx region-fd=@ queues=2", "\"queues\"" },
	{ "1 dev=e binding=7 direction=tx region-fd=@ page-size=4096", "\"page-size\"" },
	{ "1 held-pages=9 dev=e binding=7 direction=tx region-fd=@", "\"held-pages\"" },
	{ "1 dev=e binding=7 region-fd=@", "\"queues\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=", "\"held-pages=\"" },
	{ "1 dev=e binding=7 queues=2 region-fd=@ page-size=4096 held-pages=18446744073709551616",
	  "\"held-pages=18446744073709551616\"" },
};

static void expect_open(const char *given, int code, int kind, const char *says)
{
	struct devmem_inherited *in = (void *)&err;

	memset(&err, 0x5a, sizeof(err));
	if (devmem_inherited_open(&in, given, &err) != code)
		fail_msg("\"%s\": %d %s", given ? given : "NULL", err.code, err.message);
	assert_null(in);
	assert_int_equal(err.code, code);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.message, says))
		fail_msg("\"%s\": %s", given ? given : "NULL", err.message);
	assert_non_null(strstr(err.message, DEVMEM_INHERIT_ENV));
	assert_null(strchr(err.message, '\n'));
	assert_int_equal(devmem_inherited_open(&in, given, NULL), code);
}

static void fill(char *given, size_t size, const char *pattern)
{
	const char *at = strchrnul(pattern, '@');

	if (*at)
		snprintf(given, size, "%.*s%d%s", (int)(at - pattern), pattern, dmabuf, at + 1);
	else
		snprintf(given, size, "%s", pattern);
}

static void test_malformed(void **state)
{
	struct devmem_inherited *in;
	char given[256];
	size_t i;

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	dmabuf = fake_dmabuf(SIZE);
	/* What they are variations of is fine, in any order. */
	snprintf(given, sizeof(given),
		 "1 dev=e binding=7 queues=2 region-fd=%d page-size=4096 held-pages=9", dmabuf);
	assert_int_equal(devmem_inherited_open(&in, given, &err), 0);
	devmem_inherited_close(in);
	snprintf(given, sizeof(given),
		 "1 held-pages=9 page-size=1073741824 region-fd=%d queues=0,4294967295 "
		 "binding=4294967295 dev=%%65",
		 dmabuf);
	assert_int_equal(devmem_inherited_open(&in, given, &err), 0);
	assert_string_equal(devmem_inherited_dev(in), "e");
	devmem_inherited_close(in);
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		unsigned int calls = fake_calls();

		fill(given, sizeof(given), malformed[i].text);
		expect_open(given, -EINVAL, DEVMEM_ERROR_INPUT, malformed[i].says);
		assert_int_equal(fake_calls(), calls);
	}
	/* Of a long word only the beginning is shown. */
	memset(given, 'x', sizeof(given) - 1);
	memcpy(given, "1 dev=", 6);
	given[sizeof(given) - 1] = '\0';
	expect_open(given, -EINVAL, DEVMEM_ERROR_INPUT, "\"dev=xxx");
	assert_true(strlen(err.message) < 200);
	expect_open(NULL, -EINVAL, DEVMEM_ERROR_MISSING, "devmemctl run");
	expect_open("", -EINVAL, DEVMEM_ERROR_MISSING, "devmemctl run");
	fake_close(dmabuf);
	fake_end();
}

/* Every beginning of a text is no text, unless it only lost digits at its end. */
static void test_cut(void **state)
{
	struct devmem_inherited *in;
	char cut[sizeof(text)];
	size_t len, last;

	(void)state;
	launcher(NULL);
	last = (size_t)(strrchr(text, '=') - text);
	for (len = 0; len <= last; len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		assert_int_equal(devmem_inherited_open(&in, cut, &err), -EINVAL);
		assert_null(in);
	}
	launcher_end();
}

/* The descriptor isn't what the text promises. */
static void test_descriptor(void **state)
{
	char given[256];
	int fd;

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	fd = fake_udp();
	snprintf(given, sizeof(given),
		 "1 dev=eth1 binding=7 queues=2 region-fd=%d page-size=4096 held-pages=9", fd);
	expect_open(given, -EINVAL, DEVMEM_ERROR_INPUT, "no dma-buf");
	fake_close(fd);
	expect_open(given, -EBADF, DEVMEM_ERROR_INPUT, "not an open file descriptor");
	fd = fake_dmabuf(0);
	snprintf(given, sizeof(given),
		 "1 dev=eth1 binding=7 queues=2 region-fd=%d page-size=4096 held-pages=9", fd);
	expect_open(given, -EINVAL, DEVMEM_ERROR_INPUT, "0 bytes");
	fake_close(fd);
	fake_end();
}

static int open_and_close(void *code)
{
	struct devmem_inherited *in = (void *)&err;
	struct fake_state before;
	int ret;

	fake_snapshot(nic, &before);
	ret = devmem_inherited_open(&in, text, &err);
	if (ret) {
		assert_null(in);
		assert_int_equal(ret, -*(const int *)code);
		assert_int_equal(err.code, ret);
	} else {
		devmem_inherited_close(in);
	}
	fake_assert_state(nic, &before, "after close or failure");
	return ret;
}

/* Every call fails: nothing is left, and the launcher's binding isn't touched. */
static void test_every_call(void **state)
{
	int codes[] = { EIO, ENOMEM, EPERM, EBADF };
	size_t i;

	(void)state;
	launcher(NULL);
	/* The descriptor's kind, its size, its copy, the table of pages; and what closes. */
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_true(fake_each_fails(FAKE_CALL, codes[i], open_and_close, &codes[i]) > 3);
	launcher_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_tx),	   cmocka_unit_test(test_plain),
		cmocka_unit_test(test_receiver),   cmocka_unit_test(test_names),
		cmocka_unit_test(test_malformed),  cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
