// SPDX-License-Identifier: BSD-3-Clause
/* Growing arrays, numbers in texts, small files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <devmem/error.h>

#include "core/array.h"
#include "core/file.h"
#include "core/number.h"

static void array_keeps_its_items(void **state)
{
	uint32_t *array = NULL, *grown;
	size_t n, round;

	(void)state;
	/* The second round begins with the array of the first. */
	for (round = 0; round < 2; round++) {
		for (n = 0; n < 1000; n++) {
			grown = array_grow(array, n, sizeof(*array));
			assert_non_null(grown);
			array = grown;
			array[n] = (uint32_t)n;
		}
		while (n--)
			assert_int_equal(array[n], n);
	}
	free(array);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		size_t len; /* of the number that it begins with, 0 for none */
		uint64_t number;
	} cases[] = {
		{ "0", 0, 1, 0 },
		{ "007", 9, 3, 7 },
		{ "12,13", 12, 2, 12 },
		{ "18446744073709551615", UINT64_MAX, 20, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, 0, 0 },
		{ "99999999999999999999999", UINT64_MAX, 0, 0 },
		{ "13", 12, 0, 0 },
		{ "5", 4, 0, 0 },
		{ "", 9, 0, 0 },
		{ " 1", 9, 0, 0 },
		{ "-1", 9, 0, 0 },
		{ "+1", 9, 0, 0 },
		{ "x", 9, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		const char *at = cases[i].text;
		uint64_t number = 77;

		assert_int_equal(number_next(&at, at + len, cases[i].max, &number), !!cases[i].len);
		assert_ptr_equal(at, cases[i].text + cases[i].len);
		assert_int_equal(number, cases[i].len ? cases[i].number : 77);
		number = 77;
		assert_int_equal(number_parse(cases[i].text, len, cases[i].max, &number),
				 len && len == cases[i].len);
		assert_int_equal(number, len && len == cases[i].len ? cases[i].number : 77);
	}
	/* What is behind the end doesn't count. */
	assert_true(number_parse("123", 2, 99, &(uint64_t){ 0 }));
}

static void hexadecimal_bytes(void **state)
{
	static const char text[] = "00fFA9g0";
	const char *at = text, *end = text + strlen(text);
	uint8_t byte;

	(void)state;
	assert_true(number_next_byte(&at, end, &byte));
	assert_int_equal(byte, 0);
	assert_true(number_next_byte(&at, end, &byte));
	assert_int_equal(byte, 0xff);
	assert_false(number_next_byte(&at, at + 1, &byte));
	assert_true(number_next_byte(&at, end, &byte));
	assert_int_equal(byte, 0xa9);
	assert_false(number_next_byte(&at, end, &byte));
	assert_ptr_equal(at, text + 6);
}

static void small_files(void **state)
{
	char path[] = "/tmp/devmem-core-XXXXXX", buf[8];
	struct devmem_error err;
	uint64_t number = 77;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(file_read(path, buf, sizeof(buf), NULL), 0);
	assert_string_equal(buf, "");
	assert_int_equal(file_read_number(path, &number), -EINVAL);
	assert_int_equal(write(fd, "42\nmore", 7), 7);
	assert_int_equal(file_read(path, buf, 5, NULL), 0);
	assert_string_equal(buf, "42\nm");
	assert_int_equal(file_read_line(path, buf, sizeof(buf), NULL), 0);
	assert_string_equal(buf, "42");
	assert_int_equal(file_read_number(path, &number), 0);
	assert_int_equal(number, 42);
	close(fd);
	unlink(path);

	assert_int_equal(file_read_line(path, buf, sizeof(buf), &err), -ENOENT);
	assert_string_equal(buf, "");
	assert_string_equal(err.operation, "open");
	assert_string_equal(err.subject, path);
	assert_int_equal(file_read_line("/tmp", buf, sizeof(buf), &err), -EISDIR);
	assert_string_equal(buf, "");
	assert_string_equal(err.operation, "read");
	assert_int_equal(file_read_number(path, &number), -ENOENT);
	assert_int_equal(number, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_keeps_its_items),
		cmocka_unit_test(numbers),
		cmocka_unit_test(hexadecimal_bytes),
		cmocka_unit_test(small_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
