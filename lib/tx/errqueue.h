/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ERRQUEUE_H
#define DEVMEM_LIB_ERRQUEUE_H

/*
 * Messages of a socket's error queue: which sends with MSG_ZEROCOPY are complete. Kernel:
 * Documentation/networking/msg_zerocopy.rst, include/uapi/linux/errqueue.h. Pure: no system call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Control space for one message, with room for others that the socket may be set up to get. */
#define ERRQUEUE_CONTROL_SIZE 512

struct errqueue_notice {
	/* As the kernel numbers them, both included: low can be above high, where 32 bits wrap. */
	uint32_t low, high;
	/* The kernel copied the bytes after all. */
	bool copied;
};

/*
 * Reads the control messages that one recvmsg() left in control, len bytes, aligned as struct
 * cmsghdr. Return: 1 and the notice; 0 if it is something else; -EBADMSG if it is malformed.
 */
int errqueue_parse(const void *control, size_t len, struct errqueue_notice *notice);

#endif
