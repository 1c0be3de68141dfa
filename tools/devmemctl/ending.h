/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_ENDING_H
#define DEVMEMCTL_ENDING_H

/* Why a stream ended: a signal, an error (exit code), or neither. */

#include "ctl.h"

struct ending {
	int sig;
	int code;
	char error[768];
};

/* Notes the signal that has come. Return: not 0. */
int ending_signal(struct ending *e);
/* Notes an error that was said already. Return: code. */
int ending_failed(struct ending *e, int code);
/* What a call returned: 0, -EINTR, which stands for a signal that has come, or an exit code after
 * saying what is wrong. Return: 0, or not 0. */
int ending_result(struct ending *e, int result);
/* Says it and notes it. Return: the exit code. */
int ending_error(struct ending *e, const struct devmem_error *err);
/* Return: the exit code that it means. */
int ending_exit_code(const struct ending *e);
/* For the summary: "SIGINT", "error", or good. */
const char *ending_name(const struct ending *e, const char *good, char buf[24]);

#endif
