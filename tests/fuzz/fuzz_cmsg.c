// SPDX-License-Identifier: BSD-3-Clause
/* Control messages of a receive. The input's first bytes say how many bytes were received and
 * how many fragments there is room for; the rest is what lies in the control buffer. */
#include "cmsg.h"

#include <string.h>

#include "target.h"

#define ROOM 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct devmem_fragment frags[ROOM + 1];
	uint64_t device = 0, host = 0;
	uint32_t received, max, n = 12345, i;
	uint8_t *control;
	int ret;

	if (size < 5)
		return 0;
	memcpy(&received, data, 4);
	received = received ? received : 1;
	max = data[4] % (ROOM + 1);
	data += 5;
	size -= 5;
	/* Aligned, and of exactly that size. */
	control = malloc(size ? size : 1);
	MUST(control);
	memcpy(control, data, size);
	memset(frags, 0x5a, sizeof(frags));
	ret = cmsg_decode(control, size, received, frags, max, &n);
	MUST(n <= max);
	for (i = 0; i < n; i++) {
		MUST(frags[i].size);
		MUST(frags[i].kind == DEVMEM_FRAGMENT_DEVICE ||
		     frags[i].kind == DEVMEM_FRAGMENT_HOST);
		if (frags[i].kind == DEVMEM_FRAGMENT_DEVICE) {
			device += frags[i].size;
			continue;
		}
		/* Host bytes follow each other in msg_iov. */
		MUST(ret || frags[i].offset == host);
		host += frags[i].size;
	}
	if (!ret)
		MUST(device + host == received);
	for (i = max; i < ROOM + 1; i++)
		MUST(frags[i].size == 0x5a5a5a5a);
	free(control);
	return 0;
}
