/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAB_STREAMS_H
#define LAB_STREAMS_H

/*
 * What the programs that scenarios run in the guest share: a NIC set up for streams, sockets, and
 * files that streams are written to. On failure, every function here prints a message and ends the
 * program.
 */

#include <stdint.h>

#include <devmem/devmem.h>

#define STREAMS_MAX 8

struct stream {
	uint16_t port;
	uint32_t queue;
	int listener;
	int fd;
	struct devmem_rx *rx;
	int out;
	uint64_t bytes;
};

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Ends the program with the error's message if code is negative. */
void must(int code, const struct devmem_error *err);

int listen_on(uint16_t port);
/* The destination flow of a listening socket, to one queue. */
void steer_listener(struct devmem_reservation *reservation, int listener, uint32_t queue);
int create_file(const char *path);
/* Appends the bytes of fragments, wherever they lie. */
void write_fragments(struct stream *stream, const struct devmem_fragment *frags, int n);

#endif
