// SPDX-License-Identifier: BSD-3-Clause
/* What is in flight on one socket. */
#include "tx/inflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tx/seqset.h"

struct inflight_range {
	struct devmem_range range;
	uint64_t sequence;
};

struct inflight_source {
	struct inflight_source *next;
	/* Oldest first, in a circle. Before the first of a send that is not complete are none of
	 * complete ones, behind it there may be some. */
	uint32_t max, oldest, n;
	struct inflight_range ranges[];
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
	/* Complete, and not reported yet. */
	struct seqset unreported;
	struct inflight_source *sources;
	struct inflight_counts counts;
	/* Those of done, then those of unreported. */
	struct seqset_range ranges[];
};

int inflight_open(struct inflight **inflight, uint32_t sends_max, uint32_t kernel_next)
{
	/*
	 * As many ranges as there can be. Of n numbers in a row at most every second can begin one.
	 * What is complete but not reported lies in two such rows, and one range more: everything
	 * below the highest number that was ever reported became complete after that, so it was
	 * among those in flight then; between that and the oldest in flight all is complete and
	 * makes one range; and the rest is in flight now.
	 */
	const size_t done_max = (size_t)sends_max / 2 + 1, unreported_max = 2 * done_max + 1;
	struct inflight *f;

	f = calloc(1, sizeof(*f) + (done_max + unreported_max) * sizeof(f->ranges[0]));
	*inflight = f;
	if (!f)
		return -ENOMEM;
	seqset_init(&f->done, f->ranges, done_max);
	seqset_init(&f->unreported, f->ranges + done_max, unreported_max);
	f->sends_max = sends_max;
	f->kernel_before = kernel_next - 1;
	return 0;
}

void inflight_close(struct inflight *f)
{
	while (f && f->sources) {
		struct inflight_source *next = f->sources->next;

		free(f->sources);
		f->sources = next;
	}
	free(f);
}

int inflight_add_source(struct inflight *f, struct inflight_source **source, uint32_t ranges_max)
{
	struct inflight_source *s;

	s = calloc(1, sizeof(*s) + (size_t)ranges_max * sizeof(s->ranges[0]));
	*source = s;
	if (!s)
		return -ENOMEM;
	s->max = ranges_max;
	s->next = f->sources;
	f->sources = s;
	return 0;
}

/* Where in the circle the n-th range is. */
static uint32_t place(const struct inflight_source *s, uint32_t n)
{
	uint32_t at = s->oldest + n;

	/* Either may be near UINT32_MAX / 2: no overflow. */
	return at < s->max ? at : at - s->max;
}

bool inflight_has_room(const struct inflight *f, const struct inflight_source *s, size_t n)
{
	return f->last - f->completed < f->sends_max && n <= s->max - s->n;
}

uint64_t inflight_send(struct inflight *f, struct inflight_source *s,
		       const struct devmem_range *ranges, uint64_t bytes)
{
	uint64_t left = bytes;

	f->last++;
	for (; left; ranges++) {
		struct inflight_range *to = &s->ranges[place(s, s->n++)];

		to->range = *ranges;
		if (to->range.size > left)
			to->range.size = left;
		to->sequence = f->last;
		left -= to->range.size;
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
	seqset_add(&f->unreported, f->last, f->last);
	return f->last;
}

/* Bytes in the ranges of the sends from first to last. */
static uint64_t bytes_of(const struct inflight_source *s, uint64_t first, uint64_t last)
{
	uint32_t low = 0, high = s->n;
	uint64_t bytes = 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->ranges[place(s, mid)].sequence < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->n && s->ranges[place(s, low)].sequence <= last; low++)
		bytes += s->ranges[place(s, low)].range.size;
	return bytes;
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
	const struct inflight_source *s;

	for (s = f->sources; s; s = s->next)
		f->counts.bytes -= bytes_of(s, first, last);
	f->counts.sends -= last - first + 1;
	seqset_add(&f->unreported, first, last);
	if (first != f->completed + 1) {
		seqset_add(&f->done, first, last);
		return;
	}
	f->completed = last;
	if (f->done.n && f->done.ranges[0].first == last + 1) {
		f->completed = f->done.ranges[0].last;
		seqset_remove_first(&f->done, 1);
	}
}

int inflight_complete(struct inflight *f, uint32_t low, uint32_t high, uint64_t *sends,
		      uint64_t *unknown)
{
	/* Distances are right also where 32 bits wrap: far less than half of them are in flight. */
	uint32_t behind = f->kernel_before + (uint32_t)f->last - high;
	uint64_t n = (uint64_t)(uint32_t)(high - low) + 1;
	struct inflight_source *s;
	uint64_t first, last, to;

	*sends = 0;
	*unknown = 0;
	if (behind > INT32_MAX || n > INT32_MAX)
		return -EBADMSG;
	*unknown = n;
	if (behind >= f->last)
		return 0;
	last = f->last - behind;
	/* What was complete before is left out: it may be anywhere between the others. */
	for (first = last > n ? last - n + 1 : 1; first <= last; first = to + 1) {
		const struct seqset_range *done = seqset_find(&f->done, first);

		if (first <= f->completed) {
			to = f->completed;
		} else if (done && done->first <= first) {
			to = done->last;
		} else {
			to = done && done->first <= last ? done->first - 1 : last;
			complete(f, first, to);
			*sends += to - first + 1;
		}
	}
	*unknown -= *sends;
	for (s = f->sources; s; s = s->next) {
		while (s->n && s->ranges[s->oldest].sequence <= f->completed) {
			s->oldest = s->oldest + 1 < s->max ? s->oldest + 1 : 0;
			s->n--;
		}
	}
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

size_t inflight_report(struct inflight *f, struct devmem_tx_done *done, size_t n)
{
	size_t i;

	if (n > f->unreported.n)
		n = f->unreported.n;
	for (i = 0; i < n; i++)
		done[i] = (struct devmem_tx_done){ f->unreported.ranges[i].first,
						   f->unreported.ranges[i].last };
	if (n)
		seqset_remove_first(&f->unreported, n);
	return n;
}

uint64_t inflight_find(const struct inflight *f, const struct inflight_source *s,
		       const struct devmem_range *range)
{
	uint32_t i;

	for (i = s->n; i > 0; i--) {
		const struct inflight_range *at = &s->ranges[place(s, i - 1)];

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
