/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_SEQSET_H
#define DEVMEM_LIB_SEQSET_H

/*
 * A set of sequence numbers, as ranges that neither touch nor overlap, in ascending order. Cheap
 * where numbers come nearly in order. The memory is the caller's. Pure: no system call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seqset_range {
	uint64_t first, last;
};

struct seqset {
	struct seqset_range *ranges;
	size_t n, max;
};

/* An empty set of at most max ranges, for which the caller has made room. */
void seqset_init(struct seqset *set, struct seqset_range *ranges, size_t max);
/* Adds first to last, of which none may be there already. False: no room for another range. */
bool seqset_add(struct seqset *set, uint64_t first, uint64_t last);
/* The first range that ends at number or behind it; NULL if there is none. */
const struct seqset_range *seqset_find(const struct seqset *set, uint64_t number);
/* Removes the first n ranges. */
void seqset_remove_first(struct seqset *set, size_t n);

#endif
