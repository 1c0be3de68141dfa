// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules over the kernel of fake_kernel.c. */
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
#include "nic/ethtool_rules.h"
#include "nic/flow.h"
#include "nic/netdev.h"

static struct fake_nic *nic;
static struct devmem_netdev *nd;
static struct devmem_error err;

static void world(enum fake_personality personality)
{
	fake_begin(personality);
	nic = fake_nic_rich("eth1");
	/* Rules are on. */
	fake_rule_put(nic, 0, UDP_V4_FLOW, 0);
	memset(&nic->state.rules[0], 0, sizeof(nic->state.rules[0]));
	memset(&err, 0, sizeof(err));
	if (devmem_netdev_open(&nd, "eth1", &err))
		fail_msg("%s", err.message);
}

static int begin(void **state)
{
	(void)state;
	world(FAKE_LINUX_7_3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	devmem_netdev_close(nd);
	fake_end();
	return 0;
}

static void set4(struct sockaddr_storage *ss, const char *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	memset(ss, 0, sizeof(*ss));
	assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
	memcpy(ss, &in, sizeof(in));
}

static void set6(struct sockaddr_storage *ss, const char *addr, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ss, 0, sizeof(*ss));
	assert_int_equal(inet_pton(AF_INET6, addr, &in6.sin6_addr), 1);
	memcpy(ss, &in6, sizeof(in6));
}

static struct ethtool_rx_flow_spec *spec_at(uint32_t place)
{
	assert_true(place < nic->rules_max);
	assert_true(nic->state.rules[place].used);
	return &nic->state.rules[place].fs;
}

/* Every combination of what a flow may leave open, for both families: the rule in the table has
 * exactly those fields and full masks, and the list gives the flow back. */
static void test_every_form(void **state)
{
	struct devmem_flow_rule *rules;
	struct devmem_flow flow;
	unsigned int form;
	uint32_t place;
	size_t n;
	int ret;

	(void)state;
	for (form = 0; form < 32; form++) {
		bool six = form & 16, da = form & 1, dp = form & 2, sa = form & 4, sp = form & 8;
		const struct ethtool_rx_flow_spec *fs;

		end(NULL);
		begin(NULL);
		memset(&flow, 0, sizeof(flow));
		if (six) {
			set6(&flow.dst, da ? "2001:db8::1" : "::", dp ? 5201 : 0);
			set6(&flow.src, sa ? "2001:db8::2" : "::", sp ? 40000 : 0);
		} else {
			set4(&flow.dst, da ? "192.0.2.1" : "0.0.0.0", dp ? 5201 : 0);
			set4(&flow.src, sa ? "192.0.2.2" : "0.0.0.0", sp ? 40000 : 0);
		}
		ret = devmem_flow_add(nd, &flow, 3, &place, &err);
		if (!da && !dp) {
			assert_int_equal(ret, -EINVAL);
			continue;
		}
		if (ret)
			fail_msg("form %u: %s", form, err.message);
		fs = spec_at(place);
		assert_true(fs->ring_cookie == 3);
		if (six) {
			const struct ethtool_tcpip6_spec *h = &fs->h_u.tcp_ip6_spec;
			const struct ethtool_tcpip6_spec *m = &fs->m_u.tcp_ip6_spec;
			static const uint32_t ones[4] = { UINT32_MAX, UINT32_MAX, UINT32_MAX,
							  UINT32_MAX };
			static const uint32_t zeros[4];

			assert_int_equal(fs->flow_type, TCP_V6_FLOW);
			assert_memory_equal(m->ip6dst, da ? ones : zeros, 16);
			assert_memory_equal(m->ip6src, sa ? ones : zeros, 16);
			assert_memory_equal(h->ip6dst,
					    &((struct sockaddr_in6 *)&flow.dst)->sin6_addr, 16);
			assert_memory_equal(h->ip6src,
					    &((struct sockaddr_in6 *)&flow.src)->sin6_addr, 16);
			assert_int_equal(m->pdst, dp ? 0xffff : 0);
			assert_int_equal(m->psrc, sp ? 0xffff : 0);
			assert_int_equal(h->pdst, dp ? htons(5201) : 0);
			assert_int_equal(h->psrc, sp ? htons(40000) : 0);
			assert_int_equal(m->tclass, 0);
		} else {
			const struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec;
			const struct ethtool_tcpip4_spec *m = &fs->m_u.tcp_ip4_spec;

			assert_int_equal(fs->flow_type, TCP_V4_FLOW);
			assert_true(m->ip4dst == (da ? UINT32_MAX : 0));
			assert_true(m->ip4src == (sa ? UINT32_MAX : 0));
			assert_int_equal(h->ip4dst, da ? inet_addr("192.0.2.1") : 0);
			assert_int_equal(h->ip4src, sa ? inet_addr("192.0.2.2") : 0);
			assert_int_equal(m->pdst, dp ? 0xffff : 0);
			assert_int_equal(m->psrc, sp ? 0xffff : 0);
			assert_int_equal(h->pdst, dp ? htons(5201) : 0);
			assert_int_equal(h->psrc, sp ? htons(40000) : 0);
			assert_int_equal(m->tos, 0);
		}
		assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), 0);
		assert_int_equal(n, 1);
		assert_int_equal(rules[0].location, place);
		assert_int_equal(rules[0].queue, 3);
		assert_int_equal(rules[0].tcp, 1);
		assert_int_equal(rules[0].drop, 0);
		assert_memory_equal(&rules[0].flow.dst, &flow.dst, sizeof(flow.dst));
		if (sa || sp)
			assert_memory_equal(&rules[0].flow.src, &flow.src, sizeof(flow.src));
		else
			assert_int_equal(rules[0].flow.src.ss_family, AF_UNSPEC);
		/* What the list gives can be added again once the rule is gone. */
		assert_int_equal(devmem_flow_del(nd, place, &err), 0);
		assert_int_equal(devmem_flow_add(nd, &rules[0].flow, 3, &place, &err), 0);
		assert_memory_equal(&spec_at(place)->h_u, &fs->h_u, sizeof(fs->h_u));
		free(rules);
	}
}

