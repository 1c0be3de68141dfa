// SPDX-License-Identifier: BSD-3-Clause
/* The library's control side on the running kernel, in a network namespace of its own: families,
 * snapshots, dumps, real extended acks, what a socket accepts as SO_DEVMEM_DONTNEED. */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bind/request.h"
#include "netlink/ethtool_msg.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "nic/netdev.h"
#include "netns.h"
#include "uapi/devmem_socket.h"

static bool has_veth;
static uint32_t veth;

static void need_veth(void)
{
	if (!has_veth)
		skip();
}

static void test_families(void **state)
{
	struct devmem_error err = { 0 };
	struct genl *genl;
	uint16_t id;

	(void)state;
	if (genl_open(&genl, &err))
		fail_msg("%s", err.message);
	assert_int_equal(genl_family(genl, "netdev", &id, &err), 0);
	assert_true(id >= 16);
	assert_int_equal(genl_family(genl, "ethtool", &id, &err), 0);
	assert_int_equal(genl_family(genl, "no-such-family", &id, &err), -EPROTONOSUPPORT);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	genl_close(genl);
}

static void test_lo(void **state)
{
	const struct devmem_netdev_info *info;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct devmem_queue *queues;
	size_t n;

	(void)state;
	if (devmem_netdev_open(&nd, "lo", &err))
		fail_msg("%s", err.message);
	info = devmem_netdev_info(nd);
	assert_int_equal(info->ifindex, 1);
	assert_string_equal(info->name, "lo");
	assert_int_equal(info->up, 1);
	assert_int_equal(info->mtu, 65536);
	assert_true(info->has & DEVMEM_HAS_FEATURES);
	assert_false(info->has & (DEVMEM_HAS_SPLIT | DEVMEM_HAS_RSS | DEVMEM_HAS_RULES));
	assert_int_equal(info->rx_queues, 1);
	assert_int_equal(info->ntuple, 0);
	assert_int_equal(devmem_netdev_queues(nd, &queues, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(queues[0].tx, 0);
	assert_int_equal(queues[1].tx, 1);
	free(queues);
	devmem_netdev_close(nd);
	assert_int_equal(devmem_netdev_open(&nd, "no-such-dev", &err), -ENODEV);
	assert_non_null(strstr(err.message, "no-such-dev"));
}

static void test_veth(void **state)
{
	const struct devmem_netdev_info *info;
	struct devmem_error err = { 0 };
	struct devmem_qstats stats;
	struct devmem_netdev *nd;
	struct devmem_queue *queues;
	char index[16];
	size_t n;
	int up;

	(void)state;
	need_veth();
	snprintf(index, sizeof(index), "%u", veth);
	if (devmem_netdev_open(&nd, index, &err))
		fail_msg("%s", err.message);
	for (up = 1; up >= 0; up--) {
		netns_up("veth0", up);
		if (devmem_netdev_refresh(nd, &err))
			fail_msg("%s", err.message);
		info = devmem_netdev_info(nd);
		assert_string_equal(info->name, "veth0");
		assert_string_equal(info->driver, "veth");
		assert_true(info->has & DEVMEM_HAS_DRIVER);
		assert_true(info->has & DEVMEM_HAS_CHANNELS);
		assert_int_equal(info->up, up);
		assert_int_equal(info->rx_queues, 2);
		assert_int_equal(info->tx_queues, 2);
		if (devmem_netdev_queues(nd, &queues, &n, &err))
			fail_msg("%s", err.message);
		assert_int_equal(n, 4);
		assert_int_equal(queues[1].id, 1);
		assert_int_equal(queues[1].tx, 0);
		assert_int_equal(queues[3].tx, 1);
		free(queues);
	}
	netns_up("veth0", true);
	assert_int_equal(devmem_netdev_qstats(nd, 0, &stats, &err), -EOPNOTSUPP);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_string_equal(err.attribute, "ifindex");
	assert_int_equal(devmem_netdev_qstats(nd, 2, &stats, &err), -EINVAL);
	devmem_netdev_close(nd);
}

/* bind-rx where it can't work: the attribute's name comes from OFFS and MISS_TYPE. */
static void test_bind_refused(void **state)
{
	const struct genl_call call = { .family = "netdev",
					.operation = "bind-rx",
					.subject = "veth0",
					.names = netdev_msg_bind_names };
	struct devmem_error err = { 0 };
	const uint32_t queue = 0;
	struct nic gone = { .ifindex = 0x7ffffff, .name = "gone" };
	struct nic lo = { .ifindex = 1, .name = "lo" };
	struct nic *nic;
	uint64_t buf[32];
	uint32_t binding;
	int ret;

	(void)state;
	need_veth();
	assert_int_equal(nic_open(&nic, "veth0", &err), 0);
	ret = genl_do(nic->genl, netdev_msg_bind_rx(buf, sizeof(buf), veth, -1, &queue, 0, 0),
		      &call, &err);
	if (ret == -EOPNOTSUPP) {
		printf("skipped: this kernel has no bind-rx\n");
		nic_close(nic);
		skip();
	}
	assert_int_equal(ret, -EINVAL);
	assert_string_equal(err.attribute, "queues");
	assert_non_null(strstr(err.message, "queues"));

	/* Since 6.16 the kernel checks the interface first, before that the descriptor. */
	ret = bind_rx(nic, -1, &queue, 1, 0, &binding, &err);
	if (ret != -EBADF) {
		assert_int_equal(ret, -EOPNOTSUPP);
		assert_string_equal(err.attribute, "ifindex");
		assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	}
	assert_non_null(strstr(err.message, "veth0"));

	gone.genl = lo.genl = nic->genl;
	assert_int_equal(bind_rx(&gone, -1, &queue, 1, 0, &binding, &err), -ENODEV);
	assert_int_equal(bind_rx(&lo, -1, &queue, 1, 0, &binding, &err), -EOPNOTSUPP);
	assert_int_equal(genl_do(nic->genl,
				 netdev_msg_bind_rx(buf, sizeof(buf), 0, -1, &queue, 1, 0), &call,
				 &err),
			 -ERANGE);
	assert_string_equal(err.attribute, "ifindex");
	assert_string_equal(err.kernel, "integer out of range");
	/* The socket goes on working. */
	assert_int_equal(genl_do(nic->genl,
				 netdev_msg_bind_rx(buf, sizeof(buf), veth, -1, &queue, 0, 0),
				 &call, &err),
			 -EINVAL);
	nic_close(nic);
}

static void test_ethtool_refused(void **state)
{
	const struct genl_call call = { .family = "ethtool",
					.operation = "rings-set",
					.subject = "veth0",
					.names = ethtool_msg_rings_names };
	struct devmem_error err = { 0 };
	struct genl *genl;
	uint64_t buf[32];

	(void)state;
	need_veth();
	assert_int_equal(genl_open(&genl, &err), 0);
	assert_int_equal(genl_do(genl,
				 ethtool_msg_rings_set(buf, sizeof(buf), 0x7ffffff,
						       ETHTOOL_MSG_SET_SPLIT, 2, 0),
				 &call, &err),
			 -ENODEV);
	assert_string_equal(err.kernel, "no device matches ifindex");
	assert_string_equal(err.attribute, "header.dev-index");
	assert_int_equal(
		genl_do(genl,
			ethtool_msg_rings_set(buf, sizeof(buf), veth, ETHTOOL_MSG_SET_SPLIT, 2, 0),
			&call, &err),
		-EOPNOTSUPP);
	assert_int_equal(
		genl_do(genl,
			ethtool_msg_rings_set(buf, sizeof(buf), veth, ETHTOOL_MSG_SET_SPLIT, 9, 0),
			&call, &err),
		-ERANGE);
	assert_string_equal(err.attribute, "tcp-data-split");
	genl_close(genl);
}

/* An interface without steering is refused with an error that says so, and isn't changed. */
static void test_reservation_refused(void **state)
{
	struct devmem_reservation_options options = { .sz = sizeof(options) };
	char dir[] = "/tmp/devmem-test-XXXXXX";
	const uint32_t queue = 1;
	struct devmem_reservation *reservation;
	struct devmem_flow_rule *rules;
	struct devmem_error err = { 0 };
	struct devmem_netdev *nd;
	struct devmem_flow flow;
	size_t n;

	(void)state;
	need_veth();
	assert_int_equal(devmem_netdev_open(&nd, "veth0", &err), 0);
	assert_non_null(mkdtemp(dir));
	options.dir = dir;
	assert_int_equal(devmem_reservation_open(&reservation, nd, &queue, 1, &options, &err),
			 -EOPNOTSUPP);
	assert_null(reservation);
	/* Nothing is left in it. */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_non_null(strstr(err.message, "veth0"));
	memset(&flow, 0, sizeof(flow));
	flow.dst.ss_family = AF_INET;
	((struct sockaddr_in *)&flow.dst)->sin_port = htons(80);
	assert_int_equal(devmem_flow_add(nd, &flow, 0, NULL, &err), -EOPNOTSUPP);
	assert_int_equal(devmem_flow_list(nd, &rules, &n, &err), -EOPNOTSUPP);
	devmem_netdev_close(nd);
}

/* What needs no privilege works without any; what needs one fails with an error that names it. */
static void test_unprivileged(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	need_veth();
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct devmem_error err = { 0 };
		const uint32_t queue = 0;
		struct devmem_netdev *nd;
		uint32_t id;
		int ret;

		if (setresuid(65534, 65534, 65534))
			_exit(77);
		if (devmem_netdev_open(&nd, "veth0", &err) ||
		    devmem_netdev_info(nd)->rx_queues != 2)
			_exit(1);
		ret = bind_rx(netdev_nic(nd), -1, &queue, 1, 0, &id, &err);
		devmem_netdev_close(nd);
		if (ret == -EOPNOTSUPP && !err.attribute[0])
			_exit(77);
		_exit(ret == -EPERM && err.kind == DEVMEM_ERROR_MISSING &&
				      strstr(err.message, "CAP_NET_ADMIN")
			      ? 0
			      : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void tcp_pair(int family, int fds[2])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&ss, 0, sizeof(ss));
	ss.ss_family = (sa_family_t)family;
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&ss, &len), 0);
	fds[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&ss, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
}

static void test_dontneed_limits(void **state)
{
	struct uapi_dmabuf_token tokens[UAPI_DONTNEED_RANGES_MAX + 1];
	int fds[2], udp, i;

	(void)state;
	for (i = 0; i <= UAPI_DONTNEED_RANGES_MAX; i++) {
		tokens[i].token_start = (uint32_t)i + 1;
		tokens[i].token_count = 1;
	}
	tcp_pair(AF_INET, fds);
	if (setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, sizeof(tokens[0])) &&
	    errno == ENOPROTOOPT) {
		printf("skipped: this kernel has no SO_DEVMEM_DONTNEED\n");
		close(fds[0]);
		close(fds[1]);
		skip();
	}
	/* Tokens that aren't out: nothing is freed, and that is no error. */
	assert_int_equal(
		setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, sizeof(tokens[0])),
		0);
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens,
				    UAPI_DONTNEED_RANGES_MAX * sizeof(tokens[0])),
			 0);
	assert_int_equal(
		setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, sizeof(tokens)),
		-1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens,
				    sizeof(tokens[0]) + 1),
			 -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, 0), -1);
	assert_int_equal(errno, EINVAL);
	/* After 1024 tokens the kernel stops, without an error. */
	tokens[0].token_count = 5000;
	assert_int_equal(
		setsockopt(fds[1], SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, sizeof(tokens[0])),
		0);
	close(fds[0]);
	close(fds[1]);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tokens[0].token_count = 1;
	assert_int_equal(
		setsockopt(udp, SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, tokens, sizeof(tokens[0])),
		-1);
	assert_int_equal(errno, EBADF);
	close(udp);
}

