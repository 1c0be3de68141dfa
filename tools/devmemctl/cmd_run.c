/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "command.h"
#include "output.h"
#include "parse.h"
#include "setup.h"
#include "signals.h"

enum run_key {
	KEY_FLOW = KEY_SETUP_END,
	KEY_SPREAD,
};

struct run_options {
	struct setup_options setup;
	struct flow_target *flows;
	size_t n_flows;
	bool spread;
};

static int add_target(struct run_options *o, const char *arg)
{
	struct flow_target *flows = reallocarray(o->flows, o->n_flows + 1, sizeof(*flows));

	if (!flows)
		return fail_errno(errno, "--flow");
	o->flows = flows;
	return parse_flow("--flow", arg, &flows[o->n_flows++]);
}

static int run_option(int key, const char *arg, void *input)
{
	struct run_options *o = input;

	switch (key) {
	case KEY_FLOW:
		return add_target(o, arg);
	case KEY_SPREAD:
		o->spread = true;
		return 0;
	default:
		return setup_option(key, arg, &o->setup);
	}
}

static bool has_queue(const struct queue_list *queues, uint32_t id)
{
	for (size_t i = 0; i < queues->n; i++)
		if (queues->id[i] == id)
			return true;
	return false;
}

static int check_options(struct run_options *o)
{
	int result = setup_options_check(&o->setup);

	if (result)
		return result;
	if (o->spread && !o->n_flows)
		return fail(EXIT_USAGE, "run: --spread without --flow: there is nothing to spread");
	for (size_t i = 0; i < o->n_flows; i++) {
		if (!o->flows[i].has_queue)
			continue;
		if (!o->setup.queues.n)
			return fail(EXIT_USAGE,
				    "run: --flow ...=%u: name the queues with --queues, or leave "
				    "'=%u' out",
				    o->flows[i].queue, o->flows[i].queue);
		if (!has_queue(&o->setup.queues, o->flows[i].queue))
			return fail(EXIT_USAGE,
				    "run: --flow ...=%u: --queues doesn't name queue %u",
				    o->flows[i].queue, o->flows[i].queue);
	}
	return 0;
}

static int add_flows(const struct ctl *ctl, const struct setup *s, const struct run_options *o)
{
	for (size_t i = 0; i < o->n_flows; i++) {
		uint32_t queue = o->spread ? DEVMEM_QUEUE_SPREAD : s->queues.id[0];
		struct devmem_error err;
		uint32_t location;

		if (o->flows[i].has_queue)
			queue = o->flows[i].queue;
		if (devmem_reservation_add_flow(s->reservation, &o->flows[i].flow, queue, &location,
						&err))
			return fail_error(&err);
		if (queue == DEVMEM_QUEUE_SPREAD)
			say(ctl, "%s: flow rule %u to all its queues", s->before.name, location);
		else
			say(ctl, "%s: flow rule %u to queue %u", s->before.name, location, queue);
	}
	return 0;
}

/* Steps that change nothing come first, those that change the NIC last. */
static int run(const struct ctl *ctl, const struct run_options *options, char **command)
{
	struct setup setup = { 0 };
	int restored;
	int result;

	result = setup_device(&setup, &options->setup, true);
	if (!result)
		result = setup_region(&setup, ctl, &options->setup, false);
	if (!result)
		result = setup_reservation(&setup, ctl, &options->setup);
	if (!result)
		result = add_flows(ctl, &setup, options);
	if (!result)
		result = setup_binding(&setup, &options->setup);
	if (!result) {
		say(ctl, "%s: binding %u", setup.before.name, devmem_binding_id(setup.binding));
		result = command_run(&setup, command);
	}
	restored = setup_close(&setup);
	return result ? result : restored;
}

int cmd_run(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "flow", KEY_FLOW, "ADDR:PORT", 0,
		  "Flow to receive: destination, as ADDR:PORT,SRC:PORT also the other end, with "
		  "=QUEUE to this queue; can be given several times",
		  1 },
		{ "spread", KEY_SPREAD, NULL, 0,
		  "Spread flows over all queues; default: to the first one", 1 },
		SETUP_OPTIONS,
		{ 0 },
	};
	struct run_options options = { .setup.region = "udmabuf" };
	const struct args_spec spec = {
		.name = "run",
		.usage = "DEV [--flow ADDR:PORT] -- CMD ARGS...",
		.summary = "Run a command that receives into a region: reserves queues, steers "
			   "flows to them, binds a region, runs CMD, and puts everything back. "
			   "CMD needs no privilege.",
		.options = argp_options,
		.option = run_option,
		.operands = { "DEV" },
		.command = true,
		.input = &options,
	};
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result == ARGS_RUN && !args.command)
		result = args_missing(&spec, "-- CMD");
	if (result == ARGS_RUN) {
		options.setup.dev = args.operand[0];
		/* This process never holds a fragment. */
		options.setup.held_max = UINT64_MAX;
		result = check_options(&options);
		if (!result)
			result = signals_open();
		if (!result)
			result = run(ctl, &options, args.command);
	}
	free(options.flows);
	return result;
}
