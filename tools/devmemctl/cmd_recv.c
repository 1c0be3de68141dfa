/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devmem/flow.h>

#include "endpoint.h"
#include "output.h"
#include "receive.h"
#include "setup.h"
#include "signals.h"
#include "sink.h"
#include "stream.h"

enum recv_key {
	KEY_OUTPUT = KEY_ENDPOINT_END,
	KEY_SHA256,
	KEY_MAP,
	KEY_HOLD,
	KEY_ONCE,
	KEY_PLACE,
	KEY_EXPECT,
	KEY_HELD_MAX,
	KEY_LOWAT,
	KEY_RECV_MAX,
};

struct recv_options {
	struct setup_options setup;
	struct sink_options sink;
	struct receive_options receive;
	struct endpoint endpoint;
	bool once, held_max;
};

/* Everything that a run of recv has open. */
struct recv {
	const struct ctl *ctl;
	const struct recv_options *options;
	struct setup setup;
	struct sink *sink;
	int listener; /* -1 = none */
	int fd;	      /* of the stream; -1 = none */
	struct sockaddr_storage local;
	struct sockaddr_storage peer;
	bool flow;
	uint32_t flow_location;
	uint64_t streams;
};

/* ---- options ---- */

static int recv_option(int key, const char *arg, void *input)
{
	struct recv_options *o = input;
	uint64_t value;

	switch (key) {
	case KEY_LISTEN:
	case KEY_CONNECT:
	case KEY_READY_FD:
		return endpoint_option(key, arg, &o->endpoint);
	case KEY_OUTPUT:
		o->sink.output = arg;
		return *arg ? 0 : fail(EXIT_USAGE, "--output is empty");
	case KEY_SHA256:
		o->sink.sha256 = true;
		return 0;
	case KEY_MAP:
		return sink_parse_map(arg, &o->sink);
	case KEY_HOLD:
		o->receive.hold = true;
		return 0;
	case KEY_ONCE:
		o->once = true;
		return 0;
	case KEY_PLACE:
		o->receive.place = true;
		return 0;
	case KEY_EXPECT:
		return parse_size("--expect", arg, 1, INT64_MAX, &o->receive.expect);
	case KEY_HELD_MAX:
		o->held_max = true;
		if (!strcmp(arg, "none")) {
			o->setup.held_max = UINT64_MAX;
			return 0;
		}
		return parse_size("--held-max", arg, 1, INT64_MAX, &o->setup.held_max);
	case KEY_LOWAT:
		if (parse_size("--lowat", arg, 1, INT32_MAX, &value))
			return EXIT_USAGE;
		o->receive.lowat_max = (uint32_t)value;
		return 0;
	case KEY_RECV_MAX:
		if (parse_size("--recv-max", arg, 4096, 1U << 30, &value))
			return EXIT_USAGE;
		o->receive.recv_max = (uint32_t)value;
		return 0;
	default:
		return setup_option(key, arg, &o->setup);
	}
}

static int check_options(struct recv_options *o, const struct args_spec *spec)
{
	int result = endpoint_check(&o->endpoint, spec, o->setup.dev);

	if (result)
		return result;
	if (o->endpoint.connect)
		o->once = true;
	if (o->receive.place && o->setup.queues.n)
		return fail(EXIT_USAGE, "recv: --place uses no queues of its own; leave --queues "
					"out");
	if (o->receive.place && o->setup.page_size)
		return fail(EXIT_USAGE, "recv: --place uses no receive buffers of its own; leave "
					"--page-size out");
	if (o->receive.place && o->setup.reserve_option)
		return fail(EXIT_USAGE,
			    "recv: --place changes nothing on the interface; leave %s "
			    "out",
			    o->setup.reserve_option);
	if (o->receive.place && o->held_max)
		return fail(EXIT_USAGE, "recv: --place has no binding; leave --held-max out");
	if (!o->setup.region)
		o->setup.region = o->receive.place ? "memfd" : "udmabuf";
	result = setup_options_check(&o->setup);
	if (result)
		return result;
	/* Held fragments are meant to fill the region. */
	if (o->receive.hold && !o->held_max)
		o->setup.held_max = UINT64_MAX;
	return 0;
}

/* ---- steps ---- */

static int check_device(const struct recv *r)
{
	const char *dev = r->options->setup.dev;
	char name[IF_NAMESIZE];
	uint64_t index = strtoul(dev, NULL, 10);

	/* A name, or an index in decimal, as the library has it. */
	if (if_nametoindex(dev) ||
	    (index && index <= UINT32_MAX && strspn(dev, "0123456789") == strlen(dev) &&
	     if_indextoname((unsigned int)index, name)))
		return 0;
	return fail(EXIT_MISSING,
		    "%s: no such interface in this network namespace; 'devmemctl dev show' lists "
		    "them",
		    dev);
}

