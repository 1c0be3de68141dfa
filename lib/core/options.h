/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_OPTIONS_H
#define DEVMEM_LIB_OPTIONS_H

/* Option structs, which begin with a size_t: the size that the struct had when the caller was
 * compiled. */

#include <stddef.h>

#include <devmem/error.h>

/* Copies the caller's struct into ours. Members that it lacks, or all if it is NULL, are zero.
 * Return: 0, or -EINVAL if it is larger than ours or has no size. */
int options_read(void *ours, size_t size, const void *given, const char *name,
		 struct devmem_error *err);

#endif
