// SPDX-License-Identifier: BSD-3-Clause
/* Receiving sockets of the kernel in tests/unit: pages, packets, recvmsg. Facts from the kernel's
 * net/ipv4/tcp.c (tcp_recvmsg_dmabuf), net/core/sock.c (sock_devmem_dontneed) and
 * net/core/devmem.c. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <devmem/devmem.h>

#include "bind/binding.h"
#include "fake_sock.h"

/* Numbers of the kernel, stated apart from the library's own statement of them. */
#define K_SCM_LINEAR 78
#define K_SCM_DMABUF 79
#define K_DONTNEED_RANGES 128
#define K_DONTNEED_FRAGS 1024
#define K_MSG_SOCK_DEVMEM 0x2000000
#define K_ETOOSMALL 525

struct k_dmabuf_cmsg {
	uint64_t frag_offset;
	uint32_t frag_size;
	uint32_t frag_token;
	uint32_t dmabuf_id;
	uint32_t flags;
};

#define POOLS_MAX 16
#define PAGE 4096U
#define TOKENS_MAX (1U << 18)
#define MSS 1448U
#define RTO_MIN (50 * FAKE_MS)
#define RTO_MAX (1600 * FAKE_MS)
/* Of pages that are free. */
#define POISON 0xDB

/* The pages of a binding. */
struct fake_pool {
	struct memory *memory;
	uint8_t *base;
	uint32_t page_size, pages, dmabuf_id;
	uint32_t *refs; /* of each page */
	uint32_t *free;
	uint32_t n_free, n_free_min;
	uint64_t drops;
	bool pack, unbound;
	uint32_t open_page, open_used; /* page that is being packed; open_page == pages: none */
	/* The library's, if the test has it from fake_pool_new(). */
	struct devmem_region *region;
	struct devmem_binding *binding;
};

struct skb {
	struct fake_packet p;
	uint64_t start; /* position in the stream */
	uint32_t len, read;
	uint64_t arrival;
	bool plain; /* as delivered */
	struct fake_pool *pool;
	uint32_t page[FAKE_FRAGS_MAX], off[FAKE_FRAGS_MAX];
};

static struct fake_pool *pools[POOLS_MAX];
static int n_pools;

/* ---- pages ---- */

static void page_put(struct fake_pool *pool, uint32_t page)
{
	if (!pool->refs[page])
		fake_stop("page %u freed twice", page);
	if (--pool->refs[page])
		return;
	memset(pool->base + (uint64_t)page * pool->page_size, 0xDB, pool->page_size);
	pool->free[pool->n_free++] = page;
}

static bool page_get(struct fake_pool *pool, uint32_t *page)
{
	uint32_t i;

	if (!pool->n_free)
		return false;
	i = fake_random(pool->n_free);
	*page = pool->free[i];
	pool->free[i] = pool->free[--pool->n_free];
	if (pool->n_free < pool->n_free_min)
		pool->n_free_min = pool->n_free;
	pool->refs[*page] = 1;
	return true;
}

static void close_packed(struct fake_pool *pool)
{
	if (pool->open_page == pool->pages)
		return;
	page_put(pool, pool->open_page);
	pool->open_page = pool->pages;
}

/* Room for a fragment. A reference to its page is the caller's. */
static bool frag_get(struct fake_pool *pool, uint32_t size, uint32_t *page, uint32_t *off)
{
	if (!pool->pack) {
		*off = fake_random(2) ? fake_random(pool->page_size - size + 1) : 0;
		return page_get(pool, page);
	}
	if (pool->open_page != pool->pages && pool->open_used + size > pool->page_size)
		close_packed(pool);
	if (pool->open_page == pool->pages) {
		if (!page_get(pool, &pool->open_page)) {
			pool->open_page = pool->pages;
			return false;
		}
		pool->open_used = 0;
	}
	pool->refs[pool->open_page]++;
	*page = pool->open_page;
	*off = pool->open_used;
	pool->open_used += size;
	return true;
}

