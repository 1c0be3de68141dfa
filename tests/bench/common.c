// SPDX-License-Identifier: BSD-3-Clause
/* What rxbench and sendbench share. */
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

int number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !*value || *value > max) {
		fprintf(stderr, "%s: %s: must be a number from 1 to %" PRIu64 "\n",
			program_invocation_short_name, text, max);
		return -EINVAL;
	}
	return 0;
}

int open_socket(const char *address, const char *port,
		int (*attach)(int fd, const struct sockaddr *addr, socklen_t len))
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *addr;
	const int on = 1;
	int fd, ret;

	ret = getaddrinfo(address, port, &hints, &addr);
	if (ret) {
		fprintf(stderr, "%s: %s port %s: %s\n", program_invocation_short_name, address,
			port, gai_strerror(ret));
		return -EINVAL;
	}
	fd = socket(addr->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    attach(fd, addr->ai_addr, addr->ai_addrlen)) {
		ret = -errno;
		fprintf(stderr, "%s: %s port %s: %s\n", program_invocation_short_name, address,
			port, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = ret;
	}
	freeaddrinfo(addr);
	return fd;
}
