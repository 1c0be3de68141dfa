/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_LOWAT_H
#define DEVMEM_LIB_LOWAT_H

/* For how many bytes a receiver waits, and what it learns from each wait. Pure: no system call. */

#include <stdbool.h>
#include <stdint.h>

struct lowat {
	uint64_t expect;   /* bytes that the application still waits for */
	uint64_t due;	   /* bytes that have waited already: receive them without another wait */
	uint64_t timeouts; /* waits that ended below the mark */
	uint32_t max;	   /* highest mark */
	/* The mark as the stream allows: halved when it made bytes wait, doubled when reached. */
	uint32_t now;
	uint32_t wait_ms; /* longest wait for it */
	bool idle;	  /* a wait for it found nothing at all: wait for the first byte */
};

static inline void lowat_init(struct lowat *l, uint32_t max, uint32_t wait_ms)
{
	*l = (struct lowat){ .max = max, .now = max, .wait_ms = wait_ms };
}

/* Whether a wait for more than the first byte can pay. */
static inline bool lowat_is_used(const struct lowat *l)
{
	return l->expect > 1 && l->max > 1;
}

/* How many bytes to wait for: what the application expects, as far as memory allows. room: bytes
 * that may still go out to it, UINT64_MAX without a limit. */
uint32_t lowat_wanted(const struct lowat *l, uint64_t room);

/* What a wait for so many bytes came to. came: whether anything at all is there. */
void lowat_waited(struct lowat *l, uint32_t want, bool timed_out, bool came);

/* So many bytes were received. full: as many as there was space for, so more is there, most
 * likely. */
void lowat_received(struct lowat *l, uint32_t bytes, bool full);

#endif