static void test_bad_flows(void **state)
{
	struct fake_state before;
	struct devmem_flow flow;
	uint32_t place = 77;

	(void)state;
	fake_snapshot(nic, &before);
	memset(&flow, 0, sizeof(flow));
	assert_int_equal(devmem_flow_add(nd, &flow, 0, &place, &err), -EINVAL);
	set4(&flow.dst, "192.0.2.1", 1);
	set6(&flow.src, "2001:db8::1", 2);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, &place, &err), -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	flow.src.ss_family = AF_UNIX;
	assert_int_equal(devmem_flow_add(nd, &flow, 0, &place, &err), -EINVAL);
	memset(&flow.src, 0, sizeof(flow.src));
	assert_int_equal(devmem_flow_add(nd, &flow, 4, &place, &err), -EINVAL);
	assert_non_null(strstr(err.message, "queue 4"));
	assert_int_equal(devmem_flow_add(nd, &flow, UINT32_MAX, &place, &err), -EINVAL);
	assert_int_equal(devmem_flow_add(nd, &flow, 4, &place, NULL), -EINVAL);
	assert_int_equal(place, 77);
	fake_assert_state(nic, &before, "after refusals");
}

/* An IPv4 address in IPv6 clothes is an IPv4 flow. */
static void test_v4_mapped(void **state)
{
	struct devmem_flow flow;
	uint32_t place;

	(void)state;
	memset(&flow, 0, sizeof(flow));
	set6(&flow.dst, "::ffff:192.0.2.1", 5201);
	set6(&flow.src, "::ffff:192.0.2.2", 40000);
	assert_int_equal(devmem_flow_add(nd, &flow, 1, &place, &err), 0);
	assert_int_equal(spec_at(place)->flow_type, TCP_V4_FLOW);
	assert_int_equal(spec_at(place)->h_u.tcp_ip4_spec.ip4dst, inet_addr("192.0.2.1"));
	assert_int_equal(spec_at(place)->h_u.tcp_ip4_spec.ip4src, inet_addr("192.0.2.2"));
	/* One end in each form is the same flow, which is there already. */
	set4(&flow.src, "192.0.2.2", 40000);
	assert_int_equal(devmem_flow_add(nd, &flow, 1, &place, &err), -EEXIST);
}

