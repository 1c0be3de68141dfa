// SPDX-License-Identifier: BSD-3-Clause
/* TCP sockets that send from device memory in this process, in place of lib/core/sys.c. Facts from
 * the kernel's net/ipv4/tcp.c (tcp_sendmsg_locked, tcp_poll), net/core/skbuff.c (msg_zerocopy_*),
 * net/core/devmem.c (net_devmem_get_binding), net/core/sock.c and net/ipv4/ip_sockglue.c
 * (ip_recv_error). */

/* Everything but these calls is the real thing: lib/core/sys.c under other names. */
#define sys_recvmsg real_recvmsg
#define sys_sendmsg real_sendmsg
#define sys_getsockopt real_getsockopt
#define sys_setsockopt real_setsockopt
#define sys_getsockname real_getsockname
#define sys_getpeername real_getpeername
#define sys_socket real_socket
#define sys_send real_send
#define sys_recv real_recv
#define sys_close real_close
#define sys_poll real_poll
#define sys_mmap real_mmap
#define sys_munmap real_munmap
#define sys_ioctl real_ioctl
#define sys_fs_magic real_fs_magic
#define sys_clock_ms real_clock_ms
#define sys_get_flags real_get_flags
#include "core/sys.c"
#undef sys_recvmsg
#undef sys_sendmsg
#undef sys_getsockopt
#undef sys_setsockopt
#undef sys_getsockname
#undef sys_getpeername
#undef sys_socket
#undef sys_send
#undef sys_recv
#undef sys_close
#undef sys_poll
#undef sys_mmap
#undef sys_munmap
#undef sys_ioctl
#undef sys_fs_magic
#undef sys_clock_ms
#undef sys_get_flags

#include "fake_send.h"

#include <linux/errqueue.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bind/binding.h"

/* The seam, as lib/core/sys.h has it. */
ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags);
int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int sys_socket(int domain, int type, int protocol);
ssize_t sys_send(int fd, const void *buf, size_t len, int flags);
ssize_t sys_recv(int fd, void *buf, size_t len, int flags);
int sys_close(int fd);
int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int sys_mmap(void **addr, size_t len, int prot, int flags, int fd);
int sys_munmap(void *addr, size_t len);
int sys_ioctl(int fd, unsigned long request, void *arg);
int sys_fs_magic(int fd, uint32_t *magic);
uint64_t sys_clock_ms(void);
int sys_get_flags(int fd);

/* Numbers of the kernel, stated apart from the library's own statement of them. */
#define K_SO_ZEROCOPY 60
#define K_SO_BINDTOIFINDEX 62
#define K_SCM_DEVMEM_DMABUF 79
#define K_MSG_ZEROCOPY 0x4000000
#define K_DMA_BUF_MAGIC 0x444d4142U
#define K_DMA_BUF_IOCTL_SYNC 0x40086200UL
#define K_SYNC_READ 1U
#define K_SYNC_END 4U
#define K_IOV_MAX 1024
#define K_MAX_RW 0x7ffff000U
/* Sends that share a completion have at most so many bytes. */
#define K_JOIN_MAX (1U << 19)

#define FD_FIRST 1000
#define NETLINK_FIRST 2000
#define SOCKETS_MAX 16
#define REGIONS_MAX 8
#define BINDINGS_MAX 16
#define NETLINKS_MAX 8
#define ID_FIRST 41
/* Calls in a row without effect and without waiting, after which somebody spins. */
#define SPIN_MAX 1000
/* Virtual time after which a test that still waits has starved. */
#define TOO_LATE (UINT64_C(1000000) * FAKE_MS)

struct fake_memory {
	struct devmem_region *region;
	uint8_t *base;
	uint64_t size, ino;
	bool dmabuf, unmappable;
	unsigned int access; /* begun and not ended */
};

struct devmem_binding {
	struct devmem_region *region;
	uint32_t id, ifindex;
	const char *dev;
	bool tx, plain;
};

struct known {
	struct devmem_binding *binding;
	struct fake_memory *memory;
	uint32_t id, ifindex;
	bool tx, forgotten;
};

/* What one call of sendmsg() took. */
struct sent {
	uint32_t number;
	uint64_t end; /* of it, in the stream */
	uint64_t size;
	uint64_t ready; /* when its completion comes; FAKE_NEVER: not yet known */
	bool zerocopy, joined, copied, complete, allowed;
};

/* A contiguous part of it. */
struct piece {
	struct fake_memory *memory;
	uint64_t offset, pos;
	uint32_t len;
	size_t sent;
};

struct note {
	enum { NOTE_ZEROCOPY, NOTE_STAMP, NOTE_ICMP, NOTE_RAW } kind;
	uint32_t low, high;
	bool copied;
	int code;
	uint8_t raw[256];
	size_t raw_len;
};

struct fault {
	unsigned int after;
	int code; /* 0 = none */
};

struct sock {
	enum { TCP, UNCONNECTED, UDP, FILE_ } kind;
	int family;
	uint32_t route, bound, mark;
	bool zerocopy, nonblock, hold, merge, stamps, closed, blind;
	size_t clutter;
	uint64_t sndbuf;
	uint32_t next, optmem, join, copied;
	uint64_t pace_bytes, pace_ns, pace_at, jitter;
	uint64_t reset_at, zerocopy_off_at;
	int reset_code, err;
	bool dead, shut;
	struct sent *sents;
	size_t n_sents, cap_sents, first; /* incomplete ones begin there */
	struct piece *pieces;
	size_t n_pieces, cap_pieces, leaving; /* the piece that leaves next */
	uint8_t *stream;
	uint64_t end, left, cap_stream; /* taken from the application; left for the peer */
	uint64_t spoilt;
	struct note *notes;
	size_t n_notes, cap_notes, first_note;
	struct fake_counts counts;
	struct fault fail_send, fail_reap;
	int last_flags;
	size_t last_pieces;
	uint64_t last_asked;
};

struct netlink {
	bool open, asked;
	_Alignas(struct nlmsghdr) uint8_t answer[256];
	size_t len;
};

static struct {
	uint64_t now, signal_at;
	uint32_t random;
	struct fake_memory memories[REGIONS_MAX];
	int n_memories;
	struct known known[BINDINGS_MAX];
	int n_known;
	struct sock socks[SOCKETS_MAX];
	int n_socks;
	struct netlink netlinks[NETLINKS_MAX];
	unsigned int calls, fail_call, syncs, questions, mappings, spin;
	int fail_code, route_code;
	int sync_begin, sync_end;
	struct fault fail_poll;
	short poll_events;
	int poll_timeout;
} w;

static void __attribute__((format(printf, 1, 2), noreturn)) complain(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("%s (at %llu us)", text, (unsigned long long)(w.now / 1000));
	abort();
}

static void *grow(void *array, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? 2 * *cap : 64;
	array = realloc(array, *cap * size);
	if (!array)
		abort();
	return array;
}

static bool is_socket(int fd)
{
	return fd >= FD_FIRST && fd < FD_FIRST + SOCKETS_MAX;
}

static struct sock *sock_of(int fd)
{
	if (fd < FD_FIRST || fd >= FD_FIRST + w.n_socks)
		complain("descriptor %d was never a socket", fd);
	return &w.socks[fd - FD_FIRST];
}

