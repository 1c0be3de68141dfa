// SPDX-License-Identifier: BSD-3-Clause
/* How many pages of a bound region are out with the application. */
#include "bind/held.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/sys.h"

int held_alloc(struct held **held, uint64_t region_size, uint32_t page_size, uint64_t limit)
{
	struct held *h;
	void *table;
	int ret;

	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->page_shift = (uint32_t)__builtin_ctz(page_size);
	h->npages = (region_size + page_size - 1) >> h->page_shift;
	h->limit = limit;
	ret = sys_mmap(&table, h->npages * sizeof(h->count[0]), PROT_READ | PROT_WRITE,
		       SYS_MAP_SPARSE, -1);
	if (ret)
		goto free_held;
	h->count = table;
	atomic_init(&h->refs, 1);
	*held = h;
	return 0;

free_held:
	free(h);
	return ret;
}

struct held *held_get(struct held *held)
{
	if (held)
		atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
	return held;
}

void held_put(struct held *held)
{
	if (!held || atomic_fetch_sub_explicit(&held->refs, 1, memory_order_acq_rel) != 1)
		return;
	sys_munmap((void *)held->count, held->npages * sizeof(held->count[0]));
	free(held);
}

uint32_t held_enter(struct held *held, uint64_t offset, uint32_t size)
{
	uint64_t page = offset >> held->page_shift;
	uint64_t last = (offset + size - 1) >> held->page_shift;
	uint32_t fresh = 0;

	for (; page <= last && page < held->npages; page++)
		fresh += !atomic_fetch_add_explicit(&held->count[page], 1, memory_order_relaxed);
	return fresh;
}

uint32_t held_leave(struct held *held, uint64_t offset, uint32_t size)
{
	uint64_t page = offset >> held->page_shift;
	uint64_t last = (offset + size - 1) >> held->page_shift;
	uint32_t empty = 0;

	for (; page <= last && page < held->npages; page++)
		empty +=
			atomic_fetch_sub_explicit(&held->count[page], 1, memory_order_relaxed) == 1;
	return empty;
}

void held_count_entered(struct held *held, uint32_t fresh)
{
	uint64_t now, max;

	if (!fresh)
		return;
	now = atomic_fetch_add_explicit(&held->pages, fresh, memory_order_relaxed) + fresh;
	max = atomic_load_explicit(&held->pages_max, memory_order_relaxed);
	while (now > max &&
	       !atomic_compare_exchange_weak_explicit(&held->pages_max, &max, now,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void held_count_left(struct held *held, uint32_t empty)
{
	if (empty)
		atomic_fetch_sub_explicit(&held->pages, empty, memory_order_relaxed);
}

uint64_t held_pages_left(const struct held *held)
{
	uint64_t pages = atomic_load_explicit(&held->pages, memory_order_relaxed);

	if (held->limit == UINT64_MAX)
		return UINT64_MAX;
	return pages >= held->limit ? 0 : held->limit - pages;
}

uint64_t held_room(const struct held *held)
{
	uint64_t pages = held_pages_left(held);

	return pages == UINT64_MAX ? UINT64_MAX : pages << held->page_shift;
}

uint64_t held_pages(const struct held *held)
{
	return atomic_load_explicit(&held->pages, memory_order_relaxed);
}

uint64_t held_pages_max(const struct held *held)
{
	return atomic_load_explicit(&held->pages_max, memory_order_relaxed);
}

uint64_t held_limit(const struct held *held)
{
	return held->limit;
}

uint32_t held_page_size(const struct held *held)
{
	return 1U << held->page_shift;
}
