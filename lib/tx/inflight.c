// SPDX-License-Identifier: BSD-3-Clause
/* What is in flight on one socket. */
#include "tx/inflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tx/seqset.h"

struct flight {
	struct devmem_range range;
	uint64_t sequence;
};

struct inflight {
	/* All up to this one are complete. Those in done are, too: they begin two or more behind.
	 */
	uint64_t completed;
	uint64_t last;
	uint32_t sends_max;
	/* What the kernel called the send before the first. */
	uint32_t kernel_before;
	struct seqset done;
	/* Complete, and not taken yet. */
	struct seqset untaken;
	/* Ranges, oldest first, in a circle. Those of the oldest send that is not complete come
	 * first; between the others may be some of complete ones. */
	struct flight *flights;
	uint32_t flights_max, oldest, flights_n;
	struct inflight_counts counts;
};

/*
 * As many ranges as there can be. Of n numbers in a row at most every second can begin one. What is
 * complete but not taken lies in two such rows, and one range more: everything below the highest
 * number that was ever taken became complete after that, so it was among those in flight then;
 * between that and the oldest in flight all is complete and makes one range; and the rest is in
 * flight now.
 */
static size_t done_max(uint32_t sends_max)
{
	return (size_t)sends_max / 2 + 1;
}

static size_t untaken_max(uint32_t sends_max)
{
	return 2 * done_max(sends_max) + 1;
}

struct inflight *inflight_new(uint32_t sends_max, uint32_t ranges_max, uint32_t kernel_next)
{
	struct inflight *f = calloc(1, sizeof(*f));
	struct seqset_range *done, *untaken;

	if (!f)
		return NULL;
	done = calloc(done_max(sends_max), sizeof(*done));
	untaken = calloc(untaken_max(sends_max), sizeof(*untaken));
	f->flights = calloc(ranges_max, sizeof(f->flights[0]));
	if (!done || !untaken || !f->flights)
		goto free_all;
	seqset_init(&f->done, done, done_max(sends_max));
	seqset_init(&f->untaken, untaken, untaken_max(sends_max));
	f->sends_max = sends_max;
	f->flights_max = ranges_max;
	f->kernel_before = kernel_next - 1;
	return f;

free_all:
	free(f->flights);
	free(untaken);
	free(done);
	free(f);
	return NULL;
}

void inflight_free(struct inflight *f)
{
	if (!f)
		return;
	free(f->flights);
	free(f->untaken.ranges);
	free(f->done.ranges);
	free(f);
}

/* The n-th range in the circle. */
static struct flight *flight(const struct inflight *f, uint32_t n)
{
	uint32_t at = f->oldest + n;

	/* Either may be near UINT32_MAX / 2: no overflow. */
	return &f->flights[at < f->flights_max ? at : at - f->flights_max];
}

bool inflight_room(const struct inflight *f, size_t n)
{
	return f->last - f->completed < f->sends_max && n <= f->flights_max - f->flights_n;
}

uint64_t inflight_send(struct inflight *f, const struct devmem_range *ranges, uint64_t bytes)
{
	uint64_t left = bytes;

	f->last++;
	for (; left; ranges++) {
		struct flight *to = flight(f, f->flights_n);

		to->range = *ranges;
		if (to->range.size > left)
			to->range.size = left;
		to->sequence = f->last;
		left -= to->range.size;
		f->flights_n++;
	}
	f->counts.sends++;
	f->counts.bytes += bytes;
	if (f->counts.sends > f->counts.sends_max)
		f->counts.sends_max = f->counts.sends;
	if (f->counts.bytes > f->counts.bytes_max)
		f->counts.bytes_max = f->counts.bytes;
	return f->last;
}

uint64_t inflight_send_complete(struct inflight *f)
{
	f->completed = ++f->last;
	/* Joins the range before it, so there is room. */
	seqset_add(&f->untaken, f->last, f->last);
	return f->last;
}

