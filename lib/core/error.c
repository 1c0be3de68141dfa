// SPDX-License-Identifier: BSD-3-Clause
/* Fills struct devmem_error. */
#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/errno.h"

const char *error_name(int code, char buf[16])
{
	const char *name;

	code = abs(code);
	if (code == UAPI_ENOTSUPP)
		return "ENOTSUPP";
	if (code == UAPI_ETOOSMALL)
		return "ETOOSMALL";
	name = strerrorname_np(code);
	if (name)
		return name;
	/* Kernel's errnos end at 4095: MAX_ERRNO, include/linux/err.h. */
	snprintf(buf, 16, "errno %u", (unsigned int)code & 0xffff);
	return buf;
}

const char *error_description(int code)
{
	const char *text;

	code = abs(code);
	if (code == UAPI_ENOTSUPP)
		return "Operation is not supported";
	if (code == UAPI_ETOOSMALL)
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
	case UAPI_ENOTSUPP:
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

int error_operation(struct devmem_error *err, int code, const char *operation, const char *subject,
		    const char *fmt, ...)
{
	char name[16];
	va_list ap;

	if (!err)
		return code;
	start(err, code, kind_of(code), operation, subject);
	if (err->operation[0])
		append(err, "%s: ", err->operation);
	va_start(ap, fmt);
	vappend(err, fmt, ap);
	va_end(ap);
	append(err, " (%s)", error_name(code, name));
	return code;
}

int error_system(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const char *hint, ...)
{
	va_list ap;

	error_operation(err, code, operation, subject, "%s", error_description(code));
	if (err && hint) {
		append(err, "; ");
		va_start(ap, hint);
		vappend(err, hint, ap);
		va_end(ap);
	}
	return code;
}

int error_copy(struct devmem_error *err, const struct devmem_error *from)
{
	if (err)
		*err = *from;
	return from->code;
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