static int fd_of(const struct sock *s)
{
	return FD_FIRST + (int)(s - w.socks);
}

static uint32_t rnd(uint32_t n)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 17;
	w.random ^= w.random << 5;
	return w.random % n;
}

static bool chance(uint32_t percent)
{
	return percent && rnd(100) < percent;
}

static bool hits(struct fault *fault, int *ret)
{
	if (!fault->code || fault->after--)
		return false;
	*ret = -fault->code;
	fault->code = 0;
	return true;
}

/* Counts a call of the library and says whether it is to fail. */
static bool call_fails(int *ret)
{
	w.calls++;
	if (!w.fail_call || --w.fail_call)
		return false;
	*ret = -w.fail_code;
	return true;
}

static void effect(void)
{
	w.spin = 0;
}

static void without_effect(const char *what)
{
	if (++w.spin > SPIN_MAX)
		complain("%s again and again: spins", what);
}

/* ---- regions and bindings ---- */

static struct fake_memory *memory_of(const struct devmem_region *region)
{
	int i;

	for (i = 0; i < w.n_memories; i++)
		if (w.memories[i].region == region)
			return &w.memories[i];
	complain("a region that is not the model's");
}

static uint64_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static struct fake_memory *memory_of_fd(int fd)
{
	uint64_t ino = inode(fd);
	int i;

	for (i = 0; i < w.n_memories; i++)
		if (w.memories[i].ino == ino)
			return &w.memories[i];
	return NULL;
}

struct devmem_region *fake_region(uint64_t size, bool dmabuf)
{
	struct fake_memory *m = &w.memories[w.n_memories];
	int fd = memfd_create("fake", MFD_CLOEXEC);
	void *base = NULL;

	assert_true(w.n_memories < REGIONS_MAX && fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	w.n_memories++;
	m->size = size;
	m->dmabuf = true; /* while it is imported */
	m->ino = inode(fd);
	if (dmabuf) {
		assert_int_equal(devmem_region_import(&m->region, fd, NULL), 0);
	} else {
		assert_int_equal(devmem_region_open(&m->region, "memfd", size, NULL), 0);
		m->ino = inode(devmem_region_fd(m->region));
	}
	m->dmabuf = dmabuf;
	close(fd);
	assert_int_equal(real_mmap(&base, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				   devmem_region_fd(m->region)),
			 0);
	m->base = base;
	return m->region;
}

uint8_t *fake_region_bytes(const struct devmem_region *region)
{
	return memory_of(region)->base;
}

void fake_region_unmappable(const struct devmem_region *region)
{
	memory_of(region)->unmappable = true;
}

void fake_sync_result(int begin, int end)
{
	w.sync_begin = begin;
	w.sync_end = end;
}

static struct devmem_binding *new_binding(struct devmem_region *region, uint32_t ifindex, bool tx,
					  bool plain)
{
	struct known *known = &w.known[w.n_known];
	struct devmem_binding *b = calloc(1, sizeof(*b));

	assert_true(w.n_known < BINDINGS_MAX && b);
	b->region = region;
	b->tx = tx;
	b->plain = plain;
	b->ifindex = ifindex;
	b->dev = ifindex == 3 ? "eth2" : "eth1";
	known->binding = b;
	known->memory = memory_of(region);
	if (!plain) {
		known->id = b->id = ID_FIRST + (uint32_t)w.n_known;
		known->ifindex = ifindex;
		known->tx = tx;
	}
	w.n_known++;
	return b;
}

struct devmem_binding *fake_binding(struct devmem_region *region, uint32_t ifindex)
{
	return new_binding(region, ifindex, true, false);
}

struct devmem_binding *fake_binding_inherited(struct devmem_region *region, uint32_t ifindex)
{
	struct devmem_binding *b = new_binding(region, ifindex, true, false);

	b->ifindex = 0;
	return b;
}

struct devmem_binding *fake_binding_plain(struct devmem_region *region)
{
	void *addr;

	/* devmem_binding_open_tx() sees to it. */
	if (!memory_of(region)->unmappable)
		assert_int_equal(devmem_region_map(region, &addr, NULL), 0);
	return new_binding(region, 2, true, true);
}

struct devmem_binding *fake_binding_rx(struct devmem_region *region)
{
	return new_binding(region, 2, false, false);
}

static struct known *known_binding(const struct devmem_binding *binding)
{
	int i;

	for (i = 0; i < w.n_known; i++)
		if (w.known[i].binding == binding)
			return &w.known[i];
	complain("a binding that is not the model's");
}

void fake_forget(const struct devmem_binding *binding)
{
	known_binding(binding)->forgotten = true;
}

void fake_unbind(struct devmem_binding *binding)
{
	struct known *known = known_binding(binding);

	known->forgotten = true;
	known->binding = NULL;
	memset(binding, 0xA5, sizeof(*binding));
	free(binding);
}

/* The binding, as senders see it. */

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

int devmem_binding_is_plain(const struct devmem_binding *binding)
{
	return binding->plain;
}

struct devmem_region *binding_region(const struct devmem_binding *binding)
{
	return binding->region;
}

bool binding_is_tx(const struct devmem_binding *binding)
{
	return binding->tx;
}

const char *binding_dev(const struct devmem_binding *binding)
{
	return binding->dev;
}

uint32_t binding_ifindex(const struct devmem_binding *binding)
{
	return binding->ifindex;
}

/* ---- completions ---- */

static void note_add(struct sock *s, const struct note *note)
{
	struct note *last = s->n_notes ? &s->notes[s->n_notes - 1] : NULL;

	if (note->kind == NOTE_ZEROCOPY && s->merge && s->n_notes > s->first_note &&
	    last->kind == NOTE_ZEROCOPY && last->high + 1 == note->low &&
	    (uint64_t)(last->high - last->low) + (note->high - note->low) + 2 < UINT32_MAX) {
		/* What it said about copies stays as it was. */
		last->high = note->high;
		return;
	}
	s->notes = grow(s->notes, &s->cap_notes, s->n_notes, sizeof(*s->notes));
	s->notes[s->n_notes++] = *note;
}

static bool ends_group(const struct sock *s, size_t i)
{
	return i + 1 == s->n_sents || !s->sents[i + 1].joined;
}

/* The pieces of a send are in order; so are the sends that they are of. */
static void check_unspoilt(struct sock *s, size_t sent)
{
	size_t low = 0, high = s->n_pieces, i;
	uint64_t k;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->pieces[mid].sent < sent)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low; i < s->n_pieces && s->pieces[i].sent == sent; i++) {
		const struct piece *p = &s->pieces[i];

		if (!p->memory || p->pos >= s->left)
			continue;
		for (k = 0; k < p->len && p->pos + k < s->left; k++)
			s->spoilt += p->memory->base[p->offset + k] != s->stream[p->pos + k];
	}
}

/* Sends from first to last share one completion, which comes now. */
static void complete(struct sock *s, size_t first, size_t last)
{
	struct note note = { .kind = NOTE_ZEROCOPY,
			     .low = s->sents[first].number,
			     .high = s->sents[last].number,
			     .copied = s->sents[first].copied };
	size_t i;

	for (i = first; i <= last; i++) {
		if (!s->sents[i].copied)
			check_unspoilt(s, i);
		s->sents[i].complete = true;
	}
	note_add(s, &note);
}

