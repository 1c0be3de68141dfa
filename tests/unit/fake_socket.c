// SPDX-License-Identifier: BSD-3-Clause
/* TCP sockets with device memory in this process, in place of lib/core/sys.c. */

/* Everything but the calls on sockets is the real thing: lib/core/sys.c under other names. */
#define sys_recvmsg real_recvmsg
#define sys_getsockopt real_getsockopt
#define sys_setsockopt real_setsockopt
#define sys_poll real_poll
#define sys_mmap real_mmap
#define sys_munmap real_munmap
#define sys_ioctl real_ioctl
#define sys_fs_magic real_fs_magic
#include "core/sys.c"
#undef sys_recvmsg
#undef sys_getsockopt
#undef sys_setsockopt
#undef sys_poll
#undef sys_mmap
#undef sys_munmap
#undef sys_ioctl
#undef sys_fs_magic

#include "fake_socket.h"

#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bind/binding.h"
#include "bind/held.h"

/* The seam, as lib/core/sys.h has it. */
ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags);
int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int sys_mmap(void **addr, size_t len, int prot, int flags, int fd);
int sys_munmap(void *addr, size_t len);
int sys_ioctl(int fd, unsigned long request, void *arg);
int sys_fs_magic(int fd, uint32_t *magic);

/* Numbers of the kernel, stated apart from the library's own statement of them. */
#define K_SCM_LINEAR 78
#define K_SCM_DMABUF 79
#define K_DONTNEED 80
#define K_DONTNEED_RANGES 128
#define K_DONTNEED_FRAGS 1024
#define K_MSG_SOCK_DEVMEM 0x2000000
#define K_ETOOSMALL 525
#define K_DMA_BUF_MAGIC 0x444d4142U
#define K_DMA_BUF_IOCTL_SYNC 0x40086200UL
#define K_DMA_BUF_SYNC_END 4U

struct k_dmabuf_cmsg {
	uint64_t frag_offset;
	uint32_t frag_size;
	uint32_t frag_token;
	uint32_t dmabuf_id;
	uint32_t flags;
};

#define FD_FIRST 1000
#define SOCKETS_MAX 32
#define POOLS_MAX 8
#define TOKENS_MAX (1U << 18)
#define MSS 1448U
#define NEVER UINT64_MAX
#define RTO_MIN (50 * FAKE_MS)
#define RTO_MAX (1600 * FAKE_MS)
/* Virtual time after which a test that still waits has starved. */
#define TOO_LATE (UINT64_C(100000000) * FAKE_MS)

struct devmem_binding {
	struct devmem_region *region;
	struct held *held;
	uint32_t id;
};

struct fake_pool {
	struct devmem_region *region;
	uint8_t *base;
	uint32_t page_size, pages, dmabuf_id;
	uint32_t *refs; /* of each page */
	uint32_t *free;
	uint32_t n_free, n_free_min;
	uint64_t drops;
	bool pack, unbound;
	uint32_t open_page, open_used; /* page that is being packed; open_page == pages: none */
	struct devmem_binding binding;
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

struct token {
	struct fake_pool *pool;
	uint32_t page;
};

struct fault {
	unsigned int after;
	int code; /* 0 = none */
};

struct sock {
	bool open, udp, nonblock, timestamps, error_queue;
	struct fake_pool *pool, *foreign;
	struct skb *skbs;
	size_t n, cap, delivered, first; /* sent, arrived, fully read */
	uint64_t end;			 /* of the script */
	uint64_t read, arrived, delay_max;
	uint64_t retry_at, rto;
	uint64_t fin_at, reset_at;
	int reset_code, err;
	bool fin, reset;
	uint32_t rcvbuf;
	int lowat;
	struct token *tokens;
	uint32_t tokens_out, token_hint;
	struct fake_counts counts;
	struct fault fail_recv, fail_poll, fail_dontneed, fail_lowat;
	uint32_t dontneed_limit;
	fake_mangle_fn *mangle;
	void *mangle_arg;
};

static struct {
	pthread_mutex_t lock;
	uint64_t now, signal_at;
	uint32_t random;
	bool threads;
	struct sock socks[SOCKETS_MAX];
	int n_socks;
	struct fake_pool *pools[POOLS_MAX];
	int n_pools;
	unsigned int calls, fail_call;
	int fail_code;
	int sync_begin, sync_end, sync_open;
	atomic_int mappings;
} w;

static void __attribute__((format(printf, 1, 2), noreturn)) complain(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pthread_mutex_unlock(&w.lock);
	fail_msg("%s (at %llu us)", text, (unsigned long long)(w.now / 1000));
	abort();
}

static struct sock *sock_of(int fd)
{
	struct sock *s = &w.socks[fd - FD_FIRST];

