// SPDX-License-Identifier: BSD-3-Clause
/* Sender: opening it, sending, what goes wrong with either, and plain sends. */
#include "test_tx_app.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bind/binding.h"

#define PAGE 4096U
#define MIB (1U << 20)
#define K_MSG_ZEROCOPY 0x4000000

/* ---- opening ---- */

static void test_open(void **state)
{
	struct devmem_tx_stats stats;
	struct devmem_range range = { 0, MIB };
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	assert_false(fake_socket_has_zerocopy(app.fd));
	app_open(&app, NULL);
	assert_true(fake_socket_has_zerocopy(app.fd));
	assert_int_equal(fake_socket_bound(app.fd), 2);
	/* The attempt that can't succeed used no number and sent nothing. */
	assert_int_equal(fake_socket_next(app.fd), 0);
	assert_int_equal(fake_sent(app.fd), 0);
	assert_int_equal(fake_counts(app.fd).send, 1);
	assert_int_equal(fake_counts(app.fd).reap, 0);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	stats = app_stats(&app);
	assert_int_equal(stats.send_calls, 0);
	assert_int_equal(stats.zerocopy_sends, 0);
	assert_int_equal(devmem_tx_last(app.tx), 0);
	assert_int_equal(devmem_tx_completed(app.tx), 0);
	assert_int_equal(devmem_tx_in_flight(app.tx, &range, NULL), 0);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 0), 0);
	app.tx = NULL;
	assert_false(fake_socket_has_zerocopy(app.fd));
	assert_int_equal(fake_socket_bound(app.fd), 2);
	app_end(&app);
}

/* What the application had set stays. */
static void test_open_as_it_was(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .flags = DEVMEM_TX_KEEP_UNBOUND };
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	fake_socket_zerocopy(app.fd, true);
	app_open(&app, &o);
	assert_int_equal(fake_socket_bound(app.fd), 0);
	assert_int_equal(fake_counts(app.fd).setsockopt, 0);
	app_end(&app);
	assert_true(fake_socket_has_zerocopy(app.fd));

	/* Bound by the application: no second time, for which it may lack the privilege. */
	app.fd = fake_connected(AF_INET6);
	fake_socket_bind(app.fd, 2);
	fake_socket_route(app.fd, 3);
	app_open(&app, NULL);
	assert_int_equal(fake_socket_bound(app.fd), 2);
	app_end(&app);
	assert_false(fake_socket_has_zerocopy(app.fd));
}

/* Another process made the binding: errors name the interface by its name. */
static void test_open_inherited(void **state)
{
	struct devmem_error err = { 0 };
	struct app app;
	struct devmem_tx *tx;
	int fd;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	assert_int_equal(binding_open_inherited_tx(&app.binding, app.region, "eth1",
						   devmem_binding_id(app.binding), NULL),
			 0);
	app_open(&app, NULL);
	assert_int_equal(fake_socket_bound(app.fd), 2);
	fd = fake_connected(AF_INET);
	fake_socket_route(fd, 3);
	assert_int_equal(devmem_tx_open(&tx, fd, app.binding, NULL, &err), -ENODEV);
	assert_non_null(strstr(err.message, "eth1"));
	assert_non_null(strstr(err.message, "eth2"));
	fake_socket_route(app.fd, 2);
	app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "leaves through eth1 now");
	app_end(&app);
	devmem_binding_close(app.binding);
}

struct refusal {
	const char *why;
	int code, kind;
	const char *words[3];
	void (*prepare)(struct app *app);
};

static void no_socket(struct app *app)
{
	app->fd = fake_plain_fd();
}

static void udp(struct app *app)
{
	app->fd = fake_udp();
}

static void unconnected(struct app *app)
{
	app->fd = fake_socket_unconnected();
}

static void shut(struct app *app)
{
	fake_shutdown(app->fd);
}

static void dead(struct app *app)
{
	fake_reset(app->fd, 0, ECONNRESET);
}

static void rx_binding(struct app *app)
{
	app_bind(app, APP_RX);
}

static void no_binding(struct app *app)
{
	app->binding = NULL;
}

static void stale(struct app *app)
{
	fake_forget(devmem_binding_id(app->binding));
}

static void routed(struct app *app)
{
	fake_socket_route(app->fd, 3);
	fake_socket_mark(app->fd, 77);
}

static void routed_unknown(struct app *app)
{
	fake_socket_route(app->fd, 3);
	fake_route_fails(EPERM);
}

static void bound(struct app *app)
{
	fake_socket_bind(app->fd, 3);
}

static void bound6(struct app *app)
{
	app->fd = fake_connected(AF_INET6);
	fake_socket_bind(app->fd, 3);
}

static void gone(struct app *app)
{
	fake_socket_route(app->fd, 9);
}

