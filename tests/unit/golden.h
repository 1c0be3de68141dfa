/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_GOLDEN_H
#define DEVMEM_TESTS_GOLDEN_H

/* Messages of real kernels, recorded by tests/live/record_golden.c. */

#include <stddef.h>

/* Reads golden/NAME into memory of exactly its size, so that the address sanitizer
 * reports a read past its end. Fails the running test if there is no such file. */
void *golden_read(const char *name, size_t *len);
/* Calls fn for each golden file whose name has all of that in it; returns how many. */
size_t golden_each(const char *part, void (*fn)(const char *name, const void *data, size_t len));

/* Calls fn with each truncation of a message, in memory of exactly its size: as the bytes lie (the
 * header promises more), and with the header's length cut as well. */
void golden_truncate(const void *data, size_t len, void (*fn)(const void *data, size_t len));

#endif