/* Index in the circle of the first range of a send, or of one behind it. */
static uint32_t first_flight(const struct inflight *f, uint64_t sequence)
{
	uint32_t low = 0, high = f->flights_n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (flight(f, mid)->sequence < sequence)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_complete(const struct inflight *f, uint64_t sequence)
{
	const struct seqset_range *range;

	if (sequence <= f->completed)
		return true;
	range = seqset_find(&f->done, sequence);
	return range && range->first <= sequence;
}

/* Those from first to last were in flight, all of them. */
static void complete(struct inflight *f, uint64_t first, uint64_t last)
{
	uint32_t i;

	for (i = first_flight(f, first); i < f->flights_n; i++) {
		const struct flight *at = flight(f, i);

		if (at->sequence > last)
			break;
		f->counts.bytes -= at->range.size;
	}
	f->counts.sends -= last - first + 1;
	seqset_add(&f->untaken, first, last);
	if (first != f->completed + 1) {
		seqset_add(&f->done, first, last);
		return;
	}
	f->completed = last;
	if (f->done.n && f->done.ranges[0].first == last + 1) {
		f->completed = f->done.ranges[0].last;
		seqset_drop(&f->done, 1);
	}
	while (f->flights_n && flight(f, 0)->sequence <= f->completed) {
		f->oldest = f->oldest + 1 < f->flights_max ? f->oldest + 1 : 0;
		f->flights_n--;
	}
}

int inflight_complete(struct inflight *f, uint32_t low, uint32_t high, uint64_t *sends,
		      uint64_t *unknown)
{
	/* Distances are right also where 32 bits wrap: far less than half of them are in flight. */
	uint32_t behind = f->kernel_before + (uint32_t)f->last - high;
	uint64_t n = (uint64_t)(uint32_t)(high - low) + 1;
	uint64_t first, last;

	*sends = 0;
	*unknown = 0;
	if (behind > INT32_MAX || n > INT32_MAX)
		return -EBADMSG;
	*unknown = n;
	if (behind >= f->last)
		return 0;
	last = f->last - behind;
	first = last > n ? last - n + 1 : 1;
	/* What was complete before is left out: it may be anywhere between the others. */
	while (first <= last) {
		const struct seqset_range *range;
		uint64_t end = last;

		if (first <= f->completed) {
			first = f->completed + 1;
			continue;
		}
		range = seqset_find(&f->done, first);
		if (range && range->first <= first) {
			first = range->last + 1;
			continue;
		}
		if (range && range->first <= last)
			end = range->first - 1;
		complete(f, first, end);
		*sends += end - first + 1;
		first = end + 1;
	}
	*unknown -= *sends;
	return 0;
}

uint64_t inflight_last(const struct inflight *f)
{
	return f->last;
}

uint64_t inflight_completed(const struct inflight *f)
{
	return f->completed;
}

uint32_t inflight_kernel_next(const struct inflight *f)
{
	return f->kernel_before + (uint32_t)f->last + 1;
}

void inflight_counts(const struct inflight *f, struct inflight_counts *counts)
{
	*counts = f->counts;
}

size_t inflight_take_done(struct inflight *f, struct devmem_tx_done *done, size_t n)
{
	size_t i;

	if (n > f->untaken.n)
		n = f->untaken.n;
	for (i = 0; i < n; i++)
		done[i] = (struct devmem_tx_done){ f->untaken.ranges[i].first,
						   f->untaken.ranges[i].last };
	if (n)
		seqset_drop(&f->untaken, n);
	return n;
}

uint64_t inflight_find(const struct inflight *f, const struct devmem_range *range)
{
	uint32_t i;

	for (i = f->flights_n; i > 0; i--) {
		const struct flight *at = flight(f, i - 1);

		/* Differences can't overflow, as sums of offset and size could. */
		if (at->range.offset < range->offset
			    ? range->offset - at->range.offset >= at->range.size
			    : at->range.offset - range->offset >= range->size)
			continue;
		if (!is_complete(f, at->sequence))
			return at->sequence;
	}
	return 0;
}
