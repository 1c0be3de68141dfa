/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_COUNTER_H
#define DEVMEM_LIB_COUNTER_H

/* Counters that any thread may change. They order nothing. */

#include <stdatomic.h>
#include <stdint.h>

/* Return: what it is now. */
static inline uint64_t counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	return atomic_fetch_add_explicit(counter, n, memory_order_relaxed) + n;
}

static inline void counter_sub(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
