// SPDX-License-Identifier: BSD-3-Clause
/* Reservations over the kernel of fake_kernel.c: whatever happens, the interface's settings end up
 * byte for byte as they were, or the message says what doesn't and a restore puts it back. */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_kernel.h"

/* How the interface is before the test. */
#define WORLD_OLD 1U	/* Linux 6.12 */
#define WORLD_PLACES 2U /* the driver doesn't pick places */
#define WORLD_CUSTOM_TABLE 4U
#define WORLD_FOREIGN 8U     /* rules of somebody else, ntuple on */
#define WORLD_AUTO_SPLIT 16U /* split left to the driver */
#define WORLDS 32U
/* World 0 with its files in memory, as all others have them: made tens of thousands of times. */
#define WORLD_IN_MEMORY 32U

static struct fake_nic *nic;
static struct fake_state before;

/* The library's notices, one line each. */
static char noticed[4096];

static void notice(const char *text, void *arg)
{
	size_t len = strlen(noticed);

	(void)arg;
	snprintf(noticed + len, sizeof(noticed) - len, "%s\n", text);
}

static const struct devmem_reservation_options *options(void)
{
	static struct devmem_reservation_options o;

	memset(&o, 0, sizeof(o));
	o.sz = sizeof(o);
	o.dir = fake_dir();
	o.watcher = "/libexec/watcher";
	o.notice = notice;
	return &o;
}

static void world(unsigned int kind)
{
	size_t i;

	fake_begin(kind & WORLD_OLD ? FAKE_LINUX_6_12 : FAKE_LINUX_7_3);
	if (kind)
		fake_dir_in_memory();
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
		nic->state.rules[15].fs.h_u.tcp_ip6_spec.pdst = htons(443);
		nic->state.rules[15].fs.m_u.tcp_ip6_spec.pdst = 0xffff;
	}
	if (kind & WORLD_AUTO_SPLIT)
		nic->state.split = 0;
	fake_snapshot(nic, &before);
	noticed[0] = '\0';
}

/* After whatever has happened: all is as it was, and the runtime directory is empty. */
static void restore(const char *why)
{
	struct devmem_error err = { 0 };

	fake_fail(0, 0);
	if (devmem_reservation_restore(NULL, NULL, options(), &err))
		fail_msg("%s: restore: %s", why, err.message);
	fake_assert_state(nic, &before, why);
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

static bool before_has(uint32_t queue)
{
	size_t i;

	for (i = 0; i < nic->indir_size; i++)
		if (before.indir[i] == queue)
			return true;
	return false;
}

static void test_sets_apart(void **state)
{
	const uint32_t queues[] = { 2, 3 };
	struct devmem_flow flows[] = { flow4("192.0.2.1", 5201), flow6("2001:db8::1", 5202) };
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t places[2];
	unsigned int kind;
	size_t i;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++) {
		world(kind);
		nd = open_nic("eth1");
		if (devmem_reservation_open(&reservation, nd, queues, 2, options(), &err))
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
			if (devmem_reservation_add_flow(reservation, &flows[i], queues[i],
							&places[i], &err))
				fail_msg("world %u: %s", kind, err.message);
		assert_int_not_equal(places[0], places[1]);
		for (i = 0; i < 2; i++) {
			assert_true(places[i] < nic->rules_max);
			assert_true(nic->state.rules[places[i]].used);
			assert_false(before.rules[places[i]].used);
			assert_int_equal(nic->state.rules[places[i]].fs.ring_cookie, queues[i]);
		}
		assert_int_equal(nic->state.rules[places[0]].fs.flow_type, TCP_V4_FLOW);
		assert_int_equal(nic->state.rules[places[0]].fs.h_u.tcp_ip4_spec.pdst, htons(5201));
		assert_int_equal(nic->state.rules[places[0]].fs.m_u.tcp_ip4_spec.pdst, 0xffff);
		assert_int_equal(nic->state.rules[places[1]].fs.flow_type, TCP_V6_FLOW);
		if (devmem_reservation_close(reservation, &err))
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
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t place_a, place_b;
	char first[32], second[32];
	size_t at = 0;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(fake_log_len(), 0);
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &a, 3, &place_a, &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &b, 3, &place_b, &err), 0);
	assert_true(logged(&at, "rings-set split=2 hds-thresh=0"));
	assert_true(logged(&at, "features-set ntuple=1"));
	assert_true(logged(&at, "rss-set "));
	assert_true(logged(&at, "rule-add "));
	assert_true(logged(&at, "rule-add "));
	assert_int_equal(at, fake_log_len());
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
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
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	size_t i;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	assert_int_equal(nic->state.rss_configured, 1);
	nic->state.combined *= 2;
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	before.combined *= 2;
	for (i = 0; i < nic->indir_size; i++)
		before.indir[i] = i % before.combined;
	assert_int_equal(nic->state.rss_configured, 0);
	assert_memory_equal(nic->state.indir, before.indir, sizeof(before.indir));
	devmem_netdev_close(nd);
	fake_end();
}

/* Nothing to change: nothing is touched that needn't be, and nothing is "restored". */
static void test_already_so(void **state)
{
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
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
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	fake_assert_state(nic, &before, "while open");
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	fake_assert_state(nic, &before, "after close");
	for (i = 0; i < fake_log_len(); i++)
		assert_null(strstr(fake_log(i), "rss-set"));
	devmem_netdev_close(nd);
	fake_end();
}

struct refusal {
	const char *why;
	int code;	  /* expected */
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
	struct devmem_reservation *reservation;
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
			reservation = (void *)&err;
			ret = devmem_reservation_open(&reservation, nd, r->queues, r->n, options(),
						      &err);
			if (ret != r->code || !strstr(err.message, r->text) ||
			    !strstr(err.message, "eth1"))
				fail_msg("%s: %d %s", r->why, ret, err.message);
			assert_int_equal(err.code, ret);
			assert_null(reservation);
			assert_int_not_equal(err.kind, DEVMEM_ERROR_NONE);
			fake_assert_state(nic, &before, r->why);
			/* The error object may be left out. */
			assert_int_equal(devmem_reservation_open(&reservation, nd, r->queues, r->n,
								 options(), NULL),
					 r->code);
			devmem_netdev_close(nd);
			fake_end();
		}
}

