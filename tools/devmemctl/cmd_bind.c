/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "output.h"
#include "setup.h"
#include "signals.h"

enum bind_key {
	KEY_STEER = KEY_SETUP_END,
};

/* Of bind rx. */
struct bind_options {
	struct setup_options setup;
	bool steer;
};

static int bind_option(int key, const char *arg, void *input)
{
	struct bind_options *o = input;

	if (key == KEY_STEER) {
		o->steer = true;
		return 0;
	}
	return setup_option(key, arg, &o->setup);
}

/* What is known of the binding. */
static struct json_object *describe(const struct ctl *ctl, const struct setup *s)
{
	struct json_object *obj = out_object(NULL, NULL);
	struct devmem_binding_stats stats;
	struct json_object *list;

	out_str(obj, "dev", s->before.name);
	out_uint(obj, "binding", devmem_binding_id(s->binding));
	if (s->queues.n) {
		devmem_binding_stats(s->binding, &stats);
		list = out_list(obj, "queues");
		for (size_t i = 0; i < s->queues.n; i++)
			out_add_uint(list, s->queues.id[i]);
		out_uint(obj, "page_size", stats.page_size);
	}
	setup_out_region(obj, ctl, s);
	if (s->reservation)
		setup_out_steering(obj, s);
	return obj;
}

static int hold(const struct ctl *ctl, const struct setup *s)
{
	char name[24];
	int result;
	int sig;

	if (ctl->json) {
		result = out_print(ctl, stdout, describe(ctl, s), NULL);
	} else {
		printf("%u\n", devmem_binding_id(s->binding));
		result = output_flush(stdout);
	}
	if (result)
		return result;
	while (signals_wait(-1, 0, -1) != -EINTR)
		;
	sig = signals_next(NULL);
	say(ctl, "%s: unbinding", signals_name(sig, name));
	return EXIT_OK;
}

/* As long as the command runs, or until a signal comes. */
static int use(const struct ctl *ctl, const struct setup *s, char **command)
{
	say(ctl, "%s: binding %u", s->before.name, devmem_binding_id(s->binding));
	return command ? command_run(s, command) : hold(ctl, s);
}

int cmd_bind_rx(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		SETUP_OPTIONS,
		{ "steer", KEY_STEER, NULL, 0,
		  "Reserve the queues: turn header split on and RSS off them first, and put all "
		  "back at the end; without it, the default is the highest-numbered queue",
		  2 },
		{ 0 },
	};
	struct bind_options options = { .setup.region = "udmabuf" };
	const struct args_spec spec = {
		.name = "bind rx",
		.usage = "DEV [-- CMD ARGS...]",
		.summary = "Bind a region to receive queues and hold the binding: until a signal "
			   "comes, or as long as CMD runs.",
		.options = argp_options,
		.option = bind_option,
		.operands = { "DEV" },
		.command = true,
		.input = &options,
	};
	struct setup setup = { 0 };
	struct args args;
	int restored;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	options.setup.dev = args.operand[0];
	/* This process never holds a fragment. */
	options.setup.held_max = UINT64_MAX;
	if (!options.steer && options.setup.reserve_option)
		return fail(EXIT_USAGE, "bind rx: %s means something only with --steer",
			    options.setup.reserve_option);
	result = setup_options_check(&options.setup);
	if (!result)
		result = signals_open();
	if (!result)
		result = setup_device(&setup, &options.setup, options.steer);
	if (!result)
		result = setup_region(&setup, ctl, &options.setup, false);
	if (!result && options.steer)
		result = setup_reservation(&setup, ctl, &options.setup);
	if (!result)
		result = setup_binding(&setup, &options.setup);
	if (!result)
		result = use(ctl, &setup, args.command);
	restored = setup_close(&setup);
	return result ? result : restored;
}

int cmd_bind_tx(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = { REGION_OPTIONS("send from"), { 0 } };
	struct setup_options options = { .region = "udmabuf" };
	const struct args_spec spec = {
		.name = "bind tx",
		.usage = "DEV [-- CMD ARGS...]",
		.summary = "Bind a region to an interface, to send from it, and hold the binding: "
			   "until a signal comes, or as long as CMD runs. Needs no privilege.",
		.options = argp_options,
		.option = setup_option,
		.operands = { "DEV" },
		.command = true,
		.input = &options,
	};
	struct setup setup = { 0 };
	struct args args;
	int closed;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	options.dev = args.operand[0];
	result = setup_options_check(&options);
	if (!result)
		result = signals_open();
	if (!result)
		result = setup_netdev(&setup, &options);
	if (!result)
		result = setup_region(&setup, ctl, &options, false);
	if (!result)
		result = setup_binding_tx(&setup, false);
	if (!result)
		result = use(ctl, &setup, args.command);
	closed = setup_close(&setup);
	return result ? result : closed;
}
