// SPDX-License-Identifier: BSD-3-Clause
/* Counts allocations: glibc lets a program put its own functions before the allocator's. */
#include "allocations.h"

#include <stdlib.h>

#ifdef __GLIBC__

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static uint64_t count;

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	count++;
	return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	count++;
	return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
	count++;
	return __libc_realloc(old, size);
}

uint64_t allocations(void)
{
	return count;
}

#else

uint64_t allocations(void)
{
	return 0;
}

#endif
