// SPDX-License-Identifier: BSD-3-Clause
/* Sender: which sends are complete, waiting for them, what else lies in the error queue,
 * closing. */
#include "test_tx_app.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define MIB (1U << 20)

static struct app app;

static void begin(void)
{
	app_start(&app, APP_DEVICE, MIB);
}

/* So many sends of 100 bytes each, which have left; their completions are held back. */
static void begin_held(unsigned int n)
{
	unsigned int i;

	begin();
	fake_hold(app.fd, true);
	for (i = 0; i < n; i++)
		app_send_one(&app, 100 * i, 100);
	fake_take(app.fd, 100 * n);
}

/* One call with room for n, which must report these: first and last of each, up to a 0. */
static void reaps(size_t n, const uint64_t *want)
{
	struct devmem_tx_done done[8];
	size_t i;
	int k;

	memset(done, 0, sizeof(done));
	k = devmem_tx_reap(app.tx, done, n);
	for (i = 0; want[2 * i]; i++) {
		assert_true(k > (int)i);
		assert_true(done[i].first == want[2 * i]);
		assert_true(done[i].last == want[2 * i + 1]);
	}
	assert_int_equal(k, i);
}
#define REAPS(n, ...) reaps(n, (const uint64_t[]){ __VA_ARGS__, 0 })

/* ---- completions ---- */

static void test_reap(void **state)
{
	struct devmem_tx_stats stats;

	(void)state;
	begin();
	REAPS(8, 0);
	app_send_one(&app, 0, 1000);
	app_send_one(&app, 5000, 1000);
	REAPS(8, 0);
	fake_take(app.fd, 999);
	REAPS(8, 0);
	assert_int_equal(devmem_tx_completed(app.tx), 0);
	fake_take(app.fd, 1);
	REAPS(8, 1, 1);
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	REAPS(8, 0);
	fake_take(app.fd, 1000);
	/* As of the last call that read the queue. */
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	REAPS(8, 2, 2);
	assert_int_equal(devmem_tx_completed(app.tx), 2);
	stats = app_stats(&app);
	assert_int_equal(stats.completions, 2);
	assert_int_equal(stats.sends_completed, 2);
	assert_int_equal(stats.sends_copied, 0);
	assert_int_equal(stats.completions_unknown, 0);
	assert_int_equal(stats.in_flight_sends, 0);
	assert_int_equal(stats.in_flight_bytes, 0);
	assert_int_equal(stats.in_flight_sends_max, 2);
	assert_int_equal(stats.in_flight_bytes_max, 2000);
	assert_int_equal(stats.reap_calls, fake_counts(app.fd).reap);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	app_check_all(&app);
	app_end(&app);
}

/* One message for many sends, and many messages in one call. Each is reported once. */
static void test_reap_merges(void **state)
{
	uint64_t reads;

	(void)state;
	begin_held(10);
	fake_hold(app.fd, false);
	assert_int_equal(fake_notes(app.fd), 1);
	reads = fake_counts(app.fd).reap;
	REAPS(8, 1, 10);
	/* Nothing is in flight any more: no second look. */
	assert_int_equal(fake_counts(app.fd).reap, reads + 1);
	assert_int_equal(app_stats(&app).completions, 1);
	app_end(&app);

	app.fd = fake_connected(AF_INET6);
	app_open(&app, NULL);
	fake_merge(app.fd, false);
	app_send_one(&app, 0, 100);
	app_send_one(&app, 0, 100);
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 200);
	assert_int_equal(fake_notes(app.fd), 2);
	REAPS(8, 1, 2);
	assert_int_equal(app_stats(&app).completions, 2);
	assert_int_equal(app_stats(&app).sends_completed, 2);
	app_end(&app);
}

