/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

/*
 * Device-memory receive with the kernel's interface alone, for the loops that the library is
 * compared with.
 */

#include <stdint.h>
#include <sys/types.h>

#include "loop.h"
#include "uapi/devmem_socket.h"

struct raw {
	int fd;
	const char *name; /* for messages */
	struct counts *counts;
	void *buf; /* where host bytes go */
	size_t buf_len;
	void *control;
	size_t control_len; /* what the buffer holds */
	size_t control_got; /* what the last receive left there */
	/* tokens that wait for their return */
	struct uapi_dmabuf_token ranges[UAPI_DONTNEED_RANGES_MAX];
	uint32_t ranges_n;
	uint32_t tokens_n;
};

/* What a loop does with each device fragment's token: 0, or a negative errno after a message. */
typedef int (*raw_token_fn)(struct raw *raw, uint32_t token);

/* buf_len: bytes of one receive. Return: 0, or a negative errno after a message. */
int raw_open(struct raw *raw, int fd, const char *name, size_t buf_len, size_t control_len,
	     struct counts *counts);
void raw_close(struct raw *raw);

int raw_set_lowat(struct raw *raw, uint32_t bytes);

/*
 * One recvmsg(). Return: bytes, 0 at the end of the stream, -EAGAIN, or another negative errno
 * after a message.
 */
ssize_t raw_recv(struct raw *raw, int flags);

/*
 * Goes through what raw_recv() received (received: its result): counts the bytes, and calls fn for
 * each token.
 */
int raw_walk(struct raw *raw, size_t received, raw_token_fn fn);

/*
 * Adds a token to those that wait, as part of the last range where it continues that; returns them
 * all when the list is full.
 */
int raw_token_coalesced(struct raw *raw, uint32_t token);
/* Adds a token as a range of its own; returns them all when the list is full. */
int raw_token_alone(struct raw *raw, uint32_t token);
/* Returns a token in a call of its own. */
int raw_token_now(struct raw *raw, uint32_t token);
/* Returns all that wait, in one call. */
int raw_return(struct raw *raw);

#endif
