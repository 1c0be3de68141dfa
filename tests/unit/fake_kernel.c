// SPDX-License-Identifier: BSD-3-Clause
/* The system call side of the kernel in tests/unit: descriptors, faults, counting, leaks. */
#include "fake_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/sys.h"

#define FD_BASE 1000
#define FD_MAX 64
#define CALLS_MAX 8192
#define FAULTS_MAX 8
#define MISCHIEF_MAX 256
#define LOG_MAX 512
#define MAPS_MAX 8
#define DMA_BUF_MAGIC 0x444d4142

struct fake fake;

static struct object *fds[FD_MAX];
static bool own[FD_MAX]; /* belongs to the test, not to the library */
static unsigned int process_of[FD_MAX];
static struct {
	void *addr;
	size_t len;
	unsigned int process;
} maps[MAPS_MAX];

static unsigned int calls;
static const char *call_names[CALLS_MAX];
static struct {
	unsigned int at;
	int code;
} faults[FAULTS_MAX];
static unsigned int fail_from;
static int fail_from_code;
static unsigned int vanish_at;
static struct fake_nic *vanish_nic;
static unsigned int answers;
static enum fake_mischief mischief[MISCHIEF_MAX];
static char *log_lines[LOG_MAX];
static size_t log_len;
static char complaint[512];
static unsigned char *last_request;
static size_t last_request_len;
static uint32_t next_portid;
static uint32_t noise;

void *fake_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