static void test_reap_order(void **state)
{
	const struct devmem_range all = { 0, 1000 }, third = { 250, 1 };
	uint64_t sequence;

	(void)state;
	begin_held(10);
	fake_complete(app.fd, 2); /* its sequence number is 3 */
	fake_complete(app.fd, 5);
	fake_complete(app.fd, 4);
	REAPS(8, 3, 3, 5, 6);
	assert_int_equal(devmem_tx_completed(app.tx), 0);
	assert_int_equal(devmem_tx_in_flight(app.tx, &all, &sequence), 1);
	assert_int_equal(sequence, 10);
	assert_int_equal(devmem_tx_in_flight(app.tx, &third, &sequence), 0);
	assert_int_equal(sequence, 0);
	assert_int_equal(app_stats(&app).in_flight_sends, 7);
	assert_int_equal(app_stats(&app).in_flight_bytes, 700);
	fake_complete(app.fd, 9);
	fake_complete(app.fd, 3);
	fake_complete(app.fd, 0);
	REAPS(8, 1, 1, 4, 4, 10, 10);
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	fake_complete(app.fd, 1);
	REAPS(8, 2, 2);
	assert_int_equal(devmem_tx_completed(app.tx), 6);
	app_end(&app);
}

/* What doesn't fit comes with the next call; without room it is only read. */
static void test_reap_small(void **state)
{
	(void)state;
	begin_held(10);
	fake_complete(app.fd, 8);
	fake_complete(app.fd, 2);
	fake_complete(app.fd, 4);
	fake_complete(app.fd, 6);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), 0);
	assert_int_equal(fake_notes(app.fd), 0);
	REAPS(1, 3, 3);
	REAPS(2, 5, 5, 7, 7);
	fake_complete(app.fd, 7);
	fake_complete(app.fd, 0);
	REAPS(1, 1, 1);
	REAPS(1, 8, 9);
	REAPS(1, 0);
	/* What other calls found is reported, too. */
	fake_complete(app.fd, 1);
	assert_int_equal(devmem_tx_wait(app.tx, 3, -1), 0);
	assert_int_equal(fake_notes(app.fd), 0);
	REAPS(8, 2, 2);
	app_end(&app);
}

/* Sends that the kernel joined to one. */
static void test_reap_joined(void **state)
{
	unsigned int i;

	(void)state;
	begin();
	fake_join(app.fd, 100);
	fake_copied(app.fd, 100);
	for (i = 0; i < 5; i++)
		app_send_one(&app, 10 * i, 10);
	fake_take(app.fd, 49);
	REAPS(8, 0);
	fake_take(app.fd, 1);
	REAPS(8, 1, 5);
	assert_int_equal(app_stats(&app).sends_copied, 5);
	app_end(&app);
}

static void test_copied(void **state)
{
	struct devmem_tx_stats stats;

	(void)state;
	begin();
	app_send_one(&app, 0, 10);
	fake_copied(app.fd, 100);
	app_send_one(&app, 0, 10);
	app_send_one(&app, 0, 10);
	fake_merge(app.fd, false);
	fake_take(app.fd, 30);
	/* Copies of sends that were complete before don't count. */
	fake_note_zerocopy(app.fd, 1, 1, true);
	REAPS(8, 1, 3);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), 0);
	stats = app_stats(&app);
	assert_int_equal(stats.sends_copied, 2);
	assert_int_equal(stats.completions, 4);
	assert_int_equal(stats.completions_unknown, 1);
	assert_int_equal(stats.sends_completed, 3);
	app_end(&app);
}

static void test_wrap(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .zerocopy_sends = 0xfffffffeU };
	unsigned int i;

	(void)state;
	app_begin(&app, APP_DEVICE, MIB);
	fake_socket_number(app.fd, 0xfffffffeU);
	app_open(&app, &o);
	assert_int_equal(app_stats(&app).zerocopy_sends, 0xfffffffeU);
	for (i = 0; i < 5; i++)
		app_send_one(&app, 0, 10);
	assert_int_equal(app_stats(&app).zerocopy_sends, 3);
	fake_take(app.fd, 40);
	assert_int_equal(fake_notes(app.fd), 1);
	REAPS(8, 1, 4);
	app_end(&app);
}

/* ---- other messages ---- */

