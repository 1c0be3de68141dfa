// SPDX-License-Identifier: BSD-3-Clause
/* System calls for fuzz targets, in place of lib/core/sys.c: descriptors are counted, netlink
 * answers come from the input, and for everything else the input's next byte chooses the result. */
#include "core/sys.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

#define HEAP_ALLOC 0xc0184800UL
#define UDMABUF_CREATE 0x40187542UL

static const uint8_t *input;
static size_t input_len;
static int open_fds, open_maps;
static uint32_t last_seq;
static uint16_t last_type;

void fuzz_sys_input(const uint8_t *data, size_t size)
{
	input = data;
	input_len = size;
}

void fuzz_sys_check(void)
{
	MUST(open_fds == 0);
	MUST(open_maps == 0);
}

/* The next byte of the input, 0 past its end. */
static int next(void)
{
	if (!input_len)
		return 0;
	input_len--;
	return *input++;
}

/* Mostly success. */
static int outcome(void)
{
	static const int codes[] = { EPERM, ENOENT, ENOMEM, EINVAL, EIO, ENOSPC, EACCES, EBUSY };
	int byte = next();

	return byte < 192 ? 0 : -codes[byte & 7];
}

static int opened(void)
{
	int ret = outcome();

	if (ret)
		return ret;
	open_fds++;
	return 3;
}

int sys_open(const char *path, int flags)
{
	(void)path;
	(void)flags;
	return opened();
}

int sys_close(int fd)
{
	MUST(fd == 3);
	MUST(open_fds > 0);
	open_fds--;
	return 0;
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	size_t i, n = (size_t)next() & 31;

	(void)fd;
	n = n < len ? n : len;
	for (i = 0; i < n; i++)
		((uint8_t *)buf)[i] = (uint8_t)next();
	return (ssize_t)n;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	struct {
		uint64_t len;
		uint32_t fd, fd_flags;
		uint64_t heap_flags;
	} heap;
	int ret;

	(void)fd;
	if (request == HEAP_ALLOC) {
		ret = opened();
		memcpy(&heap, arg, sizeof(heap));
		heap.fd = ret > 0 ? (uint32_t)ret : 0;
		memcpy(arg, &heap, sizeof(heap));
		return ret > 0 ? 0 : ret;
	}
	return request == UDMABUF_CREATE ? opened() : outcome();
}

int sys_dup(int fd)
{
	(void)fd;
	return opened();
}

int sys_get_flags(int fd)
{
	(void)fd;
	return 0;
}

int64_t sys_size(int fd)
{
	(void)fd;
	return (int64_t)next() << 20;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	(void)fd;
	*magic = next() & 1 ? 0x444d4142 : 0x1021994;
	return outcome();
}

int sys_memfd_create(const char *name, unsigned int flags)
{
	(void)name;
	(void)flags;
	return opened();
}

int sys_ftruncate(int fd, uint64_t size)
{
	(void)fd;
	(void)size;
	return outcome();
}

int sys_fallocate(int fd, uint64_t size)
{
	(void)fd;
	(void)size;
	return outcome();
}

int sys_add_seals(int fd, int seals)
{
	(void)fd;
	(void)seals;
	return outcome();
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	void *p;

	(void)flags;
	(void)fd;
	p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	open_maps++;
	*addr = p;
	return 0;
}

int sys_munmap(void *addr, size_t len)
{
	open_maps--;
	return munmap(addr, len) ? -errno : 0;
}

int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	char name[8];
	int i, n, ret = 0;

	(void)path;
	for (n = next() & 3; n > 0 && !ret; n--) {
		for (i = 0; i < 7; i++)
			name[i] = (char)(1 + (next() & 0x7e));
		name[7] = '\0';
		ret = fn(name, arg);
	}
	return ret;
}

int sys_mkdir(const char *path, uint32_t mode)
{
	(void)path;
	(void)mode;
	return outcome();
}

int sys_openat(int dir, const char *name, int flags, uint32_t mode)
{
	(void)dir;
	(void)name;
	(void)flags;
	(void)mode;
	return opened();
}

