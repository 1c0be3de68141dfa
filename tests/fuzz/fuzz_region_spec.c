// SPDX-License-Identifier: BSD-3-Clause
/* Region specs: the input is the spec up to the first NUL, then eight bytes of size; the rest is
 * what system calls answer. */
#include <devmem/region.h>

#include <string.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct devmem_region *region = (void *)&region;
	struct devmem_error err;
	const uint8_t *end;
	uint64_t bytes = 0;
	char *spec;
	int ret;

	end = memchr(data, 0, size);
	if (!end)
		return 0;
	spec = strdup((const char *)data);
	MUST(spec);
	size -= (size_t)(end + 1 - data);
	data = end + 1;
	if (size >= sizeof(bytes)) {
		memcpy(&bytes, data, sizeof(bytes));
		data += sizeof(bytes);
		size -= sizeof(bytes);
	}
	fuzz_sys_input(data, size);
	memset(&err, 0x5a, sizeof(err));
	ret = devmem_region_open(&region, spec, bytes, &err);
	MUST(ret <= 0);
	if (ret) {
		MUST(!region);
		MUST(err.code == ret);
		MUST(memchr(err.message, 0, sizeof(err.message)));
		MUST(err.message[0] && !strchr(err.message, '\n'));
	} else {
		MUST(region);
		MUST(devmem_region_size(region) > 0);
		MUST(strlen(devmem_region_spec(region)) > 0);
		devmem_region_close(region);
	}
	fuzz_sys_check();
	free(spec);
	return 0;
}
