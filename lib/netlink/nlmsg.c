// SPDX-License-Identifier: BSD-3-Clause
/* What the netlink codecs share. */
#include "netlink/nlmsg.h"

#include <errno.h>
#include <string.h>

struct nlmsghdr *nlmsg_start(void *buf, size_t size, uint8_t cmd, uint8_t version)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	if (size < MNL_NLMSG_HDRLEN + GENL_HDRLEN)
		return NULL;
	/* libmnl doesn't clear the padding after attributes. */
	memset(buf, 0, size);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

int nlmsg_attrs(const void *msg, size_t len, size_t header, const void **attrs, size_t *attrs_len)
{
	const struct nlmsghdr *nlh = msg;
	const size_t start = MNL_NLMSG_HDRLEN + MNL_ALIGN(header);

	if (len < start || nlh->nlmsg_len > len || nlh->nlmsg_len < start)
		return -EBADMSG;
	*attrs = (const char *)msg + start;
	*attrs_len = nlh->nlmsg_len - start;
	return 0;
}

static int read_number(const struct nlattr *attr, void *number, size_t size)
{
	const void *payload = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t half;
	uint64_t whole;

	if (len == size) {
		memcpy(number, payload, size);
		return 0;
	}
	if (size != sizeof(whole) || len != sizeof(half))
		return -EBADMSG;
	memcpy(&half, payload, sizeof(half));
	whole = half;
	memcpy(number, &whole, sizeof(whole));
	return 0;
}

static int read_into(const void *attrs, size_t len, const struct nlmsg_field *fields, char *object,
		     uint64_t *has)
{
	const struct nlmsg_field *field;
	const struct nlattr *attr;
	uint64_t inside;
	const int on = 1;
	int ret = 0;

	*has = 0;
	nlmsg_for_each(attr, attrs, len)
	{
		for (field = fields; field->type && field->type != mnl_attr_get_type(attr);)
			field++;
		if (!field->type)
			continue;
		switch (field->kind) {
		case NLMSG_KIND_NUMBER:
			ret = read_number(attr, object + field->offset, field->size);
			break;
		case NLMSG_KIND_FLAG:
			memcpy(object + field->offset, &on, sizeof(on));
			break;
		case NLMSG_KIND_ATTR:
			memcpy(object + field->offset, &attr, sizeof(attr));
			break;
		case NLMSG_KIND_NEST:
			ret = read_into(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
					field->nested, object + field->offset, &inside);
			break;
		}
		if (ret)
			return ret;
		*has |= UINT64_C(1) << field->type;
	}
	return 0;
}

int nlmsg_read_attrs(const void *attrs, size_t len, const struct nlmsg_field *fields, void *object,
		     size_t size, uint64_t *has)
{
	uint64_t unused;

	memset(object, 0, size);
	return read_into(attrs, len, fields, object, has ? has : &unused);
}

int nlmsg_read_nest(const struct nlattr *nest, const struct nlmsg_field *fields, void *object,
		    size_t size, uint64_t *has)
{
	return nlmsg_read_attrs(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), fields,
				object, size, has);
}

int nlmsg_read(const void *msg, size_t len, const struct nlmsg_field *fields, void *object,
	       size_t size, uint64_t *has)
{
	const void *attrs;
	size_t attrs_len;

	if (nlmsg_attrs(msg, len, GENL_HDRLEN, &attrs, &attrs_len)) {
		memset(object, 0, size);
		return -EBADMSG;
	}
	return nlmsg_read_attrs(attrs, attrs_len, fields, object, size, has);
}

int nlmsg_read_number(const void *msg, size_t len, size_t header, uint16_t type, void *number,
		      size_t size)
{
	const struct nlmsg_field fields[] = {
		{ type, NLMSG_KIND_NUMBER, (uint8_t)size, 0, NULL },
		{ 0 },
	};
	const void *attrs;
	size_t attrs_len;
	uint64_t has;
	int ret;

	ret = nlmsg_attrs(msg, len, header, &attrs, &attrs_len);
	if (ret)
		return ret;
	ret = nlmsg_read_attrs(attrs, attrs_len, fields, number, size, &has);
	if (ret)
		return ret;
	return has ? 0 : -EBADMSG;
}