static struct fake_pool *pool_new(struct memory *memory, uint32_t page_size, uint32_t id)
{
	struct fake_pool *pool = fake_alloc(sizeof(*pool));
	uint32_t i;

	if (n_pools == POOLS_MAX)
		abort();
	memory->users++;
	pool->memory = memory;
	pool->base = fake_memory_base(memory);
	pool->page_size = page_size;
	pool->pages = (uint32_t)(memory->size / page_size);
	pool->dmabuf_id = id;
	pool->refs = fake_alloc(pool->pages * sizeof(*pool->refs));
	pool->free = fake_alloc(pool->pages * sizeof(*pool->free));
	for (i = 0; i < pool->pages; i++)
		pool->free[i] = i;
	pool->n_free = pool->n_free_min = pool->open_page = pool->pages;
	memset(pool->base, POISON, memory->size);
	pools[n_pools++] = pool;
	return pool;
}

void fake_pool_forget(const struct binding *b)
{
	int i;

	for (i = 0; i < n_pools; i++)
		if (pools[i]->dmabuf_id == b->id && pools[i]->memory == b->memory)
			pools[i]->unbound = true;
}

/* The pages of a binding, which it gets with the first packet. */
static struct fake_pool *pool_of_binding(uint32_t id)
{
	const struct binding *b = fake_binding_of(id);
	int i;

	for (i = 0; i < n_pools; i++)
		if (pools[i]->dmabuf_id == id && !pools[i]->unbound)
			return pools[i];
	return b ? pool_new(b->memory, b->page_size, id) : NULL;
}

/* The queue that a packet of this connection comes to: what a rule says, or the RSS table. */
static uint32_t queue_of(const struct sock *s)
{
	const struct sockaddr_in *local = (const struct sockaddr_in *)&s->local;
	const struct sockaddr_in *peer = (const struct sockaddr_in *)&s->peer;
	const struct fake_nic *nic = s->rx.nic;
	uint32_t i;

	for (i = 0; i < nic->rules_max; i++) {
		const struct ethtool_rx_flow_spec *fs = &nic->state.rules[i].fs;
		const struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec;
		const struct ethtool_tcpip4_spec *m = &fs->m_u.tcp_ip4_spec;

		if (nic->state.rules[i].used && fs->flow_type == TCP_V4_FLOW &&
		    !((h->ip4dst ^ local->sin_addr.s_addr) & m->ip4dst) &&
		    !((h->pdst ^ local->sin_port) & m->pdst) &&
		    !((h->ip4src ^ peer->sin_addr.s_addr) & m->ip4src) &&
		    !((h->psrc ^ peer->sin_port) & m->psrc))
			return (uint32_t)fs->ring_cookie;
	}
	return nic->state.indir[ntohs(peer->sin_port) % nic->indir_size];
}

static struct fake_pool *pool_of(const struct sock *s)
{
	if (!s->rx.nic)
		return s->rx.pool;
	return pool_of_binding(s->rx.nic->state.bound[queue_of(s)]);
}

/* ---- the stream ---- */

static uint8_t stream_byte(size_t sock, uint64_t pos)
{
	uint64_t x = (pos + 1) * UINT64_C(0x9E3779B97F4A7C15) + sock * UINT64_C(0xD1B54A32D192ED03);

	return (uint8_t)(x >> 56) ^ (uint8_t)(x >> 24);
}

uint8_t fake_byte(int fd, uint64_t pos)
{
	return stream_byte(fake_sock(fd)->number, pos);
}

size_t fake_compare(int fd, uint64_t pos, const void *bytes, size_t len)
{
	const size_t number = fake_sock(fd)->number;
	const uint8_t *at = bytes;
	size_t i, wrong = 0;

	for (i = 0; i < len; i++)
		wrong += at[i] != stream_byte(number, pos + i);
	return wrong;
}

static void fill(const struct sock *s, uint8_t *to, uint64_t pos, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = stream_byte(s->number, pos + i);
}

