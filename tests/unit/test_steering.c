// SPDX-License-Identifier: BSD-3-Clause
/* Steering over the kernel of fake_kernel.c: whatever happens, the interface's settings end up byte
 * for byte as they were, or the message says what doesn't. */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_kernel.h"

/* How the interface is before the test. */
#define WORLD_OLD 1U	     /* Linux 6.12 */
#define WORLD_PLACES 2U	     /* the driver doesn't pick places */
#define WORLD_CUSTOM_TABLE 4U
#define WORLD_FOREIGN 8U     /* rules of somebody else, ntuple on */
#define WORLD_AUTO_SPLIT 16U /* split left to the driver */
#define WORLDS 32U

static struct fake_nic *nic;
static struct fake_state before;

static void world(unsigned int kind)
{
	size_t i;

	fake_begin(kind & WORLD_OLD ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
	fake_nic_poor("eth0");
	nic = fake_nic_rich("eth1");
	if (kind & WORLD_PLACES)
		nic->location_any = false;
	if (kind & WORLD_CUSTOM_TABLE) {
		for (i = 0; i < nic->indir_size; i++)
			nic->state.indir[i] = i < 4 ? 3 - i : i % 4;
		nic->state.rss_configured = 1;
	}
	if (kind & WORLD_FOREIGN) {
		fake_rule_put(nic, 0, TCP_V4_FLOW, 1);
		nic->state.rules[0].fs.h_u.tcp_ip4_spec.pdst = htons(80);
		nic->state.rules[0].fs.m_u.tcp_ip4_spec.pdst = 0xffff;
		fake_rule_put(nic, 2, UDP_V4_FLOW, 0);
		fake_rule_put(nic, 15, TCP_V6_FLOW, RX_CLS_FLOW_DISC);
	}
	if (kind & WORLD_AUTO_SPLIT)
		nic->state.split = 0;
	fake_snapshot(nic, &before);
}

static struct devmem_flow flow4(const char *addr, uint16_t port)
{
	struct devmem_flow flow;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	memset(&flow, 0, sizeof(flow));
	assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
	memcpy(&flow.dst, &in, sizeof(in));
	return flow;
}

static struct devmem_flow flow6(const char *addr, uint16_t port)
{
	struct devmem_flow flow;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(&flow, 0, sizeof(flow));
	assert_int_equal(inet_pton(AF_INET6, addr, &in6.sin6_addr), 1);
	memcpy(&flow.dst, &in6, sizeof(in6));
	return flow;
}

static struct devmem_netdev *open_nic(const char *name)
{
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	if (devmem_netdev_open(&nd, name, &err))
		fail_msg("%s", err.message);
	return nd;
}

/* The log has a line that begins with "eth1 " and this, at or after *at. */
static bool logged(size_t *at, const char *what)
{
	char line[128];

	snprintf(line, sizeof(line), "eth1 %s", what);
	for (; *at < fake_log_len(); (*at)++)
		if (!strncmp(fake_log(*at), line, strlen(line)))
			return (*at)++, true;
	return false;
}

static bool in_table(uint32_t queue)
{
	size_t i;

	for (i = 0; i < nic->indir_size; i++)
		if (nic->state.indir[i] == queue)
			return true;
	return false;
}

static void test_sets_apart(void **state)
{
	const uint32_t queues[] = { 2, 3 };
	struct devmem_flow flows[] = { flow4("192.0.2.1", 5201), flow6("2001:db8::1", 5202) };
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t places[2];
	unsigned int kind;
	size_t i;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++) {
		world(kind);
		nd = open_nic("eth1");
		if (devmem_steering_open(&steering, nd, queues, 2, &err))
			fail_msg("world %u: %s", kind, err.message);
		assert_int_equal(nic->state.split, 2);
		assert_int_equal(nic->state.hds_thresh, 0);
		assert_false(in_table(2) || in_table(3));
		assert_true(in_table(0) && in_table(1));
		/* Nobody else's settings. */
		assert_memory_equal(nic->state.key, before.key, sizeof(before.key));
		assert_int_equal(nic->state.ring_rx, before.ring_rx);
		assert_int_equal(nic->state.combined, before.combined);
		for (i = 0; i < 2; i++)
			if (devmem_steering_add_flow(steering, &flows[i], queues[i], &places[i],
						     &err))
				fail_msg("world %u: %s", kind, err.message);
		assert_int_not_equal(places[0], places[1]);
		for (i = 0; i < 2; i++) {
			assert_true(places[i] < nic->rules_max);
			assert_true(nic->state.rules[places[i]].used);
			assert_false(before.rules[places[i]].used);
			assert_int_equal(nic->state.rules[places[i]].fs.ring_cookie, queues[i]);
		}
		assert_int_equal(nic->state.rules[places[0]].fs.flow_type, TCP_V4_FLOW);
		assert_int_equal(nic->state.rules[places[0]].fs.h_u.tcp_ip4_spec.pdst,
				 htons(5201));
		assert_int_equal(nic->state.rules[places[0]].fs.m_u.tcp_ip4_spec.pdst, 0xffff);
		assert_int_equal(nic->state.rules[places[1]].fs.flow_type, TCP_V6_FLOW);
		if (devmem_steering_close(steering, &err))
			fail_msg("world %u: %s", kind, err.message);
		fake_assert_state(nic, &before, "after close");
		devmem_netdev_close(nd);
		fake_end();
	}
}

