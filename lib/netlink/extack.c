// SPDX-License-Identifier: BSD-3-Clause
/* Decodes what the kernel's extended ack says into the text and the attribute's name. */
#include "netlink/extack.h"

#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Deepest nesting of attributes that is looked into. */
#define NEST_MAX 8

/* What the kernel's extended ack says about one request. */
struct extack {
	const char *text;
	size_t text_len;
	const struct nlattr *policy;
	uint32_t offset, nest;
	uint32_t missing;
	bool has_offset, has_missing, has_nest;
};

/* The attributes at p, len bytes: the next one, or NULL where nothing whole is left. */
static const struct nlattr *attr_at(const char *p, size_t len)
{
	const struct nlattr *attr = (const void *)p;

	if (len < MNL_ATTR_HDRLEN || attr->nla_len < MNL_ATTR_HDRLEN || attr->nla_len > len)
		return NULL;
	return attr;
}

static size_t attr_step(const struct nlattr *attr, size_t len)
{
	size_t step = MNL_ALIGN(attr->nla_len);

	return step < len ? step : len;
}

static bool attr_u32(const struct nlattr *attr, uint32_t *val)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*val))
		return false;
	memcpy(val, mnl_attr_get_payload(attr), sizeof(*val));
	return true;
}

/* Finds the extended ack in an NLMSG_ERROR or NLMSG_DONE message. Its attributes follow the error
 * number, and in NLMSG_ERROR the header of the request, with the rest of it unless that was capped
 * (Documentation/userspace-api/netlink/intro.rst). */
