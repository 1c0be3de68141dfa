// SPDX-License-Identifier: BSD-3-Clause
/* Control messages of a device-memory receive, as fragments. */
#include "cmsg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FRAGMENT_LEN CMSG_LEN(sizeof(struct uapi_dmabuf_cmsg))

static bool is_fragment(const struct cmsghdr *header)
{
	return header->cmsg_level == SOL_SOCKET && (header->cmsg_type == UAPI_SCM_DEVMEM_DMABUF ||
						    header->cmsg_type == UAPI_SCM_DEVMEM_LINEAR);
}

/*
 * The ordinary case, and nothing but it: fragments in the dma-buf, one after the other. Decodes
 * those from at on, up to the first message that is anything else. Return: their number.
 */
static uint32_t decode_run(const uint8_t *at, const uint8_t *end, struct devmem_fragment *frags,
			   uint32_t max, uint64_t *covered)
{
	struct devmem_fragment *frag = frags;
	uint64_t sum = 0;

	if (max > (size_t)(end - at) / CMSG_FRAGMENT_SPACE)
		max = (uint32_t)((size_t)(end - at) / CMSG_FRAGMENT_SPACE);
	for (; frag < frags + max; frag++, at += CMSG_FRAGMENT_SPACE) {
		const struct cmsghdr *header = (const struct cmsghdr *)(const void *)at;
		const struct uapi_dmabuf_cmsg *body = (const void *)(at + CMSG_LEN(0));

		if (header->cmsg_len != FRAGMENT_LEN || header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != UAPI_SCM_DEVMEM_DMABUF || !body->frag_size)
			break;
		*frag = (struct devmem_fragment){
			.offset = body->frag_offset,
			.size = body->frag_size,
			.token = body->frag_token,
			.kind = DEVMEM_FRAGMENT_DEVICE,
			.dmabuf_id = body->dmabuf_id,
		};
		sum += frag->size;
	}
	*covered += sum;
	return (uint32_t)(frag - frags);
}

int cmsg_decode(const void *control, size_t control_len, size_t received,
		struct devmem_fragment *frags, uint32_t max, uint32_t *n)
{
	const uint8_t *at = control, *end = at + control_len;
	uint64_t covered = 0, host = 0;
	uint32_t count = 0;
	int ret = 0;

	for (;;) {
		const struct uapi_dmabuf_cmsg *body;
		const struct cmsghdr *header;
		struct devmem_fragment *frag;
		uint32_t run;
		size_t len;

		run = decode_run(at, end, frags + count, max - count, &covered);
		count += run;
		at += run * CMSG_FRAGMENT_SPACE;
		if ((size_t)(end - at) < sizeof(*header))
			break;
		header = (const struct cmsghdr *)(const void *)at;
		len = header->cmsg_len;
		if (len < sizeof(*header) || len > (size_t)(end - at)) {
			ret = -EBADMSG;
			break;
		}
		if (is_fragment(header)) {
			body = (const void *)(at + CMSG_LEN(0));
			if (len < FRAGMENT_LEN || !body->frag_size) {
				ret = -EBADMSG;
				break;
			}
			if (count == max) {
				ret = -EMSGSIZE;
				break;
			}
			frag = &frags[count++];
			memset(frag, 0, sizeof(*frag));
			frag->size = body->frag_size;
			if (header->cmsg_type == UAPI_SCM_DEVMEM_DMABUF) {
				frag->offset = body->frag_offset;
				frag->token = body->frag_token;
				frag->kind = DEVMEM_FRAGMENT_DEVICE;
				frag->dmabuf_id = body->dmabuf_id;
			} else {
				frag->offset = host;
				frag->kind = DEVMEM_FRAGMENT_HOST;
				host += body->frag_size;
			}
			covered += body->frag_size;
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
