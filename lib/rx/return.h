/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RETURN_H
#define DEVMEM_LIB_RETURN_H

/* Returning tokens to the kernel. */

#include <stdbool.h>
#include <stdint.h>

#include "rx/counter.h"
#include "rx/tokens.h"

/* Ranges of released tokens that wait for the next return. */
#define PENDING_RANGES 1024U

struct returns {
	int fd;
	struct tokens pending;
	struct uapi_dmabuf_token ranges[PENDING_RANGES]; /* pending's */
	/* As struct devmem_rx_stats has them. */
	_Atomic uint64_t return_calls, ranges_returned, fragments_returned, fragments_missing;
};

void return_init(struct returns *returns, int fd);

/*
 * A return in pieces: tokens_prepare() says what a call is to carry, return_complete() is for its
 * result, a negative errno or how many fragments the kernel freed, and moves the chunk on. Return:
 * 0 or that errno.
 *
 * alone: no other thread receives on the socket meanwhile, so that a token which the kernel didn't
 * free can be returned again without hitting its next holder.
 */
int return_complete(struct returns *returns, const struct tokens *tokens,
		    struct tokens_chunk *chunk, int freed, bool alone);

/* All of it: as many calls as the kernel's limits need. What they carried is removed from the list.
 * Return: 0 or a negative errno. */
int return_tokens(struct returns *returns, struct tokens *tokens, bool alone);

/* Adds tokens that follow one another to the list. If it is full, it is returned first; where that
 * fails, the socket no longer exists, nor do its fragments. Return: 0 or a negative errno. */
int return_add(struct returns *returns, struct tokens *tokens, uint32_t first, uint32_t count,
	       bool alone);

#endif