static void test_notices(void **state)
{
	(void)state;
	begin();
	fake_stamps(app.fd, true);
	app_send_one(&app, 0, 10);
	fake_note_timestamp(app.fd);
	fake_note_icmp(app.fd, EHOSTUNREACH);
	fake_take(app.fd, 10);
	fake_note_timestamp(app.fd);
	REAPS(8, 1, 1);
	/* The rest, too: else poll() said POLLERR for ever. */
	REAPS(8, 0);
	assert_int_equal(fake_notes(app.fd), 0);
	assert_int_equal(app_stats(&app).notices_other, 3);
	assert_int_equal(app_stats(&app).completions, 1);
	assert_int_equal(app_stats(&app).completions_unknown, 0);
	/* Also with nothing in flight. */
	fake_note_icmp(app.fd, ENETUNREACH);
	REAPS(8, 0);
	assert_int_equal(fake_notes(app.fd), 0);
	assert_int_equal(app_stats(&app).notices_other, 4);
	app_end(&app);
}

/* Those of the sender before on the same socket, and twice the same. */
static void test_unknown(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o) };

	(void)state;
	begin();
	app_send_one(&app, 0, 10);
	app_send_one(&app, 0, 10);
	o.zerocopy_sends = app_stats(&app).zerocopy_sends;
	assert_int_equal(o.zerocopy_sends, 2);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_ABANDON, 0), 0);
	app_open(&app, &o);
	app_send_one(&app, 0, 10);
	fake_take(app.fd, 20);
	REAPS(8, 0);
	assert_int_equal(app_stats(&app).completions_unknown, 2);
	assert_int_equal(app_stats(&app).sends_completed, 0);
	fake_take(app.fd, 10);
	REAPS(8, 1, 1);
	fake_note_zerocopy(app.fd, 1, 2, false);
	REAPS(8, 0);
	assert_int_equal(app_stats(&app).completions_unknown, 4);
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	app_end(&app);
}

static void is_lost(uint64_t completed)
{
	const struct devmem_range range = { 0, 100 };
	uint64_t sent = fake_counts(app.fd).send, polled = fake_counts(app.fd).poll;
	uint64_t sequence;

	app_explains(&app, -EBADMSG, DEVMEM_ERROR_REFUSED, "somebody else");
	app_explains(&app, -EBADMSG, DEVMEM_ERROR_REFUSED, "zerocopy_sends");
	/* For good. */
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EBADMSG);
	assert_int_equal(devmem_tx_wait(app.tx, devmem_tx_last(app.tx), -1), -EBADMSG);
	assert_int_equal(devmem_tx_wait(app.tx, DEVMEM_TX_ALL, 1000), -EBADMSG);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), -EBADMSG);
	assert_int_equal(fake_counts(app.fd).send, sent);
	assert_int_equal(fake_counts(app.fd).poll, polled);
	assert_int_equal(fake_now(), 0);
	/* What was reported stays reported, but isn't reported again. */
	assert_int_equal(devmem_tx_completed(app.tx), completed);
	assert_int_equal(devmem_tx_wait(app.tx, completed, 0), -EBADMSG);
	assert_int_equal(devmem_tx_in_flight(app.tx, &range, &sequence), 1);
	assert_int_equal(sequence, devmem_tx_last(app.tx));
	app_end(&app);
}

static void test_lost(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o), .zerocopy_sends = 7 };

	(void)state;
	/* A number that this sender hasn't given out. */
	begin();
	app_send_one(&app, 0, 100);
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 100);
	fake_note_zerocopy(app.fd, 2, 2, false);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	is_lost(1);
	fake_end();
	fake_begin(FAKE_LINUX_7_3);

	/* Found while waiting. */
	begin();
	app_send_one(&app, 0, 100);
	fake_note_zerocopy(app.fd, 0, 1, false);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), -EBADMSG);
	is_lost(0);
	fake_end();
	fake_begin(FAKE_LINUX_7_3);

	/* And while sending. */
	begin();
	fake_socket_nonblock(app.fd, true);
	fake_socket_sndbuf(app.fd, 100);
	app_send_one(&app, 0, 100);
	fake_note_zerocopy(app.fd, 5, 5, false);
	assert_int_equal(app_send(&app, &(struct devmem_range){ 0, 1 }, 1, 0, NULL), -EBADMSG);
	is_lost(0);
	fake_end();
	fake_begin(FAKE_LINUX_7_3);

	/* zerocopy_sends was wrong: too low; too high only shows as sends of somebody else. */
	app_begin(&app, APP_DEVICE, MIB);
	fake_socket_number(app.fd, 8);
	app_open(&app, &o);
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 100);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	is_lost(0);
}

