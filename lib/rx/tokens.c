// SPDX-License-Identifier: BSD-3-Clause
/* Tokens waiting to be returned, as ranges. */
#include "rx/tokens.h"

#include <string.h>

uint32_t tokens_chunk(const struct tokens *t, const struct tokens_at *at,
		      struct uapi_dmabuf_token out[UAPI_DONTNEED_RANGES_MAX], uint32_t *fragments)
{
	uint32_t room = UAPI_DONTNEED_FRAGMENTS_MAX, skip = at->token, n = 0, i;

	for (i = at->range; i < t->n && n < UAPI_DONTNEED_RANGES_MAX && room; i++) {
		uint32_t count = t->ranges[i].token_count - skip;

		if (count > room)
			count = room;
		out[n].token_start = t->ranges[i].token_start + skip;
		out[n].token_count = count;
		n++;
		room -= count;
		skip = 0;
	}
	*fragments = UAPI_DONTNEED_FRAGMENTS_MAX - room;
	return n;
}

void tokens_advance(const struct tokens *t, struct tokens_at *at, uint32_t fragments)
{
	while (fragments && at->range < t->n) {
		uint32_t left = t->ranges[at->range].token_count - at->token;

		if (fragments < left) {
			at->token += fragments;
			return;
		}
		fragments -= left;
		at->range++;
		at->token = 0;
	}
}

void tokens_drop(struct tokens *t, struct tokens_at *at)
{
	uint32_t i, fragments = 0;

	memmove(t->ranges, t->ranges + at->range, (t->n - at->range) * sizeof(t->ranges[0]));
	t->n -= at->range;
	if (t->n) {
		t->ranges[0].token_start += at->token;
		t->ranges[0].token_count -= at->token;
	}
	for (i = 0; i < t->n; i++)
		fragments += t->ranges[i].token_count;
	t->fragments = fragments;
	at->range = 0;
	at->token = 0;
}
