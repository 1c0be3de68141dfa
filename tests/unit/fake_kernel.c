// SPDX-License-Identifier: BSD-3-Clause
/* The kernel in tests/unit: descriptors, calls on them, faults, processes, leaks. */
#include "fake_internal.h"
#include "fake_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/sys.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_LEAK_CHECK
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LEAK_CHECK
#endif
#endif
#ifdef WITH_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

#define FD_BASE 1000
#define FD_MAX 64
#define CALLS_MAX 8192
#define FAULTS_MAX 8
#define HOOKS_MAX 8
#define LOG_MAX 512
#define CLOSERS_MAX 64
#define LIVE_MAX 1024
#define PID_FIRST 4711

struct kernel kernel;

static struct {
	struct object *object;
	bool own; /* belongs to the test, not to the library */
	unsigned int process;
	unsigned int number; /* in the order in which they were opened */
} fds[FD_MAX];

static struct {
	unsigned int calls, opened;
	const char *names[CALLS_MAX];
	struct {
		unsigned int at;
		int code;
	} faults[FAULTS_MAX];
	unsigned int fail_from;
	int fail_from_code;
	char failed[128];
	unsigned int vanish_at;
	struct fake_nic *vanish_nic;
	struct {
		unsigned int at;
		void (*fn)(void *arg);
		void *arg;
	} hooks[HOOKS_MAX];
	unsigned int process, crash_at;
	bool paused, out_of_order;
	char complaint[512];
	struct {
		void (*fn)(void *arg);
		void *arg;
	} closers[CLOSERS_MAX];
	unsigned int n_closers;
	/* Calls that are going on: what is allocated then isn't the library's. */
	unsigned int depth;
	bool threads;
} now;
/* Around each call when there are several threads. */
static pthread_mutex_t lock;
static char *log_lines[LOG_MAX];
static size_t log_len;
static jmp_buf crash_point;

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

	if (now.complaint[0])
		return;
	va_start(ap, fmt);
	vsnprintf(now.complaint, sizeof(now.complaint), fmt, ap);
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

void fake_stop(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	now.depth = 0;
	if (now.threads)
		pthread_mutex_unlock(&lock);
	fail_msg("%s (at %llu us)", text, (unsigned long long)(fake_now() / 1000));
	abort();
}

/* ---- descriptors ---- */

struct object *fake_object_ever(int fd)
{
	return fd >= FD_BASE && fd < FD_BASE + FD_MAX ? fds[fd - FD_BASE].object : NULL;
}

struct object *fake_object(int fd)
{
	struct object *obj = fake_object_ever(fd);

	return obj && !obj->closed ? obj : NULL;
}

void *fake_object_of(int fd, const struct object_ops *ops)
{
	struct object *obj = fake_object(fd);

	return obj && obj->ops == ops ? obj : NULL;
}

void *fake_object_new(const struct object_ops *ops, size_t size)
{
	struct object *obj = fake_alloc(size);

	obj->ops = ops;
	return obj;
}

int fake_install(struct object *obj, bool test_owned)
{
	int i;

	for (i = 0; i < FD_MAX; i++) {
		if (fds[i].object)
			continue;
		fds[i].object = obj;
		fds[i].own = test_owned;
		fds[i].process = now.process;
		fds[i].number = ++now.opened;
		obj->users++;
		return FD_BASE + i;
	}
	if (!obj->users)
		obj->ops->release(obj);
	return -EMFILE;
}

static void release(int fd)
{
	struct object *obj = fds[fd - FD_BASE].object;

	fds[fd - FD_BASE].object = NULL;
	if (!--obj->users)
		obj->ops->release(obj);
}

void fake_close(int fd)
{
	if (!fake_object(fd))
		abort();
	release(fd);
}

void fake_close_kept(int fd)
{
	fake_object(fd)->closed = true;
}

unsigned int fake_open_fds(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FD_MAX; i++)
		n += fds[i].object && !fds[i].object->closed;
	return n;
}

bool fake_undone_in_reverse(void)
{
	return !now.out_of_order;
}

/* Its descriptor is closed while one that was opened later still is open. */
static void check_order(int fd)
{
	int i;

	for (i = 0; i < FD_MAX; i++)
		if (fds[i].object && !fds[i].own && fds[i].number > fds[fd - FD_BASE].number)
			now.out_of_order = true;
}

/* ---- calls ---- */