void fake_send(int fd, const struct fake_packet *packet)
{
	struct sock *s = fake_sock(fd);
	struct skb *skb;
	uint32_t i;

	if (s->rx.n == s->rx.cap) {
		s->rx.cap = s->rx.cap ? s->rx.cap * 2 : 64;
		s->rx.skbs = realloc(s->rx.skbs, s->rx.cap * sizeof(*s->rx.skbs));
		assert_non_null(s->rx.skbs);
	}
	skb = &s->rx.skbs[s->rx.n++];
	memset(skb, 0, sizeof(*skb));
	skb->p = *packet;
	skb->start = s->rx.end;
	skb->plain = packet->plain != 0;
	skb->len = packet->plain;
	if (!skb->plain) {
		skb->len = packet->linear;
		for (i = 0; i < packet->n; i++)
			skb->len += packet->frags[i];
	}
	assert_true(skb->len > 0);
	s->rx.end += skb->len;
}

void fake_send_linear(int fd, uint64_t at, uint32_t linear, uint32_t bytes, uint32_t frag)
{
	struct fake_packet p = { .at = at, .linear = linear };

	while (bytes || p.linear) {
		while (bytes && p.n < FAKE_FRAGS_MAX) {
			p.frags[p.n] = bytes < frag ? bytes : frag;
			bytes -= p.frags[p.n++];
		}
		fake_send(fd, &p);
		p.n = p.linear = 0;
	}
}

void fake_send_device(int fd, uint64_t at, uint32_t bytes, uint32_t frag)
{
	fake_send_linear(fd, at, 0, bytes, frag);
}

void fake_send_plain(int fd, uint64_t at, uint32_t bytes)
{
	struct fake_packet p = { .at = at, .plain = bytes };

	fake_send(fd, &p);
}

void fake_send_fin(int fd, uint64_t at)
{
	fake_sock(fd)->rx.fin_at = at;
}

uint64_t fake_rx_queued(const struct sock *s)
{
	return s->rx.arrived - s->rx.read;
}

/* The next packet doesn't fit into the window. */
static bool blocked(const struct sock *s)
{
	uint64_t queued = fake_rx_queued(s);

	return queued && queued + s->rx.skbs[s->rx.delivered].len > s->rx.rcvbuf;
}

uint64_t fake_rx_next(const struct sock *s)
{
	uint64_t at = FAKE_NEVER;

	if (s->dead)
		return at;
	if (s->rx.delivered == s->rx.n) {
		if (!s->rx.fin)
			at = s->rx.fin_at;
	} else if (!blocked(s)) {
		at = s->rx.skbs[s->rx.delivered].p.at;
		if (s->rx.retry_at > at)
			at = s->rx.retry_at;
	}
	return at < fake_now() ? fake_now() : at;
}

static bool place(struct sock *s, struct skb *skb)
{
	struct fake_pool *pool = skb->p.foreign ? s->rx.foreign : pool_of(s);
	uint64_t pos = skb->start + skb->p.linear;
	uint32_t i;

	if (!skb->plain && (!pool || pool->unbound))
		skb->plain = true;
	if (skb->plain)
		return true;
	for (i = 0; i < skb->p.n; i++) {
		assert_true(skb->p.frags[i] && skb->p.frags[i] <= pool->page_size);
		if (!frag_get(pool, skb->p.frags[i], &skb->page[i], &skb->off[i]))
			goto put_pages;
	}
	skb->pool = pool;
	for (i = 0; i < skb->p.n; i++) {
		fill(s, pool->base + (uint64_t)skb->page[i] * pool->page_size + skb->off[i], pos,
		     skb->p.frags[i]);
		pos += skb->p.frags[i];
	}
	return true;

put_pages:
	pool->drops++;
	while (i--)
		page_put(pool, skb->page[i]);
	return false;
}