static void test_add_flow_refusals(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201), empty;
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct fake_state during;
	uint32_t i;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	fake_snapshot(nic, &during);
	assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 2, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.message, "queue 2"));
	memset(&empty, 0, sizeof(empty));
	assert_int_equal(devmem_reservation_add_flow(reservation, &empty, 3, NULL, &err), -EINVAL);
	fake_assert_state(nic, &during, "after refusals");
	assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err), -EEXIST);
	/* The table fills up. */
	for (i = 0; i < nic->rules_max - 1; i++) {
		struct devmem_flow more = flow4("192.0.2.2", (uint16_t)(100 + i));

		assert_int_equal(devmem_reservation_add_flow(reservation, &more, 3, NULL, &err), 0);
	}
	flow = flow4("192.0.2.3", 1);
	assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err), -ENOSPC);
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* A rule that somebody else deleted or replaced meanwhile is not ours to delete. */
static void test_others_meanwhile(void **state)
{
	struct devmem_flow a = flow4("192.0.2.1", 1), b = flow4("192.0.2.1", 2);
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t place_a, place_b;

	(void)state;
	world(WORLD_FOREIGN);
	nd = open_nic("eth1");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &a, 3, &place_a, &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &b, 3, &place_b, &err), 0);
	memset(&nic->state.rules[place_a], 0, sizeof(nic->state.rules[place_a]));
	fake_rule_put(nic, place_b, TCP_V4_FLOW, 1);
	before.rules[place_b] = nic->state.rules[place_b];
	if (devmem_reservation_close(reservation, &err))
		fail_msg("%s", err.message);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

static void test_rename(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 1);
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int old;

	(void)state;
	for (old = 0; old < 2; old++) {
		world(old ? WORLD_OLD : 0);
		nd = open_nic("eth1");
		assert_int_equal(
			devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
		strcpy(nic->name, "wan0");
		assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err), 0);
		assert_int_equal(devmem_reservation_close(reservation, &err), 0);
		fake_assert_state(nic, &before, "after close");
		devmem_netdev_close(nd);
		fake_end();
	}
}

/* A driver that acknowledges and does nothing. */
static void test_fixed_ntuple(void **state)
{
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	int ret;

	(void)state;
	world(0);
	nic->ntuple_fixed = true;
	fake_snapshot(nic, &before);
	nd = open_nic("eth1");
	ret = devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err);
	/* Whether rules work there only shows when one is added. */
	if (!ret)
		assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* A queue that is still bound can't go back to RSS: it stays, and the message says so. */