static void test_open_refused(void **state)
{
	static const struct refusal refusals[] = {
		{ "no socket", -ENOTSOCK, DEVMEM_ERROR_INPUT, { "socket", "TCP" }, no_socket },
		{ "UDP", -EPROTOTYPE, DEVMEM_ERROR_INPUT, { "TCP", "17" }, udp },
		{ "unconnected", -ENOTCONN, DEVMEM_ERROR_INPUT, { "connected" }, unconnected },
		{ "closed for sending", -EPIPE, DEVMEM_ERROR_REFUSED, { "over" }, shut },
		{ "reset", -ENOTCONN, DEVMEM_ERROR_INPUT, { "connected" }, dead },
		{ "binding to receive",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  { "receive queues", "devmem_binding_open_tx" },
		  rx_binding },
		{ "no binding",
		  -EINVAL,
		  DEVMEM_ERROR_INPUT,
		  { "devmem_binding_open_tx" },
		  no_binding },
		{ "stale binding",
		  -ESTALE,
		  DEVMEM_ERROR_REFUSED,
		  { "binding 41", "closed" },
		  stale },
		{ "routed elsewhere",
		  -ENODEV,
		  DEVMEM_ERROR_REFUSED,
		  { "eth1", "eth2", "SO_BINDTODEVICE" },
		  routed },
		{ "routed somewhere", -ENODEV, DEVMEM_ERROR_REFUSED, { "eth1" }, routed_unknown },
		{ "bound elsewhere", -ENODEV, DEVMEM_ERROR_REFUSED, { "eth1", "eth2" }, bound },
		{ "bound elsewhere, IPv6",
		  -ENODEV,
		  DEVMEM_ERROR_REFUSED,
		  { "eth1", "eth2" },
		  bound6 },
		{ "interface gone", -ENODEV, DEVMEM_ERROR_REFUSED, { "eth1" }, gone },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		struct devmem_error err = { 0 };
		uint32_t was_bound;
		bool is_socket;
		struct app app;
		int ret;

		app_begin(&app, APP_DEVICE, MIB);
		r->prepare(&app);
		is_socket = r->prepare != no_socket;
		was_bound = is_socket ? fake_socket_bound(app.fd) : 0;
		app.tx = (void *)&app;
		ret = devmem_tx_open(&app.tx, app.fd, app.binding, NULL, &err);
		if (ret != r->code)
			fail_msg("%s: %d, %s", r->why, ret, err.message);
		assert_null(app.tx);
		assert_int_equal(err.code, ret);
		if (err.kind != r->kind)
			fail_msg("%s: kind %d", r->why, err.kind);
		for (k = 0; k < 3 && r->words[k]; k++)
			if (!strstr(err.message, r->words[k]))
				fail_msg("%s: %s", r->why, err.message);
		assert_null(strchr(err.message, '\n'));
		if (is_socket) {
			assert_false(fake_socket_has_zerocopy(app.fd));
			assert_int_equal(fake_socket_bound(app.fd), was_bound);
			assert_int_equal(fake_sent(app.fd), 0);
		}
		/* A caller that wants no message. */
		assert_int_equal(devmem_tx_open(&app.tx, app.fd, app.binding, NULL, NULL), ret);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
	}
}

static void test_options(void **state)
{
	static const struct {
		struct devmem_tx_options o;
		const char *word; /* NULL: they are fine */
	} cases[] = {
		{ { .sz = sizeof(struct devmem_tx_options) }, NULL },
		{ { .sz = sizeof(size_t) }, NULL },
		{ { .sz = sizeof(struct devmem_tx_options), .sends_max = 1 }, NULL },
		{ { .sz = sizeof(struct devmem_tx_options), .sends_max = 1048576 }, NULL },
		{ { .sz = sizeof(struct devmem_tx_options), .ranges_max = 1024 }, NULL },
		{ { .sz = sizeof(struct devmem_tx_options), .ranges_max = 16777216 }, NULL },
		{ { .sz = 4 }, "sz" },
		{ { .sz = sizeof(struct devmem_tx_options) + 1 }, "sz" },
		{ { .sz = sizeof(struct devmem_tx_options), .flags = 2 }, "flags" },
		{ { .sz = sizeof(struct devmem_tx_options), .sends_max = 1048577 }, "sends_max" },
		{ { .sz = sizeof(struct devmem_tx_options), .ranges_max = 1023 }, "ranges_max" },
		{ { .sz = sizeof(struct devmem_tx_options), .ranges_max = 16777217 },
		  "ranges_max" },
	};
	struct devmem_error err;
	unsigned int calls;
	struct app app;
	size_t i;
	int ret;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		calls = fake_calls();
		ret = devmem_tx_open(&app.tx, app.fd, app.binding, &cases[i].o, &err);
		assert_int_equal(ret, cases[i].word ? -EINVAL : 0);
		if (cases[i].word) {
			assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
			assert_non_null(strstr(err.message, cases[i].word));
			assert_int_equal(fake_calls(), calls);
			assert_null(app.tx);
		}
		app_end(&app);
	}
}

/* Each call of it fails: the socket is as it was. */
static void open_failing(bool zerocopy, uint32_t bind_to, unsigned int calls)
{
	static const int codes[] = { EIO, ENOMEM, ENOPROTOOPT };
	struct devmem_error err;
	unsigned int before, k;
	struct app app;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		app_begin(&app, APP_DEVICE, MIB);
		fake_socket_zerocopy(app.fd, zerocopy);
		fake_socket_bind(app.fd, bind_to);
		for (k = 1;; k++) {
			memset(&err, 0, sizeof(err));
			before = fake_calls();
			fake_fail(fake_calls() + k, codes[i]);
			ret = devmem_tx_open(&app.tx, app.fd, app.binding, NULL, &err);
			fake_fail(0, 0);
			if (!ret)
				break;
			assert_int_equal(ret, -codes[i]);
			assert_int_equal(err.code, ret);
			assert_non_null(strstr(err.message, "socket 100"));
			assert_null(app.tx);
			assert_int_equal(fake_socket_has_zerocopy(app.fd), zerocopy);
			assert_int_equal(fake_socket_bound(app.fd), bind_to);
			assert_int_equal(fake_sent(app.fd), 0);
			assert_true(fake_calls() - before >= k);
		}
		assert_int_equal(k - 1, calls);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
	}
}

static void test_open_each_call(void **state)
{
	(void)state;
	/* Protocol, peer, SO_ZEROCOPY got and set, probe, interface got and set. */
	open_failing(false, 0, 7);
	open_failing(true, 0, 6);
	open_failing(false, 2, 6);
}