void fake_complain(const char *fmt, ...)
{
	va_list ap;

	if (complaint[0])
		return;
	va_start(ap, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	va_end(ap);
}

void fake_note(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (log_len < LOG_MAX)
		log_lines[log_len++] = strdup(line);
}

int fake_enter(const char *name)
{
	size_t i;

	if (fake_paused())
		return 0;
	calls++;
	if (calls < CALLS_MAX)
		call_names[calls] = name;
	fake_file_events(calls);
	if (vanish_at && calls >= vanish_at && vanish_nic->present) {
		vanish_nic->present = false;
		fake_note("%s vanished", vanish_nic->name);
	}
	for (i = 0; i < FAULTS_MAX; i++)
		if (faults[i].at && faults[i].at == calls)
			return -faults[i].code;
	if (fail_from && calls >= fail_from)
		return -fail_from_code;
	return 0;
}

struct object *fake_object(int fd)
{
	if (fd < FD_BASE || fd >= FD_BASE + FD_MAX)
		return NULL;
	return fds[fd - FD_BASE];
}

int fake_install(struct object *obj, bool test_owned)
{
	int i;

	for (i = 0; i < FD_MAX; i++) {
		if (fds[i])
			continue;
		fds[i] = obj;
		own[i] = test_owned;
		process_of[i] = fake_current_process();
		obj->users++;
		return FD_BASE + i;
	}
	return -EMFILE;
}

struct object *fake_object_new(enum object_kind kind)
{
	struct object *obj = fake_alloc(sizeof(*obj));

	obj->kind = kind;
	obj->last = &obj->first;
	obj->real = -1;
	return obj;
}

static void drain(struct object *obj)
{
	struct datagram *dgram;

	while ((dgram = obj->first)) {
		obj->first = dgram->next;
		free(dgram);
	}
	obj->last = &obj->first;
}

static int release(int fd)
{
	struct object *obj = fake_object(fd);

	if (!obj)
		return -EBADF;
	fds[fd - FD_BASE] = NULL;
	if (--obj->users)
		return 0;
	if (obj->kind == OBJECT_NETLINK)
		fake_unbind(obj);
	if (obj->kind == OBJECT_FILE)
		fake_file_release(obj);
	drain(obj);
	free(obj);
	return 0;
}

/* Releases what is still there. Says in what, of size bytes, what the library left behind. */
static void clean_up(char *what, size_t size)
{
	int i;

	what[0] = '\0';
	for (i = 0; i < FD_MAX; i++) {
		if (!fds[i])
			continue;
		if (!own[i] && !what[0])
			snprintf(what, size, "descriptor %d left open, kind %d", FD_BASE + i,
				 (int)fds[i]->kind);
		release(FD_BASE + i);
	}
	for (i = 0; i < MAPS_MAX; i++) {
		if (!maps[i].addr)
			continue;
		snprintf(what, size, "mapping of %zu bytes left", maps[i].len);
		munmap(maps[i].addr, maps[i].len);
		maps[i].addr = NULL;
	}
	fake_files_end(what, size);
	fake_log_clear();
	free(last_request);
	last_request = NULL;
	last_request_len = 0;
}

void fake_kill(unsigned int process)
{
	int i;

	for (i = 0; i < FD_MAX; i++)
		if (fds[i] && !own[i] && process_of[i] == process)
			release(FD_BASE + i);
	for (i = 0; i < MAPS_MAX; i++) {
		if (!maps[i].addr || maps[i].process != process)
			continue;
		munmap(maps[i].addr, maps[i].len);
		maps[i].addr = NULL;
	}
}

void fake_begin(enum fake_personality personality)
{
	char what[128];

	/* A test that failed leaves things behind. */
	clean_up(what, sizeof(what));
	memset(&fake, 0, sizeof(fake));
	fake.personality = personality;
	fake.admin = true;
	fake.next_binding = 1;
	fake.dump_size = 4096;
	fake_files_begin();
	calls = 0;
	memset(faults, 0, sizeof(faults));
	fail_from = 0;
	vanish_at = 0;
	answers = 0;
	memset(mischief, 0, sizeof(mischief));
	complaint[0] = '\0';
	next_portid = 4711;
	noise = 12345;
}

void fake_end(void)
{
	char what[128];

	clean_up(what, sizeof(what));
	if (complaint[0])
		fail_msg("%s", complaint);
	if (what[0])
		fail_msg("%s", what);
}

int fake_dmabuf_pieces(uint64_t size, uint64_t piece)
{
	struct object *obj = fake_object_new(OBJECT_DMABUF);

	obj->size = size;
	obj->piece = piece;
	return fake_install(obj, true);
}

int fake_dmabuf(uint64_t size)
{
	return fake_dmabuf_pieces(size, size);
}

void fake_next_binding(uint32_t id)
{
	fake.next_binding = id;
}

void fake_dmabuf_unmappable(int fd)
{
	fake_object(fd)->unmappable = true;
}

int fake_tcp(const void *local, const void *peer, socklen_t len)
{
	struct object *obj = fake_object_new(OBJECT_TCP);

	memcpy(&obj->local, local, len);
	if (peer)
		memcpy(&obj->peer, peer, len);
	obj->addr_len = len;
	return fake_install(obj, true);
}

int fake_udp(void)
{
	return fake_install(fake_object_new(OBJECT_DGRAM), true);
}

void fake_close(int fd)
{
	if (release(fd))
		abort();
}

void fake_admin(bool on)
{
	fake.admin = on;
}

unsigned int fake_calls(void)
{
	return calls;
}

void fake_fail(unsigned int at, int code)
{
	size_t i;

	if (!code) {
		memset(faults, 0, sizeof(faults));
		fail_from = 0;
		return;
	}
	for (i = 0; i < FAULTS_MAX; i++) {
		if (faults[i].at)
			continue;
		faults[i].at = at;
		faults[i].code = code;
		return;
	}
	abort();
}

void fake_fail_from(unsigned int at, int code)
{
	fail_from = at;
	fail_from_code = code;
}

void fake_vanish(unsigned int at, struct fake_nic *nic)
{
	vanish_at = at;
	vanish_nic = nic;
}

const char *fake_call_name(unsigned int n)
{
	return n && n <= calls && n < CALLS_MAX ? call_names[n] : "none";
}

bool fake_call_is_release(unsigned int n)
{
	const char *name = fake_call_name(n);

	return !strcmp(name, "sys_close") || !strcmp(name, "sys_munmap");
}

void fake_mischief(unsigned int n, enum fake_mischief what)
{
	if (answers + n >= MISCHIEF_MAX)
		abort();
	mischief[answers + n] = what;
}

void fake_dump_size(size_t bytes)
{
	fake.dump_size = bytes;
}

size_t fake_log_len(void)
{
	return log_len;
}

const char *fake_log(size_t i)
{
	return i < log_len ? log_lines[i] : "";
}

void fake_log_clear(void)
{
	while (log_len)
		free(log_lines[--log_len]);
}

const void *fake_last_request(size_t *len)
{
	*len = last_request_len;
	return last_request;
}

static void append(struct object *sock, const void *data, size_t len)
{
	struct datagram *dgram = fake_alloc(sizeof(*dgram) + len);

	dgram->len = len;
	memcpy(dgram->data, data, len);
	*sock->last = dgram;
	sock->last = &dgram->next;
}

static void scribble(unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		noise = noise * 1664525 + 1013904223;
		data[i] = (unsigned char)(noise >> 24);
	}
}

