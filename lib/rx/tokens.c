// SPDX-License-Identifier: BSD-3-Clause
/* Tokens waiting to be returned, as ranges. */
#include "rx/tokens.h"

#include <string.h>

bool tokens_prepare(const struct tokens *t, struct tokens_chunk *chunk)
{
	uint32_t room = UAPI_DONTNEED_FRAGMENTS_MAX, skip = chunk->token, n = 0, i;

	for (i = chunk->range; i < t->n && n < UAPI_DONTNEED_RANGES_MAX && room; i++) {
		uint32_t count = t->ranges[i].token_count - skip;

		if (count > room)
			count = room;
		chunk->ranges[n].token_start = t->ranges[i].token_start + skip;
		chunk->ranges[n].token_count = count;
		n++;
		room -= count;
		skip = 0;
	}
	chunk->n = n;
	chunk->fragments = UAPI_DONTNEED_FRAGMENTS_MAX - room;
	return n;
}

void tokens_advance(const struct tokens *t, struct tokens_chunk *chunk, uint32_t fragments)
{
	while (fragments && chunk->range < t->n) {
		uint32_t left = t->ranges[chunk->range].token_count - chunk->token;

		if (fragments < left) {
			chunk->token += fragments;
			return;
		}
		fragments -= left;
		chunk->range++;
		chunk->token = 0;
	}
}

void tokens_drop(struct tokens *t, struct tokens_chunk *chunk)
{
	uint32_t i, fragments = 0;

	memmove(t->ranges, t->ranges + chunk->range, (t->n - chunk->range) * sizeof(t->ranges[0]));
	t->n -= chunk->range;
	if (t->n) {
		t->ranges[0].token_start += chunk->token;
		t->ranges[0].token_count -= chunk->token;
	}
	for (i = 0; i < t->n; i++)
		fragments += t->ranges[i].token_count;
	t->fragments = fragments;
	tokens_begin(chunk);
}
