/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "endpoint.h"
#include "infile.h"
#include "output.h"
#include "send.h"
#include "setup.h"
#include "signals.h"
#include "sink.h"
#include "stream.h"

#define CHUNK_DEFAULT (1U << 20)
#define CHUNK_MAX (1U << 30)
/* So many pieces fit into a small region, so that one is filled while others are under way. */
#define PIECES_MIN 4U

enum send_key {
	KEY_INPUT = KEY_ENDPOINT_END,
	KEY_SHA256,
	KEY_MAP,
	KEY_CHUNK,
	KEY_REQUIRE_DEVICE,
};

struct send_options {
	struct setup_options setup;
	struct sink_options sink;
	struct endpoint endpoint;
	const char *input;
	uint64_t chunk; /* 0: the default */
	bool require_device;
};

/* Everything that a run of send has open. */
struct run {
	const struct ctl *ctl;
	const struct send_options *options;
	struct setup setup;
	struct infile input;
	struct sink *sink;
	int listener; /* -1 = none */
	int fd;	      /* of the stream; -1 = none */
	struct sockaddr_storage local;
	struct sockaddr_storage peer;
};

/* ---- options ---- */

static int send_option(int key, const char *arg, void *input)
{
	struct send_options *o = input;

	switch (key) {
	case KEY_LISTEN:
	case KEY_CONNECT:
	case KEY_READY_FD:
		return endpoint_option(key, arg, &o->endpoint);
	case KEY_INPUT:
		o->input = arg;
		return *arg ? 0 : fail(EXIT_USAGE, "--input is empty");
	case KEY_SHA256:
		o->sink.sha256 = true;
		return 0;
	case KEY_MAP:
		return sink_parse_map(arg, &o->sink);
	case KEY_CHUNK:
		return parse_size("--chunk", arg, 1, CHUNK_MAX, &o->chunk);
	case KEY_REQUIRE_DEVICE:
		o->require_device = true;
		return 0;
	default:
		return setup_option(key, arg, &o->setup);
	}
}

static int check_options(struct send_options *o, const struct args_spec *spec)
{
	int result = endpoint_check(&o->endpoint, spec, o->setup.dev);

	if (result)
		return result;
	if (!o->setup.region) {
		o->setup.region = "udmabuf";
		/* From there it is plain sending, like everything where there is no udmabuf. */
		if (!o->require_device)
			o->setup.region_else = "memfd";
	}
	return setup_options_check(&o->setup);
}

/* ---- steps ---- */

/* Before there is a connection: whether the CPU can write to the region. */
static int check_region(struct devmem_region *region)
{
	struct devmem_error err;
	char byte;

	if (devmem_region_read(region, 0, &byte, 1, &err) ||
	    devmem_region_write(region, 0, &byte, 1, &err))
		return fail_error(&err);
	return 0;
}

static int open_socket(struct run *r)
{
	const struct endpoint *e = &r->options->endpoint;
	const char *dev = r->setup.before.name;
	int result = endpoint_check_dev(e, dev, r->setup.before.ifindex);

	if (result)
		return result;
	if (e->listen)
		return stream_bind(&r->listener, &e->address, dev);
	r->peer = e->address;
	return stream_open(&r->fd, &r->peer, dev);
}

static int start_listening(struct run *r)
{
	socklen_t len = sizeof(r->local);
	int result = stream_listen(r->listener);

	if (result)
		return result;
	if (getsockname(r->listener, (struct sockaddr *)&r->local, &len))
		return fail_errno(errno, "getsockname");
	return endpoint_ready(&r->options->endpoint, r->ctl, "listening on", &r->local);
}

