/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <devmem/flow.h>
#include <devmem/reservation.h>

#include "args.h"
#include "output.h"
#include "parse.h"
#include "setup.h"

enum flow_key {
	KEY_DST = KEY_SETUP_END,
	KEY_SRC,
	KEY_QUEUE,
	KEY_RESERVATION,
	KEY_SPREAD,
};

struct flow_options {
	struct devmem_flow flow;
	uint64_t queue;
	uint64_t reservation; /* 0 = none: the rule is nobody's */
	const char *runtime_dir;
	bool has_dst, has_queue, spread;
};

static int add_option(int key, const char *arg, void *input)
{
	struct flow_options *o = input;

	switch (key) {
	case KEY_DST:
		o->has_dst = true;
		return parse_address("--dst", arg, &o->flow.dst);
	case KEY_SRC:
		return parse_address("--src", arg, &o->flow.src);
	case KEY_RESERVATION:
		return parse_uint("--reservation", arg, 1, UINT32_MAX, &o->reservation);
	case KEY_SPREAD:
		o->spread = true;
		return 0;
	case KEY_RUNTIME_DIR:
		return parse_runtime_dir(arg, &o->runtime_dir);
	default:
		o->has_queue = true;
		return parse_uint("--queue", arg, 0, UINT16_MAX, &o->queue);
	}
}

static int check_options(const struct flow_options *o, const struct args_spec *spec)
{
	if (!o->has_dst)
		return args_missing(spec, "--dst ADDR:PORT");
	if (o->spread && o->has_queue)
		return fail(EXIT_USAGE, "flow add: give --queue or --spread, not both");
	if (o->spread && !o->reservation)
		return fail(EXIT_USAGE, "flow add: --spread needs --reservation: it spreads over "
					"the reservation's queues");
	if (o->runtime_dir && !o->reservation)
		return fail(EXIT_USAGE,
			    "flow add: --runtime-dir means something only with --reservation");
	if (!o->has_queue && !o->reservation)
		return args_missing(spec, "--queue N");
	return check_flow("flow add: --dst and --src", &o->flow);
}

static int print_location(const struct ctl *ctl, uint32_t location)
{
	struct json_object *obj;

	if (!ctl->json) {
		printf("%u\n", location);
		return output_flush(stdout);
	}
	obj = out_object(NULL, NULL);
	out_uint(obj, "location", location);
	return out_print(ctl, stdout, obj, NULL);
}

static int add_rule(const struct ctl *ctl, struct devmem_netdev *netdev,
		    const struct flow_options *o)
{
	struct devmem_error err;
	uint32_t location;
	int result;

	if (devmem_flow_add(netdev, &o->flow, (uint32_t)o->queue, &location, &err))
		return fail_error(&err);
	result = print_location(ctl, location);
	/* It would be unclear what to delete. */
	if (result && devmem_flow_del(netdev, location, &err))
		fail_error(&err);
	return result;
}

static int add_to_reservation(const struct ctl *ctl, struct devmem_netdev *netdev,
			      const struct flow_options *o)
{
	const struct devmem_reservation_options how = reservation_options(ctl, o->runtime_dir);
	struct devmem_reservation *reservation;
	uint32_t queue = (uint32_t)o->queue;
	struct devmem_error err;
	uint32_t location;
	int result;

	if (devmem_reservation_attach(&reservation, netdev, (uint32_t)o->reservation, &how, &err))
		return fail_error(&err);
	if (o->spread)
		queue = DEVMEM_QUEUE_SPREAD;
	else if (!o->has_queue)
		queue = devmem_reservation_queues(reservation, NULL)[0];
	if (devmem_reservation_add_flow(reservation, &o->flow, queue, &location, &err)) {
		result = fail_error(&err);
		goto close;
	}
	result = print_location(ctl, location);
	if (result && devmem_reservation_del_flow(reservation, location, &err))
		fail_error(&err);
close:
	devmem_reservation_close(reservation, NULL);
	return result;
}

