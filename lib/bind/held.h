/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_HELD_H
#define DEVMEM_LIB_HELD_H

/*
 * How much of a bound region is out with the application: the number of its pages (receive buffers)
 * that unreleased fragments lie in, over all receivers of the binding. Counted by page, not by
 * byte, because one small fragment keeps its whole page from the NIC. Any thread may call anything
 * here.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Here only for the functions that are inlined below: nothing else uses its members. */
struct held {
	atomic_uint refs;
	uint32_t page_shift;
	uint64_t limit;
	uint64_t npages;
	_Atomic uint64_t pages;
	_Atomic uint64_t pages_max;
	/* Fragments out of each page. Anonymous memory: only what is touched costs anything. */
	_Atomic uint32_t *count;
};

/* limit: pages; UINT64_MAX = none. The caller gets the first reference. Return: 0 or a negative
 * errno. */
int held_alloc(struct held **held, uint64_t region_size, uint32_t page_size, uint64_t limit);
struct held *held_get(struct held *held);
void held_put(struct held *held);

/*
 * Fragments were handed out, or released: held_enter() or held_leave() for each, then one
 * held_count_*() with the sum of what they returned: pages that nobody had a fragment of before, or
 * has one of any more. Bytes past the region's end don't count. In between the number of pages is
 * too low by those entered, and too high by those left. It can't fall below what it was: a page
 * that was entered is left only by releasing its fragment, which nobody has before the pages are
 * counted.
 */
uint32_t held_enter(struct held *held, uint64_t offset, uint32_t size);
uint32_t held_leave(struct held *held, uint64_t offset, uint32_t size);
void held_count_entered(struct held *held, uint32_t fresh);
void held_count_left(struct held *held, uint32_t empty);

/*
 * The same for a fragment that lies in a single page of the region, as nearly all do:
 * held_enter_one() says whether it does, and if so adds to *fresh; held_leave_one() is for those
 * alone.
 */
static inline bool held_enter_one(struct held *held, uint64_t offset, uint32_t size,
				  uint32_t *fresh)
{
	uint64_t page = offset >> held->page_shift;

	if (page != (offset + size - 1) >> held->page_shift || page >= held->npages)
		return false;
	*fresh += !atomic_fetch_add_explicit(&held->count[page], 1, memory_order_relaxed);
	return true;
}

static inline uint32_t held_leave_one(struct held *held, uint64_t offset)
{
	_Atomic uint32_t *count = &held->count[offset >> held->page_shift];

	return atomic_fetch_sub_explicit(count, 1, memory_order_relaxed) == 1;
}

/* Pages that may still go out, and the bytes of them; 0 when the limit is reached, UINT64_MAX
 * without one. */
uint64_t held_pages_left(const struct held *held);
uint64_t held_room(const struct held *held);

uint64_t held_pages(const struct held *held);
uint64_t held_pages_max(const struct held *held);
uint64_t held_limit(const struct held *held);
uint32_t held_page_size(const struct held *held);

#endif