static void test_close_while_bound(void **state)
{
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int n = 7;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err), 0);
	nic->state.bound[3] = 9;
	assert_int_equal(devmem_reservation_close(reservation, &err), -EBUSY);
	assert_non_null(strstr(err.message, "binding 9"));
	assert_non_null(strstr(err.message, "reserve restore eth1"));
	assert_int_equal(nic->state.split, 2);
	assert_false(in_table(3));
	/* Nor can others end it, or have the queue. */
	assert_int_equal(devmem_reservation_restore("eth1", &n, options(), &err), -EBUSY);
	assert_int_equal(n, 0);
	assert_true(fake_clock() >= 5000);
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err),
			 -EBUSY);
	assert_non_null(strstr(err.message, "reserved by pid 4711 (test), reservation 1"));
	nic->state.bound[3] = 0;
	assert_int_equal(devmem_reservation_restore("eth1", &n, options(), &err), 0);
	assert_int_equal(n, 1);
	fake_assert_state(nic, &before, "after the restore");
	assert_int_equal(devmem_reservation_close(NULL, &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* ---- every call fails ---- */

/* How much a test has shown, for whoever makes it quicker. */
static void show(unsigned int n, const char *what)
{
	assert_true(n > 0);
	print_message("\t%u %s\n", n, what);
}

/* What happened in a run with failures. */
struct run {
	int open, add[3], close;
	unsigned int first, last; /* calls of the library in it */
	char message[768];	  /* of the last failure of open or close */
};

static void run(struct devmem_netdev *nd, struct run *r)
{
	struct devmem_flow flows[] = { flow4("192.0.2.1", 5201), flow6("2001:db8::1", 5202),
				       flow4("192.0.2.1", 5203) };
	const uint32_t queues[] = { 1, 3 };
	const uint32_t free_queues[] = { 2, 3 };
	/* Queue 1 has somebody's rule in some worlds. */
	const uint32_t *mine = before.rules[0].used ? free_queues : queues;
	struct devmem_reservation *reservation;
	struct devmem_error err;
	size_t i;

	memset(r->message, 0, sizeof(r->message));
	memset(&err, 0, sizeof(err));
	r->add[0] = r->add[1] = r->add[2] = r->close = 0;
	r->open = devmem_reservation_open(&reservation, nd, mine, 2, options(), &err);
	if (r->open) {
		assert_int_equal(err.code, r->open);
		memcpy(r->message, err.message, sizeof(r->message));
	} else {
		/* The last one through an RSS context. */
		for (i = 0; i < 3; i++) {
			r->add[i] = devmem_reservation_add_flow(
				reservation, &flows[i], i < 2 ? mine[i] : DEVMEM_QUEUE_SPREAD, NULL,
				&err);
			if (r->add[i])
				assert_int_equal(err.code, r->add[i]);
		}
		r->close = devmem_reservation_close(reservation, &err);
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
	struct fake_state all;

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
	if (memcmp(now->contexts, before.contexts, sizeof(now->contexts)) &&
	    !strstr(r->message, "RSS context"))
		fail_msg("%s: RSS context isn't named: %s", what, r->message);
	/* Nothing else may have changed at all. */
	memcpy(&all, now, sizeof(all));
	all.split = before.split;
	all.hds_thresh = before.hds_thresh;
	all.features = before.features;
	all.features_wanted = before.features_wanted;
	all.rss_configured = before.rss_configured;
	memcpy(all.indir, before.indir, sizeof(before.indir));
	memcpy(all.rules, before.rules, sizeof(before.rules));
	memcpy(all.contexts, before.contexts, sizeof(before.contexts));
	if (memcmp(&all, &before, sizeof(all)))
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
	assert_true(!r.open && !r.add[0] && !r.add[1] && !r.add[2] && !r.close);
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

/* Where the files lie makes no difference. */
static void test_in_memory(void **state)
{
	(void)state;
	assert_int_equal(undisturbed(WORLD_IN_MEMORY), undisturbed(0));
}

/* One failure, at every call, with every errno that means something somewhere. */
static void test_every_call(void **state)
{
	static const int codes[] = { EINVAL, EOPNOTSUPP, EIO, ENOMEM, EBUSY, EPERM, ENOBUFS };
	struct devmem_netdev *nd;
	unsigned int kind, k, base, total, runs = 0;
	char what[256];
	struct run r;
	size_t i;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (i = 0; i < (kind ? 1 : sizeof(codes) / sizeof(codes[0])); i++)
			for (k = 1, total = undisturbed(kind); k <= total; k++, runs++) {
				world(i ? WORLD_IN_MEMORY : kind);
				nd = open_nic("eth1");
				base = fake_calls();
				fake_fail(base + k, codes[(i + kind) % 7]);
				run(nd, &r);
				describe(what, sizeof(what), kind, k, 0, base,
					 codes[(i + kind) % 7]);
				check_run(&r, what);
				/* One failure before anything is undone is always made good. */
				if (r.open || r.add[0] || r.add[1] || r.add[2])
					fake_assert_state(nic, &before, what);
				restore(what);
				devmem_netdev_close(nd);
				fake_end();
			}
	show(runs, "runs");
}

/* Two failures: the second can be in what undoes. */
static void test_every_two_calls(void **state)
{
	static const unsigned int kinds[] = { WORLD_IN_MEMORY,
					      WORLD_OLD | WORLD_PLACES | WORLD_CUSTOM_TABLE,
					      WORLD_FOREIGN | WORLD_AUTO_SPLIT };
	unsigned int k, j, base, total, runs = 0;
	struct devmem_netdev *nd;
	char what[256];
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (k = 1, total = undisturbed(kinds[i]); k < total; k++)
			for (j = k + 1 + k % 17; j <= total; j += 17, runs++) {
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
				restore(what);
				devmem_netdev_close(nd);
				fake_end();
			}
	show(runs, "runs");
}

/* From some call on nothing works any more. */
static void test_every_call_from(void **state)
{
	static const int codes[] = { EIO, EPERM, ENOMEM };
	unsigned int kind, k, base, total, runs = 0;
	struct devmem_netdev *nd;
	char what[256];
	struct run r;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (k = 1, total = undisturbed(kind); k <= total; k++, runs++) {
			world(kind);
			nd = open_nic("eth1");
			base = fake_calls();
			fake_fail_from(base + k, codes[kind % 3]);
			run(nd, &r);
			describe(what, sizeof(what), kind, k, 0, base, codes[kind % 3]);
			check_run(&r, what);
			restore(what);
			devmem_netdev_close(nd);
			fake_end();
		}
	show(runs, "runs");
}

/* Answers that are lost or damaged, although the kernel did what it was asked to. */
static void test_mischief(void **state)
{
	static const enum fake_mischief kinds[] = { FAKE_SHORT,	  FAKE_STUB,	FAKE_EMPTY,
						    FAKE_GARBAGE, FAKE_OVERRUN, FAKE_BAD_LENGTH,
						    FAKE_NO_TYPE, FAKE_TWICE,	FAKE_STALE,
						    FAKE_NOTICE };
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
			restore(what);
			devmem_netdev_close(nd);
			fake_end();
		}
}

/* The interface goes away at every call: no setting is left to restore, and that's success. */
static void test_vanishes(void **state)
{
	unsigned int kind, k, base, total, runs = 0;
	struct devmem_netdev *nd;
	struct run r;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++)
		for (k = 1, total = undisturbed(kind); k <= total; k++, runs++) {
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
	show(runs, "runs");
}

/* ---- the owner is killed ---- */

/* A whole life: everything that it opens and allocates goes with it when it's killed. */
static void live(void *arg)
{
	struct devmem_netdev *nd;
	struct run *r = arg;

	nd = open_nic("eth1");
	run(nd, r);
	if (r->open || r->add[0] || r->add[1] || r->add[2] || r->close)
		fail_msg("%s", r->message);
	devmem_netdev_close(nd);
}

static void next_user(const char *why)
{
	const uint32_t queue = 3;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	nd = open_nic("eth1");
	if (devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err))
		fail_msg("%s: next user: %s", why, err.message);
	if (devmem_reservation_close(reservation, &err))
		fail_msg("%s: next user's close: %s", why, err.message);
	devmem_netdev_close(nd);
	fake_assert_state(nic, &before, why);
}

/* After every single system call: what is left is put back by a restore, or by the next user. */
static void test_killed(void **state)
{
	unsigned int kind, k, kills = 0;
	bool killed = true;
	char what[128];
	struct run r;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++, killed = true)
		for (k = 1; killed; k++) {
			world(kind);
			fake_process(1);
			killed = fake_crashes(fake_calls() + k, live, &r);
			fake_process(0);
			kills += killed;
			/* Nothing was left out. */
			if (!killed)
				assert_int_equal(k, fake_calls() + 1);
			snprintf(what, sizeof(what), "world %u, killed at call %u (%s)", kind, k,
				 killed ? fake_call_name(k) : "none");
			if (k % 2)
				next_user(what);
			else
				restore(what);
			fake_end();
		}
	show(kills, "kills");
}

/* The same while somebody else has a reservation, who must not notice. */
static void test_killed_beside_another(void **state)
{
	static const unsigned int kinds[] = { 0, WORLD_OLD | WORLD_PLACES | WORLD_CUSTOM_TABLE };
	struct devmem_flow flow = flow4("192.0.2.9", 5209);
	const uint32_t queue = 2;
	struct devmem_reservation *other;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct fake_state during;
	unsigned int k, n, kills = 0;
	bool killed;
	char what[128];
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (k = 1, killed = true; killed; k++) {
			world(kinds[i]);
			nd = open_nic("eth1");
			assert_int_equal(
				devmem_reservation_open(&other, nd, &queue, 1, options(), &err), 0);
			assert_int_equal(devmem_reservation_add_flow(other, &flow, 2, NULL, &err),
					 0);
			fake_snapshot(nic, &during);
			fake_process(1);
			killed = fake_crashes(fake_calls() + k, live, &r);
			fake_process(0);
			kills += killed;
			snprintf(what, sizeof(what), "world %u, killed at call %u", kinds[i], k);
			if (devmem_reservation_restore("eth1", &n, options(), &err))
				fail_msg("%s: %s", what, err.message);
			assert_true(n <= 1);
			fake_assert_state(nic, &during, what);
			if (devmem_reservation_close(other, &err))
				fail_msg("%s: %s", what, err.message);
			fake_assert_state(nic, &before, what);
			devmem_netdev_close(nd);
			fake_end();
		}
	show(kills, "kills");
}

static void put_back(void *arg)
{
	struct devmem_error err = { 0 };

	(void)arg;
	if (devmem_reservation_restore(NULL, NULL, options(), &err))
		fail_msg("%s", err.message);
}

/* Who restores is killed too. */
static void test_killed_twice(void **state)
{
	bool killed = true, again;
	unsigned int k, j, kills = 0;
	char what[128];
	struct run r;

	(void)state;
	for (k = 1; killed; k += 3)
		for (j = 1 + k % 5, again = true; again; j += 5) {
			world(WORLD_IN_MEMORY);
			fake_process(1);
			killed = fake_crashes(fake_calls() + k, live, &r);
			fake_process(2);
			again = fake_crashes(fake_calls() + j, put_back, NULL);
			fake_process(0);
			kills += again;
			snprintf(what, sizeof(what), "killed at call %u, the restorer at %u", k, j);
			restore(what);
			fake_end();
		}
	show(kills, "kills of restorers");
}

/* ---- several users ---- */

static struct devmem_reservation *must_open(struct devmem_netdev *nd, uint32_t queue)
{
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };

	if (devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err))
		fail_msg("queue %u: %s", queue, err.message);
	return reservation;
}

