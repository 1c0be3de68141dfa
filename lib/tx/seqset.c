// SPDX-License-Identifier: BSD-3-Clause
/* A set of sequence numbers, as ranges. */
#include "tx/seqset.h"

#include <string.h>

void seqset_init(struct seqset *set, struct seqset_range *ranges, size_t max)
{
	set->ranges = ranges;
	set->n = 0;
	set->max = max;
}

/* Index of the first range that ends at number or behind it. */
static size_t find(const struct seqset *set, uint64_t number)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->ranges[mid].last < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct seqset_range *seqset_find(const struct seqset *set, uint64_t number)
{
	size_t at = find(set, number);

	return at < set->n ? &set->ranges[at] : NULL;
}

bool seqset_add(struct seqset *set, uint64_t first, uint64_t last)
{
	size_t at = find(set, first);
	struct seqset_range *next = &set->ranges[at];
	bool joins_before = at > 0 && set->ranges[at - 1].last + 1 == first;
	bool joins_next = at < set->n && next->first == last + 1;

	if (joins_before && joins_next) {
		next[-1].last = next->last;
		memmove(next, next + 1, (set->n - at - 1) * sizeof(*next));
		set->n--;
	} else if (joins_before) {
		next[-1].last = last;
	} else if (joins_next) {
		next->first = first;
	} else {
		if (set->n == set->max)
			return false;
		memmove(next + 1, next, (set->n - at) * sizeof(*next));
		*next = (struct seqset_range){ first, last };
		set->n++;
	}
	return true;
}

void seqset_remove_first(struct seqset *set, size_t n)
{
	memmove(set->ranges, set->ranges + n, (set->n - n) * sizeof(set->ranges[0]));
	set->n -= n;
}
