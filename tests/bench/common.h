/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

/* What rxbench and sendbench share. Messages begin with the program's name. */

#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

uint64_t clock_ns(clockid_t clock);

/* A number from 1 to max. Return: 0, or -EINVAL after a message. */
int number(const char *text, uint64_t max, uint64_t *value);

/*
 * A TCP socket that is connected or bound to an address: attach is connect() or bind(). Return: it,
 * or a negative errno after a message.
 */
int open_socket(const char *address, const char *port,
		int (*attach)(int fd, const struct sockaddr *addr, socklen_t len));

#endif
