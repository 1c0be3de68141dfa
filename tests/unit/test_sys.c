// SPDX-License-Identifier: BSD-3-Clause
/* The calls of lib/core/sys.c on files, locks, clocks and programs, on the running system. The
 * other calls are covered by test_region_real.c and by tests/live. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/sys.h"

#define CHILD "--as-child"

static char dir[64];
static int dir_fd;

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/devmem-sys-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dir_fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	return dir_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	close(dir_fd);
	return rmdir(dir);
}

static void test_files(void **state)
{
	struct sys_stat by_fd, by_name;
	char buf[8] = "", sub[80];
	struct stat st;
	int fd;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	assert_int_equal(sys_mkdir(sub, 0700), 0);
	assert_int_equal(sys_mkdir(sub, 0700), -EEXIST);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(sys_openat(dir_fd, "a", O_RDONLY, 0), -ENOENT);
	fd = sys_openat(dir_fd, "a", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(sys_openat(dir_fd, "a", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
	assert_int_equal(sys_write(fd, "abc", 3), 3);
	assert_int_equal(sys_fsync(fd), 0);
	assert_int_equal(sys_fstat(fd, &by_fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(by_fd.dev, st.st_dev);
	assert_int_equal(by_fd.ino, st.st_ino);
	assert_int_equal(by_fd.uid, sys_geteuid());
	assert_int_equal(by_fd.mode & 07777, 0600);
	assert_int_equal(by_fd.nlink, 1);
	assert_int_equal(sys_rename(dir_fd, "a", "b"), 0);
	assert_int_equal(sys_rename(dir_fd, "a", "b"), -ENOENT);
	assert_int_equal(sys_statat(dir_fd, "a", &by_name), -ENOENT);
	assert_int_equal(sys_statat(dir_fd, "b", &by_name), 0);
	assert_int_equal(by_name.dev, by_fd.dev);
	assert_int_equal(by_name.ino, by_fd.ino);
	assert_int_equal(by_name.uid, by_fd.uid);
	assert_int_equal(by_name.mode, by_fd.mode);
	assert_int_equal(by_name.nlink, by_fd.nlink);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(sys_unlink(dir_fd, "b"), 0);
	assert_int_equal(sys_unlink(dir_fd, "b"), -ENOENT);
	assert_int_equal(sys_fstat(fd, &by_fd), 0);
	assert_int_equal(by_fd.nlink, 0);
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_write(fd, "abc", 3), -EBADF);
	assert_int_equal(rmdir(sub), 0);
}

static void test_links(void **state)
{
	struct sys_stat st;

	(void)state;
	assert_int_equal(symlinkat("/", dir_fd, "link"), 0);
	assert_int_equal(sys_openat(dir_fd, "link", O_RDONLY, 0), -ELOOP);
	assert_int_equal(sys_openat(dir_fd, "link", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	assert_int_equal(sys_statat(dir_fd, "link", &st), 0);
	assert_true(S_ISLNK(st.mode));
	assert_int_equal(sys_unlink(dir_fd, "link"), 0);
}

static void on_alarm(int number)
{
	(void)number;
}

static void test_flock(void **state)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct timespec half = { .tv_nsec = 500000000 };
	int a, b;
	pid_t pid;

	(void)state;
	a = sys_openat(dir_fd, "lock", O_RDWR | O_CREAT, 0600);
	b = sys_openat(dir_fd, "lock", O_RDONLY, 0);
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(sys_flock(a, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(sys_flock(b, LOCK_SH | LOCK_NB), -EWOULDBLOCK);
	assert_int_equal(sys_flock(a, LOCK_UN), 0);
	assert_int_equal(sys_flock(b, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(sys_flock(a, LOCK_SH | LOCK_NB), 0);
	/* A signal doesn't end the wait: the child holds the lock for longer. */
	assert_int_equal(sys_flock(b, LOCK_UN), 0);
	assert_int_equal(sys_flock(a, LOCK_EX), 0);
	sigaction(SIGALRM, &act, NULL);
	pid = fork();
	if (!pid) {
		kill(getppid(), SIGALRM);
		nanosleep(&half, NULL);
		kill(getppid(), SIGALRM);
		nanosleep(&half, NULL);
		_exit(0);
	}
	close(a);
	assert_int_equal(sys_flock(b, LOCK_SH), 0);
	assert_int_equal(sys_waitpid(pid), 0);
	assert_int_equal(sys_waitpid(pid), -ECHILD);
	close(b);
	assert_int_equal(sys_unlink(dir_fd, "lock"), 0);
}

