// SPDX-License-Identifier: BSD-3-Clause
/* Every system call that the library makes: negative errno, close-on-exec, EINTR by the rule in
 * sys.h. */
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Repeats a call that EINTR interrupted, and turns its -1 into a negative errno. */
#define RETRY(result, call)                                                                        \
	do {                                                                                       \
		(result) = (call);                                                                 \
	} while ((result) < 0 && errno == EINTR);                                                  \
	if ((result) < 0)                                                                          \
	(result) = -errno

int sys_open(const char *path, int flags)
{
	int fd;

	RETRY(fd, open(path, flags | O_CLOEXEC));
	return fd;
}

int sys_close(int fd)
{
	/* Linux closes the descriptor also when it reports EINTR: never repeat. */
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	RETRY(n, read(fd, buf, len));
	return n;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	RETRY(ret, ioctl(fd, request, arg));
	return ret;
}

int sys_dup(int fd)
{
	int copy;

	RETRY(copy, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	return copy;
}

int64_t sys_size(int fd)
{
	int64_t size;

	RETRY(size, (int64_t)lseek(fd, 0, SEEK_END));
	return size;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	struct statfs st;
	int ret;

	RETRY(ret, fstatfs(fd, &st));
	if (ret)
		return ret;
	*magic = (uint32_t)st.f_type;
	return 0;
}

int sys_memfd_create(const char *name, unsigned int flags)
{
	int fd;

	RETRY(fd, memfd_create(name, flags | MFD_CLOEXEC));
	return fd;
}

int sys_ftruncate(int fd, uint64_t size)
{
	int ret;

	RETRY(ret, ftruncate(fd, (off_t)size));
	return ret;
}

int sys_fallocate(int fd, uint64_t size)
{
	int ret;

	RETRY(ret, fallocate(fd, 0, 0, (off_t)size));
	return ret;
}

int sys_add_seals(int fd, int seals)
{
	int ret;

	RETRY(ret, fcntl(fd, F_ADD_SEALS, seals));
	return ret;
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	void *p = mmap(NULL, len, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*addr = p;
	return 0;
}

int sys_munmap(void *addr, size_t len)
{
	return munmap(addr, len) < 0 ? -errno : 0;
}

int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return -errno;
	errno = 0;
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			ret = fn(entry->d_name, arg);
		errno = 0;
	}
	if (!ret && errno)
		ret = -errno;
	closedir(dir);
	return ret;
}

int sys_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bind(fd, addr, len) < 0 ? -errno : 0;
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t n;

	RETRY(n, send(fd, buf, len, flags));
	return n;
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
	ssize_t n;

	RETRY(n, recv(fd, buf, len, flags));
	return n;
}

ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = recvmsg(fd, msg, flags);

	return n < 0 ? -errno : n;
}

int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return getsockopt(fd, level, name, val, len) < 0 ? -errno : 0;
}

int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	int ret = setsockopt(fd, level, name, val, len);

	return ret < 0 ? -errno : ret;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return getsockname(fd, addr, len) < 0 ? -errno : 0;
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	return getpeername(fd, addr, len) < 0 ? -errno : 0;
}

int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	int ret = poll(fds, n, timeout_ms);

	return ret < 0 ? -errno : ret;
}