void fake_act(void (*fn)(void *arg), void *arg)
{
	const unsigned int process = now.process, depth = now.depth;

	now.paused = true;
	now.depth = 0;
	fn(arg);
	now.paused = false;
	now.depth = depth;
	now.process = process;
}

int fake_call_back(int (*fn)(const char *name, void *arg), const char *name, void *arg)
{
	const unsigned int depth = now.depth;
	int ret;

	now.depth = 0;
	ret = fn(name, arg);
	now.depth = depth;
	return ret;
}

static void crash(void)
{
	fake_listing_end();
	fake_kill(now.process);
	fake_orphan(now.process);
	longjmp(crash_point, 1);
}

/* What was to happen before this call does. */
static void before(void)
{
	size_t i;

	for (i = 0; i < HOOKS_MAX; i++) {
		if (now.hooks[i].at != now.calls)
			continue;
		now.hooks[i].at = 0;
		fake_act(now.hooks[i].fn, now.hooks[i].arg);
	}
	if (now.crash_at && now.calls >= now.crash_at)
		crash();
	if (now.vanish_at && now.calls >= now.vanish_at && now.vanish_nic->present) {
		now.vanish_nic->present = false;
		fake_note("%s vanished", now.vanish_nic->name);
	}
}

int fake_enter(const char *name, const char *path)
{
	int code = 0;
	size_t i;

	if (now.threads)
		pthread_mutex_lock(&lock);
	now.depth++;
	if (now.paused)
		return 0;
	now.calls++;
	if (now.calls < CALLS_MAX)
		now.names[now.calls] = name;
	before();
	for (i = FAULTS_MAX; i-- > 0;)
		if (now.faults[i].at && now.faults[i].at == now.calls)
			code = now.faults[i].code;
	if (!code && now.fail_from && now.calls >= now.fail_from)
		code = now.fail_from_code;
	if (code)
		snprintf(now.failed, sizeof(now.failed), "%s %s", name, path ? path : "");
	return -code;
}

void fake_leave(const int *fault)
{
	(void)fault;
	now.depth--;
	if (now.threads)
		pthread_mutex_unlock(&lock);
}

void fake_threads(bool on)
{
	now.threads = on;
}

void fake_let_others(void)
{
	if (!now.threads)
		return;
	pthread_mutex_unlock(&lock);
	usleep(50);
	pthread_mutex_lock(&lock);
}

unsigned int fake_calls(void)
{
	return now.calls;
}

void fake_fail(unsigned int at, int code)
{
	size_t i;

	now.failed[0] = '\0';
	if (!code) {
		memset(now.faults, 0, sizeof(now.faults));
		now.fail_from = 0;
		return;
	}
	for (i = 0; i < FAULTS_MAX; i++) {
		if (now.faults[i].at)
			continue;
		now.faults[i].at = at;
		now.faults[i].code = code;
		return;
	}
	abort();
}

void fake_fail_from(unsigned int at, int code)
{
	now.fail_from = at;
	now.fail_from_code = code;
}

const char *fake_failed(void)
{
	return now.failed;
}

void fake_vanish(unsigned int at, struct fake_nic *nic)
{
	now.vanish_at = at;
	now.vanish_nic = nic;
}

const char *fake_call_name(unsigned int n)
{
	return n && n <= now.calls && n < CALLS_MAX ? now.names[n] : "none";
}

bool fake_call_is_release(unsigned int n)
{
	const char *name = fake_call_name(n);

	return !strcmp(name, "sys_close") || !strcmp(name, "sys_munmap");
}

void fake_before(unsigned int at, void (*fn)(void *arg), void *arg)
{
	size_t i;

	if (!at) {
		memset(now.hooks, 0, sizeof(now.hooks));
		return;
	}
	for (i = 0; i < HOOKS_MAX; i++) {
		if (now.hooks[i].at)
			continue;
		now.hooks[i].at = at;
		now.hooks[i].fn = fn;
		now.hooks[i].arg = arg;
		return;
	}
	abort();
}

/* ---- allocations ---- */

static struct {
	bool on;
	unsigned int n, fail_at, n_live;
	const void *live[LIVE_MAX];
} allocations;

static bool is_the_librarys(void)
{
	return allocations.on && !now.depth;
}

bool fake_may_allocate(void)
{
	return !is_the_librarys() || ++allocations.n != allocations.fail_at;
}

