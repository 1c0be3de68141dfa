/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "ctl.h"
#include "output.h"

static const struct command commands[] = {
	{ "dev", "show", "[DEV]", "interfaces and what they can do", cmd_dev_show },
	{ "queue", "show", "DEV", "queues, what is bound to them, counters", cmd_queue_show },
	{ "region", "list", "", "what regions can be made of here", cmd_region_list },
	{ "region", "test", "SPEC", "allocate, write, read back and verify", cmd_region_test },
	{ "flow", "add", "DEV --dst ADDR:PORT --queue N", "send a flow to a queue", cmd_flow_add },
	{ "flow", "del", "DEV LOCATION", "delete a flow rule", cmd_flow_del },
	{ "flow", "show", "DEV", "list flow rules", cmd_flow_show },
	{ "reserve", "show", "[DEV]", "who has reserved which queues and flows", cmd_reserve_show },
	{ "reserve", "restore", "[DEV]", "put back what users left that died",
	  cmd_reserve_restore },
	{ "bind", "rx", "DEV [-- CMD ARGS...]", "bind a region to receive queues", cmd_bind_rx },
	{ "bind", "tx", "DEV [-- CMD ARGS...]", "bind a region to an interface, to send from it",
	  cmd_bind_tx },
	{ "run", NULL, "DEV --flow ADDR:PORT -- CMD", "run a command that receives into a region",
	  cmd_run },
	{ "recv", NULL, "DEV --listen ADDR:PORT", "receive a TCP stream into a region", cmd_recv },
	{ "send", NULL, "DEV --connect ADDR:PORT", "send a file through a region", cmd_send },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	printf("Usage: devmemctl [-j] [-v] NOUN VERB [OPTION...]\n"
	       "Device-memory TCP: payload lands in device memory, or is sent from there.\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];
		char words[64];

		snprintf(words, sizeof(words), "%s%s%s %s", c->noun, c->verb ? " " : "",
			 c->verb ? c->verb : "", c->args);
		printf("  %-40s %s\n", words, c->summary);
	}
	printf("\n  -j, --json       print JSON\n"
	       "  -v, --verbose    say what is done, and show more\n"
	       "  -h, --help       this help; also after each command\n"
	       "  -V, --version    the version\n\n"
	       "Exit status: 0 done, 1 usage, 2 refused by the system, 3 a prerequisite is "
	       "missing,\n"
	       "128 + signal number after a signal. See devmemctl(1).\n");
	return output_flush(stdout);
}

/* Options before the noun. Return: ARGS_RUN, or the exit code to leave with. */
static int global_option(struct ctl *ctl, const char *word)
{
	for (const struct argp_option *o = args_common; o->name; o++) {
		const char letter[] = { '-', (char)o->key, '\0' };

		if (strcmp(word, letter) && (strncmp(word, "--", 2) || strcmp(word + 2, o->name)))
			continue;
		switch (o->key) {
		case KEY_JSON:
			ctl->json = true;
			return ARGS_RUN;
		case KEY_VERBOSE:
			ctl->verbose = true;
			return ARGS_RUN;
		case KEY_HELP:
			return help();
		default:
			return args_print_version();
		}
	}
	if (!strcmp(word, "-jv") || !strcmp(word, "-vj")) {
		ctl->json = true;
		ctl->verbose = true;
		return ARGS_RUN;
	}
	return fail(EXIT_USAGE, "unknown option '%s'; try 'devmemctl --help'", word);
}

static int wrong_verb(const char *noun, const char *verb)
{
	char verbs[128] = "";
	bool known = false;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].noun, noun))
			continue;
		if (known)
			strcat(verbs, ", ");
		strcat(verbs, commands[i].verb);
		known = true;
	}
	if (!known)
		return fail(EXIT_USAGE, "unknown command '%s'; try 'devmemctl --help'", noun);
	if (!verb)
		return fail(EXIT_USAGE, "%s: a verb is missing: %s", noun, verbs);
	return fail(EXIT_USAGE, "%s: unknown verb '%s'; known: %s", noun, verb, verbs);
}

/* A descriptor that is closed would be given to a socket next, and results written into it. Opened
 * the wrong way round, so that using it is still an error. */
static void open_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode) != fd)
			exit(EXIT_REFUSED);
	}
}

int main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	const char *noun;
	int at = 1;

	open_standard_descriptors();
	for (; at < argc && argv[at][0] == '-'; at++) {
		int result = global_option(&ctl, argv[at]);

		if (result != ARGS_RUN)
			return result;
	}
	if (at >= argc)
		return fail(EXIT_USAGE, "a command is missing; try 'devmemctl --help'");
	noun = argv[at++];
	if (!strcmp(noun, "help"))
		return help();
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->noun, noun))
			continue;
		if (!c->verb)
			return c->run(&ctl, argc - at + 1, argv + at - 1);
		if (at < argc && !strcmp(c->verb, argv[at]))
			return c->run(&ctl, argc - at, argv + at);
		/* "devmemctl dev --help" */
		if (at < argc && (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")))
			return help();
	}
	return wrong_verb(noun, at < argc ? argv[at] : NULL);
}