/* Undone in the reverse order of what was done. */
static void test_order(void **state)
{
	struct devmem_flow a = flow4("192.0.2.1", 1), b = flow4("192.0.2.1", 2);
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t place_a, place_b;
	char first[32], second[32];
	size_t at = 0;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(fake_log_len(), 0);
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	assert_int_equal(devmem_steering_add_flow(steering, &a, 3, &place_a, &err), 0);
	assert_int_equal(devmem_steering_add_flow(steering, &b, 3, &place_b, &err), 0);
	assert_true(logged(&at, "rings-set split=2 hds-thresh=0"));
	assert_true(logged(&at, "features-set ntuple=1"));
	assert_true(logged(&at, "rss-set "));
	assert_true(logged(&at, "rule-add "));
	assert_true(logged(&at, "rule-add "));
	assert_int_equal(at, fake_log_len());
	assert_int_equal(devmem_steering_close(steering, &err), 0);
	snprintf(first, sizeof(first), "rule-del %u", place_b);
	snprintf(second, sizeof(second), "rule-del %u", place_a);
	assert_true(logged(&at, first));
	assert_true(logged(&at, second));
	/* A default table comes back by a reset, so that it follows the number of channels
	 * again. */
	assert_true(logged(&at, "rss-set default"));
	assert_true(logged(&at, "features-set ntuple=0"));
	assert_true(logged(&at, "rings-set split=1 hds-thresh=256"));
	assert_int_equal(at, fake_log_len());
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* Somebody adds queues meanwhile: the default table that comes back is that of the new number. */
static void test_more_queues(void **state)
{
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	assert_int_equal(nic->state.rss_configured, 1);
	nic->state.combined *= 2;
	fake_indir_default(nic);
	fake_snapshot(nic, &before);
	assert_int_equal(devmem_steering_close(steering, &err), 0);
	assert_int_equal(nic->state.rss_configured, 0);
	assert_memory_equal(nic->state.indir, before.indir, sizeof(before.indir));
	devmem_netdev_close(nd);
	fake_end();
}

/* Nothing to change: nothing is touched that needn't be, and nothing is "restored". */
static void test_already_so(void **state)
{
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	size_t i;

	(void)state;
	world(WORLD_FOREIGN);
	nic->state.split = 2;
	nic->state.hds_thresh = 0;
	for (i = 0; i < nic->indir_size; i++)
		nic->state.indir[i] = i % 3;
	nic->state.rss_configured = 1;
	fake_snapshot(nic, &before);
	nd = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	fake_assert_state(nic, &before, "while open");
	assert_int_equal(devmem_steering_close(steering, &err), 0);
	fake_assert_state(nic, &before, "after close");
	for (i = 0; i < fake_log_len(); i++)
		assert_null(strstr(fake_log(i), "rss-set"));
	devmem_netdev_close(nd);
	fake_end();
}

struct refusal {
	const char *why;
	int code; /* expected */
	const char *text; /* in the message */
	uint32_t queues[5];
	size_t n;
	void (*prepare)(void);
};

static void no_split(void)
{
	nic->can_split = false;
	nic->state.split = 0;
}

static void no_rings(void)
{
	nic->has_rings = false;
}

static void no_rules(void)
{
	nic->has_rules = false;
	nic->ntuple_fixed = true;
}

static void no_rss(void)
{
	nic->has_rss = false;
}

static void rss_read_only(void)
{
	nic->can_set_rss = false;
}

static void one_queue(void)
{
	nic->state.combined = 1;
	fake_indir_default(nic);
}

static void no_admin(void)
{
	fake_admin(false);
}

static void foreign_on_queue(void)
{
	fake_rule_put(nic, 5, TCP_V4_FLOW, 3);
}

static void nothing(void)
{
}

static void test_refusals(void **state)
{
	static const struct refusal refusals[] = {
		{ "no such queue", -EINVAL, "queue 4", { 4 }, 1, nothing },
		{ "a queue twice", -EINVAL, "twice", { 2, 3, 2 }, 3, nothing },
		{ "no queue left", -EINVAL, "left", { 0, 1, 2, 3 }, 4, nothing },
		{ "no queue given", -EINVAL, "eth1", { 0 }, 0, nothing },
		{ "single queue", -EINVAL, "left", { 0 }, 1, one_queue },
		{ "can't split", -EOPNOTSUPP, "split", { 3 }, 1, no_split },
		{ "no rings", -EOPNOTSUPP, "split", { 3 }, 1, no_rings },
		{ "no rules", -EOPNOTSUPP, "rule", { 3 }, 1, no_rules },
		{ "no RSS", -EOPNOTSUPP, "RSS", { 3 }, 1, no_rss },
		{ "RSS can't be set", -EOPNOTSUPP, "eth1", { 3 }, 1, rss_read_only },
		{ "no privilege", -EPERM, "CAP_NET_ADMIN", { 3 }, 1, no_admin },
		{ "another's rule", -EBUSY, "rule 5", { 3 }, 1, foreign_on_queue },
	};
	struct devmem_steering *steering;
	struct devmem_error err;
	struct devmem_netdev *nd;
	unsigned int old;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		for (old = 0; old < 2; old++) {
			const struct refusal *r = &refusals[i];

			world(old ? WORLD_OLD : 0);
			r->prepare();
			fake_snapshot(nic, &before);
			nd = open_nic("eth1");
			memset(&err, 0, sizeof(err));
			steering = (void *)&err;
			ret = devmem_steering_open(&steering, nd, r->queues, r->n, &err);
			if (ret != r->code || !strstr(err.message, r->text) ||
			    !strstr(err.message, "eth1"))
				fail_msg("%s: %d %s", r->why, ret, err.message);
			assert_int_equal(err.code, ret);
			assert_null(steering);
			assert_int_not_equal(err.kind, DEVMEM_ERROR_NONE);
			fake_assert_state(nic, &before, r->why);
			/* The error object may be left out. */
			assert_int_equal(devmem_steering_open(&steering, nd, r->queues, r->n, NULL),
					 r->code);
			devmem_netdev_close(nd);
			fake_end();
		}
}

static void test_add_flow_refusals(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201), empty;
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct fake_state during;
	uint32_t i;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	fake_snapshot(nic, &during);
	assert_int_equal(devmem_steering_add_flow(steering, &flow, 2, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.message, "queue 2"));
	memset(&empty, 0, sizeof(empty));
	assert_int_equal(devmem_steering_add_flow(steering, &empty, 3, NULL, &err), -EINVAL);
	fake_assert_state(nic, &during, "after refusals");
	assert_int_equal(devmem_steering_add_flow(steering, &flow, 3, NULL, &err), 0);
	assert_int_equal(devmem_steering_add_flow(steering, &flow, 3, NULL, &err), -EEXIST);
	/* The table fills up. */
	for (i = 0; i < nic->rules_max - 1; i++) {
		struct devmem_flow more = flow4("192.0.2.2", (uint16_t)(100 + i));

		assert_int_equal(devmem_steering_add_flow(steering, &more, 3, NULL, &err), 0);
	}
	flow = flow4("192.0.2.3", 1);
	assert_int_equal(devmem_steering_add_flow(steering, &flow, 3, NULL, &err), -ENOSPC);
	assert_int_equal(devmem_steering_close(steering, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* A rule that somebody else deleted or replaced meanwhile is not ours to delete. */
static void test_others_meanwhile(void **state)
{
	struct devmem_flow a = flow4("192.0.2.1", 1), b = flow4("192.0.2.1", 2);
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t place_a, place_b;

	(void)state;
	world(WORLD_FOREIGN);
	nd = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	assert_int_equal(devmem_steering_add_flow(steering, &a, 3, &place_a, &err), 0);
	assert_int_equal(devmem_steering_add_flow(steering, &b, 3, &place_b, &err), 0);
	memset(&nic->state.rules[place_a], 0, sizeof(nic->state.rules[place_a]));
	fake_rule_put(nic, place_b, TCP_V4_FLOW, 1);
	before.rules[place_b] = nic->state.rules[place_b];
	if (devmem_steering_close(steering, &err))
		fail_msg("%s", err.message);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

static void test_rename(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 1);
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int old;

	(void)state;
	for (old = 0; old < 2; old++) {
		world(old ? WORLD_OLD : 0);
		nd = open_nic("eth1");
		assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
		strcpy(nic->name, "wan0");
		assert_int_equal(devmem_steering_add_flow(steering, &flow, 3, NULL, &err), 0);
		assert_int_equal(devmem_steering_close(steering, &err), 0);
		fake_assert_state(nic, &before, "after close");
		devmem_netdev_close(nd);
		fake_end();
	}
}

/* A driver that acknowledges and does nothing. */
static void test_fixed_ntuple(void **state)
{
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	int ret;

	(void)state;
	world(0);
	nic->ntuple_fixed = true;
	fake_snapshot(nic, &before);
	nd = open_nic("eth1");
	ret = devmem_steering_open(&steering, nd, &queue, 1, &err);
	/* Whether rules work there only shows when one is added. */
	if (!ret)
		assert_int_equal(devmem_steering_close(steering, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* The kernel refuses to switch split off while a queue is bound: the message says what remains. */
static void test_close_while_bound(void **state)
{
	const uint32_t queue = 3;
	struct devmem_steering *steering;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&steering, nd, &queue, 1, &err), 0);
	nic->state.bound[3] = 9;
	assert_int_equal(devmem_steering_close(steering, &err), -EINVAL);
	assert_non_null(strstr(err.message, "can't disable tcp-data-split"));
	assert_non_null(strstr(err.message, "header split"));
	nic->state.bound[3] = 0;
	/* All else was put back nevertheless. */
	assert_int_equal(nic->state.split, 2);
	nic->state.split = before.split;
	nic->state.hds_thresh = before.hds_thresh;
	fake_assert_state(nic, &before, "all but split");
	assert_int_equal(devmem_steering_close(NULL, &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* ---- every call fails ---- */

/* What happened in a run with failures. */
struct run {
	int open, add[2], close;
	unsigned int first, last; /* calls of the library in it */
	char message[768];	  /* of the last failure of open or close */
};

static void run(struct devmem_netdev *nd, struct run *r)
{
	struct devmem_flow flows[] = { flow4("192.0.2.1", 5201), flow6("2001:db8::1", 5202) };
	const uint32_t queues[] = { 1, 3 };
	const uint32_t free_queues[] = { 2, 3 };
	/* Queue 1 has somebody's rule in some worlds. */
	const uint32_t *mine = nic->state.rules[0].used ? free_queues : queues;
	struct devmem_steering *steering;
	struct devmem_error err;
	size_t i;

	memset(r->message, 0, sizeof(r->message));
	memset(&err, 0, sizeof(err));
	r->add[0] = r->add[1] = r->close = 0;
	r->open = devmem_steering_open(&steering, nd, mine, 2, &err);
	if (r->open) {
		assert_int_equal(err.code, r->open);
		memcpy(r->message, err.message, sizeof(r->message));
	} else {
		for (i = 0; i < 2; i++) {
			r->add[i] = devmem_steering_add_flow(steering, &flows[i], mine[i], NULL,
							     &err);
			if (r->add[i])
				assert_int_equal(err.code, r->add[i]);
		}
		r->close = devmem_steering_close(steering, &err);
		if (r->close) {
			assert_int_equal(err.code, r->close);
			memcpy(r->message, err.message, sizeof(r->message));
		}
	}
	r->last = fake_calls();
	fake_fail(0, 0);
}

/* All is as it was, or the message names what isn't. */
static void check_run(const struct run *r, const char *what)
{
	const struct fake_state *now = &nic->state;

	if (fake_same_state(nic, &before))
		return;
	if (!r->open && !r->close)
		fake_assert_state(nic, &before, what);
	if ((now->split != before.split || now->hds_thresh != before.hds_thresh) &&
	    !strstr(r->message, "header split"))
		fail_msg("%s: header split isn't named: %s", what, r->message);
	if (now->features != before.features && !strstr(r->message, "ntuple"))
		fail_msg("%s: ntuple isn't named: %s", what, r->message);
	if (memcmp(now->indir, before.indir, sizeof(now->indir)) &&
	    !strstr(r->message, "RSS table"))
		fail_msg("%s: RSS table isn't named: %s", what, r->message);
	if (memcmp(now->rules, before.rules, sizeof(now->rules)) &&
	    !strstr(r->message, "flow rule"))
		fail_msg("%s: flow rule isn't named: %s", what, r->message);
	/* Nothing else may have changed at all. */
	nic->state.split = before.split;
	nic->state.hds_thresh = before.hds_thresh;
	nic->state.features = before.features;
	nic->state.features_wanted = before.features_wanted;
	nic->state.rss_configured = before.rss_configured;
	memcpy(nic->state.indir, before.indir, sizeof(before.indir));
	memcpy(nic->state.rules, before.rules, sizeof(before.rules));
	fake_assert_state(nic, &before, what);
}

/* How many calls a run makes that nothing disturbs. */
static unsigned int undisturbed(unsigned int kind)
{
	struct devmem_netdev *nd;
	unsigned int base;
	struct run r;

	world(kind);
	nd = open_nic("eth1");
	base = fake_calls();
	run(nd, &r);
	assert_true(!r.open && !r.add[0] && !r.add[1] && !r.close);
	assert_true(r.last - base > 50);
	devmem_netdev_close(nd);
	fake_end();
	return r.last - base;
}

static void describe(char *what, size_t size, unsigned int kind, unsigned int k, unsigned int j,
		     unsigned int base, int code)
{
	snprintf(what, size, "world %u, call %u (%s), then %u (%s), fails with %s", kind, k,
		 fake_call_name(base + k), j, j ? fake_call_name(base + j) : "none",
		 strerror(code));
}

/* One failure, at every call, with every errno that means something somewhere. */
static void test_every_call(void **state)
{
	static const int codes[] = { EINVAL, EOPNOTSUPP, EIO, ENOMEM, EBUSY, EPERM, ENOBUFS };
	struct devmem_netdev *nd;
	unsigned int kind, k, base, total;
	char what[256];
	struct run r;
	size_t i;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (i = 0; i < (kind % 5 ? 2 : sizeof(codes) / sizeof(codes[0])); i++)
			for (k = 1, total = undisturbed(kind); k <= total; k++) {
				world(kind);
				nd = open_nic("eth1");
				base = fake_calls();
				fake_fail(base + k, codes[i]);
				run(nd, &r);
				describe(what, sizeof(what), kind, k, 0, base, codes[i]);
				check_run(&r, what);
				/* One failure before anything is undone is always made good. */
				if (r.open || r.add[0] || r.add[1])
					fake_assert_state(nic, &before, what);
				devmem_netdev_close(nd);
				fake_end();
			}
}

/* Two failures: the second can be in what undoes. */
static void test_every_two_calls(void **state)
{
	static const unsigned int kinds[] = { 0, WORLD_OLD | WORLD_PLACES | WORLD_CUSTOM_TABLE,
					      WORLD_FOREIGN | WORLD_AUTO_SPLIT };
	unsigned int k, j, base, total;
	struct devmem_netdev *nd;
	char what[256];
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (k = 1, total = undisturbed(kinds[i]); k < total; k++)
			for (j = k + 1; j <= total; j++) {
				world(kinds[i]);
				nd = open_nic("eth1");
				base = fake_calls();
				fake_fail(base + k, EIO);
				fake_fail(base + j, EBUSY);
				run(nd, &r);
				if (r.last - base > total)
					total = r.last - base;
				describe(what, sizeof(what), kinds[i], k, j, base, EIO);
				check_run(&r, what);
				devmem_netdev_close(nd);
				fake_end();
			}
}

/* From some call on nothing works any more. */
static void test_every_call_from(void **state)
{
	static const int codes[] = { EIO, EPERM, ENOMEM };
	unsigned int kind, k, base, total;
	struct devmem_netdev *nd;
	char what[256];
	struct run r;
	size_t i;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			total = undisturbed(kind);
			for (k = 1; k <= total; k++) {
				world(kind);
				nd = open_nic("eth1");
				base = fake_calls();
				fake_fail_from(base + k, codes[i]);
				run(nd, &r);
				describe(what, sizeof(what), kind, k, 0, base, codes[i]);
				check_run(&r, what);
				devmem_netdev_close(nd);
				fake_end();
			}
		}
}

/* Answers that are lost or damaged, although the kernel did what it was asked to. */
static void test_mischief(void **state)
{
	static const enum fake_mischief kinds[] = { FAKE_SHORT, FAKE_STUB, FAKE_EMPTY, FAKE_GARBAGE,
						    FAKE_OVERRUN, FAKE_BAD_LENGTH, FAKE_NO_TYPE,
						    FAKE_TWICE, FAKE_STALE, FAKE_NOTICE };
	struct devmem_netdev *nd;
	unsigned int n;
	char what[128];
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (n = 1; n < 40; n++) {
			world(0);
			nd = open_nic("eth1");
			fake_mischief(n, kinds[i]);
			run(nd, &r);
			snprintf(what, sizeof(what), "mischief %d in answer %u", (int)kinds[i], n);
			check_run(&r, what);
			devmem_netdev_close(nd);
			fake_end();
		}
}

/* The interface goes away at every call: no setting is left to restore, and that's success. */
static void test_vanishes(void **state)
{
	unsigned int kind, k, base, total;
	struct devmem_netdev *nd;
	struct run r;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (k = 1, total = undisturbed(kind); k <= total; k++) {
			world(kind);
			nd = open_nic("eth1");
			base = fake_calls();
			fake_vanish(base + k, nic);
			run(nd, &r);
			if (r.open && r.open != -ENODEV)
				fail_msg("world %u, gone at call %u: open says %s", kind, k,
					 r.message);
			if (r.close)
				fail_msg("world %u, gone at call %u: close says %s", kind, k,
					 r.message);
			devmem_netdev_close(nd);
			fake_end();
		}
}

/* Two users of one interface, each with queues of his own, one inside the other. */
static void test_two_users(void **state)
{
	const uint32_t a = 2, b = 3;
	struct devmem_steering *outer, *inner;
	struct devmem_error err = { 0 };
	struct devmem_netdev *one, *two;
	struct fake_state during;

	(void)state;
	world(0);
	one = open_nic("eth1");
	two = open_nic("eth1");
	assert_int_equal(devmem_steering_open(&outer, one, &a, 1, &err), 0);
	fake_snapshot(nic, &during);
	assert_int_equal(devmem_steering_open(&inner, two, &b, 1, &err), 0);
	assert_false(in_table(2) || in_table(3));
	assert_int_equal(devmem_steering_close(inner, &err), 0);
	fake_assert_state(nic, &during, "after the inner close");
	assert_int_equal(devmem_steering_close(outer, &err), 0);
	fake_assert_state(nic, &before, "after the outer close");
	devmem_netdev_close(one);
	devmem_netdev_close(two);
	fake_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_apart),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_more_queues),
		cmocka_unit_test(test_already_so),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_add_flow_refusals),
		cmocka_unit_test(test_others_meanwhile),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_fixed_ntuple),
		cmocka_unit_test(test_close_while_bound),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_every_two_calls),
		cmocka_unit_test(test_every_call_from),
		cmocka_unit_test(test_mischief),
		cmocka_unit_test(test_vanishes),
		cmocka_unit_test(test_two_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
