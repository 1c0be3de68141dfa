// SPDX-License-Identifier: BSD-3-Clause
/* Journals on the running system's files, used by several processes. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "reserve/journal_file.h"
#include "core/sys.h"

#define NIC "virtual-if7"
#define LONG_MS 20000
#define COUNTERS 3
#define ROUNDS 40

static char dir[64];
static struct journal_file file;
static struct devmem_error err;

/* A word between two processes, in one direction. */
struct word {
	int fds[2];
};

static void word_open(struct word *word)
{
	assert_int_equal(pipe(word->fds), 0);
}

static void word_say(struct word *word)
{
	if (write(word->fds[1], "x", 1) != 1)
		abort();
}

static void word_hear(struct word *word)
{
	char c;

	if (read(word->fds[0], &c, 1) != 1)
		abort();
}

static void word_close(struct word *word)
{
	close(word->fds[0]);
	close(word->fds[1]);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(name) : unlink(name);
}

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/devmem-journal-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	memset(&err, 0, sizeof(err));
	return journal_file_open(&file, dir, NIC, false, &err);
}

static int end(void **state)
{
	(void)state;
	journal_file_close(&file);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* In a child: whatever is wrong shows as its exit status. */
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what,              \
				err.message);                                                      \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* As fork(), of one that doesn't outlive a test that failed for long. */
static pid_t child(void)
{
	pid_t pid = fork();

	if (!pid)
		alarm(60);
	return pid;
}

static void ended_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool exists(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !lstat(path, &st);
}

/* The journal with so many owners and this number. */
static int save(uint32_t ifindex, uint32_t owners)
{
	struct journal journal = { .ifindex = ifindex, .name = "eth1" };
	struct journal_owner *owner;
	uint32_t i;
	int ret;

	strcpy(journal.boot, "01234567-89ab-4def-8123-456789abcdef");
	journal.split.used = true;
	for (i = 0; i < owners; i++) {
		owner = journal_add(&journal);
		if (!owner || journal_set_queues(owner, &i, 1))
			abort();
		strcpy(owner->command, "test");
	}
	ret = journal_file_save(&file, &journal, &err);
	journal_free(&journal);
	return ret;
}

static uint32_t saved(void)
{
	struct journal journal;
	uint32_t ifindex;

	if (journal_file_load(&file, &journal, &err))
		return UINT32_MAX;
	ifindex = journal.ifindex;
	journal_free(&journal);
	return ifindex;
}

static void test_lock_excludes(void **state)
{
	struct word locked, enough;
	uint64_t start;
	pid_t pid;

	(void)state;
	word_open(&locked);
	word_open(&enough);
	pid = child();
	if (!pid) {
		CHECK(!journal_file_lock(&file, 0, &err));
		word_say(&locked);
		word_hear(&enough);
		poll(NULL, 0, 100);
		journal_file_unlock(&file);
		_exit(0);
	}
	word_hear(&locked);
	start = sys_clock_ms();
	assert_int_equal(journal_file_lock(&file, 50, &err), -EBUSY);
	assert_true(sys_clock_ms() - start >= 49);
	assert_non_null(strstr(err.message, NIC ".lock"));
	word_say(&enough);
	assert_int_equal(journal_file_lock(&file, LONG_MS, &err), 0);
	assert_true(sys_clock_ms() - start >= 140);
	ended_well(pid);
	journal_file_unlock(&file);
	assert_false(exists(NIC ".lock"));
	word_close(&locked);
	word_close(&enough);
}

