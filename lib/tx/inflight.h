/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_INFLIGHT_H
#define DEVMEM_LIB_INFLIGHT_H

/*
 * What is in flight on one socket: sends by their sequence numbers, and the ranges of the region in
 * them. The kernel numbers sends with 32 bits and tells of their end in ranges, mostly but not
 * always in order (net/core/skbuff.c, msg_zerocopy_alloc() and __msg_zerocopy_callback()); here
 * they have 64 bits and begin with 1. All memory is allocated at the beginning. No system call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/tx.h>

struct inflight;

struct inflight_counts {
	uint64_t sends, bytes;	       /* now */
	uint64_t sends_max, bytes_max; /* most ever */
};

/*
 * sends_max: most numbers from the oldest send that is not complete to the newest. ranges_max: most
 * ranges from those of that send on. kernel_next: what the kernel will call the first send. NULL:
 * no memory.
 */
struct inflight *inflight_new(uint32_t sends_max, uint32_t ranges_max, uint32_t kernel_next);
void inflight_free(struct inflight *f);

/* Is there room for a send of n ranges? */
bool inflight_room(const struct inflight *f, size_t n);
/* The first bytes of ranges, of which each has at least one, were sent: there must be room. Return:
 * the send's number. */
uint64_t inflight_send(struct inflight *f, const struct devmem_range *ranges, uint64_t bytes);
/* A send that is complete at once, and that the kernel doesn't number. For a socket that has no
 * others. */
uint64_t inflight_send_complete(struct inflight *f);

/*
 * The kernel said that those from low to high, in its numbers, are complete. sends: receives how
 * many of them were in flight; unknown: how many weren't. -EBADMSG: numbers that it can't have
 * given out yet; nothing is changed.
 */
int inflight_complete(struct inflight *f, uint32_t low, uint32_t high, uint64_t *sends,
		      uint64_t *unknown);

/* Newest send; the one up to which all are complete; 0 before the first. */
uint64_t inflight_last(const struct inflight *f);
uint64_t inflight_completed(const struct inflight *f);
/* What the kernel will call the next send. */
uint32_t inflight_kernel_next(const struct inflight *f);
void inflight_counts(const struct inflight *f, struct inflight_counts *counts);

/* Sends that have become complete since they were taken from here, ascending, at most n ranges.
 * Return: how many. */
size_t inflight_take_done(struct inflight *f, struct devmem_tx_done *done, size_t n);

/* The newest send in flight that has one of the bytes; 0 if there is none. */
uint64_t inflight_find(const struct inflight *f, const struct devmem_range *range);

#endif