/* Puts an answer into a socket's queue, in the way that fake_mischief() asked for. */
void fake_queue(struct object *sock, const void *data, size_t len)
{
	unsigned char *copy = fake_alloc(len);
	enum fake_mischief what = FAKE_FINE;
	struct nlmsghdr *nlh = (struct nlmsghdr *)copy;
	struct nlmsghdr *each;
	uint32_t seq, pid;
	uint16_t type;
	int left;

	memcpy(copy, data, len);
	if (++answers < MISCHIEF_MAX)
		what = mischief[answers];
	seq = nlh->nlmsg_seq;
	pid = nlh->nlmsg_pid;
	type = nlh->nlmsg_type;
	switch (what) {
	case FAKE_SHORT:
		append(sock, copy, len - 3);
		break;
	case FAKE_STUB:
		append(sock, copy, 7);
		break;
	case FAKE_EMPTY:
		append(sock, copy, 0);
		break;
	case FAKE_GARBAGE:
		scribble(copy, len);
		append(sock, copy, len);
		break;
	case FAKE_TWICE:
		append(sock, copy, len);
		append(sock, copy, len);
		break;
	case FAKE_STALE:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left))
			each->nlmsg_seq = seq - 1;
		append(sock, copy, len);
		append(sock, data, len);
		break;
	case FAKE_FOREIGN:
		nlh->nlmsg_pid = pid + 1;
		append(sock, copy, len);
		nlh->nlmsg_pid = pid;
		append(sock, copy, len);
		break;
	case FAKE_NOTICE:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left)) {
			each->nlmsg_pid = 0;
			each->nlmsg_seq = 0;
			each->nlmsg_type = fake_netdev_family.id;
		}
		append(sock, copy, len);
		append(sock, data, len);
		break;
	case FAKE_DUMP_INTR:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left))
			each->nlmsg_flags |= NLM_F_DUMP_INTR;
		append(sock, copy, len);
		break;
	case FAKE_OVERRUN:
		sock->overrun = true;
		append(sock, copy, len);
		break;
	case FAKE_BAD_LENGTH:
		nlh->nlmsg_len += 400;
		append(sock, copy, len);
		break;
	case FAKE_NO_TYPE:
		nlh->nlmsg_type = (uint16_t)(type ^ 0x55);
		append(sock, copy, len);
		break;
	case FAKE_FINE:
	case FAKE_MISCHIEFS:
		append(sock, copy, len);
		break;
	}
	free(copy);
}

/* ---- lib/core/sys.h ---- */

int sys_close(int fd)
{
	int fault = fake_enter("sys_close");

	if (!fake_object(fd)) {
		fake_complain("close of %d, which isn't open", fd);
		return -EBADF;
	}
	if (own[fd - FD_BASE])
		fake_complain("close of %d, which is the caller's", fd);
	release(fd);
	/* The descriptor is gone also when the call reports a failure. */
	return fault;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	struct object *obj;

	ENTER("sys_ioctl");
	obj = fake_object(fd);
	return obj ? fake_ioctl(obj, request, arg) : -EBADF;
}

int sys_dup(int fd)
{
	ENTER("sys_dup");
	return fake_object(fd) ? fake_install(fake_object(fd), false) : -EBADF;
}

int64_t sys_size(int fd)
{
	struct object *obj;

	ENTER("sys_size");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	return obj->kind == OBJECT_DMABUF ? (int64_t)obj->size : -ESPIPE;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	struct object *obj;

	ENTER("sys_fs_magic");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	*magic = obj->kind == OBJECT_DMABUF ? DMA_BUF_MAGIC : 0x534f434b;
	return 0;
}

int sys_memfd_create(const char *name, unsigned int flags)
{
	ENTER("sys_memfd_create");
	(void)name;
	(void)flags;
	return -ENOSYS;
}

int sys_ftruncate(int fd, uint64_t size)
{
	ENTER("sys_ftruncate");
	(void)fd;
	(void)size;
	return -EINVAL;
}