/* Those whose bytes have left, or never will. */
static void completions(struct sock *s)
{
	size_t i, last;

	while (s->first < s->n_sents && s->sents[s->first].complete)
		s->first++;
	for (i = s->first; i < s->n_sents; i = last + 1) {
		struct sent *sent = &s->sents[i];

		for (last = i; !ends_group(s, last); last++)
			;
		if (sent->complete)
			continue;
		if (!s->dead && s->sents[last].end > s->left)
			break;
		if (!sent->zerocopy) {
			sent->complete = true;
			continue;
		}
		if (sent->ready == FAKE_NEVER)
			sent->ready = w.now + (s->jitter ? rnd((uint32_t)s->jitter) : 0);
		if (sent->ready <= w.now && (!s->hold || sent->allowed))
			complete(s, i, last);
	}
}

/* Bytes leave, and the peer has them. */
static void leave(struct sock *s, uint64_t bytes)
{
	uint64_t end = s->left + bytes < s->end ? s->left + bytes : s->end;

	while (s->left < end) {
		const struct piece *p = &s->pieces[s->leaving];
		uint64_t skip = s->left - p->pos, n = p->len - skip;

		if (n > end - s->left)
			n = end - s->left;
		/* Copied ones are in the stream already. */
		if (p->memory)
			memcpy(s->stream + s->left, p->memory->base + p->offset + skip, n);
		s->left += n;
		if (s->left == p->pos + p->len)
			s->leaving++;
	}
	completions(s);
}

static void die(struct sock *s)
{
	s->dead = true;
	s->err = s->reset_code;
	s->reset_at = FAKE_NEVER;
	completions(s);
}

static bool paced(const struct sock *s)
{
	return s->pace_bytes && !s->dead && s->left < s->end;
}

/* When the socket changes by itself. */
static uint64_t next_of(const struct sock *s)
{
	uint64_t at = s->reset_at < s->zerocopy_off_at ? s->reset_at : s->zerocopy_off_at;
	size_t i;

	if (paced(s) && s->pace_at < at)
		at = s->pace_at;
	for (i = s->first; i < s->n_sents; i++) {
		const struct sent *sent = &s->sents[i];

		if (!sent->complete && !sent->joined && sent->ready < at &&
		    (!s->hold || sent->allowed))
			at = sent->ready;
	}
	return at;
}

static uint64_t next_event(void)
{
	uint64_t at = FAKE_NEVER;
	int i;

	for (i = 0; i < w.n_socks; i++) {
		uint64_t one = next_of(&w.socks[i]);

		if (one < at)
			at = one;
	}
	return at;
}

static void happen(struct sock *s)
{
	if (s->reset_at <= w.now)
		die(s);
	if (s->zerocopy_off_at <= w.now) {
		s->zerocopy = false;
		s->zerocopy_off_at = FAKE_NEVER;
	}
	if (paced(s) && s->pace_at <= w.now) {
		s->pace_at = w.now + s->pace_ns;
		leave(s, s->pace_bytes);
	}
	completions(s);
}

static void run_to(uint64_t t)
{
	uint64_t at;
	int i;

	while ((at = next_event()) <= t) {
		if (at > w.now) {
			w.now = at;
			effect();
		}
		for (i = 0; i < w.n_socks; i++)
			happen(&w.socks[i]);
	}
	if (t > w.now) {
		w.now = t;
		effect();
	}
}

/* ---- poll ---- */

static uint64_t room(const struct sock *s)
{
	uint64_t queued = s->end - s->left;

	return queued < s->sndbuf ? s->sndbuf - queued : 0;
}

static short readiness(const struct sock *s)
{
	short events = 0;

	if (s->closed)
		return POLLNVAL;
	if (s->err || s->n_notes > s->first_note)
		events |= POLLERR;
	if (s->dead)
		events |= POLLHUP | POLLIN | POLLRDHUP;
	/* A third must be free. */
	if (s->dead || s->shut || room(s) * 3 >= s->sndbuf)
		events |= POLLOUT;
	return events;
}

/* 0 when something is ready. */
static int wait_for(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
	uint64_t at;
	nfds_t i;

	for (;;) {
		bool ready = false;

		run_to(w.now);
		for (i = 0; i < n; i++) {
			fds[i].revents = readiness(sock_of(fds[i].fd)) &
					 (fds[i].events | POLLERR | POLLHUP | POLLNVAL);
			ready |= fds[i].revents != 0;
		}
		if (ready)
			return 0;
		at = next_event();
		if (w.signal_at != FAKE_NEVER && w.signal_at <= at && w.signal_at <= deadline) {
			if (w.signal_at > w.now)
				run_to(w.signal_at);
			w.signal_at = FAKE_NEVER;
			effect();
			return -EINTR;
		}
		if (at > deadline) {
			run_to(deadline);
			return -ETIMEDOUT;
		}
		if (at == FAKE_NEVER)
			complain("waits for ever: nothing will come");
		run_to(at);
	}
}

int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	nfds_t i;
	int ret;

	w.poll_timeout = timeout_ms;
	w.poll_events = 0;
	for (i = 0; i < n; i++) {
		fds[i].revents = 0;
		sock_of(fds[i].fd)->counts.poll++;
		w.poll_events = fds[i].events;
	}
	if (call_fails(&ret) || hits(&w.fail_poll, &ret))
		return ret;
	without_effect("poll");
	if (w.now > TOO_LATE)
		complain("waits for ever: starved");
	ret = wait_for(fds, n,
		       timeout_ms < 0 ? FAKE_NEVER : w.now + (uint64_t)timeout_ms * FAKE_MS);
	if (ret == -ETIMEDOUT)
		return 0;
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		ret += fds[i].revents != 0;
	return ret;
}

/* ---- sendmsg ---- */

struct send {
	const struct msghdr *msg;
	int flags;
	uint32_t id; /* 0 = none */
	struct fake_memory *memory;
	size_t seg, off; /* place in the iovecs */
	uint64_t copied;
};

static int read_control(struct send *send)
{
	struct msghdr *msg = (struct msghdr *)(uintptr_t)send->msg;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_len < sizeof(*cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type != K_SCM_DEVMEM_DMABUF ||
		    cmsg->cmsg_len != CMSG_LEN(sizeof(send->id)))
			return -EINVAL;
		memcpy(&send->id, CMSG_DATA(cmsg), sizeof(send->id));
	}
	return 0;
}

static uint32_t leaves_through(const struct sock *s)
{
	return s->bound ? s->bound : s->route;
}

static const struct known *known_id(uint32_t id)
{
	int i;

	for (i = 0; i < w.n_known; i++)
		if (w.known[i].id == id && !w.known[i].forgotten)
			return &w.known[i];
	return NULL;
}

static int find_binding(const struct sock *s, struct send *send)
{
	const struct known *known = known_id(send->id);

	if (!known || !known->tx || s->kind == UNCONNECTED)
		return -EINVAL;
	if (leaves_through(s) != known->ifindex)
		return -ENODEV;
	send->memory = known->memory;
	return 0;
}

