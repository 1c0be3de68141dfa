// SPDX-License-Identifier: BSD-3-Clause
/* Option structs. */
#include "core/options.h"

#include <errno.h>
#include <string.h>

#include "core/error.h"

int options_read(void *ours, size_t size, const void *given, const char *name,
		 struct devmem_error *err)
{
	size_t sz;

	memset(ours, 0, size);
	if (!given)
		return 0;
	memcpy(&sz, given, sizeof(sz));
	if (sz < sizeof(sz) || sz > size)
		return error_input(err, -EINVAL, name,
				   "sz is %zu, must be sizeof(struct %s), here %zu", sz, name,
				   size);
	memcpy(ours, given, sz);
	return 0;
}
