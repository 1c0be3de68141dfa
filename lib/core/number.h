/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NUMBER_H
#define DEVMEM_LIB_NUMBER_H

/* Numbers in texts: digits only, no sign, no blanks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the decimal number that begins at *at and stops before end at the latest, and moves *at
 * behind it. False, and nothing is changed, without a digit or if the number is more than max. */
bool number_next(const char **at, const char *end, uint64_t max, uint64_t *number);
/* Reads a text that is a decimal number as a whole. */
bool number_parse(const char *text, size_t len, uint64_t max, uint64_t *number);
/* Reads two hexadecimal digits, as number_next() does. */
bool number_next_byte(const char **at, const char *end, uint8_t *byte);

#endif
