/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_HELD_H
#define DEVMEM_LIB_HELD_H

/*
 * How much of a bound region is out with the application: the number of its pages (receive buffers)
 * that unreleased fragments lie in, over all receivers of the binding. Counted by page, not by
 * byte, because one small fragment keeps its whole page from the NIC. Any thread may call anything
 * here.
 */

#include <stdbool.h>
#include <stdint.h>

struct held;

/* limit: pages; UINT64_MAX = none. The caller gets the first reference. Return: 0 or a negative
 * errno. */
int held_alloc(struct held **held, uint64_t region_size, uint32_t page_size, uint64_t limit);
struct held *held_get(struct held *held);
void held_put(struct held *held);

/* A fragment was handed out, or released. Bytes past the region's end don't count. held_add()
 * returns how many pages nobody had a fragment of before. */
uint32_t held_add(struct held *held, uint64_t offset, uint32_t size);
void held_sub(struct held *held, uint64_t offset, uint32_t size);

/* Pages that may still go out, and the bytes of them; 0 when the limit is reached, UINT64_MAX
 * without one. */
uint64_t held_pages_left(const struct held *held);
uint64_t held_room(const struct held *held);

uint64_t held_pages(const struct held *held);
uint64_t held_pages_max(const struct held *held);
uint64_t held_limit(const struct held *held);
uint32_t held_page_size(const struct held *held);

#endif
