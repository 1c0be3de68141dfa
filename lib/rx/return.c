// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: returning tokens to the kernel. */
#include "rx/return.h"

#include <sys/socket.h>

#include "core/sys.h"

void return_init(struct returns *returns, int fd)
{
	returns->fd = fd;
	tokens_init(&returns->pending, returns->ranges, PENDING_RANGES);
}

int return_complete(struct returns *returns, const struct tokens *tokens,
		    struct tokens_chunk *chunk, int freed, bool alone)
{
	uint32_t n = (uint32_t)freed;

	counter_add(&returns->return_calls, 1);
	if (freed < 0)
		return freed;
	counter_add(&returns->ranges_returned, chunk->n);
	if (n > chunk->fragments)
		n = chunk->fragments;
	counter_add(&returns->fragments_returned, n);
	/* The kernel frees in order, and may have stopped early: go on from there. Once it frees
	 * none, it has no fragment of the rest. */
	if (!alone || !n) {
		counter_add(&returns->fragments_missing, chunk->fragments - n);
		n = chunk->fragments;
	}
	tokens_advance(tokens, chunk, n);
	return 0;
}

int return_tokens(struct returns *returns, struct tokens *tokens, bool alone)
{
	struct tokens_chunk chunk;
	int ret = 0;

	tokens_begin(&chunk);
	while (!ret && tokens_prepare(tokens, &chunk)) {
		ret = sys_setsockopt(returns->fd, SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, chunk.ranges,
				     (socklen_t)(chunk.n * sizeof(chunk.ranges[0])));
		ret = return_complete(returns, tokens, &chunk, ret, alone);
	}
	tokens_drop(tokens, &chunk);
	return ret;
}

int return_add(struct returns *returns, struct tokens *tokens, uint32_t first, uint32_t count,
	       bool alone)
{
	int ret;

	if (tokens_add_range(tokens, first, count))
		return 0;
	ret = return_tokens(returns, tokens, alone);
	if (ret)
		tokens_init(tokens, tokens->ranges, tokens->max);
	tokens_add_range(tokens, first, count);
	return ret;
}