/* Notifications that socket memory is charged for. */
static uint32_t charged(const struct sock *s)
{
	uint32_t n = (uint32_t)(s->n_notes - s->first_note);
	size_t i;

	for (i = s->first; i < s->n_sents; i++)
		n += !s->sents[i].complete && s->sents[i].zerocopy && !s->sents[i].joined;
	return n;
}

/* May a send share the completion of the one before? */
static bool can_join(const struct sock *s)
{
	const struct sent *last = s->n_sents ? &s->sents[s->n_sents - 1] : NULL;
	uint64_t bytes = 0;
	size_t i;

	if (!last || !last->zerocopy || last->complete || last->end <= s->left ||
	    last->number + 1 != s->next || last->ready != FAKE_NEVER)
		return false;
	for (i = s->n_sents; i-- > 0;) {
		bytes += s->sents[i].size;
		if (!s->sents[i].joined)
			break;
	}
	return bytes < K_JOIN_MAX && chance(s->join);
}

static void check_message(struct sock *s, const struct send *send)
{
	const struct msghdr *msg = send->msg;
	size_t i;

	if (send->flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | K_MSG_ZEROCOPY))
		complain("sendmsg flags 0x%x", (unsigned int)send->flags);
	if (!(send->flags & MSG_NOSIGNAL))
		complain("sendmsg without MSG_NOSIGNAL");
	if (msg->msg_name || msg->msg_namelen)
		complain("sendmsg with an address");
	if (!msg->msg_iovlen)
		complain("sendmsg of nothing");
	s->last_asked = 0;
	for (i = 0; i < msg->msg_iovlen; i++) {
		if (!msg->msg_iov[i].iov_len)
			complain("sendmsg with an empty piece");
		s->last_asked += msg->msg_iov[i].iov_len;
	}
	if (s->last_asked > K_MAX_RW)
		complain("sendmsg of more than the kernel takes");
}

/* The region in whose mapping a piece of a plain send lies. */
static const struct fake_memory *mapped_in(const void *base, size_t len)
{
	void *addr;
	int i;

	for (i = 0; i < w.n_memories; i++) {
		const struct fake_memory *m = &w.memories[i];
		unsigned int calls = w.calls, fail = w.fail_call;
		int ret;

		if (m->unmappable)
			continue;
		/* Mapped already: no call. */
		w.fail_call = 0;
		ret = devmem_region_map(m->region, &addr, NULL);
		w.fail_call = fail;
		if (ret || w.calls != calls)
			complain("the region wasn't mapped");
		if ((const uint8_t *)base >= (uint8_t *)addr &&
		    (const uint8_t *)base + len <= (uint8_t *)addr + m->size)
			return m;
	}
	complain("a plain send from outside of the region");
}

static void take(struct sock *s, struct send *send, uint64_t want, struct sent *sent)
{
	while (want) {
		const struct iovec *iov = &send->msg->msg_iov[send->seg];
		struct piece p = { .pos = s->end, .sent = s->n_sents };
		uint64_t n = iov->iov_len - send->off;

		if (n > want)
			n = want;
		while (!s->blind && s->cap_stream < s->end + n) {
			s->cap_stream = s->cap_stream ? 2 * s->cap_stream : 65536;
			s->stream = realloc(s->stream, s->cap_stream);
			assert_non_null(s->stream);
		}
		if (send->id) {
			p.offset = (uintptr_t)iov->iov_base + send->off;
			p.memory = send->memory;
		}
		if (s->blind) {
			p.memory = NULL;
		} else if (!send->id || sent->copied) {
			memcpy(s->stream + s->end,
			       send->id ? p.memory->base + p.offset
					: (uint8_t *)iov->iov_base + send->off,
			       n);
			p.memory = NULL;
		}
		p.len = (uint32_t)n;
		s->pieces = grow(s->pieces, &s->cap_pieces, s->n_pieces, sizeof(p));
		s->pieces[s->n_pieces++] = p;
		s->end += n;
		want -= n;
		send->copied += n;
		send->off += n;
		if (send->off == iov->iov_len) {
			send->seg++;
			send->off = 0;
		}
	}
}

/* Bytes of the message from where it is on that are in the region. */
static uint64_t in_region(const struct send *send, uint64_t most)
{
	size_t seg = send->seg, off = send->off;
	uint64_t n = 0;

	for (; n < most && seg < send->msg->msg_iovlen; seg++, off = 0) {
		const struct iovec *iov = &send->msg->msg_iov[seg];
		uint64_t at = (uintptr_t)iov->iov_base + off, len = iov->iov_len - off;

		if (!send->id) {
			n += len;
			continue;
		}
		if (at >= send->memory->size)
			return n;
		if (len > send->memory->size - at)
			return n + (send->memory->size - at);
		n += len;
	}
	return n < most ? n : most;
}

static int broken(struct sock *s)
{
	int code = s->err;

	if (code) {
		s->err = 0;
		return -code;
	}
	return s->dead || s->shut ? -EPIPE : 0;
}