void fake_rx_happen(struct sock *s)
{
	struct skb *skb = &s->rx.skbs[s->rx.delivered];

	if (fake_rx_next(s) > fake_now())
		return;
	if (s->rx.delivered == s->rx.n) {
		s->rx.fin = true;
		return;
	}
	if (!place(s, skb)) {
		s->rx.rto = s->rx.rto ? s->rx.rto * 2 : RTO_MIN;
		if (s->rx.rto > RTO_MAX)
			s->rx.rto = RTO_MAX;
		s->rx.retry_at = fake_now() + s->rx.rto;
		return;
	}
	s->rx.rto = 0;
	skb->arrival = fake_now();
	s->rx.arrived += skb->len;
	s->rx.delivered++;
}

static short readable(const struct sock *s)
{
	uint64_t avail = fake_rx_queued(s);

	if (s->rx.fin)
		return POLLIN | POLLRDHUP;
	if (avail && (avail >= (uint64_t)s->rx.lowat || avail > s->rx.rcvbuf - s->rx.rcvbuf / 8 ||
		      s->rx.rcvbuf - avail <= MSS || (s->rx.delivered < s->rx.n && blocked(s))))
		return POLLIN;
	return 0;
}

short fake_rx_events(const struct sock *s)
{
	return readable(s) | (s->rx.error_queue ? POLLERR : 0);
}

/* ---- recvmsg ---- */

struct target {
	struct msghdr *msg;
	size_t seg, seg_off; /* place in the iovecs */
	size_t control_used;
};

static bool copy_out(struct target *t, const struct sock *s, uint64_t pos, size_t len)
{
	while (len) {
		const struct iovec *iov = &t->msg->msg_iov[t->seg];
		size_t n;

		if (t->seg == t->msg->msg_iovlen)
			return false;
		n = iov->iov_len - t->seg_off;
		if (n > len)
			n = len;
		fill(s, (uint8_t *)iov->iov_base + t->seg_off, pos, n);
		pos += n;
		len -= n;
		t->seg_off += n;
		if (t->seg_off == iov->iov_len) {
			t->seg++;
			t->seg_off = 0;
		}
	}
	return true;
}

static bool has_room(const struct target *t, size_t len)
{
	return t->msg->msg_controllen - t->control_used >= CMSG_LEN(len);
}

static void put_cmsg(struct target *t, int type, const void *data, size_t len)
{
	fake_put_cmsg(t->msg, &t->control_used, SOL_SOCKET, type, data, len);
}

static uint32_t token_get(struct sock *s, struct fake_pool *pool, uint32_t page)
{
	uint32_t token = s->rx.token_hint;

	if (!s->rx.tokens)
		s->rx.tokens = fake_alloc(TOKENS_MAX * sizeof(*s->rx.tokens));
	while (s->rx.tokens[token].pool)
		if (++token == TOKENS_MAX)
			fake_stop("more tokens out than the model has");
	s->rx.token_hint = token + 1;
	s->rx.tokens[token].pool = pool;
	s->rx.tokens[token].page = page;
	s->rx.tokens_out++;
	return token;
}

static ssize_t copy_device(struct sock *s, const struct skb *skb, struct target *t,
			   uint32_t remaining)
{
	uint32_t start = skb->p.linear, offset = skb->read, i, n;
	struct k_dmabuf_cmsg body = { 0 };
	ssize_t sent = 0;

	if (offset < start) {
		n = start - offset < remaining ? start - offset : remaining;
		if (!copy_out(t, s, skb->start + offset, n))
			return -EFAULT;
		body.frag_size = n;
		if (!has_room(t, sizeof(body)))
			return -K_ETOOSMALL;
		put_cmsg(t, K_SCM_LINEAR, &body, sizeof(body));
		offset += n;
		remaining -= n;
		sent += n;
	}
	for (i = 0; i < skb->p.n && remaining; i++) {
		uint32_t end = start + skb->p.frags[i];

		if (offset < end) {
			struct fake_pool *pool = skb->pool;

			n = end - offset < remaining ? end - offset : remaining;
			body.frag_offset = (uint64_t)skb->page[i] * pool->page_size + skb->off[i] +
					   offset - start;
			body.frag_size = n;
			body.dmabuf_id = pool->dmabuf_id;
			if (!has_room(t, sizeof(body))) {
				s->counts.control_short++;
				return sent ? sent : -K_ETOOSMALL;
			}
			body.frag_token = token_get(s, pool, skb->page[i]);
			pool->refs[skb->page[i]]++;
			put_cmsg(t, K_SCM_DMABUF, &body, sizeof(body));
			offset += n;
			remaining -= n;
			sent += n;
		}
		start = end;
	}
	return sent;
}