static void test_who_and_when(void **state)
{
	uint64_t before = sys_clock_ms(), ino;
	struct stat st;
	int64_t late;

	(void)state;
	assert_int_equal(sys_geteuid(), geteuid());
	assert_int_equal(sys_getpid(), getpid());
	late = (int64_t)time(NULL) - (int64_t)sys_time();
	assert_true(late >= -2 && late <= 2);
	assert_int_equal(sys_poll(NULL, 0, 20), 0);
	assert_true(sys_clock_ms() - before >= 19);
	assert_int_equal(sys_netns(&ino), 0);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(ino, st.st_ino);
}

/* What the spawned program finds, on its standard output: one line a fact. */
static int child(int argc, char **argv)
{
	/* Numbers 32 and 33 are the C library's own. */
	const unsigned long long internal = 3ULL << 31;
	unsigned long long signals;
	char line[256];
	struct stat null, st;
	int fd, i;
	FILE *f;

	for (i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	printf("session %s\n", getsid(0) == getpid() ? "own" : "other");
	/* What is open is asked for before anything else is opened. */
	for (fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("open %d\n", fd);
	if (stat("/dev/null", &null))
		return 1;
	for (fd = 0; fd <= 2; fd += 2)
		if (fstat(fd, &st) || st.st_rdev != null.st_rdev)
			printf("no null: %d\n", fd);
	f = fopen("/proc/self/status", "r");
	if (!f)
		return 1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SigBlk: %llx", &signals) == 1 ||
		    sscanf(line, "SigIgn: %llx", &signals) == 1)
			printf("signals %llx\n", signals & ~internal);
	fclose(f);
	return 0;
}

static void spawned(const char *why)
{
	static const char expected[] = "arg me\narg " CHILD "\nsession own\n"
				       "open 0\nopen 1\nopen 2\n"
				       "signals 0\nsignals 0\n";
	char me[] = "me", mark[] = CHILD, *argv[] = { me, mark, NULL };
	char text[1024];
	size_t len = 0;
	int64_t pid;
	ssize_t n;
	int out;

	assert_int_equal(sys_spawn("/proc/self/exe", argv, &pid, &out), 0);
	assert_int_equal(fcntl(out, F_GETFD), FD_CLOEXEC);
	while ((n = sys_read(out, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_int_equal(sys_close(out), 0);
	assert_int_equal(sys_waitpid(pid), 0);
	if (strcmp(text, expected))
		fail_msg("%s: the child saw:\n%s", why, text);
}

static void test_spawn(void **state)
{
	char *argv[] = { dir, NULL };
	int fd, high, out, saved, i;
	sigset_t set, old;
	int64_t pid;

	(void)state;
	spawned("plain");
	/* Descriptors that exec would not close, signals ignored and blocked. */
	fd = open("/dev/zero", O_RDONLY);
	high = fcntl(fd, F_DUPFD, 200);
	assert_true(fd >= 0 && high >= 0);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	spawned("descriptors and signals");
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	close(high);
	close(fd);
	/* The pipe's ends are numbers that the child needs for something else. */
	for (i = 0; i < 3; i++) {
		fflush(stdout);
		saved = fcntl(i, F_DUPFD_CLOEXEC, 100);
		assert_true(saved >= 0);
		close(i);
		spawned("a standard descriptor is closed");
		dup2(saved, i);
		close(saved);
	}
	/* No program. */
	out = open("/dev/null", O_RDONLY);
	assert_int_equal(sys_spawn("/nonexistent", argv, &pid, &fd), -ENOENT);
	assert_int_equal(sys_spawn(dir, argv, &pid, &fd), -EACCES);
	/* Nothing stays open. */
	i = open("/dev/null", O_RDONLY);
	assert_int_equal(i, out + 1);
	close(i);
	close(out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_links),
		cmocka_unit_test(test_flock), cmocka_unit_test(test_who_and_when),
		cmocka_unit_test(test_spawn),
	};

	if (argc > 1 && !strcmp(argv[1], CHILD))
		return child(argc, argv);
	return cmocka_run_group_tests(tests, begin, end);
}