/* Without room in the socket or for a notification the first send finds out, not the opening. */
static void test_open_full(void **state)
{
	const struct devmem_range range = { 0, 1000 };
	struct devmem_tx *second;
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	fake_socket_sndbuf(app.fd, 1000);
	app_open(&app, NULL);
	app_send_one(&app, 0, 1000);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_ABANDON, 0), 0);
	app_open(&app, &(struct devmem_tx_options){ .sz = sizeof(struct devmem_tx_options),
						    .zerocopy_sends = 1 });
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), -EAGAIN);
	fake_take(app.fd, 1000);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), 1000);
	app_end(&app);

	fake_socket_optmem(app.fd, 2);
	fake_take(app.fd, 500);
	assert_int_equal(devmem_tx_open(&second, app.fd, app.binding, NULL, NULL), 0);
	assert_int_equal(devmem_tx_close(second, DEVMEM_TX_ABANDON, 0), 0);
}

/* EPERM of the interface isn't in the way: the route was right. */
static void test_open_bind_eperm(void **state)
{
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	fake_fail(fake_calls() + 7, EPERM);
	app_open(&app, NULL);
	assert_int_equal(fake_socket_bound(app.fd), 0);
	app_send_one(&app, 0, 10);
	app_end(&app);
}

/* ---- sending ---- */

static void test_send(void **state)
{
	struct devmem_tx_stats stats;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	assert_int_equal(app_send_one(&app, 5, 100000), 1);
	assert_int_equal(app_send_one(&app, 777, 1), 2);
	/* One call each, and none to look for completions. */
	assert_int_equal(fake_counts(app.fd).send, 1 + 2);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_counts(app.fd).reap, 0);
	assert_int_equal(fake_send_flags(app.fd), MSG_NOSIGNAL | K_MSG_ZEROCOPY);
	assert_int_equal(fake_socket_next(app.fd), 2);
	fake_take(app.fd, 100001);
	app_check_all(&app);
	stats = app_stats(&app);
	assert_int_equal(stats.bytes_device, 100001);
	assert_int_equal(stats.bytes_plain, 0);
	assert_int_equal(stats.sends, 2);
	assert_int_equal(stats.ranges, 2);
	assert_int_equal(stats.send_calls, 2);
	assert_int_equal(stats.sends_partial, 0);
	assert_int_equal(stats.in_flight_sends, 2);
	assert_int_equal(stats.in_flight_bytes, 100001);
	assert_int_equal(stats.zerocopy_sends, 2);
	/* Without a number it works the same. */
	assert_int_equal(devmem_tx_send(app.tx, &(struct devmem_range){ 1, 2 }, 1, 0, NULL), 2);
	app_end(&app);
}

/* The stream shows what was overwritten before it had left. The model's own test. */
static void test_model_shows_reuse(void **state)
{
	const uint8_t *stream;
	struct app app;
	uint64_t len;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	memset(app.bytes, 'a', 20);
	app_send_one(&app, 0, 20);
	fake_take(app.fd, 5);
	memset(app.bytes, 'b', 10);
	fake_take(app.fd, 15);
	stream = fake_stream(app.fd, &len);
	assert_int_equal(len, 20);
	assert_memory_equal(stream, "aaaaabbbbbaaaaaaaaaa", 20);
	assert_int_equal(fake_spoilt(app.fd), 5);
	app_end(&app);
}

static void test_lists(void **state)
{
	struct devmem_range many[DEVMEM_TX_RANGES_MAX];
	const struct devmem_range list[] = { { 900, 300 }, { 0, 1 }, { 1000, 300 }, { 900, 300 } };
	uint64_t sequence, bytes = 0;
	struct app app;
	size_t i;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	assert_int_equal(app_send(&app, list, 4, 0, &sequence), 901);
	assert_int_equal(sequence, 1);
	assert_int_equal(fake_send_pieces(app.fd), 4);
	for (i = 0; i < DEVMEM_TX_RANGES_MAX; i++) {
		many[i] = (struct devmem_range){ MIB - 1 - i, 1 + i % 2 * i };
		bytes += many[i].size;
	}
	assert_int_equal(app_send(&app, many, DEVMEM_TX_RANGES_MAX, 0, &sequence), (int64_t)bytes);
	assert_int_equal(sequence, 2);
	assert_int_equal(fake_counts(app.fd).send, 1 + 2);
	assert_int_equal(app_stats(&app).ranges, 4 + DEVMEM_TX_RANGES_MAX);
	/* The last byte of the region, and all of it. */
	app_send_one(&app, MIB - 1, 1);
	fake_take(app.fd, 901 + bytes + 1);
	app_send_one(&app, 0, MIB);
	fake_take(app.fd, MIB);
	app_check_all(&app);
	app_end(&app);
}

static void test_validation(void **state)
{
	static struct devmem_range many[DEVMEM_TX_RANGES_MAX + 1];
	static const struct {
		struct devmem_range list[2];
		size_t n;
		unsigned int flags;
		int code;
		const char *words;
	} cases[] = {
		{ { { 0, 1 } }, 0, 0, -EINVAL, "no range" },
		{ { { 0, 1 }, { 77, 0 } }, 2, 0, -EINVAL, "range 1, at offset 77, is empty" },
		{ { { 0, 1 } }, 1, 2, -EINVAL, "flags 0x2" },
		{ { { 0, 1 } }, 1, 0x80000001, -EINVAL, "flags 0x80000001" },
		{ { { 0, MIB + 1 } }, 1, 0, -ERANGE, "1048577 bytes at offset 0" },
		{ { { 0, 5 }, { MIB, 1 } }, 2, 0, -ERANGE, "range 1, 1 bytes at offset 1048576" },
		{ { { UINT64_MAX, 1 } }, 1, 0, -ERANGE, "end of the region at 1048576" },
		{ { { 1, UINT64_MAX } }, 1, 0, -ERANGE, "end of the region" },
		{ { { MIB - 1, 2 } }, 1, 1, -ERANGE, "end of the region" },
	};
	enum app_kind kind;
	unsigned int calls;
	struct app app;
	size_t i;

	(void)state;
	for (kind = APP_DEVICE; kind <= APP_PLAIN_MEMFD; kind++) {
		app_start(&app, kind, MIB);
		calls = fake_calls();
		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			assert_int_equal(
				app_send(&app, cases[i].list, cases[i].n, cases[i].flags, NULL),
				cases[i].code);
			app_explains(&app, cases[i].code, DEVMEM_ERROR_INPUT, cases[i].words);
		}
		for (i = 0; i <= DEVMEM_TX_RANGES_MAX; i++)
			many[i].size = 1;
		assert_int_equal(app_send(&app, many, DEVMEM_TX_RANGES_MAX + 1, 0, NULL),
				 -EMSGSIZE);
		app_explains(&app, -EMSGSIZE, DEVMEM_ERROR_INPUT, "1025 ranges");
		assert_int_equal(app_send(&app, many, SIZE_MAX, 0, NULL), -EMSGSIZE);
		/* The kernel heard of none of it. */
		assert_int_equal(fake_calls(), calls);
		assert_int_equal(app_stats(&app).send_calls, 0);
		/* And it still sends. */
		app_send_one(&app, 0, 10);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
	}
}