static void skb_free(struct skb *skb)
{
	uint32_t i;

	if (skb->plain)
		return;
	for (i = 0; i < skb->p.n; i++)
		page_put(skb->pool, skb->page[i]);
}

static void consume(struct sock *s, struct skb *skb, uint32_t n)
{
	uint64_t delay = fake_now() - skb->arrival;

	if (delay > s->rx.delay_max)
		s->rx.delay_max = delay;
	skb->read += n;
	s->rx.read += n;
	if (skb->read == skb->len) {
		skb_free(skb);
		s->rx.first++;
	}
}

/* A blocking recvmsg() doesn't look at the error queue. */
static bool wakes(void *arg)
{
	const struct sock *s = arg;

	return s->dead || s->err || readable(s);
}

static ssize_t copy(struct sock *s, struct msghdr *msg, struct target *t, int flags)
{
	bool wait = !(flags & MSG_DONTWAIT) && !s->nonblock;
	size_t len = 0, i, goal;
	ssize_t copied = 0, n;
	int last = -1, ret;

	for (i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	goal = (size_t)s->rx.lowat < len ? (size_t)s->rx.lowat : len;
	while (len) {
		struct skb *skb = &s->rx.skbs[s->rx.first];

		if (s->rx.first < s->rx.delivered) {
			uint32_t used = skb->len - skb->read;

			if (used > len)
				used = (uint32_t)len;
			if (last != -1 && last != skb->plain)
				break;
			if (skb->plain)
				n = copy_out(t, s, skb->start + skb->read, used) ? (ssize_t)used
										 : -EFAULT;
			else if (!(flags & K_MSG_SOCK_DEVMEM))
				n = -EFAULT;
			else
				n = copy_device(s, skb, t, used);
			if (n < 0) {
				if (!copied)
					copied = n;
				break;
			}
			last = skb->plain;
			copied += n;
			len -= (size_t)n;
			consume(s, skb, (uint32_t)n);
			fake_effect();
			fake_run_to(fake_now());
			continue;
		}
		if (copied >= (ssize_t)goal || (copied && (!wait || s->dead)) || s->rx.fin)
			break;
		if (s->err) {
			copied = -s->err;
			s->err = 0;
			break;
		}
		if (s->dead)
			break;
		if (!wait) {
			s->counts.eagain++;
			return -EAGAIN;
		}
		ret = fake_wait(wakes, s, FAKE_NEVER);
		if (ret)
			return copied ? copied : ret;
	}
	return copied;
}

ssize_t fake_receive(struct sock *s, struct msghdr *msg, int flags)
{
	struct target t = { .msg = msg };
	struct timespec stamp = { 1, 2 };
	ssize_t n;
	int ret;

	s->counts.recv++;
	if (flags & ~(MSG_DONTWAIT | K_MSG_SOCK_DEVMEM))
		fake_stop("recvmsg flags 0x%x", (unsigned int)flags);
	if (fake_hits(&s->fail_recv, &ret))
		return ret;
	fake_run_to(fake_now());
	n = copy(s, msg, &t, flags);
	if (n < 0)
		return n;
	msg->msg_flags = 0;
	if (n && s->rx.timestamps)
		put_cmsg(&t, SO_TIMESTAMPNS, &stamp, sizeof(stamp));
	msg->msg_controllen = t.control_used;
	if (n && s->rx.mangle)
		s->rx.mangle(msg->msg_control, &msg->msg_controllen, s->rx.mangle_arg);
	return n;
}

struct k_dmabuf_token {
	uint32_t token_start;
	uint32_t token_count;
};

int fake_dontneed(struct sock *s, const void *val, socklen_t len)
{
	uint32_t limit = s->rx.dontneed_limit ? s->rx.dontneed_limit : K_DONTNEED_FRAGS, seen = 0,
		 i, j;
	struct k_dmabuf_token ranges[K_DONTNEED_RANGES];
	int freed = 0, ret;

	if (fake_hits(&s->fail_dontneed, &ret))
		return ret;
	s->counts.dontneed++;
	if (len % sizeof(ranges[0]) || len > sizeof(ranges))
		return -EINVAL;
	if (!len)
		fake_stop("SO_DEVMEM_DONTNEED with nothing in it");
	memcpy(ranges, val, len);
	for (i = 0; i < len / sizeof(ranges[0]); i++) {
		s->counts.ranges++;
		if (!ranges[i].token_count)
			fake_stop("empty range of tokens");
		for (j = 0; j < ranges[i].token_count; j++) {
			uint32_t token = ranges[i].token_start + j;
			struct token *t;

			if (++seen > limit)
				return freed;
			if (token >= TOKENS_MAX || !s->rx.tokens[token].pool) {
				s->counts.missing++;
				continue;
			}
			t = &s->rx.tokens[token];
			page_put(t->pool, t->page);
			t->pool = NULL;
			s->rx.tokens_out--;
			if (token < s->rx.token_hint)
				s->rx.token_hint = token;
			s->counts.freed++;
			freed++;
		}
	}
	return freed;
}

/* ---- sockets ---- */

void fake_rx_init(struct sock *s)
{
	s->rx.rcvbuf = 6U << 20;
	s->rx.lowat = 1;
	s->rx.fin_at = FAKE_NEVER;
	s->rx.token_hint = 1;
}

/* Its queue and its tokens are given up. */
static void give_up(struct sock *s)
{
	uint32_t i;

	for (; s->rx.first < s->rx.delivered; s->rx.first++)
		skb_free(&s->rx.skbs[s->rx.first]);
	for (i = 1; i < TOKENS_MAX && s->rx.tokens_out; i++) {
		if (!s->rx.tokens[i].pool)
			continue;
		page_put(s->rx.tokens[i].pool, s->rx.tokens[i].page);
		s->rx.tokens[i].pool = NULL;
		s->rx.tokens_out--;
	}
}

void fake_rx_free(struct sock *s)
{
	free(s->rx.skbs);
	free(s->rx.tokens);
}

void fake_socket_close(int fd)
{
	give_up(fake_sock(fd));
	fake_close_kept(fd);
}

int fake_socket(struct fake_pool *pool)
{
	int fd = fake_connected(AF_INET);

	fake_sock(fd)->rx.pool = pool;
	return fd;
}

void fake_socket_nic(int fd, const struct fake_nic *nic)
{
	fake_sock(fd)->rx.nic = nic;
}

void fake_socket_foreign(int fd, struct fake_pool *pool)
{
	fake_sock(fd)->rx.foreign = pool;
}

void fake_socket_rcvbuf(int fd, uint32_t bytes)
{
	fake_sock(fd)->rx.rcvbuf = bytes;
}

void fake_socket_lowat(int fd, int lowat)
{
	fake_sock(fd)->rx.lowat = lowat;
}

int fake_socket_get_lowat(int fd)
{
	return fake_sock(fd)->rx.lowat;
}

void fake_socket_timestamps(int fd, bool on)
{
	fake_sock(fd)->rx.timestamps = on;
}

void fake_socket_error_queue(int fd, bool on)
{
	fake_sock(fd)->rx.error_queue = on;
}

uint64_t fake_read(int fd)
{
	return fake_sock(fd)->rx.read;
}

uint64_t fake_queued(int fd)
{
	return fake_rx_queued(fake_sock(fd));
}

uint64_t fake_arrived(int fd)
{
	return fake_sock(fd)->rx.arrived;
}

uint64_t fake_arrival(int fd, uint64_t pos)
{
	const struct sock *s = fake_sock(fd);
	size_t low = 0, high = s->rx.delivered;

	assert_true(pos < s->rx.arrived);
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (s->rx.skbs[mid].start <= pos)
			low = mid;
		else
			high = mid;
	}
	return s->rx.skbs[low].arrival;
}