static ssize_t queue(struct sock *s, struct send *send, struct sent *sent, uint64_t size)
{
	bool wait = !(send->flags & MSG_DONTWAIT) && !s->nonblock;
	struct pollfd pfd = { .fd = fd_of(s), .events = POLLOUT };
	uint64_t part;
	int ret;

	while (send->copied < size) {
		/* After a part of it the error stays for the next call. */
		if (send->copied && (s->err || s->dead || s->shut))
			return 0;
		ret = broken(s);
		if (ret)
			return ret;
		part = size - send->copied < room(s) ? size - send->copied : room(s);
		if (part) {
			part = in_region(send, part);
			if (!part)
				return -EFAULT;
			take(s, send, part, sent);
			effect();
			continue;
		}
		if (!wait) {
			if (!send->copied) {
				s->counts.eagain++;
				without_effect("sendmsg");
			}
			return -EAGAIN;
		}
		/* sk_stream_wait_memory() doesn't look at the error queue. */
		do {
			ret = wait_for(&pfd, 1, FAKE_NEVER);
			if (!ret && !(pfd.revents & (POLLOUT | POLLHUP)) && !s->err) {
				uint64_t at = next_event();

				if (at == FAKE_NEVER)
					complain("waits for ever: nothing will come");
				run_to(at);
			}
		} while (!ret && !(pfd.revents & (POLLOUT | POLLHUP)) && !s->err);
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t send_bytes(struct sock *s, struct send *send)
{
	struct sent sent = { .ready = FAKE_NEVER };
	uint64_t size = 0;
	int control, ret;
	size_t i;

	control = read_control(send);
	for (i = 0; i < send->msg->msg_iovlen; i++)
		size += send->msg->msg_iov[i].iov_len;
	if (size > K_MAX_RW)
		size = K_MAX_RW;
	if (send->flags & K_MSG_ZEROCOPY && s->zerocopy) {
		sent.joined = can_join(s);
		if (!sent.joined && s->optmem && charged(s) >= s->optmem) {
			without_effect("sendmsg");
			return -ENOBUFS;
		}
		sent.zerocopy = true;
		if (!control && send->id) {
			ret = find_binding(s, send);
			if (ret)
				return ret;
		}
	}
	if (!control && send->id && !sent.zerocopy)
		return -EINVAL;
	if (s->kind == UNCONNECTED)
		return -EPIPE;
	if (control)
		return control;
	if (send->flags & K_MSG_ZEROCOPY && !send->id)
		complain("MSG_ZEROCOPY without a binding");
	if (!send->id)
		for (i = 0; i < send->msg->msg_iovlen; i++) {
			const struct iovec *iov = &send->msg->msg_iov[i];
			const struct fake_memory *m = mapped_in(iov->iov_base, iov->iov_len);

			if (m->dmabuf && !(m->access & K_SYNC_READ))
				complain("read from a dma-buf without DMA_BUF_IOCTL_SYNC");
		}
	sent.copied = sent.zerocopy &&
		      (sent.joined ? s->sents[s->n_sents - 1].copied : chance(s->copied));
	if (s->left == s->end)
		s->pace_at = w.now + s->pace_ns;
	ret = (int)queue(s, send, &sent, size);
	if (!send->copied)
		return ret;
	/* The others may have left while it waited. */
	if (sent.joined && s->sents[s->n_sents - 1].end <= s->left)
		sent.joined = false;
	sent.number = s->next;
	sent.end = s->end;
	sent.size = send->copied;
	s->next += sent.zerocopy;
	s->sents = grow(s->sents, &s->cap_sents, s->n_sents, sizeof(sent));
	s->sents[s->n_sents++] = sent;
	/* Some or all may have left while it waited. */
	completions(s);
	return (ssize_t)send->copied;
}

ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct send send = { .msg = msg, .flags = flags };
	struct sock *s = sock_of(fd);
	int ret;

	s->counts.send++;
	s->last_flags = flags;
	s->last_pieces = msg->msg_iovlen;
	check_message(s, &send);
	if (call_fails(&ret) || hits(&s->fail_send, &ret)) {
		without_effect("sendmsg");
		return ret;
	}
	if (s->closed)
		return -EBADF;
	if (msg->msg_iovlen > K_IOV_MAX)
		return -EMSGSIZE;
	if (s->kind == FILE_)
		return -ENOTSOCK;
	if (s->kind == UDP)
		complain("sendmsg on a UDP socket");
	run_to(w.now);
	return send_bytes(s, &send);
}

/* ---- the error queue ---- */

struct control {
	struct msghdr *msg;
	size_t used;
};

static void put_cmsg(struct control *c, int level, int type, const void *data, size_t len)
{
	uint8_t *at = (uint8_t *)c->msg->msg_control + c->used;
	size_t space = c->msg->msg_controllen - c->used, part = CMSG_LEN(len);
	struct cmsghdr header;

	if (space < sizeof(header)) {
		c->msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	if (part > space) {
		c->msg->msg_flags |= MSG_CTRUNC;
		part = space;
	}
	header.cmsg_len = part;
	header.cmsg_level = level;
	header.cmsg_type = type;
	memcpy(at, &header, sizeof(header));
	memcpy(at + CMSG_LEN(0), data, part - CMSG_LEN(0));
	c->used += CMSG_SPACE(len) < space ? CMSG_SPACE(len) : space;
}

static void put_error(const struct sock *s, struct control *c, const struct note *note)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in6 offender;
	} body;
	size_t addr =
		s->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	memset(&body, 0, sizeof(body));
	switch (note->kind) {
	case NOTE_ZEROCOPY:
		body.ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
		body.ee.ee_code = note->copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
		body.ee.ee_info = note->low;
		body.ee.ee_data = note->high;
		break;
	case NOTE_STAMP:
		body.ee.ee_errno = ENOMSG;
		body.ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
		body.ee.ee_info = 1;
		body.ee.ee_data = s->next;
		break;
	default:
		body.ee.ee_errno = (uint32_t)note->code;
		body.ee.ee_origin = s->family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
		body.offender.sin6_family = (sa_family_t)s->family;
	}
	if (s->family == AF_INET)
		put_cmsg(c, IPPROTO_IP, 11, &body, sizeof(body.ee) + addr);
	else
		put_cmsg(c, IPPROTO_IPV6, 25, &body, sizeof(body.ee) + addr);
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct timespec stamps[3] = { { 1, 2 }, { 0, 0 }, { 3, 4 } };
	static const uint8_t clutter[1024];
	struct control c = { .msg = msg };
	struct sock *s = sock_of(fd);
	const struct note *note;
	int ret;

	s->counts.reap++;
	if (!(flags & MSG_ERRQUEUE) || flags & ~(MSG_ERRQUEUE | MSG_DONTWAIT))
		complain("recvmsg flags 0x%x", (unsigned int)flags);
	if (call_fails(&ret) || hits(&s->fail_reap, &ret)) {
		without_effect("recvmsg");
		return ret;
	}
	if (s->closed)
		return -EBADF;
	run_to(w.now);
	if (s->first_note == s->n_notes) {
		without_effect("recvmsg");
		return -EAGAIN;
	}
	effect();
	note = &s->notes[s->first_note++];
	msg->msg_flags = MSG_ERRQUEUE;
	msg->msg_namelen = 0;
	if (s->clutter)
		put_cmsg(&c, SOL_SOCKET, SO_TIMESTAMPNS, clutter, s->clutter);
	if (s->stamps || note->kind == NOTE_STAMP)
		put_cmsg(&c, SOL_SOCKET, SO_TIMESTAMPING, stamps, sizeof(stamps));
	if (note->kind != NOTE_RAW) {
		put_error(s, &c, note);
	} else {
		assert_true(note->raw_len <= msg->msg_controllen);
		memcpy(msg->msg_control, note->raw, note->raw_len);
		c.used = note->raw_len;
	}
	msg->msg_controllen = c.used;
	return 0;
}

/* ---- options and addresses ---- */

static int bind_to(struct sock *s, int ifindex)
{
	if (s->bound)
		return -EPERM;
	if (ifindex < 0)
		return -EINVAL;
	s->bound = (uint32_t)ifindex;
	return 0;
}