static void test_from_socket(void **state)
{
	struct sockaddr_storage local, peer;
	struct devmem_flow flow;
	int fd;

	(void)state;
	/* Listening. */
	set4(&local, "0.0.0.0", 5201);
	fd = fake_tcp(&local, NULL, sizeof(struct sockaddr_in));
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), 0);
	assert_memory_equal(&flow.dst, &local, sizeof(local));
	assert_int_equal(flow.src.ss_family, AF_UNSPEC);
	fake_close(fd);
	/* Connected. */
	set6(&local, "2001:db8::1", 5201);
	set6(&peer, "2001:db8::2", 40000);
	fd = fake_tcp(&local, &peer, sizeof(struct sockaddr_in6));
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), 0);
	assert_memory_equal(&flow.dst, &local, sizeof(local));
	assert_memory_equal(&flow.src, &peer, sizeof(peer));
	fake_close(fd);
	/* An IPv6 socket connected over IPv4. */
	set6(&local, "::ffff:192.0.2.1", 5201);
	set6(&peer, "::ffff:192.0.2.2", 40000);
	fd = fake_tcp(&local, &peer, sizeof(struct sockaddr_in6));
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), 0);
	set4(&local, "192.0.2.1", 5201);
	set4(&peer, "192.0.2.2", 40000);
	assert_memory_equal(&flow.dst, &local, sizeof(local));
	assert_memory_equal(&flow.src, &peer, sizeof(peer));
	fake_close(fd);
	/* Not bound yet; no TCP; no socket; nothing. */
	set4(&local, "0.0.0.0", 0);
	fd = fake_tcp(&local, NULL, sizeof(struct sockaddr_in));
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	fake_close(fd);
	fd = fake_udp();
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), -EINVAL);
	fake_close(fd);
	fd = fake_dmabuf(4096);
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), -EINVAL);
	fake_close(fd);
	assert_int_equal(devmem_flow_from_socket(&flow, 999, &err), -EBADF);
	assert_int_equal(devmem_flow_from_socket(&flow, 999, NULL), -EBADF);
}

static uint32_t add(const char *addr, uint16_t port, uint32_t queue)
{
	struct devmem_flow flow;
	uint32_t place = UINT32_MAX;

	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, addr, port);
	if (devmem_flow_add(nd, &flow, queue, &place, &err))
		fail_msg("%s", err.message);
	return place;
}

/* Where the driver can't choose a place: the first free one. */
static void test_places(void **state)
{
	struct devmem_flow flow;
	uint32_t i;

	(void)state;
	nic->location_any = false;
	fake_rule_put(nic, 0, UDP_V4_FLOW, 0);
	fake_rule_put(nic, 2, ETHER_FLOW, 0);
	assert_int_equal(add("192.0.2.1", 1, 0), 1);
	assert_int_equal(add("192.0.2.1", 2, 0), 3);
	assert_int_equal(devmem_flow_del(nd, 1, &err), 0);
	assert_int_equal(add("192.0.2.1", 3, 0), 1);
	for (i = 4; i < nic->rules_max; i++)
		assert_int_equal(add("192.0.2.1", (uint16_t)(100 + i), 0), i);
	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, "192.0.2.9", 1);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "16"));
	assert_int_equal(nic->state.rules[0].fs.flow_type, UDP_V4_FLOW);
	assert_int_equal(nic->state.rules[2].fs.flow_type, ETHER_FLOW);
	for (i = 0; i < fake_log_len(); i++)
		assert_null(strstr(fake_log(i), "overwritten"));
}

static void test_driver_places(void **state)
{
	struct devmem_flow flow;
	uint32_t i;

	(void)state;
	nic->location_only_any = true;
	for (i = 0; i < nic->rules_max; i++)
		assert_int_equal(add("192.0.2.1", (uint16_t)(100 + i), 0), nic->rules_max - 1 - i);
	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, "192.0.2.9", 1);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -ENOSPC);
	assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
}

static void test_duplicates(void **state)
{
	struct devmem_flow flow;
	unsigned int driver;

	(void)state;
	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, "192.0.2.1", 5201);
	for (driver = 0; driver < 2; driver++) {
		nic->refuse_duplicates = driver;
		assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), 0);
		/* Also to another queue: the first rule would keep the packets. */
		assert_int_equal(devmem_flow_add(nd, &flow, 1, NULL, &err), -EEXIST);
		assert_int_equal(err.code, -EEXIST);
		assert_non_null(strstr(err.message, "15"));
		assert_int_equal(devmem_flow_del(nd, 15, &err), 0);
	}
}

static void test_delete(void **state)
{
	struct fake_state before;
	uint32_t place;

	(void)state;
	fake_snapshot(nic, &before);
	place = add("192.0.2.1", 1, 0);
	assert_int_equal(devmem_flow_del(nd, place, &err), 0);
	fake_assert_state(nic, &before, "after add and delete");
	assert_int_equal(devmem_flow_del(nd, place, &err), -ENOENT);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	assert_int_equal(devmem_flow_del(nd, 1000000, &err), -ENOENT);
	assert_int_equal(devmem_flow_del(nd, UINT32_MAX, NULL), -ENOENT);
	fake_admin(false);
	fake_rule_put(nic, 3, TCP_V4_FLOW, 0);
	assert_int_equal(devmem_flow_del(nd, 3, &err), -EPERM);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
}

