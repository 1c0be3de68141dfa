// SPDX-License-Identifier: BSD-3-Clause
/* Ground that the netlink codecs share. */
#include "netlink/nlmsg.h"

#include <errno.h>
#include <string.h>

struct nlmsghdr *nlmsg_start(void *buf, size_t size, uint8_t cmd, uint8_t version)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	if (size < MNL_NLMSG_HDRLEN + GENL_HDRLEN)
		return NULL;
	/* libmnl leaves the padding behind attributes as it was. */
	memset(buf, 0, size);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

int nlmsg_attrs(const void *msg, size_t len, const void **attrs, size_t *attrs_len)
{
	const struct nlmsghdr *nlh = msg;

	if (len < MNL_NLMSG_HDRLEN + GENL_HDRLEN || nlh->nlmsg_len > len ||
	    nlh->nlmsg_len < MNL_NLMSG_HDRLEN + GENL_HDRLEN)
		return -EBADMSG;
	*attrs = (const char *)msg + MNL_NLMSG_HDRLEN + GENL_HDRLEN;
	*attrs_len = nlh->nlmsg_len - MNL_NLMSG_HDRLEN - GENL_HDRLEN;
	return 0;
}

int nlmsg_u8(const struct nlattr *attr, uint8_t *val)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*val))
		return -EBADMSG;
	*val = *(const uint8_t *)mnl_attr_get_payload(attr);
	return 0;
}

int nlmsg_u32(const struct nlattr *attr, uint32_t *val)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*val))
		return -EBADMSG;
	memcpy(val, mnl_attr_get_payload(attr), sizeof(*val));
	return 0;
}

int nlmsg_uint(const struct nlattr *attr, uint64_t *val)
{
	uint32_t half;
	int ret;

	if (mnl_attr_get_payload_len(attr) == sizeof(*val)) {
		memcpy(val, mnl_attr_get_payload(attr), sizeof(*val));
		return 0;
	}
	ret = nlmsg_u32(attr, &half);
	if (ret)
		return ret;
	*val = half;
	return 0;
}