static void test_flow_from_socket(void **state)
{
	struct devmem_error err = { 0 };
	struct sockaddr_storage ss;
	struct devmem_flow flow;
	socklen_t len;
	int fds[2], fd;

	(void)state;
	tcp_pair(AF_INET, fds);
	assert_int_equal(devmem_flow_from_socket(&flow, fds[1], &err), 0);
	len = sizeof(ss);
	memset(&ss, 0, sizeof(ss));
	assert_int_equal(getsockname(fds[1], (struct sockaddr *)&ss, &len), 0);
	assert_memory_equal(&flow.dst, &ss, sizeof(struct sockaddr_in));
	len = sizeof(ss);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&ss, &len), 0);
	assert_memory_equal(&flow.src, &ss, sizeof(struct sockaddr_in));
	close(fds[0]);
	close(fds[1]);
	/* An IPv6 listener that is reached over IPv4. */
	{
		struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
		struct sockaddr_in in = { .sin_family = AF_INET };
		int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (listener >= 0) {
			len = sizeof(any);
			assert_int_equal(bind(listener, (struct sockaddr *)&any, len), 0);
			assert_int_equal(listen(listener, 1), 0);
			assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &len), 0);
			assert_int_equal(devmem_flow_from_socket(&flow, listener, &err), 0);
			assert_int_equal(flow.dst.ss_family, AF_INET6);
			assert_int_equal(flow.src.ss_family, AF_UNSPEC);
			in.sin_port = any.sin6_port;
			in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			assert_int_equal(connect(fds[0], (struct sockaddr *)&in, sizeof(in)), 0);
			fds[1] = accept(listener, NULL, NULL);
			assert_int_equal(devmem_flow_from_socket(&flow, fds[1], &err), 0);
			assert_int_equal(flow.dst.ss_family, AF_INET);
			assert_memory_equal(&flow.dst, &in, 8);
			assert_int_equal(flow.src.ss_family, AF_INET);
			close(fds[0]);
			close(fds[1]);
			close(listener);
		}
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), -EINVAL);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(devmem_flow_from_socket(&flow, fd, &err), -EINVAL);
	close(fd);
	assert_int_equal(devmem_flow_from_socket(&flow, STDIN_FILENO, &err), -EINVAL);
	assert_int_equal(devmem_flow_from_socket(&flow, -1, &err), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_lo),
		cmocka_unit_test(test_veth),
		cmocka_unit_test(test_bind_refused),
		cmocka_unit_test(test_ethtool_refused),
		cmocka_unit_test(test_reservation_refused),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_dontneed_limits),
		cmocka_unit_test(test_flow_from_socket),
	};

	netns_enter();
	has_veth = netns_veth("veth0", "veth1");
	if (has_veth) {
		netns_up("veth0", true);
		netns_up("veth1", true);
		veth = if_nametoindex("veth0");
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
