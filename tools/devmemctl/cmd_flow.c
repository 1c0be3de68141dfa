/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <devmem/flow.h>

#include "args.h"
#include "output.h"
#include "parse.h"

enum flow_key {
	KEY_DST = 0x200,
	KEY_SRC,
	KEY_QUEUE,
};

struct flow_options {
	struct devmem_flow flow;
	uint64_t queue;
	bool has_dst, has_queue;
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
	default:
		o->has_queue = true;
		return parse_uint("--queue", arg, 0, UINT16_MAX, &o->queue);
	}
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

int cmd_flow_add(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "dst", KEY_DST, "ADDR:PORT", 0,
		  "Destination, this machine's end; * or port 0 match any", 0 },
		{ "src", KEY_SRC, "ADDR:PORT", 0, "Source; default: any", 0 },
		{ "queue", KEY_QUEUE, "N", 0, "Receive queue to send the packets to", 0 },
		{ 0 },
	};
	struct flow_options options = { 0 };
	const struct args_spec spec = {
		.name = "flow add",
		.usage = "DEV --dst ADDR:PORT [--src ADDR:PORT] --queue N",
		.summary = "Add a rule that sends a TCP flow to a receive queue; prints its "
			   "location. The rule stays until it is deleted.",
		.options = argp_options,
		.option = add_option,
		.operands = { "DEV" },
		.input = &options,
	};
	struct devmem_netdev *netdev;
	struct devmem_error err;
	struct args args;
	uint32_t location;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	if (!options.has_dst)
		return args_missing(&spec, "--dst ADDR:PORT");
	if (!options.has_queue)
		return args_missing(&spec, "--queue N");
	if (options.flow.src.ss_family && options.flow.src.ss_family != options.flow.dst.ss_family)
		return fail(EXIT_USAGE, "flow add: --dst and --src mix IPv4 and IPv6");
	if (devmem_netdev_open(&netdev, args.operand[0], &err))
		return fail_error(&err);
	if (devmem_flow_add(netdev, &options.flow, (uint32_t)options.queue, &location, &err)) {
		devmem_netdev_close(netdev);
		return fail_error(&err);
	}
	result = print_location(ctl, location);
	/* Nobody would know what to delete. */
	if (result && devmem_flow_del(netdev, location, &err))
		fail_error(&err);
	devmem_netdev_close(netdev);
	return result;
}

int cmd_flow_del(struct ctl *ctl, int argc, char **argv)
{
	static const struct args_spec spec = {
		.name = "flow del",
		.usage = "DEV LOCATION",
		.summary = "Delete the flow rule at a location.",
		.operands = { "DEV", "LOCATION" },
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
	result = EXIT_OK;
	if (devmem_flow_del(netdev, (uint32_t)location, &err))
		result = fail_error(&err);
	devmem_netdev_close(netdev);
	return result;
}

static void out_address(struct json_object *obj, const char *key,
			const struct sockaddr_storage *addr)
{
	char text[ADDRESS_TEXT_MAX];

	if (addr->ss_family == AF_UNSPEC) {
		out_null(obj, key);
		return;
	}
	format_address(text, addr);
	out_str(obj, key, text);
}

static void out_rule(struct json_object *obj, const struct devmem_flow_rule *rule)
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
}

int cmd_flow_show(struct ctl *ctl, int argc, char **argv)
{
	static const struct args_spec spec = {
		.name = "flow show",
		.usage = "DEV",
		.summary = "List an interface's flow rules.",
		.operands = { "DEV" },
	};
	struct devmem_flow_rule *rules;
	struct devmem_netdev *netdev;
	struct devmem_error err;
	struct json_object *list;
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
	devmem_netdev_close(netdev);
	list = out_list(NULL, NULL);
	for (size_t i = 0; i < n; i++)
		out_rule(out_item(list), &rules[i]);
	free(rules);
	return out_print(ctl, stdout, list, NULL);
}