uint64_t fake_delay_max(int fd)
{
	return fake_sock(fd)->rx.delay_max;
}

uint32_t fake_tokens_out(int fd)
{
	return fake_sock(fd)->rx.tokens_out;
}

void fake_dontneed_limit(int fd, uint32_t fragments)
{
	fake_sock(fd)->rx.dontneed_limit = fragments;
}

void fake_mangle(int fd, fake_mangle_fn *fn, void *arg)
{
	fake_sock(fd)->rx.mangle = fn;
	fake_sock(fd)->rx.mangle_arg = arg;
}

/* ---- pools that tests have ---- */

static void pool_close(void *arg)
{
	struct fake_pool *pool = arg;

	devmem_binding_close(pool->binding);
	devmem_region_close(pool->region);
}

struct fake_pool *fake_pool_new(uint64_t size, uint32_t page_size, uint32_t dmabuf_id)
{
	int fd = fake_dmabuf(size);
	struct fake_pool *pool = pool_new(fake_dmabuf_memory(fd), page_size, dmabuf_id);
	void *addr;

	assert_int_equal(devmem_region_import(&pool->region, fd, NULL), 0);
	fake_close(fd);
	/* Before several threads want to. */
	assert_int_equal(devmem_region_map(pool->region, &addr, NULL), 0);
	fake_at_end(pool_close, pool);
	return pool;
}

