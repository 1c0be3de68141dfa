/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

/* What every receive loop of the benchmark gets, and what it counts. */

#include <stdint.h>

struct devmem_binding;

/* What happened on one connection. System calls are those of the loop, not of its set-up. */
struct counts {
	uint64_t bytes_device, bytes_host;
	uint64_t fragments; /* device and host */
	uint64_t recv_calls, poll_calls, return_calls, lowat_calls;
	uint64_t ranges;      /* token ranges in return_calls */
	uint64_t allocations; /* of memory, between the first receive and the last */
};

struct loop_options {
	uint32_t lowat;	 /* bytes: the low-water mark of loops that use one */
	uint64_t expect; /* bytes that the library's loop says it expects */
};

struct loop {
	const char *name;
	const char *text;
	int device; /* needs a binding */
	/*
	 * Receives from the connected socket fd until the stream's end. binding is NULL for a loop
	 * that needs none. Return: 0, or a negative errno after a message on stderr.
	 */
	int (*run)(int fd, struct devmem_binding *binding, const struct loop_options *options,
		   struct counts *counts);
};

extern const struct loop loop_ours;
extern const struct loop loop_bare;
extern const struct loop loop_bare_lowat;
extern const struct loop loop_single;
extern const struct loop loop_epoll64k;
extern const struct loop loop_plain;

#endif