static void test_advance(void **state)
{
	struct devmem_range list[] = { { 100, 10 }, { 200, 20 }, { 300, 30 } }, *at = list;
	size_t n = 3;

	(void)state;
	devmem_tx_advance(&at, &n, 0);
	assert_ptr_equal(at, list);
	assert_int_equal(n, 3);
	devmem_tx_advance(&at, &n, 4);
	assert_ptr_equal(at, list);
	assert_true(at->offset == 104 && at->size == 6);
	devmem_tx_advance(&at, &n, 6);
	assert_ptr_equal(at, list + 1);
	assert_int_equal(n, 2);
	assert_true(at->offset == 200 && at->size == 20);
	devmem_tx_advance(&at, &n, 25);
	assert_ptr_equal(at, list + 2);
	assert_int_equal(n, 1);
	assert_true(at->offset == 305 && at->size == 25);
	devmem_tx_advance(&at, &n, 25);
	assert_int_equal(n, 0);
	devmem_tx_advance(&at, &n, 0);
	assert_int_equal(n, 0);
}

/* Parts, with a list that is continued where it ended: in a range, and at the border of two. */
static void test_partial(void **state)
{
	struct devmem_range list[] = { { 5000, 300 }, { 100, 700 }, { 9000, 500 }, { 0, 400 } };
	struct devmem_range *left = list;
	struct devmem_tx_stats stats;
	uint64_t sequence;
	size_t n = 4;
	struct app app;
	int64_t ret;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_sndbuf(app.fd, 1000);
	ret = app_send(&app, left, n, DEVMEM_TX_DONTWAIT, &sequence);
	assert_int_equal(ret, 1000);
	assert_int_equal(sequence, 1);
	devmem_tx_advance(&left, &n, 1000);
	assert_int_equal(n, 2);
	assert_int_equal(app_send(&app, left, n, DEVMEM_TX_DONTWAIT, &sequence), -EAGAIN);
	fake_take(app.fd, 650);
	assert_int_equal(app_send(&app, left, n, DEVMEM_TX_DONTWAIT, &sequence), 650);
	assert_int_equal(sequence, 2);
	devmem_tx_advance(&left, &n, 650);
	assert_int_equal(n, 1);
	assert_true(left->offset == 150 && left->size == 250);
	fake_take(app.fd, 1000);
	assert_int_equal(app_send(&app, left, n, DEVMEM_TX_DONTWAIT, &sequence), 250);
	fake_take(app.fd, 250);
	app_check_all(&app);
	stats = app_stats(&app);
	assert_int_equal(stats.sends, 3);
	assert_int_equal(stats.sends_partial, 2);
	assert_int_equal(stats.full_socket, 1);
	assert_int_equal(stats.send_calls, 4);
	assert_int_equal(stats.bytes_device, 1900);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_counts(app.fd).reap, 0);
	app_end(&app);
}

static void test_dontwait(void **state)
{
	const struct devmem_range range = { 0, 3000 };
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_sndbuf(app.fd, 3000);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), 3000);
	assert_int_equal(fake_send_flags(app.fd), MSG_NOSIGNAL | MSG_DONTWAIT | K_MSG_ZEROCOPY);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), -EAGAIN);
	app_explains(&app, -EAGAIN, DEVMEM_ERROR_REFUSED, "send buffer is full");
	assert_int_equal(app_stats(&app).full_socket, 1);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_now(), 0);
	app_end(&app);
}

/* A send that waits makes one call, however long that lasts. */
static void test_waits(void **state)
{
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_sndbuf(app.fd, 10000);
	fake_pace(app.fd, 1000, FAKE_MS);
	assert_int_equal(app_send_one(&app, 3, 500000), 1);
	assert_int_equal(fake_counts(app.fd).send, 1 + 1);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_counts(app.fd).reap, 0);
	assert_int_equal(app_stats(&app).sends_partial, 0);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	app_check_all(&app);
	app_end(&app);
}

/* On a descriptor with O_NONBLOCK it polls, and uses as many numbers as it needs. */
static void test_waits_nonblock(void **state)
{
	struct devmem_range list[] = { { 0, 20000 }, { 7, 5 }, { 50000, 30000 } };
	struct devmem_tx_stats stats;
	struct devmem_tx_done done;
	uint64_t sequence;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_nonblock(app.fd, true);
	fake_socket_sndbuf(app.fd, 10000);
	fake_pace(app.fd, 1000, FAKE_MS);
	/* The completions of the first parts come while it waits for room, and are read. */
	assert_int_equal(app_send(&app, list, 3, 0, &sequence), 50005);
	assert_true(sequence > 3);
	assert_int_equal(fake_poll_events(), POLLOUT);
	stats = app_stats(&app);
	assert_int_equal(stats.sends, sequence);
	assert_int_equal(stats.sends_partial, sequence - 1);
	assert_int_equal(stats.ranges, 3);
	assert_true(stats.poll_calls > 3);
	assert_int_equal(devmem_tx_wait(app.tx, sequence, -1), 0);
	assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 1);
	assert_true(done.first == 1 && done.last == sequence);
	app_check_all(&app);
	app_end(&app);
}