/* The socket that is waiting, or from which the connection will be made, so that the flow is known.
 */
static int open_socket(struct recv *r)
{
	const struct recv_options *o = r->options;
	socklen_t len = sizeof(r->local);
	int result;

	if (o->endpoint.connect) {
		r->peer = o->endpoint.address;
		return stream_prepare(&r->fd, &r->local, &r->peer);
	}
	result = stream_bind(&r->listener, &o->endpoint.address, NULL);
	if (result)
		return result;
	if (getsockname(r->listener, (struct sockaddr *)&r->local, &len))
		return fail_errno(errno, "getsockname");
	return 0;
}

static int add_flow(struct recv *r)
{
	struct devmem_flow flow = { .dst = r->local };
	struct devmem_error err;

	if (r->options->endpoint.connect)
		flow.src = r->peer;
	if (devmem_reservation_add_flow(r->setup.reservation, &flow, r->setup.queues.id[0],
					&r->flow_location, &err))
		return fail_error(&err);
	r->flow = true;
	say(r->ctl, "%s: flow rule %u to queue %u", r->setup.before.name, r->flow_location,
	    r->setup.queues.id[0]);
	return 0;
}

/* From here on the NIC is changed. */
static int set_up_nic(struct recv *r)
{
	char ranges[128];
	int result = setup_reservation(&r->setup, r->ctl, &r->options->setup);

	if (result)
		return result;
	result = setup_binding(&r->setup, &r->options->setup);
	if (result)
		return result;
	format_ranges(ranges, sizeof(ranges), r->setup.queues.id, r->setup.queues.n);
	say(r->ctl, "%s: binding %u on queues %s", r->setup.before.name,
	    devmem_binding_id(r->setup.binding), ranges);
	return add_flow(r);
}

/* Steps that change nothing come first, those that change the NIC last. */
static int set_up(struct recv *r)
{
	const struct recv_options *o = r->options;
	bool place = o->receive.place;
	int result;

	result = place ? check_device(r) : setup_device(&r->setup, &o->setup, true);
	if (!result)
		result = setup_region(&r->setup, r->ctl, &o->setup, place);
	if (!result)
		result = sink_map_region(r->sink, r->setup.region);
	if (!result)
		result = open_socket(r);
	if (!result && !place)
		result = set_up_nic(r);
	if (!result && o->endpoint.listen)
		result = stream_listen(r->listener);
	return result;
}

/* ---- results ---- */

static void out_rx(struct json_object *obj, const struct devmem_rx_stats *rx)
{
	struct json_object *part = out_object(obj, "rx");

	out_uint(part, "bytes_device", rx->bytes_device);
	out_uint(part, "bytes_host", rx->bytes_host);
	out_uint(part, "bytes_placed", rx->bytes_placed);
	out_uint(part, "fragments_device", rx->fragments_device);
	out_uint(part, "fragments_host", rx->fragments_host);
	out_uint(part, "fragments_placed", rx->fragments_placed);
	out_uint(part, "recv_calls", rx->recv_calls);
	out_uint(part, "poll_calls", rx->poll_calls);
	out_uint(part, "return_calls", rx->return_calls);
	out_uint(part, "lowat_calls", rx->lowat_calls);
	out_uint(part, "ranges_returned", rx->ranges_returned);
	out_uint(part, "fragments_returned", rx->fragments_returned);
	out_uint(part, "fragments_missing", rx->fragments_missing);
	out_uint(part, "held_fragments", rx->held_fragments);
	out_uint(part, "held_bytes", rx->held_bytes);
	out_uint(part, "held_fragments_max", rx->held_fragments_max);
	out_uint(part, "held_bytes_max", rx->held_bytes_max);
	out_uint(part, "lowat_timeouts", rx->lowat_timeouts);
	out_uint(part, "held_refusals", rx->held_refusals);
	out_uint(part, "foreign_fragments", rx->foreign_fragments);
}