/* The lock is gone with its process, however that dies. */
static void test_lock_dies(void **state)
{
	struct word locked;
	pid_t pid;

	(void)state;
	word_open(&locked);
	pid = child();
	if (!pid) {
		CHECK(!journal_file_lock(&file, 0, &err));
		CHECK(!save(3, 1));
		word_say(&locked);
		pause();
		_exit(0);
	}
	word_hear(&locked);
	assert_int_equal(journal_file_lock(&file, 0, &err), -EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(journal_file_lock(&file, LONG_MS, &err), 0);
	assert_int_equal(saved(), 3);
	journal_file_unlock(&file);
	waitpid(pid, NULL, 0);
	word_close(&locked);
}

/* What was forked from a process that had the lock doesn't keep it. */
static void test_lock_forked(void **state)
{
	struct word enough;
	struct journal_file other;
	pid_t pid;

	(void)state;
	word_open(&enough);
	assert_int_equal(journal_file_lock(&file, 0, &err), 0);
	pid = child();
	if (!pid) {
		word_hear(&enough);
		_exit(0);
	}
	assert_int_equal(save(3, 1), 0);
	journal_file_unlock(&file);
	assert_int_equal(journal_file_open(&other, dir, NIC, false, &err), 0);
	assert_int_equal(journal_file_lock(&other, 0, &err), 0);
	journal_file_close(&other);
	word_say(&enough);
	ended_well(pid);
	word_close(&enough);
}

/* The lock's file comes and goes all the time: still one process at a time. */
static void count(void)
{
	struct journal_file mine;
	uint32_t i, now;

	CHECK(!journal_file_open(&mine, dir, NIC, false, &err));
	file = mine;
	for (i = 0; i < ROUNDS; i++) {
		int fd;
		char text[16] = "";

		CHECK(!journal_file_lock(&file, LONG_MS, &err));
		/* A counter of its own, since no journal may be there. */
		fd = sys_openat(file.dir_fd, "counter", O_RDWR | O_CREAT, 0600);
		CHECK(fd >= 0);
		CHECK(read(fd, text, sizeof(text) - 1) >= 0);
		now = (uint32_t)atoi(text) + 1;
		snprintf(text, sizeof(text), "%u", now);
		if (!(i % 8))
			poll(NULL, 0, 1);
		CHECK(pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
		close(fd);
		journal_file_unlock(&file);
	}
	journal_file_close(&file);
	_exit(0);
}

static void test_one_at_a_time(void **state)
{
	pid_t pids[COUNTERS];
	char text[16] = "";
	unsigned int i;
	int fd;

	(void)state;
	for (i = 0; i < COUNTERS; i++) {
		pids[i] = child();
		if (!pids[i])
			count();
	}
	for (i = 0; i < COUNTERS; i++)
		ended_well(pids[i]);
	fd = sys_openat(file.dir_fd, "counter", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(atoi(text), COUNTERS * ROUNDS);
	assert_false(exists(NIC ".lock"));
}

/* Readers without the lock never read half a journal. */
static void test_read_while_written(void **state)
{
	uint32_t i, now, last = 1;
	pid_t pid;

	(void)state;
	assert_int_equal(save(1, 50), 0);
	pid = child();
	if (!pid) {
		for (i = 2; i <= 200; i++)
			CHECK(!save(i, 50 + i % 7));
		_exit(0);
	}
	do {
		now = saved();
		if (now < last || now > 200)
			fail_msg("%u after %u: %s", now, last, err.message);
		last = now;
	} while (now < 200);
	ended_well(pid);
}

static void test_owner_dies(void **state)
{
	struct word made;
	pid_t owner, watcher;
	int fd;

	(void)state;
	word_open(&made);
	owner = child();
	if (!owner) {
		CHECK(journal_owner_create(&file, 1, &err) >= 0);
		word_say(&made);
		pause();
		_exit(0);
	}
	word_hear(&made);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	watcher = child();
	if (!watcher) {
		fd = journal_owner_open(&file, 1, &err);
		CHECK(fd >= 0);
		word_say(&made);
		CHECK(!journal_owner_wait(fd, &err));
		CHECK(!journal_owner_alive(&file, 1, &err));
		_exit(0);
	}
	word_hear(&made);
	poll(NULL, 0, 30);
	assert_int_equal(waitpid(watcher, NULL, WNOHANG), 0);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	assert_int_equal(kill(owner, SIGKILL), 0);
	ended_well(watcher);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 0);
	waitpid(owner, NULL, 0);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	word_close(&made);
}

/* Several wait for the same owner, and others check meanwhile: none passes for the owner. */
static void test_many_wait(void **state)
{
	pid_t pids[4];
	int fd, watch;
	size_t i, j;

	(void)state;
	fd = journal_owner_create(&file, 1, &err);
	assert_true(fd >= 0);
	for (i = 0; i < 4; i++) {
		pids[i] = child();
		if (pids[i])
			continue;
		close(fd);
		watch = journal_owner_open(&file, 1, &err);
		CHECK(watch >= 0);
		CHECK(!journal_owner_wait(watch, &err));
		for (j = 0; j < 200; j++)
			CHECK(!journal_owner_alive(&file, 1, &err));
		_exit(0);
	}
	for (i = 0; i < 100; i++)
		assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	close(fd);
	for (i = 0; i < 4; i++)
		ended_well(pids[i]);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
}

/* A child that was forked, and didn't exec, lives on for its parent; one that did doesn't. */
static void test_owner_forked(void **state)
{
	struct word made, enough;
	uint64_t start = sys_clock_ms();
	pid_t parent, pid, *other;
	int watch;

	(void)state;
	other = mmap(NULL, sizeof(*other), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_ptr_not_equal(other, MAP_FAILED);
	word_open(&made);
	word_open(&enough);
	parent = child();
	if (!parent) {
		CHECK(journal_owner_create(&file, 1, &err) >= 0);
		if (!child()) {
			word_say(&made);
			word_hear(&enough);
			_exit(0);
		}
		pid = child();
		if (!pid) {
			execl("/bin/sleep", "sleep", "20", (char *)NULL);
			_exit(0);
		}
		*other = pid;
		_exit(pid < 0);
	}
	word_hear(&made);
	ended_well(parent);
	poll(NULL, 0, 50);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	watch = journal_owner_open(&file, 1, &err);
	assert_true(watch >= 0);
	word_say(&enough);
	assert_int_equal(journal_owner_wait(watch, &err), 0);
	assert_true(sys_clock_ms() - start < 15000);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 0);
	assert_true(*other > 1);
	kill(*other, SIGKILL);
	munmap(other, sizeof(*other));
	close(watch);
	word_close(&made);
	word_close(&enough);
}

/* A disk without room, as far as one can be had without a disk. */
static void test_no_room(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(save(3, 1), 0);
	pid = child();
	if (!pid) {
		const struct rlimit limit = { 600, 600 };

		signal(SIGXFSZ, SIG_IGN);
		CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
		CHECK(save(4, 100) == -EFBIG);
		CHECK(strstr(err.message, dir) && strstr(err.message, "--runtime-dir"));
		CHECK(!exists(NIC ".journal.new"));
		CHECK(saved() == 3);
		CHECK(!save(5, 1));
		_exit(0);
	}
	ended_well(pid);
	assert_int_equal(saved(), 5);
}

/* A process without privileges, on root's directory; if the test isn't run as root, on one of its
 * own that it can't write to. */
static void test_no_right(void **state)
{
	struct journal_file mine;
	pid_t pid;

	(void)state;
	assert_int_equal(save(3, 1), 0);
	assert_int_equal(chmod(dir, geteuid() ? 0500 : 0755), 0);
	pid = child();
	if (!pid) {
		CHECK(geteuid() || !setresuid(65534, 65534, 65534));
		CHECK(!journal_file_open(&mine, dir, NIC, true, &err));
		file = mine;
		CHECK(save(4, 1) == -EACCES);
		CHECK(err.kind == DEVMEM_ERROR_MISSING);
		CHECK(strstr(err.message, "run it as root"));
		CHECK(journal_owner_create(&file, 9, &err) == -EACCES);
		CHECK(journal_file_lock(&file, 0, &err) == -EACCES);
		CHECK(strstr(err.message, NIC ".lock"));
		CHECK(strstr(err.message, "run it as root"));
		_exit(0);
	}
	ended_well(pid);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_false(exists(NIC ".journal.new"));
	assert_false(exists(NIC ".9.owner"));
	assert_int_equal(saved(), 3);
	if (geteuid())
		return;
	/* A directory that it can't look into. */
	pid = child();
	if (!pid) {
		CHECK(!setresuid(65534, 65534, 65534));
		CHECK(journal_file_open(&mine, dir, NIC, true, &err) == -EACCES);
		CHECK(strstr(err.message, "run it as root"));
		_exit(0);
	}
	ended_well(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lock_excludes, begin, end),
		cmocka_unit_test_setup_teardown(test_lock_dies, begin, end),
		cmocka_unit_test_setup_teardown(test_lock_forked, begin, end),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, begin, end),
		cmocka_unit_test_setup_teardown(test_read_while_written, begin, end),
		cmocka_unit_test_setup_teardown(test_owner_dies, begin, end),
		cmocka_unit_test_setup_teardown(test_many_wait, begin, end),
		cmocka_unit_test_setup_teardown(test_owner_forked, begin, end),
		cmocka_unit_test_setup_teardown(test_no_room, begin, end),
		cmocka_unit_test_setup_teardown(test_no_right, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
