/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_TOKENS_H
#define DEVMEM_LIB_TOKENS_H

/* Tokens waiting to be returned, as ranges in the order of their release. Pure: no system call. */

#include <stdbool.h>
#include <stdint.h>

#include "uapi/devmem_socket.h"

struct tokens {
	struct uapi_dmabuf_token *ranges; /* the caller's array */
	uint32_t max;			  /* its length */
	uint32_t n;			  /* ranges in use */
	uint32_t fragments;		  /* tokens in them */
};

/* A part of the list that one SO_DEVMEM_DONTNEED may carry. */
struct tokens_chunk {
	uint32_t range, token; /* it begins behind so many ranges, and tokens of the next one */
	uint32_t n, fragments; /* ranges in it, and tokens in them */
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
};

static inline void tokens_init(struct tokens *t, struct uapi_dmabuf_token *ranges, uint32_t max)
{
	t->ranges = ranges;
	t->max = max;
	t->n = 0;
	t->fragments = 0;
}

/* Adds tokens that follow one another: to the last range where they continue it, else as a new
 * range. False if the array is full. */
static inline bool tokens_add_range(struct tokens *t, uint32_t start, uint32_t count)
{
	struct uapi_dmabuf_token *last = t->n ? &t->ranges[t->n - 1] : NULL;

	if (last && start == last->token_start + last->token_count) {
		last->token_count += count;
	} else {
		if (t->n == t->max)
			return false;
		t->ranges[t->n].token_start = start;
		t->ranges[t->n].token_count = count;
		t->n++;
	}
	t->fragments += count;
	return true;
}

/* A chunk before the first one. */
static inline void tokens_begin(struct tokens_chunk *chunk)
{
	chunk->range = chunk->token = 0;
}

/* Fills the chunk with what follows chunk->range and chunk->token: up to 128 ranges, 1024 tokens; a
 * longer range is cut. False at the end of the list. */
bool tokens_prepare(const struct tokens *t, struct tokens_chunk *chunk);

/* Moves chunk->range and chunk->token forward by so many tokens. */
void tokens_advance(const struct tokens *t, struct tokens_chunk *chunk, uint32_t fragments);

/* Removes what lies before the chunk, which begins at the start then. */
void tokens_drop(struct tokens *t, struct tokens_chunk *chunk);

#endif