static void out_binding(struct json_object *obj, const struct recv *r,
			const struct devmem_binding_stats *stats)
{
	struct json_object *part;
	struct json_object *list;

	if (!r->setup.binding) {
		if (r->ctl->json)
			out_null(obj, "binding");
		return;
	}
	part = out_object(obj, "binding");
	out_uint(part, "id", devmem_binding_id(r->setup.binding));
	list = out_list(part, "queues");
	for (size_t i = 0; i < r->setup.queues.n; i++)
		out_add_uint(list, r->setup.queues.id[i]);
	out_uint(part, "page_size", stats->page_size);
	out_uint(part, "held_pages_max", stats->held_pages_max);
	if (stats->held_pages_limit != UINT64_MAX)
		out_uint(part, "held_pages_limit", stats->held_pages_limit);
	else
		out_null(part, "held_pages_limit");
	if (r->flow)
		out_uint(part, "flow_location", r->flow_location);
}

static void out_drops(struct json_object *obj, const struct recv *r, const struct drops *drops)
{
	struct json_object *part;

	if (!drops->known) {
		if (r->ctl->json || r->setup.binding)
			out_null(obj, "drops");
		return;
	}
	part = out_object(obj, "drops");
	out_uint(part, "rx_alloc_fail", drops->alloc_fail);
	out_uint(part, "rx_hw_drops", drops->hw_drops);
	out_uint(part, "rx_hw_drop_overruns", drops->hw_drop_overruns);
}

static uint64_t bytes_of(const struct devmem_rx_stats *rx)
{
	return rx->bytes_device + rx->bytes_host + rx->bytes_placed;
}

/* The summary of a stream, or of a run without one. */
static struct json_object *summary(const struct recv *r, const struct receive_result *result)
{
	struct json_object *obj = out_object(NULL, NULL);
	bool all = r->ctl->json || r->ctl->verbose;
	uint64_t bytes = bytes_of(&result->rx);
	char name[24];

	out_str(obj, "dev", r->options->setup.dev);
	out_str(obj, "mode", r->options->receive.place ? "place" : "bound");
	out_uint(obj, "stream", r->streams);
	out_address(obj, "local", &r->local);
	out_address(obj, "peer", &r->peer);
	out_str(obj, "end", ending_name(&result->ending, "eof", name));
	if (r->ctl->json || result->ending.code)
		out_str(obj, "error", result->ending.code ? result->ending.error : NULL);
	out_bytes(obj, "bytes", bytes);
	out_double(obj, "seconds", result->seconds);
	if (result->seconds > 0)
		out_double(obj, "mib_per_second", (double)bytes / result->seconds / (1 << 20));
	else if (r->ctl->json)
		out_null(obj, "mib_per_second");
	if (r->ctl->json || result->sha256[0])
		out_str(obj, "sha256", result->sha256[0] ? result->sha256 : NULL);
	if (!r->ctl->json) {
		/* What matters of the counters. */
		out_bytes(obj, "bytes_in_region",
			  result->rx.bytes_device + result->rx.bytes_placed);
		out_bytes(obj, "bytes_in_host_memory", result->rx.bytes_host);
		out_uint(obj, "fragments",
			 result->rx.fragments_device + result->rx.fragments_placed +
				 result->rx.fragments_host);
		out_bytes(obj, "held_at_most", result->rx.held_bytes_max);
	}
	setup_out_region(obj, r->ctl, &r->setup);
	out_binding(obj, r, &result->binding);
	out_drops(obj, r, &result->drops);
	if (r->setup.reservation)
		setup_out_steering(obj, &r->setup);
	else if (r->ctl->json)
		out_null(obj, "steering");
	if (all)
		out_rx(obj, &result->rx);
	return obj;
}

static FILE *summary_stream(const struct recv *r)
{
	const char *output = r->options->sink.output;

	return output && !strcmp(output, "-") ? stderr : stdout;
}

/* ---- streams ---- */

/* Return: 0, -EINTR after a signal, or an exit code. */
static int next_stream(struct recv *r)
{
	socklen_t len = sizeof(r->local);
	char text[ADDRESS_TEXT_MAX];
	int result;

	if (r->options->endpoint.connect) {
		result = stream_connect(r->fd, &r->peer);
		if (!result)
			result = endpoint_ready(&r->options->endpoint, r->ctl, "connected to",
						&r->peer);
	} else {
		result = stream_accept(&r->fd, r->listener, &r->peer);
		if (!result)
			getsockname(r->fd, (struct sockaddr *)&r->local, &len);
	}
	/* Only now are files emptied. */
	if (!result)
		result = sink_start(r->sink);
	if (result)
		return result;
	r->streams++;
	format_address(text, &r->peer);
	if (r->options->endpoint.listen)
		say(r->ctl, "stream %llu from %s", (unsigned long long)r->streams, text);
	return 0;
}

