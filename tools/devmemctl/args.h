/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_ARGS_H
#define DEVMEMCTL_ARGS_H

/* Command lines: argp with this program's ways: errors are one line and exit code 1, -j, -v, --help
 * and --version are everywhere, and operands are named. */

#include <argp.h>

#include "ctl.h"

#define ARGS_OPERANDS_MAX 2

/* What a command line may hold. */
struct args_spec {
	const char *name;    /* "flow add" */
	const char *summary; /* one sentence for --help */
	const char *usage;   /* "DEV --dst ADDR:PORT --queue N" */
	const struct argp_option *options;
	/* Handles one option; 0, or an exit code after saying what is wrong. */
	int (*option)(int key, const char *arg, void *input);
	const char *operands[ARGS_OPERANDS_MAX]; /* names, as many as there are */
	int optional;				 /* how many of them, at the end, may be left out */
	bool command;				 /* "-- CMD ARGS..." may follow */
	void *input;
};

/* What it held. */
struct args {
	const char *operand[ARGS_OPERANDS_MAX]; /* NULL where left out */
	char **command;				/* NULL-terminated, NULL if there was none */
};

/* args_parse() answers this when the command is to be run. */
#define ARGS_RUN (-1)

/* Return: ARGS_RUN, or the exit code to leave with (0 after --help). */
int args_parse(struct ctl *ctl, const struct args_spec *spec, struct args *args, int argc,
	       char **argv);

/* Says what is wrong with an option and returns EXIT_USAGE. */
int args_missing(const struct args_spec *spec, const char *what);

/* Options that every command has; also used before the noun. */
extern const struct argp_option args_common[];
enum args_common_key {
	KEY_JSON = 'j',
	KEY_VERBOSE = 'v',
	KEY_HELP = 'h',
	KEY_VERSION = 'V',
};
int args_print_version(void);

#endif