static void test_refusals(void **state)
{
	struct devmem_flow flow;

	(void)state;
	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, "192.0.2.1", 1);
	fake_admin(false);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -EPERM);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "CAP_NET_ADMIN"));
	fake_admin(true);
	/* Switched off. */
	nic->state.features = nic->state.features_wanted = 0x17;
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.message, "ntuple"));
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	nic->has_rules = false;
	nic->ntuple_fixed = true;
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.message, "eth1"));
}

/* Rules of others, of all kinds. */
static void test_list(void **state)
{
	struct devmem_flow_rule *rules;
	struct fake_rule *rule;
	size_t n;

	(void)state;
	assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), 0);
	assert_int_equal(n, 0);
	free(rules);

	fake_rule_put(nic, 1, UDP_V4_FLOW, 2);
	fake_rule_put(nic, 3, TCP_V4_FLOW, RX_CLS_FLOW_DISC);
	nic->state.rules[3].fs.h_u.tcp_ip4_spec.pdst = htons(80);
	nic->state.rules[3].fs.m_u.tcp_ip4_spec.pdst = 0xffff;
	fake_rule_put(nic, 4, TCP_V4_FLOW, 0);
	nic->state.rules[4].rss_context = 5;
	nic->state.rules[4].fs.h_u.tcp_ip4_spec.pdst = htons(81);
	nic->state.rules[4].fs.m_u.tcp_ip4_spec.pdst = 0xffff;
	/* Masks that no flow can say: part of an address, TOS, with a VLAN; a virtual function. */
	fake_rule_put(nic, 6, TCP_V4_FLOW, 1);
	nic->state.rules[6].fs.m_u.tcp_ip4_spec.ip4dst = htonl(0xffffff00);
	fake_rule_put(nic, 7, TCP_V4_FLOW, 1);
	nic->state.rules[7].fs.m_u.tcp_ip4_spec.pdst = 0xffff;
	nic->state.rules[7].fs.m_u.tcp_ip4_spec.tos = 0xff;
	fake_rule_put(nic, 8, TCP_V6_FLOW | FLOW_EXT, 1);
	rule = &nic->state.rules[8];
	rule->fs.m_u.tcp_ip6_spec.pdst = 0xffff;
	rule->fs.m_ext.vlan_tci = 0xffff;
	fake_rule_put(nic, 9, TCP_V4_FLOW, 1ULL << 32 | 2);
	nic->state.rules[9].fs.m_u.tcp_ip4_spec.pdst = 0xffff;

	assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), 0);
	assert_int_equal(n, 7);
	assert_int_equal(rules[0].location, 1);
	assert_int_equal(rules[0].queue, 2);
	assert_int_equal(rules[0].tcp, 0);
	assert_int_equal(rules[0].flow.dst.ss_family, 0);
	assert_int_equal(rules[1].location, 3);
	assert_int_equal(rules[1].drop, 1);
	assert_true(rules[1].queue == UINT32_MAX);
	assert_int_equal(rules[1].tcp, 1);
	assert_int_equal(rules[2].location, 4);
	assert_int_equal(rules[2].rss_context, 5);
	assert_true(rules[2].queue == UINT32_MAX);
	assert_int_equal(rules[2].drop, 0);
	assert_int_equal(rules[3].tcp | rules[4].tcp | rules[5].tcp, 0);
	assert_int_equal(rules[3].queue, 1);
	assert_int_equal(rules[6].location, 9);
	assert_true(rules[6].queue == UINT32_MAX);
	free(rules);

	nic->has_rules = false;
	assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), -EOPNOTSUPP);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
}