int cmd_flow_add(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "dst", KEY_DST, "ADDR:PORT", 0,
		  "Destination, this machine's end; * or port 0 match any", 0 },
		{ "src", KEY_SRC, "ADDR:PORT", 0, "Source; default: any", 0 },
		{ "queue", KEY_QUEUE, "N", 0, "Receive queue to send the packets to", 0 },
		{ "reservation", KEY_RESERVATION, "ID", 0,
		  "Add the flow to this reservation, see 'devmemctl reserve show'; default queue: "
		  "its first",
		  1 },
		{ "spread", KEY_SPREAD, NULL, 0, "Spread the flow over the reservation's queues",
		  1 },
		RUNTIME_DIR_OPTION(1),
		{ 0 },
	};
	struct flow_options options = { 0 };
	const struct args_spec spec = {
		.name = "flow add",
		.usage = "DEV --dst ADDR:PORT [--src ADDR:PORT] --queue N\n"
			 "DEV --dst ADDR:PORT [--src ADDR:PORT] --reservation ID [--queue N | "
			 "--spread]",
		.summary = "Add a rule that sends a TCP flow to a receive queue; prints its "
			   "location. The rule stays until it is deleted, or the reservation ends.",
		.options = argp_options,
		.option = add_option,
		.operands = { "DEV" },
		.input = &options,
	};
	struct devmem_netdev *netdev;
	struct devmem_error err;
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	result = check_options(&options, &spec);
	if (result)
		return result;
	if (devmem_netdev_open(&netdev, args.operand[0], &err))
		return fail_error(&err);
	if (options.reservation)
		result = add_to_reservation(ctl, netdev, &options);
	else
		result = add_rule(ctl, netdev, &options);
	devmem_netdev_close(netdev);
	return result;
}

/* The one that the rule at a location belongs to, or NULL. Rules don't outlive a boot. */
static const struct devmem_reservation_info *owner_of(const struct devmem_reservation_info *infos,
						      size_t n, uint32_t location)
{
	for (size_t i = 0; i < n; i++)
		for (size_t f = 0; !infos[i].stale && infos[i].id && f < infos[i].n_flows; f++)
			if (infos[i].flows[f].location == location)
				return &infos[i];
	return NULL;
}

static int del_from_reservation(const struct ctl *ctl, struct devmem_netdev *netdev,
				const struct devmem_reservation_info *owner, uint32_t location,
				const char *runtime_dir)
{
	const struct devmem_reservation_options how = reservation_options(ctl, runtime_dir);
	const char *name = devmem_netdev_info(netdev)->name;
	struct devmem_reservation *reservation;
	struct devmem_error err;
	int result = EXIT_OK;

	if (!owner->alive)
		return fail(EXIT_REFUSED,
			    "%s: the rule at %u belongs to reservation %u, whose owner is dead; "
			    "'devmemctl reserve restore %s' takes it away",
			    name, location, owner->id, name);
	say(ctl, "%s: the rule at %u belongs to reservation %u", name, location, owner->id);
	if (devmem_reservation_attach(&reservation, netdev, owner->id, &how, &err))
		return fail_error(&err);
	if (devmem_reservation_del_flow(reservation, location, &err))
		result = fail_error(&err);
	devmem_reservation_close(reservation, NULL);
	return result;
}

static int del_rule(const struct ctl *ctl, struct devmem_netdev *netdev, uint32_t location,
		    const char *runtime_dir)
{
	const struct devmem_reservation_options how = reservation_options(ctl, runtime_dir);
	const char *name = devmem_netdev_info(netdev)->name;
	const struct devmem_reservation_info *owner;
	struct devmem_reservation_info *infos = NULL;
	struct devmem_error err;
	size_t n = 0;
	int result = EXIT_OK;

	/* Who may not read the directory may still delete a rule that is nobody's. */
	if (devmem_reservation_list(&infos, &n, name, &how, &err) && err.code != -EACCES &&
	    err.code != -ENODEV)
		return fail_error(&err);
	owner = owner_of(infos, n, location);
	if (owner)
		result = del_from_reservation(ctl, netdev, owner, location, runtime_dir);
	else if (devmem_flow_del(netdev, location, &err))
		result = fail_error(&err);
	devmem_reservation_list_free(infos, n);
	return result;
}