/* Three users leave in every order: RSS keeps off those that are there, and only after the last one
 * is all as it was. */
static void test_orders(void **state)
{
	static const unsigned int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						   { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct devmem_reservation *users[3];
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int kind, order, i, left;

	(void)state;
	for (kind = 0; kind < WORLDS; kind++) {
		if (kind & WORLD_FOREIGN)
			continue; /* has rules on these queues */
		for (order = 0; order < 6; order++) {
			world(kind);
			nd = open_nic("eth1");
			for (i = 0; i < 3; i++) {
				users[i] = must_open(nd, i + 1);
				assert_int_equal(devmem_reservation_id(users[i]), i + 1);
				assert_false(in_table(i + 1));
			}
			assert_true(in_table(0));
			for (i = 0; i < 3; i++) {
				unsigned int leaving = orders[order][i];

				assert_int_equal(nic->state.split, 2);
				if (devmem_reservation_close(users[leaving], &err))
					fail_msg("world %u: %s", kind, err.message);
				users[leaving] = NULL;
				for (left = 0; left < 3; left++)
					assert_int_equal(in_table(left + 1),
							 users[left] ? 0 : !!before_has(left + 1));
			}
			fake_assert_state(nic, &before, "after the last one");
			devmem_netdev_close(nd);
			fake_end();
		}
	}
}

/* Queues are never given twice, and whoever has one is named. */
static void test_taken(void **state)
{
	const uint32_t two = 2;
	struct devmem_reservation *a, *b, *c;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	const uint32_t *queues;
	size_t n;

	(void)state;
	world(0);
	fake_comm("trainer");
	nic->state.bound[1] = 77;
	fake_snapshot(nic, &before);
	nd = open_nic("eth1");
	a = must_open(nd, 2);
	assert_int_equal(devmem_reservation_open(&b, nd, &two, 1, options(), &err), -EBUSY);
	assert_non_null(
		strstr(err.message, "queue 2: reserved by pid 4711 (trainer), reservation 1"));
	/* The only one that is free. */
	assert_int_equal(devmem_reservation_open(&b, nd, NULL, 1, options(), &err), 0);
	queues = devmem_reservation_queues(b, &n);
	assert_int_equal(n, 1);
	assert_int_equal(queues[0], 3);
	/* Queue 0 is left for all others, and 1 is bound. */
	assert_int_equal(devmem_reservation_open(&c, nd, NULL, 2, options(), &err), -EBUSY);
	assert_non_null(strstr(
		err.message, "2 of them reserved (1 by pid 4711 (trainer), reservation 1; 1 by "));
	nic->state.rules[0].used = 1;
	nic->state.rules[0].fs.flow_type = TCP_V4_FLOW;
	assert_int_equal(devmem_reservation_open(&c, nd, NULL, 1, options(), &err), -EBUSY);
	assert_non_null(strstr(err.message, "0 of 4 free"));
	assert_non_null(strstr(err.message, "1: has binding 77"));
	assert_non_null(strstr(err.message, "2: reserved by pid 4711 (trainer), reservation 1"));
	assert_non_null(strstr(err.message, "0: flow rules send packets to it"));
	memset(&nic->state.rules[0], 0, sizeof(nic->state.rules[0]));
	assert_int_equal(devmem_reservation_close(a, &err), 0);
	/* Header split can't be switched off below the binding of somebody else's. */
	assert_int_equal(devmem_reservation_close(b, &err), -EINVAL);
	assert_non_null(strstr(err.message, "not put back: header split (was off)"));
	nic->state.bound[1] = before.bound[1] = 0;
	assert_int_equal(devmem_reservation_restore("eth1", NULL, options(), &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* ---- somebody else changes things ---- */

struct change {
	const char *what;
	void (*change)(void); /* while the reservation lives */
	void (*expect)(void); /* makes before what must be there afterwards */
	const char *noticed;  /* to the user, NULL: nothing */
};

static void split_off(void)
{
	nic->state.split = 0;
}

static void thresh_other(void)
{
	nic->state.hds_thresh = 100;
}

static void expect_thresh(void)
{
	before.hds_thresh = 100;
}

static void table_other(void)
{
	size_t i;

	for (i = 0; i < nic->indir_size; i++)
		nic->state.indir[i] = 1;
}

static void expect_table(void)
{
	memcpy(before.indir, nic->state.indir, sizeof(before.indir));
	before.rss_configured = 1;
}

static void expect_split_off(void)
{
	before.split = 0;
}

static void rule_added(void)
{
	fake_rule_put(nic, 7, TCP_V4_FLOW, 0);
	nic->state.rules[7].fs.h_u.tcp_ip4_spec.pdst = htons(22);
	nic->state.rules[7].fs.m_u.tcp_ip4_spec.pdst = 0xffff;
}

static void expect_rule(void)
{
	before.rules[7] = nic->state.rules[7];
	before.features = nic->state.features;
	before.features_wanted = nic->state.features_wanted;
}

static void context_changed(void)
{
	size_t i;

	for (i = 0; i < nic->indir_size; i++)
		nic->state.contexts[0].indir[i] = 0;
}

static void expect_context(void)
{
	before.contexts[0] = nic->state.contexts[0];
}

static void nobody(void)
{
}

/* It's left as somebody set it, and that is said; all else comes back. */
static void test_changed_meanwhile(void **state)
{
	static const struct change changes[] = {
		{ "nothing", nobody, nobody, NULL },
		{ "split", split_off, expect_split_off, "somebody changed header split" },
		{ "threshold", thresh_other, expect_thresh, "somebody changed hds-thresh" },
		{ "table", table_other, expect_table, "somebody changed the RSS table" },
		{ "rule added", rule_added, expect_rule, "ntuple stays on" },
		{ "context", context_changed, expect_context, "somebody changed RSS context 1" },
	};
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	const uint32_t queues[] = { 2, 3 };
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		world(0);
		nd = open_nic("eth1");
		assert_int_equal(
			devmem_reservation_open(&reservation, nd, queues, 2, options(), &err), 0);
		assert_int_equal(devmem_reservation_add_flow(reservation, &flow,
							     DEVMEM_QUEUE_SPREAD, NULL, &err),
				 0);
		changes[i].change();
		changes[i].expect();
		if (devmem_reservation_close(reservation, &err))
			fail_msg("%s: %s", changes[i].what, err.message);
		fake_assert_state(nic, &before, changes[i].what);
		if (changes[i].noticed ? !strstr(noticed, changes[i].noticed) : noticed[0])
			fail_msg("%s: noticed: %s", changes[i].what, noticed);
		devmem_netdev_close(nd);
		fake_end();
	}
}

/* A second user comes after the change: what it found is what comes back. */
static void test_changed_between_users(void **state)
{
	struct devmem_reservation *a, *b;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	size_t i;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	a = must_open(nd, 3);
	for (i = 0; i < nic->indir_size; i++)
		nic->state.indir[i] = 1 + i % 2;
	nic->state.hds_thresh = 100;
	expect_table();
	before.hds_thresh = 100;
	b = must_open(nd, 2);
	assert_non_null(strstr(noticed, "somebody changed the RSS table meanwhile"));
	assert_non_null(strstr(noticed, "somebody changed hds-thresh meanwhile"));
	assert_false(in_table(2));
	assert_int_equal(nic->state.hds_thresh, 0);
	assert_int_equal(devmem_reservation_close(a, &err), 0);
	assert_false(in_table(2));
	assert_int_equal(devmem_reservation_close(b, &err), 0);
	fake_assert_state(nic, &before, "after both");
	devmem_netdev_close(nd);
	fake_end();
}

/* ---- journal ---- */

static void test_list(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201), other = flow4("192.0.2.1", 5202);
	const uint32_t queues[] = { 3, 1 };
	struct devmem_reservation *reservation;
	struct devmem_reservation_info *list;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	uint32_t place;
	size_t n;

	(void)state;
	world(0);
	fake_comm("trainer");
	fake_time(1800000000);
	assert_int_equal(devmem_reservation_list(&list, &n, NULL, options(), &err), 0);
	assert_int_equal(n, 0);
	nd = open_nic("eth1");
	assert_int_equal(devmem_reservation_open(&reservation, nd, queues, 2, options(), &err), 0);
	assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, &place, &err), 0);
	assert_int_equal(
		devmem_reservation_add_flow(reservation, &other, DEVMEM_QUEUE_SPREAD, NULL, &err),
		0);
	assert_int_equal(devmem_reservation_list(&list, &n, "eth1", options(), &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list->id, 1);
	assert_int_equal(list->alive, 1);
	assert_int_equal(list->stale, 0);
	assert_int_equal(list->ifindex, nic->ifindex);
	assert_string_equal(list->name, "eth1");
	assert_string_equal(list->bus, nic->bus);
	assert_int_equal(list->pid, 4711);
	assert_string_equal(list->command, "trainer");
	assert_int_equal(list->since, 1800000000);
	assert_int_equal(list->n_queues, 2);
	assert_int_equal(list->queues[0], 1);
	assert_int_equal(list->queues[1], 3);
	assert_int_equal(list->n_flows, 2);
	assert_int_equal(list->flows[0].location, place);
	assert_int_equal(list->flows[0].queue, 3);
	assert_memory_equal(&list->flows[0].flow, &flow, sizeof(flow));
	assert_int_equal(list->flows[1].queue, DEVMEM_QUEUE_SPREAD);
	assert_string_equal(list->settings, "header split (was off), hds-thresh (was 256), "
					    "ntuple (was off), RSS table (was the default)");
	devmem_reservation_list_free(list, n);
	/* None on the other interface, and no third one. */
	assert_int_equal(devmem_reservation_list(&list, &n, "eth0", options(), &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(devmem_reservation_list(&list, &n, "eth7", options(), &err), -ENODEV);
	assert_int_equal(devmem_reservation_restore("eth7", NULL, options(), &err), -ENODEV);
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* Neither a list nor a restoring passes over what it can't read. */
static void test_unreadable(void **state)
{
	static const char *const what[] = { "boot_id", "sys_list_dir" };
	struct devmem_reservation *reservation;
	struct devmem_reservation_info *list;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int i, k;
	int ret = 0;
	size_t n;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	reservation = must_open(nd, 3);
	for (i = 0; i < 4; i++) {
		for (k = 1; k < 20 && !strstr(fake_failed(), what[i / 2]); k++) {
			fake_fail(fake_calls() + k, ENOENT);
			ret = i % 2 ? devmem_reservation_restore(NULL, NULL, options(), &err)
				    : devmem_reservation_list(&list, &n, NULL, options(), &err);
			if (i % 2 == 0 && !ret)
				devmem_reservation_list_free(list, n);
		}
		assert_int_equal(ret, -ENOENT);
		assert_non_null(strstr(err.message, "open: No such file"));
		fake_fail(0, 0);
	}
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* Somebody deletes a flow's rule first: that is no failure, and leaves no error behind. */
static void test_rule_gone(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int k, gone = 0;
	bool failed = true;
	uint32_t place;
	int ret;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	reservation = must_open(nd, 3);
	for (k = 1; failed; k++) {
		assert_int_equal(devmem_reservation_add_flow(reservation, &flow, 3, &place, &err),
				 0);
		fake_fail(fake_calls() + k, ENOENT);
		ret = devmem_reservation_del_flow(reservation, place, &err);
		assert_int_equal(err.code, ret);
		memset(&err, 0, sizeof(err));
		failed = fake_failed()[0];
		fake_fail(0, 0);
		if (ret)
			devmem_reservation_del_flow(reservation, place, NULL);
		gone += nic->state.rules[place].used;
		nic->state.rules[place].used = 0;
	}
	assert_true(gone);
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* The interface is in another network namespace: nothing is forgotten, and it's restored there. */
static void test_moved(void **state)
{
	static const char *const buses[] = { "pci", "auxiliary" };
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int n, i;

	(void)state;
	for (i = 0; i < 4; i++) {
		world(0);
		if (i < 2)
			fake_device(buses[i], nic->bus);
		/* One without a device; what is asked in another network namespace says nothing. */
		if (i == 3)
			nic->bus[0] = '\0';
		nd = open_nic("eth1");
		reservation = must_open(nd, 3);
		nic->present = false;
		if (i == 3)
			fake_netns(4711);
		if (i == 2) {
			/* Its device is gone: nothing to put back. */
			assert_int_equal(devmem_reservation_close(reservation, &err), 0);
			devmem_netdev_close(nd);
			fake_end();
			continue;
		}
		assert_int_equal(devmem_reservation_close(reservation, &err), -ENODEV);
		assert_non_null(strstr(err.message, "header split (was off)"));
		assert_int_equal(devmem_reservation_restore(NULL, &n, options(), &err), 0);
		assert_int_equal(n, 0);
		assert_non_null(strstr(noticed, "not in this network namespace"));
		nic->present = true;
		assert_int_equal(devmem_reservation_restore(NULL, &n, options(), &err), 0);
		assert_int_equal(n, 1);
		fake_assert_state(nic, &before, "after the restore");
		devmem_netdev_close(nd);
		fake_end();
	}
}

/* Without the journal nothing says what was there before. */
static void test_journal_removed(void **state)
{
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	char path[256];

	(void)state;
	world(0);
	nd = open_nic("eth1");
	reservation = must_open(nd, 3);
	snprintf(path, sizeof(path), "%s/%s.journal", fake_dir(), fake_spawn_arg(2));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(devmem_reservation_close(reservation, &err), -ENOENT);
	assert_non_null(strstr(err.message, "somebody removed its journal"));
	assert_non_null(strstr(err.message, "header split (was off), hds-thresh (was 256)"));
	/* The owner's file is swept with the next look. */
	assert_int_equal(devmem_reservation_restore(NULL, NULL, options(), &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* A flow for another process's reservation. */
static void test_attach(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	struct devmem_reservation *own, *attached;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct fake_state during;
	bool failed = true;
	uint32_t place;
	unsigned int k;
	size_t n;
	int ret;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	own = must_open(nd, 3);
	fake_snapshot(nic, &during);
	fake_process(1);
	for (k = 1; failed; k++) {
		fake_fail(fake_calls() + k, ENOENT);
		ret = devmem_reservation_attach(&attached, nd, 1, options(), &err);
		assert_int_equal(err.code, ret);
		memset(&err, 0, sizeof(err));
		failed = fake_failed()[0];
		fake_fail(0, 0);
		assert_int_equal(devmem_reservation_close(attached, NULL), 0);
	}
	assert_int_equal(devmem_reservation_attach(&attached, nd, 2, options(), &err), -ENOENT);
	assert_null(attached);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_int_equal(devmem_reservation_attach(&attached, nd, 1, options(), &err), 0);
	assert_int_equal(devmem_reservation_id(attached), 1);
	assert_int_equal(devmem_reservation_queues(attached, &n)[0], 3);
	assert_int_equal(devmem_reservation_add_flow(attached, &flow, 2, NULL, &err), -EINVAL);
	assert_int_equal(devmem_reservation_add_flow(attached, &flow, 3, &place, &err), 0);
	assert_int_equal(devmem_reservation_del_flow(attached, place + 1, &err), -ENOENT);
	assert_int_equal(devmem_reservation_del_flow(attached, place, &err), 0);
	fake_assert_state(nic, &during, "after the flow's end");
	assert_int_equal(devmem_reservation_add_flow(attached, &flow, 3, &place, &err), 0);
	assert_int_equal(devmem_reservation_close(attached, &err), 0);
	/* It stays until the owner ends. */
	assert_true(nic->state.rules[place].used);
	fake_process(0);
	assert_int_equal(devmem_reservation_close(own, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

/* The machine was started again: nothing of what the journal says is there any more. */
static void test_stale(void **state)
{
	struct devmem_reservation_info *list;
	struct devmem_error err = { 0 };
	unsigned int k, n;
	struct run r;
	size_t count;

	(void)state;
	for (k = 0; k < 2; k++) {
		world(0);
		fake_process(1);
		/* With header split on, somewhere before the end. */
		assert_true(fake_crashes(fake_calls() + 200, live, &r));
		fake_process(0);
		memcpy(&nic->state, &before, sizeof(before));
		/* As somebody wants it after the boot. */
		nic->state.hds_thresh = 7;
		before.hds_thresh = 7;
		fake_boot("fedcba98-7654-4321-8fed-cba987654321");
		assert_int_equal(devmem_reservation_list(&list, &count, NULL, options(), &err), 0);
		assert_int_equal(count, 1);
		assert_int_equal(list->stale, 1);
		assert_int_equal(list->alive, 0);
		devmem_reservation_list_free(list, count);
		if (k) {
			next_user("after a boot");
		} else {
			assert_int_equal(devmem_reservation_restore(NULL, &n, options(), &err), 0);
			assert_int_equal(n, 0);
		}
		fake_assert_state(nic, &before, "after a boot");
		assert_non_null(strstr(noticed, "before the last boot"));
		fake_end();
	}
}

static void test_no_watcher_program(void **state)
{
	const uint32_t queue = 3;
	struct devmem_reservation_options without;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	fake_spawn_says("error: without CAP_NET_ADMIN it could put nothing back\n");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err),
			 -EPERM);
	assert_non_null(strstr(err.message, "without CAP_NET_ADMIN it could"));
	fake_spawn_says("hello\n");
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, options(), &err),
			 -ENOEXEC);
	assert_string_equal(fake_spawn_arg(0), "/libexec/watcher");
	assert_string_equal(fake_spawn_arg(1), fake_dir());
	assert_string_equal(fake_spawn_arg(3), "1");
	assert_null(fake_spawn_arg(4));
	assert_int_equal(fake_spawns(), 2);
	/* Before anything was changed. */
	assert_int_equal(fake_log_len(), 2);
	assert_string_equal(fake_log(0), "spawn /libexec/watcher");
	assert_string_equal(fake_log(1), "spawn /libexec/watcher");
	without = *options();
	without.flags = DEVMEM_RESERVATION_NO_WATCHER;
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, &without, &err), 0);
	assert_int_equal(fake_spawns(), 2);
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	without.flags = 1U << 7;
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, &without, &err),
			 -EINVAL);
	devmem_netdev_close(nd);
	fake_end();
}

/* Numbers are given again: a handle tells its own reservation from another of the same number. */
static void test_number_again(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	struct devmem_reservation *a, *b, *attached;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct fake_state during;
	char path[256];

	(void)state;
	world(0);
	nd = open_nic("eth1");
	a = must_open(nd, 3);
	assert_int_equal(devmem_reservation_attach(&attached, nd, 1, options(), &err), 0);
	assert_int_equal(devmem_reservation_close(a, &err), 0);
	b = must_open(nd, 2);
	assert_int_equal(devmem_reservation_id(b), 1);
	assert_int_equal(devmem_reservation_add_flow(attached, &flow, 3, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.message, "no reservation 1 any more"));
	assert_int_equal(devmem_reservation_close(attached, &err), 0);
	assert_int_equal(devmem_reservation_close(b, &err), 0);
	fake_assert_state(nic, &before, "after attach");

	/* Somebody removes all files of a living owner. */
	a = must_open(nd, 3);
	snprintf(path, sizeof(path), "%s/%s.journal", fake_dir(), fake_spawn_arg(2));
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/%s.1.owner", fake_dir(), fake_spawn_arg(2));
	assert_int_equal(unlink(path), 0);
	b = must_open(nd, 2);
	assert_int_equal(devmem_reservation_id(b), 1);
	fake_snapshot(nic, &during);
	assert_int_equal(devmem_reservation_close(a, &err), -ENOENT);
	fake_assert_state(nic, &during, "another of the same number lives");
	assert_int_equal(devmem_reservation_close(b, &err), 0);
	devmem_netdev_close(nd);
	fake_end();
}

/* A child that was forked, and has all that its parent has open, doesn't keep a reservation alive
 * that the parent has closed. */
static void test_forked_child(void **state)
{
	struct devmem_reservation_info *list;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int n;
	size_t count;
	pid_t child;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	reservation = must_open(nd, 3);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* Also if the test fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	/* Closed in vain: from now on it's one of a dead owner. */
	nic->state.bound[3] = 9;
	assert_int_equal(devmem_reservation_close(reservation, &err), -EBUSY);
	nic->state.bound[3] = 0;
	assert_int_equal(devmem_reservation_list(&list, &count, "eth1", options(), &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(list->alive, 0);
	devmem_reservation_list_free(list, count);
	assert_int_equal(devmem_reservation_restore("eth1", &n, options(), &err), 0);
	assert_int_equal(n, 1);
	fake_assert_state(nic, &before, "after the restore");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	devmem_netdev_close(nd);
	fake_end();
}

/* What is wrong with one interface's journal is no matter of another's. */
static void test_two_nics(void **state)
{
	struct devmem_reservation_info *list;
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int n;
	char path[256];
	size_t count;
	FILE *file;

	(void)state;
	world(0);
	nd = open_nic("eth1");
	reservation = must_open(nd, 3);
	snprintf(path, sizeof(path), "%s/other.journal", fake_dir());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("garbage\n", file);
	fclose(file);
	assert_int_equal(devmem_reservation_list(&list, &count, "eth1", options(), &err), 0);
	assert_int_equal(count, 1);
	devmem_reservation_list_free(list, count);
	assert_int_equal(devmem_reservation_restore("eth1", &n, options(), &err), 0);
	/* Of all of them it is. */
	assert_int_equal(devmem_reservation_list(&list, &count, NULL, options(), &err), -EBADMSG);
	assert_non_null(strstr(err.message, "other.journal"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(devmem_reservation_close(reservation, &err), 0);
	fake_assert_state(nic, &before, "after close");
	devmem_netdev_close(nd);
	fake_end();
}

static bool twin;

static void insert_twin(void *arg)
{
	const struct devmem_flow *flow = arg;
	struct devmem_error err;
	struct devmem_netdev *nd;

	nd = open_nic("eth1");
	twin = !devmem_flow_add(nd, flow, 3, NULL, &err);
	devmem_netdev_close(nd);
}

/* Somebody inserts the very same rule just before we do: it's theirs. */
static void test_twin_rule(void **state)
{
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	unsigned int k, i, used;
	bool refused = false;

	(void)state;
	for (k = 1; k < 60; k++) {
		world(0);
		nic->refuse_duplicates = true;
		nd = open_nic("eth1");
		reservation = must_open(nd, 3);
		twin = false;
		fake_before(fake_calls() + k, insert_twin, &flow);
		if (devmem_reservation_add_flow(reservation, &flow, 3, NULL, &err) && twin) {
			refused = true;
			for (i = 0, used = 0; i < nic->rules_max; i++)
				used += nic->state.rules[i].used;
			if (used != 1)
				fail_msg("at call %u: %u rules", k, used);
		}
		fake_before(0, NULL, NULL);
		devmem_reservation_close(reservation, &err);
		devmem_netdev_close(nd);
		fake_dir_keep();
		fake_end();
	}
	assert_true(refused);
}

/* ---- watcher ---- */

static void die_now(void *arg)
{
	(void)arg;
	fake_kill(1);
}

static void hold_for_ever(void *arg)
{
	const uint32_t queues[] = { 2, 3 };
	struct devmem_flow flow = flow4("192.0.2.1", 5201);
	struct devmem_reservation *reservation;
	struct devmem_error err = { 0 };

	(void)arg;
	assert_int_equal(
		devmem_reservation_open(&reservation, open_nic("eth1"), queues, 2, options(), &err),
		0);
	assert_int_equal(
		devmem_reservation_add_flow(reservation, &flow, DEVMEM_QUEUE_SPREAD, NULL, &err),
		0);
}

static bool watching;

static void on_ready(void *arg)
{
	(void)arg;
	watching = true;
}

/* The nic's name as the watcher got it. */
static void watch(struct devmem_error *err)
{
	watching = false;
	assert_int_equal(devmem_reservation_watch(fake_spawn_arg(2), 1, on_ready, options(), err),
			 0);
	assert_true(watching);
}

static void test_watch(void **state)
{
	struct devmem_error err = { 0 };

	(void)state;
	world(0);
	fake_process(1);
	assert_false(fake_crashes(0, hold_for_ever, NULL));
	fake_process(2);
	fake_on_wait(die_now, NULL);
	assert_int_equal(nic->state.split, 2);
	watch(&err);
	assert_non_null(strstr(
		noticed, "ended the reservation of a dead owner: pid 4712 (test), reservation 1"));
	fake_assert_state(nic, &before, "after the owner's death");
	/* Nobody to watch. */
	assert_int_equal(devmem_reservation_watch(fake_spawn_arg(2), 1, NULL, options(), &err),
			 -ENOENT);
	fake_process(0);
	fake_end();
}

static unsigned int looks;

/* The kernel unbinds when a child that the owner had forked is dead as well. */
static void unbind_later(void *arg)
{
	(void)arg;
	fake_kill(1);
	nic->state.bound[3] = 9;
	looks = 0;
}

static void count_look(const char *name, void *arg)
{
	(void)arg;
	/* At the fourth look the child is dead. */
	if (!strcmp(name, "unlock") && ++looks == 3)
		nic->state.bound[3] = 0;
}

/* The watcher waits for that, but keeps others from the interface only once. */
static void test_watch_bound(void **state)
{
	struct devmem_reservation_options o;
	struct devmem_error err = { 0 };
	uint64_t start;

	(void)state;
	world(0);
	fake_process(1);
	assert_false(fake_crashes(0, hold_for_ever, NULL));
	fake_process(2);
	fake_on_wait(unbind_later, NULL);
	o = *options();
	o.step = count_look;
	start = fake_clock();
	assert_int_equal(devmem_reservation_watch(fake_spawn_arg(2), 1, NULL, &o, &err), 0);
	assert_int_equal(looks, 4);
	assert_true(fake_clock() - start < 5000 + 4 * 1100);
	fake_assert_state(nic, &before, "after the child's death");
	fake_process(0);
	fake_end();
}

static struct fake_nic *other;

/* While the watcher waits, the interface goes, and another one gets its index. */
static void replace_nic(const char *name, void *arg)
{
	(void)arg;
	if (strcmp(name, "unlock") != 0 || !nic->present)
		return;
	nic->present = false;
	other->ifindex = nic->ifindex;
}

static void test_watch_replaced(void **state)
{
	struct devmem_reservation_options o;
	struct devmem_error err = { 0 };

	(void)state;
	world(0);
	other = fake_nic_rich("eth2");
	other->state.split = 2;
	fake_snapshot(other, &before);
	fake_process(1);
	assert_false(fake_crashes(0, hold_for_ever, NULL));
	fake_process(2);
	fake_on_wait(unbind_later, NULL);
	o = *options();
	o.step = replace_nic;
	assert_int_equal(devmem_reservation_watch(fake_spawn_arg(2), 1, NULL, &o, &err), 0);
	assert_non_null(strstr(noticed, "eth1 is gone: nothing to put back"));
	fake_assert_state(other, &before, "another interface with the same index");
	fake_process(0);
	fake_end();
}

static struct devmem_reservation *successor;
static struct devmem_netdev *successor_nd;

/* The owner dies, and before the watcher wakes up somebody has restored and got the number. */
static void die_and_succeed(void *arg)
{
	(void)arg;
	fake_kill(1);
	fake_process(0);
	successor_nd = open_nic("eth1");
	successor = must_open(successor_nd, 3);
	assert_int_equal(devmem_reservation_id(successor), 1);
	fake_process(2);
}

static void test_watch_successor(void **state)
{
	struct devmem_error err = { 0 };

	(void)state;
	world(0);
	fake_process(1);
	assert_false(fake_crashes(0, hold_for_ever, NULL));
	fake_process(2);
	fake_on_wait(die_and_succeed, NULL);
	watch(&err);
	fake_process(0);
	/* His reservation is as it was. */
	assert_int_equal(nic->state.split, 2);
	assert_false(in_table(3));
	assert_int_equal(devmem_reservation_close(successor, &err), 0);
	fake_assert_state(nic, &before, "after the successor");
	devmem_netdev_close(successor_nd);
	fake_end();
}

/* A pattern as first argument: only the tests with such names. As second one, after "not": only the
 * others. */
int main(int argc, char **argv)
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
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_every_two_calls),
		cmocka_unit_test(test_every_call_from),
		cmocka_unit_test(test_mischief),
		cmocka_unit_test(test_vanishes),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_beside_another),
		cmocka_unit_test(test_killed_twice),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_changed_between_users),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_rule_gone),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_journal_removed),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_no_watcher_program),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_successor),
		cmocka_unit_test(test_watch_bound),
		cmocka_unit_test(test_watch_replaced),
		cmocka_unit_test(test_number_again),
		cmocka_unit_test(test_forked_child),
		cmocka_unit_test(test_two_nics),
		cmocka_unit_test(test_twin_rule),
	};

	if (argc > 2 && !strcmp(argv[1], "not"))
		cmocka_set_skip_filter(argv[2]);
	else if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
