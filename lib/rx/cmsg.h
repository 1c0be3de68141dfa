/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_CMSG_H
#define DEVMEM_LIB_CMSG_H

/* Control messages of a device-memory receive, as fragments. Pure: no system call. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <devmem/rx.h>

#include "uapi/devmem_socket.h"

/* Length of a fragment's control message, and the control space that it costs. */
#define CMSG_FRAGMENT_LEN CMSG_LEN(sizeof(struct uapi_dmabuf_cmsg))
#define CMSG_FRAGMENT_SPACE CMSG_SPACE(sizeof(struct uapi_dmabuf_cmsg))
_Static_assert(CMSG_FRAGMENT_SPACE == 40, "control space of one fragment");

/* Reads the messages of one recvmsg(), one after the other. */
struct cmsg_reader {
	const uint8_t *at, *end;
	uint64_t received; /* bytes that recvmsg() returned */
	uint64_t covered;  /* of them, those of the fragments so far */
	uint64_t host;	   /* of those, those of HOST ones */
};

/* control: aligned as struct cmsghdr. control_len: bytes that the kernel wrote there
 * (msg_controllen). received: bytes that recvmsg() returned, > 0. */
void cmsg_begin(struct cmsg_reader *reader, const void *control, size_t control_len,
		size_t received);

/**
 * cmsg_next() - the next fragment, in stream order
 * @reader: moves on if there is one
 * @frag: receives it. A DEVICE one is complete but for @region; of a HOST one @offset counts bytes
 *	from the start of msg_iov
 *
 * Control messages of other kinds are skipped. Without any of ours all bytes are HOST.
 *
 * Return: 1; 0 at the end; -EBADMSG if the next message is malformed, or at the end if they don't
 * add up to what was received.
 */
int cmsg_next(struct cmsg_reader *reader, struct devmem_fragment *frag);

/* The fragment of a message of the dma-buf kind, complete but for its region. */
static inline void cmsg_device(const struct uapi_dmabuf_cmsg *body, struct devmem_fragment *frag)
{
	frag->offset = body->frag_offset;
	frag->size = body->frag_size;
	frag->token = body->frag_token;
	frag->kind = DEVMEM_FRAGMENT_DEVICE;
	frag->dmabuf_id = body->dmabuf_id;
}

/*
 * cmsg_next() in pieces, for a loop over the ordinary case and nothing but it: messages of the
 * dma-buf kind, one behind the other. At most cmsg_ordinary_max() of them follow. cmsg_ordinary()
 * says whether there is one at @at, and decodes it. cmsg_passed() moves the reader behind @n of
 * them, whose fragments have so many @bytes.
 */
static inline size_t cmsg_ordinary_max(const struct cmsg_reader *reader)
{
	return (size_t)(reader->end - reader->at) / CMSG_FRAGMENT_SPACE;
}

static inline bool cmsg_ordinary(const uint8_t *at, struct devmem_fragment *frag)
{
	const struct cmsghdr *header = (const struct cmsghdr *)(const void *)at;
	const struct uapi_dmabuf_cmsg *body = (const void *)(at + CMSG_LEN(0));

	if (header->cmsg_len != CMSG_FRAGMENT_LEN || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != UAPI_SCM_DEVMEM_DMABUF || !body->frag_size)
		return false;
	cmsg_device(body, frag);
	return true;
}

static inline void cmsg_passed(struct cmsg_reader *reader, size_t n, uint64_t bytes)
{
	reader->at += n * CMSG_FRAGMENT_SPACE;
	reader->covered += bytes;
}

#endif
