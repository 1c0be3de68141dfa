/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <devmem/reservation.h>

#include "args.h"
#include "output.h"
#include "parse.h"
#include "setup.h"

/* In text, more flows than that are counted only, unless -v is given. */
#define FLOWS_SHOWN 2

struct reserve_options {
	const char *runtime_dir;
};

static const struct argp_option reserve_options[] = { RUNTIME_DIR_OPTION(0), { 0 } };

static int reserve_option(int key, const char *arg, void *input)
{
	struct reserve_options *o = input;

	(void)key;
	return parse_runtime_dir(arg, &o->runtime_dir);
}

static const char *state_name(const struct devmem_reservation_info *info)
{
	if (info->stale)
		return "stale";
	if (!info->id)
		return "left";
	return info->alive ? "alive" : "dead";
}

/* ISO 8601 with the local time zone: "2026-11-24T08:20:00+01:00". */
static void format_time(char *buf, size_t len, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	size_t n;

	if (!localtime_r(&t, &tm)) {
		snprintf(buf, len, "%llu", (unsigned long long)seconds);
		return;
	}
	n = strftime(buf, len - 1, "%Y-%m-%dT%H:%M:%S%z", &tm);
	if (n < 2)
		return;
	memmove(buf + n - 1, buf + n - 2, 3);
	buf[n - 2] = ':';
}

static void out_since(struct json_object *obj, uint64_t seconds)
{
	char text[64] = "";

	if (!seconds) {
		out_null(obj, "since");
		out_null(obj, "since_iso");
		return;
	}
	format_time(text, sizeof(text), seconds);
	out_uint(obj, "since", seconds);
	out_text(obj, "since", text);
	out_str(obj, "since_iso", text);
}

/* "10.0.0.1:5000->3", "10.0.0.1:5000,10.0.0.2:0->spread" */
static void print_flow(FILE *stream, const struct devmem_reservation_flow *flow)
{
	char text[ADDRESS_TEXT_MAX];

	format_address(text, &flow->flow.dst);
	fputs(text, stream);
	if (flow->flow.src.ss_family) {
		format_address(text, &flow->flow.src);
		fprintf(stream, ",%s", text);
	}
	if (flow->queue == DEVMEM_QUEUE_SPREAD)
		fputs("->spread", stream);
	else
		fprintf(stream, "->%u", flow->queue);
}

static char *flows_text(const struct devmem_reservation_info *info, bool all)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	if (!all && info->n_flows > FLOWS_SHOWN)
		fprintf(stream, "%zu flows", info->n_flows);
	else
		for (size_t i = 0; i < info->n_flows; i++) {
			if (i)
				putc(' ', stream);
			print_flow(stream, &info->flows[i]);
		}
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}

static void out_flows(const struct ctl *ctl, struct json_object *obj,
		      const struct devmem_reservation_info *info)
{
	struct json_object *list = out_list(obj, "flows");
	char *text = flows_text(info, ctl->verbose);

	for (size_t i = 0; i < info->n_flows; i++) {
		const struct devmem_reservation_flow *flow = &info->flows[i];
		struct json_object *item = out_item(list);

		if (flow->location != UINT32_MAX)
			out_uint(item, "location", flow->location);
		else
			out_null(item, "location");
		if (flow->queue != DEVMEM_QUEUE_SPREAD)
			out_uint(item, "queue", flow->queue);
		else
			out_null(item, "queue");
		out_bool(item, "spread", flow->queue == DEVMEM_QUEUE_SPREAD);
		out_address(item, "dst", &flow->flow.dst);
		out_address(item, "src", &flow->flow.src);
	}
	out_text(obj, "flows", text && *text ? text : "-");
	free(text);
}

static void out_reservation(const struct ctl *ctl, struct json_object *obj,
			    const struct devmem_reservation_info *info)
{
	struct json_object *queues;

	out_str(obj, "dev", info->name);
	out_uint(obj, "ifindex", info->ifindex);
	out_str(obj, "bus", info->bus[0] ? info->bus : NULL);
	out_uint(obj, "netns", info->netns);
	if (info->id)
		out_uint(obj, "id", info->id);
	else
		out_null(obj, "id");
	out_str(obj, "state", state_name(info));
	if (info->id)
		out_uint(obj, "pid", (uint64_t)info->pid);
	else
		out_null(obj, "pid");
	out_str(obj, "command", info->id ? info->command : NULL);
	out_since(obj, info->id ? info->since : 0);
	queues = out_list(obj, "queues");
	for (size_t i = 0; i < info->n_queues; i++)
		out_add_uint(queues, info->queues[i]);
	out_flows(ctl, obj, info);
	out_str(obj, "settings", info->settings[0] ? info->settings : NULL);
}

int cmd_reserve_show(struct ctl *ctl, int argc, char **argv)
{
	static const char *const columns[] = { "dev",	"id",	  "state", "pid", "command",
					       "since", "queues", "flows", NULL };
	static const char *const columns_all[] = { "dev",    "bus",   "netns",	  "id",
						   "state",  "pid",   "command",  "since",
						   "queues", "flows", "settings", NULL };
	struct reserve_options options = { 0 };
	const struct args_spec spec = {
		.name = "reserve show",
		.usage = "[DEV]",
		.summary = "Show who has reserved which queues and flows, since when, and whether "
			   "the owner is alive.",
		.options = reserve_options,
		.option = reserve_option,
		.operands = { "DEV" },
		.optional = 1,
		.input = &options,
	};
	struct devmem_reservation_options how;
	struct devmem_reservation_info *infos;
	struct devmem_error err;
	struct json_object *list;
	struct args args;
	size_t n;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	how = reservation_options(ctl, options.runtime_dir);
	if (devmem_reservation_list(&infos, &n, args.operand[0], &how, &err))
		return fail_error(&err);
	list = out_list(NULL, NULL);
	for (size_t i = 0; i < n; i++)
		out_reservation(ctl, out_item(list), &infos[i]);
	devmem_reservation_list_free(infos, n);
	return out_print(ctl, stdout, list, ctl->verbose ? columns_all : columns);
}

int cmd_reserve_restore(struct ctl *ctl, int argc, char **argv)
{
	struct reserve_options options = { 0 };
	const struct args_spec spec = {
		.name = "reserve restore",
		.usage = "[DEV]",
		.summary = "Put back what users left that died. Those who live keep what they "
			   "have.",
		.options = reserve_options,
		.option = reserve_option,
		.operands = { "DEV" },
		.optional = 1,
		.input = &options,
	};
	struct devmem_reservation_options how;
	struct json_object *obj;
	struct devmem_error err;
	unsigned int restored;
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	how = reservation_options(ctl, options.runtime_dir);
	if (devmem_reservation_restore(args.operand[0], &restored, &how, &err))
		return fail_error(&err);
	say(ctl, "%u reservation%s of dead owners ended", restored, restored == 1 ? "" : "s");
	if (!ctl->json)
		return EXIT_OK;
	obj = out_object(NULL, NULL);
	out_uint(obj, "restored", restored);
	return out_print(ctl, stdout, obj, NULL);
}
