// SPDX-License-Identifier: BSD-3-Clause
/* Numbers in texts. */
#include "core/number.h"

bool number_next(const char **at, const char *end, uint64_t max, uint64_t *number)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (p == *at)
		return false;
	*at = p;
	*number = value;
	return true;
}

bool number_parse(const char *text, size_t len, uint64_t max, uint64_t *number)
{
	const char *at = text;
	uint64_t value;

	if (!number_next(&at, text + len, max, &value) || at != text + len)
		return false;
	*number = value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool number_next_byte(const char **at, const char *end, uint8_t *byte)
{
	int high, low;

	if (end - *at < 2)
		return false;
	high = hex_digit((*at)[0]);
	low = hex_digit((*at)[1]);
	if (high < 0 || low < 0)
		return false;
	*byte = (uint8_t)(high << 4 | low);
	*at += 2;
	return true;
}