struct devmem_region *fake_pool_region(struct fake_pool *pool)
{
	return pool->region;
}

/* With as many queues as there may be, of which bindings get one each. */
static struct fake_nic *pool_nic(void)
{
	struct fake_nic *nic = fake_nic_by_name("pools");

	if (nic)
		return nic;
	nic = fake_nic_rich("pools");
	nic->state.combined = nic->combined_max = FAKE_QUEUES;
	nic->state.split = 2;
	nic->state.hds_thresh = 0;
	return nic;
}

struct devmem_binding *fake_pool_binding(struct fake_pool *pool, uint64_t held_max)
{
	struct devmem_binding_options o = { .sz = sizeof(o),
					    .rx_page_size = pool->page_size,
					    .held_max = held_max };
	struct fake_nic *nic = pool_nic();
	struct devmem_netdev *netdev;
	struct devmem_error err;
	uint32_t queue = 0;

	while (nic->state.bound[queue])
		queue++;
	assert_null(pool->binding);
	assert_int_equal(devmem_netdev_open(&netdev, nic->name, &err), 0);
	fake_next_binding(pool->dmabuf_id);
	if (devmem_binding_open_rx(&pool->binding, pool->region, netdev, &queue, 1, &o, &err))
		fail_msg("%s", err.message);
	devmem_netdev_close(netdev);
	return pool->binding;
}

void fake_pool_unbind(struct fake_pool *pool)
{
	devmem_binding_close(pool->binding);
	pool->binding = NULL;
}

struct held *fake_pool_held(struct fake_pool *pool)
{
	return pool->binding ? binding_held(pool->binding) : NULL;
}

uint32_t fake_pool_free(const struct fake_pool *pool)
{
	return pool->n_free;
}

uint32_t fake_pool_pages(const struct fake_pool *pool)
{
	return pool->pages;
}

uint32_t fake_pool_free_min(const struct fake_pool *pool)
{
	return pool->n_free_min;
}

uint64_t fake_pool_drops(const struct fake_pool *pool)
{
	return pool->drops;
}

void fake_pool_pack(struct fake_pool *pool, bool on)
{
	pool->pack = on;
	if (!on)
		close_packed(pool);
}

void fake_pools_end(void)
{
	while (n_pools) {
		struct fake_pool *pool = pools[--n_pools];

		fake_memory_put(pool->memory);
		free(pool->refs);
		free(pool->free);
		free(pool);
	}
}
