// SPDX-License-Identifier: BSD-3-Clause
/* Journals in the runtime directory: the files, their locks, and the errors that name them. */
#include "reserve/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "core/array.h"
#include "core/number.h"
#include "core/sys.h"

#define DIR_MODE 0700
#define FILE_MODE 0600
#define WRITABLE_BY_OTHERS 0022

#define LOCK_POLL_MS 10
/* A process that checks whether an owner lives holds its lock for a moment. */
#define OWNER_TRIES 100

#define READ_FIRST 4096

/* Holds "NIC.4294967295.owner". */
#define NAME_SIZE (JOURNAL_NIC_SIZE + 24)
#define PATH_SIZE sizeof(((struct devmem_error *)0)->subject)

static void name_of(const struct journal_file *file, const char *suffix, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s%s", file->nic, suffix);
}

static void owner_name(const struct journal_file *file, uint32_t id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s.%" PRIu32 ".owner", file->nic, id);
}

/* What errors call a file of the directory, or, without a name, the directory. Of one that is too
 * long the end is kept. */
static void path_of(const char *dir, const char *name, char path[PATH_SIZE])
{
	size_t len, cut;

	len = (size_t)snprintf(path, PATH_SIZE, "%s%s%s", dir, name ? "/" : "", name ? name : "");
	if (len < PATH_SIZE || !name)
		return;
	cut = len - (PATH_SIZE - 1) + strlen("...");
	if (cut > strlen(dir))
		cut = strlen(dir);
	len = (size_t)snprintf(path, PATH_SIZE, "...%s/%s", dir + cut, name);
	if (len >= PATH_SIZE)
		path[PATH_SIZE - 1] = '\0';
}

/* A call on a file of the directory failed, or on the directory itself. */
static int failed(struct devmem_error *err, int code, const char *operation, const char *dir,
		  const char *name)
{
	char path[PATH_SIZE];

	path_of(dir, name, path);
	error_system(err, code, operation, path, NULL);
	switch (-code) {
	case EACCES:
	case EPERM:
		error_hint(err,
			   "run it as root; with CAP_NET_ADMIN alone, name another directory, for "
			   "all users of the interface (--runtime-dir, options.dir)");
		break;
	case ELOOP:
		error_hint(err, "symbolic links are not followed here: remove it");
		break;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EROFS:
		error_hint(err,
			   "%s must have room for a journal of a few KiB; or choose another "
			   "directory, for all users of the interface (--runtime-dir, options.dir)",
			   dir);
		break;
	default:
		break;
	}
	return code;
}

