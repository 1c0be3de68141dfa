// SPDX-License-Identifier: BSD-3-Clause
/* Every system call that the library makes: negative errno, close-on-exec, EINTR by the rule in
 * sys.h. */
#include "core/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
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

int sys_get_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -errno : flags;
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

int sys_mkdir(const char *path, uint32_t mode)
{
	return mkdir(path, (mode_t)mode) < 0 ? -errno : 0;
}

int sys_openat(int dir, const char *name, int flags, uint32_t mode)
{
	int fd;

	RETRY(fd, openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode));
	return fd;
}

static void copy_stat(struct sys_stat *st, const struct stat *from)
{
	st->dev = from->st_dev;
	st->ino = from->st_ino;
	st->uid = from->st_uid;
	st->mode = from->st_mode;
	st->nlink = (uint32_t)from->st_nlink;
}

int sys_fstat(int fd, struct sys_stat *st)
{
	struct stat buf;

	if (fstat(fd, &buf) < 0)
		return -errno;
	copy_stat(st, &buf);
	return 0;
}

int sys_statat(int dir, const char *name, struct sys_stat *st)
{
	struct stat buf;

	if (fstatat(dir, name, &buf, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	copy_stat(st, &buf);
	return 0;
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	ssize_t n;

	RETRY(n, write(fd, buf, len));
	return n;
}

int sys_fsync(int fd)
{
	int ret;

	RETRY(ret, fsync(fd));
	return ret;
}

int sys_rename(int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to) < 0 ? -errno : 0;
}

int sys_unlink(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

int sys_flock(int fd, int operation)
{
	int ret;

	RETRY(ret, flock(fd, operation));
	return ret;
}

uint32_t sys_geteuid(void)
{
	return geteuid();
}

int64_t sys_getpid(void)
{
	return getpid();
}

uint64_t sys_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

uint64_t sys_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int sys_netns(uint64_t *ino)
{
	struct stat buf;

	if (stat("/proc/thread-self/ns/net", &buf) < 0)
		return -errno;
	*ino = buf.st_ino;
	return 0;
}

/* What the child's descriptors become. The pipe comes first: with few descriptors open it may be
 * number 0 or 2 itself. */
static int spawn_actions(posix_spawn_file_actions_t *actions, int out)
{
	int ret;

	ret = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						       0);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null",
						       O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return ret;
}

static int spawn_attributes(posix_spawnattr_t *attr)
{
	sigset_t set;
	int ret;

	sigfillset(&set);
	ret = posix_spawnattr_setsigdefault(attr, &set);
	sigemptyset(&set);
	if (!ret)
		ret = posix_spawnattr_setsigmask(attr, &set);
	if (!ret)
		ret = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
							     POSIX_SPAWN_SETSIGMASK);
	return ret;
}

int sys_spawn(const char *path, char *const argv[], int64_t *pid, int *out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int pipe_fds[2];
	pid_t child;
	int ret;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	ret = posix_spawn_file_actions_init(&actions);
	if (ret)
		goto close_pipe;
	ret = posix_spawnattr_init(&attr);
	if (ret)
		goto free_actions;
	ret = spawn_actions(&actions, pipe_fds[1]);
	if (!ret)
		ret = spawn_attributes(&attr);
	if (!ret)
		ret = posix_spawn(&child, path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
free_actions:
	posix_spawn_file_actions_destroy(&actions);
close_pipe:
	close(pipe_fds[1]);
	if (ret) {
		close(pipe_fds[0]);
		return -ret;
	}
	*pid = child;
	*out = pipe_fds[0];
	return 0;
}

int sys_waitpid(int64_t pid)
{
	pid_t ret;

	RETRY(ret, waitpid((pid_t)pid, NULL, 0));
	return ret < 0 ? ret : 0;
}

int sys_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
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

ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n = sendmsg(fd, msg, flags);

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
