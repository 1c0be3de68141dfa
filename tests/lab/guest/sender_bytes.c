// SPDX-License-Identifier: BSD-3-Clause
/* The bytes of the program `sender`: what is in the region, and what the peer must receive. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sender.h"
#include "streams.h"

/* Overwrites bytes of the region: a peer that receives it got bytes that were read too late. */
static const char poison[] = "POISON";

/* Bytes that depend on their position: no two pieces of a stream are alike. */
void pattern(uint8_t *buf, uint64_t position, size_t size)
{
	uint64_t word = 0;
	size_t i;

	for (i = 0; i < size; i++) {
		uint64_t at = position + i;

		if (!i || !(at % 8)) {
			word = (at / 8 + 1) * 0x9e3779b97f4a7c15ULL;
			word ^= word >> 29;
		}
		buf[i] = (uint8_t)(word >> (at % 8 * 8));
	}
}

void region_put(uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct devmem_error err;

	must(devmem_region_write(sender.region, offset, bytes, size, &err), &err);
}

void region_poison(const struct devmem_range *range)
{
	uint8_t buf[6 * 1024];
	uint64_t done, n;
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)poison[i % (sizeof(poison) - 1)];
	for (done = 0; done < range->size; done += n) {
		n = range->size - done < sizeof(buf) ? range->size - done : sizeof(buf);
		region_put(range->offset + done, buf, n);
	}
}

/* Undoes poisoning. */
void region_heal(const struct devmem_range *range)
{
	region_put(range->offset, sender.copy + range->offset, range->size);
}

void want_bytes(const struct conn *conn, const uint8_t *bytes, size_t size)
{
	if (write(conn->want, bytes, size) != (ssize_t)size)
		die("cannot write what the peer must receive");
}

/* The first bytes of the ranges: that many in all. */
void want_ranges(const struct conn *conn, const struct devmem_range *ranges, size_t n,
		 uint64_t bytes)
{
	size_t i;

	for (i = 0; i < n && bytes; i++) {
		uint64_t part = ranges[i].size < bytes ? ranges[i].size : bytes;

		want_bytes(conn, sender.copy + ranges[i].offset, part);
		bytes -= part;
	}
}
