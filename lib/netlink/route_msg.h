/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ROUTE_MSG_H
#define DEVMEM_LIB_ROUTE_MSG_H

/*
 * Codec of the rtnetlink request for a connection's route: the message into a buffer, the answer
 * out of one. Kernel: include/uapi/linux/rtnetlink.h, net/ipv4/route.c
 * (inet_rtm_getroute), net/ipv6/route.c (inet6_rtm_getroute). Pure: no system call.
 */

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A connection, whose addresses are of one family (AF_INET, AF_INET6). */
struct route_msg_query {
	struct sockaddr_storage local, peer;
	uint32_t mark;	  /* SO_MARK */
	uint32_t ifindex; /* interface that the socket is bound to; 0 = none */
};

/* NULL: another family, or it doesn't fit in size bytes. */
struct nlmsghdr *route_msg_get(void *buf, size_t size, const struct route_msg_query *query);
/* The interface that the packets leave through. 0, -EBADMSG, or the negative errno that the kernel
 * answered with. */
int route_msg_parse(const void *msg, size_t len, uint32_t *ifindex);

#endif
