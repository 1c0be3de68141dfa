/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_SYS_H
#define DEVMEM_LIB_SYS_H

/*
 * Every system call that the library makes. Nothing else in lib/ calls the kernel; tests replace
 * this file.
 *
 * Each call returns a negative errno instead of -1. File descriptors are close-on-exec. EINTR:
 * calls that may wait for somebody else (sys_recvmsg, sys_sendmsg, sys_poll) return it, so that
 * their caller can look at what a signal handler has set; all others repeat.
 */

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

int sys_open(const char *path, int flags);
int sys_close(int fd);
ssize_t sys_read(int fd, void *buf, size_t len);
int sys_ioctl(int fd, unsigned long request, void *arg);
int sys_dup(int fd);
/* O_NONBLOCK and other flags of an open file. */
int sys_get_flags(int fd);
/* Size of what fd refers to, by seeking to its end. A dma-buf answers with its size. */
int64_t sys_size(int fd);
/* Magic number of the file system that fd is on (statfs f_type). */
int sys_fs_magic(int fd, uint32_t *magic);
int sys_memfd_create(const char *name, unsigned int flags);
int sys_ftruncate(int fd, uint64_t size);
int sys_fallocate(int fd, uint64_t size);
int sys_add_seals(int fd, int seals);
/* Flags for a large table of which little is used: MAP_STACK keeps transparent huge pages away
 * (Linux 6.7), whose first touch would cost 2 MiB. */
#define SYS_MAP_SPARSE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)
int sys_mmap(void **addr, size_t len, int prot, int flags, int fd);
int sys_munmap(void *addr, size_t len);
/* Calls fn for each name in a directory, until it returns something else than 0. Return: that, 0,
 * or a negative errno. */
int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg);

/* Files of the runtime directory. Links are never followed. dir: descriptor of a directory. */
struct sys_stat {
	uint64_t dev, ino;
	uint32_t uid, mode, nlink;
};
int sys_mkdir(const char *path, uint32_t mode);
int sys_openat(int dir, const char *name, int flags, uint32_t mode);
/* Of what fd refers to. */
int sys_fstat(int fd, struct sys_stat *st);
/* Of a name in a directory. */
int sys_statat(int dir, const char *name, struct sys_stat *st);
ssize_t sys_write(int fd, const void *buf, size_t len);
int sys_fsync(int fd);
int sys_rename(int dir, const char *from, const char *to);
int sys_unlink(int dir, const char *name);
/* flock(2). */
int sys_flock(int fd, int operation);

/* This process, and the time. */
uint32_t sys_geteuid(void);
int64_t sys_getpid(void);
/* Seconds since 1970. */
uint64_t sys_time(void);
/* Milliseconds of a clock that only goes forward. */
uint64_t sys_clock_ms(void);
/* Inode number of the calling thread's network namespace. */
int sys_netns(uint64_t *ino);

/* Starts a program: in a session of its own, with default signals and none blocked, with nothing
 * open but /dev/null as standard input and error, and a pipe as standard output. out: the
 * descriptor to read from that pipe. */
int sys_spawn(const char *path, char *const argv[], int64_t *pid, int *out);
/* Waits until a child has exited. -ECHILD: something else has waited for it. */
int sys_waitpid(int64_t pid);

int sys_socket(int domain, int type, int protocol);
ssize_t sys_send(int fd, const void *buf, size_t len, int flags);
/* Netlink: repeats on EINTR. */
ssize_t sys_recv(int fd, void *buf, size_t len, int flags);
/* Data path: these return -EINTR. */
ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags);
int sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
/* Result of setsockopt(2), which can be positive (SO_DEVMEM_DONTNEED). */
int sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int sys_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

#endif
