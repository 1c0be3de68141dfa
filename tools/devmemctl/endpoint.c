/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
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

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) &&
		       a6->sin6_scope_id == b6->sin6_scope_id;
	return a->sa_family == AF_INET && ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
						  ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

/* The interface of this machine that has the address; empty if none has. */
static void find_owner(const struct sockaddr_storage *addr, char name[IF_NAMESIZE])
{
	struct ifaddrs *all;

	name[0] = '\0';
	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *one = all; one && !name[0]; one = one->ifa_next)
		if (one->ifa_addr && same_address(one->ifa_addr, (const struct sockaddr *)addr))
			snprintf(name, IF_NAMESIZE, "%s", one->ifa_name);
	freeifaddrs(all);
}

int endpoint_check_dev(const struct endpoint *e, const char *dev, uint32_t ifindex)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->address;
	const char *option = e->listen ? "--listen" : "--connect";
	char text[ADDRESS_TEXT_MAX];
	char owner[IF_NAMESIZE];

	format_address(text, &e->address);
	if (e->address.ss_family == AF_INET6 && in6->sin6_scope_id && in6->sin6_scope_id != ifindex)
		return fail(EXIT_USAGE, "%s %s: the address is of another interface than %s",
			    option, text, dev);
	find_owner(&e->address, owner);
	if (!owner[0])
		return 0;
	if (e->listen && strcmp(owner, dev))
		note("%s %s: an address of %s, but only connections through %s are accepted",
		     option, text, owner, dev);
	else if (e->connect && strcmp(dev, "lo"))
		note("%s %s: an address of this machine, reached through lo, not through %s",
		     option, text, dev);
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