/* Every call fails: an error and no rule, or a rule and its place. */
static void test_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EPERM, EINVAL, EBUSY, EMSGSIZE };
	struct devmem_flow_rule *rules;
	struct devmem_flow flow;
	struct fake_state before;
	unsigned int k, base;
	bool finished;
	uint32_t place;
	size_t i, n;
	int ret;

	(void)state;
	memset(&flow, 0, sizeof(flow));
	set4(&flow.dst, "192.0.2.1", 1);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (k = 1, finished = false; !finished; k++) {
			end(NULL);
			begin(NULL);
			nic->location_any = i & 1;
			fake_rule_put(nic, 0, UDP_V4_FLOW, 0);
			fake_rule_put(nic, 1, TCP_V4_FLOW, 1);
			fake_snapshot(nic, &before);
			base = fake_calls();
			fake_fail(base + k, codes[i]);
			ret = devmem_flow_add(nd, &flow, 3, &place, &err);
			if (ret) {
				assert_int_equal(err.code, ret);
				fake_assert_state(nic, &before, "failed add");
				continue;
			}
			memset(&err, 0, sizeof(err));
			ret = devmem_flow_list(nd, &rules, &n, &err);
			assert_int_equal(err.code, ret);
			if (!ret) {
				assert_int_equal(n, 3);
				free(rules);
			}
			ret = devmem_flow_del(nd, place, &err);
			if (!ret)
				fake_assert_state(nic, &before, "delete");
			finished = fake_calls() - base < k;
		}
	assert_true(k > 20);
}

/* ---- in two steps, as reservations add rules ---- */

static void set_flow(struct devmem_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	set4(&flow->dst, "192.0.2.1", 5201);
	set4(&flow->src, "192.0.2.2", 40000);
}

static int prepare(const struct devmem_flow *flow, uint32_t queue, uint32_t context, bool exclusive,
		   struct uapi_rxnfc *rule)
{
	err.code = 0;
	return flow_prepare(netdev_nic(nd), flow, queue, context, 4, exclusive, rule, &err);
}

static void test_prepare(void **state)
{
	struct devmem_flow_rule read, *rules;
	struct devmem_flow flow;
	struct fake_state before;
	struct uapi_rxnfc rule;
	unsigned int any;
	size_t n;

	(void)state;
	set_flow(&flow);
	for (any = 0; any < 2; any++) {
		end(NULL);
		begin(NULL);
		nic->location_any = any;
		fake_rule_put(nic, 0, UDP_V4_FLOW, 0);
		fake_snapshot(nic, &before);
		memset(&rule, 0x5a, sizeof(rule));
		assert_int_equal(prepare(&flow, 3, 0, true, &rule), 0);
		fake_assert_state(nic, &before, "prepared");
		assert_int_equal(fake_log_len(), 0);
		if (any)
			assert_true(rule.fs.location == UAPI_RX_CLS_LOC_ANY);
		else
			assert_int_equal(rule.fs.location, 1);
		assert_int_equal(rule.fs.flow_type, UAPI_TCP_V4_FLOW);
		assert_true(rule.fs.ring_cookie == 3);
		assert_int_equal(rule.rss_context, 0);

		assert_int_equal(flow_commit(netdev_nic(nd), &rule, &err), 0);
		assert_int_equal(rule.fs.location, any ? 15 : 1);
		assert_string_equal(fake_log(0),
				    any ? "eth1 rule-add 15 queue 3" : "eth1 rule-add 1 queue 3");
		flow_read(&rule, &read);
		assert_int_equal(read.location, rule.fs.location);
		assert_int_equal(read.queue, 3);
		assert_int_equal(read.tcp, 1);
		assert_memory_equal(&read.flow, &flow, sizeof(flow));
		assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), 0);
		assert_int_equal(n, 2);
		assert_memory_equal(&rules[1], &read, sizeof(read));
		free(rules);
		assert_int_equal(devmem_flow_del(nd, read.location, &err), 0);
		fake_assert_state(nic, &before, "deleted");
	}
}