/* An interface's name, as SO_BINDTODEVICE takes it: cut at 15 bytes, the end may be missing. */
static int bind_to_name(struct sock *s, const void *val, socklen_t len)
{
	char name[16] = "";

	memcpy(name, val, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (!name[0])
		return bind_to(s, 0);
	if (strcmp(name, "eth1") && strcmp(name, "eth2"))
		return -ENODEV;
	return bind_to(s, name[3] == '1' ? 2 : 3);
}

static int set_option(struct sock *s, int level, int name, const void *val, socklen_t len)
{
	int num;

	if (s->kind == FILE_)
		return -ENOTSOCK;
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return bind_to_name(s, val, len);
	if (level != SOL_SOCKET || len != sizeof(num))
		complain("setsockopt level %d name %d of %u bytes", level, name, len);
	memcpy(&num, val, sizeof(num));
	switch (name) {
	case K_SO_ZEROCOPY:
		if (num < 0 || num > 1)
			return -EINVAL;
		s->zerocopy = num;
		return 0;
	case K_SO_BINDTOIFINDEX:
		return bind_to(s, num);
	default:
		complain("setsockopt name %d", name);
	}
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	struct sock *s;
	int ret;

	if (call_fails(&ret))
		return ret;
	if (fd >= NETLINK_FIRST && fd < NETLINK_FIRST + NETLINKS_MAX) {
		if (level != SOL_SOCKET || name != SO_RCVTIMEO)
			complain("setsockopt level %d name %d of a netlink socket", level, name);
		return 0;
	}
	s = sock_of(fd);
	s->counts.setsockopt++;
	return set_option(s, level, name, val, len);
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct sock *s = sock_of(fd);
	int num = 0, ret;

	if (call_fails(&ret))
		return ret;
	s->counts.getsockopt++;
	if (s->kind == FILE_)
		return -ENOTSOCK;
	if (level != SOL_SOCKET || *len < sizeof(num))
		complain("getsockopt level %d name %d of %u bytes", level, name, *len);
	switch (name) {
	case SO_PROTOCOL:
		num = s->kind == UDP ? IPPROTO_UDP : IPPROTO_TCP;
		break;
	case SO_TYPE:
		num = s->kind == UDP ? SOCK_DGRAM : SOCK_STREAM;
		break;
	case SO_DOMAIN:
		num = s->family;
		break;
	case K_SO_ZEROCOPY:
		num = s->zerocopy;
		break;
	case K_SO_BINDTOIFINDEX:
		num = (int)s->bound;
		break;
	case SO_MARK:
		num = (int)s->mark;
		break;
	default:
		complain("getsockopt name %d", name);
	}
	memcpy(val, &num, sizeof(num));
	*len = sizeof(num);
	return 0;
}

/* Each connection has addresses of its own, which its descriptor is in. */
static int put_address(const struct sock *s, bool peer, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	uint8_t last = (uint8_t)(fd_of(s) - FD_FIRST + 1);
	socklen_t size;

	memset(&ss, 0, sizeof(ss));
	ss.ss_family = (sa_family_t)s->family;
	if (s->family == AF_INET) {
		size = sizeof(*in);
		in->sin_port = htons(peer ? 5001 : 40000);
		in->sin_addr.s_addr = htonl(0x0a000000U + (peer ? 0x100U : 0) + last);
	} else {
		size = sizeof(*in6);
		in6->sin6_port = htons(peer ? 5001 : 40000);
		in6->sin6_addr.s6_addr[0] = 0xfd;
		in6->sin6_addr.s6_addr[14] = peer;
		in6->sin6_addr.s6_addr[15] = last;
	}
	memcpy(addr, &ss, *len < size ? *len : size);
	*len = size;
	return 0;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sock *s = sock_of(fd);
	int ret;

	if (call_fails(&ret))
		return ret;
	return s->kind == FILE_ ? -ENOTSOCK : put_address(s, false, addr, len);
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sock *s = sock_of(fd);
	int ret;

	if (call_fails(&ret))
		return ret;
	if (s->kind == FILE_)
		return -ENOTSOCK;
	if (s->kind == UNCONNECTED || s->dead)
		return -ENOTCONN;
	return put_address(s, true, addr, len);
}

/* ---- rtnetlink ---- */

static struct netlink *netlink_of(int fd)
{
	if (fd < NETLINK_FIRST || fd >= NETLINK_FIRST + NETLINKS_MAX ||
	    !w.netlinks[fd - NETLINK_FIRST].open)
		complain("descriptor %d is no netlink socket", fd);
	return &w.netlinks[fd - NETLINK_FIRST];
}

int sys_socket(int domain, int type, int protocol)
{
	int i, ret;

	if (call_fails(&ret))
		return ret;
	if (domain != AF_NETLINK || protocol != NETLINK_ROUTE ||
	    (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != SOCK_RAW)
		complain("socket(%d, %d, %d)", domain, type, protocol);
	for (i = 0; i < NETLINKS_MAX; i++) {
		if (w.netlinks[i].open)
			continue;
		memset(&w.netlinks[i], 0, sizeof(w.netlinks[i]));
		w.netlinks[i].open = true;
		return NETLINK_FIRST + i;
	}
	return -EMFILE;
}

int sys_close(int fd)
{
	if (fd < FD_FIRST)
		return real_close(fd);
	netlink_of(fd)->open = false;
	return 0;
}

struct question {
	const uint8_t *dst, *src;
	size_t len;
	uint32_t oif, mark;
};

static void read_question(const void *buf, size_t len, struct question *q)
{
	const struct nlmsghdr *nlh = buf;
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *attr;
	int left;

	memset(q, 0, sizeof(*q));
	if (len < NLMSG_SPACE(sizeof(*rtm)) || nlh->nlmsg_len != len ||
	    nlh->nlmsg_type != RTM_GETROUTE || nlh->nlmsg_flags != NLM_F_REQUEST)
		complain("not a question for one route");
	q->len = rtm->rtm_family == AF_INET ? 4 : 16;
	if (rtm->rtm_dst_len != 8 * q->len || (rtm->rtm_src_len && rtm->rtm_src_len != 8 * q->len))
		complain("rtm_dst_len %u, rtm_src_len %u", rtm->rtm_dst_len, rtm->rtm_src_len);
	left = (int)RTM_PAYLOAD(nlh);
	for (attr = RTM_RTA(rtm); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == RTA_DST && RTA_PAYLOAD(attr) == q->len)
			q->dst = RTA_DATA(attr);
		else if (attr->rta_type == RTA_SRC && RTA_PAYLOAD(attr) == q->len)
			q->src = RTA_DATA(attr);
		else if (attr->rta_type == RTA_OIF && RTA_PAYLOAD(attr) == 4)
			memcpy(&q->oif, RTA_DATA(attr), 4);
		else if (attr->rta_type == RTA_MARK && RTA_PAYLOAD(attr) == 4)
			memcpy(&q->mark, RTA_DATA(attr), 4);
		else if (attr->rta_type != RTA_IP_PROTO && attr->rta_type != RTA_SPORT &&
			 attr->rta_type != RTA_DPORT && attr->rta_type != RTA_UID)
			complain("attribute %u in a question for a route", attr->rta_type);
	}
	if (left)
		complain("bytes behind the attributes");
	if (!q->dst)
		complain("a question for a route to nowhere");
}

static void answer_error(struct netlink *nl, const struct nlmsghdr *request, int code)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)nl->answer;
	struct nlmsgerr error = { .error = code, .msg = *request };

	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(error));
	nlh->nlmsg_type = NLMSG_ERROR;
	memcpy(NLMSG_DATA(nlh), &error, sizeof(error));
	nl->len = nlh->nlmsg_len;
}

static void answer_route(struct netlink *nl, const struct question *q, uint32_t ifindex)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)nl->answer;
	struct rtmsg rtm = { .rtm_family = q->len == 4 ? AF_INET : AF_INET6,
			     .rtm_dst_len = (unsigned char)(8 * q->len) };
	struct rtattr attr;
	uint32_t table = 254;

	nlh->nlmsg_type = RTM_NEWROUTE;
	memcpy(NLMSG_DATA(nlh), &rtm, sizeof(rtm));
	nl->len = NLMSG_SPACE(sizeof(rtm));
	attr = (struct rtattr){ RTA_LENGTH(4), RTA_TABLE };
	memcpy(nl->answer + nl->len, &attr, sizeof(attr));
	memcpy(nl->answer + nl->len + RTA_LENGTH(0), &table, 4);
	nl->len += RTA_SPACE(4);
	attr = (struct rtattr){ (unsigned short)RTA_LENGTH(q->len), RTA_DST };
	memcpy(nl->answer + nl->len, &attr, sizeof(attr));
	memcpy(nl->answer + nl->len + RTA_LENGTH(0), q->dst, q->len);
	nl->len += RTA_SPACE(q->len);
	attr = (struct rtattr){ RTA_LENGTH(4), RTA_OIF };
	memcpy(nl->answer + nl->len, &attr, sizeof(attr));
	memcpy(nl->answer + nl->len + RTA_LENGTH(0), &ifindex, 4);
	nl->len += RTA_SPACE(4);
	nlh->nlmsg_len = (uint32_t)nl->len;
}

