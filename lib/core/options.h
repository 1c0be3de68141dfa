/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_OPTIONS_H
#define DEVMEM_LIB_OPTIONS_H

/* Reading of option structs, which begin with a size_t that says how much of them the caller
 * knows. */

#include <stddef.h>

#include <devmem/error.h>

/*
 * Copies the caller's struct into ours; what he doesn't know, or everything if he gave none, is
 * zero. Return: 0, or -EINVAL if the size is none that this version knows.
 */
int options_read(void *ours, size_t size, const void *given, const char *name,
		 struct devmem_error *err);

#endif
