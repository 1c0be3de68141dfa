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

/* A place inside the list: so many whole ranges, and so many tokens of the next one, lie before
 * it. */
struct tokens_at {
	uint32_t range;
	uint32_t token;
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

/*
 * Copies the next ranges from *at on into out, as many as one SO_DEVMEM_DONTNEED may carry (128
 * ranges, 1024 tokens; a longer range is cut). Return: ranges in out, 0 at the end of the list.
 * *fragments: tokens in them. Doesn't move *at.
 */
uint32_t tokens_chunk(const struct tokens *t, const struct tokens_at *at,
		      struct uapi_dmabuf_token out[UAPI_DONTNEED_RANGES_MAX], uint32_t *fragments);

/* Moves *at forward by so many tokens. */
void tokens_advance(const struct tokens *t, struct tokens_at *at, uint32_t fragments);

/* Removes everything before *at, and sets *at to the start. */
void tokens_drop(struct tokens *t, struct tokens_at *at);

#endif
