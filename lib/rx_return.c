// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: giving fragments back to the kernel. */
#include "rx_private.h"

#include <sys/socket.h>

#include "held.h"
#include "placement.h"
#include "sys.h"

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

/* Notes a token for the next return. When the list is full, it is sent; if the kernel refuses, the
 * socket is gone, and its fragments with it. */
static void note_token(struct devmem_rx *rx, uint32_t token)
{
	if (tokens_add(&rx->pending, token))
		return;
	if (return_tokens(rx, &rx->pending, true))
		tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
	tokens_add(&rx->pending, token);
}

int devmem_rx_flush(struct devmem_rx *rx)
{
	return rx->pending.n ? return_tokens(rx, &rx->pending, true) : 0;
}

/*
 * Takes a fragment out of the table. Return: its size; 0 if it isn't out, because it was released
 * before: its token may by now stand for other bytes, so nothing must be returned.
 */
static uint32_t take_back(struct devmem_rx *rx, uint32_t token)
{
	struct out *out;
	unsigned int state;
	uint32_t size;

	if (!token || token >= rx->out_len)
		return 0;
	out = &rx->out[token];
	size = out->size;
	state = atomic_load_explicit(&out->state, memory_order_acquire);
	if (state == OUT_NONE)
		return 0;
	if (state == OUT_OURS)
		held_sub(rx->held, out->offset, size);
	atomic_store_explicit(&out->state, OUT_NONE, memory_order_release);
	return size;
}

/* The part of releasing that needs no system call. True if the fragment's token is to be
 * returned. */
static bool release_one(struct devmem_rx *rx, const struct devmem_fragment *frag,
			uint64_t *fragments, uint64_t *bytes)
{
	uint32_t size;

	if (frag->kind != DEVMEM_FRAGMENT_DEVICE)
		return false;
	if (frag->dmabuf_id)
		size = take_back(rx, frag->token);
	else
		size = rx->placement ? placement_release(rx->placement, frag->token) : 0;
	if (!size) {
		counter_add(&rx->fragments_missing, 1);
		return false;
	}
	++*fragments;
	*bytes += size;
	return frag->dmabuf_id != 0;
}

void devmem_rx_release(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	uint64_t fragments = 0, bytes = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (release_one(rx, &frags[i], &fragments, &bytes))
			note_token(rx, frags[i].token);
	}
	counter_sub(&rx->held_fragments, fragments);
	counter_sub(&rx->held_bytes, bytes);
	/* Nothing is out any more: the application may now turn to something else, so hold
	 * nothing back. An error shows again at the next devmem_rx_recv(). */
	if (!counter_get(&rx->held_fragments))
		devmem_rx_flush(rx);
}

int devmem_rx_release_any(struct devmem_rx *rx, const struct devmem_fragment *frags, size_t n)
{
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
	uint64_t fragments = 0, bytes = 0;
	struct tokens tokens;
	int ret = 0, last;
	size_t i;

	tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
	for (i = 0; i < n; i++) {
		if (!release_one(rx, &frags[i], &fragments, &bytes) ||
		    tokens_add(&tokens, frags[i].token))
			continue;
		last = return_tokens(rx, &tokens, false);
		if (last) {
			ret = last;
			tokens_init(&tokens, ranges, UAPI_DONTNEED_RANGES_MAX);
		}
		tokens_add(&tokens, frags[i].token);
	}
	last = return_tokens(rx, &tokens, false);
	counter_sub(&rx->held_fragments, fragments);
	counter_sub(&rx->held_bytes, bytes);
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
		if (state == OUT_OURS)
			held_sub(rx->held, out->offset, out->size);
		note_token(rx, token);
	}
	return_tokens(rx, &rx->pending, true);
}

void rx_discard(struct devmem_rx *rx, uint32_t i, uint32_t n)
{
	for (; i < n; i++) {
		const struct devmem_fragment *frag = &rx->frags[i];

		if (frag->kind == DEVMEM_FRAGMENT_DEVICE && frag->dmabuf_id)
			note_token(rx, frag->token);
	}
	return_tokens(rx, &rx->pending, true);
}
