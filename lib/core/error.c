// SPDX-License-Identifier: BSD-3-Clause
/* Fills struct devmem_error, and decodes what the kernel's extended ack says into the text and the
 * attribute's name. */
#include "core/error.h"

#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errnos inside the kernel that leak out of it: include/linux/errno.h. */
#define KERNEL_ENOTSUPP 524
#define KERNEL_ETOOSMALL 525

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

const char *error_name(int code, char buf[16])
{
	const char *name;

	code = abs(code);
	if (code == KERNEL_ENOTSUPP)
		return "ENOTSUPP";
	if (code == KERNEL_ETOOSMALL)
		return "ETOOSMALL";
	name = strerrorname_np(code);
	if (name)
		return name;
	/* Kernel's errnos end at 4095: MAX_ERRNO, include/linux/err.h. */
	snprintf(buf, 16, "errno %u", (unsigned int)code & 0xffff);
	return buf;
}

static const char *error_text(int code)
{
	const char *text;

	code = abs(code);
	if (code == KERNEL_ENOTSUPP)
		return "Operation is not supported";
	if (code == KERNEL_ETOOSMALL)
		return "Buffer or request is too small";
	text = strerrordesc_np(code);
	return text ? text : "Unknown error";
}

static int kind_of(int code)
{
	switch (abs(code)) {
	case 0:
		return DEVMEM_ERROR_NONE;
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case EACCES:
	case EPERM:
	case ENOSYS:
	case ENOTTY:
	case ENOPROTOOPT:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EOPNOTSUPP:
	case KERNEL_ENOTSUPP:
		return DEVMEM_ERROR_MISSING;
	default:
		return DEVMEM_ERROR_REFUSED;
	}
}

static void put(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src ? src : "");
}

/* Appends to a message that stays one line, whatever the text holds. */
__attribute__((format(printf, 2, 0))) static void vappend(struct devmem_error *err, const char *fmt,
							  va_list ap)
{
	size_t len = strlen(err->message);
	char *p;

	vsnprintf(err->message + len, sizeof(err->message) - len, fmt, ap);
	for (p = err->message + len; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
}

__attribute__((format(printf, 2, 3))) static void append(struct devmem_error *err, const char *fmt,
							 ...)
{
	va_list ap;

	va_start(ap, fmt);
	vappend(err, fmt, ap);
	va_end(ap);
}

static void start(struct devmem_error *err, int code, int kind, const char *operation,
		  const char *subject)
{
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->kind = kind;
	put(err->operation, sizeof(err->operation), operation);
	put(err->subject, sizeof(err->subject), subject);
	if (err->subject[0])
		append(err, "%s: ", err->subject);
}

int error_input(struct devmem_error *err, int code, const char *subject, const char *fmt, ...)
{
	int kind = DEVMEM_ERROR_INPUT;
	va_list ap;

	if (!err)
		return code;
	if (kind_of(code) == DEVMEM_ERROR_MISSING)
		kind = DEVMEM_ERROR_MISSING;
	start(err, code, kind, NULL, subject);
	va_start(ap, fmt);
	vappend(err, fmt, ap);
	va_end(ap);
	return code;
}

int error_missing(struct devmem_error *err, int code, const char *operation, const char *subject,
		  const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	start(err, code, DEVMEM_ERROR_MISSING, operation, subject);
	va_start(ap, fmt);
	vappend(err, fmt, ap);
	va_end(ap);
	return code;
}

int error_system(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const char *hint, ...)
{
	char name[16];
	va_list ap;

	if (!err)
		return code;
	start(err, code, kind_of(code), operation, subject);
	if (err->operation[0])
		append(err, "%s: ", err->operation);
	append(err, "%s (%s)", error_text(code), error_name(code, name));
	if (hint) {
		append(err, "; ");
		va_start(ap, hint);
		vappend(err, hint, ap);
		va_end(ap);
	}
	return code;
}

void error_hint(struct devmem_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	append(err, "; ");
	va_start(ap, fmt);
	vappend(err, fmt, ap);
	va_end(ap);
}

void error_kind(struct devmem_error *err, int kind)
{
	if (err)
		err->kind = kind;
}

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

/* Adds the values that the kernel's policy allows: enum netlink_policy_type_attr,
 * include/uapi/linux/netlink.h. */
static void append_policy(struct devmem_error *err, const struct nlattr *policy)
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
		append(err, ", allowed are %" PRId64 " to %" PRId64, (int64_t)min, (int64_t)max);
	else if (has_min && has_max)
		append(err, ", allowed are %" PRIu64 " to %" PRIu64, min, max);
	else if (mask)
		append(err, ", allowed bits are 0x%" PRIx64, mask);
	else if (min_len && max_len)
		append(err, ", allowed are %" PRIu32 " to %" PRIu32 " bytes", min_len, max_len);
	else if (max_len)
		append(err, ", allowed are up to %" PRIu32 " bytes", max_len);
	else if (min_len)
		append(err, ", at least %" PRIu32 " bytes are needed", min_len);
	else if (maxtype)
		append(err, ", this kernel knows attributes up to %" PRIu32, maxtype);
}

int error_netlink(struct devmem_error *err, int code, const char *operation, const char *subject,
		  const struct nlmsghdr *request, const struct nlmsghdr *reply,
		  const struct attr_name *names)
{
	struct extack ack;
	char name[16];
	bool missing;

	if (!err)
		return code;
	start(err, code, kind_of(code), operation, subject);
	if (err->operation[0])
		append(err, "%s: ", err->operation);
	extack_parse(&ack, reply);
	missing = extack_attribute(&ack, request, names, err->attribute, sizeof(err->attribute));
	if (ack.text)
		snprintf(err->kernel, sizeof(err->kernel), "%.*s", (int)ack.text_len, ack.text);

	if (err->attribute[0] && !missing)
		append(err, "%s: ", err->attribute);
	append(err, "%s", err->kernel[0] ? err->kernel : error_text(code));
	if (ack.policy)
		append_policy(err, ack.policy);
	append(err, " (%s)", error_name(code, name));
	if (missing)
		append(err, "; the kernel wants attribute %s", err->attribute);
	return code;
}
