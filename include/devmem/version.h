/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_VERSION_H
#define DEVMEM_VERSION_H

#include <devmem/api.h>

/* Version that these headers belong to. meson.build checks that it equals the project's. */
#define DEVMEM_VERSION_MAJOR 0
#define DEVMEM_VERSION_MINOR 1
#define DEVMEM_VERSION_PATCH 0

DEVMEM_BEGIN_DECLS

/**
 * devmem_version() - version of the library that is loaded, as "MAJOR.MINOR.PATCH"
 *
 * Return: a static string. Doesn't block. Any thread. Since 0.1.
 */
DEVMEM_API const char *devmem_version(void);

DEVMEM_END_DECLS

#endif
