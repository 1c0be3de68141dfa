/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_ENDPOINT_H
#define DEVMEMCTL_ENDPOINT_H

/* Options of recv and send: where the connection comes from or goes to, and where to write that
 * it may begin. Calls return 0, or an exit code after saying what is wrong. */

#include "args.h"
#include "parse.h"

struct endpoint {
	struct sockaddr_storage address; /* of --listen or --connect */
	bool listen;
	bool connect;
	int ready_fd; /* -1 = none */
};

enum endpoint_key {
	KEY_LISTEN = 0x200,
	KEY_CONNECT,
	KEY_READY_FD,
	KEY_ENDPOINT_END,
};

/* other: "sender" */
#define ENDPOINT_OPTIONS(other)                                                                    \
	{                                                                                          \
		"listen",                                                                          \
		KEY_LISTEN,                                                                        \
		"ADDR:PORT",                                                                       \
		0,                                                                                 \
		"Wait for the " other "; port 0: any free one",                                    \
		1                                                                                  \
	},                                                                                         \
		{ "connect", KEY_CONNECT, "ADDR:PORT", 0, "Connect to the " other, 1 },            \
	{                                                                                          \
		"ready-fd", KEY_READY_FD, "N", 0,                                                  \
			"Write a line there as soon as the " other " may start, and close it", 1   \
	}
int endpoint_option(int key, const char *arg, struct endpoint *e);
/* Checks that need all options. */
int endpoint_check(const struct endpoint *e, const struct args_spec *spec, const char *dev);

/* For sockets bound to dev: says what is strange about the address. Return: 0, or the exit code if
 * it can't be used there. */
int endpoint_check_dev(const struct endpoint *e, const char *dev, uint32_t ifindex);

/* For a person, and for a script that waits until it may start the other side: "listening on" or
 * "connected to" addr. */
int endpoint_ready(const struct endpoint *e, const struct ctl *ctl, const char *what,
		   const struct sockaddr_storage *addr);

#endif
