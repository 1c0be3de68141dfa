// SPDX-License-Identifier: BSD-3-Clause
/* The other end of rxbench: sends MIB MiB on one TCP connection. Usage: txbench ADDRESS PORT MIB */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char block[1U << 20];

static int send_block(int fd)
{
	size_t done = 0;

	while (done < sizeof(block)) {
		ssize_t n = send(fd, block + done, sizeof(block) - done, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *addr;
	unsigned long mib;
	size_t i;
	int fd, ret;

	mib = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (!mib) {
		fprintf(stderr, "usage: txbench ADDRESS PORT MIB\n");
		return 1;
	}
	ret = getaddrinfo(argv[1], argv[2], &hints, &addr);
	if (ret) {
		fprintf(stderr, "txbench: %s port %s: %s\n", argv[1], argv[2], gai_strerror(ret));
		return 1;
	}
	for (i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 2654435761U >> 13);
	fd = socket(addr->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, addr->ai_addr, addr->ai_addrlen)) {
		fprintf(stderr, "txbench: connect: %s\n", strerror(errno));
		return 2;
	}
	freeaddrinfo(addr);
	for (ret = 0; mib && !ret; mib--)
		ret = send_block(fd);
	if (ret)
		fprintf(stderr, "txbench: send: %s\n", strerror(-ret));
	close(fd);
	return ret ? 2 : 0;
}