static bool has_address(const struct sock *s, bool peer, const uint8_t *addr, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t size = sizeof(ss);

	if (len != (s->family == AF_INET ? 4 : 16))
		return false;
	put_address(s, peer, (struct sockaddr *)&ss, &size);
	return !memcmp(len == 4 ? (void *)&((struct sockaddr_in *)&ss)->sin_addr
				: (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr,
		       addr, len);
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
	struct netlink *nl = netlink_of(fd);
	struct question q;
	int i, ret;

	if (call_fails(&ret))
		return ret;
	if (flags)
		complain("send flags 0x%x", (unsigned int)flags);
	w.questions++;
	read_question(buf, len, &q);
	nl->asked = true;
	memset(nl->answer, 0, sizeof(nl->answer));
	for (i = 0; i < w.n_socks; i++) {
		const struct sock *s = &w.socks[i];

		if (!has_address(s, true, q.dst, q.len))
			continue;
		if (q.src && !has_address(s, false, q.src, q.len))
			complain("a route from somebody else's address");
		if (q.oif != s->bound || q.mark != s->mark)
			complain("a route of another socket: interface %u, mark %u", q.oif, q.mark);
		if (w.route_code)
			break;
		answer_route(nl, &q, leaves_through(s));
		return (ssize_t)len;
	}
	answer_error(nl, buf, w.route_code ? -w.route_code : -ENETUNREACH);
	return (ssize_t)len;
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
	struct netlink *nl = netlink_of(fd);
	int ret;

	if (call_fails(&ret))
		return ret;
	if (flags & ~MSG_DONTWAIT)
		complain("recv flags 0x%x", (unsigned int)flags);
	if (!nl->asked)
		complain("waits for ever: nothing was asked");
	nl->asked = false;
	if (len > nl->len)
		len = nl->len;
	memcpy(buf, nl->answer, len);
	return (ssize_t)len;
}

/* ---- memory, ioctls, the clock ---- */

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	const struct fake_memory *m = fd >= 0 ? memory_of_fd(fd) : NULL;
	int ret;

	if (call_fails(&ret))
		return ret;
	if (m && m->unmappable)
		return -EINVAL;
	ret = real_mmap(addr, len, prot, flags, fd);
	w.mappings += !ret;
	return ret;
}

int sys_munmap(void *addr, size_t len)
{
	w.mappings--;
	return real_munmap(addr, len);
}

static int sync_access(struct fake_memory *m, const void *arg)
{
	uint64_t flags;
	int code;

	memcpy(&flags, arg, sizeof(flags));
	w.syncs++;
	if (!m || !m->dmabuf)
		complain("DMA_BUF_IOCTL_SYNC on what is no dma-buf");
	code = flags & K_SYNC_END ? w.sync_end : w.sync_begin;
	if (code)
		return -code;
	if (flags & K_SYNC_END) {
		if (m->access != (flags & ~(uint64_t)K_SYNC_END))
			complain("end of an access that wasn't begun");
		m->access = 0;
	} else {
		if (m->access)
			complain("an access within another");
		m->access = (unsigned int)flags;
	}
	return 0;
}

static int interface_name(struct ifreq *ifr)
{
	if (ifr->ifr_ifindex != 2 && ifr->ifr_ifindex != 3)
		return -ENODEV;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "eth%d", ifr->ifr_ifindex - 1);
	return 0;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	if (request == K_DMA_BUF_IOCTL_SYNC) {
		if (call_fails(&ret))
			return ret;
		return sync_access(memory_of_fd(fd), arg);
	}
	if (request == SIOCGIFNAME && fd >= FD_FIRST) {
		if (call_fails(&ret))
			return ret;
		return interface_name(arg);
	}
	if (is_socket(fd))
		complain("ioctl 0x%lx", request);
	return real_ioctl(fd, request, arg);
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	const struct fake_memory *m = memory_of_fd(fd);

	if (!m)
		return real_fs_magic(fd, magic);
	*magic = m->dmabuf ? K_DMA_BUF_MAGIC : 0x01021994;
	return 0;
}

uint64_t sys_clock_ms(void)
{
	return w.now / FAKE_MS;
}

int sys_get_flags(int fd)
{
	const struct sock *s = sock_of(fd);
	int ret;

	if (call_fails(&ret))
		return ret;
	return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
}

/* ---- what tests say and ask ---- */

void fake_begin(void)
{
	memset(&w, 0, sizeof(w));
	w.signal_at = FAKE_NEVER;
	w.random = 2463534242U;
}

void fake_seed(uint32_t seed)
{
	w.random = seed * 2654435761U + 1;
	if (!w.random)
		w.random = 1;
}

void fake_end(void)
{
	int i;

	for (i = 0; i < w.n_socks; i++) {
		struct sock *s = &w.socks[i];

		free(s->sents);
		free(s->pieces);
		free(s->stream);
		free(s->notes);
	}
	for (i = 0; i < w.n_known; i++)
		if (w.known[i].binding)
			fake_unbind(w.known[i].binding);
	for (i = 0; i < w.n_memories; i++) {
		struct fake_memory *m = &w.memories[i];

		real_munmap(m->base, m->size);
		devmem_region_close(m->region);
		assert_int_equal(m->access, 0);
	}
	for (i = 0; i < NETLINKS_MAX; i++)
		assert_false(w.netlinks[i].open);
	assert_int_equal(w.mappings, 0);
}

uint64_t fake_now(void)
{
	return w.now;
}

void fake_advance(uint64_t ns)
{
	run_to(w.now + ns);
}

static int new_socket(int kind, int family)
{
	struct sock *s = &w.socks[w.n_socks];

	assert_true(w.n_socks < SOCKETS_MAX);
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->family = family;
	s->route = 2;
	s->sndbuf = 1U << 20;
	s->merge = true;
	s->reset_at = s->zerocopy_off_at = FAKE_NEVER;
	return FD_FIRST + w.n_socks++;
}

int fake_socket(int family)
{
	return new_socket(TCP, family);
}

int fake_socket_unconnected(void)
{
	return new_socket(UNCONNECTED, AF_INET);
}

int fake_socket_udp(void)
{
	return new_socket(UDP, AF_INET);
}

int fake_no_socket(void)
{
	return new_socket(FILE_, AF_INET);
}

void fake_socket_close(int fd)
{
	sock_of(fd)->closed = true;
}

void fake_socket_route(int fd, uint32_t ifindex)
{
	sock_of(fd)->route = ifindex;
}

void fake_socket_bind(int fd, uint32_t ifindex)
{
	sock_of(fd)->bound = ifindex;
}

uint32_t fake_socket_bound(int fd)
{
	return sock_of(fd)->bound;
}

void fake_socket_mark(int fd, uint32_t mark)
{
	sock_of(fd)->mark = mark;
}

