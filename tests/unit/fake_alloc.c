// SPDX-License-Identifier: BSD-3-Clause
/* For programs that are linked with --wrap for malloc, calloc, realloc and free: the kernel in
 * tests/unit counts what the library allocates, and makes it fail. */
#include <stdlib.h>

#include "fake_internal.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

void *__wrap_malloc(size_t size)
{
	return fake_allocated(fake_may_allocate() ? __real_malloc(size) : NULL, NULL);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fake_allocated(fake_may_allocate() ? __real_calloc(n, size) : NULL, NULL);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fake_allocated(fake_may_allocate() ? __real_realloc(old, size) : NULL, old);
}

void __wrap_free(void *old)
{
	fake_freed(old);
	__real_free(old);
}