/* libc allocates, too, and unseen: text streams and copies of strings. */
static bool forget_live(const void *old)
{
	unsigned int i;

	for (i = 0; i < allocations.n_live; i++) {
		if (allocations.live[i] != old)
			continue;
		allocations.live[i] = allocations.live[--allocations.n_live];
		return true;
	}
	return false;
}

void fake_freed(const void *old)
{
	forget_live(old);
}

void *fake_allocated(void *p, const void *old)
{
	if (!p || !is_the_librarys() || (old && !forget_live(old)))
		return p;
	if (allocations.n_live == LIVE_MAX)
		abort();
	allocations.live[allocations.n_live++] = p;
	return p;
}

void fake_count_allocations(bool on)
{
	allocations.on = on;
}

unsigned int fake_allocations(void)
{
	return allocations.n;
}

static unsigned int library_fds(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FD_MAX; i++)
		n += fds[i].object && !fds[i].own;
	return n;
}

unsigned int fake_each_fails(enum fake_step step, int code, int (*attempt)(void *arg), void *arg)
{
	const unsigned int open = library_fds(), mapped = fake_mappings();
	unsigned int k = 0;
	bool failed;
	int ret;

	do {
		allocations.n = 0;
		allocations.n_live = 0;
		allocations.fail_at = step == FAKE_ALLOCATION ? ++k : 0;
		if (step == FAKE_CALL)
			fake_fail(now.calls + ++k, code);
		fake_count_allocations(true);
		ret = attempt(arg);
		fake_count_allocations(false);
		failed = step == FAKE_CALL ? now.failed[0] : allocations.n >= k;
		fake_fail(0, 0);
		assert_int_equal(library_fds(), open);
		assert_int_equal(fake_mappings(), mapped);
		assert_int_equal(allocations.n_live, 0);
	} while (failed);
	assert_int_equal(ret, 0);
	return k - 1;
}

/* ---- processes ---- */

void fake_process(unsigned int process)
{
	now.process = process;
}

unsigned int fake_current_process(void)
{
	return now.process;
}

void fake_kill(unsigned int process)
{
	int i;

	for (i = 0; i < FD_MAX; i++)
		if (fds[i].object && !fds[i].own && fds[i].process == process)
			release(FD_BASE + i);
	fake_unmap_all(process);
}

bool fake_crashes(unsigned int at, void (*fn)(void *arg), void *arg)
{
	bool crashed;

	__lsan_disable();
	now.crash_at = at;
	crashed = setjmp(crash_point);
	if (!crashed)
		fn(arg);
	now.crash_at = 0;
	now.depth = 0;
	__lsan_enable();
	return crashed;
}

int64_t sys_getpid(void)
{
	return PID_FIRST + now.process;
}

/* ---- beginning and end ---- */

