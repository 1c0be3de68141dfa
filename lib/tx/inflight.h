/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_INFLIGHT_H
#define DEVMEM_LIB_INFLIGHT_H

/*
 * What is in flight on one socket: sends by their sequence numbers, and for each binding that they
 * named the ranges of its region. The kernel numbers sends with 32 bits and reports completions in
 * ranges, mostly but not always in order (net/core/skbuff.c, msg_zerocopy_alloc() and
 * __msg_zerocopy_callback()); here they have 64 bits and begin with 1. All memory is allocated at
 * the beginning. No system call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/tx.h>

struct inflight;
/* One binding, as a source of what is sent. */
struct inflight_source;

struct inflight_counts {
	uint64_t sends, bytes;	       /* now */
	uint64_t sends_max, bytes_max; /* most ever */
};

/* sends_max: most numbers from the oldest send that is not complete to the newest. kernel_next:
 * what the kernel will call the first send. Return: 0 or -ENOMEM. */
int inflight_open(struct inflight **inflight, uint32_t sends_max, uint32_t kernel_next);
void inflight_close(struct inflight *f);
/* ranges_max: most ranges of the source from those of its oldest send that is not complete on. The
 * source lives as long as f. Return: 0 or -ENOMEM. */
int inflight_add_source(struct inflight *f, struct inflight_source **source, uint32_t ranges_max);

/* Whether there is room for a send of n ranges. */
bool inflight_has_room(const struct inflight *f, const struct inflight_source *s, size_t n);
/* The first bytes of ranges, of which each has at least one, were sent: there must be room. Return:
 * the send's number. */
uint64_t inflight_send(struct inflight *f, struct inflight_source *s,
		       const struct devmem_range *ranges, uint64_t bytes);
/* A send that is complete at once, and that the kernel doesn't number. For a socket that has no
 * others. */
uint64_t inflight_send_complete(struct inflight *f);

/*
 * The kernel reported as complete those from low to high, in its numbers. sends: receives how many
 * of them were in flight; unknown: how many weren't. -EBADMSG: numbers that it can't have given out
 * yet; nothing is changed.
 */
int inflight_complete(struct inflight *f, uint32_t low, uint32_t high, uint64_t *sends,
		      uint64_t *unknown);

/* Newest send; the one up to which all are complete; 0 before the first. */
uint64_t inflight_last(const struct inflight *f);
uint64_t inflight_completed(const struct inflight *f);
/* What the kernel will call the next send. */
uint32_t inflight_kernel_next(const struct inflight *f);
void inflight_counts(const struct inflight *f, struct inflight_counts *counts);

/* Sends that have become complete and were not reported by this yet, ascending, at most n ranges.
 * Return: how many. */
size_t inflight_report(struct inflight *f, struct devmem_tx_done *done, size_t n);

/* The newest send in flight that has one of the source's bytes; 0 if there is none. */
uint64_t inflight_find(const struct inflight *f, const struct inflight_source *s,
		       const struct devmem_range *range);

#endif
