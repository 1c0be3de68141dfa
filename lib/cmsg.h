/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_CMSG_H
#define DEVMEM_LIB_CMSG_H

/* Control messages of a device-memory receive, as fragments. Pure: no system call. */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <devmem/rx.h>

#include "uapi/devmem_socket.h"

/* Control space that one fragment costs, and how many fragments control space can hold. */
#define CMSG_FRAGMENT_SPACE CMSG_SPACE(sizeof(struct uapi_dmabuf_cmsg))
_Static_assert(CMSG_FRAGMENT_SPACE == 40, "control space of one fragment");

/**
 * cmsg_decode() - turn what recvmsg() left behind into fragments
 * @control: control buffer, aligned as struct cmsghdr
 * @control_len: bytes that the kernel wrote there (msg_controllen)
 * @received: bytes that recvmsg() returned, > 0
 * @frags: receives the fragments in stream order. DEVICE ones are complete but for @region; of HOST
 *	ones @offset counts bytes from the start of msg_iov
 * @max: length of @frags
 * @n: receives their number, also on failure: those decoded so far
 *
 * Control messages of other kinds are skipped. Without any of ours all bytes are HOST.
 *
 * Return: 0; -EBADMSG if they are malformed or don't add up to @received; -EMSGSIZE if @frags is too
 * short.
 */
int cmsg_decode(const void *control, size_t control_len, size_t received,
		struct devmem_fragment *frags, uint32_t max, uint32_t *n);

#endif