void fake_admin(bool on)
{
	kernel.admin = on;
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

void fake_at_end(void (*fn)(void *arg), void *arg)
{
	if (now.n_closers == CLOSERS_MAX)
		abort();
	now.closers[now.n_closers].fn = fn;
	now.closers[now.n_closers++].arg = arg;
}

/* Releases what is still there. Says in what, of size bytes, what the library left behind. */
static void clean_up(char *what, size_t size)
{
	int i;

	what[0] = '\0';
	fake_memory_end(what, size);
	for (i = 0; i < FD_MAX; i++) {
		if (!fds[i].object)
			continue;
		if (!fds[i].own && !what[0])
			snprintf(what, size, "descriptor %d left open: %s", FD_BASE + i,
				 fds[i].object->ops->name);
		release(FD_BASE + i);
	}
	fake_pools_end();
	fake_files_end(what, size);
	fake_netlink_end();
	fake_log_clear();
}

void fake_begin(enum fake_personality personality)
{
	char what[128];

	/* A test that failed leaves things behind. */
	clean_up(what, sizeof(what));
	memset(&kernel, 0, sizeof(kernel));
	memset(&now, 0, sizeof(now));
	kernel.personality = personality;
	kernel.admin = true;
	kernel.next_binding = 1;
	kernel.dump_size = 4096;
	fake_files_begin();
	fake_memory_begin();
	fake_netlink_begin();
	fake_sockets_begin();
	pthread_mutex_init(&lock, NULL);
}

void fake_end(void)
{
	char what[128];

	now.threads = false;
	fake_fail(0, 0);
	while (now.n_closers--)
		now.closers[now.n_closers].fn(now.closers[now.n_closers].arg);
	now.n_closers = 0;
	clean_up(what, sizeof(what));
	if (now.complaint[0])
		fail_msg("%s", now.complaint);
	if (what[0])
		fail_msg("%s", what);
}

/* ---- lib/core/sys.h ---- */

int sys_close(int fd)
{
	ENTER_FAULTY("sys_close", NULL);
	if (!fake_object(fd)) {
		fake_complain("close of %d, which isn't open", fd);
		return -EBADF;
	}
	if (fds[fd - FD_BASE].own)
		fake_complain("close of %d, which is the caller's", fd);
	check_order(fd);
	release(fd);
	/* The descriptor is gone also when the call reports a failure. */
	return fault;
}

int sys_dup(int fd)
{
	ENTER("sys_dup");
	return fake_object(fd) ? fake_install(fake_object(fd), false) : -EBADF;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	ENTER("sys_fs_magic");
	if (!fake_object(fd))
		return -EBADF;
	*magic = fake_object(fd)->ops->fs_magic;
	return 0;
}

/* A call on a descriptor: what its object does, or the code where it doesn't have that. */
#define CALL(op, args, without)                                                                    \
	do {                                                                                       \
		struct object *obj;                                                                \
                                                                                                   \
		ENTER("sys_" #op);                                                                 \
		obj = fake_object(fd);                                                             \
		if (!obj)                                                                          \
			return -EBADF;                                                             \
		return obj->ops->op ? obj->ops->op args : without;                                 \
	} while (0)

ssize_t sys_read(int fd, void *buf, size_t len)
{
	CALL(read, (obj, buf, len), -EINVAL);
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	CALL(write, (obj, buf, len), -EINVAL);
}

int64_t sys_size(int fd)
{
	CALL(size, (obj), -ESPIPE);
}

int sys_ftruncate(int fd, uint64_t size)
{
	CALL(ftruncate, (obj, size), -EINVAL);
}

int sys_fallocate(int fd, uint64_t size)
{
	CALL(fallocate, (obj, size), -EINVAL);
}

int sys_add_seals(int fd, int seals)
{
	CALL(add_seals, (obj, seals), -EINVAL);
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	CALL(ioctl, (obj, request, arg), -ENOTTY);
}

int sys_socket(int domain, int type, int protocol)
{
	ENTER("sys_socket");
	if (domain == AF_NETLINK)
		return fake_netlink_new(protocol);
	if ((domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX) &&
	    (type & 0xf) == SOCK_DGRAM)
		return fake_ioctl_socket();
	return -EAFNOSUPPORT;
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
	if (flags)
		fake_complain("send flags 0x%x", (unsigned int)flags);
	CALL(send, (obj, buf, len), -ENOTCONN);
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
	CALL(recv, (obj, buf, len, flags), -ENOTCONN);
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	CALL(recvmsg, (obj, msg, flags), -ENOTSOCK);
}

ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	CALL(sendmsg, (obj, msg, flags), -ENOTSOCK);
}

int sys_get_flags(int fd)
{
	CALL(get_flags, (obj), O_RDWR);
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct object *obj;
	int value, ret;

	ENTER("sys_getsockopt");
	obj = fake_object(fd);
	if (!obj)
		return -EBADF;
	if (!obj->ops->getsockopt)
		return -ENOTSOCK;
	if (*len < sizeof(value)) {
		fake_complain("getsockopt level %d name %d of %u bytes", level, name, *len);
		return -EINVAL;
	}
	ret = obj->ops->getsockopt(obj, level, name, &value);
	if (ret)
		return ret;
	memcpy(val, &value, sizeof(value));
	*len = sizeof(value);
	return 0;
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	CALL(setsockopt, (obj, level, name, val, len), -ENOTSOCK);
}

static int get_address(int fd, bool peer, struct sockaddr *addr, socklen_t *len)
{
	struct object *obj = fake_object(fd);
	struct sockaddr_storage ss;
	int n;

	if (!obj)
		return -EBADF;
	if (!obj->ops->address)
		return -ENOTSOCK;
	memset(&ss, 0, sizeof(ss));
	n = obj->ops->address(obj, peer, &ss);
	if (n < 0)
		return n;
	memcpy(addr, &ss, (socklen_t)n < *len ? (socklen_t)n : *len);
	*len = (socklen_t)n;
	return 0;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	ENTER("sys_getsockname");
	return get_address(fd, false, addr, len);
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	ENTER("sys_getpeername");
	return get_address(fd, true, addr, len);
}
