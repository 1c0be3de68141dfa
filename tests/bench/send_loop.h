/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_SEND_LOOP_H
#define BENCH_SEND_LOOP_H

/* What every send loop of the benchmark gets, and what it counts. */

#include <stdint.h>

struct devmem_binding;

/* System calls are those of the loop, not of its set-up. */
struct send_counts {
	uint64_t bytes;
	uint64_t send_calls, reap_calls, poll_calls;
	uint64_t completions; /* messages of the error queue */
	uint64_t copied;      /* of them, those that say so */
	uint64_t allocations; /* of memory, between the first send and the last */
};

struct send_options {
	uint64_t bytes; /* of the stream, a multiple of chunk */
	uint64_t chunk; /* of one send */
	uint64_t space; /* bytes that are sent from, again and again, a multiple of chunk */
};

struct send_loop {
	const char *name;
	const char *text;
	int device; /* needs a binding */
	/*
	 * Sends on the connected socket fd, uses no byte of the space again before the NIC has read
	 * it, and returns when it has read everything. binding is NULL for a loop that needs none.
	 * Return: 0, or a negative errno after a message on stderr.
	 */
	int (*run)(int fd, struct devmem_binding *binding, const struct send_options *options,
		   struct send_counts *counts);
};

extern const struct send_loop send_loop_ours;
extern const struct send_loop send_loop_bare;
extern const struct send_loop send_loop_plain;

#endif
