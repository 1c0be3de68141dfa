/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_FILE_H
#define DEVMEM_LIB_FILE_H

/* Small files, such as those of /proc and /sys, which the kernel hands over in one read. */

#include <stddef.h>
#include <stdint.h>

#include <devmem/error.h>

/* Reads at most size - 1 bytes from a file's start, and puts a 0 behind them. On failure buf is
 * empty. */
int file_read(const char *path, char *buf, size_t size, struct devmem_error *err);
/* Likewise its first line, without the newline. */
int file_read_line(const char *path, char *line, size_t size, struct devmem_error *err);
/* The decimal number that a file's first line is. -EINVAL: it is something else. On failure number
 * stays as it was. */
int file_read_number(const char *path, uint64_t *number);

#endif