static int set_up(struct run *r)
{
	const struct send_options *o = r->options;
	int result = infile_open(&r->input, o->input);

	if (!result)
		result = sink_open(&r->sink, &o->sink);
	if (!result)
		result = sink_check_input(r->sink, r->input.fd);
	if (!result)
		result = setup_netdev(&r->setup, &o->setup);
	if (!result)
		result = open_socket(r);
	if (!result)
		result = setup_region(&r->setup, r->ctl, &o->setup, !o->require_device);
	if (!result)
		result = check_region(r->setup.region);
	if (!result)
		result = sink_map_region(r->sink, r->setup.region);
	if (!result)
		result = setup_binding_tx(&r->setup, !o->require_device);
	if (!result && !devmem_binding_is_plain(r->setup.binding))
		say(r->ctl, "%s: binding %u", r->setup.before.name,
		    devmem_binding_id(r->setup.binding));
	if (!result && o->endpoint.listen)
		result = start_listening(r);
	return result;
}

/* Return: 0, -EINTR after a signal, or an exit code. */
static int connection(struct run *r)
{
	const struct endpoint *e = &r->options->endpoint;
	socklen_t len = sizeof(r->local);
	int result;

	if (e->connect)
		result = stream_connect(r->fd, &r->peer);
	else
		result = stream_accept(&r->fd, r->listener, &r->peer);
	if (result)
		return result;
	if (getsockname(r->fd, (struct sockaddr *)&r->local, &len))
		return fail_errno(errno, "getsockname");
	if (e->connect)
		result = endpoint_ready(e, r->ctl, "connected to", &r->peer);
	/* Only now is the file emptied. */
	return result ? result : sink_start(r->sink);
}

static uint64_t chunk_size(const struct run *r)
{
	uint64_t most = devmem_region_size(r->setup.region) / PIECES_MIN;

	if (r->options->chunk)
		return r->options->chunk;
	return most < CHUNK_DEFAULT ? most : CHUNK_DEFAULT;
}

/* ---- results ---- */

static void out_tx(struct json_object *obj, const struct devmem_tx_stats *tx)
{
	struct json_object *part = out_object(obj, "tx");

	out_uint(part, "bytes_device", tx->bytes_device);
	out_uint(part, "bytes_plain", tx->bytes_plain);
	out_uint(part, "sends", tx->sends);
	out_uint(part, "ranges", tx->ranges);
	out_uint(part, "send_calls", tx->send_calls);
	out_uint(part, "reap_calls", tx->reap_calls);
	out_uint(part, "poll_calls", tx->poll_calls);
	out_uint(part, "sync_calls", tx->sync_calls);
	out_uint(part, "completions", tx->completions);
	out_uint(part, "sends_completed", tx->sends_completed);
	out_uint(part, "sends_copied", tx->sends_copied);
	out_uint(part, "completions_unknown", tx->completions_unknown);
	out_uint(part, "notices_other", tx->notices_other);
	out_uint(part, "sends_partial", tx->sends_partial);
	out_uint(part, "full_socket", tx->full_socket);
	out_uint(part, "full_notifications", tx->full_notifications);
	out_uint(part, "full_in_flight", tx->full_in_flight);
	out_uint(part, "in_flight_sends", tx->in_flight_sends);
	out_uint(part, "in_flight_bytes", tx->in_flight_bytes);
	out_uint(part, "in_flight_sends_max", tx->in_flight_sends_max);
	out_uint(part, "in_flight_bytes_max", tx->in_flight_bytes_max);
	out_uint(part, "zerocopy_sends", tx->zerocopy_sends);
}

static void out_binding(struct json_object *obj, const struct run *r)
{
	if (!devmem_binding_is_plain(r->setup.binding))
		out_uint(out_object(obj, "binding"), "id", devmem_binding_id(r->setup.binding));
	else if (r->ctl->json)
		out_null(obj, "binding");
}

static struct json_object *summary(const struct run *r, const struct send_result *result)
{
	struct json_object *obj = out_object(NULL, NULL);
	const char *plain_reason = devmem_binding_note(r->setup.binding);
	const struct devmem_tx_stats *tx = &result->tx;
	uint64_t bytes = tx->bytes_device + tx->bytes_plain;
	bool json = r->ctl->json;
	char name[24];