	if (fd < FD_FIRST || fd >= FD_FIRST + w.n_socks)
		complain("descriptor %d was never a socket", fd);
	return s;
}

static uint32_t rnd(uint32_t n)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 17;
	w.random ^= w.random << 5;
	return w.random % n;
}

/* ---- pools ---- */

static void page_put(struct fake_pool *pool, uint32_t page)
{
	if (!pool->refs[page])
		complain("page %u freed twice", page);
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
	i = rnd(pool->n_free);
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
		*off = rnd(2) ? rnd(pool->page_size - size + 1) : 0;
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

struct fake_pool *fake_pool_new(uint64_t size, uint32_t page_size, uint32_t dmabuf_id)
{
	struct fake_pool *pool = calloc(1, sizeof(*pool));
	void *base;
	uint32_t i;

	assert_true(w.n_pools < POOLS_MAX);
	assert_non_null(pool);
	assert_int_equal(devmem_region_open(&pool->region, "memfd", size, NULL), 0);
	assert_int_equal(devmem_region_map(pool->region, &base, NULL), 0);
	pool->base = base;
	pool->page_size = page_size;
	pool->pages = (uint32_t)(size / page_size);
	pool->dmabuf_id = dmabuf_id;
	pool->refs = calloc(pool->pages, sizeof(*pool->refs));
	pool->free = calloc(pool->pages, sizeof(*pool->free));
	for (i = 0; i < pool->pages; i++)
		pool->free[i] = i;
	pool->n_free = pool->n_free_min = pool->open_page = pool->pages;
	memset(base, 0xDB, size);
	w.pools[w.n_pools++] = pool;
	return pool;
}

struct devmem_region *fake_pool_region(struct fake_pool *pool)
{
	return pool->region;
}

struct devmem_binding *fake_pool_binding(struct fake_pool *pool, uint64_t held_max)
{
	uint64_t limit = held_max == UINT64_MAX ? held_max : held_max / pool->page_size;

	assert_null(pool->binding.held);
	assert_int_equal(held_alloc(&pool->binding.held, devmem_region_size(pool->region),
				    pool->page_size, limit),
			 0);
	pool->binding.region = pool->region;
	pool->binding.id = pool->dmabuf_id;
	return &pool->binding;
}

void fake_pool_unbind(struct fake_pool *pool)
{
	pthread_mutex_lock(&w.lock);
	pool->unbound = true;
	pthread_mutex_unlock(&w.lock);
	held_put(pool->binding.held);
	memset(&pool->binding, 0xA5, sizeof(pool->binding));
	pool->binding.held = NULL;
}

struct held *fake_pool_held(struct fake_pool *pool)
{
	return pool->binding.held;
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

/* The binding, as receivers see it. */

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

struct devmem_region *binding_region(const struct devmem_binding *binding)
{
	return binding->region;
}

bool binding_is_tx(const struct devmem_binding *binding)
{
	(void)binding;
	return false;
}

struct held *binding_held(const struct devmem_binding *binding)
{
	return binding->held;
}

/* ---- the stream ---- */

static uint8_t stream_byte(size_t sock, uint64_t pos)
{
	uint64_t x = (pos + 1) * UINT64_C(0x9E3779B97F4A7C15) + sock * UINT64_C(0xD1B54A32D192ED03);

	return (uint8_t)(x >> 56) ^ (uint8_t)(x >> 24);
}

uint8_t fake_byte(int fd, uint64_t pos)
{
	return stream_byte((size_t)(fd - FD_FIRST), pos);
}

size_t fake_compare(int fd, uint64_t pos, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	size_t i, wrong = 0;

	for (i = 0; i < len; i++)
		wrong += at[i] != fake_byte(fd, pos + i);
	return wrong;
}

static void fill(const struct sock *s, uint8_t *to, uint64_t pos, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = stream_byte((size_t)(s - w.socks), pos + i);
}

void fake_send(int fd, const struct fake_packet *packet)
{
	struct sock *s = sock_of(fd);
	struct skb *skb;
	uint32_t i;

	pthread_mutex_lock(&w.lock);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->skbs = realloc(s->skbs, s->cap * sizeof(*s->skbs));
		assert_non_null(s->skbs);
	}
	skb = &s->skbs[s->n++];
	memset(skb, 0, sizeof(*skb));
	skb->p = *packet;
	skb->start = s->end;
	skb->plain = packet->plain != 0;
	skb->len = packet->plain;
	if (!skb->plain) {
		skb->len = packet->linear;
		for (i = 0; i < packet->n; i++)
			skb->len += packet->frags[i];
	}
	assert_true(skb->len > 0);
	s->end += skb->len;
	pthread_mutex_unlock(&w.lock);
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
	sock_of(fd)->fin_at = at;
}

void fake_send_reset(int fd, uint64_t at, int code)
{
	sock_of(fd)->reset_at = at;
	sock_of(fd)->reset_code = code;
}

static uint64_t queued(const struct sock *s)
{
	return s->arrived - s->read;
}

/* The next packet doesn't fit into the window. */
static bool blocked(const struct sock *s)
{
	return queued(s) && queued(s) + s->skbs[s->delivered].len > s->rcvbuf;
}

/* When something happens next on a socket. */
static uint64_t next_of(const struct sock *s)
{
	uint64_t at = s->reset ? NEVER : s->reset_at;

	if (!s->open || s->reset)
		return NEVER;
	if (s->delivered < s->n) {
		uint64_t due = s->skbs[s->delivered].p.at;

		if (s->retry_at > due)
			due = s->retry_at;
		if (due < w.now)
			due = w.now;
		if (!blocked(s) && due < at)
			at = due;
	} else if (!s->fin && s->fin_at < at) {
		at = s->fin_at < w.now ? w.now : s->fin_at;
	}
	return at;
}

static bool place(struct sock *s, struct skb *skb)
{
	struct fake_pool *pool = skb->p.foreign ? s->foreign : s->pool;
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

static void happen(struct sock *s)
{
	struct skb *skb;

	if (s->reset_at <= w.now) {
		s->reset = true;
		s->err = s->reset_code;
		return;
	}
	if (s->delivered == s->n) {
		s->fin = true;
		return;
	}
	skb = &s->skbs[s->delivered];
	if (!place(s, skb)) {
		s->rto = s->rto ? s->rto * 2 : RTO_MIN;
		if (s->rto > RTO_MAX)
			s->rto = RTO_MAX;
		s->retry_at = w.now + s->rto;
		return;
	}
	s->rto = 0;
	skb->arrival = w.now;
	s->arrived += skb->len;
	s->delivered++;
}

static uint64_t next_event(struct sock **which)
{
	uint64_t first = NEVER, at;
	int i;

	for (i = 0; i < w.n_socks; i++) {
		at = next_of(&w.socks[i]);
		if (at < first) {
			first = at;
			*which = &w.socks[i];
		}
	}
	return first;
}

/* Lets everything happen up to a time. */
static void run_to(uint64_t until)
{
	struct sock *s = NULL;
	uint64_t at;

	while ((at = next_event(&s)) <= until && s) {
		if (at > w.now)
			w.now = at;
		happen(s);
	}
	if (until > w.now)
		w.now = until;
}

/* ---- the system calls ---- */

static bool hits(struct fault *fault, int *code)
{
	if (!fault->code || fault->after--)
		return false;
	*code = -fault->code;
	fault->code = 0;
	return true;
}

static bool call_fails(int *code)
{
	w.calls++;
	if (!w.fail_call || --w.fail_call)
		return false;
	*code = -w.fail_code;
	return true;
}

static short events(const struct sock *s)
{
	uint64_t avail = queued(s);
	short mask = 0;

	if (!s->open)
		return POLLNVAL;
	if (s->fin || s->reset)
		mask |= POLLIN | POLLRDHUP;
	if (s->reset)
		mask |= POLLHUP;
	if (avail && (avail >= (uint64_t)s->lowat || avail > s->rcvbuf - s->rcvbuf / 8 ||
		      s->rcvbuf - avail <= MSS || (s->delivered < s->n && blocked(s))))
		mask |= POLLIN;
	if (s->err || s->error_queue)
		mask |= POLLERR;
	return mask;
}

/* Waits until one of the sockets has one of the events. Return: 0, -EINTR, or -ETIMEDOUT. */
static int wait_for(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
	struct sock *s = NULL;
	uint64_t at;
	nfds_t i;

	run_to(w.now);
	for (;;) {
		bool ready = false;

		for (i = 0; i < n; i++) {
			fds[i].revents = events(sock_of(fds[i].fd)) &
					 (fds[i].events | POLLERR | POLLHUP | POLLNVAL);
			ready |= fds[i].revents != 0;
		}
		if (ready)
			return 0;
		at = next_event(&s);
		if (w.signal_at != NEVER && w.signal_at <= at && w.signal_at <= deadline) {
			if (w.signal_at > w.now)
				run_to(w.signal_at);
			w.signal_at = NEVER;
			return -EINTR;
		}
		if (at > deadline) {
			run_to(deadline);
			return -ETIMEDOUT;
		}
		if (at == NEVER)
			complain("waits for ever: nothing will come");
		if (at > TOO_LATE)
			complain("waits for ever: starved");
		if (w.threads && s->rto) {
			pthread_mutex_unlock(&w.lock);
			usleep(50);
			pthread_mutex_lock(&w.lock);
		}
		run_to(at);
	}
}

int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	nfds_t i;
	int ret;

	pthread_mutex_lock(&w.lock);
	for (i = 0; i < n; i++) {
		struct sock *s = sock_of(fds[i].fd);

		fds[i].revents = 0;
		s->counts.poll++;
		if (hits(&s->fail_poll, &ret)) {
			pthread_mutex_unlock(&w.lock);
			return ret;
		}
	}
	ret = wait_for(fds, n, timeout_ms < 0 ? NEVER : w.now + (uint64_t)timeout_ms * FAKE_MS);
	if (ret == -ETIMEDOUT)
		ret = 0;
	else if (!ret)
		for (i = 0; i < n; i++)
			ret += fds[i].revents != 0;
	pthread_mutex_unlock(&w.lock);
	return ret;
}

struct target {
	const struct msghdr *msg;
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

/* whole: don't write a part of it. */
static bool put_cmsg(struct target *t, int type, const void *data, size_t len, bool whole)
{
	uint8_t *control = t->msg->msg_control;
	size_t room = t->msg->msg_controllen - t->control_used, part = CMSG_LEN(len);
	struct cmsghdr header;

	if (room < part && whole)
		return false;
	if (room < sizeof(header))
		return true;
	if (part > room)
		part = room;
	header.cmsg_len = part;
	header.cmsg_level = SOL_SOCKET;
	header.cmsg_type = type;
	memcpy(control + t->control_used, &header, sizeof(header));
	memcpy(control + t->control_used + CMSG_LEN(0), data, part - CMSG_LEN(0));
	t->control_used += CMSG_SPACE(len) < room ? CMSG_SPACE(len) : room;
	return true;
}

static uint32_t token_get(struct sock *s, struct fake_pool *pool, uint32_t page)
{
	uint32_t token = s->token_hint;

	while (s->tokens[token].pool)
		if (++token == TOKENS_MAX)
			complain("more tokens out than the model has");
	s->token_hint = token + 1;
	s->tokens[token].pool = pool;
	s->tokens[token].page = page;
	s->tokens_out++;
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
		if (!put_cmsg(t, K_SCM_LINEAR, &body, sizeof(body), true))
			return -K_ETOOSMALL;
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
			if (t->msg->msg_controllen - t->control_used < CMSG_LEN(sizeof(body))) {
				s->counts.control_short++;
				return sent ? sent : -K_ETOOSMALL;
			}
			body.frag_token = token_get(s, pool, skb->page[i]);
			pool->refs[skb->page[i]]++;
			put_cmsg(t, K_SCM_DMABUF, &body, sizeof(body), true);
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

static void took(struct sock *s, struct skb *skb, uint32_t n)
{
	uint64_t delay = w.now - skb->arrival;

	if (delay > s->delay_max)
		s->delay_max = delay;
	skb->read += n;
	s->read += n;
	if (skb->read == skb->len) {
		skb_free(skb);
		s->first++;
	}
}

static ssize_t receive(struct sock *s, struct msghdr *msg, struct target *t, int flags)
{
	bool wait = !(flags & MSG_DONTWAIT) && !s->nonblock;
	struct pollfd pfd = { .fd = FD_FIRST + (int)(s - w.socks), .events = POLLIN };
	size_t len = 0, i, goal;
	ssize_t copied = 0, n;
	int last = -1, ret;

	for (i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	goal = (size_t)s->lowat < len ? (size_t)s->lowat : len;
	while (len) {
		struct skb *skb = &s->skbs[s->first];

		if (s->first < s->delivered) {
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
			took(s, skb, (uint32_t)n);
			run_to(w.now);
			continue;
		}
		if (copied >= (ssize_t)goal || (copied && !wait) || s->fin || (copied && s->reset))
			break;
		if (s->err) {
			copied = -s->err;
			s->err = 0;
			break;
		}
		if (s->reset)
			break;
		if (!wait) {
			s->counts.eagain++;
			return -EAGAIN;
		}
		ret = wait_for(&pfd, 1, NEVER);
		if (ret)
			return copied ? copied : ret;
	}
	return copied;
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct target t = { .msg = msg };
	struct timespec stamp = { 1, 2 };
	struct sock *s;
	bool queue;
	ssize_t n;
	int ret;

	pthread_mutex_lock(&w.lock);
	s = sock_of(fd);
	s->counts.recv++;
	if (flags & ~(MSG_DONTWAIT | K_MSG_SOCK_DEVMEM))
		complain("recvmsg flags 0x%x", (unsigned int)flags);
	if (!s->open) {
		n = -EBADF;
		goto unlock;
	}
	if (hits(&s->fail_recv, &ret)) {
		n = ret;
		goto unlock;
	}
	run_to(w.now);
	/* A blocking recvmsg() doesn't look at the error queue. */
	queue = s->error_queue;
	if (!(flags & MSG_DONTWAIT))
		s->error_queue = false;
	n = receive(s, msg, &t, flags);
	s->error_queue = queue;
	if (n >= 0) {
		if (n && s->timestamps)
			put_cmsg(&t, SO_TIMESTAMPNS, &stamp, sizeof(stamp), false);
		msg->msg_controllen = t.control_used;
		if (n && s->mangle)
			s->mangle(msg->msg_control, &msg->msg_controllen, s->mangle_arg);
	}
unlock:
	pthread_mutex_unlock(&w.lock);
	return n;
}

struct k_dmabuf_token {
	uint32_t token_start;
	uint32_t token_count;
};

static int dontneed(struct sock *s, const void *val, socklen_t len)
{
	uint32_t limit = s->dontneed_limit ? s->dontneed_limit : K_DONTNEED_FRAGS, seen = 0, i, j;
	struct k_dmabuf_token ranges[K_DONTNEED_RANGES];
	int freed = 0;

	s->counts.dontneed++;
	if (len % sizeof(ranges[0]) || len > sizeof(ranges))
		return -EINVAL;
	if (!len)
		complain("SO_DEVMEM_DONTNEED with nothing in it");
	memcpy(ranges, val, len);
	for (i = 0; i < len / sizeof(ranges[0]); i++) {
		s->counts.ranges++;
		if (!ranges[i].token_count)
			complain("empty range of tokens");
		for (j = 0; j < ranges[i].token_count; j++) {
			uint32_t token = ranges[i].token_start + j;
			struct token *t;

			if (++seen > limit)
				return freed;
			if (token >= TOKENS_MAX || !s->tokens[token].pool) {
				s->counts.missing++;
				continue;
			}
			t = &s->tokens[token];
			page_put(t->pool, t->page);
			t->pool = NULL;
			s->tokens_out--;
			if (token < s->token_hint)
				s->token_hint = token;
			s->counts.freed++;
			freed++;
		}
	}
	return freed;
}

static int set_lowat(struct sock *s, int val)
{
	s->counts.lowat++;
	if (val < 0)
		complain("SO_RCVLOWAT %d", val);
	if (val > (int)(s->rcvbuf / 2))
		val = (int)(s->rcvbuf / 2);
	s->lowat = val ? val : 1;
	return 0;
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	struct sock *s;
	int ret, num;

	pthread_mutex_lock(&w.lock);
	s = sock_of(fd);
	if (!s->open) {
		ret = -EBADF;
	} else if (call_fails(&ret)) {
		/* as asked */
	} else if (level == SOL_SOCKET && name == K_DONTNEED) {
		if (!hits(&s->fail_dontneed, &ret))
			ret = dontneed(s, val, len);
	} else if (level == SOL_SOCKET && name == SO_RCVLOWAT && len == sizeof(num)) {
		memcpy(&num, val, sizeof(num));
		if (!hits(&s->fail_lowat, &ret))
			ret = set_lowat(s, num);
	} else {
		complain("setsockopt level %d name %d", level, name);
	}
	pthread_mutex_unlock(&w.lock);
	return ret;
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct sock *s;
	int ret = 0, num = 0;

	if (fd < FD_FIRST)
		return real_getsockopt(fd, level, name, val, len);
	pthread_mutex_lock(&w.lock);
	s = sock_of(fd);
	if (!s->open)
		ret = -EBADF;
	else if (call_fails(&ret))
		num = -1;
	else if (level == SOL_SOCKET && name == SO_PROTOCOL)
		num = s->udp ? IPPROTO_UDP : IPPROTO_TCP;
	else if (level == SOL_SOCKET && name == SO_RCVLOWAT)
		num = s->lowat;
	else
		complain("getsockopt level %d name %d", level, name);
	if (!ret) {
		memcpy(val, &num, sizeof(num));
		*len = sizeof(num);
	}
	pthread_mutex_unlock(&w.lock);
	return ret;
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	int ret;

	if (call_fails(&ret))
		return ret;
	ret = real_mmap(addr, len, prot, flags, fd);
	if (!ret)
		atomic_fetch_add(&w.mappings, 1);
	return ret;
}

int sys_munmap(void *addr, size_t len)
{
	atomic_fetch_sub(&w.mappings, 1);
	return real_munmap(addr, len);
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	uint64_t flags;
	int ret;

	if (fd >= FD_FIRST && request == FIONREAD) {
		pthread_mutex_lock(&w.lock);
		run_to(w.now);
		sock_of(fd)->counts.inq++;
		ret = (int)queued(sock_of(fd));
		memcpy(arg, &ret, sizeof(ret));
		pthread_mutex_unlock(&w.lock);
		return 0;
	}
	if (request != K_DMA_BUF_IOCTL_SYNC)
		return real_ioctl(fd, request, arg);
	if (call_fails(&ret))
		return ret;
	memcpy(&flags, arg, sizeof(flags));
	ret = flags & K_DMA_BUF_SYNC_END ? -w.sync_end : -w.sync_begin;
	if (!ret)
		w.sync_open += flags & K_DMA_BUF_SYNC_END ? -1 : 1;
	return ret;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	(void)fd;
	*magic = K_DMA_BUF_MAGIC;
	return 0;
}

/* ---- what tests say and ask ---- */

void fake_begin(void)
{
	memset(&w, 0, sizeof(w));
	pthread_mutex_init(&w.lock, NULL);
	w.signal_at = NEVER;
	w.random = 2463534242U;
}

static void sock_free(struct sock *s)
{
	free(s->skbs);
	free(s->tokens);
	s->skbs = NULL;
	s->tokens = NULL;
}

void fake_end(void)
{
	int i;

	for (i = 0; i < w.n_socks; i++)
		sock_free(&w.socks[i]);
	for (i = 0; i < w.n_pools; i++) {
		struct fake_pool *pool = w.pools[i];

		held_put(pool->binding.held);
		devmem_region_close(pool->region);
		free(pool->refs);
		free(pool->free);
		free(pool);
	}
	assert_int_equal(w.mappings, 0);
	pthread_mutex_destroy(&w.lock);
}

int fake_socket(struct fake_pool *pool)
{
	struct sock *s = &w.socks[w.n_socks];

	assert_true(w.n_socks < SOCKETS_MAX);
	s->open = true;
	s->pool = pool;
	s->rcvbuf = 6U << 20;
	s->lowat = 1;
	s->fin_at = s->reset_at = NEVER;
	s->token_hint = 1;
	s->tokens = calloc(TOKENS_MAX, sizeof(*s->tokens));
	assert_non_null(s->tokens);
	return FD_FIRST + w.n_socks++;
}

int fake_socket_udp(void)
{
	int fd = fake_socket(NULL);

	sock_of(fd)->udp = true;
	return fd;
}

/* The last descriptor is gone: the queue and the tokens are given up. */
void fake_socket_close(int fd)
{
	struct sock *s = sock_of(fd);
	uint32_t i;

	pthread_mutex_lock(&w.lock);
	for (; s->first < s->delivered; s->first++)
		skb_free(&s->skbs[s->first]);
	for (i = 1; i < TOKENS_MAX && s->tokens_out; i++) {
		if (!s->tokens[i].pool)
			continue;
		page_put(s->tokens[i].pool, s->tokens[i].page);
		s->tokens[i].pool = NULL;
		s->tokens_out--;
	}
	s->open = false;
	pthread_mutex_unlock(&w.lock);
}

void fake_socket_foreign(int fd, struct fake_pool *pool)
{
	sock_of(fd)->foreign = pool;
}

void fake_socket_rcvbuf(int fd, uint32_t bytes)
{
	sock_of(fd)->rcvbuf = bytes;
}

void fake_socket_lowat(int fd, int lowat)
{
	sock_of(fd)->lowat = lowat;
}

int fake_socket_get_lowat(int fd)
{
	return sock_of(fd)->lowat;
}

void fake_socket_nonblock(int fd, bool on)
{
	sock_of(fd)->nonblock = on;
}

void fake_socket_timestamps(int fd, bool on)
{
	sock_of(fd)->timestamps = on;
}

void fake_socket_error_queue(int fd, bool on)
{
	sock_of(fd)->error_queue = on;
}

uint64_t fake_now(void)
{
	return w.now;
}

void fake_advance(uint64_t ns)
{
	pthread_mutex_lock(&w.lock);
	run_to(w.now + ns);
	pthread_mutex_unlock(&w.lock);
}

uint64_t fake_read(int fd)
{
	return sock_of(fd)->read;
}

uint64_t fake_queued(int fd)
{
	return queued(sock_of(fd));
}

uint64_t fake_arrived(int fd)
{
	return sock_of(fd)->arrived;
}

uint64_t fake_arrival(int fd, uint64_t pos)
{
	const struct sock *s = sock_of(fd);
	size_t low = 0, high = s->delivered;

	assert_true(pos < s->arrived);
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (s->skbs[mid].start <= pos)
			low = mid;
		else
			high = mid;
	}
	return s->skbs[low].arrival;
}

uint64_t fake_delay_max(int fd)
{
	return sock_of(fd)->delay_max;
}

uint32_t fake_tokens_out(int fd)
{
	return sock_of(fd)->tokens_out;
}

struct fake_counts fake_counts(int fd)
{
	return sock_of(fd)->counts;
}

static void set_fault(struct fault *fault, unsigned int after, int code)
{
	fault->after = after;
	fault->code = code;
}

void fake_fail_recv(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_recv, after, code);
}

void fake_fail_poll(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_poll, after, code);
}

void fake_fail_dontneed(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_dontneed, after, code);
}

void fake_fail_lowat(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_lowat, after, code);
}

void fake_dontneed_limit(int fd, uint32_t fragments)
{
	sock_of(fd)->dontneed_limit = fragments;
}

void fake_signal(uint64_t at)
{
	w.signal_at = at;
}

void fake_mangle(int fd, fake_mangle_fn *fn, void *arg)
{
	sock_of(fd)->mangle = fn;
	sock_of(fd)->mangle_arg = arg;
}

void fake_fail_call(unsigned int n, int code)
{
	w.fail_call = n;
	w.fail_code = code;
}

unsigned int fake_calls(void)
{
	return w.calls;
}

void fake_sync_result(int begin, int end)
{
	w.sync_begin = begin;
	w.sync_end = end;
}

int fake_sync_open(void)
{
	return w.sync_open;
}

void fake_threads(bool on)
{
	w.threads = on;
}

unsigned int fake_mappings(void)
{
	return (unsigned int)w.mappings;
}
