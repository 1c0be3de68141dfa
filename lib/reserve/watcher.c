// SPDX-License-Identifier: BSD-3-Clause
/* The watcher, the process that outlives an owner that is killed: starting it, and what it does. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/sys.h"

/* So often a watcher checks whether a dead owner's queues are free at last. */
#define BOUND_POLL_MS 1000

/* ---- starting it ---- */

/* Reads what the watcher prints until it closes its standard output. */
static int read_answer(int fd, char *answer, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;

	while (len < size - 1) {
		n = sys_read(fd, answer + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return n < 0 ? (int)n : 0;
}

int reserve_start_watcher(const struct reserve *r, uint32_t id, struct devmem_error *err)
{
	const char *path = r->options.watcher;
	char number[12], answer[512];
	char *argv[] = {
		(char *)path, (char *)r->options.dir, (char *)r->file.nic, number, NULL,
	};
	int64_t pid;
	int out, ret;

	snprintf(number, sizeof(number), "%" PRIu32, id);
	ret = sys_spawn(path, argv, &pid, &out);
	if (ret)
		return error_system(err, ret, "start", path,
				    "this is the watcher, which puts the interface back if this "
				    "process is killed: install it, or do without "
				    "(DEVMEM_RESERVATION_NO_WATCHER, --no-watcher)");
	ret = read_answer(out, answer, sizeof(answer));
	sys_close(out);
	/* Its first process exits once it has answered. It may have been waited for already. */
	sys_waitpid(pid);
	if (ret)
		return error_system(err, ret, "read", path, NULL);
	if (!strcmp(answer, "ready"))
		return 0;
	if (!strncmp(answer, "error: ", 7))
		return error_missing(err, -EPERM, "start", path, "the watcher can't watch: %s",
				     answer + 7);
	return error_missing(err, -ENOEXEC, "start", path,
			     "the watcher said '%s' instead of 'ready': is it the one of this "
			     "library?",
			     answer);
}

/* ---- what it does ---- */

/* Retires the dead owner, unless that was done already. wait: for the kernel to unbind its queues,
 * for which others have to wait as well. again: they are still bound. */
static int retire_watched(struct reserve *r, uint32_t id, int fd, bool wait, bool *again,
			  struct devmem_error *err)
{
	bool same, retired;
	int ret;

	*again = false;
	ret = reserve_lock(r, err);
	if (ret) {
		*again = ret == -EBUSY;
		return ret;
	}
	ret = reserve_check_owner(r, id, fd, &same, err);
	if (ret || !same || !journal_find(&r->journal, id))
		goto unlock;
	ret = reserve_find(r, err);
	if (ret < 0)
		goto unlock;
	ret = reserve_retire_dead_owner(r, id, wait, &retired, err);
	*again = ret == -EBUSY && !retired;
unlock:
	/* What an owner left that died while it made or removed its file. */
	journal_owner_sweep(&r->file, &r->journal, NULL);
	reserve_unlock(r);
	/* Until the next time its index may become another interface's. */
	devmem_netdev_close(r->found);
	r->found = NULL;
	r->netdev = NULL;
	r->nic = NULL;
	return ret;
}

int devmem_reservation_watch(const char *nic, uint32_t id, void (*ready)(void *arg),
			     const struct devmem_reservation_options *options,
			     struct devmem_error *err)
{
	struct reserve r = { 0 };
	bool again, wait = true;
	int fd, ret;

	ret = reserve_options(&r.options, options, err);
	if (!ret)
		ret = reserve_open(&r, NULL, nic, false, err);
	if (ret == -ENOENT)
		return error_missing(err, ret, "watch", r.options.dir, "no such directory");
	if (ret)
		return ret;
	fd = journal_owner_open(&r.file, id, err);
	if (fd < 0) {
		ret = fd;
		if (ret == -ENOENT)
			error_missing(err, ret, "watch", nic, "no reservation %" PRIu32, id);
		goto close_reserve;
	}
	if (ready)
		ready(r.options.arg);
	ret = journal_owner_wait(fd, err);
	while (!ret) {
		ret = retire_watched(&r, id, fd, wait, &again, err);
		if (!again)
			break;
		wait = false;
		sys_poll(NULL, 0, BOUND_POLL_MS);
		ret = 0;
	}
	sys_close(fd);
close_reserve:
	reserve_close(&r);
	return ret;
}