	out_str(obj, "dev", r->setup.before.name);
	out_str(obj, "mode", devmem_binding_is_plain(r->setup.binding) ? "plain" : "device");
	if (json || plain_reason)
		out_str(obj, "plain_reason", plain_reason);
	out_address(obj, "local", &r->local);
	out_address(obj, "peer", &r->peer);
	out_str(obj, "end", ending_name(&result->ending, "complete", name));
	if (json || result->ending.code)
		out_str(obj, "error", result->ending.code ? result->ending.error : NULL);
	out_bytes(obj, "bytes", bytes);
	out_bytes(obj, "bytes_complete", bytes - tx->in_flight_bytes);
	out_double(obj, "seconds", result->seconds);
	if (result->seconds > 0)
		out_double(obj, "mib_per_second", (double)bytes / result->seconds / (1 << 20));
	else
		out_null(obj, "mib_per_second");
	if (json || result->sha256[0])
		out_str(obj, "sha256", result->sha256[0] ? result->sha256 : NULL);
	if (!json) {
		/* What matters of the counters. */
		out_uint(obj, "sends", tx->sends);
		if (tx->sends_copied)
			out_uint(obj, "sends_copied_by_the_kernel", tx->sends_copied);
		if (tx->bytes_device)
			out_bytes(obj, "in_flight_at_most", tx->in_flight_bytes_max);
	}
	setup_out_region(obj, r->ctl, &r->setup);
	out_binding(obj, r);
	if (json || r->ctl->verbose)
		out_tx(obj, tx);
	return obj;
}

/* ---- */

static int clean_up(struct run *r)
{
	int result = sink_close(r->sink);
	int closed;

	infile_close(&r->input);
	if (r->fd >= 0)
		close(r->fd);
	if (r->listener >= 0)
		close(r->listener);
	closed = setup_close(&r->setup);
	return result ? result : closed;
}

/* The stream. Return: its summary, NULL if there was no connection; code receives the exit code. */
static struct json_object *stream(struct run *r, int *code)
{
	struct send_result result = { 0 };

	*code = connection(r);
	if (*code > 0)
		return NULL;
	if (*code == -EINTR) {
		ending_signal(&result.ending);
	} else {
		const struct send_job job = {
			.setup = &r->setup,
			.input = &r->input,
			.sink = r->sink,
			.fd = r->fd,
			.peer = &r->peer,
			.chunk = chunk_size(r),
		};

		send_stream(&result, r->ctl, &job);
	}
	*code = ending_exit_code(&result.ending);
	return summary(r, &result);
}

static int run(const struct ctl *ctl, const struct send_options *options)
{
	struct run r = {
		.ctl = ctl,
		.options = options,
		.input = INFILE_NONE,
		.listener = -1,
		.fd = -1,
	};
	struct json_object *shown = NULL;
	int printed = 0;
	int cleaned;
	int code = set_up(&r);

	if (!code)
		shown = stream(&r, &code);
	cleaned = clean_up(&r);
	if (shown)
		printed = out_print(ctl, stdout, shown, NULL);
	if (!code)
		code = cleaned ? cleaned : printed;
	return code;
}

int cmd_send(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		ENDPOINT_OPTIONS("receiver"),
		{ "require-device", KEY_REQUIRE_DEVICE, NULL, 0,
		  "Send from device memory or not at all; default: plain sending where that can't "
		  "be",
		  1 },
		REGION_OPTIONS("send from"),
		{ "input", KEY_INPUT, "FILE", 0, "What to send; default: standard input", 3 },
		{ "sha256", KEY_SHA256, NULL, 0, "Compute the SHA-256 of what is sent", 3 },
		{ "map", KEY_MAP, "FILE", 0, "Write where each piece lay: OFFSET LENGTH", 3 },
		{ "chunk", KEY_CHUNK, "BYTES", 0, "Most bytes of one send; default: 1M", 4 },
		{ 0 },
	};
	struct send_options options = { .endpoint.ready_fd = -1, .input = "-" };
	const struct args_spec spec = {
		.name = "send",
		.usage = "DEV --connect ADDR:PORT\nDEV --listen ADDR:PORT",
		.summary = "Send a file or standard input through a region. Needs no privilege.",
		.options = argp_options,
		.option = send_option,
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
	return result ? result : run(ctl, &options);
}
