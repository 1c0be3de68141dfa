// SPDX-License-Identifier: BSD-3-Clause
/* Files, clocks and programs of the kernel in tests/unit: the files and their locks are real ones,
 * in a temporary directory, or in memory; what waits does so on a clock that is only counted. */
#include "fake_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sys.h"

#define CHILD_FIRST 9000
#define CHILDREN_MAX 64
#define ARGS_MAX 8

static struct {
	char dir[64];
	bool keep;
	size_t chunk;
	char boot[64], comm[32], device[128], port_path[64], port[8];
	uint64_t netns, time;
	const char *says;
	bool waited[CHILDREN_MAX];
	unsigned int spawns, child_of[CHILDREN_MAX];
	char args[ARGS_MAX][128];
	unsigned int n_args;
	int silent[CHILDREN_MAX];
	unsigned int n_silent;
	void (*on_wait)(void *arg);
	void *on_wait_arg;
	DIR *listing;
} files;

void fake_files_begin(void)
{
	memset(&files, 0, sizeof(files));
	fake_boot("01234567-89ab-4def-8123-456789abcdef");
	fake_comm("test");
	files.netns = 4026531840;
	files.time = 1700000000;
	files.says = "ready\n";
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len >= n && !strcmp(name + len - n, suffix);
}

static char leftover[128];