void fake_socket_zerocopy(int fd, bool on)
{
	sock_of(fd)->zerocopy = on;
}

void fake_zerocopy_off(int fd, uint64_t at)
{
	sock_of(fd)->zerocopy_off_at = at;
}

bool fake_socket_has_zerocopy(int fd)
{
	return sock_of(fd)->zerocopy;
}

void fake_socket_sndbuf(int fd, uint32_t bytes)
{
	sock_of(fd)->sndbuf = bytes;
}

void fake_socket_blind(int fd)
{
	sock_of(fd)->blind = true;
}

void fake_socket_number(int fd, uint32_t next)
{
	sock_of(fd)->next = next;
}

uint32_t fake_socket_next(int fd)
{
	return sock_of(fd)->next;
}

void fake_socket_optmem(int fd, uint32_t notifications)
{
	sock_of(fd)->optmem = notifications;
}

void fake_socket_nonblock(int fd, bool on)
{
	sock_of(fd)->nonblock = on;
}

void fake_pace(int fd, uint64_t bytes, uint64_t ns)
{
	struct sock *s = sock_of(fd);

	assert_true(ns);
	s->pace_bytes = bytes;
	s->pace_ns = ns;
	s->pace_at = w.now + ns;
}

void fake_take(int fd, uint64_t bytes)
{
	struct sock *s = sock_of(fd);

	assert_true(bytes <= s->end - s->left);
	leave(s, bytes);
}

void fake_send_ordinary(int fd, uint32_t bytes)
{
	struct sock *s = sock_of(fd);
	struct sent sent = { .number = s->next, .size = bytes, .ready = FAKE_NEVER };
	uint8_t *zeros = calloc(1, bytes);
	struct iovec iov = { zeros, bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct send send = { .msg = &msg };

	assert_true(zeros && bytes <= room(s));
	take(s, &send, bytes, &sent);
	free(zeros);
	sent.end = s->end;
	s->sents = grow(s->sents, &s->cap_sents, s->n_sents, sizeof(sent));
	s->sents[s->n_sents++] = sent;
}

void fake_jitter(int fd, uint64_t ns)
{
	sock_of(fd)->jitter = ns;
}

void fake_hold(int fd, bool on)
{
	struct sock *s = sock_of(fd);

	s->hold = on;
	completions(s);
}

void fake_complete(int fd, uint32_t number)
{
	struct sock *s = sock_of(fd);
	size_t i;

	for (i = s->first; i < s->n_sents; i++)
		if (s->sents[i].zerocopy && s->sents[i].number == number)
			break;
	assert_true(i < s->n_sents && !s->sents[i].complete);
	assert_true(s->dead || s->sents[i].end <= s->left);
	s->sents[i].allowed = true;
	completions(s);
	assert_true(s->sents[i].complete);
}

void fake_merge(int fd, bool on)
{
	sock_of(fd)->merge = on;
}

void fake_join(int fd, uint32_t percent)
{
	sock_of(fd)->join = percent;
}

void fake_copied(int fd, uint32_t percent)
{
	sock_of(fd)->copied = percent;
}

void fake_reset(int fd, uint64_t at, int code)
{
	struct sock *s = sock_of(fd);

	s->reset_at = at;
	s->reset_code = code;
	run_to(w.now);
}

void fake_shutdown(int fd)
{
	sock_of(fd)->shut = true;
}

void fake_note_zerocopy(int fd, uint32_t low, uint32_t high, bool copied)
{
	struct note note = { .kind = NOTE_ZEROCOPY, .low = low, .high = high, .copied = copied };

	note_add(sock_of(fd), &note);
}

void fake_note_timestamp(int fd)
{
	struct note note = { .kind = NOTE_STAMP };

	note_add(sock_of(fd), &note);
}

void fake_note_icmp(int fd, int code)
{
	struct note note = { .kind = NOTE_ICMP, .code = code };

	note_add(sock_of(fd), &note);
}

void fake_note_raw(int fd, const void *control, size_t len)
{
	struct note note = { .kind = NOTE_RAW, .raw_len = len };

	assert_true(len <= sizeof(note.raw));
	memcpy(note.raw, control, len);
	note_add(sock_of(fd), &note);
}

void fake_clutter(int fd, size_t bytes)
{
	assert_true(bytes <= 1024);
	sock_of(fd)->clutter = bytes;
}

void fake_stamps(int fd, bool on)
{
	sock_of(fd)->stamps = on;
}

const uint8_t *fake_stream(int fd, uint64_t *len)
{
	*len = sock_of(fd)->left;
	return sock_of(fd)->stream;
}

uint64_t fake_sent(int fd)
{
	return sock_of(fd)->end;
}

uint64_t fake_spoilt(int fd)
{
	return sock_of(fd)->spoilt;
}

uint32_t fake_in_flight(int fd)
{
	const struct sock *s = sock_of(fd);
	uint32_t n = 0;
	size_t i;

	for (i = s->first; i < s->n_sents; i++)
		n += !s->sents[i].complete && s->sents[i].zerocopy;
	return n;
}

uint32_t fake_notes(int fd)
{
	return (uint32_t)(sock_of(fd)->n_notes - sock_of(fd)->first_note);
}

struct fake_counts fake_counts(int fd)
{
	return sock_of(fd)->counts;
}

unsigned int fake_calls(void)
{
	return w.calls;
}

unsigned int fake_syncs(void)
{
	return w.syncs;
}

unsigned int fake_route_questions(void)
{
	return w.questions;
}

int fake_send_flags(int fd)
{
	return sock_of(fd)->last_flags;
}

size_t fake_send_pieces(int fd)
{
	return sock_of(fd)->last_pieces;
}

uint64_t fake_send_asked(int fd)
{
	return sock_of(fd)->last_asked;
}

short fake_poll_events(void)
{
	return w.poll_events;
}

int fake_poll_timeout(void)
{
	return w.poll_timeout;
}

static void set_fault(struct fault *fault, unsigned int after, int code)
{
	fault->after = after;
	fault->code = code;
}

void fake_fail_send(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_send, after, code);
}

void fake_fail_reap(int fd, unsigned int after, int code)
{
	set_fault(&sock_of(fd)->fail_reap, after, code);
}

void fake_fail_poll(unsigned int after, int code)
{
	set_fault(&w.fail_poll, after, code);
}

void fake_fail_call(unsigned int n, int code)
{
	w.fail_call = n;
	w.fail_code = code;
}

void fake_signal(uint64_t at)
{
	w.signal_at = at;
}

void fake_route_fails(int code)
{
	w.route_code = code;
}

void fake_reserve(int fd, uint64_t bytes)
{
	struct sock *s = sock_of(fd);

	s->cap_stream = bytes;
	s->cap_sents = s->cap_pieces = s->cap_notes = bytes / 256;
	s->stream = realloc(s->stream, s->cap_stream);
	s->sents = realloc(s->sents, s->cap_sents * sizeof(*s->sents));
	s->pieces = realloc(s->pieces, s->cap_pieces * sizeof(*s->pieces));
	s->notes = realloc(s->notes, s->cap_notes * sizeof(*s->notes));
	assert_true(s->stream && s->sents && s->pieces && s->notes);
}

unsigned int fake_mappings(void)
{
	return w.mappings;
}
