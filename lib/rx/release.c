// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: fragments that the application gives back. */
#include "rx/rx.h"

#include "bind/held.h"
#include "rx/placement.h"

/* What releasing some fragments sums up to. */
struct released {
	uint64_t fragments, bytes;
	/* The count of the last ones' region, and its pages that nobody has a fragment of any
	 * more. */
	struct held *held;
	uint32_t pages;
};

/* Counts the pages, before the next ones which are of another region. */
static void count_pages(struct released *sum, struct held *next)
{
	if (sum->held)
		held_count_left(sum->held, sum->pages);
	sum->held = next;
	sum->pages = 0;
}

/*
 * Removes fragments from the table, from the first on, for as long as their tokens follow one
 * another and they have one source. Stops at one that isn't out, because it was released before:
 * its token may by now stand for other bytes, at another offset, so nothing must be returned.
 * Return: how many it removed.
 */
static uint32_t remove_run(const struct devmem_rx *rx, const struct devmem_fragment *frags,
			   size_t n, struct released *sum)
{
	const uint32_t first = frags[0].token;
	uint32_t token = first, end, pages = 0;
	struct out_entry *entry;
	unsigned int source_bits;
	uint64_t bytes = 0;
	struct held *held;

	if (first >= rx->out.len)
		return 0;
	end = n < rx->out.len - first ? first + (uint32_t)n : rx->out.len;
	entry = &rx->out.entries[first];
	source_bits = out_get(entry) & ~OUT_KIND;
	held = rx->sources[source_bits >> OUT_SOURCE_SHIFT].held;
	if (held != sum->held)
		count_pages(sum, held);
	/* HOST and placed ones have no dmabuf_id. */
	for (; token < end; token++, frags++, entry++) {
		unsigned int kind = out_get(entry) ^ source_bits;

		if (frags->token != token || !frags->dmabuf_id || frags->offset != entry->offset)
			break;
		if (kind == OUT_IN_PAGE)
			pages += held_leave_one(held, entry->offset);
		else if (kind == OUT_IN_PAGES)
			pages += held_leave(held, entry->offset, entry->size);
		else if (kind != OUT_FOREIGN)
			break;
		bytes += entry->size;
		out_set(entry, OUT_NONE);
	}
	sum->fragments += token - first;
	sum->bytes += bytes;
	sum->pages += pages;
	return token - first;
}

/* The part of releasing that needs no system call, unless the list of tokens is full. Return: 0 or
 * a negative errno of that call. */
static int release(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n,
		   struct tokens *tokens, bool alone, struct released *sum)
{
	int ret = 0, last;
	size_t i = 0;

	while (i < n) {
		const struct devmem_fragment *frag = &frags[i];
		uint32_t run = 0, size = 0;

		if (frag->kind == DEVMEM_FRAGMENT_DEVICE && frag->dmabuf_id)
			run = remove_run(rx, frag, n - i, sum);
		else if (frag->kind == DEVMEM_FRAGMENT_DEVICE && rx->placement)
			size = placement_release(rx->placement, frag->token);
		sum->fragments += size != 0;
		sum->bytes += size;
		if (frag->kind == DEVMEM_FRAGMENT_DEVICE && !run && !size)
			counter_add(&rx->returns.fragments_missing, 1);
		last = run ? return_add(&rx->returns, tokens, frag->token, run, alone) : 0;
		if (last)
			ret = last;
		i += run ? run : 1;
	}
	return ret;
}

static void count_released(struct devmem_rx *rx, struct released *sum)
{
	count_pages(sum, NULL);
	counter_sub(&rx->out.fragments, sum->fragments);
	counter_sub(&rx->out.bytes, sum->bytes);
}

void devmem_rx_release(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct released sum = { 0 };

	release(rx, frags, n, &rx->returns.pending, true, &sum);
	count_released(rx, &sum);
	/* Nothing is out any more: the application may now turn to something else, so hold
	 * nothing back. An error shows again at the next devmem_rx_recv(). */
	if (!counter_get(&rx->out.fragments))
		devmem_rx_flush(rx);
}

int devmem_rx_release_any(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
	struct released sum = { 0 };
	struct tokens tokens;
	int ret, last;

	tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
	ret = release(rx, frags, n, &tokens, false, &sum);
	last = return_tokens(&rx->returns, &tokens, false);
	count_released(rx, &sum);
	return last ? last : ret;
}

int devmem_rx_flush(struct devmem_rx *rx)
{
	struct tokens *pending = &rx->returns.pending;

	return pending->n ? return_tokens(&rx->returns, pending, true) : 0;
}

void rx_return_all(struct devmem_rx *rx)
{
	uint32_t token;

	for (token = 1; token <= rx->out.token_max; token++) {
		struct out_entry *entry = &rx->out.entries[token];
		unsigned int state = atomic_exchange(&entry->state, OUT_NONE);
		struct held *held = rx->sources[state >> OUT_SOURCE_SHIFT].held;

		if (state == OUT_NONE)
			continue;
		if (state != OUT_FOREIGN)
			held_count_left(held, held_leave(held, entry->offset, entry->size));
		return_add(&rx->returns, &rx->returns.pending, token, 1, true);
	}
	devmem_rx_flush(rx);
}
