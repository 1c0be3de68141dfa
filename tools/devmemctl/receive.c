/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "progress.h"
#include "receive.h"
#include "signals.h"

/* A sender that gets no acknowledgement tries again after 0.2 s, then twice that and so on: at
 * least once between these two points of time. */
#define STALL_FIRST_MS 1000
#define STALL_AGAIN_MS 4000
#define DROPS_EVERY_MS 1000
/* What the library uses when recv_max is 0. */
#define RECV_MAX_DEFAULT (4U << 20)

struct receive {
	struct receive_result *result;
	const struct setup *setup;
	const struct receive_options *options;
	struct sink *sink;
	struct devmem_rx *rx;
	struct progress progress;
	struct drops drops_start;
	struct drops drops_now;
	uint64_t drops_at_ms;
	/* Of a stream that is held: when the last byte came, and what was lost a second later. */
	uint64_t last_byte_ms;
	bool stalled;
	struct drops drops_stalled;
};

static uint64_t since(uint64_t now, uint64_t start)
{
	/* Drivers may begin to count anew when a queue restarts. */
	return now > start ? now - start : 0;
}

static void count_drops(struct receive *r, struct drops *delta)
{
	*delta = (struct drops){ 0 };
	if (!r->setup->binding)
		return;
	setup_drops(r->setup, &r->drops_now);
	delta->known = r->drops_now.known;
	delta->alloc_fail = since(r->drops_now.alloc_fail, r->drops_start.alloc_fail);
	delta->hw_drops = since(r->drops_now.hw_drops, r->drops_start.hw_drops);
	delta->hw_drop_overruns =
		since(r->drops_now.hw_drop_overruns, r->drops_start.hw_drop_overruns);
	delta->inflight_bytes = r->drops_now.inflight_bytes;
}

static void show_progress(struct receive *r)
{
	const struct drops *drops = &r->result->drops;
	struct devmem_rx_stats stats;
	char lost[96] = "";

	if (!progress_is_due(&r->progress))
		return;
	if (now_ms() >= r->drops_at_ms + DROPS_EVERY_MS) {
		count_drops(r, &r->result->drops);
		r->drops_at_ms = now_ms();
	}
	devmem_rx_stats(r->rx, &stats);
	if (drops->known)
		snprintf(lost, sizeof(lost), ", drops: no buffer %llu, hardware %llu",
			 (unsigned long long)drops->alloc_fail,
			 (unsigned long long)drops->hw_drops);
	progress_show(&r->progress, stats.bytes_device + stats.bytes_host + stats.bytes_placed,
		      ", fragments %llu, held %llu%s",
		      (unsigned long long)(stats.fragments_device + stats.fragments_host +
					   stats.fragments_placed),
		      (unsigned long long)stats.held_fragments, lost);
}

static int rx_failed(struct receive *r, int code)
{
	struct devmem_error err = { 0 };

	devmem_rx_explain(r->rx, code, &err);
	if (code == -ENOBUFS && r->options->hold) {
		err.kind = DEVMEM_ERROR_REFUSED;
		snprintf(err.message, sizeof(err.message),
			 "region %s: too small to hold the whole stream (--hold): raise --size%s, "
			 "or leave --hold out",
			 devmem_region_spec(r->setup->region),
			 r->setup->binding ? " or --held-max" : "");
	}
	return ending_error(&r->result->ending, &err);
}

/* With --hold and no limit the NIC can run out of memory: then nothing arrives any more, nothing
 * says so, and the sender tries again and again. Return: 0, or not 0 after saying so. */
static int check_starved(struct receive *r)
{
	uint64_t idle = now_ms() - r->last_byte_ms;
	struct devmem_rx_stats stats;
	struct devmem_error err = { .kind = DEVMEM_ERROR_REFUSED };
	struct drops drops;

	if (!r->options->hold || !r->setup->binding || idle < STALL_FIRST_MS)
		return 0;
	if (!r->stalled) {
		count_drops(r, &r->drops_stalled);
		r->stalled = true;
		return 0;
	}
	if (idle < STALL_AGAIN_MS)
		return 0;
	count_drops(r, &drops);
	devmem_rx_stats(r->rx, &stats);
	if (!stats.held_fragments ||
	    (drops.alloc_fail == r->drops_stalled.alloc_fail &&
	     drops.hw_drop_overruns == r->drops_stalled.hw_drop_overruns)) {
		/* The sender is quiet. Check again when it would try again. */
		r->last_byte_ms = now_ms();
		r->stalled = false;
		return 0;
	}
	snprintf(err.message, sizeof(err.message),
		 "region %s: too small to hold the whole stream (--hold): %llu bytes in %llu "
		 "fragments are held, and the NIC finds no free buffer; raise --size, or leave "
		 "--hold out",
		 devmem_region_spec(r->setup->region), (unsigned long long)stats.held_bytes,
		 (unsigned long long)stats.held_fragments);
	return ending_error(&r->result->ending, &err);
}

