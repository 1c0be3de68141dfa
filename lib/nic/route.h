/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ROUTE_H
#define DEVMEM_LIB_ROUTE_H

/* Which interface a connection's packets leave through, for messages. */

#include <net/if.h>
#include <stdint.h>

struct route {
	uint32_t ifindex;
	char name[IF_NAMESIZE]; /* in the socket's network namespace */
};

/*
 * Asks rtnetlink, in the calling thread's network namespace, for the way from the connected
 * socket's address to its peer's. The kernel doesn't report what a socket itself has cached, which
 * can differ for a moment. May block shortly. Return: 0 or a negative errno.
 */
int route_of_socket(int fd, struct route *route);

#endif
