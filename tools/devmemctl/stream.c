/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "parse.h"
#include "signals.h"
#include "stream.h"

/* A peer that hasn't answered by then probably can't. */
#define ANSWER_MS 3000

static int failed(const char *verb, const struct sockaddr_storage *addr, int errnum)
{
	const char *advice = "";
	char text[ADDRESS_TEXT_MAX];
	int code = EXIT_REFUSED;

	if (errnum == EADDRNOTAVAIL)
		advice = "; no interface of this machine has the address";
	else if (errnum == EADDRINUSE)
		advice = "; another program has the port";
	else if (errnum == EACCES)
		advice = "; ports below 1024 need root";
	if (errnum == EACCES || errnum == EPERM)
		code = EXIT_MISSING;
	format_address(text, addr);
	return fail(code, "%s: %s: %s%s", text, verb, strerror(errnum), advice);
}

static int open_socket(int *fd, const struct sockaddr_storage *addr)
{
	*fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (*fd < 0)
		return failed("socket", addr, errno);
	return 0;
}

/* Kernels before Linux 5.7 want a privilege for it: then the library checks the route. */
static int bind_to_device(int fd, const char *dev)
{
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, (socklen_t)strlen(dev)) &&
	    errno != EPERM)
		return fail(EXIT_REFUSED, "%s: SO_BINDTODEVICE: %s", dev, strerror(errno));
	return 0;
}

int stream_open(int *fd, const struct sockaddr_storage *peer, const char *dev)
{
	int result = open_socket(fd, peer);

	return result ? result : bind_to_device(*fd, dev);
}

int stream_bind(int *fd, const struct sockaddr_storage *addr, const char *dev)
{
	const int on = 1;
	int errnum;

	if (open_socket(fd, addr) || (dev && bind_to_device(*fd, dev)))
		return EXIT_REFUSED;
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* [::] means IPv6 alone: a flow rule is for one family. */
	if (addr->ss_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!bind(*fd, (const struct sockaddr *)addr, address_len(addr)))
		return 0;
	errnum = errno;
	close(*fd);
	*fd = -1;
	return failed("bind", addr, errnum);
}

/* Asks the routing table: connecting a datagram socket sends nothing. */
static int local_address(struct sockaddr_storage *local, const struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*local);
	int errnum = 0;
	int fd;

	memset(local, 0, sizeof(*local));
	fd = socket(peer->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)peer, address_len(peer)) ||
	    getsockname(fd, (struct sockaddr *)local, &len))
		errnum = errno;
	close(fd);
	if (local->ss_family == AF_INET6)
		((struct sockaddr_in6 *)local)->sin6_port = 0;
	else
		((struct sockaddr_in *)local)->sin_port = 0;
	return errnum;
}

int stream_prepare(int *fd, struct sockaddr_storage *local, const struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*local);
	int errnum = local_address(local, peer);

	if (errnum)
		return failed("connect", peer, errnum);
	if (open_socket(fd, peer))
		return EXIT_REFUSED;
	if (!bind(*fd, (const struct sockaddr *)local, address_len(local)) &&
	    !getsockname(*fd, (struct sockaddr *)local, &len))
		return 0;
	errnum = errno;
	close(*fd);
	*fd = -1;
	return failed("bind", local, errnum);
}

int stream_listen(int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	int errnum;

	if (!listen(fd, SOMAXCONN))
		return 0;
	errnum = errno;
	getsockname(fd, (struct sockaddr *)&addr, &len);
	return failed("listen", &addr, errnum);
}

int stream_accept(int *fd, int listener, struct sockaddr_storage *peer)
{
	for (;;) {
		socklen_t len = sizeof(*peer);
		int err = signals_wait(listener, POLLIN, -1);

		if (err < 0)
			return err == -EINTR ? err : fail_errno(-err, "poll");
		memset(peer, 0, sizeof(*peer));
		*fd = accept4(listener, (struct sockaddr *)peer, &len,
			      SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (*fd >= 0)
			return 0;
		/* The peer may have gone again before it was accepted. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR && errno != EPROTO)
			return fail_errno(errno, "accept");
	}
}

int stream_connect(int fd, const struct sockaddr_storage *peer)
{
	char verb[32 + IF_NAMESIZE] = "connect";
	char text[ADDRESS_TEXT_MAX];
	char dev[IF_NAMESIZE] = "";
	socklen_t dev_len = sizeof(dev);
	socklen_t len = sizeof(int);
	int errnum = 0;
	int err;

	if (!getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, &dev_len) && dev[0])
		snprintf(verb, sizeof(verb), "connect through %s", dev);
	if (!connect(fd, (const struct sockaddr *)peer, address_len(peer)))
		return 0;
	if (errno != EINPROGRESS)
		return failed(verb, peer, errno);
	err = signals_wait(fd, POLLOUT, ANSWER_MS);
	if (!err) {
		format_address(text, peer);
		note("%s: %s: no answer yet", text, verb);
		err = signals_wait(fd, POLLOUT, -1);
	}
	if (err < 0)
		return err == -EINTR ? err : fail_errno(-err, "poll");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
	if (errnum)
		return failed(verb, peer, errnum);
	return 0;
}
