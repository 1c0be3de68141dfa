/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FUZZ_TARGET_H
#define DEVMEM_TESTS_FUZZ_TARGET_H

/* What every fuzz target has; MUST() aborts when the code under test breaks a promise. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* fuzz_sys.c: the input. sys_recv() reads datagrams from it: two bytes of length (15 bits, little
 * endian) before each; the top bit makes sequence numbers and types those of the last request. */
void fuzz_sys_input(const uint8_t *data, size_t size);
/* Checks that everything that was opened was closed. */
void fuzz_sys_check(void);

#endif
