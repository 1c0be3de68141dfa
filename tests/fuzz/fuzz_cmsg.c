// SPDX-License-Identifier: BSD-3-Clause
/* Control messages of a receive. The input begins with the number of bytes that were received and
 * the number of fragments that there is room for; the rest is the control buffer. */
#include "rx/cmsg.h"

#include <string.h>

#include "target.h"

#define ROOM 64

/* All fragments, either one by one, or as many as possible with cmsg_ordinary(). */
static int decode_all(const void *control, size_t size, size_t received, bool ordinary,
		      struct devmem_fragment *frags, uint32_t max, uint32_t *n)
{
	struct devmem_fragment frag = { 0 };
	struct cmsg_reader reader;
	int ret;

	cmsg_begin(&reader, control, size, received);
	for (*n = 0;; ++*n) {
		while (ordinary && cmsg_ordinary_max(&reader) && *n < max &&
		       cmsg_ordinary(reader.at, &frag)) {
			frags[(*n)++] = frag;
			cmsg_passed(&reader, 1, frag.size);
		}
		ret = cmsg_next(&reader, &frag);
		if (ret <= 0 || *n == max)
			return ret;
		frags[*n] = frag;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct devmem_fragment frags[ROOM], again[ROOM];
	uint64_t device = 0, host = 0;
	uint32_t received, max, n, m, i;
	uint8_t *control;
	int ret;

	if (size < 5)
		return 0;
	memcpy(&received, data, 4);
	received = received ? received : 1;
	max = data[4] % (ROOM + 1);
	data += 5;
	size -= 5;
	/* A copy that is aligned, and of exactly that size. */
	control = malloc(size ? size : 1);
	MUST(control);
	memcpy(control, data, size);
	ret = decode_all(control, size, received, false, frags, max, &n);
	MUST(n <= max);
	MUST(decode_all(control, size, received, true, again, max, &m) == ret);
	MUST(m == n && !memcmp(again, frags, n * sizeof(frags[0])));
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
	free(control);
	return 0;
}