static void some_stat(struct sys_stat *st)
{
	memset(st, 0, sizeof(*st));
	st->ino = (uint64_t)next() & 3;
	st->mode = 0700;
	st->nlink = 1;
}

int sys_fstat(int fd, struct sys_stat *st)
{
	(void)fd;
	some_stat(st);
	return outcome();
}

int sys_statat(int dir, const char *name, struct sys_stat *st)
{
	(void)dir;
	(void)name;
	some_stat(st);
	return outcome();
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	int ret = outcome();

	(void)fd;
	(void)buf;
	return ret ? ret : (ssize_t)len;
}

int sys_fsync(int fd)
{
	(void)fd;
	return outcome();
}

int sys_rename(int dir, const char *from, const char *to)
{
	(void)dir;
	(void)from;
	(void)to;
	return outcome();
}

int sys_unlink(int dir, const char *name)
{
	(void)dir;
	(void)name;
	return outcome();
}

int sys_flock(int fd, int operation)
{
	(void)fd;
	(void)operation;
	return outcome();
}

uint32_t sys_geteuid(void)
{
	return 0;
}

int64_t sys_getpid(void)
{
	return 1;
}

uint64_t sys_time(void)
{
	return 1;
}

/* Every deadline is reached after a few calls. */
uint64_t sys_clock_ms(void)
{
	static uint64_t now;

	return now += 1000;
}

int sys_netns(uint64_t *ino)
{
	*ino = 1;
	return outcome();
}

int sys_spawn(const char *path, char *const argv[], int64_t *pid, int *out)
{
	int fd = opened();

	(void)path;
	(void)argv;
	if (fd < 0)
		return fd;
	*pid = 2;
	*out = fd;
	return 0;
}

int sys_waitpid(int64_t pid)
{
	(void)pid;
	return outcome();
}

int sys_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	open_fds++;
	return 3;
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
	const struct nlmsghdr *nlh = buf;

	(void)fd;
	(void)flags;
	MUST(len >= sizeof(*nlh) && nlh->nlmsg_len == len);
	last_seq = nlh->nlmsg_seq;
	last_type = nlh->nlmsg_type;
	return (ssize_t)len;
}

/* Gives the messages of a datagram the sequence number and type of the last request. */
static void adopt(uint8_t *data, size_t len)
{
	struct nlmsghdr nlh;
	size_t pos = 0;

	while (len - pos >= sizeof(nlh)) {
		memcpy(&nlh, data + pos, sizeof(nlh));
		nlh.nlmsg_seq = last_seq;
		if (nlh.nlmsg_type >= NLMSG_MIN_TYPE)
			nlh.nlmsg_type = last_type;
		memcpy(data + pos, &nlh, sizeof(nlh));
		if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len - pos)
			break;
		pos += NLMSG_ALIGN(nlh.nlmsg_len);
		if (pos > len)
			break;
	}
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
	size_t head, n, copied;

	(void)fd;
	if (input_len < 2)
		return -EAGAIN;
	head = (size_t)input[0] | (size_t)input[1] << 8;
	n = head & 0x7fff;
	if (n > input_len - 2)
		n = input_len - 2;
	copied = n < len ? n : len;
	memcpy(buf, input + 2, copied);
	if (head & 0x8000)
		adopt(buf, copied);
	if (!(flags & MSG_PEEK)) {
		input += 2 + n;
		input_len -= 2 + n;
	}
	return (ssize_t)(flags & MSG_TRUNC ? n : copied);
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)fd;
	(void)msg;
	(void)flags;
	return -EAGAIN;
}

ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	(void)fd;
	(void)msg;
	(void)flags;
	return -EAGAIN;
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)val;
	(void)len;
	return -ENOPROTOOPT;
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)val;
	(void)len;
	return 0;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return -ENOTSOCK;
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return -ENOTSOCK;
}

int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)fds;
	(void)n;
	(void)timeout_ms;
	return 0;
}
