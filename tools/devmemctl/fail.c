/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static char last_failure[1280];
static bool on_progress_line;

void fail_on_progress_line(bool shown)
{
	on_progress_line = shown;
}

/* One line whatever the text is made of: an argument may hold newlines. Written with one call, so
 * that lines of several processes don't mix. */
__attribute__((format(printf, 2, 0))) static void print_line(bool failure, const char *fmt,
							     va_list ap)
{
	char line[1280] = "devmemctl: ";
	size_t start = strlen(line);
	size_t end = sizeof(line) - 2;
	int n;

	n = vsnprintf(line + start, end - start, fmt, ap);
	if (n < 0)
		return;
	if (start + (size_t)n < end)
		end = start + (size_t)n;
	else
		end--;
	for (size_t i = start; i < end; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[end] = '\n';
	line[end + 1] = '\0';
	if (on_progress_line)
		fputs("\r\033[K", stderr);
	on_progress_line = false;
	fputs(line, stderr);
	if (failure) {
		line[end] = '\0';
		strcpy(last_failure, line + start);
	}
}

int fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(true, fmt, ap);
	va_end(ap);
	return code;
}

const char *fail_last(void)
{
	return last_failure;
}

int fail_error(const struct devmem_error *err)
{
	int code = EXIT_REFUSED;

	if (err->kind == DEVMEM_ERROR_INPUT)
		code = EXIT_USAGE;
	else if (err->kind == DEVMEM_ERROR_MISSING)
		code = EXIT_MISSING;
	if (err->message[0])
		return fail(code, "%s", err->message);
	return fail(code, "%s", strerror(-err->code));
}

int fail_errno(int errnum, const char *subject)
{
	int code = EXIT_REFUSED;

	if (errnum == EACCES || errnum == EPERM)
		code = EXIT_MISSING;
	return fail(code, "%s: %s", subject, strerror(errnum));
}

int fail_file(int errnum, const char *name, const char *what)
{
	int code = EXIT_REFUSED;

	if (errnum == EISDIR || errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG)
		code = EXIT_USAGE;
	else if (errnum == EACCES || errnum == EPERM)
		code = EXIT_MISSING;
	return fail(code, "%s: %s: %s", name, what, strerror(errnum));
}

void say(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (!ctl->verbose)
		return;
	va_start(ap, fmt);
	print_line(false, fmt, ap);
	va_end(ap);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(false, fmt, ap);
	va_end(ap);
}
