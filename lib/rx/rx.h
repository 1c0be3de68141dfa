/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RX_PRIVATE_H
#define DEVMEM_LIB_RX_PRIVATE_H

/*
 * What the parts of the receiver share: rx.c opens, closes and answers questions, receive.c
 * makes fragments of one recvmsg(), wait.c decides when that happens, release.c has what the
 * application is done with, return.c gives it back to the kernel. Nobody else includes this file.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/rx.h>

#include "rx/lowat.h"
#include "rx/tokens.h"

/* Ranges of released tokens that wait for the next return. */
#define PENDING_RANGES 1024U

/* A fragment that is out with the application, indexed by its token. */
struct out {
	uint64_t offset;
	uint32_t size;
	/* OUT_*: set by recv, cleared by whichever thread releases. */
	atomic_uint state;
};
enum {
	OUT_NONE,
	OUT_IN_PAGE,  /* in one page of the region: entered with held_enter_one() */
	OUT_IN_PAGES, /* in whatever part of the region: with held_enter() */
	OUT_FOREIGN,  /* in somebody else's region */
};

struct held;
struct placement;

struct devmem_rx {
	int fd;
	int recv_flags;
	struct devmem_region *region;
	struct held *held;
	uint32_t dmabuf_id;
	struct placement *placement;

	struct devmem_fragment *frags;
	uint32_t frags_len;
	uint32_t frags_limit;	 /* of the receive at hand: as many as control space is given for */
	size_t bytes_limit;	 /* and as many as may be read */
	uint32_t received;	 /* bytes that it brought */
	uint32_t frags_per_page; /* as receives have shown it */
	void *control;
	size_t control_len;
	void *host;
	size_t host_len;
	uint32_t recv_max;

	struct out *out;
	uint32_t out_len;
	uint32_t token_max; /* highest token seen */

	struct tokens pending;
	struct uapi_dmabuf_token *pending_ranges;

	struct lowat lowat;
	/* The socket's SO_RCVLOWAT: wait.c. */
	struct {
		uint32_t first; /* before it was opened */
		uint32_t set;	/* now */
		bool armed;	/* by devmem_rx_arm(), above 1 */
	} mark;

	struct devmem_rx_stats stats;
	/* Changed by devmem_rx_release_any() too. */
	_Atomic uint64_t held_fragments, held_bytes;
	_Atomic uint64_t return_calls, ranges_returned, fragments_returned, fragments_missing;
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void counter_sub(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/*
 * return.c: gives tokens back to the kernel, in as many calls as its limits need, and removes them
 * from the list. alone: no other thread receives on the socket meanwhile, so that a token which the
 * kernel didn't free can be given back again without hitting its next holder.
 */
int return_tokens(struct devmem_rx *rx, struct tokens *tokens, bool alone);
/* Notes tokens that follow one another for the next return, which happens now if the list is
 * full. */
void return_later(struct devmem_rx *rx, uint32_t first, uint32_t count);

/* release.c: everything that the application didn't release. */
void rx_return_all(struct devmem_rx *rx);

/* receive.c: is a receive possible? Otherwise a wait could be for what can never come. Return: 0 or
 * -ENOBUFS. */
int rx_check_room(struct devmem_rx *rx);
/* One recvmsg(). Return: number of fragments in rx->frags, 0 at the end of the stream, or a
 * negative errno. */
int rx_take(struct devmem_rx *rx, int flags);

/* wait.c */
int rx_set_lowat(struct devmem_rx *rx, uint32_t bytes);

#endif
