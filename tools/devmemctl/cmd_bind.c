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

static int hold(const struct ctl *ctl, const struct setup *s, bool steer)
{
	char name[24];
	int sig;

	if (ctl->json) {
		struct json_object *obj = out_object(NULL, NULL);
		struct devmem_binding_stats stats;
		struct json_object *list;
		int result;

		devmem_binding_stats(s->binding, &stats);
		out_str(obj, "dev", s->before.name);
		out_uint(obj, "binding", devmem_binding_id(s->binding));
		list = out_list(obj, "queues");
		for (size_t i = 0; i < s->queues.n; i++)
			out_add_uint(list, s->queues.id[i]);
		out_uint(obj, "page_size", stats.page_size);
		setup_out_region(obj, ctl, s);
		if (steer)
			setup_out_steering(obj, s);
		result = out_print(ctl, stdout, obj, NULL);
		if (result)
			return result;
	} else {
		int result;

		printf("%u\n", devmem_binding_id(s->binding));
		result = output_flush(stdout);
		if (result)
			return result;
	}
	while (signals_wait(-1, 0, -1) != -EINTR)
		;
	sig = signals_take(NULL);
	say(ctl, "%s: unbinding", signals_name(sig, name));
	return EXIT_OK;
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
	if (!result) {
		say(ctl, "%s: binding %u", setup.before.name, devmem_binding_id(setup.binding));
		if (args.command)
			result = command_run(&setup, args.command);
		else
			result = hold(ctl, &setup, options.steer);
	}
	restored = setup_close(&setup);
	return result ? result : restored;
}