/* Messages for others, with nothing in flight, while it waits for room that somebody else's bytes
 * fill. */
static void test_waits_nonblock_notices(void **state)
{
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_nonblock(app.fd, true);
	fake_socket_sndbuf(app.fd, 3000);
	fake_send_ordinary(app.fd, 3000);
	fake_pace(app.fd, 10, FAKE_MS);
	fake_note_timestamp(app.fd);
	fake_note_icmp(app.fd, EHOSTUNREACH);
	assert_int_equal(devmem_tx_send(app.tx, &(struct devmem_range){ 0, 1000 }, 1, 0, NULL),
			 1000);
	assert_int_equal(app_stats(&app).notices_other, 2);
	assert_int_equal(fake_notes(app.fd), 0);
	app_end(&app);
}

static void test_interrupted(void **state)
{
	const struct devmem_range range = { 0, 5000 };
	uint64_t sequence;
	bool nonblock;
	struct app app;

	(void)state;
	for (nonblock = false;; nonblock = true) {
		app_start(&app, APP_DEVICE, MIB);
		fake_socket_nonblock(app.fd, nonblock);
		fake_socket_sndbuf(app.fd, 3000);
		/* After a part of it. */
		fake_signal(10 * FAKE_MS);
		assert_int_equal(app_send(&app, &range, 1, 0, &sequence), 3000);
		assert_int_equal(sequence, 1);
		assert_int_equal(fake_now(), 10 * FAKE_MS);
		/* Before anything. */
		fake_signal(20 * FAKE_MS);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINTR);
		assert_int_equal(fake_now(), 20 * FAKE_MS);
		/* One that the call itself didn't wait for. */
		fake_fail_send(app.fd, 0, EINTR);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINTR);
		app_explains(&app, -EINTR, DEVMEM_ERROR_REFUSED, "EINTR");
		assert_int_equal(app_stats(&app).sends, 1);
		assert_int_equal(fake_socket_next(app.fd), 1);
		fake_take(app.fd, 3000);
		app_check_all(&app);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
		if (nonblock)
			break;
	}
}

/* ---- full ---- */

static void options_sends(struct devmem_tx_options *o, uint32_t sends_max)
{
	memset(o, 0, sizeof(*o));
	o->sz = sizeof(*o);
	o->sends_max = sends_max;
}

static void test_full_sends(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct devmem_tx_options o;
	struct devmem_error err;
	uint64_t sequence;
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	options_sends(&o, 2);
	app_open(&app, &o);
	app_send_one(&app, 0, 100);
	app_send_one(&app, 200, 100);
	assert_int_equal(fake_counts(app.fd).reap, 0);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), -ENOBUFS);
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "sends_max");
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "2 sends");
	assert_int_equal(app_stats(&app).full_in_flight, 1);
	/* That was the call before this one. */
	assert_int_equal(devmem_tx_close(app.tx, 0, 0), -EINVAL);
	devmem_tx_explain(app.tx, -EINVAL, &err);
	assert_null(strstr(err.message, "in flight"));
	/* The kernel wasn't asked to send. */
	assert_int_equal(fake_counts(app.fd).send, 1 + 2);
	/* What is complete makes room, also without waiting. */
	fake_take(app.fd, 100);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, &sequence), 100);
	assert_int_equal(sequence, 3);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	/* Waiting for it. */
	fake_pace(app.fd, 1, FAKE_MS);
	assert_int_equal(app_send_one(&app, 0, 100), 4);
	assert_int_equal(fake_now(), 100 * FAKE_MS);
	assert_int_equal(fake_poll_events(), 0);
	assert_int_equal(devmem_tx_completed(app.tx), 2);
	/* A hole counts: the second is complete, the first is not. */
	fake_signal(150 * FAKE_MS);
	fake_hold(app.fd, true);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINTR);
	assert_int_equal(devmem_tx_last(app.tx), 4);
	app_check(&app);
	app_end(&app);
}

static void test_full_ranges(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .ranges_max = DEVMEM_TX_RANGES_MAX };
	struct devmem_range list[DEVMEM_TX_RANGES_MAX];
	uint64_t sequence;
	struct app app;
	size_t i;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	app_open(&app, &o);
	for (i = 0; i < DEVMEM_TX_RANGES_MAX; i++)
		list[i] = (struct devmem_range){ 3 * i, 2 };
	assert_int_equal(app_send(&app, list, DEVMEM_TX_RANGES_MAX, 0, NULL), 2048);
	assert_int_equal(app_send(&app, list, 1, DEVMEM_TX_DONTWAIT, NULL), -ENOBUFS);
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "ranges_max");
	fake_pace(app.fd, 1000, FAKE_MS);
	assert_int_equal(app_send(&app, list, DEVMEM_TX_RANGES_MAX, 0, &sequence), 2048);
	assert_int_equal(sequence, 2);
	assert_int_equal(fake_now(), 3 * FAKE_MS);
	assert_int_equal(app_stats(&app).full_in_flight, 2);
	assert_int_equal(devmem_tx_wait(app.tx, 2, -1), 0);
	/* Of a part that was sent only those ranges count that are in it. */
	fake_socket_sndbuf(app.fd, 1000);
	fake_pace(app.fd, 0, 1);
	assert_int_equal(app_send(&app, list, DEVMEM_TX_RANGES_MAX, DEVMEM_TX_DONTWAIT, NULL),
			 1000);
	fake_take(app.fd, 1);
	assert_int_equal(app_send(&app, list, 1024 - 500, DEVMEM_TX_DONTWAIT, NULL), 1);
	assert_int_equal(app_send(&app, list, 1024 - 500, DEVMEM_TX_DONTWAIT, NULL), -ENOBUFS);
	app_check(&app);
	app_end(&app);
}

