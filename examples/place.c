// SPDX-License-Identifier: BSD-3-Clause
/*
 * The receiver without the NIC: bytes that arrive the ordinary way are placed into a region, so
 * that the same loop runs on any machine. Needs no privilege; works on any interface, loopback too.
 *
 *	place 127.0.0.1 5000 >copy	and then: socat -u FILE TCP:127.0.0.1:5000
 *
 * With a region that a device can access ("udmabuf", "heap:NAME", or one imported) the bytes lie in
 * its memory; here it is a "memfd", and what arrives is copied to stdout from where it lies.
 */
#include <devmem/devmem.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#define REGION_SIZE (16U << 20)

/* Waits for one connection. Return: its socket, or -1 after a message. */
static int accept_one(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	const int on = 1;
	struct addrinfo *addr;
	int listener, conn = -1, ret;

	ret = getaddrinfo(host, port, &hints, &addr);
	if (ret) {
		fprintf(stderr, "place: %s port %s: %s\n", host, port, gai_strerror(ret));
		return -1;
	}
	listener = socket(addr->ai_family, addr->ai_socktype, 0);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener, addr->ai_addr, addr->ai_addrlen) || listen(listener, 1)) {
		perror("place: listen");
		goto out;
	}
	conn = accept(listener, NULL, NULL);
	if (conn < 0)
		perror("place: accept");
out:
	if (listener >= 0)
		close(listener);
	freeaddrinfo(addr);
	return conn;
}

/* Return: 0 at the end of the stream, -1 after a message. */
static int copy_stream(struct devmem_rx *rx, const char *bytes)
{
	const struct devmem_fragment *frags;
	struct devmem_error err;
	int n, i;

	devmem_rx_expect(rx, DEVMEM_RX_STREAM);
	while ((n = devmem_rx_recv(rx, &frags, 0)) > 0) {
		for (i = 0; i < n; i++) {
			if (fwrite(bytes + frags[i].offset, frags[i].size, 1, stdout) != 1) {
				perror("place: stdout");
				return -1;
			}
		}
		/* From now on the space may be used again. */
		devmem_rx_release(rx, frags, (size_t)n);
	}
	if (n < 0) {
		devmem_rx_explain(rx, n, &err);
		fprintf(stderr, "place: %s\n", err.message);
		return -1;
	}
	if (fflush(stdout)) {
		perror("place: stdout");
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct devmem_rx_options options = { .sz = sizeof(options) };
	struct devmem_region *region;
	struct devmem_rx_stats stats;
	struct devmem_error err;
	struct devmem_rx *rx;
	void *bytes;
	int conn, status = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: place ADDRESS PORT\n");
		return 1;
	}
	if (devmem_region_open(&region, "memfd", REGION_SIZE, &err)) {
		fprintf(stderr, "place: %s\n", err.message);
		return 1;
	}
	if (devmem_region_map(region, &bytes, &err)) {
		fprintf(stderr, "place: %s\n", err.message);
		goto close_region;
	}
	conn = accept_one(argv[1], argv[2]);
	if (conn < 0)
		goto close_region;
	options.placement = region;
	/* With a binding instead of NULL, bytes in its region would come, too. */
	if (devmem_rx_open(&rx, conn, NULL, &options, &err)) {
		fprintf(stderr, "place: %s\n", err.message);
		goto close_conn;
	}
	if (!copy_stream(rx, bytes))
		status = 0;
	devmem_rx_stats(rx, &stats);
	fprintf(stderr, "%llu bytes in %llu fragments by %llu receives\n",
		(unsigned long long)stats.bytes_placed, (unsigned long long)stats.fragments_placed,
		(unsigned long long)stats.recv_calls);

	devmem_rx_close(rx);
close_conn:
	close(conn);
close_region:
	devmem_region_close(region);
	return status;
}
