// SPDX-License-Identifier: BSD-3-Clause
/* Control messages of a device-memory receive, as fragments. */
#include "rx/cmsg.h"

#include <errno.h>

static bool is_fragment(const struct cmsghdr *header)
{
	return header->cmsg_level == SOL_SOCKET && (header->cmsg_type == UAPI_SCM_DEVMEM_DMABUF ||
						    header->cmsg_type == UAPI_SCM_DEVMEM_LINEAR);
}

void cmsg_begin(struct cmsg_reader *reader, const void *control, size_t control_len,
		size_t received)
{
	reader->at = control;
	reader->end = reader->at + control_len;
	reader->received = received;
	reader->covered = 0;
	reader->host = 0;
}

/* HOST bytes follow each other in msg_iov. */
static void host_fragment(struct cmsg_reader *reader, uint32_t size, struct devmem_fragment *frag)
{
	*frag = (struct devmem_fragment){
		.offset = reader->host,
		.size = size,
		.kind = DEVMEM_FRAGMENT_HOST,
	};
	reader->host += size;
	reader->covered += size;
}

int cmsg_next(struct cmsg_reader *reader, struct devmem_fragment *frag)
{
	size_t left;

	while ((left = (size_t)(reader->end - reader->at)) >= sizeof(struct cmsghdr)) {
		const struct cmsghdr *header = (const struct cmsghdr *)(const void *)reader->at;
		const struct uapi_dmabuf_cmsg *body = (const void *)(reader->at + CMSG_LEN(0));
		const bool ours = is_fragment(header);
		const size_t len = header->cmsg_len;

		if (len < sizeof(*header) || len > left)
			return -EBADMSG;
		if (ours && (len < CMSG_FRAGMENT_LEN || !body->frag_size))
			return -EBADMSG;
		/* The last one may lack its padding. */
		reader->at += CMSG_ALIGN(len) < left ? CMSG_ALIGN(len) : left;
		if (!ours)
			continue;
		if (header->cmsg_type == UAPI_SCM_DEVMEM_LINEAR) {
			host_fragment(reader, body->frag_size, frag);
		} else {
			cmsg_device(body, frag);
			reader->covered += frag->size;
		}
		return 1;
	}
	if (reader->covered)
		return reader->covered == reader->received ? 0 : -EBADMSG;
	host_fragment(reader, (uint32_t)reader->received, frag);
	return 1;
}