static void test_full_notifications(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct devmem_tx_stats stats;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_optmem(app.fd, 2);
	app_send_one(&app, 0, 100);
	app_send_one(&app, 100, 100);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), -ENOBUFS);
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "net.core.optmem_max");
	assert_int_equal(app_stats(&app).full_notifications, 1);
	/* Those that wait unread count, too. */
	fake_merge(app.fd, false);
	fake_take(app.fd, 200);
	assert_int_equal(fake_notes(app.fd), 2);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), 100);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	app_send_one(&app, 0, 100);
	fake_pace(app.fd, 10, FAKE_MS);
	app_send_one(&app, 0, 100);
	assert_int_equal(fake_now(), 10 * FAKE_MS);
	stats = app_stats(&app);
	assert_int_equal(stats.full_notifications, 3);
	assert_int_equal(stats.sends, 5);
	assert_int_equal(stats.send_calls, 8);
	app_end(&app);
}

/* There is no room although nothing of ours is in flight: to wait would be for ever. */
static void test_full_of_others(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_fail_send(app.fd, 0, ENOBUFS);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENOBUFS);
	app_explains(&app, -ENOBUFS, DEVMEM_ERROR_REFUSED, "net.core.optmem_max");
	/* Unread messages for others fill it: they are dropped. */
	fake_socket_optmem(app.fd, 2);
	fake_note_timestamp(app.fd);
	fake_note_timestamp(app.fd);
	assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), 100);
	assert_true(app_stats(&app).notices_other > 0);
	app_end(&app);
}

/* ---- the connection, the route, the binding ---- */

static void test_connection_over(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct devmem_tx_done done;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	app_send_one(&app, 0, 1000);
	fake_take(app.fd, 10);
	fake_reset(app.fd, 0, ECONNRESET);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ECONNRESET);
	app_explains(&app, -ECONNRESET, DEVMEM_ERROR_REFUSED, "over");
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EPIPE);
	app_explains(&app, -EPIPE, DEVMEM_ERROR_REFUSED, "over");
	/* What was in flight will not be read any more. */
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 1);
	assert_true(done.first == 1 && done.last == 1);
	app_end(&app);

	app.fd = fake_connected(AF_INET);
	app_open(&app, NULL);
	fake_shutdown(app.fd);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EPIPE);
	app_end(&app);
}

/* It ends while a send waits. */
static void test_connection_ends(void **state)
{
	const struct devmem_range range = { 0, 5000 };
	bool nonblock;
	struct app app;

	(void)state;
	for (nonblock = false;; nonblock = true) {
		app_start(&app, APP_DEVICE, MIB);
		fake_socket_nonblock(app.fd, nonblock);
		fake_socket_sndbuf(app.fd, 1000);
		fake_reset(app.fd, 5 * FAKE_MS, ETIMEDOUT);
		fake_hold(app.fd, true);
		/* The kernel says why once, here to the first call; the second reports it. */
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), 1000);
		assert_int_equal(fake_now(), 5 * FAKE_MS);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ETIMEDOUT);
		app_explains(&app, -ETIMEDOUT, DEVMEM_ERROR_REFUSED, "send: Connection timed out");
		app_explains(&app, -ETIMEDOUT, DEVMEM_ERROR_REFUSED, "over");
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EPIPE);
		fake_hold(app.fd, false);
		assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), 0);
		app.tx = NULL;
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
		if (nonblock)
			break;
	}
}

static void test_route_changes(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .flags = DEVMEM_TX_KEEP_UNBOUND };
	const struct devmem_range range = { 0, 100 };
	struct app app;
	int family;

	(void)state;
	for (family = AF_INET;; family = AF_INET6) {
		app_begin(&app, APP_DEVICE, MIB);
		app.fd = fake_connected(family);
		app_open(&app, &o);
		app_send_one(&app, 0, 100);
		fake_socket_route(app.fd, 3);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENODEV);
		assert_int_equal(fake_route_questions(), 0);
		app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "leaves through eth2");
		app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "bound to eth1");
		fake_route_fails(ENETUNREACH);
		app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "eth1");
		fake_route_fails(0);
		/* It is back: what was wrong can't be found out any more. */
		fake_socket_route(app.fd, 2);
		app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "leaves through eth1 now");
		app_explains(&app, -ENODEV, DEVMEM_ERROR_REFUSED, "try again");
		app_send_one(&app, 0, 100);
		assert_int_equal(devmem_tx_last(app.tx), 2);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
		if (family == AF_INET6)
			break;
	}
}

/* A socket that is bound doesn't follow the route. */
static void test_route_changes_bound(void **state)
{
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_route(app.fd, 3);
	app_send_one(&app, 0, 100);
	app_end(&app);
}

static int explain(void *app)
{
	app_explains(app, -ENODEV, DEVMEM_ERROR_REFUSED, "eth1");
	return 0;
}

/* Each call of the explanation fails: it says less, and leaves nothing open. */
static void test_explain_each_call(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .flags = DEVMEM_TX_KEEP_UNBOUND };
	struct app app;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	app_open(&app, &o);
	fake_socket_route(app.fd, 3);
	assert_int_equal(app_send(&app, &(struct devmem_range){ 0, 1 }, 1, 0, NULL), -ENODEV);
	assert_true(fake_each_fails(FAKE_CALL, EIO, explain, &app) > 5);
	app_end(&app);
}

static void test_binding_gone(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct devmem_tx_done done;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	app_send_one(&app, 0, 100);
	/* The library's object may go before. */
	app_unbind(&app);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ESTALE);
	app_explains(&app, -ESTALE, DEVMEM_ERROR_REFUSED, "binding 41");
	assert_int_equal(fake_socket_next(app.fd), 1);
	fake_take(app.fd, 100);
	app_check_all(&app);
	assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 1);
	app_end(&app);
}

