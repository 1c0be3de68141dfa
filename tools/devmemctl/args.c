/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <devmem/version.h>

#include "args.h"
#include "output.h"

const struct argp_option args_common[] = {
	{ "json", KEY_JSON, NULL, 0, "Print JSON", -2 },
	{ "verbose", KEY_VERBOSE, NULL, 0, "Say what is done, and show more", -2 },
	{ "help", KEY_HELP, NULL, 0, "Show this help", -1 },
	{ "version", KEY_VERSION, NULL, 0, "Show the version", -1 },
	{ 0 },
};

struct parse {
	struct ctl *ctl;
	const struct args_spec *spec;
	struct args *args;
	int operands;
	const char *stumbled; /* word at which argp gave up */
	int result;	      /* ARGS_RUN, or the exit code as soon as it is known */
};

/* Makes argp stop; which error it was is in parse.result. */
#define STOP ECANCELED

static error_t stop(struct parse *p, int result)
{
	p->result = result;
	return STOP;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;

	(void)arg;
	switch (key) {
	case KEY_JSON:
		p->ctl->json = true;
		return 0;
	case KEY_VERBOSE:
		p->ctl->verbose = true;
		return 0;
	case KEY_HELP: {
		char name[64];

		snprintf(name, sizeof(name), "devmemctl %s", p->spec->name);
		argp_help(state->root_argp, stdout,
			  ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG, name);
		return stop(p, output_flush(stdout));
	}
	case KEY_VERSION:
		return stop(p, args_print_version());
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int operands_of(const struct args_spec *spec)
{
	int n = 0;

	while (n < ARGS_OPERANDS_MAX && spec->operands[n])
		n++;
	return n;
}

static error_t parse_operand(struct parse *p, char *arg, struct argp_state *state)
{
	const struct args_spec *spec = p->spec;

	if (state->quoted && state->next > state->quoted) {
		if (!spec->command)
			return stop(p, fail(EXIT_USAGE, "%s: nothing may follow '--'", spec->name));
		p->args->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	}
	if (p->operands >= operands_of(spec))
		return stop(p, fail(EXIT_USAGE, "%s: unexpected '%s'; try 'devmemctl %s --help'",
				    spec->name, arg, spec->name));
	if (!*arg)
		return stop(p, fail(EXIT_USAGE, "%s: %s is empty", spec->name,
				    spec->operands[p->operands]));
	p->args->operand[p->operands++] = arg;
	return 0;
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	int result;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = p;
		return 0;
	case ARGP_KEY_ARG:
		return parse_operand(p, arg, state);
	case ARGP_KEY_ERROR:
		/* A word of several letters is left only after its last one. */
		p->stumbled = state->argv[state->next - 1];
		if (p->stumbled[0] != '-' && state->next < state->argc)
			p->stumbled = state->argv[state->next];
		return 0;
	case ARGP_KEY_ARGS:
	case ARGP_KEY_NO_ARGS:
	case ARGP_KEY_END:
	case ARGP_KEY_SUCCESS:
	case ARGP_KEY_FINI:
		return ARGP_ERR_UNKNOWN;
	default:
		break;
	}
	if (!p->spec->option)
		return ARGP_ERR_UNKNOWN;
	result = p->spec->option(key, arg, p->spec->input);
	return result ? stop(p, result) : 0;
}

/* argp is kept silent, because it says everything in two lines; so find out what it stumbled over.
 */
static int unknown_option(const struct args_spec *spec, const char *word)
{
	const struct argp_option *o;

	for (o = spec->options; o && o->name; o++)
		if (o->arg && !strncmp(word, "--", 2) && !strcmp(word + 2, o->name))
			return fail(EXIT_USAGE, "%s: %s needs a value: %s", spec->name, word,
				    o->arg);
	for (o = spec->options; o && o->name; o++) {
		size_t len = strlen(o->name);

		if (!o->arg && !strncmp(word, "--", 2) && !strncmp(word + 2, o->name, len) &&
		    word[2 + len] == '=')
			return fail(EXIT_USAGE, "%s: --%s takes no value", spec->name, o->name);
	}
	return fail(EXIT_USAGE, "%s: unknown option '%s'; try 'devmemctl %s --help'", spec->name,
		    word, spec->name);
}

int args_parse(struct ctl *ctl, const struct args_spec *spec, struct args *args, int argc,
	       char **argv)
{
	static const struct argp common = {
		args_common, parse_common, NULL, NULL, NULL, NULL, NULL
	};
	const struct argp_child children[] = { { &common, 0, NULL, 0 }, { 0 } };
	const struct argp argp = { spec->options, parse_one, spec->usage, spec->summary,
				   children,	  NULL,	     NULL };
	struct parse p = { .ctl = ctl, .spec = spec, .args = args, .result = ARGS_RUN };
	error_t err;

	memset(args, 0, sizeof(*args));
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP | ARGP_NO_ERRS, NULL, &p);
	if (p.result != ARGS_RUN)
		return p.result;
	if (err)
		return unknown_option(spec, p.stumbled ? p.stumbled : "");
	if (p.operands < operands_of(spec) - spec->optional)
		return args_missing(spec, spec->operands[p.operands]);
	return ARGS_RUN;
}

int args_missing(const struct args_spec *spec, const char *what)
{
	return fail(EXIT_USAGE, "%s: %s is missing; try 'devmemctl %s --help'", spec->name, what,
		    spec->name);
}

int args_print_version(void)
{
	printf("devmemctl %s, libdevmem %s\n", DEVMEM_VERSION, devmem_version());
	return output_flush(stdout);
}
