// SPDX-License-Identifier: BSD-3-Clause
/* Journals on disk over the kernel of fake_kernel.c: whatever call fails, and wherever the process
 * dies, there is the old journal or the new one. test_journal_file_real.c has what needs
 * processes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nic/ethtool.h"
#include "fake_kernel.h"
#include "netlink/genl.h"
#include "reserve/journal_file.h"
#include "reserve/reserve.h"
#include "core/sys.h"

#define NIC "0000_03_00.0-02646d000101"
#define CALLS_MOST 64

static struct journal_file file;
static struct devmem_error err;

static void begin(void)
{
	fake_begin(FAKE_LINUX_7_3);
	memset(&err, 0, sizeof(err));
}

static void open_file(struct journal_file *f)
{
	if (journal_file_open(f, fake_dir(), NIC, false, &err))
		fail_msg("%s", err.message);
}

static void open_locked(void)
{
	open_file(&file);
	if (journal_file_lock(&file, 0, &err))
		fail_msg("%s", err.message);
}

/* Of a name in the test's directory. */
static const char *path(const char *name)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s/%s", fake_dir(), name);
	return buf;
}

static bool exists(const char *name)
{
	struct stat st;

	return !lstat(path(name), &st);
}

static void write_text(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void touch(const char *name)
{
	write_text(name, "", 0);
}

static void move(const char *from, const char *to)
{
	char old[256];

	snprintf(old, sizeof(old), "%s", path(from));
	assert_int_equal(rename(old, path(to)), 0);
}

static void same_file(const struct sys_stat *a, const struct sys_stat *b)
{
	assert_int_equal(a->dev, b->dev);
	assert_int_equal(a->ino, b->ino);
}

static void says(const char *what)
{
	if (!strstr(err.message, what))
		fail_msg("\"%s\" doesn't say \"%s\"", err.message, what);
}

/* A journal with so many owners, distinct by its interface's number. */
static void make(struct journal *journal, uint32_t ifindex, uint32_t owners)
{
	struct journal_owner *owner;
	uint32_t i;

	memset(journal, 0, sizeof(*journal));
	strcpy(journal->boot, "01234567-89ab-4def-8123-456789abcdef");
	strcpy(journal->name, "eth1");
	strcpy(journal->bus, "0000:03:00.0");
	journal->netns = 4026531840;
	journal->ifindex = ifindex;
	journal->split.used = true;
	journal->split.was = 1;
	journal->split.now = 2;
	for (i = 0; i < owners; i++) {
		owner = journal_add(journal);
		assert_non_null(owner);
		owner->pid = 4711;
		owner->since = 1700000000;
		strcpy(owner->command, "test");
		assert_int_equal(journal_set_queues(owner, &i, 1), 0);
	}
}

static void save(uint32_t ifindex, uint32_t owners)
{
	struct journal journal;

	make(&journal, ifindex, owners);
	if (journal_file_save(&file, &journal, &err))
		fail_msg("%s", err.message);
	journal_free(&journal);
}

static void save_empty(void)
{
	const struct journal journal = { 0 };

	if (journal_file_save(&file, &journal, &err))
		fail_msg("%s", err.message);
}

/* The number of the journal that is there; 0: none. */
static uint32_t saved(void)
{
	struct journal journal;
	uint32_t ifindex;

	if (journal_file_load(&file, &journal, &err))
		fail_msg("%s", err.message);
	ifindex = journal.ifindex;
	assert_int_equal(journal_empty(&journal), !ifindex);
	journal_free(&journal);
	return ifindex;
}

/* ---- names ---- */

static void name_is(struct genl *genl, const struct fake_nic *nic, const char *expected)
{
	struct nic dev = { .genl = genl, .ifindex = nic->ifindex };
	char name[JOURNAL_NIC_SIZE];

	snprintf(dev.name, sizeof(dev.name), "%s", nic->name);
	if (reserve_nic_name(&dev, name, &err))
		fail_msg("%s", err.message);
	assert_string_equal(name, expected);
}

static void test_nic_name(void **state)
{
	struct fake_nic *rich, *poor;
	struct nic dev;
	char name[JOURNAL_NIC_SIZE];
	struct genl *genl;

	(void)state;
	begin();
	rich = fake_nic_rich("eth1");
	poor = fake_nic_poor("veth0");
	assert_int_equal(genl_open(&genl, &err), 0);
	rich->addr_len = 6;
	memcpy(rich->perm_addr, "\x02\x64\x6d\x00\x01\x01", 6);
	name_is(genl, rich, NIC);
	/* Not by its interface's name. */
	strcpy(rich->name, "other");
	name_is(genl, rich, NIC);
	strcpy(rich->name, "eth1");
	strcpy(rich->bus, "../a b/\xc3\xa4%");
	name_is(genl, rich, "_._a_b____-02646d000101");
	rich->bus[0] = '\0';
	name_is(genl, rich, "virtual-02646d000101");
	/* Without an address: which of its device's interfaces it is. */
	memset(rich->perm_addr, 0, sizeof(rich->perm_addr));
	strcpy(rich->bus, "0000:03:00.0");
	name_is(genl, rich, "0000_03_00.0-port0");
	fake_device_port("eth1", "1\n");
	name_is(genl, rich, "0000_03_00.0-port1");
	rich->bus[0] = '\0';
	name_is(genl, rich, "virtual-4026531840-if3");
	name_is(genl, poor, "virtual-4026531840-if4");
	fake_netns(17);
	rich->driver[0] = '\0';
	name_is(genl, rich, "virtual-17-if3");
	/* As long as it can be. */
	strcpy(rich->driver, "dmsim");
	memset(rich->bus, 'b', sizeof(rich->bus) - 1);
	rich->bus[sizeof(rich->bus) - 1] = '\0';
	rich->addr_len = 20;
	memset(rich->perm_addr, 0xaa, 20);
	rich->perm_addr[19] = 0x01;
	name_is(genl, rich,
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa01");
	rich->present = false;
	dev = (struct nic){ .genl = genl, .ifindex = rich->ifindex, .name = "eth1" };
	assert_int_equal(reserve_nic_name(&dev, name, &err), -ENODEV);
	says("eth1");
	genl_close(genl);
	fake_end();
}

/* ---- the directory ---- */

static void refused(const char *dir, bool create, int code, int kind, const char *what)
{
	const unsigned int first = fake_calls();

	memset(&err, 0, sizeof(err));
	assert_int_equal(journal_file_open(&file, dir, NIC, create, &err), code);
	assert_true(fake_calls() > first);
	assert_int_equal(err.code, code);
	assert_int_equal(err.kind, kind);
	says(dir);
	says(what);
	/* Nothing to close, and no harm. */
	journal_file_close(&file);
}

static void test_directory(void **state)
{
	static const mode_t good[] = { 0700, 0750, 0755, 0711, 01700 };
	static const mode_t bad[] = { 0777, 0770, 0720, 0702, 01777 };
	char dir[128], sub[160];
	struct stat st;
	mode_t mask;
	size_t i;

	(void)state;
	begin();
	snprintf(dir, sizeof(dir), "%s/run", fake_dir());
	assert_int_equal(journal_file_open(&file, dir, NIC, false, &err), -ENOENT);
	assert_int_equal(err.code, 0);
	journal_file_close(&file);
	/* One directory, not those above. */
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	refused(sub, true, -ENOENT, DEVMEM_ERROR_MISSING, "make the directory");
	mask = umask(0);
	assert_int_equal(journal_file_open(&file, dir, NIC, true, &err), 0);
	umask(mask);
	assert_string_equal(file.nic, NIC);
	assert_int_equal(file.lock_fd, -1);
	journal_file_close(&file);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(chmod(dir, good[i]), 0);
		assert_int_equal(journal_file_open(&file, dir, NIC, i & 1, &err), 0);
		journal_file_close(&file);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(dir, bad[i]), 0);
		refused(dir, i & 1, -EPERM, DEVMEM_ERROR_MISSING, "chmod 0700");
		assert_string_equal(err.subject, dir);
	}
	assert_int_equal(chmod(dir, 0700), 0);
	if (!geteuid()) {
		assert_int_equal(chown(dir, 1234, 1234), 0);
		refused(dir, true, -EPERM, DEVMEM_ERROR_MISSING, "belongs to user 1234");
		says("0700");
	}
	assert_int_equal(symlink(dir, path("link")), 0);
	snprintf(sub, sizeof(sub), "%s/link", fake_dir());
	refused(sub, true, -ENOTDIR, DEVMEM_ERROR_INPUT, "no symbolic link");
	assert_int_equal(unlink(sub), 0);
	assert_int_equal(symlink("nowhere", sub), 0);
	refused(sub, true, -ENOTDIR, DEVMEM_ERROR_INPUT, "no symbolic link");
	touch("plain");
	snprintf(sub, sizeof(sub), "%s/plain", fake_dir());
	refused(sub, true, -ENOTDIR, DEVMEM_ERROR_INPUT, "a runtime directory is a directory");
	fake_end();
}

