// SPDX-License-Identifier: BSD-3-Clause
/* Sockets of the kernel in tests/unit: options, addresses, the clock, poll. Facts from the kernel's
 * net/core/sock.c and net/ipv4/tcp.c (tcp_poll). */
#include "fake_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Numbers of the kernel, stated apart from the library's own statement of them. */
#define K_SO_ZEROCOPY 60
#define K_SO_BINDTOIFINDEX 62
#define K_DONTNEED 80

#define CLOCK_FIRST_MS 1000000
/* Calls in a row without effect and without waiting, after which somebody spins. */
#define SPIN_MAX 1000
/* Virtual time after which a test that still waits has starved. */
#define TOO_LATE (UINT64_C(100000000) * FAKE_MS)

static struct sock *socks[SOCKETS_MAX];
static unsigned int n_socks;
static uint64_t now, signal_at;
static uint32_t random_state;
static unsigned int spin;
static short poll_events;
static int poll_timeout;

static const struct object_ops sock_ops;

static struct sock *sock_of(struct object *obj)
{
	return (struct sock *)obj;
}

struct sock *fake_sock(int fd)
{
	struct object *obj = fake_object_ever(fd);

	if (!obj || obj->ops != &sock_ops)
		fake_stop("descriptor %d is no socket", fd);
	return sock_of(obj);
}

struct sock *fake_sock_at(unsigned int i)
{
	return i < n_socks ? socks[i] : NULL;
}

uint32_t fake_random(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

void fake_seed(uint32_t seed)
{
	random_state = seed * 2654435761U + 1;
	if (!random_state)
		random_state = 1;
}

bool fake_hits(struct fault *fault, int *code)
{
	if (!fault->code || fault->after--)
		return false;
	*code = -fault->code;
	fault->code = 0;
	return true;
}

void *fake_grow(void *array, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? 2 * *cap : 64;
	array = realloc(array, *cap * size);
	if (!array)
		abort();
	return array;
}

void fake_put_cmsg(struct msghdr *msg, size_t *used, int level, int type, const void *data,
		   size_t len)
{
	uint8_t *at = (uint8_t *)msg->msg_control + *used;
	size_t room = msg->msg_controllen - *used, part = CMSG_LEN(len);
	struct cmsghdr header = { .cmsg_level = level, .cmsg_type = type };

	if (part > room) {
		msg->msg_flags |= MSG_CTRUNC;
		part = room;
	}
	if (room < sizeof(header))
		return;
	header.cmsg_len = part;
	memcpy(at, &header, sizeof(header));
	memcpy(at + CMSG_LEN(0), data, part - CMSG_LEN(0));
	*used += CMSG_SPACE(len) < room ? CMSG_SPACE(len) : room;
}

/* ---- the clock ---- */

void fake_effect(void)
{
	spin = 0;
}

void fake_without_effect(const char *what)
{
	if (++spin > SPIN_MAX)
		fake_stop("%s again and again: spins", what);
}

uint64_t fake_now(void)
{
	return now;
}

uint64_t fake_clock(void)
{
	return CLOCK_FIRST_MS + now / FAKE_MS;
}

uint64_t sys_clock_ms(void)
{
	return fake_clock();
}

static uint64_t next_of(const struct sock *s)
{
	uint64_t at = s->reset_at, rx = fake_rx_next(s), tx = fake_tx_next(s);

	if (rx < at)
		at = rx;
	return tx < at ? tx : at;
}

static uint64_t next_event(struct sock **which)
{
	uint64_t first = FAKE_NEVER, at;
	unsigned int i;

	for (i = 0; i < n_socks; i++) {
		at = socks[i]->object.closed ? FAKE_NEVER : next_of(socks[i]);
		if (at < first) {
			first = at;
			*which = socks[i];
		}
	}
	return first;
}

static void pass(uint64_t to)
{
	if (to <= now)
		return;
	now = to;
	fake_effect();
}

void fake_run_to(uint64_t until)
{
	struct sock *s;
	uint64_t at;

	while ((at = next_event(&s)) <= until && at != FAKE_NEVER) {
		pass(at);
		if (s->reset_at <= now) {
			s->dead = true;
			s->err = s->reset_code;
			s->reset_at = FAKE_NEVER;
		} else {
			fake_rx_happen(s);
		}
		fake_tx_happen(s);
	}
	pass(until);
}

void fake_advance(uint64_t ns)
{
	fake_run_to(now + ns);
}

void fake_signal(uint64_t at)
{
	signal_at = at;
}

int fake_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline)
{
	struct sock *s;
	uint64_t at;

	fake_run_to(now);
	while (!ready(arg)) {
		at = next_event(&s);
		if (signal_at != FAKE_NEVER && signal_at <= at && signal_at <= deadline) {
			fake_run_to(signal_at);
			signal_at = FAKE_NEVER;
			fake_effect();
			return -EINTR;
		}
		if (at > deadline) {
			fake_run_to(deadline);
			return -ETIMEDOUT;
		}
		if (at == FAKE_NEVER)
			fake_stop("waits for ever: nothing will come");
		if (at > TOO_LATE)
			fake_stop("waits for ever: starved");
		if (s->rx.rto)
			fake_let_others();
		fake_run_to(at);
	}
	return 0;
}