static void test_zerocopy_off(void **state)
{
	const struct devmem_range range = { 0, 100 };
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	fake_socket_zerocopy(app.fd, false);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINVAL);
	app_explains(&app, -EINVAL, DEVMEM_ERROR_REFUSED, "SO_ZEROCOPY");
	fake_socket_zerocopy(app.fd, true);
	app_send_one(&app, 0, 100);
	/* In the middle of a send. */
	fake_socket_nonblock(app.fd, true);
	fake_socket_sndbuf(app.fd, 150);
	fake_pace(app.fd, 10, FAKE_MS);
	fake_zerocopy_off(app.fd, FAKE_MS);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), 50);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINVAL);
	app_explains(&app, -EINVAL, DEVMEM_ERROR_REFUSED, "SO_ZEROCOPY");
	app_end(&app);
}

static void test_other_errors(void **state)
{
	static const int codes[] = { EACCES, EHOSTUNREACH, ENETDOWN, EFAULT, EBADF, ENOMEM, EIO };
	const struct devmem_range range = { 0, 100 };
	struct app app;
	size_t i;

	(void)state;
	app_start(&app, APP_DEVICE, MIB);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		fake_fail_send(app.fd, 0, codes[i]);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -codes[i]);
		app_explains(&app, -codes[i], DEVMEM_ERROR_REFUSED, "send");
	}
	assert_int_equal(app_stats(&app).send_calls, i);
	assert_int_equal(app_stats(&app).sends, 0);
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 100);
	app_check_all(&app);
	app_end(&app);
}

/* The kernel sends just under 2 GiB in one call, and says nothing of the rest. */
static void test_huge(void **state)
{
	struct devmem_range list[] = { { 5, UINT64_C(3) << 30 }, { 0, 1 } };
	struct app app;
	int64_t n;

	(void)state;
	app_start(&app, APP_DEVICE, UINT64_C(4) << 30);
	fake_socket_sndbuf(app.fd, 100000);
	n = app_send(&app, list, 2, DEVMEM_TX_DONTWAIT, NULL);
	assert_int_equal(n, 100000);
	assert_true(fake_send_asked(app.fd) >= 1U << 30);
	assert_true(fake_send_asked(app.fd) < 0x7ffff000U);
	fake_take(app.fd, 100000);
	app_check_all(&app);
	app_end(&app);
}

/* Several calls for one send, the second of which finds no room: that isn't kept for later. */
static void test_huge_parts(void **state)
{
	const struct devmem_range range = { 5, UINT64_C(3) << 30 };
	uint64_t sequence;
	struct app app;

	(void)state;
	app_start(&app, APP_DEVICE, UINT64_C(4) << 30);
	fake_socket_blind(app.fd);
	fake_socket_sndbuf(app.fd, UINT32_MAX);
	assert_true(devmem_tx_send(app.tx, &range, 1, 0, &sequence) == 3LL << 30);
	assert_int_equal(sequence, 3);
	assert_int_equal(app_stats(&app).send_calls, 3);
	assert_int_equal(app_stats(&app).sends_partial, 0);
	assert_int_equal(app_stats(&app).ranges, 1);
	assert_true(app_stats(&app).in_flight_bytes == 3ULL << 30);
	fake_take(app.fd, 3ULL << 30);
	fake_socket_sndbuf(app.fd, 1U << 30);
	assert_true(devmem_tx_send(app.tx, &range, 1, DEVMEM_TX_DONTWAIT, &sequence) == 1LL << 30);
	assert_int_equal(sequence, 4);
	fake_take(app.fd, 1000);
	assert_int_equal(devmem_tx_send(app.tx, &range, 1, DEVMEM_TX_DONTWAIT, NULL), 1000);
	app_end(&app);
}

/* ---- plain sends ---- */

static void test_plain(void **state)
{
	const struct devmem_range list[] = { { 100, 50 }, { 0, 10 } }, all = { 0, MIB };
	struct devmem_tx_stats stats;
	struct devmem_tx_done done;
	enum app_kind kind;
	uint64_t sequence;
	struct app app;

	(void)state;
	for (kind = APP_PLAIN_DMABUF; kind <= APP_PLAIN_MEMFD; kind++) {
		app_start(&app, kind, MIB);
		/* It is a socket like any other. */
		assert_false(fake_socket_has_zerocopy(app.fd));
		assert_int_equal(fake_socket_bound(app.fd), 0);
		assert_int_equal(fake_counts(app.fd).setsockopt, 0);
		assert_int_equal(fake_counts(app.fd).send, 0);
		assert_int_equal(app_send(&app, list, 2, 0, &sequence), 60);
		assert_int_equal(sequence, 1);
		assert_int_equal(fake_send_flags(app.fd), MSG_NOSIGNAL);
		assert_int_equal(fake_counts(app.fd).send, 1);
		/* The region may be used again at once. */
		assert_int_equal(devmem_tx_completed(app.tx), 1);
		assert_int_equal(devmem_tx_in_flight(app.tx, &all, &sequence), 0);
		assert_int_equal(sequence, 0);
		memset(app.bytes, 0xee, 200);
		app_send_one(&app, 0, 300);
		assert_int_equal(devmem_tx_wait(app.tx, DEVMEM_TX_ALL, -1), 0);
		assert_int_equal(fake_counts(app.fd).poll, 0);
		/* The error queue isn't its business. */
		fake_note_timestamp(app.fd);
		assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 1);
		assert_true(done.first == 1 && done.last == 2);
		assert_int_equal(fake_notes(app.fd), 1);
		assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 0);
		fake_take(app.fd, 360);
		app_check_all(&app);
		stats = app_stats(&app);
		assert_int_equal(stats.bytes_plain, 360);
		assert_int_equal(stats.bytes_device, 0);
		assert_int_equal(stats.sends, 2);
		assert_int_equal(stats.ranges, 3);
		assert_int_equal(stats.sends_completed, 2);
		assert_int_equal(stats.in_flight_sends + stats.in_flight_bytes, 0);
		assert_int_equal(stats.zerocopy_sends, 0);
		assert_int_equal(stats.sync_calls, kind == APP_PLAIN_DMABUF ? 4 : 0);
		assert_int_equal(fake.syncs, stats.sync_calls);
		assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 0), 0);
		app.tx = NULL;
		assert_int_equal(fake_counts(app.fd).setsockopt, 0);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
	}
}