static const struct argp_option runtime_dir_options[] = { RUNTIME_DIR_OPTION(0), { 0 } };

static int runtime_dir_option(int key, const char *arg, void *input)
{
	(void)key;
	return parse_runtime_dir(arg, input);
}

int cmd_flow_del(struct ctl *ctl, int argc, char **argv)
{
	const char *runtime_dir = NULL;
	const struct args_spec spec = {
		.name = "flow del",
		.usage = "DEV LOCATION",
		.summary = "Delete the flow rule at a location, also one of a reservation.",
		.options = runtime_dir_options,
		.option = runtime_dir_option,
		.operands = { "DEV", "LOCATION" },
		.input = &runtime_dir,
	};
	struct devmem_netdev *netdev;
	struct devmem_error err;
	struct args args;
	uint64_t location;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	if (parse_uint("LOCATION", args.operand[1], 0, UINT32_MAX - 1, &location))
		return EXIT_USAGE;
	if (devmem_netdev_open(&netdev, args.operand[0], &err))
		return fail_error(&err);
	result = del_rule(ctl, netdev, (uint32_t)location, runtime_dir);
	devmem_netdev_close(netdev);
	return result;
}

static void out_rule(struct json_object *obj, const struct devmem_flow_rule *rule,
		     const struct devmem_reservation_info *owner)
{
	out_uint(obj, "location", rule->location);
	if (rule->queue != UINT32_MAX)
		out_uint(obj, "queue", rule->queue);
	else
		out_null(obj, "queue");
	if (rule->rss_context)
		out_uint(obj, "rss_context", rule->rss_context);
	else
		out_null(obj, "rss_context");
	out_bool(obj, "drop", rule->drop);
	out_bool(obj, "tcp", rule->tcp);
	out_address(obj, "dst", &rule->flow.dst);
	out_address(obj, "src", &rule->flow.src);
	if (owner)
		out_uint(obj, "reservation", owner->id);
	else
		out_null(obj, "reservation");
}

int cmd_flow_show(struct ctl *ctl, int argc, char **argv)
{
	const char *runtime_dir = NULL;
	const struct args_spec spec = {
		.name = "flow show",
		.usage = "DEV",
		.summary = "List an interface's flow rules, and the reservations that they belong "
			   "to.",
		.options = runtime_dir_options,
		.option = runtime_dir_option,
		.operands = { "DEV" },
		.input = &runtime_dir,
	};
	struct devmem_reservation_options how;
	struct devmem_reservation_info *infos = NULL;
	struct devmem_flow_rule *rules;
	struct devmem_netdev *netdev;
	struct devmem_error err;
	struct json_object *list;
	size_t n_infos = 0;
	struct args args;
	size_t n;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	if (devmem_netdev_open(&netdev, args.operand[0], &err))
		return fail_error(&err);
	if (devmem_flow_list(netdev, &rules, &n, &err)) {
		devmem_netdev_close(netdev);
		return fail_error(&err);
	}
	how = reservation_options(ctl, runtime_dir);
	if (devmem_reservation_list(&infos, &n_infos, devmem_netdev_info(netdev)->name, &how, &err))
		say(ctl, "reservations aren't shown: %s", err.message);
	devmem_netdev_close(netdev);
	list = out_list(NULL, NULL);
	for (size_t i = 0; i < n; i++)
		out_rule(out_item(list), &rules[i], owner_of(infos, n_infos, rules[i].location));
	free(rules);
	devmem_reservation_list_free(infos, n_infos);
	return out_print(ctl, stdout, list, NULL);
}