static void advise(const struct recv *r, const struct receive_result *result)
{
	if (r->setup.binding && bytes_of(&result->rx) && !result->rx.bytes_device)
		note("%s: no byte reached the region: the stream came through another interface "
		     "or queue, or the NIC didn't split its packets",
		     r->setup.before.name);
}

/* Streams until the last one. last: receives its summary, to be printed when all is put back. */
static int run(struct recv *r, struct json_object **last)
{
	struct receive_result result = { 0 };

	for (;;) {
		int err = next_stream(r);
		int printed;

		if (err == -EINTR) {
			ending_signal(&result.ending);
			if (r->streams)
				return ending_exit_code(&result.ending);
			if (r->setup.binding)
				devmem_binding_stats(r->setup.binding, &result.binding);
			*last = summary(r, &result);
			return ending_exit_code(&result.ending);
		}
		if (err)
			return err;
		receive_stream(&result, r->ctl, &r->setup, r->sink, r->fd, &r->options->receive);
		advise(r, &result);
		if (result.ending.sig || result.fatal || r->options->once) {
			*last = summary(r, &result);
			return ending_exit_code(&result.ending);
		}
		printed = out_print(r->ctl, summary_stream(r), summary(r, &result), NULL);
		close(r->fd);
		r->fd = -1;
		if (printed)
			return printed;
		memset(&result, 0, sizeof(result));
	}
}

static int clean_up(struct recv *r)
{
	int result = sink_close(r->sink);
	int restored;

	if (r->fd >= 0)
		close(r->fd);
	if (r->listener >= 0)
		close(r->listener);
	restored = setup_close(&r->setup);
	return result ? result : restored;
}

static int receive(const struct ctl *ctl, const struct recv_options *options)
{
	struct recv r = { .ctl = ctl, .options = options, .listener = -1, .fd = -1 };
	struct json_object *last = NULL;
	bool changed;
	int cleaned;
	int result;

	result = sink_open(&r.sink, &options->sink);
	if (result)
		return result;
	result = set_up(&r);
	if (!result && options->endpoint.listen)
		result = endpoint_ready(&options->endpoint, ctl, "listening on", &r.local);
	if (!result)
		result = run(&r, &last);
	changed = r.setup.reservation != NULL;
	cleaned = clean_up(&r);
	if (last) {
		int printed;

		if (changed)
			out_bool(last, "restored", !cleaned);
		printed = out_print(ctl, summary_stream(&r), last, NULL);
		if (!result)
			result = printed;
	}
	return result ? result : cleaned;
}

int cmd_recv(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		ENDPOINT_OPTIONS("sender"),
		{ "once", KEY_ONCE, NULL, 0, "Leave after one stream (--connect always does)", 1 },
		{ "place", KEY_PLACE, NULL, 0,
		  "Leave the NIC alone: receive in the ordinary way and copy into the region; "
		  "default region: memfd",
		  1 },
		SETUP_OPTIONS,
		{ "output", KEY_OUTPUT, "FILE", 0, "Write the stream there; - is standard output",
		  3 },
		{ "sha256", KEY_SHA256, NULL, 0, "Compute the SHA-256 of each stream", 3 },
		{ "map", KEY_MAP, "FILE", 0, "Write where each fragment landed: OFFSET LENGTH", 3 },
		{ "hold", KEY_HOLD, NULL, 0,
		  "Release no fragment before the end: the stream stays in the region", 3 },
		{ "expect", KEY_EXPECT, "BYTES", 0,
		  "How many bytes will come, if known; a hint, never a limit", 4 },
		{ "held-max", KEY_HELD_MAX, "BYTES", 0,
		  "Most bytes of the region that may be held, or none; default: a quarter", 4 },
		{ "lowat", KEY_LOWAT, "BYTES", 0, "Highest low-water mark; default: 2M", 4 },
		{ "recv-max", KEY_RECV_MAX, "BYTES", 0, "Most bytes of one receive; default: 4M",
		  4 },
		{ 0 },
	};
	struct recv_options options = { .endpoint.ready_fd = -1 };
	const struct args_spec spec = {
		.name = "recv",
		.usage = "DEV --listen ADDR:PORT\nDEV --connect ADDR:PORT",
		.summary = "Receive a TCP stream into a region: sets the NIC up, receives, and "
			   "puts everything back.",
		.options = argp_options,
		.option = recv_option,
		.operands = { "DEV" },
		.input = &options,
	};
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	options.setup.dev = args.operand[0];
	result = check_options(&options, &spec);
	if (!result)
		result = signals_open();
	return result ? result : receive(ctl, &options);
}
