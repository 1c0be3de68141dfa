// SPDX-License-Identifier: BSD-3-Clause
/* Version of the library. */
#include <devmem/version.h>

#define STRING(x) #x
#define VERSION(major, minor, patch) STRING(major) "." STRING(minor) "." STRING(patch)

_Static_assert(sizeof(VERSION(DEVMEM_VERSION_MAJOR, DEVMEM_VERSION_MINOR, DEVMEM_VERSION_PATCH)) ==
		       sizeof(DEVMEM_VERSION),
	       "version.h and meson.build name different versions");

const char *devmem_version(void)
{
	return DEVMEM_VERSION;
}
