/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_DEVMEM_SOCKET_H
#define DEVMEM_UAPI_DEVMEM_SOCKET_H

/*
 * Socket side of device-memory TCP, as the kernel defines it. Our own statement of the facts in
 * include/uapi/linux/uio.h (structs), include/uapi/asm-generic/socket.h (numbers),
 * include/linux/socket.h (MSG_SOCK_DEVMEM, in no uAPI header) and net/core/sock.c (limits). Linux
 * 6.12.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__hppa__) || defined(__sparc__) || defined(__alpha__)
#error "this architecture numbers its socket options differently: add them here"
#endif

#define UAPI_SO_DEVMEM_LINEAR 78
#define UAPI_SO_DEVMEM_DMABUF 79
#define UAPI_SO_DEVMEM_DONTNEED 80
#define UAPI_SCM_DEVMEM_LINEAR UAPI_SO_DEVMEM_LINEAR
#define UAPI_SCM_DEVMEM_DMABUF UAPI_SO_DEVMEM_DMABUF
#define UAPI_MSG_SOCK_DEVMEM 0x2000000

/* One SO_DEVMEM_DONTNEED: so many ranges (EINVAL beyond), so many fragments (the kernel stops
 * there). */
#define UAPI_DONTNEED_RANGES_MAX 128
#define UAPI_DONTNEED_FRAGMENTS_MAX 1024

/* Content of an SCM_DEVMEM_LINEAR or SCM_DEVMEM_DMABUF control message. LINEAR: only frag_size
 * says something. */
struct uapi_dmabuf_cmsg {
	uint64_t frag_offset;
	uint32_t frag_size;
	uint32_t frag_token;
	uint32_t dmabuf_id;
	uint32_t flags;
};
_Static_assert(sizeof(struct uapi_dmabuf_cmsg) == 24, "struct dmabuf_cmsg");
_Static_assert(offsetof(struct uapi_dmabuf_cmsg, frag_size) == 8, "struct dmabuf_cmsg");
_Static_assert(offsetof(struct uapi_dmabuf_cmsg, frag_token) == 12, "struct dmabuf_cmsg");
_Static_assert(offsetof(struct uapi_dmabuf_cmsg, dmabuf_id) == 16, "struct dmabuf_cmsg");
_Static_assert(offsetof(struct uapi_dmabuf_cmsg, flags) == 20, "struct dmabuf_cmsg");

/* Element of the array that SO_DEVMEM_DONTNEED takes. */
struct uapi_dmabuf_token {
	uint32_t token_start;
	uint32_t token_count;
};
_Static_assert(sizeof(struct uapi_dmabuf_token) == 8, "struct dmabuf_token");
_Static_assert(offsetof(struct uapi_dmabuf_token, token_count) == 4, "struct dmabuf_token");

#endif
