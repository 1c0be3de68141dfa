/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_OUT_H
#define DEVMEM_LIB_OUT_H

/*
 * The table of fragments that are out with the application, by token, and how many there are.
 * receive.c enters them, release.c removes them.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rx/counter.h"

struct out_entry {
	uint64_t offset;
	uint32_t size;
	/* OUT_*, and above it the source's number: set by recv, cleared by whichever thread
	 * releases. */
	atomic_uint state;
};
enum {
	OUT_NONE,
	OUT_IN_PAGE,  /* in one page of the region: entered with held_enter_one() */
	OUT_IN_PAGES, /* in whatever part of the region: with held_enter() */
	OUT_FOREIGN,  /* in somebody else's region; the source's number is 0 */
};
#define OUT_KIND 3U
#define OUT_SOURCE_SHIFT 2

struct out {
	struct out_entry *entries; /* NULL without a binding; no token is 0 */
	uint32_t len;
	uint32_t token_max; /* highest token seen */
	/* Placed ones, which aren't in the table, are counted, too. */
	_Atomic uint64_t fragments, bytes;
	uint64_t fragments_max, bytes_max;
};

/* Whether a token is one that the table has room for. None is 0. */
static inline bool out_fits(struct out *out, uint32_t token)
{
	if (token - 1 < out->token_max)
		return true;
	if (!token || token >= out->len)
		return false;
	out->token_max = token;
	return true;
}

/* A token's entry, filled but for the state, which is set when the pages have been entered. */
static inline struct out_entry *out_fill(struct out *out, uint32_t token, uint64_t offset,
					 uint32_t size)
{
	struct out_entry *entry = &out->entries[token];

	entry->offset = offset;
	entry->size = size;
	return entry;
}

static inline unsigned int out_get(const struct out_entry *entry)
{
	return atomic_load_explicit(&entry->state, memory_order_acquire);
}

static inline void out_set(struct out_entry *entry, unsigned int state)
{
	atomic_store_explicit(&entry->state, state, memory_order_release);
}

static inline void out_count(struct out *out, uint64_t fragments, uint64_t bytes)
{
	uint64_t now = counter_add(&out->fragments, fragments);

	if (now > out->fragments_max)
		out->fragments_max = now;
	now = counter_add(&out->bytes, bytes);
	if (now > out->bytes_max)
		out->bytes_max = now;
}

#endif