static void look_at_leftover(const char *name)
{
	if (!leftover[0] && (ends_with(name, ".journal") || ends_with(name, ".lock") ||
			     ends_with(name, ".owner") || ends_with(name, ".new")))
		snprintf(leftover, sizeof(leftover), "file %s left", name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	look_at_leftover(path + ftw->base);
	if (type == FTW_DP || type == FTW_DNR)
		return rmdir(path);
	return unlink(path);
}

void fake_files_end(char *what, size_t size)
{
	const char *name;
	unsigned int i;
	size_t at = 0;

	fake_listing_end();
	for (i = 0; i < files.spawns && i < CHILDREN_MAX; i++)
		if (!files.waited[i] && !what[0])
			snprintf(what, size, "program number %u was not waited for", i + 1);
	leftover[0] = '\0';
	while ((name = fake_fs_name(&at)))
		look_at_leftover(name);
	fake_fs_clear();
	if (files.dir[0] && strcmp(files.dir, FAKE_FS_DIR))
		nftw(files.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (leftover[0] && !files.keep && !what[0])
		snprintf(what, size, "%s", leftover);
	while (files.n_silent)
		close(files.silent[--files.n_silent]);
	files.dir[0] = '\0';
	files.spawns = 0;
}

const char *fake_dir(void)
{
	if (files.dir[0])
		return files.dir;
	/* In memory, where there is such a place. */
	strcpy(files.dir, "/dev/shm/devmem-test-XXXXXX");
	if (mkdtemp(files.dir))
		return files.dir;
	strcpy(files.dir, "/tmp/devmem-test-XXXXXX");
	if (!mkdtemp(files.dir))
		abort();
	return files.dir;
}

void fake_dir_in_memory(void)
{
	strcpy(files.dir, FAKE_FS_DIR);
}

void fake_dir_keep(void)
{
	files.keep = true;
}

void fake_file_chunk(size_t bytes)
{
	files.chunk = bytes;
}

void fake_boot(const char *id)
{
	snprintf(files.boot, sizeof(files.boot), "%s\n", id);
}

void fake_comm(const char *name)
{
	snprintf(files.comm, sizeof(files.comm), "%s\n", name);
}

void fake_device(const char *bus, const char *address)
{
	snprintf(files.device, sizeof(files.device), "/sys/bus/%s/devices/%s/driver", bus, address);
}

void fake_device_port(const char *name, const char *port)
{
	snprintf(files.port_path, sizeof(files.port_path), "/sys/class/net/%s/dev_port", name);
	snprintf(files.port, sizeof(files.port), "%s", port);
}

void fake_netns(uint64_t ino)
{
	files.netns = ino;
}

void fake_time(uint64_t seconds)
{
	files.time = seconds;
}

void fake_on_wait(void (*fn)(void *arg), void *arg)
{
	files.on_wait = fn;
	files.on_wait_arg = arg;
}

void fake_spawn_says(const char *text)
{
	files.says = text;
}

unsigned int fake_spawns(void)
{
	return files.spawns;
}

const char *fake_spawn_arg(unsigned int i)
{
	return i < files.n_args ? files.args[i] : NULL;
}

void fake_listing_end(void)
{
	if (files.listing)
		closedir(files.listing);
	files.listing = NULL;
}

void fake_orphan(unsigned int process)
{
	unsigned int i;

	for (i = 0; i < files.spawns && i < CHILDREN_MAX; i++)
		if (files.child_of[i] == process)
			files.waited[i] = true;
}

/* ---- files ---- */

struct file {
	struct object object;
	int real;
};

static void file_release(struct object *obj)
{
	fake_fs_close(((struct file *)obj)->real);
	free(obj);
}

static size_t chunk(size_t len)
{
	return files.chunk && len > files.chunk ? files.chunk : len;
}

static ssize_t file_read(struct object *obj, void *buf, size_t len)
{
	ssize_t n = fake_fs_read(((struct file *)obj)->real, buf, chunk(len));

	if (n < 0 && errno == EAGAIN)
		fake_complain("read would wait for ever");
	return n < 0 ? -errno : n;
}

static ssize_t file_write(struct object *obj, const void *buf, size_t len)
{
	ssize_t n = fake_fs_write(((struct file *)obj)->real, buf, chunk(len));

	return n < 0 ? -errno : n;
}

static short file_poll(struct object *obj, short events)
{
	return fake_fs_poll(((struct file *)obj)->real, events);
}

static const struct object_ops file_ops = {
	.name = "file",
	.release = file_release,
	.read = file_read,
	.write = file_write,
	.poll = file_poll,
};

static int install_file(int real)
{
	struct file *file;

	if (real < 0)
		return -errno;
	file = fake_object_new(&file_ops, sizeof(*file));
	file->real = real;
	return fake_install(&file->object, false);
}

/* The real descriptor of a file, -1: it is none. */
static int real_of(int fd)
{
	const struct file *file = fake_object_of(fd, &file_ops);

	return file ? file->real : -1;
}

static bool in_dir(const char *path)
{
	size_t len = strlen(files.dir);

	return len && !strncmp(path, files.dir, len) && (!path[len] || path[len] == '/') &&
	       !strstr(path, "..");
}

int sys_open(const char *path, int flags)
{
	const struct {
		const char *path, *text;
	} texts[] = {
		{ "/proc/sys/kernel/random/boot_id", files.boot },
		{ "/proc/self/comm", files.comm },
		{ files.port_path, files.port },
		{ files.device, "" },
	};
	char number[256];
	size_t i;

	ENTER_PATH("sys_open", path);
	if (fake_number_file(path, number, sizeof(number)))
		return flags == O_RDONLY ? install_file(fake_fs_text(number)) : -EACCES;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((flags & O_ACCMODE) == O_RDONLY && !strcmp(path, texts[i].path))
			return install_file(fake_fs_text(texts[i].text));
	return fake_node_open(path);
}

int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent *entry;
	const char *name;
	size_t at = 0;
	int ret = 0;

	ENTER_PATH("sys_list_dir", path);
	if (!strcmp(path, "/sys/bus")) {
		ret = fake_call_back(fn, "auxiliary", arg);
		return ret ? ret : fake_call_back(fn, "pci", arg);
	}
	if (!in_dir(path))
		return fake_node_list(path, fn, arg);
	if (!strcmp(path, FAKE_FS_DIR)) {
		while (!ret && (name = fake_fs_name(&at)))
			ret = fake_call_back(fn, name, arg);
		return ret;
	}
	if (files.listing) {
		fake_complain("two directories listed at a time");
		return -EMFILE;
	}
	files.listing = opendir(path);
	if (!files.listing)
		return -errno;
	while (!ret && (entry = readdir(files.listing)))
		if (entry->d_name[0] != '.')
			ret = fake_call_back(fn, entry->d_name, arg);
	fake_listing_end();
	return ret;
}

int sys_mkdir(const char *path, uint32_t mode)
{
	ENTER("sys_mkdir");
	if (!in_dir(path)) {
		fake_complain("mkdir %s, outside of the test's directory", path);
		return -EACCES;
	}
	return mkdir(path, (mode_t)mode) < 0 ? -errno : 0;
}

/* The real directory that a name is looked up in, or a negative errno. */
static int directory(int dir, const char *name)
{
	int real = real_of(dir);

	if (strchr(name, '/')) {
		fake_complain("%s is not the name of a file", name);
		return -EINVAL;
	}
	return real < 0 ? -EBADF : real;
}

int sys_openat(int dir, const char *name, int flags, uint32_t mode)
{
	int real = AT_FDCWD;

	ENTER("sys_openat");
	if (dir != AT_FDCWD) {
		real = directory(dir, name);
		if (real < 0)
			return real;
	} else if (!in_dir(name)) {
		if (flags & O_CREAT)
			fake_complain("open %s, outside of the test's directory", name);
		return -ENOENT;
	}
	return install_file(fake_fs_openat(real, name, flags, (mode_t)mode));
}

static int take_stat(struct sys_stat *st, const struct stat *from, int ret)
{
	if (ret)
		return -errno;
	st->dev = from->st_dev;
	st->ino = from->st_ino;
	st->uid = from->st_uid;
	st->mode = from->st_mode;
	st->nlink = (uint32_t)from->st_nlink;
	return 0;
}

int sys_fstat(int fd, struct sys_stat *st)
{
	struct stat buf = { 0 };
	int real;

	ENTER("sys_fstat");
	real = real_of(fd);
	if (real < 0)
		return -EBADF;
	return take_stat(st, &buf, fake_fs_stat(real, &buf));
}

int sys_statat(int dir, const char *name, struct sys_stat *st)
{
	struct stat buf = { 0 };
	int real;

	ENTER("sys_statat");
	real = directory(dir, name);
	if (real < 0)
		return real;
	return take_stat(st, &buf, fake_fs_statat(real, name, &buf));
}

int sys_fsync(int fd)
{
	ENTER("sys_fsync");
	return real_of(fd) < 0 ? -EBADF : 0;
}

int sys_rename(int dir, const char *from, const char *to)
{
	int real;

	ENTER("sys_rename");
	real = directory(dir, from);
	if (real >= 0)
		real = directory(dir, to);
	if (real < 0)
		return real;
	return fake_fs_rename(real, from, to) < 0 ? -errno : 0;
}

int sys_unlink(int dir, const char *name)
{
	int real;

	ENTER("sys_unlink");
	real = directory(dir, name);
	if (real < 0)
		return real;
	return fake_fs_unlink(real, name) < 0 ? -errno : 0;
}

int sys_flock(int fd, int operation)
{
	int real, ret;

	ENTER("sys_flock");
	real = real_of(fd);
	if (real < 0)
		return -EBADF;
	ret = fake_fs_flock(real, operation) < 0 ? -errno : 0;
	if (ret != -EWOULDBLOCK || (operation & LOCK_NB))
		return ret;
	if (files.on_wait)
		fake_act(files.on_wait, files.on_wait_arg);
	ret = fake_fs_flock(real, operation) < 0 ? -errno : 0;
	if (ret == -EWOULDBLOCK) {
		fake_complain("flock would wait for ever");
		return -EDEADLK;
	}
	return ret;
}

/* ---- who, when, and programs ---- */

uint32_t sys_geteuid(void)
{
	return geteuid();
}

uint64_t sys_time(void)
{
	return files.time;
}

int sys_netns(uint64_t *ino)
{
	ENTER("sys_netns");
	*ino = files.netns;
	return 0;
}

int sys_spawn(const char *path, char *const argv[], int64_t *pid, int *out)
{
	int ends[2], fd;
	size_t i;

	ENTER("sys_spawn");
	if (files.spawns == CHILDREN_MAX)
		return -EAGAIN;
	fake_note("spawn %s", path);
	for (i = 0; argv[i] && i < ARGS_MAX; i++)
		snprintf(files.args[i], sizeof(files.args[i]), "%s", argv[i]);
	files.n_args = (unsigned int)i;
	if (files.says) {
		fd = install_file(fake_fs_text(files.says));
	} else {
		/* Stays silent: the other end lives as long as this process. */
		if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
			abort();
		files.silent[files.n_silent++] = ends[1];
		fd = install_file(ends[0]);
	}
	if (fd < 0)
		return fd;
	files.child_of[files.spawns] = fake_current_process();
	*pid = CHILD_FIRST + files.spawns++;
	*out = fd;
	return 0;
}

int sys_waitpid(int64_t pid)
{
	ENTER_FAULTY("sys_waitpid", NULL);
	/* Somebody else has waited for it. */
	if (fault && pid >= CHILD_FIRST && pid < CHILD_FIRST + files.spawns)
		files.waited[pid - CHILD_FIRST] = true;
	if (fault)
		return fault;
	if (pid < CHILD_FIRST || pid >= CHILD_FIRST + files.spawns ||
	    files.waited[pid - CHILD_FIRST])
		return -ECHILD;
	files.waited[pid - CHILD_FIRST] = true;
	return 0;
}