static void test_malformed(void **state)
{
	const uint64_t short_one[6] = { 20, 11ULL << 32 };

	(void)state;
	begin();
	app_send_one(&app, 0, 100);
	fake_note_raw(app.fd, short_one, 24);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	is_lost(0);
}

/* So much of other things that a completion may have been cut off; and nearly so much. */
static void test_cut_off(void **state)
{
	(void)state;
	begin();
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 100);
	fake_clutter(app.fd, 300);
	REAPS(8, 1, 1);
	app_send_one(&app, 0, 100);
	fake_take(app.fd, 100);
	fake_clutter(app.fd, 600);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADMSG);
	is_lost(1);
}

/* An error of the call itself: nothing is lost by it. */
static void test_reap_fails(void **state)
{
	(void)state;
	begin_held(3);
	fake_merge(app.fd, false);
	fake_complete(app.fd, 0);
	fake_complete(app.fd, 1);
	fake_fail_reap(app.fd, 1, ENOMEM);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -ENOMEM);
	app_explains(&app, -ENOMEM, DEVMEM_ERROR_REFUSED, "ENOMEM");
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	REAPS(8, 1, 2);
	fake_complete(app.fd, 2);
	fake_fail_reap(app.fd, 0, EINTR);
	assert_int_equal(devmem_tx_wait(app.tx, 3, -1), -EINTR);
	assert_int_equal(devmem_tx_wait(app.tx, 3, -1), 0);
	app_end(&app);
}

/* What was wrong with one call isn't said of the next. */
static void test_faults(void **state)
{
	const struct devmem_range past = { MIB, 1 };
	struct devmem_error err;

	(void)state;
	begin();
	app_send_one(&app, 0, 100);
	assert_int_equal(app_send(&app, &past, 1, 0, NULL), -ERANGE);
	fake_fail_reap(app.fd, 0, EIO);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EIO);
	devmem_tx_explain(app.tx, -EIO, &err);
	assert_null(strstr(err.message, "region"));
	assert_int_equal(app_send(&app, &past, 1, 0, NULL), -ERANGE);
	fake_fail_poll(app.fd, 0, EIO);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), -EIO);
	devmem_tx_explain(app.tx, -EIO, &err);
	assert_null(strstr(err.message, "region"));
	assert_int_equal(devmem_tx_wait(app.tx, 2, -1), -EINVAL);
	fake_fail_send(app.fd, 0, EIO);
	assert_int_equal(app_send(&app, &(struct devmem_range){ 0, 1 }, 1, 0, NULL), -EIO);
	devmem_tx_explain(app.tx, -EIO, &err);
	assert_null(strstr(err.message, "number"));
	app_end(&app);
}

/* The descriptor before the sender. */
static void test_closed(void **state)
{
	const struct devmem_range range = { 0, 1 };

	(void)state;
	begin();
	app_send_one(&app, 0, 100);
	fake_socket_close(app.fd);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), -EBADF);
	app_explains(&app, -EBADF, DEVMEM_ERROR_REFUSED, "closed before");
	assert_int_equal(devmem_tx_wait(app.tx, 1, 0), -EBADF);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), -EBADF);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -EBADF);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), -EBADF);
	app_end(&app);
}

/* ---- bytes in flight ---- */

static void test_in_flight(void **state)
{
	const struct devmem_range list[] = { { 1000, 100 }, { 3000, 100 } };
	static const struct {
		uint64_t offset, size, sequence;
	} asked[] = {
		{ 0, 1000, 0 },	   { 0, 1001, 1 }, { 1099, 1, 1 },    { 1100, 1900, 0 },
		{ 1100, 1901, 1 }, { 0, MIB, 3 },  { 3050, 10, 2 },   { 3000, 50, 1 },
		{ 3099, 1000, 2 }, { 5000, 1, 3 }, { MIB - 1, 1, 0 }, { 1000, 2001, 1 },
	};
	unsigned int calls;
	uint64_t sequence;
	size_t i;

	(void)state;
	begin();
	assert_int_equal(app_send(&app, list, 2, 0, NULL), 200);
	app_send_one(&app, 3050, 100);
	app_send_one(&app, 5000, 1);
	calls = fake_calls();
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct devmem_range range = { asked[i].offset, asked[i].size };

		sequence = 99;
		if (devmem_tx_in_flight(app.tx, &range, &sequence) != (asked[i].sequence > 0) ||
		    sequence != asked[i].sequence)
			fail_msg("%zu: %d", i, (int)sequence);
		assert_int_equal(devmem_tx_in_flight(app.tx, &range, NULL), asked[i].sequence > 0);
	}
	assert_int_equal(fake_calls(), calls);
	app_end(&app);
}

