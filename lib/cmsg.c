// SPDX-License-Identifier: BSD-3-Clause
/* Control messages of a device-memory receive, as fragments. */
#include "cmsg.h"

#include <errno.h>
#include <string.h>

static int is_fragment(const struct cmsghdr *header)
{
	return header->cmsg_level == SOL_SOCKET && (header->cmsg_type == UAPI_SCM_DEVMEM_DMABUF ||
						    header->cmsg_type == UAPI_SCM_DEVMEM_LINEAR);
}

int cmsg_decode(const void *control, size_t control_len, size_t received,
		struct devmem_fragment *frags, uint32_t max, uint32_t *n)
{
	const uint8_t *at = control, *end = at + control_len;
	uint64_t covered = 0, host = 0;
	uint32_t count = 0;
	int ret = 0;

	while ((size_t)(end - at) >= sizeof(struct cmsghdr)) {
		const struct cmsghdr *header = (const struct cmsghdr *)(const void *)at;
		struct uapi_dmabuf_cmsg body;
		struct devmem_fragment *frag;
		size_t len = header->cmsg_len;

		if (len < sizeof(*header) || len > (size_t)(end - at)) {
			ret = -EBADMSG;
			break;
		}
		if (is_fragment(header)) {
			if (len < CMSG_LEN(sizeof(body))) {
				ret = -EBADMSG;
				break;
			}
			if (count == max) {
				ret = -EMSGSIZE;
				break;
			}
			memcpy(&body, at + CMSG_LEN(0), sizeof(body));
			if (!body.frag_size) {
				ret = -EBADMSG;
				break;
			}
			frag = &frags[count++];
			frag->size = body.frag_size;
			if (header->cmsg_type == UAPI_SCM_DEVMEM_DMABUF) {
				frag->offset = body.frag_offset;
				frag->token = body.frag_token;
				frag->kind = DEVMEM_FRAGMENT_DEVICE;
				frag->dmabuf_id = body.dmabuf_id;
			} else {
				frag->offset = host;
				frag->token = 0;
				frag->kind = DEVMEM_FRAGMENT_HOST;
				frag->dmabuf_id = 0;
				host += body.frag_size;
			}
			frag->region = NULL;
			covered += body.frag_size;
		}
		len = CMSG_ALIGN(len);
		if (len >= (size_t)(end - at))
			break;
		at += len;
	}
	*n = count;
	if (ret)
		return ret;
	if (count)
		return covered == received ? 0 : -EBADMSG;
	if (!max)
		return -EMSGSIZE;
	memset(&frags[0], 0, sizeof(frags[0]));
	frags[0].size = (uint32_t)received;
	frags[0].kind = DEVMEM_FRAGMENT_HOST;
	*n = 1;
	return 0;
}
