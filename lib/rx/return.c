// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: giving fragments back to the kernel. */
#include "rx/rx.h"

#include <sys/socket.h>

#include "bind/held.h"
#include "rx/placement.h"
#include "core/sys.h"

/*
 * Sends ranges of tokens to the kernel, in as many calls as its limits need, and removes them from
 * the list. alone: no other thread receives on the socket meanwhile, so that a token which the
 * kernel didn't free can be sent again without hitting its next holder.
 */
static int return_tokens(struct devmem_rx *rx, struct tokens *tokens, bool alone)
{
	struct uapi_dmabuf_token chunk[UAPI_DONTNEED_RANGES_MAX];
	struct tokens_at at = { 0, 0 };
	uint32_t ranges, fragments;
	int ret = 0;

	while ((ranges = tokens_chunk(tokens, &at, chunk, &fragments))) {
		uint32_t freed;

		ret = sys_setsockopt(rx->fd, SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, chunk,
				     (socklen_t)(ranges * sizeof(chunk[0])));
		counter_add(&rx->return_calls, 1);
		if (ret < 0)
			break;
		freed = (uint32_t)ret;
		counter_add(&rx->ranges_returned, ranges);
		if (freed > fragments)
			freed = fragments;
		counter_add(&rx->fragments_returned, freed);
		if (freed == fragments || !alone || !freed) {
			/* The kernel has gone through all of them: what it didn't free it
			 * doesn't know. */
			counter_add(&rx->fragments_missing, fragments - freed);
			tokens_advance(tokens, &at, fragments);
		} else {
			/* It may have stopped early. It goes in order, so go on from there; if
			 * it knows none of the rest, it will free none. */
			tokens_advance(tokens, &at, freed);
		}
		ret = 0;
	}
	tokens_drop(tokens, &at);
	return ret;
}

/* Notes tokens that follow one another for the next return. When the list is full, it is sent; if
 * the kernel refuses, the socket is gone, and its fragments with it. */
static void note_tokens(struct devmem_rx *rx, uint32_t first, uint32_t count)
{
	if (tokens_add_range(&rx->pending, first, count))
		return;
	if (return_tokens(rx, &rx->pending, true))
		tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
	tokens_add_range(&rx->pending, first, count);
}

int devmem_rx_flush(struct devmem_rx *rx)
{
	return rx->pending.n ? return_tokens(rx, &rx->pending, true) : 0;
}

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
			note_tokens(rx, first, run);
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
		note_tokens(rx, token, 1);
	}
	return_tokens(rx, &rx->pending, true);
}

void rx_discard(struct devmem_rx *rx, uint32_t token)
{
	note_tokens(rx, token, 1);
}
