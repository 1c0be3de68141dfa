// SPDX-License-Identifier: BSD-3-Clause
/* Decodes what the kernel's extended ack says into the text and the attribute's name. */
#include "netlink/extack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "netlink/nlmsg.h"

/* What the kernel's extended ack says about one request. */
struct extack {
	const struct nlattr *text, *policy;
	uint32_t offset, missing, nest;
};

static const struct nlmsg_field extack_fields[] = {
	NLMSG_ATTR(NLMSGERR_ATTR_MSG, struct extack, text),
	NLMSG_ATTR(NLMSGERR_ATTR_POLICY, struct extack, policy),
	NLMSG_NUMBER(NLMSGERR_ATTR_OFFS, struct extack, offset),
	NLMSG_NUMBER(NLMSGERR_ATTR_MISS_TYPE, struct extack, missing),
	NLMSG_NUMBER(NLMSGERR_ATTR_MISS_NEST, struct extack, nest),
	{ 0 },
};

/* The values that the kernel's policy allows: enum netlink_policy_type_attr,
 * include/uapi/linux/netlink.h. */
struct policy {
	int64_t signed_min, signed_max;
	uint64_t min, max, mask;
	uint32_t min_len, max_len, maxtype;
};

static const struct nlmsg_field policy_fields[] = {
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MIN_VALUE_S, struct policy, signed_min),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MAX_VALUE_S, struct policy, signed_max),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MIN_VALUE_U, struct policy, min),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MAX_VALUE_U, struct policy, max),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MASK, struct policy, mask),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MIN_LENGTH, struct policy, min_len),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_MAX_LENGTH, struct policy, max_len),
	NLMSG_NUMBER(NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE, struct policy, maxtype),
	{ 0 },
};

/* Finds the extended ack in an NLMSG_ERROR or NLMSG_DONE message. Its attributes follow the error
 * number, and in NLMSG_ERROR the header of the request, with the rest of it unless that was capped
 * (Documentation/userspace-api/netlink/intro.rst). Returns the bits of what is there; an attribute
 * of the wrong size ends it. */
