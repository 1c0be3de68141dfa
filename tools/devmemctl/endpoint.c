/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"

static int parse_ready_fd(struct endpoint *e, const char *arg)
{
	uint64_t fd;

	if (parse_uint("--ready-fd", arg, 1, INT32_MAX, &fd))
		return EXIT_USAGE;
	if (fcntl((int)fd, F_GETFD) < 0)
		return fail(EXIT_USAGE, "--ready-fd %s: not an open file descriptor", arg);
	e->ready_fd = (int)fd;
	return 0;
}

int endpoint_option(int key, const char *arg, struct endpoint *e)
{
	switch (key) {
	case KEY_LISTEN:
		e->listen = true;
		return parse_address("--listen", arg, &e->address);
	case KEY_CONNECT:
		e->connect = true;
		return parse_address("--connect", arg, &e->address);
	case KEY_READY_FD:
		return parse_ready_fd(e, arg);
	default:
		return fail(EXIT_USAGE, "unknown option");
	}
}

int endpoint_check(const struct endpoint *e, const struct args_spec *spec, const char *dev)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->address;
	uint16_t port;

	if (!e->listen && !e->connect)
		return args_missing(spec, "--listen ADDR:PORT or --connect ADDR:PORT");
	if (e->listen && e->connect)
		return fail(EXIT_USAGE, "%s: give --listen or --connect, not both", spec->name);
	memcpy(&port, (const char *)&e->address + 2, sizeof(port));
	if (e->connect && !port)
		return fail(EXIT_USAGE, "--connect: port 0 can't be connected to");
	if (e->address.ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) &&
	    !in6->sin6_scope_id)
		return fail(EXIT_USAGE,
			    "%s: a link-local address needs its interface: [fe80::1%%%s]:5000",
			    e->listen ? "--listen" : "--connect", dev);
	return 0;
}

int endpoint_ready(const struct endpoint *e, const struct ctl *ctl, const char *what,
		   const struct sockaddr_storage *addr)
{
	char text[ADDRESS_TEXT_MAX];
	char line[128];
	ssize_t n;

	format_address(text, addr);
	if (ctl->verbose || isatty(STDERR_FILENO))
		note("%s %s", what, text);
	if (e->ready_fd < 0)
		return 0;
	snprintf(line, sizeof(line), "%s %s\n", what, text);
	n = write(e->ready_fd, line, strlen(line));
	if (n < 0)
		return fail_errno(errno, "--ready-fd");
	if (e->ready_fd > STDERR_FILENO)
		close(e->ready_fd);
	return 0;
}