/* Waits until there is something to receive. Return: 0, or not 0 when the stream is over. */
static int wait_for_bytes(struct receive *r, int fd)
{
	int timeout = devmem_rx_arm(r->rx);
	int due = progress_due(&r->progress);
	int ready;

	if (timeout < -1)
		return rx_failed(r, timeout);
	if (due >= 0 && (timeout < 0 || due < timeout))
		timeout = due;
	if (r->options->hold && (timeout < 0 || timeout > STALL_FIRST_MS))
		timeout = STALL_FIRST_MS;
	ready = signals_wait(fd, POLLIN, timeout);
	if (ready == -EINTR)
		return ending_signal(&r->result->ending);
	if (ready < 0)
		return ending_failed(&r->result->ending, fail_errno(-ready, "poll"));
	return check_starved(r);
}

static int write_fragments(struct receive *r, const struct devmem_fragment *frags, int n)
{
	int result = sink_write(r->sink, frags, n);

	r->last_byte_ms = now_ms();
	r->stalled = false;
	if (!r->options->hold)
		devmem_rx_release(r->rx, frags, (size_t)n);
	r->result->fatal = result && result != -EINTR;
	return ending_result(&r->result->ending, result);
}

static void receive_all(struct receive *r, int fd)
{
	double first = 0;
	double last = 0;

	for (;;) {
		const struct devmem_fragment *frags;
		int n;

		if (wait_for_bytes(r, fd))
			break;
		n = devmem_rx_recv(r->rx, &frags, DEVMEM_RX_DONTWAIT);
		if (n > 0) {
			last = now_seconds();
			if (first <= 0)
				first = last;
			if (write_fragments(r, frags, n))
				break;
		} else if (n != -EAGAIN && n != -EINTR) {
			if (n < 0)
				rx_failed(r, n);
			break;
		}
		show_progress(r);
	}
	r->result->seconds = last - first;
}

static void finish_sink(struct receive *r)
{
	int result;

	if (r->result->fatal)
		return;
	result = sink_finish(r->sink, r->result->sha256);
	r->result->fatal = result && result != -EINTR;
	ending_result(&r->result->ending, result);
}

void receive_stream(struct receive_result *result, const struct ctl *ctl, const struct setup *setup,
		    struct sink *sink, int fd, const struct receive_options *options)
{
	struct devmem_rx_options rx_options = {
		.sz = sizeof(rx_options),
		.recv_max = options->recv_max,
		.lowat_max = options->lowat_max,
		.placement = options->place ? setup->region : NULL,
	};
	struct receive r = {
		.result = result,
		.setup = setup,
		.options = options,
		.sink = sink,
	};
	uint64_t size = devmem_region_size(setup->region);
	struct devmem_error err;

	/* One receive has to fit into the placement region. */
	if (options->place && !rx_options.recv_max && size < RECV_MAX_DEFAULT)
		rx_options.recv_max = (uint32_t)size;
	memset(result, 0, sizeof(*result));
	if (setup->binding)
		setup_drops(setup, &r.drops_start);
	if (devmem_rx_open(&r.rx, fd, setup->binding, &rx_options, &err)) {
		result->fatal = true;
		ending_error(&result->ending, &err);
		return;
	}
	devmem_rx_expect(r.rx, options->expect ? options->expect : DEVMEM_RX_STREAM);
	if (ending_failed(&result->ending, sink_begin(sink))) {
		result->fatal = true;
		goto close_rx;
	}
	progress_init(&r.progress, ctl);
	r.last_byte_ms = now_ms();
	receive_all(&r, fd);
	progress_clear(&r.progress);
	finish_sink(&r);

close_rx:
	count_drops(&r, &result->drops);
	devmem_rx_stats(r.rx, &result->rx);
	if (setup->binding)
		devmem_binding_stats(setup->binding, &result->binding);
	devmem_rx_close(r.rx);
}
