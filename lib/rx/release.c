// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: fragments that the application gives back. */
#include "rx/rx.h"

#include "bind/held.h"
#include "rx/placement.h"

/* What releasing some fragments sums up to. */
struct released {
	uint64_t fragments, bytes;
	uint32_t pages; /* of the region, that nobody has a fragment of any more */
};

/*
 * Takes fragments out of the table, from the first on, for as long as their tokens follow one
 * another. Stops at one that isn't out, because it was released before: its token may by now stand
 * for other bytes, at another offset, so nothing must be returned. Return: how many it took.
 */
static uint32_t take_back(const struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n,
			  struct released *sum)
{
	const uint32_t first = frags[0].token;
	struct held *const held = rx->held;
	uint32_t token = first, end, pages = 0;
	uint64_t bytes = 0;
	struct out *out;

	if (first >= rx->out_len)
		return 0;
	end = n < rx->out_len - first ? first + (uint32_t)n : rx->out_len;
	out = &rx->out[first];
	/* No token is 0, so that entry is never out. HOST and placed ones have no dmabuf_id. */
	for (; token < end; token++, frags++, out++) {
		unsigned int state = atomic_load_explicit(&out->state, memory_order_acquire);

		if (frags->token != token || !frags->dmabuf_id || state == OUT_NONE ||
		    frags->offset != out->offset)
			break;
		if (state == OUT_IN_PAGE)
			pages += held_leave_one(held, out->offset);
		else if (state == OUT_IN_PAGES)
			pages += held_leave(held, out->offset, out->size);
		bytes += out->size;
		atomic_store_explicit(&out->state, OUT_NONE, memory_order_release);
	}
	sum->fragments += token - first;
	sum->bytes += bytes;
	sum->pages += pages;
	return token - first;
}

static bool give_back_placed(struct devmem_rx *rx, uint32_t token, struct released *sum)
{
	uint32_t size = rx->placement ? placement_release(rx->placement, token) : 0;

	if (!size)
		return false;
	sum->fragments++;
	sum->bytes += size;
	return true;
}

/*
 * The part of releasing that needs no system call, for the next fragments: *i moves behind them.
 * Return: how many tokens, from that of the first on, are to be returned.
 */
static uint32_t release_next(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t *i,
			     size_t n, struct released *sum)
{
	const struct devmem_fragment *frag = &frags[*i];
	uint32_t run = 0;
	bool known = true;

	if (frag->kind == DEVMEM_FRAGMENT_DEVICE && frag->dmabuf_id) {
		run = take_back(rx, frag, n - *i, sum);
		known = run > 0;
	} else if (frag->kind == DEVMEM_FRAGMENT_DEVICE) {
		known = give_back_placed(rx, frag->token, sum);
	}
	if (!known)
		counter_add(&rx->fragments_missing, 1);
	*i += run ? run : 1;
	return run;
}

static void count_released(struct devmem_rx *rx, const struct released *sum)
{
	if (rx->held)
		held_count_left(rx->held, sum->pages);
	counter_sub(&rx->held_fragments, sum->fragments);
	counter_sub(&rx->held_bytes, sum->bytes);
}

void devmem_rx_release(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct released sum = { 0 };
	size_t i = 0;

	while (i < n) {
		uint32_t first = frags[i].token;
		uint32_t run = release_next(rx, frags, &i, n, &sum);

		if (run)
			return_later(rx, first, run);
	}
	count_released(rx, &sum);
	/* Nothing is out any more: the application may now turn to something else, so hold
	 * nothing back. An error shows again at the next devmem_rx_recv(). */
	if (!counter_get(&rx->held_fragments))
		devmem_rx_flush(rx);
}

int devmem_rx_release_any(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
	struct released sum = { 0 };
	struct tokens tokens;
	int ret = 0, last;
	size_t i = 0;

	tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
	while (i < n) {
		uint32_t first = frags[i].token;
		uint32_t run = release_next(rx, frags, &i, n, &sum);

		if (!run || tokens_add_range(&tokens, first, run))
			continue;
		last = return_tokens(rx, &tokens, false);
		if (last) {
			ret = last;
			tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
		}
		tokens_add_range(&tokens, first, run);
	}
	last = return_tokens(rx, &tokens, false);
	count_released(rx, &sum);
	return last ? last : ret;
}

void rx_return_all(struct devmem_rx *rx)
{
	uint32_t token;

	for (token = 1; token <= rx->token_max; token++) {
		struct out *out = &rx->out[token];
		unsigned int state = atomic_exchange(&out->state, OUT_NONE);

		if (state == OUT_NONE)
			continue;
		if (state == OUT_IN_PAGE || state == OUT_IN_PAGES)
			held_sub(rx->held, out->offset, out->size);
		return_later(rx, token, 1);
	}
	return_tokens(rx, &rx->pending, true);
}
