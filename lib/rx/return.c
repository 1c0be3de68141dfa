// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: giving tokens back to the kernel. */
#include "rx/rx.h"

#include <sys/socket.h>

#include "core/sys.h"

int return_tokens(struct devmem_rx *rx, struct tokens *tokens, bool alone)
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

void return_later(struct devmem_rx *rx, uint32_t first, uint32_t count)
{
	if (tokens_add_range(&rx->pending, first, count))
		return;
	/* If the kernel refuses, the socket is gone, and its fragments with it. */
	if (return_tokens(rx, &rx->pending, true))
		tokens_init(&rx->pending, rx->pending_ranges, PENDING_RANGES);
	tokens_add_range(&rx->pending, first, count);
}

int devmem_rx_flush(struct devmem_rx *rx)
{
	return rx->pending.n ? return_tokens(rx, &rx->pending, true) : 0;
}