/* Through an RSS context: the queue says nothing then. */
static void test_context(void **state)
{
	static const uint32_t table[] = { 2, 3 };
	struct devmem_flow_rule *rules;
	uint32_t hits[4] = { 0 };
	struct devmem_flow flow;
	struct uapi_rxnfc rule;
	size_t n;

	(void)state;
	set_flow(&flow);
	fake_context_put(nic, 1, table, 2);
	assert_int_equal(prepare(&flow, UINT32_MAX, 1, true, &rule), 0);
	assert_int_equal(rule.fs.flow_type, UAPI_TCP_V4_FLOW | UAPI_FLOW_RSS);
	assert_true(rule.fs.ring_cookie == 0);
	assert_int_equal(rule.rss_context, 1);
	assert_int_equal(flow_commit(netdev_nic(nd), &rule, &err), 0);
	assert_string_equal(fake_log(0), "eth1 rule-add 15 context 1");
	assert_int_equal(rule.rss_context, 1);
	assert_int_equal(nic->state.rules[15].rss_context, 1);
	assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rules[0].rss_context, 1);
	assert_true(rules[0].queue == UINT32_MAX);
	assert_int_equal(rules[0].tcp, 1);
	assert_memory_equal(&rules[0].flow, &flow, sizeof(flow));
	free(rules);
	assert_int_equal(ethtool_rule_hits(netdev_nic(nd), &rule, hits, 4, &err), 0);
	assert_int_equal(hits[0] + hits[1], 0);
	assert_int_equal(hits[2], 1);
	assert_int_equal(hits[3], 1);

	/* The same packets are the same packets, wherever they go. */
	assert_int_equal(prepare(&flow, 3, 0, false, &rule), -EEXIST);
	assert_int_equal(prepare(&flow, 3, 0, true, &rule), -EEXIST);
	assert_int_equal(prepare(&flow, 0, 1, true, &rule), -EEXIST);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -EEXIST);

	/* One that isn't there any more when it is needed. */
	set4(&flow.dst, "192.0.2.1", 5202);
	assert_int_equal(prepare(&flow, 0, 2, true, &rule), 0);
	err.code = 0;
	assert_int_equal(flow_commit(netdev_nic(nd), &rule, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_int_equal(flow_commit(netdev_nic(nd), &rule, NULL), -EINVAL);
}

/* Rules that are there, and whether they catch all of a flow's packets. */
enum other {
	PORT_ONLY,
	ADDRESS_ONLY,
	ADDRESS_PART,
	EVERYTHING,
	LEFTOVERS,   /* values where it doesn't look, VLAN without saying so */
	EMPTY_PARTS, /* says VLAN and MAC address, looks at neither */
	DROPPED,
	SAME_QUEUE,
	VIRTUAL_FUNCTION,
	IN_CONTEXT,
	LAST_COVER = IN_CONTEXT,
	OTHER_PORT,
	OTHER_SOURCE,
	OTHER_ADDRESS_PART,
	WITH_TOS,
	WITH_VLAN,
	WITH_VLAN_TYPE,
	WITH_USER_DATA,
	WITH_MAC,
	TCP6,
	UDP4,
	NOT_READ,
	OTHERS,
};

static void put_other(enum other other)
{
	struct ethtool_rx_flow_spec *fs = &nic->state.rules[5].fs;
	struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec, *m = &fs->m_u.tcp_ip4_spec;

	fake_rule_put(nic, 5, TCP_V4_FLOW, 1);
	if (other != EVERYTHING && other != ADDRESS_ONLY && other != ADDRESS_PART) {
		h->pdst = htons(5201);
		m->pdst = 0xffff;
	}
	switch (other) {
	case ADDRESS_ONLY:
	case ADDRESS_PART:
		h->ip4dst = inet_addr("192.0.2.1");
		m->ip4dst = other == ADDRESS_ONLY ? UINT32_MAX : htonl(0xffffff00);
		break;
	case LEFTOVERS:
		h->ip4dst = inet_addr("203.0.113.1");
		h->tos = 7;
		fs->h_ext.vlan_tci = 3;
		fs->m_ext.vlan_tci = 0xffff;
		break;
	case EMPTY_PARTS:
		fs->flow_type |= FLOW_EXT | FLOW_MAC_EXT;
		fs->h_ext.vlan_tci = 3;
		break;
	case DROPPED:
		fs->ring_cookie = RX_CLS_FLOW_DISC;
		break;
	case SAME_QUEUE:
		fs->ring_cookie = 2;
		break;
	case VIRTUAL_FUNCTION:
		fs->ring_cookie = 1ULL << 32 | 2;
		break;
	case IN_CONTEXT:
		fs->flow_type |= FLOW_RSS;
		fs->ring_cookie = 0;
		nic->state.rules[5].rss_context = 1;
		break;
	case OTHER_PORT:
		h->pdst = htons(5202);
		break;
	case OTHER_SOURCE:
		h->psrc = htons(40001);
		m->psrc = 0xffff;
		break;
	case OTHER_ADDRESS_PART:
		h->ip4dst = inet_addr("192.0.3.0");
		m->ip4dst = htonl(0xffffff00);
		break;
	case WITH_TOS:
		m->tos = 1;
		break;
	case WITH_VLAN:
		fs->flow_type |= FLOW_EXT;
		fs->m_ext.vlan_tci = htons(0x0fff);
		break;
	case WITH_VLAN_TYPE:
		fs->flow_type |= FLOW_EXT;
		fs->m_ext.vlan_etype = 0xffff;
		break;
	case WITH_USER_DATA:
		fs->flow_type |= FLOW_EXT;
		fs->m_ext.data[1] = 1;
		break;
	case WITH_MAC:
		fs->flow_type |= FLOW_MAC_EXT;
		fs->m_ext.h_dest[5] = 0xff;
		break;
	case TCP6:
		fs->flow_type = TCP_V6_FLOW;
		memset(&fs->m_u, 0, sizeof(fs->m_u));
		break;
	case UDP4:
		fs->flow_type = UDP_V4_FLOW;
		break;
	case NOT_READ:
		fs->flow_type = 0;
		memset(&fs->m_u, 0, sizeof(fs->m_u));
		break;
	default:
		break;
	}
}

static void test_exclusive(void **state)
{
	struct devmem_flow flow;
	struct uapi_rxnfc rule;
	enum other other;
	int ret;

	(void)state;
	set_flow(&flow);
	for (other = 0; other < OTHERS; other++) {
		end(NULL);
		begin(NULL);
		fake_context_put(nic, 1, NULL, 0);
		fake_context_put(nic, 2, NULL, 0);
		put_other(other);
		ret = prepare(&flow, 2, 0, true, &rule);
		if (ret != (other <= LAST_COVER && other != SAME_QUEUE ? -EBUSY : 0))
			fail_msg("other %d: %d %s", (int)other, ret, err.message);
		assert_int_equal(err.code, ret);
		if (ret) {
			/* Which rule, what it is, and what to do. */
			assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
			assert_non_null(strstr(err.message, "rule 5 ("));
			assert_non_null(strstr(err.message, "devmemctl flow del eth1 5"));
			assert_int_equal(
				flow_prepare(netdev_nic(nd), &flow, 2, 0, 4, true, &rule, NULL),
				-EBUSY);
		}
		if (other == PORT_ONLY)
			assert_non_null(strstr(err.message, "(tcp4 to *:5201)"));
		/* Through a context: the same one is the same target. */
		ret = prepare(&flow, 0, 1, true, &rule);
		assert_int_equal(ret, other < IN_CONTEXT ? -EBUSY : 0);
		ret = prepare(&flow, 0, 2, true, &rule);
		assert_int_equal(ret, other <= IN_CONTEXT ? -EBUSY : 0);
		/* Who doesn't ask gets it, as devmem_flow_add() does. */
		assert_int_equal(prepare(&flow, 2, 0, false, &rule), 0);
		assert_int_equal(devmem_flow_add(nd, &flow, 2, NULL, &err), 0);
	}
}

/* Queue 0 and a context have the same cookie; one rule of several is enough. */
static void test_exclusive_more(void **state)
{
	struct devmem_flow flow, six;
	struct uapi_rxnfc rule;

	(void)state;
	set_flow(&flow);
	fake_context_put(nic, 1, NULL, 0);
	put_other(PORT_ONLY);
	nic->state.rules[5].fs.ring_cookie = 0;
	assert_int_equal(prepare(&flow, 0, 0, true, &rule), 0);
	assert_int_equal(prepare(&flow, 0, 1, true, &rule), -EBUSY);
	put_other(IN_CONTEXT);
	assert_int_equal(prepare(&flow, 0, 0, true, &rule), -EBUSY);
	assert_int_equal(prepare(&flow, 0, 1, true, &rule), 0);
	/* The default context is another one. */
	nic->state.rules[5].rss_context = 0;
	assert_int_equal(prepare(&flow, 0, 1, true, &rule), -EBUSY);

	put_other(SAME_QUEUE);
	fake_rule_put(nic, 3, TCP_V4_FLOW, 2);
	assert_int_equal(prepare(&flow, 2, 0, true, &rule), 0);
	fake_rule_put(nic, 9, TCP_V4_FLOW, 3);
	assert_int_equal(prepare(&flow, 2, 0, true, &rule), -EBUSY);
	assert_non_null(strstr(err.message, "rule 9 ("));
	/* A rule that matches just the same is named before one that covers. */
	assert_int_equal(prepare(&flow, 2, 0, false, &rule), 0);
	assert_int_equal(flow_commit(netdev_nic(nd), &rule, &err), 0);
	assert_int_equal(prepare(&flow, 2, 0, true, &rule), -EEXIST);

	/* The other family. */
	memset(&six, 0, sizeof(six));
	set6(&six.dst, "2001:db8::1", 5201);
	assert_int_equal(prepare(&six, 2, 0, true, &rule), 0);
	fake_rule_put(nic, 7, TCP_V6_FLOW, 1);
	nic->state.rules[7].fs.m_u.tcp_ip6_spec.ip6dst[0] = UINT32_MAX;
	assert_int_equal(prepare(&six, 2, 0, true, &rule), 0);
	nic->state.rules[7].fs.h_u.tcp_ip6_spec.ip6dst[0] = htonl(0x20010db8);
	assert_int_equal(prepare(&six, 2, 0, true, &rule), -EBUSY);
}

static void test_prepare_refusals(void **state)
{
	struct devmem_flow flow;
	struct uapi_rxnfc rule;
	uint32_t i;

	(void)state;
	memset(&flow, 0, sizeof(flow));
	assert_int_equal(prepare(&flow, 0, 0, false, &rule), -EINVAL);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	set_flow(&flow);
	assert_int_equal(prepare(&flow, 4, 0, false, &rule), -EINVAL);
	assert_non_null(strstr(err.message, "queue 4"));
	nic->location_any = false;
	for (i = 0; i < nic->rules_max; i++)
		fake_rule_put(nic, i, UDP_V4_FLOW, 0);
	assert_int_equal(prepare(&flow, 0, 0, true, &rule), -ENOSPC);
	nic->state.features = nic->state.features_wanted = 0x17;
	assert_int_equal(prepare(&flow, 0, 0, true, &rule), -EOPNOTSUPP);
	assert_non_null(strstr(err.message, "ntuple"));
	nic->has_rules = false;
	nic->ntuple_fixed = true;
	assert_int_equal(prepare(&flow, 0, 0, true, &rule), -EOPNOTSUPP);
	fake_admin(false);
	err.code = 0;
	assert_int_equal(flow_commit(netdev_nic(nd), &rule, &err), -EPERM);
	assert_int_equal(err.code, -EPERM);
	assert_non_null(strstr(err.message, "CAP_NET_ADMIN"));
}

/* A rule that wasn't inserted changed nothing, not even in what was prepared. */
static void test_steps_every_call(void **state)
{
	static const int codes[] = { EIO, ENOMEM, EINVAL, EBUSY, EOPNOTSUPP };
	struct uapi_rxnfc rule, prepared;
	struct devmem_flow flow;
	struct fake_state before;
	unsigned int k, base;
	bool finished;
	size_t i;
	int ret;

	(void)state;
	set_flow(&flow);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (k = 1, finished = false; !finished; k++) {
			end(NULL);
			begin(NULL);
			nic->location_any = i & 1;
			fake_context_put(nic, 1, NULL, 0);
			fake_rule_put(nic, 0, UDP_V4_FLOW, 0);
			fake_snapshot(nic, &before);
			base = fake_calls();
			fake_fail(base + k, codes[i]);
			ret = prepare(&flow, 0, 1, true, &rule);
			assert_int_equal(err.code, ret);
			fake_assert_state(nic, &before, "prepare");
			if (ret)
				continue;
			prepared = rule;
			err.code = 0;
			ret = flow_commit(netdev_nic(nd), &rule, &err);
			assert_int_equal(err.code, ret);
			if (ret) {
				fake_assert_state(nic, &before, "failed commit");
				assert_int_equal(rule.fs.location, prepared.fs.location);
				assert_int_equal(rule.rss_context, 1);
			}
			finished = fake_calls() - base < k;
		}
	assert_true(k > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_form, begin, end),
		cmocka_unit_test_setup_teardown(test_bad_flows, begin, end),
		cmocka_unit_test_setup_teardown(test_v4_mapped, begin, end),
		cmocka_unit_test_setup_teardown(test_from_socket, begin, end),
		cmocka_unit_test_setup_teardown(test_places, begin, end),
		cmocka_unit_test_setup_teardown(test_driver_places, begin, end),
		cmocka_unit_test_setup_teardown(test_duplicates, begin, end),
		cmocka_unit_test_setup_teardown(test_delete, begin, end),
		cmocka_unit_test_setup_teardown(test_refusals, begin, end),
		cmocka_unit_test_setup_teardown(test_list, begin, end),
		cmocka_unit_test_setup_teardown(test_every_call, begin, end),
		cmocka_unit_test_setup_teardown(test_prepare, begin, end),
		cmocka_unit_test_setup_teardown(test_context, begin, end),
		cmocka_unit_test_setup_teardown(test_exclusive, begin, end),
		cmocka_unit_test_setup_teardown(test_exclusive_more, begin, end),
		cmocka_unit_test_setup_teardown(test_prepare_refusals, begin, end),
		cmocka_unit_test_setup_teardown(test_steps_every_call, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
