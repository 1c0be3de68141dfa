/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_ALLOCATIONS_H
#define BENCH_ALLOCATIONS_H

#include <stdint.h>

/*
 * Calls of malloc(), calloc() and realloc() so far, by the program and all its libraries; always 0
 * where they can't be counted.
 */
uint64_t allocations(void);

#endif
