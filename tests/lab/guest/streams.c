// SPDX-License-Identifier: BSD-3-Clause
/* What the programs that scenarios run in the guest share. */
#include "streams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void must(int code, const struct devmem_error *err)
{
	if (code < 0)
		die("%s", err->message);
}

int listen_on(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int on = 1;
	int fd;

	inet_pton(AF_INET, "10.0.0.1", &addr.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8))
		die("port %u: %s", port, strerror(errno));
	return fd;
}

void steer_listener(struct devmem_reservation *reservation, int listener, uint32_t queue)
{
	struct devmem_error err;
	struct devmem_flow flow;

	must(devmem_flow_from_socket(&flow, listener, &err), &err);
	must(devmem_reservation_add_flow(reservation, &flow, queue, NULL, &err), &err);
}

int create_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void write_bytes(struct stream *stream, const void *bytes, size_t size)
{
	if (write(stream->out, bytes, size) != (ssize_t)size)
		die("write: %s", strerror(errno));
}

static void write_region(struct stream *stream, const struct devmem_fragment *frag)
{
	static uint8_t buf[1 << 20];
	struct devmem_error err;
	uint32_t done, n;

	if (!frag->region)
		die("fragment of binding %u, which is not ours", frag->dmabuf_id);
	for (done = 0; done < frag->size; done += n) {
		n = frag->size - done;
		if (n > sizeof(buf))
			n = sizeof(buf);
		must(devmem_region_read(frag->region, frag->offset + done, buf, n, &err), &err);
		write_bytes(stream, buf, n);
	}
}

void write_fragments(struct stream *stream, const struct devmem_fragment *frags, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		const struct devmem_fragment *frag = &frags[i];

		if (frag->kind == DEVMEM_FRAGMENT_HOST)
			write_bytes(stream, frag->host, frag->size);
		else
			write_region(stream, frag);
		stream->bytes += frag->size;
	}
}