/* Of a part that was sent, the rest isn't. */
static void test_in_flight_part(void **state)
{
	const struct devmem_range list[] = { { 0, 100 }, { 500, 100 }, { 900, 100 } };
	const struct devmem_range sent = { 500, 50 }, rest = { 550, 50 }, last = { 900, 100 };

	(void)state;
	begin();
	fake_socket_sndbuf(app.fd, 150);
	assert_int_equal(app_send(&app, list, 3, DEVMEM_TX_DONTWAIT, NULL), 150);
	assert_int_equal(devmem_tx_in_flight(app.tx, &sent, NULL), 1);
	assert_int_equal(devmem_tx_in_flight(app.tx, &rest, NULL), 0);
	assert_int_equal(devmem_tx_in_flight(app.tx, &last, NULL), 0);
	fake_take(app.fd, 150);
	/* As of the last look. */
	assert_int_equal(devmem_tx_in_flight(app.tx, &sent, NULL), 1);
	assert_int_equal(devmem_tx_reap(app.tx, NULL, 0), 0);
	assert_int_equal(devmem_tx_in_flight(app.tx, &sent, NULL), 0);
	app_end(&app);
}

/* ---- waiting ---- */

static void test_wait(void **state)
{
	(void)state;
	begin();
	assert_int_equal(devmem_tx_wait(app.tx, 0, -1), 0);
	assert_int_equal(devmem_tx_wait(app.tx, DEVMEM_TX_ALL, -1), 0);
	app_send_one(&app, 0, 1000);
	app_send_one(&app, 0, 1000);
	assert_int_equal(devmem_tx_wait(app.tx, 3, -1), -EINVAL);
	app_explains(&app, -EINVAL, DEVMEM_ERROR_INPUT, "the last has 2");
	assert_int_equal(devmem_tx_wait(app.tx, UINT64_MAX - 1, -1), -EINVAL);
	assert_int_equal(fake_counts(app.fd).reap + fake_counts(app.fd).poll, 0);
	fake_pace(app.fd, 10, FAKE_MS);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	assert_int_equal(fake_now(), 100 * FAKE_MS);
	/* A poll, the message, and a look for more. */
	assert_int_equal(fake_counts(app.fd).poll, 1);
	assert_int_equal(fake_counts(app.fd).reap, 2);
	assert_int_equal(fake_poll_events(), 0);
	assert_int_equal(fake_poll_timeout(), -1);
	/* That was found out already: no call. */
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	assert_int_equal(devmem_tx_wait(app.tx, 0, -1), 0);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 0), 0);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 5), 0);
	assert_int_equal(fake_counts(app.fd).poll, 1);
	assert_int_equal(fake_counts(app.fd).reap, 2);
	assert_int_equal(devmem_tx_wait(app.tx, DEVMEM_TX_ALL, -1), 0);
	assert_int_equal(fake_now(), 200 * FAKE_MS);
	REAPS(8, 1, 2);
	assert_int_equal(app_stats(&app).poll_calls, 2);
	assert_int_equal(app_stats(&app).reap_calls, fake_counts(app.fd).reap);
	app_end(&app);
}