/* Parts, waits and errors; an access to the dma-buf is never left open over a poll. */
static void test_plain_parts(void **state)
{
	const struct devmem_range range = { 0, 5000 };
	enum app_kind kind;
	struct devmem_error err;
	uint64_t sequence;
	struct app app;

	(void)state;
	for (kind = APP_PLAIN_DMABUF; kind <= APP_PLAIN_MEMFD; kind++) {
		app_start(&app, kind, MIB);
		fake_socket_sndbuf(app.fd, 1000);
		assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, &sequence), 1000);
		assert_int_equal(app_send(&app, &range, 1, DEVMEM_TX_DONTWAIT, NULL), -EAGAIN);
		assert_int_equal(devmem_tx_completed(app.tx), 1);
		fake_signal(3 * FAKE_MS);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINTR);
		fake_pace(app.fd, 100, FAKE_MS);
		assert_int_equal(app_send_one(&app, 70, 5000), 2);
		fake_socket_nonblock(app.fd, true);
		assert_true(app_send_one(&app, 99, 5000) > 5);
		/* Neither has to do with notifications, or with a binding. */
		fake_fail_send(app.fd, 0, ENOBUFS);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENOBUFS);
		assert_int_equal(app_stats(&app).full_notifications, 0);
		devmem_tx_explain(app.tx, -ENOBUFS, &err);
		assert_null(strstr(err.message, "optmem_max"));
		fake_fail_send(app.fd, 0, EINVAL);
		fake_socket_zerocopy(app.fd, true);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EINVAL);
		fake_reset(app.fd, fake_now(), ECONNRESET);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ECONNRESET);
		assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EPIPE);
		app_check(&app);
		assert_int_equal(app_stats(&app).send_calls, fake_counts(app.fd).send);
		assert_int_equal(app_stats(&app).sends_completed, app_stats(&app).sends);
		app_end(&app);
		fake_end();
		fake_begin(FAKE_LINUX_7_3);
	}
}

/* What a failure left open, the test ends. */
static void end_access(const struct app *app)
{
	fake_sync_result(0, 0);
	assert_int_equal(devmem_region_sync(app->region, DEVMEM_SYNC_READ | DEVMEM_SYNC_END, NULL),
			 0);
}

static void test_plain_sync_fails(void **state)
{
	const struct devmem_range range = { 0, 500 };
	uint64_t sequence;
	struct app app;

	(void)state;
	app_start(&app, APP_PLAIN_DMABUF, MIB);
	fake_sync_result(EIO, 0);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EIO);
	assert_int_equal(fake_counts(app.fd).send, 0);
	fake_sync_result(0, 0);
	app_send_one(&app, 0, 500);
	/* What was sent stays sent: the next call reports the error. */
	fake_sync_result(0, ENOMEM);
	assert_int_equal(app_send(&app, &range, 1, 0, &sequence), 500);
	assert_int_equal(sequence, 2);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENOMEM);
	assert_int_equal(fake_counts(app.fd).send, 2);
	end_access(&app);
	/* Also where only a part of it was: then no more is sent. */
	fake_sync_result(0, ENOMEM);
	fake_socket_nonblock(app.fd, true);
	fake_socket_sndbuf(app.fd, 1200);
	fake_pace(app.fd, 100, FAKE_MS);
	assert_int_equal(app_send(&app, &range, 1, 0, &sequence), 200);
	assert_int_equal(fake_counts(app.fd).send, 3);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENOMEM);
	assert_int_equal(fake_counts(app.fd).send, 3);
	end_access(&app);
	/* Where nothing was sent, no error is left for the next call. */
	fake_sync_result(0, ENOMEM);
	fake_fail_send(app.fd, 0, EINTR);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ENOMEM);
	end_access(&app);
	app_send_one(&app, 0, 500);
	fake_advance(100 * FAKE_MS);
	app_check_all(&app);
	app_end(&app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APP_TEST(test_open),
		APP_TEST(test_open_as_it_was),
		APP_TEST(test_open_inherited),
		APP_TEST(test_open_refused),
		APP_TEST(test_options),
		APP_TEST(test_open_each_call),
		APP_TEST(test_open_full),
		APP_TEST(test_open_bind_eperm),
		APP_TEST(test_send),
		APP_TEST(test_model_shows_reuse),
		APP_TEST(test_lists),
		APP_TEST(test_validation),
		APP_TEST(test_advance),
		APP_TEST(test_partial),
		APP_TEST(test_dontwait),
		APP_TEST(test_waits),
		APP_TEST(test_waits_nonblock),
		APP_TEST(test_waits_nonblock_notices),
		APP_TEST(test_interrupted),
		APP_TEST(test_full_sends),
		APP_TEST(test_full_ranges),
		APP_TEST(test_full_notifications),
		APP_TEST(test_full_of_others),
		APP_TEST(test_connection_over),
		APP_TEST(test_connection_ends),
		APP_TEST(test_route_changes),
		APP_TEST(test_route_changes_bound),
		APP_TEST(test_explain_each_call),
		APP_TEST(test_binding_gone),
		APP_TEST(test_zerocopy_off),
		APP_TEST(test_other_errors),
		APP_TEST(test_huge),
		APP_TEST(test_huge_parts),
		APP_TEST(test_plain),
		APP_TEST(test_plain_parts),
		APP_TEST(test_plain_sync_fails),
	};

	return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
