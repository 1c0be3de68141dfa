// SPDX-License-Identifier: BSD-3-Clause
/* Arrays that grow by one item at a time, and sorting. */
#include "core/array.h"

#include <stdlib.h>

void *array_grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	/* No overflow: n items are in memory already. */
	return realloc(array, (n ? 2 * n : 1) * size);
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void array_sort(uint32_t *array, size_t n)
{
	if (n)
		qsort(array, n, sizeof(*array), compare);
}