static void test_wait_times(void **state)
{
	(void)state;
	begin();
	app_send_one(&app, 0, 1000);
	/* 0: it only looks. */
	assert_int_equal(devmem_tx_wait(app.tx, 1, 0), -ETIMEDOUT);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_counts(app.fd).reap, 1);
	app_explains(&app, -ETIMEDOUT, DEVMEM_ERROR_REFUSED, "0 of 1");
	assert_int_equal(devmem_tx_wait(app.tx, 1, 70), -ETIMEDOUT);
	assert_int_equal(fake_now(), 70 * FAKE_MS);
	assert_int_equal(fake_counts(app.fd).poll, 1);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 1), -ETIMEDOUT);
	assert_int_equal(fake_now(), 71 * FAKE_MS);
	/* The time is for all of it, whatever comes in between. */
	fake_pace(app.fd, 1, FAKE_MS);
	app_send_one(&app, 0, 1000);
	assert_int_equal(devmem_tx_wait(app.tx, 2, 1500), -ETIMEDOUT);
	assert_int_equal(fake_now(), 1571 * FAKE_MS);
	assert_int_equal(devmem_tx_completed(app.tx), 1);
	assert_int_equal(devmem_tx_wait(app.tx, 2, 501), 0);
	assert_int_equal(fake_now(), 2071 * FAKE_MS);
	/* 0 finds what is there. */
	fake_pace(app.fd, 0, 1);
	app_send_one(&app, 0, 10);
	fake_take(app.fd, 10);
	assert_int_equal(devmem_tx_wait(app.tx, 3, 0), 0);
	app_end(&app);
}

static void test_wait_order(void **state)
{
	(void)state;
	begin_held(3);
	fake_complete(app.fd, 2);
	fake_complete(app.fd, 1);
	assert_int_equal(devmem_tx_wait(app.tx, 3, 50), -ETIMEDOUT);
	assert_int_equal(devmem_tx_completed(app.tx), 0);
	fake_complete(app.fd, 0);
	assert_int_equal(devmem_tx_wait(app.tx, 3, 0), 0);
	app_end(&app);
}

static void test_wait_signal(void **state)
{
	(void)state;
	begin();
	app_send_one(&app, 0, 10);
	fake_signal(30 * FAKE_MS);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), -EINTR);
	assert_int_equal(fake_now(), 30 * FAKE_MS);
	fake_fail_poll(app.fd, 0, ENOMEM);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), -ENOMEM);
	app_end(&app);
}

/* Messages for others end a poll, but no wait; their reader is the sender. */
static void test_wait_notices(void **state)
{
	(void)state;
	begin();
	app_send_one(&app, 0, 1000);
	fake_pace(app.fd, 10, FAKE_MS);
	fake_note_timestamp(app.fd);
	fake_note_icmp(app.fd, EHOSTUNREACH);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 10), -ETIMEDOUT);
	assert_int_equal(fake_now(), 10 * FAKE_MS);
	fake_note_timestamp(app.fd);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	assert_int_equal(fake_now(), 100 * FAKE_MS);
	assert_true(fake_counts(app.fd).poll < 10);
	assert_int_equal(app_stats(&app).notices_other, 3);
	app_end(&app);
}

/* After the connection's end poll() returns at once, while the NIC still has packets. */
static void test_wait_dead(void **state)
{
	const struct devmem_range range = { 0, 10 };

	(void)state;
	begin();
	app_send_one(&app, 0, 1000);
	fake_hold(app.fd, true);
	fake_reset(app.fd, 0, ECONNRESET);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 200), -ETIMEDOUT);
	assert_in_range(fake_now(), 200 * FAKE_MS, 202 * FAKE_MS);
	/* It sleeps rather than keep a processor busy: one or two polls between two sleeps. */
	assert_true(fake_counts(app.fd).poll <= 250);
	/* A signal is noticed then, too. */
	fake_signal(fake_now() + 50 * FAKE_MS + FAKE_MS / 2);
	assert_int_equal(devmem_tx_wait(app.tx, 1, 5000), -EINTR);
	assert_int_equal(app_send(&app, &range, 1, 0, NULL), -ECONNRESET);
	fake_complete(app.fd, 0);
	assert_int_equal(devmem_tx_wait(app.tx, 1, -1), 0);
	app_end(&app);
}

/* Completions come later than the bytes have left. */
static void test_wait_late(void **state)
{
	(void)state;
	begin();
	fake_pace(app.fd, 100, FAKE_MS);
	fake_jitter(app.fd, 7 * FAKE_MS);
	app_send_one(&app, 0, 1000);
	app_send_one(&app, 0, 2000);
	assert_int_equal(devmem_tx_wait(app.tx, 2, -1), 0);
	assert_in_range(fake_now(), 30 * FAKE_MS, 38 * FAKE_MS);
	app_check_all(&app);
	app_end(&app);
}

