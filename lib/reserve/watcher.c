// SPDX-License-Identifier: BSD-3-Clause
/* Starts the watcher, the process that outlives an owner who is killed. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/sys.h"

/* Reads what the watcher says until it closes its standard output. */
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
	/* Its first process ends as soon as it has answered. Somebody else may have waited for
	 * it. */
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
