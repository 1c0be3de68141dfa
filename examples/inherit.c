// SPDX-License-Identifier: BSD-3-Clause
/* A receiver without privileges: a launcher sets the NIC up, binds a region, and puts everything
 * back at the end; this program only receives. The stream is copied to FILE if there is one.
 *	devmemctl run eth1 --flow 10.0.0.1:5000 -- inherit 10.0.0.1 5000 [FILE] */
#include <devmem/devmem.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

/* Waits for one connection. Return: its socket, or -1 after a message. */
static int accept_one(const struct addrinfo *addr)
{
	int listener = socket(addr->ai_family, SOCK_STREAM, 0), conn = -1;

	if (!bind(listener, addr->ai_addr, addr->ai_addrlen) && !listen(listener, 1))
		conn = accept(listener, NULL, NULL);
	if (conn < 0)
		perror("inherit: accept");
	return conn;
}

/* Appends a fragment to the file. Return: 0, or -1 after a message. */
static int save(FILE *file, const struct devmem_fragment *frag)
{
	static char buf[1 << 16];
	struct devmem_error err = { .message = "bytes in somebody else's region" };
	const char *bytes = buf;

	for (uint32_t n, at = 0; at < frag->size; at += n) {
		n = frag->size - at < sizeof(buf) ? frag->size - at : sizeof(buf);
		if (frag->kind == DEVMEM_FRAGMENT_HOST)
			bytes = (const char *)frag->host + at;
		else if (!frag->region ||
			 devmem_region_read(frag->region, frag->offset + at, buf, n, &err))
			return fprintf(stderr, "inherit: %s\n", err.message), -1;
		if (fwrite(bytes, n, 1, file) != 1)
			return perror("inherit: write"), -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct devmem_fragment *frags;
	struct devmem_inherited *in = NULL;
	struct devmem_error err = { 0 };
	struct devmem_rx_stats stats;
	struct devmem_rx *rx = NULL;
	struct addrinfo *addr;
	FILE *file = NULL;
	int conn, n = -1;

	if (argc < 3 || argc > 4 || getaddrinfo(argv[1], argv[2], NULL, &addr))
		return fprintf(stderr, "usage: inherit ADDRESS PORT [FILE]\n"), 1;
	if (argc == 4 && !(file = fopen(argv[3], "w")))
		return perror(argv[3]), 1;
	if (devmem_inherited_open(&in, getenv(DEVMEM_INHERIT_ENV), &err) ||
	    (conn = accept_one(addr)) < 0 ||
	    devmem_rx_open(&rx, conn, devmem_inherited_binding(in), NULL, &err))
		goto close;
	devmem_rx_expect(rx, DEVMEM_RX_STREAM);
	for (; (n = devmem_rx_recv(rx, &frags, 0)) > 0; devmem_rx_release(rx, frags, (size_t)n))
		for (int i = 0; file && i < n; i++)
			if (save(file, &frags[i]))
				goto close;
	if (n < 0)
		devmem_rx_explain(rx, n, &err);
	devmem_rx_stats(rx, &stats);
	printf("bytes %llu\nin region %llu\nin host memory %llu\n",
	       0ULL + stats.bytes_device + stats.bytes_host, 0ULL + stats.bytes_device,
	       0ULL + stats.bytes_host);
close:
	if (err.code)
		fprintf(stderr, "inherit: %s\n", err.message);
	if (file && fclose(file))
		n = -1, perror(argv[3]);
	devmem_rx_close(rx);
	devmem_inherited_close(in);
	return n || err.code;
}