/* ---- poll ---- */

struct polled {
	struct pollfd *fds;
	nfds_t n;
	int ready;
};

static bool any_ready(void *arg)
{
	struct polled *polled = arg;
	struct object *obj;
	nfds_t i;

	polled->ready = 0;
	for (i = 0; i < polled->n; i++) {
		struct pollfd *pfd = &polled->fds[i];

		obj = fake_object(pfd->fd);
		pfd->revents = POLLNVAL;
		if (obj)
			pfd->revents = obj->ops->poll ? obj->ops->poll(obj, pfd->events) &
								(pfd->events | POLLERR | POLLHUP)
						      : 0;
		polled->ready += pfd->revents != 0;
	}
	return polled->ready;
}

int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct polled polled = { .fds = fds, .n = n };
	nfds_t i;
	int ret;

	ENTER("sys_poll");
	poll_timeout = timeout_ms;
	for (i = 0; i < n; i++) {
		struct sock *s = fake_object_of(fds[i].fd, &sock_ops);

		fds[i].revents = 0;
		poll_events = fds[i].events;
		if (!s)
			continue;
		s->counts.poll++;
		if (fake_hits(&s->fail_poll, &ret))
			return ret;
	}
	fake_without_effect("poll");
	ret = fake_wait(any_ready, &polled,
			timeout_ms < 0 ? FAKE_NEVER : now + (uint64_t)timeout_ms * FAKE_MS);
	return ret && ret != -ETIMEDOUT ? ret : polled.ready;
}

short fake_poll_events(void)
{
	return poll_events;
}

int fake_poll_timeout(void)
{
	return poll_timeout;
}

static short sock_poll(struct object *obj, short events)
{
	struct sock *s = sock_of(obj);
	short mask = fake_rx_events(s) | fake_tx_events(s);

	(void)events;
	if (s->dead)
		mask |= POLLHUP | POLLIN | POLLRDHUP;
	return s->err ? mask | POLLERR : mask;
}

/* ---- calls on sockets ---- */

static void sock_release(struct object *obj)
{
	struct sock *s = sock_of(obj);
	unsigned int i;

	for (i = 0; i < n_socks && socks[i] != s; i++)
		;
	if (i < n_socks) {
		memmove(&socks[i], &socks[i + 1], (n_socks - i - 1) * sizeof(socks[0]));
		n_socks--;
	}
	fake_rx_free(s);
	fake_tx_free(s);
	free(s);
}

static int sock_ioctl(struct object *obj, unsigned long request, void *arg)
{
	struct sock *s = sock_of(obj);
	int queued;

	if (request != FIONREAD)
		return fake_ifreq_ioctl(request, arg);
	fake_run_to(now);
	s->counts.inq++;
	queued = (int)fake_rx_queued(s);
	memcpy(arg, &queued, sizeof(queued));
	return 0;
}

