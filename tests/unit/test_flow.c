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

/* Without a choice of the driver's: the first free place, never one that is taken. */
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
	static const int codes[] = { EIO, ENOMEM, EPERM, EINVAL, EBUSY };
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
			ret = devmem_flow_list(nd, &rules, &n, &err);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