/* ---- closing ---- */

static void test_close(void **state)
{
	struct devmem_tx_done done;

	(void)state;
	begin_held(2);
	assert_int_equal(devmem_tx_close(app.tx, 0, 0), -EINVAL);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN | DEVMEM_TX_ABANDON, 0), -EINVAL);
	assert_int_equal(devmem_tx_close(app.tx, 4, 0), -EINVAL);
	assert_int_equal(devmem_tx_close(NULL, DEVMEM_TX_DRAIN, -1), 0);
	assert_int_equal(devmem_tx_close(NULL, DEVMEM_TX_ABANDON, -1), 0);
	/* Nothing is closed if it doesn't drain. */
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 0), -ETIMEDOUT);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 40), -ETIMEDOUT);
	assert_int_equal(fake_now(), 40 * FAKE_MS);
	assert_true(fake_socket_has_zerocopy(app.fd));
	fake_signal(50 * FAKE_MS);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), -EINTR);
	app_send_one(&app, 0, 10);
	fake_take(app.fd, 10);
	fake_complete(app.fd, 1);
	assert_int_equal(devmem_tx_reap(app.tx, &done, 1), 1);
	fake_hold(app.fd, false);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, 0), 0);
	app.tx = NULL;
	assert_false(fake_socket_has_zerocopy(app.fd));
	assert_int_equal(fake_in_flight(app.fd), 0);
	assert_int_equal(fake_notes(app.fd), 0);
	app_check_all(&app);
	app_end(&app);
}

/* What is in flight goes on; another sender takes over. */
static void test_abandon(void **state)
{
	struct devmem_tx_options o = { .sz = sizeof(o) };
	uint64_t reads;

	(void)state;
	begin();
	app_send_one(&app, 0, 10);
	app_send_one(&app, 0, 20);
	o.zerocopy_sends = app_stats(&app).zerocopy_sends;
	reads = fake_counts(app.fd).reap;
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_ABANDON, -1), 0);
	assert_int_equal(fake_counts(app.fd).reap, reads);
	assert_int_equal(fake_counts(app.fd).poll, 0);
	assert_int_equal(fake_in_flight(app.fd), 2);
	app_open(&app, &o);
	app_send_one(&app, 0, 30);
	fake_pace(app.fd, 1, FAKE_MS);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_DRAIN, -1), 0);
	app.tx = NULL;
	assert_int_equal(fake_now(), 60 * FAKE_MS);
	app_check_all(&app);
	app_end(&app);
}

/* SO_ZEROCOPY can't be put back: abandoning doesn't fail all the same. */
static void test_close_fails(void **state)
{
	(void)state;
	begin();
	fake_fail(fake_calls() + 1, EIO);
	assert_int_equal(devmem_tx_close(app.tx, DEVMEM_TX_ABANDON, 0), 0);
	app.tx = NULL;
	app_end(&app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APP_TEST(test_reap),	       APP_TEST(test_reap_merges),
		APP_TEST(test_reap_order),     APP_TEST(test_reap_small),
		APP_TEST(test_reap_joined),    APP_TEST(test_copied),
		APP_TEST(test_wrap),	       APP_TEST(test_notices),
		APP_TEST(test_unknown),	       APP_TEST(test_lost),
		APP_TEST(test_malformed),      APP_TEST(test_cut_off),
		APP_TEST(test_faults),	       APP_TEST(test_closed),
		APP_TEST(test_reap_fails),     APP_TEST(test_in_flight),
		APP_TEST(test_in_flight_part), APP_TEST(test_wait),
		APP_TEST(test_wait_times),     APP_TEST(test_wait_order),
		APP_TEST(test_wait_signal),    APP_TEST(test_wait_notices),
		APP_TEST(test_wait_dead),      APP_TEST(test_wait_late),
		APP_TEST(test_close),	       APP_TEST(test_abandon),
		APP_TEST(test_close_fails),
	};

	return cmocka_run_group_tests_name("tx-reap", tests, NULL, NULL);
}