static void extack_parse(struct extack *ack, const struct nlmsghdr *reply)
{
	const char *p = (const char *)reply;
	const struct nlattr *attr;
	size_t pos, len;

	memset(ack, 0, sizeof(*ack));
	if (!reply || !(reply->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	len = reply->nlmsg_len;
	pos = MNL_NLMSG_HDRLEN;
	if (reply->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(reply);

		pos += sizeof(*e);
		if (len < pos)
			return;
		if (e->error && !(reply->nlmsg_flags & NLM_F_CAPPED)) {
			if (e->msg.nlmsg_len < sizeof(e->msg))
				return;
			pos += MNL_ALIGN((size_t)e->msg.nlmsg_len) - sizeof(e->msg);
		}
	} else if (reply->nlmsg_type == NLMSG_DONE) {
		pos += MNL_ALIGN(sizeof(int));
	} else {
		return;
	}
	while (pos < len && (attr = attr_at(p + pos, len - pos))) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			ack->text = mnl_attr_get_payload(attr);
			ack->text_len = strnlen(ack->text, mnl_attr_get_payload_len(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			ack->has_offset = attr_u32(attr, &ack->offset);
			break;
		case NLMSGERR_ATTR_POLICY:
			ack->policy = attr;
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			ack->has_missing = attr_u32(attr, &ack->missing);
			break;
		case NLMSGERR_ATTR_MISS_NEST:
			ack->has_nest = attr_u32(attr, &ack->nest);
			break;
		default:
			break;
		}
		pos += attr_step(attr, len - pos);
	}
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

/* Walks a request to the attribute whose header is offset bytes into it, and writes the names on
 * the way down to path. Gives in *below the names inside that attribute. False if there is none
 * there. */
static bool path_to(const struct nlmsghdr *request, uint32_t offset, const struct attr_name *names,
		    char *path, size_t size, const struct attr_name **below)
{
	const char *base = (const char *)request;
	size_t pos = MNL_NLMSG_HDRLEN + GENL_HDRLEN, end;
	const struct attr_name *name;
	const struct nlattr *attr;
	int depth = 0;

	path[0] = '\0';
	end = request->nlmsg_len;
	while (depth < NEST_MAX && pos < end && (attr = attr_at(base + pos, end - pos))) {
		if (offset >= pos + attr->nla_len) {
			pos += attr_step(attr, end - pos);
			continue;
		}
		name = name_of(names, mnl_attr_get_type(attr));
		path_add(path, size, name, mnl_attr_get_type(attr));
		if (offset == pos) {
			*below = name ? name->nested : NULL;
			return true;
		}
		if (!name || !name->nested)
			break;
		names = name->nested;
		end = pos + attr->nla_len;
		pos += MNL_ATTR_HDRLEN;
		depth++;
	}
	path[0] = '\0';
	return false;
}

/* The attribute that the kernel means. True if it means that it's missing. */
static bool extack_attribute(const struct extack *ack, const struct nlmsghdr *request,
			     const struct attr_name *names, char *path, size_t size)
{
	const struct attr_name *below = names;

	path[0] = '\0';
	if (!request)
		return false;
	if (ack->has_missing) {
		if (ack->has_nest && !path_to(request, ack->nest, names, path, size, &below))
			below = NULL;
		path_add(path, size, name_of(below, (uint16_t)ack->missing), ack->missing);
		return true;
	}
	if (ack->has_offset)
		path_to(request, ack->offset, names, path, size, &below);
	return false;
}

/* The values that the kernel's policy allows: enum netlink_policy_type_attr,
 * include/uapi/linux/netlink.h. */
static void policy_text(const struct nlattr *policy, char *text, size_t size)
{
	const char *p = mnl_attr_get_payload(policy);
	size_t len = mnl_attr_get_payload_len(policy), pos = 0;
	bool has_min = false, has_max = false, is_signed = false;
	uint32_t min_len = 0, max_len = 0, maxtype = 0;
	uint64_t min = 0, max = 0, mask = 0, val;
	const struct nlattr *attr;

	while (pos < len && (attr = attr_at(p + pos, len - pos))) {
		size_t n = mnl_attr_get_payload_len(attr);

		val = 0;
		memcpy(&val, mnl_attr_get_payload(attr), n < sizeof(val) ? n : sizeof(val));
		switch (mnl_attr_get_type(attr)) {
		case NL_POLICY_TYPE_ATTR_MIN_VALUE_S:
			is_signed = true;
			__attribute__((fallthrough));
		case NL_POLICY_TYPE_ATTR_MIN_VALUE_U:
			has_min = true;
			min = val;
			break;
		case NL_POLICY_TYPE_ATTR_MAX_VALUE_S:
			is_signed = true;
			__attribute__((fallthrough));
		case NL_POLICY_TYPE_ATTR_MAX_VALUE_U:
			has_max = true;
			max = val;
			break;
		case NL_POLICY_TYPE_ATTR_MASK:
			mask = val;
			break;
		case NL_POLICY_TYPE_ATTR_MIN_LENGTH:
			min_len = (uint32_t)val;
			break;
		case NL_POLICY_TYPE_ATTR_MAX_LENGTH:
			max_len = (uint32_t)val;
			break;
		case NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE:
			maxtype = (uint32_t)val;
			break;
		default:
			break;
		}
		pos += attr_step(attr, len - pos);
	}
	if (is_signed && has_min && has_max)
		snprintf(text, size, ", allowed are %" PRId64 " to %" PRId64, (int64_t)min,
			 (int64_t)max);
	else if (has_min && has_max)
		snprintf(text, size, ", allowed are %" PRIu64 " to %" PRIu64, min, max);
	else if (mask)
		snprintf(text, size, ", allowed bits are 0x%" PRIx64, mask);
	else if (min_len && max_len)
		snprintf(text, size, ", allowed are %" PRIu32 " to %" PRIu32 " bytes", min_len,
			 max_len);
	else if (max_len)
		snprintf(text, size, ", allowed are up to %" PRIu32 " bytes", max_len);
	else if (min_len)
		snprintf(text, size, ", at least %" PRIu32 " bytes are needed", min_len);
	else if (maxtype)
		snprintf(text, size, ", this kernel knows attributes up to %" PRIu32, maxtype);
}

int extack_error(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const struct nlmsghdr *request, const struct nlmsghdr *reply,
		 const struct attr_name *names)
{
	char attribute[sizeof(err->attribute)] = "", kernel[sizeof(err->kernel)] = "",
	     policy[96] = "";
	bool missing, bad;
	struct extack ack;

	if (!err)
		return code;
	extack_parse(&ack, reply);
	missing = extack_attribute(&ack, request, names, attribute, sizeof(attribute));
	bad = attribute[0] && !missing;
	if (ack.text)
		snprintf(kernel, sizeof(kernel), "%.*s", (int)ack.text_len, ack.text);
	if (ack.policy)
		policy_text(ack.policy, policy, sizeof(policy));
	error_operation(err, code, operation, subject, "%s%s%s%s", bad ? attribute : "",
			bad ? ": " : "", kernel[0] ? kernel : error_description(code), policy);
	if (missing)
		error_hint(err, "the kernel wants attribute %s", attribute);
	memcpy(err->attribute, attribute, sizeof(attribute));
	memcpy(err->kernel, kernel, sizeof(kernel));
	return code;
}
