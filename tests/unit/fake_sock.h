/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_SOCK_H
#define DEVMEM_TESTS_FAKE_SOCK_H

/* TCP sockets of the kernel in tests/unit, between fake_socket.c, which has what both directions
 * share, fake_receive.c and fake_send.c. */

#include <poll.h>

#include "core/sys.h"
#include "fake_internal.h"
#include "fake_send.h"

#define SOCKETS_MAX 32

/* The next call but `after` fails. */
struct fault {
	unsigned int after;
	int code; /* 0 = none */
};

struct token {
	struct fake_pool *pool;
	uint32_t page;
};

struct sock {
	struct object object;
	unsigned int number; /* of its making */
	bool tcp, listening, nonblock, dead, shut;
	struct sockaddr_storage local, peer;
	socklen_t addr_len;
	uint64_t reset_at;
	int reset_code, err;
	uint32_t mark, bound, route;
	struct fake_counts counts;
	struct fault fail_recv, fail_poll, fail_dontneed, fail_lowat, fail_send, fail_reap;

	struct {
		const struct fake_nic *nic; /* its rules say where packets land */
		struct fake_pool *pool, *foreign;
		struct skb *skbs;
		size_t n, cap, delivered, first; /* sent, arrived, fully read */
		uint64_t end;			 /* of the script */
		uint64_t read, arrived, delay_max;
		uint64_t retry_at, rto, fin_at;
		bool fin, timestamps, error_queue;
		uint32_t rcvbuf;
		int lowat;
		struct token *tokens;
		uint32_t tokens_out, token_hint, dontneed_limit;
		fake_mangle_fn *mangle;
		void *mangle_arg;
	} rx;

	struct {
		bool zerocopy, hold, merge, stamps, blind;
		size_t clutter;
		uint64_t sndbuf;
		uint32_t next, optmem, join, copied;
		uint64_t pace_bytes, pace_ns, pace_at, jitter, zerocopy_off_at;
		struct sent *sents;
		size_t n_sents, cap_sents, first; /* incomplete ones begin there */
		struct piece *pieces;
		size_t n_pieces, cap_pieces, leaving; /* the piece that leaves next */
		uint8_t *stream;
		uint64_t end, left, cap_stream; /* sent by the application; left for the peer */
		uint64_t spoilt;
		struct note *notes;
		size_t n_notes, cap_notes, first_note;
		int last_flags;
		size_t last_pieces;
		uint64_t last_asked;
	} tx;
};

/* ---- fake_socket.c ---- */

/* Fails the test if it isn't a socket. */
struct sock *fake_sock(int fd);
/* The socket number i of those that the test has made; NULL: there are fewer. */
struct sock *fake_sock_at(unsigned int i);
uint32_t fake_random(uint32_t n);
bool fake_hits(struct fault *fault, int *code);
void *fake_grow(void *array, size_t *cap, size_t n, size_t size);
/* One more control message, which is cut to the room that is left; MSG_CTRUNC says so. */
void fake_put_cmsg(struct msghdr *msg, size_t *used, int level, int type, const void *data,
		   size_t len);

/* Lets everything happen up to a time. */
void fake_run_to(uint64_t at);
/* Runs the clock until ready() says so. Return: 0, -EINTR or -ETIMEDOUT. */
int fake_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline);
/* Calls that do nothing, again and again without waiting, fail the test. */
void fake_effect(void);
void fake_without_effect(const char *what);

/* ---- fake_receive.c and fake_send.c ---- */

void fake_rx_init(struct sock *s);
void fake_tx_init(struct sock *s);
void fake_rx_free(struct sock *s);
void fake_tx_free(struct sock *s);
/* When it changes by itself, and what happens then. */
uint64_t fake_rx_next(const struct sock *s);
uint64_t fake_tx_next(const struct sock *s);
void fake_rx_happen(struct sock *s);
void fake_tx_happen(struct sock *s);
short fake_rx_events(const struct sock *s);
short fake_tx_events(const struct sock *s);
uint64_t fake_rx_queued(const struct sock *s);
ssize_t fake_receive(struct sock *s, struct msghdr *msg, int flags);
int fake_dontneed(struct sock *s, const void *val, socklen_t len);
ssize_t fake_sendmsg(struct sock *s, const struct msghdr *msg, int flags);
ssize_t fake_reap(struct sock *s, struct msghdr *msg, int flags);

#endif
