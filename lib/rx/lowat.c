// SPDX-License-Identifier: BSD-3-Clause
/* For how many bytes a receiver waits, and what it learns from each wait. */
#include "rx/lowat.h"

#include <devmem/rx.h>

#define LOWAT_MIN (16U << 10)

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint32_t lowat_wanted(const struct lowat *l, uint64_t room)
{
	uint64_t want;

	if (l->idle)
		return 1;
	/* Fragments that are out leave fewer pages for what can be queued. */
	want = min(min(l->now, l->expect), room / 4);
	return want ? (uint32_t)want : 1;
}

void lowat_waited(struct lowat *l, uint32_t want, bool timed_out, bool came)
{
	if (want > 1 && !timed_out) {
		l->now = (uint32_t)min(l->max, UINT64_C(2) * l->now);
	} else if (want > 1) {
		l->timeouts++;
		l->idle = !came;
		if (came && l->now > LOWAT_MIN)
			l->now /= 2;
	} else if (came) {
		l->idle = false;
	}
}

void lowat_received(struct lowat *l, uint32_t bytes, bool full)
{
	l->due -= min(bytes, l->due);
	if (!l->due && full)
		l->due = 1;
	if (l->expect != DEVMEM_RX_STREAM)
		l->expect -= min(bytes, l->expect);
}
