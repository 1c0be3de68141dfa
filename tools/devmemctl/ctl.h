/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_CTL_H
#define DEVMEMCTL_CTL_H

/* What every part of devmemctl shares: the exit codes, the one way to report an error, and the list
 * of commands. */

#include <stdbool.h>

#include <devmem/error.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_USAGE = 1,
	EXIT_REFUSED = 2,
	EXIT_MISSING = 3,
	/* 128 + signal number after a signal */
	EXIT_SIGNAL_BASE = 128,
};

struct ctl {
	bool json;
	bool verbose;
};

/* One command: run() gets its own words in argv[1] onwards and returns the exit code. */
struct command {
	const char *noun;
	const char *verb; /* NULL: the noun is the whole command */
	const char *args;
	const char *summary;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

int cmd_dev_show(struct ctl *ctl, int argc, char **argv);
int cmd_queue_show(struct ctl *ctl, int argc, char **argv);
int cmd_region_list(struct ctl *ctl, int argc, char **argv);
int cmd_region_test(struct ctl *ctl, int argc, char **argv);
int cmd_flow_add(struct ctl *ctl, int argc, char **argv);
int cmd_flow_del(struct ctl *ctl, int argc, char **argv);
int cmd_flow_show(struct ctl *ctl, int argc, char **argv);
int cmd_reserve_show(struct ctl *ctl, int argc, char **argv);
int cmd_reserve_restore(struct ctl *ctl, int argc, char **argv);
int cmd_bind_rx(struct ctl *ctl, int argc, char **argv);
int cmd_bind_tx(struct ctl *ctl, int argc, char **argv);
int cmd_run(struct ctl *ctl, int argc, char **argv);
int cmd_recv(struct ctl *ctl, int argc, char **argv);
int cmd_send(struct ctl *ctl, int argc, char **argv);

/* Prints "devmemctl: MESSAGE" on stderr, always one line, and returns code. */
int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same with the library's message; the exit code follows from the error's kind. */
int fail_error(const struct devmem_error *err);

/* The same for a system call of our own: "SUBJECT: strerror". errnum is positive. */
int fail_errno(int errnum, const char *subject);

/* The same for a file that was named: what can never be opened, read or written is wrong usage. */
int fail_file(int errnum, const char *name, const char *what);

/* The terminal shows an unfinished line, to be wiped before the next message. */
void fail_on_progress_line(bool shown);

/* What the last of these calls said, without "devmemctl: "; empty if there was none. */
const char *fail_last(void);

/* Prints "devmemctl: MESSAGE" on stderr if -v was given. */
void say(const struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints "devmemctl: MESSAGE" on stderr. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