int sys_fallocate(int fd, uint64_t size)
{
	ENTER("sys_fallocate");
	(void)fd;
	(void)size;
	return -EINVAL;
}

int sys_add_seals(int fd, int seals)
{
	ENTER("sys_add_seals");
	(void)fd;
	(void)seals;
	return -EINVAL;
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	struct object *obj;
	size_t i;
	void *p;

	ENTER("sys_mmap");
	obj = fake_object(fd);
	if (!obj && !(flags & MAP_ANONYMOUS))
		return -EBADF;
	if (obj && obj->kind != OBJECT_DMABUF)
		return -ENODEV;
	if (obj && obj->unmappable)
		return -EINVAL;
	for (i = 0; i < MAPS_MAX && maps[i].addr; i++)
		;
	if (i == MAPS_MAX)
		return -ENOMEM;
	p = mmap(NULL, len, prot, (flags & ~MAP_SHARED) | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	maps[i].addr = p;
	maps[i].len = len;
	maps[i].process = fake_current_process();
	*addr = p;
	return 0;
}

int sys_munmap(void *addr, size_t len)
{
	int fault = fake_enter("sys_munmap");
	size_t i;

	for (i = 0; i < MAPS_MAX; i++) {
		if (maps[i].addr != addr || !addr)
			continue;
		if (maps[i].len != len)
			fake_complain("munmap of %zu bytes of a mapping of %zu", len, maps[i].len);
		munmap(maps[i].addr, maps[i].len);
		maps[i].addr = NULL;
		return fault;
	}
	fake_complain("munmap of what isn't mapped");
	return -EINVAL;
}

int sys_socket(int domain, int type, int protocol)
{
	struct object *obj;
	int fd;

	ENTER("sys_socket");
	if (domain == AF_NETLINK && protocol == NETLINK_GENERIC)
		obj = fake_object_new(OBJECT_NETLINK);
	else if ((domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX) &&
		 (type & 0xf) == SOCK_DGRAM)
		obj = fake_object_new(OBJECT_DGRAM);
	else
		return -EAFNOSUPPORT;
	fd = fake_install(obj, false);
	if (fd < 0)
		free(obj);
	return fd;
}

static void name_port(struct object *obj)
{
	if (!obj->portid)
		obj->portid = next_portid++;
}

int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct object *obj;

	ENTER("sys_bind");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (obj->kind != OBJECT_NETLINK || len < sizeof(struct sockaddr_nl) ||
	    addr->sa_family != AF_NETLINK)
		return -EINVAL;
	name_port(obj);
	return 0;
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
	struct object *obj;

	ENTER("sys_send");
	(void)flags;
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (obj->kind != OBJECT_NETLINK)
		return -ENOTCONN;
	name_port(obj);
	free(last_request);
	last_request = fake_alloc(len);
	memcpy(last_request, buf, len);
	last_request_len = len;
	fake_handle(obj, last_request, len);
	return (ssize_t)len;
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
	struct datagram *dgram;
	struct object *obj;
	size_t n;

	ENTER("sys_recv");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (obj->kind != OBJECT_NETLINK)
		return -ENOTCONN;
	if (obj->overrun) {
		obj->overrun = false;
		return -ENOBUFS;
	}
	dgram = obj->first;
	if (!dgram) {
		if (!(flags & MSG_DONTWAIT) && !obj->patience)
			fake_complain("recv would wait for ever");
		return -EAGAIN;
	}
	n = dgram->len < len ? dgram->len : len;
	memcpy(buf, dgram->data, n);
	if (flags & MSG_TRUNC)
		n = dgram->len;
	if (flags & MSG_PEEK)
		return (ssize_t)n;
	obj->first = dgram->next;
	if (!obj->first)
		obj->last = &obj->first;
	free(dgram);
	return (ssize_t)n;
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n;

	/* Counted by sys_recv(). */
	if (msg->msg_iovlen != 1 || msg->msg_control) {
		fake_complain("recvmsg in an unexpected form");
		return -EINVAL;
	}
	n = sys_recv(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, flags | MSG_TRUNC);
	msg->msg_flags = 0;
	if (n > (ssize_t)msg->msg_iov[0].iov_len) {
		msg->msg_flags = MSG_TRUNC;
		if (!(flags & MSG_TRUNC))
			n = (ssize_t)msg->msg_iov[0].iov_len;
	}
	return n;
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct object *obj;
	int value;

	ENTER("sys_getsockopt");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (obj->kind == OBJECT_DMABUF || obj->kind == OBJECT_FILE)
		return -ENOTSOCK;
	if (level != SOL_SOCKET || *len < sizeof(value))
		return -ENOPROTOOPT;
	switch (name) {
	case SO_TYPE:
		value = obj->kind == OBJECT_TCP ? SOCK_STREAM : SOCK_DGRAM;
		break;
	case SO_PROTOCOL:
		value = obj->kind == OBJECT_TCP ? 6 : 17;
		break;
	case SO_DOMAIN:
		value = obj->kind == OBJECT_TCP ? obj->local.ss_family : AF_INET;
		break;
	case SO_RCVLOWAT:
		value = 1;
		break;
	case SO_ACCEPTCONN:
		value = obj->kind == OBJECT_TCP && !obj->peer.ss_family;
		break;
	default:
		return -ENOPROTOOPT;
	}
	memcpy(val, &value, sizeof(value));
	*len = sizeof(value);
	return 0;
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	struct object *obj;
	int value;

	ENTER("sys_setsockopt");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (level == SOL_SOCKET) {
		if (name == SO_RCVTIMEO)
			obj->patience = true;
		return 0;
	}
	if (obj->kind != OBJECT_NETLINK || level != 270 /* SOL_NETLINK */)
		return -ENOPROTOOPT;
	if (len < sizeof(value))
		return -EINVAL;
	memcpy(&value, val, sizeof(value));
	if (name == NETLINK_EXT_ACK)
		obj->ext_ack = value;
	else if (name == NETLINK_CAP_ACK)
		obj->cap_ack = value;
	else if (name != NETLINK_GET_STRICT_CHK && name != NETLINK_ADD_MEMBERSHIP)
		return -ENOPROTOOPT;
	return 0;
}