static uint64_t extack_parse(struct extack *ack, const struct nlmsghdr *reply)
{
	size_t pos = MNL_NLMSG_HDRLEN, len;
	uint64_t has;

	memset(ack, 0, sizeof(*ack));
	if (!reply || !(reply->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	len = reply->nlmsg_len;
	if (reply->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(reply);

		pos += sizeof(*e);
		if (len < pos)
			return 0;
		if (e->error && !(reply->nlmsg_flags & NLM_F_CAPPED)) {
			if (e->msg.nlmsg_len < sizeof(e->msg))
				return 0;
			pos += MNL_ALIGN((size_t)e->msg.nlmsg_len) - sizeof(e->msg);
		}
	} else if (reply->nlmsg_type == NLMSG_DONE) {
		pos += MNL_ALIGN(sizeof(int));
	} else {
		return 0;
	}
	if (len < pos)
		return 0;
	nlmsg_read_attrs((const char *)reply + pos, len - pos, extack_fields, ack, sizeof(*ack),
			 &has);
	return has;
}

static const struct attr_name *name_of(const struct attr_name *names, uint16_t type)
{
	for (; names && names->name; names++) {
		if (names->type == type)
			return names;
	}
	return NULL;
}

static void path_add(char *path, size_t size, const struct attr_name *name, uint32_t type)
{
	size_t len = strlen(path);

	if (name)
		snprintf(path + len, size - len, "%s%s", len ? "." : "", name->name);
	else
		snprintf(path + len, size - len, "%sattribute-%" PRIu32, len ? "." : "", type);
}

/* Walks attributes to the one whose header is offset bytes into them, and writes the names on the
 * way down to path. Gives in *below the names inside that attribute. -ENOENT if there is none
 * there. */
static int find_path(const char *attrs, size_t len, size_t offset, const struct attr_name *names,
		     char *path, size_t size, const struct attr_name **below)
{
	const struct attr_name *name;
	const struct nlattr *attr;
	size_t pos;

	nlmsg_for_each(attr, attrs, len)
	{
		pos = (size_t)((const char *)attr - attrs);
		if (offset >= pos + attr->nla_len)
			continue;
		name = name_of(names, mnl_attr_get_type(attr));
		path_add(path, size, name, mnl_attr_get_type(attr));
		*below = name ? name->nested : NULL;
		if (offset == pos)
			return 0;
		pos += MNL_ATTR_HDRLEN;
		if (!*below || offset < pos)
			break;
		return find_path(attrs + pos, mnl_attr_get_payload_len(attr), offset - pos, *below,
				 path, size, below);
	}
	return -ENOENT;
}

/* The same for an offset into a request, as the kernel gives it; no path and no names if there is
 * no attribute there. */
static void request_path(const struct nlmsghdr *request, size_t offset,
			 const struct attr_name *names, char *path, size_t size,
			 const struct attr_name **below)
{
	const size_t header = MNL_NLMSG_HDRLEN + GENL_HDRLEN;
	const void *attrs;
	size_t len;

	if (offset < header ||
	    nlmsg_attrs(request, request->nlmsg_len, GENL_HDRLEN, &attrs, &len) ||
	    find_path(attrs, len, offset - header, names, path, size, below)) {
		path[0] = '\0';
		*below = NULL;
	}
}

/* The path of the attribute that the kernel refused or misses. */
static void extack_attribute(const struct extack *ack, uint64_t has, const struct nlmsghdr *request,
			     const struct attr_name *names, char *path, size_t size)
{
	const struct attr_name *below = names;

	if (nlmsg_has(has, NLMSGERR_ATTR_MISS_TYPE)) {
		if (nlmsg_has(has, NLMSGERR_ATTR_MISS_NEST))
			request_path(request, ack->nest, names, path, size, &below);
		path_add(path, size, name_of(below, (uint16_t)ack->missing), ack->missing);
	} else if (nlmsg_has(has, NLMSGERR_ATTR_OFFS)) {
		request_path(request, ack->offset, names, path, size, &below);
	}
}

static void policy_text(const struct nlattr *nest, char *text, size_t size)
{
	struct policy policy;
	uint64_t has;

	if (nlmsg_read_nest(nest, policy_fields, &policy, sizeof(policy), &has))
		return;
	if (nlmsg_has(has, NL_POLICY_TYPE_ATTR_MIN_VALUE_S) &&
	    nlmsg_has(has, NL_POLICY_TYPE_ATTR_MAX_VALUE_S))
		snprintf(text, size, ", allowed are %" PRId64 " to %" PRId64, policy.signed_min,
			 policy.signed_max);
	else if (nlmsg_has(has, NL_POLICY_TYPE_ATTR_MIN_VALUE_U) &&
		 nlmsg_has(has, NL_POLICY_TYPE_ATTR_MAX_VALUE_U))
		snprintf(text, size, ", allowed are %" PRIu64 " to %" PRIu64, policy.min,
			 policy.max);
	else if (policy.mask)
		snprintf(text, size, ", allowed bits are 0x%" PRIx64, policy.mask);
	else if (policy.min_len && policy.max_len)
		snprintf(text, size, ", allowed are %" PRIu32 " to %" PRIu32 " bytes",
			 policy.min_len, policy.max_len);
	else if (policy.max_len)
		snprintf(text, size, ", allowed are up to %" PRIu32 " bytes", policy.max_len);
	else if (policy.min_len)
		snprintf(text, size, ", at least %" PRIu32 " bytes are needed", policy.min_len);
	else if (policy.maxtype)
		snprintf(text, size, ", this kernel supports attributes up to %" PRIu32,
			 policy.maxtype);
}

int extack_error(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const struct nlmsghdr *request, const struct nlmsghdr *reply,
		 const struct attr_name *names)
{
	char attribute[sizeof(err->attribute)] = "", kernel[sizeof(err->kernel)] = "",
	     policy[96] = "";
	bool refused, missing;
	struct extack ack;
	uint64_t has;

	if (!err)
		return code;
	has = extack_parse(&ack, reply);
	missing = request && nlmsg_has(has, NLMSGERR_ATTR_MISS_TYPE);
	if (request)
		extack_attribute(&ack, has, request, names, attribute, sizeof(attribute));
	refused = attribute[0] && !missing;
	if (ack.text)
		snprintf(kernel, sizeof(kernel), "%.*s", (int)mnl_attr_get_payload_len(ack.text),
			 mnl_attr_get_str(ack.text));
	if (ack.policy)
		policy_text(ack.policy, policy, sizeof(policy));
	error_operation(err, code, operation, subject, "%s%s%s%s", refused ? attribute : "",
			refused ? ": " : "", kernel[0] ? kernel : error_description(code), policy);
	if (missing)
		error_hint(err, "the kernel wants attribute %s", attribute);
	memcpy(err->attribute, attribute, sizeof(attribute));
	memcpy(err->kernel, kernel, sizeof(kernel));
	return code;
}