bool journal_nic_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* No path, and nothing that sys_list_dir() leaves out. */
static bool nic_ok(const char *nic, size_t len)
{
	size_t i;

	if (!len || len >= JOURNAL_NIC_SIZE || nic[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!journal_nic_char(nic[i]))
			return false;
	return true;
}

static int open_dir(const char *dir)
{
	return sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
}

/* Nobody but its owner may put files there, and that must be somebody to trust. */
static int check_dir(const char *dir, int fd, struct devmem_error *err)
{
	uint32_t me = sys_geteuid();
	struct sys_stat st;
	int ret;

	ret = sys_fstat(fd, &st);
	if (ret)
		return failed(err, ret, "fstat", dir, NULL);
	if (st.uid != me && st.uid != 0)
		return error_missing(err, -EPERM, "open", dir,
				     "belongs to user %" PRIu32 "; a runtime directory must belong "
				     "to root or to who uses it, with mode 0700",
				     st.uid);
	if (st.mode & WRITABLE_BY_OTHERS)
		return error_missing(
			err, -EPERM, "open", dir,
			"others may write to it, its mode is %04o; a runtime directory "
			"is its owner's alone: chmod 0700 it",
			(unsigned int)(st.mode & 07777));
	return 0;
}

int journal_file_open(struct journal_file *file, const char *dir, const char *nic, bool create,
		      struct devmem_error *err)
{
	int fd, ret;

	file->dir_fd = file->lock_fd = -1;
	file->dir = dir;
	file->nic[0] = '\0';
	if (nic && !nic_ok(nic, strlen(nic)))
		return error_input(err, -EINVAL, nic, "no interface's journal is called so");
	if (nic)
		snprintf(file->nic, sizeof(file->nic), "%s", nic);
	fd = open_dir(dir);
	if (fd == -ENOENT && !create)
		return fd;
	if (fd == -ENOENT) {
		ret = sys_mkdir(dir, DIR_MODE);
		if (ret && ret != -EEXIST) {
			failed(err, ret, "mkdir", dir, NULL);
			if (ret == -ENOENT)
				error_hint(err, "make the directory that it is to lie in");
			return ret;
		}
		fd = open_dir(dir);
	}
	if (fd < 0) {
		failed(err, fd, "open", dir, NULL);
		if (fd == -ENOTDIR) {
			error_hint(err, "a runtime directory is a directory, and no symbolic link");
			error_kind(err, DEVMEM_ERROR_INPUT);
		}
		return fd;
	}
	ret = check_dir(dir, fd, err);
	if (ret) {
		sys_close(fd);
		return ret;
	}
	file->dir_fd = fd;
	return 0;
}

void journal_file_close(struct journal_file *file)
{
	if (file->lock_fd >= 0)
		journal_file_unlock(file);
	if (file->dir_fd >= 0)
		sys_close(file->dir_fd);
	file->dir_fd = -1;
}

/* Whether the name is still that of the open file: a process that unlocks may have removed it. */
static int still_named(const struct journal_file *file, const char *name, int fd,
		       struct devmem_error *err)
{
	struct sys_stat ours, named;
	int ret;

	ret = sys_fstat(fd, &ours);
	if (ret)
		return failed(err, ret, "fstat", file->dir, name);
	ret = sys_statat(file->dir_fd, name, &named);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return failed(err, ret, "stat", file->dir, name);
	return ours.dev == named.dev && ours.ino == named.ino;
}

/* One try: the locked file's descriptor; -EAGAIN, without an error text, if there must be
 * another. */
static int try_lock(const struct journal_file *file, const char *name, struct devmem_error *err)
{
	int fd, ret;

	fd = sys_openat(file->dir_fd, name, O_RDWR | O_CREAT, FILE_MODE);
	if (fd < 0)
		return failed(err, fd, "open", file->dir, name);
	ret = sys_flock(fd, LOCK_EX | LOCK_NB);
	if (ret == -EWOULDBLOCK)
		goto close_fd;
	if (ret) {
		failed(err, ret, "flock", file->dir, name);
		goto close_fd;
	}
	ret = still_named(file, name, fd, err);
	if (ret > 0)
		return fd;
	if (!ret)
		ret = -EAGAIN;
close_fd:
	sys_close(fd);
	return ret;
}

int journal_file_lock(struct journal_file *file, uint32_t wait_ms, struct devmem_error *err)
{
	uint64_t deadline = sys_clock_ms() + wait_ms, now;
	char name[NAME_SIZE], path[PATH_SIZE];
	int ret;

	name_of(file, ".lock", name);
	for (;;) {
		ret = try_lock(file, name, err);
		if (ret >= 0)
			break;
		if (ret != -EAGAIN)
			return ret;
		now = sys_clock_ms();
		if (now >= deadline) {
			path_of(file->dir, name, path);
			error_missing(err, -EBUSY, "flock", path,
				      "another process is changing the interface, and holds this "
				      "lock for more than %" PRIu32 " ms; try again",
				      wait_ms);
			error_kind(err, DEVMEM_ERROR_REFUSED);
			return -EBUSY;
		}
		sys_poll(NULL, 0,
			 deadline - now < LOCK_POLL_MS ? (int)(deadline - now) : LOCK_POLL_MS);
	}
	file->lock_fd = ret;
	return 0;
}

void journal_file_unlock(struct journal_file *file)
{
	char name[NAME_SIZE];
	struct sys_stat st;

	if (file->lock_fd < 0)
		return;
	name_of(file, ".journal", name);
	if (sys_statat(file->dir_fd, name, &st) == -ENOENT) {
		name_of(file, ".lock", name);
		sys_unlink(file->dir_fd, name);
	}
	/* A child that another thread forked meanwhile has the open file too. */
	sys_flock(file->lock_fd, LOCK_UN);
	sys_close(file->lock_fd);
	file->lock_fd = -1;
}

/* -EFBIG: longer than any journal. */
static int read_whole(int fd, char **text, size_t *len)
{
	size_t size = READ_FIRST;
	char *buf = NULL, *more;
	ssize_t n;

	*text = NULL;
	*len = 0;
	for (;;) {
		if (!buf || *len == size) {
			size *= buf ? 2 : 1;
			more = realloc(buf, size);
			if (!more) {
				n = -ENOMEM;
				break;
			}
			buf = more;
		}
		n = sys_read(fd, buf + *len, size - *len);
		if (n < 0)
			break;
		if (!n) {
			*text = buf;
			return 0;
		}
		*len += (size_t)n;
		if (*len > JOURNAL_TEXT_MAX) {
			n = -EFBIG;
			break;
		}
	}
	free(buf);
	return (int)n;
}

/* The file's bytes are no journal: those in this line or, with 0, all of them. */
static int damaged(const struct journal_file *file, const char *name, const char *how,
		   unsigned int line, struct devmem_error *err)
{
	char path[PATH_SIZE], where[24] = "";

	path_of(file->dir, name, path);
	if (line)
		snprintf(where, sizeof(where), "line %u ", line);
	error_missing(err, -EBADMSG, "load", path,
		      "%s%s; the journal says what to put back on the interface: if that is as it "
		      "should be, remove %s/%s",
		      where, how, file->dir, name);
	error_kind(err, DEVMEM_ERROR_REFUSED);
	return -EBADMSG;
}

int journal_file_load(const struct journal_file *file, struct journal *journal,
		      struct devmem_error *err)
{
	char name[NAME_SIZE], *text;
	unsigned int line = 0;
	size_t len;
	int fd, ret;

	memset(journal, 0, sizeof(*journal));
	name_of(file, ".journal", name);
	fd = sys_openat(file->dir_fd, name, O_RDONLY, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return failed(err, fd, "open", file->dir, name);
	ret = read_whole(fd, &text, &len);
	sys_close(fd);
	if (ret == -EFBIG)
		return damaged(file, name, "longer than any journal", 0, err);
	if (ret)
		return failed(err, ret, "read", file->dir, name);
	ret = journal_read(journal, text, len, &line);
	free(text);
	if (ret == -EBADMSG)
		return damaged(file, name,
			       line ? "is damaged, or of another version of libdevmem"
				    : "damaged: it was cut off or changed",
			       line, err);
	if (ret)
		return failed(err, ret, "load", file->dir, name);
	return 0;
}

static int write_whole(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len) {
		n = sys_write(fd, text, len);
		if (n < 0)
			return (int)n;
		if (!n)
			return -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Writes the text to the disk under this name. */
static int put_file(const struct journal_file *file, const char *name, const char *text, size_t len,
		    struct devmem_error *err)
{
	const char *operation;
	int fd, ret, closed;

	fd = sys_openat(file->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE);
	if (fd < 0)
		return failed(err, fd, "open", file->dir, name);
	operation = "write";
	ret = write_whole(fd, text, len);
	if (!ret) {
		operation = "fsync";
		ret = sys_fsync(fd);
	}
	closed = sys_close(fd);
	if (!ret) {
		operation = "close";
		ret = closed;
	}
	return ret ? failed(err, ret, operation, file->dir, name) : 0;
}

int journal_file_save(const struct journal_file *file, const struct journal *journal,
		      struct devmem_error *err)
{
	char name[NAME_SIZE], name_new[NAME_SIZE], *text;
	size_t len;
	int ret;

	name_of(file, ".journal", name);
	name_of(file, ".journal.new", name_new);
	if (journal_empty(journal)) {
		ret = sys_unlink(file->dir_fd, name);
		return ret && ret != -ENOENT ? failed(err, ret, "unlink", file->dir, name) : 0;
	}
	ret = journal_write(journal, &text, &len);
	if (ret)
		return failed(err, ret, "save", file->dir, name);
	ret = put_file(file, name_new, text, len, err);
	free(text);
	if (ret)
		goto unlink_new;
	ret = sys_rename(file->dir_fd, name_new, name);
	if (ret) {
		failed(err, ret, "rename", file->dir, name);
		goto unlink_new;
	}
	return 0;
unlink_new:
	sys_unlink(file->dir_fd, name_new);
	return ret;
}

/* 1: an owner holds the open file, 0: nobody does, or a negative errno. Tries a shared lock, so
 * that two that check at once, or an owner's watcher, don't mistake each other for the owner. */
static int held(int fd)
{
	int ret = sys_flock(fd, LOCK_SH | LOCK_NB);

	if (ret == -EWOULDBLOCK)
		return 1;
	if (ret)
		return ret;
	return sys_flock(fd, LOCK_UN);
}

/* The same of a name. -ENOENT, without an error text: no such file. */
static int name_held(const struct journal_file *file, const char *name, struct devmem_error *err)
{
	int fd, ret;

	fd = sys_openat(file->dir_fd, name, O_RDONLY, 0);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return failed(err, fd, "open", file->dir, name);
	ret = held(fd);
	sys_close(fd);
	return ret < 0 ? failed(err, ret, "flock", file->dir, name) : ret;
}

static int remove_file(const struct journal_file *file, const char *name, struct devmem_error *err)
{
	int ret = sys_unlink(file->dir_fd, name);

	return ret && ret != -ENOENT ? failed(err, ret, "unlink", file->dir, name) : 0;
}

/* Removes an owner's file that nobody holds, whatever the journal says. 1: somebody does. */
static int remove_stray(const struct journal_file *file, const char *name, struct devmem_error *err)
{
	int ret = name_held(file, name, err);

	if (ret == -ENOENT)
		return 0;
	return ret ? ret : remove_file(file, name, err);
}

static int lock_owner(int fd)
{
	int ret, tries;

	for (tries = 0; tries < OWNER_TRIES; tries++) {
		ret = sys_flock(fd, LOCK_EX | LOCK_NB);
		if (ret != -EWOULDBLOCK)
			return ret;
		sys_poll(NULL, 0, LOCK_POLL_MS);
	}
	return -EBUSY;
}

int journal_owner_create(const struct journal_file *file, uint32_t id, struct devmem_error *err)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL;
	char name[NAME_SIZE], path[PATH_SIZE];
	int fd, ret;

	owner_name(file, id, name);
	fd = sys_openat(file->dir_fd, name, flags, FILE_MODE);
	if (fd == -EEXIST) {
		ret = remove_stray(file, name, err);
		if (ret > 0) {
			path_of(file->dir, name, path);
			error_missing(err, -EBUSY, "flock", path,
				      "a process holds this file of a reservation that the journal "
				      "doesn't know; end that process");
			error_kind(err, DEVMEM_ERROR_REFUSED);
			return -EBUSY;
		}
		if (ret)
			return ret;
		fd = sys_openat(file->dir_fd, name, flags, FILE_MODE);
	}
	if (fd < 0)
		return failed(err, fd, "open", file->dir, name);
	ret = lock_owner(fd);
	if (ret) {
		failed(err, ret, "flock", file->dir, name);
		sys_unlink(file->dir_fd, name);
		sys_close(fd);
		return ret;
	}
	return fd;
}

int journal_owner_alive(const struct journal_file *file, uint32_t id, struct devmem_error *err)
{
	char name[NAME_SIZE];
	int ret;

	owner_name(file, id, name);
	ret = name_held(file, name, err);
	return ret == -ENOENT ? 0 : ret;
}

int journal_owner_open(const struct journal_file *file, uint32_t id, struct devmem_error *err)
{
	char name[NAME_SIZE];
	int fd;

	owner_name(file, id, name);
	fd = sys_openat(file->dir_fd, name, O_RDONLY, 0);
	if (fd < 0 && fd != -ENOENT)
		return failed(err, fd, "open", file->dir, name);
	return fd;
}

int journal_owner_wait(int fd, struct devmem_error *err)
{
	int ret = sys_flock(fd, LOCK_SH);

	if (!ret)
		ret = sys_flock(fd, LOCK_UN);
	return ret ? error_system(err, ret, "flock", "the owner's file", NULL) : 0;
}

int journal_owner_remove(const struct journal_file *file, uint32_t id, struct devmem_error *err)
{
	char name[NAME_SIZE];

	owner_name(file, id, name);
	return remove_file(file, name, err);
}

/* The number in "NIC.NUMBER.owner", written as owner_name() does; 0: the name is another. */
static uint32_t owner_of(const struct journal_file *file, const char *name)
{
	const char *p = name + strlen(file->nic);
	char again[NAME_SIZE];
	uint64_t id;

	if (strncmp(name, file->nic, strlen(file->nic)) || *p++ != '.' ||
	    !number_next(&p, p + strlen(p), UINT32_MAX, &id))
		return 0;
	owner_name(file, (uint32_t)id, again);
	return strcmp(name, again) ? 0 : (uint32_t)id;
}

struct sweep {
	const struct journal_file *file;
	const struct journal *journal;
	struct devmem_error *err;
	int code; /* of a failure that has its text */
};

static int sweep_one(const char *name, void *arg)
{
	struct sweep *sweep = arg;
	uint32_t id = owner_of(sweep->file, name);
	int ret;

	if (!id || journal_find(sweep->journal, id))
		return 0;
	ret = remove_stray(sweep->file, name, sweep->err);
	sweep->code = ret < 0 ? ret : 0;
	return sweep->code;
}

int journal_owner_sweep(const struct journal_file *file, const struct journal *journal,
			struct devmem_error *err)
{
	struct sweep sweep = { .file = file, .journal = journal, .err = err };
	char name[NAME_SIZE];
	int ret;

	name_of(file, ".journal.new", name);
	ret = remove_file(file, name, err);
	if (ret)
		return ret;
	ret = sys_list_dir(file->dir, sweep_one, &sweep);
	return ret && !sweep.code ? failed(err, ret, "open", file->dir, NULL) : ret;
}

struct names {
	char (*nics)[JOURNAL_NIC_SIZE];
	size_t n;
};

/* How long the nic is in the name of one of its files, 0 if it's no such name. */
static size_t nic_len(const char *name)
{
	static const char *const suffixes[] = { ".journal", ".journal.new", ".lock", ".owner" };
	size_t len = strlen(name), end = 0, i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !end; i++) {
		if (len > strlen(suffixes[i]) &&
		    !strcmp(name + len - strlen(suffixes[i]), suffixes[i]))
			end = len - strlen(suffixes[i]);
	}
	if (end && !strcmp(name + end, ".owner")) {
		while (end && name[end - 1] >= '0' && name[end - 1] <= '9')
			end--;
		end = end && name[end - 1] == '.' ? end - 1 : 0;
	}
	return nic_ok(name, end) ? end : 0;
}

static int collect(const char *name, void *arg)
{
	struct names *names = arg;
	size_t len = nic_len(name), i;
	void *more;

	for (i = 0; i < names->n; i++) {
		if (strlen(names->nics[i]) == len && !strncmp(names->nics[i], name, len))
			return 0;
	}
	if (!len)
		return 0;
	more = array_grow(names->nics, names->n, sizeof(names->nics[0]));
	if (!more)
		return -ENOMEM;
	names->nics = more;
	snprintf(names->nics[names->n++], JOURNAL_NIC_SIZE, "%.*s", (int)len, name);
	return 0;
}

/* The names are collected first: fn may well write journals, which would turn up again. */
int journal_file_each(const struct journal_file *file, int (*fn)(const char *nic, void *arg),
		      void *arg, struct devmem_error *err)
{
	struct names names = { 0 };
	size_t i;
	int ret;

	ret = sys_list_dir(file->dir, collect, &names);
	if (ret)
		failed(err, ret, "open", file->dir, NULL);
	for (i = 0; i < names.n && !ret; i++)
		ret = fn(names.nics[i], arg);
	free(names.nics);
	return ret;
}