static int copy_addr(const struct sockaddr_storage *from, socklen_t n, struct sockaddr *addr,
		     socklen_t *len)
{
	memcpy(addr, from, n < *len ? n : *len);
	*len = n;
	return 0;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_storage ss;
	struct object *obj;

	ENTER("sys_getsockname");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	memset(&ss, 0, sizeof(ss));
	switch (obj->kind) {
	case OBJECT_NETLINK:
		((struct sockaddr_nl *)&ss)->nl_family = AF_NETLINK;
		((struct sockaddr_nl *)&ss)->nl_pid = obj->portid;
		return copy_addr(&ss, sizeof(struct sockaddr_nl), addr, len);
	case OBJECT_TCP:
		return copy_addr(&obj->local, obj->addr_len, addr, len);
	case OBJECT_DGRAM:
		ss.ss_family = AF_INET;
		return copy_addr(&ss, 16, addr, len);
	case OBJECT_DMABUF:
	case OBJECT_FILE:
		break;
	}
	return -ENOTSOCK;
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct object *obj;

	ENTER("sys_getpeername");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (obj->kind == OBJECT_DMABUF || obj->kind == OBJECT_FILE)
		return -ENOTSOCK;
	if (obj->kind != OBJECT_TCP || !obj->peer.ss_family)
		return -ENOTCONN;
	return copy_addr(&obj->peer, obj->addr_len, addr, len);
}

int sys_poll(struct pollfd *pfds, nfds_t n, int timeout_ms)
{
	struct object *obj;
	int ready = 0;
	nfds_t i;

	ENTER("sys_poll");
	for (i = 0; i < n; i++) {
		obj = fake_object(pfds[i].fd);
		pfds[i].revents = 0;
		if (!obj)
			pfds[i].revents = POLLNVAL;
		else if (obj->kind == OBJECT_NETLINK && (obj->first || obj->overrun))
			pfds[i].revents = POLLIN & pfds[i].events;
		else if (obj->kind == OBJECT_FILE)
			pfds[i].revents = fake_file_poll(obj, pfds[i].events);
		ready += pfds[i].revents != 0;
	}
	if (!ready && timeout_ms < 0) {
		fake_complain("poll would wait for ever");
		return -EINTR;
	}
	if (!ready)
		fake_clock_pass((uint64_t)timeout_ms);
	return ready;
}
