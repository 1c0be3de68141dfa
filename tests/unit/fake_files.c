// SPDX-License-Identifier: BSD-3-Clause
/* Files, clocks and programs of the kernel in tests/unit: the files and their locks are real ones,
 * in a temporary directory, or in memory; what waits does so on a clock that is only counted. */
#include "fake_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

#define PID_FIRST 4711
#define CHILD_FIRST 9000
#define CHILDREN_MAX 64
#define ARGS_MAX 8
#define HOOKS_MAX 8

static struct {
	char dir[64];
	bool keep;
	size_t chunk;
	char boot[64], comm[32], device[128], port_path[64], port[8];
	uint64_t netns, time, clock;
	unsigned int process;
	const char *says;
	bool waited[CHILDREN_MAX];
	unsigned int spawns, child_of[CHILDREN_MAX];
	char args[ARGS_MAX][128];
	unsigned int n_args;
	int silent[CHILDREN_MAX];
	unsigned int n_silent;
	struct {
		unsigned int at;
		void (*fn)(void *arg);
		void *arg;
	} hooks[HOOKS_MAX];
	void (*on_wait)(void *arg);
	void *on_wait_arg;
	unsigned int crash_at;
	bool paused;
	DIR *listing;
} files;
static jmp_buf crash_point;

void fake_files_begin(void)
{
	memset(&files, 0, sizeof(files));
	fake_boot("01234567-89ab-4def-8123-456789abcdef");
	fake_comm("test");
	files.netns = 4026531840;
	files.time = 1700000000;
	files.clock = 1000000;
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

	if (files.listing)
		closedir(files.listing);
	files.listing = NULL;
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

uint64_t fake_clock(void)
{
	return files.clock;
}

void fake_clock_pass(uint64_t ms)
{
	files.clock += ms;
}

void fake_before(unsigned int at, void (*fn)(void *arg), void *arg)
{
	size_t i;

	if (!at) {
		memset(files.hooks, 0, sizeof(files.hooks));
		return;
	}
	for (i = 0; i < HOOKS_MAX; i++) {
		if (files.hooks[i].at)
			continue;
		files.hooks[i].at = at;
		files.hooks[i].fn = fn;
		files.hooks[i].arg = arg;
		return;
	}
	abort();
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

void fake_process(unsigned int process)
{
	files.process = process;
}

unsigned int fake_current_process(void)
{
	return files.process;
}

static void end_of_crash(void)
{
	files.crash_at = 0;
	__lsan_enable();
}

bool fake_crashes(unsigned int at, void (*fn)(void *arg), void *arg)
{
	__lsan_disable();
	files.crash_at = at;
	if (setjmp(crash_point)) {
		end_of_crash();
		return true;
	}
	fn(arg);
	end_of_crash();
	return false;
}

static void crash(void)
{
	unsigned int i;

	if (files.listing)
		closedir(files.listing);
	files.listing = NULL;
	fake_kill(files.process);
	/* Its children are somebody else's now. */
	for (i = 0; i < files.spawns && i < CHILDREN_MAX; i++)
		if (files.child_of[i] == files.process)
			files.waited[i] = true;
	longjmp(crash_point, 1);
}

/* Somebody else acts, perhaps through the library. */
static void act(void (*fn)(void *arg), void *arg)
{
	const unsigned int process = files.process;

	files.paused = true;
	fn(arg);
	files.paused = false;
	files.process = process;
}

bool fake_paused(void)
{
	return files.paused;
}

void fake_file_events(unsigned int call)
{
	size_t i;

	for (i = 0; i < HOOKS_MAX; i++) {
		if (files.hooks[i].at != call)
			continue;
		files.hooks[i].at = 0;
		act(files.hooks[i].fn, files.hooks[i].arg);
	}
	if (files.crash_at && call >= files.crash_at)
		crash();
}

/* ---- files ---- */

void fake_file_release(struct object *obj)
{
	fake_fs_close(obj->real);
}

short fake_file_poll(const struct object *obj, short events)
{
	return fake_fs_poll(obj->real, events);
}

static int install_file(int real)
{
	struct object *obj;
	int fd;

	if (real < 0)
		return -errno;
	obj = fake_object_new(OBJECT_FILE);
	obj->real = real;
	fd = fake_install(obj, false);
	if (fd < 0) {
		fake_fs_close(real);
		free(obj);
	}
	return fd;
}

/* The real descriptor of a file, -1: it is none. */
static int real_of(int fd)
{
	struct object *obj = fake_object(fd);

	return obj && obj->kind == OBJECT_FILE ? obj->real : -1;
}

static bool in_dir(const char *path)
{
	size_t len = strlen(files.dir);

	return len && !strncmp(path, files.dir, len) && (!path[len] || path[len] == '/') &&
	       !strstr(path, "..");
}

int sys_open(const char *path, int flags)
{
	ENTER("sys_open");
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -ENOENT;
	if (!strcmp(path, "/proc/sys/kernel/random/boot_id"))
		return install_file(fake_fs_text(files.boot));
	if (!strcmp(path, "/proc/self/comm"))
		return install_file(fake_fs_text(files.comm));
	if (files.port[0] && !strcmp(path, files.port_path))
		return install_file(fake_fs_text(files.port));
	if (files.device[0] && !strcmp(path, files.device))
		return install_file(fake_fs_text(""));
	return -ENOENT;
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	int real;
	ssize_t n;

	ENTER("sys_read");
	real = real_of(fd);
	if (real < 0)
		return -EBADF;
	if (files.chunk && len > files.chunk)
		len = files.chunk;
	n = fake_fs_read(real, buf, len);
	if (n < 0 && errno == EAGAIN)
		fake_complain("read would wait for ever");
	return n < 0 ? -errno : n;
}

int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent *entry;
	const char *name;
	size_t at = 0;
	int ret = 0;

	ENTER("sys_list_dir");
	if (!strcmp(path, "/sys/bus")) {
		ret = fn("auxiliary", arg);
		return ret ? ret : fn("pci", arg);
	}
	if (!in_dir(path))
		return -ENOENT;
	if (!strcmp(path, FAKE_FS_DIR)) {
		while (!ret && (name = fake_fs_name(&at)))
			ret = fn(name, arg);
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
			ret = fn(entry->d_name, arg);
	closedir(files.listing);
	files.listing = NULL;
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

/* The real directory to take a name in; a negative errno. */
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

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	int real;
	ssize_t n;

	ENTER("sys_write");
	real = real_of(fd);
	if (real < 0)
		return -EBADF;
	if (files.chunk && len > files.chunk)
		len = files.chunk;
	n = fake_fs_write(real, buf, len);
	return n < 0 ? -errno : n;
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
		act(files.on_wait, files.on_wait_arg);
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

int64_t sys_getpid(void)
{
	return PID_FIRST + files.process;
}

uint64_t sys_time(void)
{
	return files.time;
}

uint64_t sys_clock_ms(void)
{
	return files.clock;
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
	files.child_of[files.spawns] = files.process;
	*pid = CHILD_FIRST + files.spawns++;
	*out = fd;
	return 0;
}

int sys_waitpid(int64_t pid)
{
	int fault = fake_enter("sys_waitpid");

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