static ssize_t sock_recvmsg(struct object *obj, struct msghdr *msg, int flags)
{
	return flags & MSG_ERRQUEUE ? fake_reap(sock_of(obj), msg, flags)
				    : fake_receive(sock_of(obj), msg, flags);
}

static ssize_t sock_sendmsg(struct object *obj, const struct msghdr *msg, int flags)
{
	return fake_sendmsg(sock_of(obj), msg, flags);
}

static int sock_getsockopt(struct object *obj, int level, int name, int *value)
{
	struct sock *s = sock_of(obj);

	s->counts.getsockopt++;
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_TYPE:
		*value = s->tcp ? SOCK_STREAM : SOCK_DGRAM;
		return 0;
	case SO_PROTOCOL:
		*value = s->tcp ? IPPROTO_TCP : IPPROTO_UDP;
		return 0;
	case SO_DOMAIN:
		*value = s->local.ss_family;
		return 0;
	case SO_ACCEPTCONN:
		*value = s->listening;
		return 0;
	case SO_RCVLOWAT:
		*value = s->rx.lowat;
		return 0;
	case SO_MARK:
		*value = (int)s->mark;
		return 0;
	case K_SO_ZEROCOPY:
		*value = s->tx.zerocopy;
		return 0;
	case K_SO_BINDTOIFINDEX:
		*value = (int)s->bound;
		return 0;
	}
	fake_complain("getsockopt name %d", name);
	return -ENOPROTOOPT;
}

static int bind_to(struct sock *s, int ifindex)
{
	if (s->bound)
		return -EPERM;
	if (ifindex < 0)
		return -EINVAL;
	s->bound = (uint32_t)ifindex;
	return 0;
}