/* Somebody else makes the directory at the same time. */
static void make_dir(void *arg)
{
	assert_int_equal(mkdir(arg, 0700), 0);
}

static void test_directory_race(void **state)
{
	char dir[128];

	(void)state;
	begin();
	snprintf(dir, sizeof(dir), "%s/run", fake_dir());
	fake_before(2, make_dir, dir);
	assert_int_equal(journal_file_open(&file, dir, NIC, true, &err), 0);
	assert_string_equal(fake_call_name(2), "sys_mkdir");
	journal_file_close(&file);
	fake_end();
}

static void test_bad_names(void **state)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		".x",
		"a/b",
		"../x",
		"a b",
		"a\n",
		"\xc3\xa4",
		"0123456789012345678901234567890123456789012345678901234567890123456789ab",
	};
	size_t i;

	(void)state;
	begin();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(journal_file_open(&file, fake_dir(), names[i], true, &err),
				 -EINVAL);
		assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
		journal_file_close(&file);
	}
	assert_int_equal(fake_calls(), 0);
	fake_end();
}

/* ---- the lock ---- */

static void test_lock(void **state)
{
	struct journal_file other;
	uint64_t start;
	struct stat st;

	(void)state;
	begin();
	open_locked();
	assert_int_equal(stat(path(NIC ".lock"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	open_file(&other);
	start = fake_clock();
	assert_int_equal(journal_file_lock(&other, 0, &err), -EBUSY);
	assert_int_equal(fake_clock(), start);
	assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
	assert_string_equal(err.operation, "flock");
	says(path(NIC ".lock"));
	says("another process is changing the interface");
	assert_int_equal(journal_file_lock(&other, 25, &err), -EBUSY);
	assert_int_equal(fake_clock(), start + 25);
	assert_int_equal(other.lock_fd, -1);
	/* Interfaces don't disturb each other. */
	strcpy(other.nic, "virtual-if7");
	assert_int_equal(journal_file_lock(&other, 0, &err), 0);
	assert_true(exists("virtual-if7.lock"));
	journal_file_close(&other);
	assert_false(exists("virtual-if7.lock"));
	/* Without a journal the file goes, with one it stays. */
	journal_file_unlock(&file);
	journal_file_unlock(&file);
	assert_false(exists(NIC ".lock"));
	assert_int_equal(journal_file_lock(&file, 0, &err), 0);
	save(3, 1);
	journal_file_unlock(&file);
	assert_true(exists(NIC ".lock"));
	assert_int_equal(journal_file_lock(&file, 0, &err), 0);
	save_empty();
	journal_file_close(&file);
	assert_false(exists(NIC ".lock"));
	fake_end();
}

static void unlock_other(void *arg)
{
	journal_file_unlock(arg);
}

/* It is free while we wait; its holder removes the file, or not. */
static void test_lock_waits(void **state)
{
	struct journal_file other;
	uint64_t start;
	int keep;

	(void)state;
	for (keep = 0; keep < 2; keep++) {
		begin();
		open_locked();
		if (keep)
			save(3, 1);
		open_file(&other);
		start = fake_clock();
		/* The sixth try or so. */
		fake_before(fake_calls() + 20, unlock_other, &file);
		assert_int_equal(journal_file_lock(&other, 30000, &err), 0);
		assert_true(fake_clock() - start >= 20);
		assert_true(fake_clock() - start <= 100);
		assert_true(exists(NIC ".lock"));
		assert_int_equal(journal_file_lock(&file, 0, &err), -EBUSY);
		journal_file_close(&other);
		assert_int_equal(journal_file_lock(&file, 0, &err), 0);
		save_empty();
		journal_file_close(&file);
		fake_end();
	}
}

static void remove_lock(void *arg)
{
	(void)arg;
	unlink(path(NIC ".lock"));
}

static void replace_lock(void *arg)
{
	struct stat before, after;

	(void)arg;
	assert_int_equal(stat(path(NIC ".lock"), &before), 0);
	touch("another");
	move("another", NIC ".lock");
	assert_int_equal(stat(path(NIC ".lock"), &after), 0);
	assert_true(before.st_ino != after.st_ino);
}

/* Whoever unlocks removes the file while we have opened it: a lock on that is worth nothing. */
static void test_lock_race(void **state)
{
	static void (*const what[])(void *arg) = { remove_lock, replace_lock };
	struct sys_stat ours, named;
	unsigned int at;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		/* Before flock, before fstat, before stat. */
		for (at = 2; at <= 4; at++) {
			begin();
			open_file(&file);
			fake_before(fake_calls() + at, what[i], NULL);
			if (journal_file_lock(&file, 1000, &err))
				fail_msg("%s", err.message);
			fake_before(0, NULL, NULL);
			assert_int_equal(sys_fstat(file.lock_fd, &ours), 0);
			assert_int_equal(sys_statat(file.dir_fd, NIC ".lock", &named), 0);
			same_file(&ours, &named);
			journal_file_close(&file);
			fake_end();
		}
	}
}

/* ---- load and save ---- */

static void test_save_load(void **state)
{
	static const size_t chunks[] = { 0, 1, 7, 4096 };
	struct journal journal;
	struct stat st;
	uint32_t i;
	size_t c;

	(void)state;
	for (c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
		begin();
		open_locked();
		fake_file_chunk(chunks[c]);
		assert_int_equal(saved(), 0);
		save(3, 1);
		assert_int_equal(saved(), 3);
		assert_int_equal(stat(path(NIC ".journal"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		/* Longer than one buffer; then shorter again, over a stray. */
		save(4, 200);
		assert_int_equal(journal_file_load(&file, &journal, &err), 0);
		assert_int_equal(journal.n_owners, 200);
		for (i = 0; i < 200; i++)
			assert_int_equal(journal.owners[i].queues[0], i);
		journal_free(&journal);
		assert_int_equal(stat(path(NIC ".journal"), &st), 0);
		assert_true(st.st_size > 2 * 4096);
		touch(NIC ".journal.new");
		save(5, 0);
		assert_int_equal(saved(), 5);
		assert_false(exists(NIC ".journal.new"));
		save_empty();
		assert_false(exists(NIC ".journal"));
		save_empty();
		journal_file_close(&file);
		fake_end();
	}
}

static void damaged(const char *what)
{
	struct journal journal;

	memset(&err, 0, sizeof(err));
	memset(&journal, 0x55, sizeof(journal));
	assert_int_equal(journal_file_load(&file, &journal, &err), -EBADMSG);
	assert_int_equal(err.code, -EBADMSG);
	assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
	says(path(NIC ".journal"));
	says(what);
	says("remove");
	assert_int_equal(journal.n_owners, 0);
	journal_free(&journal);
	/* It is neither removed nor replaced. */
	assert_true(exists(NIC ".journal"));
}

static void test_damaged(void **state)
{
	char *text;
	static char large[(1 << 20) + 1];
	struct journal journal;
	size_t len, n;

	(void)state;
	begin();
	open_locked();
	make(&journal, 3, 3);
	assert_int_equal(journal_write(&journal, &text, &len), 0);
	journal_free(&journal);
	for (n = 0; n < len; n++) {
		write_text(NIC ".journal", text, n);
		/* Without even its first line it doesn't count as a journal. */
		damaged(n < (size_t)(strchr(text, '\n') - text + 1) ? "" : "cut off");
	}
	/* In the middle, and of another version. */
	text[len / 2] ^= 0x20;
	write_text(NIC ".journal", text, len);
	damaged("changed");
	text[0] ^= 0x20;
	write_text(NIC ".journal", text, len);
	damaged("line 1 is damaged, or of another version");
	free(text);
	memset(large, 'x', sizeof(large));
	write_text(NIC ".journal", large, sizeof(large));
	damaged("longer than any journal");
	assert_int_equal(unlink(path(NIC ".journal")), 0);
	journal_file_close(&file);
	fake_end();
}

/* Links and directories in the place of files. */
static void test_no_files(void **state)
{
	struct journal journal;

	(void)state;
	begin();
	open_locked();
	save(3, 1);
	move(NIC ".journal", "elsewhere");
	assert_int_equal(symlink("elsewhere", path(NIC ".journal")), 0);
	assert_int_equal(journal_file_load(&file, &journal, &err), -ELOOP);
	says("symbolic links are not followed");
	says(path(NIC ".journal"));
	/* Replaced, not written through. */
	save(4, 1);
	assert_int_equal(saved(), 4);
	/* The temporary file. */
	assert_int_equal(symlink("elsewhere", path(NIC ".journal.new")), 0);
	make(&journal, 5, 1);
	assert_int_equal(journal_file_save(&file, &journal, &err), -ELOOP);
	assert_false(exists(NIC ".journal.new"));
	assert_int_equal(journal_file_save(&file, &journal, &err), 0);
	journal_free(&journal);
	assert_int_equal(saved(), 5);
	assert_int_equal(unlink(path(NIC ".journal")), 0);
	assert_int_equal(mkdir(path(NIC ".journal"), 0700), 0);
	assert_int_equal(journal_file_load(&file, &journal, &err), -EISDIR);
	says(path(NIC ".journal"));
	assert_int_equal(rmdir(path(NIC ".journal")), 0);
	journal_file_close(&file);
	/* The lock. */
	open_file(&file);
	assert_int_equal(symlink("elsewhere", path(NIC ".lock")), 0);
	assert_int_equal(journal_file_lock(&file, 100, &err), -ELOOP);
	assert_int_equal(unlink(path(NIC ".lock")), 0);
	assert_int_equal(symlink("elsewhere", path(NIC ".1.owner")), 0);
	assert_int_equal(journal_owner_create(&file, 1, &err), -ELOOP);
	assert_int_equal(journal_owner_alive(&file, 1, &err), -ELOOP);
	assert_int_equal(journal_owner_open(&file, 1, &err), -ELOOP);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	journal_file_close(&file);
	fake_end();
}

/* A path too long for an error's subject keeps its end, and the advice has all of it. */
static void test_long_path(void **state)
{
	char dir[256];
	struct journal journal;

	(void)state;
	begin();
	snprintf(dir, sizeof(dir), "%s/%0*d", fake_dir(), 100, 7);
	assert_int_equal(journal_file_open(&file, dir, NIC, true, &err), 0);
	assert_int_equal(mkdirat(open(dir, O_RDONLY | O_CLOEXEC), NIC ".journal", 0700), 0);
	assert_int_equal(journal_file_load(&file, &journal, &err), -EISDIR);
	assert_int_equal(strlen(err.subject), sizeof(err.subject) - 1);
	assert_memory_equal(err.subject, "...0", 4);
	says("00007/" NIC ".journal: read: ");
	assert_int_equal(journal_file_lock(&file, 0, &err), 0);
	fake_fail(fake_calls() + 2, ENOSPC);
	make(&journal, 3, 1);
	assert_int_equal(journal_file_save(&file, &journal, &err), -ENOSPC);
	journal_free(&journal);
	says(dir);
	journal_file_close(&file);
	fake_dir_keep();
	fake_end();
}

/* ---- owners ---- */

static void wake(void *arg)
{
	(void)arg;
	fake_kill(1);
}

static void test_owner(void **state)
{
	int fd, second, watch;

	(void)state;
	begin();
	open_file(&file);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 0);
	assert_int_equal(journal_owner_open(&file, 1, &err), -ENOENT);
	assert_int_equal(err.code, 0);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	fake_process(1);
	fd = journal_owner_create(&file, 1, &err);
	assert_true(fd >= 0);
	/* A process has several. */
	second = journal_owner_create(&file, 2, &err);
	assert_true(second >= 0);
	assert_int_equal(journal_owner_alive(&file, 2, &err), 1);
	assert_int_equal(sys_close(second), 0);
	assert_int_equal(journal_owner_alive(&file, 2, &err), 0);
	fake_process(0);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	/* Checking leaves no trace. */
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	watch = journal_owner_open(&file, 1, &err);
	assert_true(watch >= 0);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	fake_on_wait(wake, NULL);
	assert_int_equal(journal_owner_wait(watch, &err), 0);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 0);
	/* Also while the watcher still has it, and while another process checks. */
	assert_int_equal(sys_flock(watch, 1 /* LOCK_SH */), 0);
	assert_int_equal(journal_owner_alive(&file, 1, &err), 0);
	assert_int_equal(journal_owner_wait(watch, &err), 0);
	sys_close(watch);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	assert_int_equal(journal_owner_remove(&file, 2, &err), 0);
	journal_file_close(&file);
	fake_end();
}

static void close_fd(void *arg)
{
	sys_close(*(int *)arg);
}

static void test_owner_stray(void **state)
{
	struct sys_stat ours, named;
	int fd, other, probe;

	(void)state;
	begin();
	open_file(&file);
	/* Left by a crash. */
	touch(NIC ".1.owner");
	fd = journal_owner_create(&file, 1, &err);
	assert_true(fd >= 0);
	assert_int_equal(sys_fstat(fd, &ours), 0);
	assert_int_equal(sys_statat(file.dir_fd, NIC ".1.owner", &named), 0);
	same_file(&ours, &named);
	assert_int_equal(ours.mode & 07777, 0600);
	/* Held, and not known. */
	other = journal_owner_create(&file, 1, &err);
	assert_int_equal(other, -EBUSY);
	assert_int_equal(err.kind, DEVMEM_ERROR_REFUSED);
	says(path(NIC ".1.owner"));
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	sys_close(fd);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	/* Another process checks between making and locking. */
	touch(NIC ".2.owner");
	probe = journal_owner_open(&file, 2, &err);
	assert_int_equal(sys_flock(probe, 1 /* LOCK_SH */), 0);
	fd = journal_owner_create(&file, 2, &err);
	assert_true(fd >= 0);
	sys_close(fd);
	assert_int_equal(sys_close(probe), 0);
	assert_int_equal(journal_owner_remove(&file, 2, &err), 0);
	journal_file_close(&file);
	fake_end();
}

static int probe_fd;

static void probe_owner(void *arg)
{
	(void)arg;
	fake_process(2);
	probe_fd = journal_owner_open(&file, 1, NULL);
	assert_true(probe_fd >= 0);
	assert_int_equal(sys_flock(probe_fd, 1 /* LOCK_SH */), 0);
}

/* Between making and locking an owner's file, another process checks whether the owner lives. */
static void test_owner_probed(void **state)
{
	unsigned int first;
	int fd;

	(void)state;
	begin();
	open_file(&file);
	first = fake_calls();
	fake_before(first + 2, probe_owner, NULL);
	fake_before(first + 6, close_fd, &probe_fd);
	fd = journal_owner_create(&file, 1, &err);
	if (fd < 0)
		fail_msg("%s", err.message);
	assert_string_equal(fake_call_name(first + 2), "sys_flock");
	assert_int_equal(journal_owner_alive(&file, 1, &err), 1);
	sys_close(fd);
	assert_int_equal(journal_owner_remove(&file, 1, &err), 0);
	/* That process doesn't go away. */
	first = fake_calls();
	fake_before(first + 2, probe_owner, NULL);
	assert_int_equal(journal_owner_create(&file, 1, &err), -EBUSY);
	assert_false(exists(NIC ".1.owner"));
	sys_close(probe_fd);
	journal_file_close(&file);
	fake_end();
}

static void test_sweep(void **state)
{
	static const char *const stays[] = {
		NIC ".1.owner", /* known */
		NIC ".7.owner", /* held */
		NIC ".0.owner",
		NIC ".03.owner",
		NIC ".+3.owner",
		NIC ".4294967296.owner",
		NIC ".99999999999999999999.owner",
		NIC ".3.owner.old",
		NIC ".3.owners",
		NIC ".3x.owner",
		NIC ".owner",
		NIC "..owner",
		NIC "3.owner",
		"x" NIC ".3.owner",
		"0000_03_00.0-02646d00010.3.owner",
		"virtual-if3.3.owner",
		"virtual-if3.journal.new",
		"notes",
	};
	static const char *const goes[] = {
		NIC ".2.owner",		 NIC ".3.owner",     NIC ".65535.owner",
		NIC ".4294967295.owner", NIC ".journal.new",
	};
	struct journal journal;
	size_t i;
	int fd;

	(void)state;
	begin();
	open_locked();
	for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		if (i != 1)
			touch(stays[i]);
	for (i = 0; i < sizeof(goes) / sizeof(goes[0]); i++)
		touch(goes[i]);
	fd = journal_owner_create(&file, 7, &err);
	assert_true(fd >= 0);
	make(&journal, 3, 1);
	if (journal_owner_sweep(&file, &journal, &err))
		fail_msg("%s", err.message);
	journal_free(&journal);
	for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		if (!exists(stays[i]))
			fail_msg("%s is gone", stays[i]);
	for (i = 0; i < sizeof(goes) / sizeof(goes[0]); i++)
		if (exists(goes[i]))
			fail_msg("%s is still there", goes[i]);
	sys_close(fd);
	journal_file_close(&file);
	fake_dir_keep();
	fake_end();
}

/* ---- all of them ---- */

struct seen {
	char names[256];
	int end_with;
	bool saves;
};

static int note(const char *nic, void *arg)
{
	struct seen *seen = arg;
	struct journal_file each;
	struct journal journal;

	strcat(seen->names, nic);
	strcat(seen->names, " ");
	if (seen->saves) {
		assert_int_equal(journal_file_open(&each, fake_dir(), nic, false, &err), 0);
		make(&journal, 8, 1);
		assert_int_equal(journal_file_save(&each, &journal, &err), 0);
		journal_free(&journal);
		journal_file_close(&each);
	}
	return seen->end_with;
}

static void test_each(void **state)
{
	static const char *const others[] = {
		".journal", ".hidden.journal", "journal",  "a b.journal", "a.journals",
		"a.owner",  ".1.owner",	       "a1.owner", "a.1.owners",  "1.owner",
	};
	/* What a crash may leave without a journal. */
	static const char *const left[] = { "a.journal.new", "a.lock", "a.1.owner" };
	struct seen seen = { .saves = true };
	size_t i;

	(void)state;
	begin();
	assert_int_equal(journal_file_open(&file, fake_dir(), NULL, false, &err), 0);
	assert_int_equal(journal_file_each(&file, note, &seen, &err), 0);
	assert_string_equal(seen.names, "");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		touch(others[i]);
	assert_int_equal(journal_file_each(&file, note, &seen, &err), 0);
	assert_string_equal(seen.names, "");
	for (i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		struct seen one = { 0 };

		touch(left[i]);
		assert_int_equal(journal_file_each(&file, note, &one, &err), 0);
		assert_string_equal(one.names, "a ");
		assert_int_equal(sys_unlink(file.dir_fd, left[i]), 0);
	}
	for (i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		touch(left[i]);
	touch("a.journal");
	touch(NIC ".journal");
	assert_int_equal(journal_file_each(&file, note, &seen, &err), 0);
	/* In any order, each once. */
	assert_int_equal(strlen(seen.names), strlen("a " NIC " "));
	assert_non_null(strstr(seen.names, "a "));
	assert_non_null(strstr(seen.names, NIC " "));
	seen = (struct seen){ .end_with = 17 };
	assert_int_equal(journal_file_each(&file, note, &seen, &err), 17);
	assert_true(!strcmp(seen.names, "a ") || !strcmp(seen.names, NIC " "));
	fake_fail(fake_calls() + 1, EIO);
	assert_int_equal(journal_file_each(&file, note, &seen, &err), -EIO);
	says(fake_dir());
	journal_file_close(&file);
	fake_dir_keep();
	fake_end();
}

/* ---- every call fails, and everywhere a crash ---- */

/* What is tried, between open_locked() and the end. 0, a descriptor or a negative errno. */
static int try_open(void)
{
	struct journal_file again;
	char dir[128];
	int ret;

	snprintf(dir, sizeof(dir), "%s/run", fake_dir());
	ret = journal_file_open(&again, dir, NIC, true, &err);
	journal_file_close(&again);
	return ret;
}

static int try_lock(void)
{
	journal_file_unlock(&file);
	return journal_file_lock(&file, 20, &err);
}

static int try_save(void)
{
	struct journal journal;
	int ret;

	make(&journal, 4, 3);
	ret = journal_file_save(&file, &journal, &err);
	journal_free(&journal);
	return ret;
}

static int try_save_empty(void)
{
	const struct journal journal = { 0 };

	return journal_file_save(&file, &journal, &err);
}

static int try_load(void)
{
	struct journal journal;
	int ret;

	ret = journal_file_load(&file, &journal, &err);
	if (ret)
		assert_true(journal_empty(&journal));
	journal_free(&journal);
	return ret;
}

static int try_create(void)
{
	int fd;

	fd = journal_owner_create(&file, 2, &err);
	if (fd < 0)
		return fd;
	sys_close(fd);
	return 0;
}

static int try_alive(void)
{
	int ret;

	ret = journal_owner_alive(&file, 3, &err);
	assert_int_not_equal(ret, 1);
	return ret;
}

static int try_wait(void)
{
	int fd, ret;

	fd = journal_owner_open(&file, 3, &err);
	if (fd < 0)
		return fd;
	ret = journal_owner_wait(fd, &err);
	sys_close(fd);
	return ret;
}

static int try_remove(void)
{
	return journal_owner_remove(&file, 3, &err);
}

static int try_sweep(void)
{
	struct journal journal;
	int ret;

	make(&journal, 3, 1);
	ret = journal_owner_sweep(&file, &journal, &err);
	journal_free(&journal);
	return ret;
}

static const struct attempt {
	const char *name;
	int (*fn)(void);
} attempts[] = {
	{ "open", try_open },
	{ "lock", try_lock },
	{ "save", try_save },
	{ "load", try_load },
	{ "save-empty", try_save_empty },
	{ "create", try_create },
	{ "alive", try_alive },
	{ "wait", try_wait },
	{ "remove", try_remove },
	{ "sweep", try_sweep },
};

#define N_ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* Journal 3, a stray of owner 2 and 3. */
static void prepare(void)
{
	begin();
	open_locked();
	save(3, 1);
	touch(NIC ".2.owner");
	touch(NIC ".3.owner");
	memset(&err, 0, sizeof(err));
}

static void tidy(void)
{
	if (file.lock_fd < 0)
		assert_int_equal(journal_file_lock(&file, 0, &err), 0);
	assert_int_equal(journal_owner_remove(&file, 2, &err), 0);
	assert_int_equal(journal_owner_remove(&file, 3, &err), 0);
	save_empty();
	journal_file_close(&file);
	fake_end();
}

/* An attempt of which this call failed: it says so, unless that did no harm. */
static void check_failure(const struct attempt *attempt, unsigned int call, int code, int ret)
{
	const bool no_right = code == EACCES || code == EPERM;

	if (!ret) {
		if (attempt->fn == try_save ||
		    (!fake_call_is_release(call) && attempt->fn != try_lock))
			fail_msg("%s: failure of %s unnoticed", attempt->name,
				 fake_call_name(call));
		return;
	}
	assert_int_equal(ret, -code);
	assert_int_equal(err.code, ret);
	assert_int_equal(err.kind, no_right ? DEVMEM_ERROR_MISSING : DEVMEM_ERROR_REFUSED);
	/* Whoever waits has nothing but a descriptor. */
	if (attempt->fn == try_wait)
		return;
	says(fake_dir());
	if (no_right)
		says("run it as root");
	else if (code != EIO)
		says("--runtime-dir");
}

/* And left nothing half done. */
static void check_journal(const struct attempt *attempt, unsigned int call, int ret)
{
	uint32_t expected = 3;

	if (!ret && attempt->fn == try_save)
		expected = 4;
	if (!ret && attempt->fn == try_save_empty)
		expected = 0;
	if (exists(NIC ".journal.new"))
		fail_msg("%s: %s failed: file left", attempt->name, fake_call_name(call));
	assert_int_equal(saved(), expected);
}

/* True if the attempt makes so many calls: that one failed. */
static bool try_failing(const struct attempt *attempt, unsigned int at, int code)
{
	unsigned int call, calls;
	int ret;

	prepare();
	call = fake_calls() + at;
	fake_fail(call, code);
	ret = attempt->fn();
	calls = fake_calls();
	fake_fail(0, 0);
	if (calls < call)
		assert_int_equal(ret, 0);
	else
		check_failure(attempt, call, code, ret);
	check_journal(attempt, call, ret);
	tidy();
	return calls >= call;
}

static void test_calls_fail(void **state)
{
	static const int codes[] = { EIO, EACCES, EPERM, ENOSPC, EROFS, EDQUOT };
	unsigned int at;
	size_t i, c;

	(void)state;
	for (i = 0; i < N_ATTEMPTS; i++) {
		for (c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
			for (at = 1; try_failing(&attempts[i], at, codes[c]); at++)
				assert_true(at < CALLS_MOST);
			assert_true(at > 1);
		}
	}
}

static void crashing(void *arg)
{
	const struct attempt *attempt = arg;

	assert_int_equal(attempt->fn(), 0);
}

/* Kills the process before call number `at`: false if the attempt makes fewer. For the next process
 * the lock is free, and it reads one of the two journals. */
static bool try_crashing(const struct attempt *attempt, unsigned int at)
{
	struct journal journal;
	uint32_t now;

	prepare();
	if (!fake_crashes(fake_calls() + at, crashing, (void *)(uintptr_t)attempt)) {
		tidy();
		return false;
	}
	fake_process(1);
	memset(&err, 0, sizeof(err));
	open_locked();
	now = saved();
	if (attempt->fn == try_save)
		assert_true(now == 3 || now == 4);
	else if (attempt->fn == try_save_empty)
		assert_true(now == 3 || now == 0);
	else
		assert_int_equal(now, 3);
	assert_int_equal(journal_owner_alive(&file, 2, &err), 0);
	assert_int_equal(journal_owner_alive(&file, 3, &err), 0);
	assert_int_equal(journal_file_load(&file, &journal, &err), 0);
	assert_int_equal(journal_owner_sweep(&file, &journal, &err), 0);
	journal_free(&journal);
	assert_false(exists(NIC ".journal.new"));
	assert_false(exists(NIC ".2.owner"));
	assert_false(exists(NIC ".3.owner"));
	tidy();
	return true;
}

static void test_crashes(void **state)
{
	unsigned int at;
	size_t i;

	(void)state;
	for (i = 0; i < N_ATTEMPTS; i++) {
		for (at = 1; try_crashing(&attempts[i], at); at++)
			assert_true(at < CALLS_MOST);
		assert_true(at > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic_name),       cmocka_unit_test(test_directory),
		cmocka_unit_test(test_directory_race), cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_lock),	       cmocka_unit_test(test_lock_waits),
		cmocka_unit_test(test_lock_race),      cmocka_unit_test(test_save_load),
		cmocka_unit_test(test_damaged),	       cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_long_path),      cmocka_unit_test(test_owner),
		cmocka_unit_test(test_owner_stray),    cmocka_unit_test(test_owner_probed),
		cmocka_unit_test(test_sweep),	       cmocka_unit_test(test_each),
		cmocka_unit_test(test_calls_fail),     cmocka_unit_test(test_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
