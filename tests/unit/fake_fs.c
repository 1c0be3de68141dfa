// SPDX-License-Identifier: BSD-3-Clause
/* What files of the kernel in tests/unit are made of: real ones, or, for tests that make thousands
 * of kernels, one directory in memory with as much of a file system as reservations need. Calls and
 * their results are those of libc; whether a file lies in memory shows in its descriptor. */
#include "fake_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_FIRST 100000
#define FILES_MAX 128

struct file {
	char name[96]; /* "": none, it exists as long as it is open */
	unsigned int opened;
	uint32_t mode;
	uint64_t ino;
	char *data;
	size_t len, room;
};

static struct file directory = { .mode = S_IFDIR | 0700, .ino = 1 };
static struct file files[FILES_MAX];
static uint64_t last_ino;
/* What descriptors in memory refer to. */
static struct {
	struct file *file; /* NULL: closed */
	size_t at;
	int lock; /* LOCK_SH, LOCK_EX or LOCK_UN */
} open_files[FILES_MAX];

static int refuse(int code)
{
	errno = code;
	return -1;
}

static bool in_memory(int fd)
{
	return fd >= FD_FIRST && fd < FD_FIRST + FILES_MAX && open_files[fd - FD_FIRST].file;
}

static struct file *find(const char *name)
{
	size_t i;

	for (i = 0; i < FILES_MAX; i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

static struct file *make(const char *name, mode_t mode)
{
	size_t i;

	for (i = 0; i < FILES_MAX; i++) {
		if (files[i].name[0] || files[i].opened)
			continue;
		snprintf(files[i].name, sizeof(files[i].name), "%s", name);
		files[i].mode = S_IFREG | (mode & 0777);
		files[i].ino = directory.ino + ++last_ino;
		files[i].len = 0;
		return &files[i];
	}
	abort();
}

static int open_file(struct file *file)
{
	int i;

	for (i = 0; i < FILES_MAX; i++) {
		if (open_files[i].file)
			continue;
		file->opened++;
		open_files[i].file = file;
		open_files[i].at = 0;
		open_files[i].lock = LOCK_UN;
		return FD_FIRST + i;
	}
	abort();
}

static ssize_t put(struct file *file, size_t at, const void *data, size_t len)
{
	if (at + len > file->room) {
		file->room = 2 * (at + len);
		file->data = realloc(file->data, file->room);
		if (!file->data)
			abort();
	}
	memcpy(file->data + at, data, len);
	if (at + len > file->len)
		file->len = at + len;
	return (ssize_t)len;
}

int fake_fs_text(const char *text)
{
	struct file *file = make("", 0400);

	put(file, 0, text, strlen(text));
	return open_file(file);
}

int fake_fs_openat(int dir, const char *name, int flags, mode_t mode)
{
	struct file *file;

	if (dir == AT_FDCWD && !strcmp(name, FAKE_FS_DIR))
		return open_file(&directory);
	if (!in_memory(dir))
		return openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	file = find(name);
	if (file && (flags & O_CREAT) && (flags & O_EXCL))
		return refuse(EEXIST);
	if (!file && !(flags & O_CREAT))
		return refuse(ENOENT);
	if (!file)
		file = make(name, mode);
	if (flags & O_TRUNC)
		file->len = 0;
	return open_file(file);
}

void fake_fs_close(int fd)
{
	if (!in_memory(fd)) {
		close(fd);
		return;
	}
	open_files[fd - FD_FIRST].file->opened--;
	open_files[fd - FD_FIRST].file = NULL;
}

ssize_t fake_fs_read(int fd, void *buf, size_t len)
{
	const struct file *file;
	size_t *at;

	if (!in_memory(fd))
		return read(fd, buf, len);
	file = open_files[fd - FD_FIRST].file;
	at = &open_files[fd - FD_FIRST].at;
	if (*at >= file->len)
		return 0;
	if (len > file->len - *at)
		len = file->len - *at;
	memcpy(buf, file->data + *at, len);
	*at += len;
	return (ssize_t)len;
}

ssize_t fake_fs_write(int fd, const void *buf, size_t len)
{
	size_t *at;

	if (!in_memory(fd))
		return write(fd, buf, len);
	at = &open_files[fd - FD_FIRST].at;
	put(open_files[fd - FD_FIRST].file, *at, buf, len);
	*at += len;
	return (ssize_t)len;
}

static int fill_stat(const struct file *file, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = 1;
	st->st_ino = file->ino;
	st->st_uid = geteuid();
	st->st_mode = file->mode;
	st->st_nlink = file == &directory ? 2 : file->name[0] != '\0';
	return 0;
}

int fake_fs_stat(int fd, struct stat *st)
{
	return in_memory(fd) ? fill_stat(open_files[fd - FD_FIRST].file, st) : fstat(fd, st);
}

int fake_fs_statat(int dir, const char *name, struct stat *st)
{
	const struct file *file;

	if (!in_memory(dir))
		return fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW);
	file = find(name);
	return file ? fill_stat(file, st) : refuse(ENOENT);
}

int fake_fs_rename(int dir, const char *from, const char *to)
{
	struct file *file, *old;

	if (!in_memory(dir))
		return renameat(dir, from, dir, to);
	file = find(from);
	old = find(to);
	if (!file)
		return refuse(ENOENT);
	if (old)
		old->name[0] = '\0';
	snprintf(file->name, sizeof(file->name), "%s", to);
	return 0;
}

int fake_fs_unlink(int dir, const char *name)
{
	struct file *file;

	if (!in_memory(dir))
		return unlinkat(dir, name, 0);
	file = find(name);
	if (!file)
		return refuse(ENOENT);
	file->name[0] = '\0';
	return 0;
}

/* Never waits. */
int fake_fs_flock(int fd, int operation)
{
	int i;

	if (!in_memory(fd))
		return flock(fd, operation | LOCK_NB);
	operation &= ~LOCK_NB;
	/* A lock of another kind is given up before, as the kernel does it. */
	if (open_files[fd - FD_FIRST].lock != operation)
		open_files[fd - FD_FIRST].lock = LOCK_UN;
	for (i = 0; i < FILES_MAX && operation != LOCK_UN; i++)
		if (open_files[i].file == open_files[fd - FD_FIRST].file && i != fd - FD_FIRST &&
		    open_files[i].lock != LOCK_UN &&
		    (open_files[i].lock == LOCK_EX || operation == LOCK_EX))
			return refuse(EWOULDBLOCK);
	open_files[fd - FD_FIRST].lock = operation;
	return 0;
}

short fake_fs_poll(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	if (in_memory(fd))
		return events & (POLLIN | POLLOUT);
	return poll(&pfd, 1, 0) > 0 ? pfd.revents : 0;
}

const char *fake_fs_name(size_t *i)
{
	while (*i < FILES_MAX)
		if (files[(*i)++].name[0])
			return files[*i - 1].name;
	return NULL;
}

void fake_fs_clear(void)
{
	size_t i;

	for (i = 0; i < FILES_MAX; i++)
		files[i].name[0] = '\0';
	last_ino = 0;
}
