// SPDX-License-Identifier: BSD-3-Clause
/* Arrays that grow by one item at a time. */
#include "core/array.h"

#include <stdlib.h>

void *array_grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	/* No overflow: n items are in memory already. */
	return realloc(array, (n ? 2 * n : 1) * size);
}
