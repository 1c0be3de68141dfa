// SPDX-License-Identifier: BSD-3-Clause
/* lib/core/error.c: what it makes of errnos and texts. */
#include "core/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_system(void **state)
{
	static const struct {
		int code, kind;
		const char *name;
	} cases[] = {
		{ -EPERM, DEVMEM_ERROR_MISSING, "EPERM" },
		{ -EACCES, DEVMEM_ERROR_MISSING, "EACCES" },
		{ -ENOENT, DEVMEM_ERROR_MISSING, "ENOENT" },
		{ -ENODEV, DEVMEM_ERROR_MISSING, "ENODEV" },
		{ -EOPNOTSUPP, DEVMEM_ERROR_MISSING, "EOPNOTSUPP" },
		{ -EPROTONOSUPPORT, DEVMEM_ERROR_MISSING, "EPROTONOSUPPORT" },
		{ -524, DEVMEM_ERROR_MISSING, "ENOTSUPP" },
		{ -525, DEVMEM_ERROR_REFUSED, "ETOOSMALL" },
		{ -EBUSY, DEVMEM_ERROR_REFUSED, "EBUSY" },
		{ -EINVAL, DEVMEM_ERROR_REFUSED, "EINVAL" },
		{ -ENOMEM, DEVMEM_ERROR_REFUSED, "ENOMEM" },
		{ -999, DEVMEM_ERROR_REFUSED, "errno 999" },
	};
	struct devmem_error err;
	char buf[16], what[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0x5a, sizeof(err));
		assert_int_equal(error_system(&err, cases[i].code, "UDMABUF_CREATE", "/dev/udmabuf",
					      "load %s", "udmabuf"),
				 cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.kind, cases[i].kind);
		assert_string_equal(err.operation, "UDMABUF_CREATE");
		assert_string_equal(err.subject, "/dev/udmabuf");
		assert_string_equal(err.kernel, "");
		assert_string_equal(error_name(cases[i].code, buf), cases[i].name);
		assert_string_equal(error_name(-cases[i].code, buf), cases[i].name);
		snprintf(what, sizeof(what), "(%s); load udmabuf", cases[i].name);
		assert_non_null(strstr(err.message, "/dev/udmabuf: UDMABUF_CREATE: "));
		assert_non_null(strstr(err.message, what));
	}
	error_hint(&err, "or %d", 3);
	assert_non_null(strstr(err.message, "; or 3"));
	error_kind(&err, DEVMEM_ERROR_INPUT);
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
}

static void test_input(void **state)
{
	struct devmem_error err;
	char subject[200];

	(void)state;
	assert_int_equal(error_input(&err, -EINVAL, "udmabuf:huge=3M", "no page of %s", "3M"),
			 -EINVAL);
	assert_string_equal(err.message, "udmabuf:huge=3M: no page of 3M");
	assert_int_equal(err.kind, DEVMEM_ERROR_INPUT);
	error_missing(&err, -ENOENT, "open", "heap:x", "no heap");
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	assert_string_equal(err.operation, "open");
	/* Longer than its member: cut, and terminated. */
	memset(subject, 's', sizeof(subject));
	subject[sizeof(subject) - 1] = '\0';
	error_input(&err, -EINVAL, subject, "%s", "text");
	assert_int_equal(strlen(err.subject), sizeof(err.subject) - 1);
	assert_non_null(strstr(err.message, "text"));
}

static void test_operation(void **state)
{
	struct devmem_error err;

	(void)state;
	assert_int_equal(error_operation(&err, -EPERM, "bind-rx", "eth1", "no %s", "way"), -EPERM);
	assert_string_equal(err.message, "eth1: bind-rx: no way (EPERM)");
	assert_int_equal(err.kind, DEVMEM_ERROR_MISSING);
	error_operation(&err, -EINVAL, NULL, NULL, "two\nlines");
	assert_string_equal(err.message, "two lines (EINVAL)");
}

static void test_null(void **state)
{
	(void)state;
	assert_int_equal(error_system(NULL, -5, "a", "b", "c"), -5);
	assert_int_equal(error_operation(NULL, -5, "a", "b", "c"), -5);
	assert_int_equal(error_input(NULL, -5, "a", "b"), -5);
	assert_int_equal(error_missing(NULL, -5, "a", "b", "c"), -5);
	error_hint(NULL, "x");
	error_kind(NULL, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_operation),
		cmocka_unit_test(test_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