/* An interface's name, as SO_BINDTODEVICE reads it: cut at 15 bytes, the NUL may be missing. */
static int bind_to_name(struct sock *s, const void *val, socklen_t len)
{
	const struct fake_nic *nic;
	char name[16] = "";

	memcpy(name, val, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (!name[0])
		return bind_to(s, 0);
	nic = fake_nic_by_name(name);
	return nic ? bind_to(s, (int)nic->ifindex) : -ENODEV;
}

static int set_lowat(struct sock *s, int val)
{
	int ret;

	if (fake_hits(&s->fail_lowat, &ret))
		return ret;
	s->counts.lowat++;
	if (val < 0)
		fake_stop("SO_RCVLOWAT %d", val);
	if (val > (int)(s->rx.rcvbuf / 2))
		val = (int)(s->rx.rcvbuf / 2);
	s->rx.lowat = val ? val : 1;
	return 0;
}

static int sock_setsockopt(struct object *obj, int level, int name, const void *val, socklen_t len)
{
	struct sock *s = sock_of(obj);
	int num;

	s->counts.setsockopt++;
	if (level == SOL_SOCKET && name == K_DONTNEED)
		return fake_dontneed(s, val, len);
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return bind_to_name(s, val, len);
	if (level != SOL_SOCKET || len != sizeof(num))
		fake_stop("setsockopt level %d name %d of %u bytes", level, name, len);
	memcpy(&num, val, sizeof(num));
	switch (name) {
	case SO_RCVLOWAT:
		return set_lowat(s, num);
	case K_SO_ZEROCOPY:
		if (num < 0 || num > 1)
			return -EINVAL;
		s->tx.zerocopy = num;
		return 0;
	case K_SO_BINDTOIFINDEX:
		return bind_to(s, num);
	}
	fake_stop("setsockopt name %d", name);
}

static int sock_address(struct object *obj, bool peer, struct sockaddr_storage *addr)
{
	const struct sock *s = sock_of(obj);

	if (peer && (!s->peer.ss_family || s->dead))
		return -ENOTCONN;
	*addr = peer ? s->peer : s->local;
	return (int)s->addr_len;
}

static int sock_get_flags(struct object *obj)
{
	return O_RDWR | (sock_of(obj)->nonblock ? O_NONBLOCK : 0);
}

static const struct object_ops sock_ops = {
	.name = "socket",
	.fs_magic = 0x534f434b,
	.release = sock_release,
	.ioctl = sock_ioctl,
	.recvmsg = sock_recvmsg,
	.sendmsg = sock_sendmsg,
	.getsockopt = sock_getsockopt,
	.setsockopt = sock_setsockopt,
	.address = sock_address,
	.poll = sock_poll,
	.get_flags = sock_get_flags,
};

/* ---- what tests say and ask ---- */

static int new_sock(bool tcp, const void *local, const void *peer, socklen_t len)
{
	struct sock *s = fake_object_new(&sock_ops, sizeof(*s));

	if (n_socks == SOCKETS_MAX)
		abort();
	s->number = n_socks;
	s->tcp = tcp;
	s->route = 2;
	memcpy(&s->local, local, len);
	if (peer)
		memcpy(&s->peer, peer, len);
	s->addr_len = len;
	s->reset_at = FAKE_NEVER;
	fake_rx_init(s);
	fake_tx_init(s);
	socks[n_socks++] = s;
	return fake_install(&s->object, true);
}

int fake_tcp(const void *local, const void *peer, socklen_t len)
{
	int fd = new_sock(true, local, peer, len);

	fake_sock(fd)->listening = !peer;
	return fd;
}

int fake_connected(int family)
{
	uint8_t last = (uint8_t)(n_socks + 1);
	struct sockaddr_in in[2];
	struct sockaddr_in6 in6[2];
	int peer;

	memset(in, 0, sizeof(in));
	memset(in6, 0, sizeof(in6));
	for (peer = 0; peer < 2; peer++) {
		in[peer].sin_family = AF_INET;
		in[peer].sin_port = htons(peer ? 5001 : 40000);
		in[peer].sin_addr.s_addr = htonl(0x0a000000U + (peer ? 0x100U : 0) + last);
		in6[peer].sin6_family = AF_INET6;
		in6[peer].sin6_port = in[peer].sin_port;
		in6[peer].sin6_addr.s6_addr[0] = 0xfd;
		in6[peer].sin6_addr.s6_addr[14] = (uint8_t)peer;
		in6[peer].sin6_addr.s6_addr[15] = last;
	}
	return family == AF_INET ? new_sock(true, &in[0], &in[1], sizeof(in[0]))
				 : new_sock(true, &in6[0], &in6[1], sizeof(in6[0]));
}

static const struct sockaddr_in any = { .sin_family = AF_INET };

int fake_socket_unconnected(void)
{
	return new_sock(true, &any, NULL, sizeof(any));
}

int fake_udp(void)
{
	return new_sock(false, &any, NULL, sizeof(any));
}

void fake_socket_nonblock(int fd, bool on)
{
	fake_sock(fd)->nonblock = on;
}

void fake_socket_route(int fd, uint32_t ifindex)
{
	fake_sock(fd)->route = ifindex;
}

void fake_socket_bind(int fd, uint32_t ifindex)
{
	fake_sock(fd)->bound = ifindex;
}

uint32_t fake_socket_bound(int fd)
{
	return fake_sock(fd)->bound;
}

void fake_socket_mark(int fd, uint32_t mark)
{
	fake_sock(fd)->mark = mark;
}

void fake_reset(int fd, uint64_t at, int code)
{
	fake_sock(fd)->reset_at = at;
	fake_sock(fd)->reset_code = code;
	fake_run_to(now);
}

struct fake_counts fake_counts(int fd)
{
	return fake_sock(fd)->counts;
}

static void set_fault(struct fault *fault, unsigned int after, int code)
{
	fault->after = after;
	fault->code = code;
}

void fake_fail_recv(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_recv, after, code);
}

void fake_fail_poll(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_poll, after, code);
}

void fake_fail_dontneed(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_dontneed, after, code);
}

void fake_fail_lowat(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_lowat, after, code);
}

void fake_fail_send(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_send, after, code);
}

void fake_fail_reap(int fd, unsigned int after, int code)
{
	set_fault(&fake_sock(fd)->fail_reap, after, code);
}

void fake_sockets_begin(void)
{
	now = 0;
	signal_at = FAKE_NEVER;
	random_state = 2463534242U;
	spin = 0;
	poll_events = 0;
}
