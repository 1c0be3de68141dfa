/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ARRAY_H
#define DEVMEM_LIB_ARRAY_H

/* Arrays that grow by one item at a time, and sorting. */

#include <stddef.h>
#include <stdint.h>

/*
 * Makes room for one more item of that size behind the n that an array has. The array is NULL or
 * comes from here: its room is a power of two, so there is no need to store it. Free it with
 * free(). Return: the array, which may have moved; NULL without memory, and the array is unchanged.
 */
void *array_grow(void *array, size_t n, size_t size);

/* Sorts numbers, ascending. */
void array_sort(uint32_t *array, size_t n);

#endif
