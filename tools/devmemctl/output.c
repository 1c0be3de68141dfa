/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "parse.h"

/* The tree is small and the process short-lived: without memory for it nothing sensible is left to
 * do. Never in the middle of a change to the system: results are built after it. */
static struct json_object *must(struct json_object *obj)
{
	if (!obj) {
		fail(EXIT_REFUSED, "out of memory");
		abort();
	}
	return obj;
}

static void put(struct json_object *obj, const char *key, struct json_object *value)
{
	if (json_object_object_add(obj, key, value))
		must(NULL);
}

struct json_object *out_object(struct json_object *parent, const char *key)
{
	struct json_object *obj = must(json_object_new_object());

	if (parent)
		put(parent, key, obj);
	return obj;
}

struct json_object *out_list(struct json_object *parent, const char *key)
{
	struct json_object *list = must(json_object_new_array());

	if (parent)
		put(parent, key, list);
	return list;
}

static void append(struct json_object *list, struct json_object *value)
{
	if (json_object_array_add(list, value))
		must(NULL);
}

struct json_object *out_item(struct json_object *list)
{
	struct json_object *obj = must(json_object_new_object());

	append(list, obj);
	return obj;
}

/* Length of the UTF-8 sequence at s, 0 if it isn't one. */
static size_t utf8_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n;

	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void out_str(struct json_object *obj, const char *key, const char *value)
{
	char *copy;

	if (!value) {
		out_null(obj, key);
		return;
	}
	/* Names of interfaces and files are bytes; JSON is UTF-8. */
	copy = strdup(value);
	if (!copy)
		must(NULL);
	for (char *c = copy; *c;) {
		size_t n = utf8_len(c);

		if (!n)
			*c = '?';
		c += n ? n : 1;
	}
	put(obj, key, must(json_object_new_string(copy)));
	free(copy);
}

void out_uint(struct json_object *obj, const char *key, uint64_t value)
{
	put(obj, key, must(json_object_new_uint64(value)));
}

void out_bytes(struct json_object *obj, const char *key, uint64_t value)
{
	char human[32];
	char text[64];

	out_uint(obj, key, value);
	if (value < 1024)
		return;
	format_bytes(human, sizeof(human), value);
	snprintf(text, sizeof(text), "%llu (%s)", (unsigned long long)value, human);
	out_text(obj, key, text);
}

void out_bool(struct json_object *obj, const char *key, bool value)
{
	put(obj, key, must(json_object_new_boolean(value)));
}

void out_null(struct json_object *obj, const char *key)
{
	put(obj, key, NULL);
}

void out_address(struct json_object *obj, const char *key, const struct sockaddr_storage *addr)
{
	char text[ADDRESS_TEXT_MAX];

	if (addr->ss_family == AF_UNSPEC) {
		out_null(obj, key);
		return;
	}
	format_address(text, addr);
	out_str(obj, key, text);
}

static void free_text(struct json_object *obj, void *text)
{
	(void)obj;
	free(text);
}

void out_text(struct json_object *obj, const char *key, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		must(NULL);
	json_object_set_userdata(json_object_object_get(obj, key), copy, free_text);
}

void out_double(struct json_object *obj, const char *key, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", value);
	put(obj, key, must(json_object_new_double_s(value, text)));
}

void out_add_uint(struct json_object *list, uint64_t value)
{
	append(list, must(json_object_new_uint64(value)));
}

void format_bytes(char *buf, size_t len, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t whole = bytes;
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	whole >>= 10 * unit;
	if (whole << (10 * unit) == bytes)
		snprintf(buf, len, "%llu %s", (unsigned long long)whole, units[unit]);
	else
		snprintf(buf, len, "%.1f %s", value, units[unit]);
}

void format_ranges(char *buf, size_t len, const uint32_t *values, size_t n)
{
	size_t used = 0;

	if (!len)
		return;
	buf[0] = '\0';
	for (size_t i = 0; i < n && used < len;) {
		size_t j = i;
		int w;

		while (j + 1 < n && values[j + 1] == values[j] + 1)
			j++;
		if (j > i)
			w = snprintf(buf + used, len - used, "%s%u-%u", i ? "," : "", values[i],
				     values[j]);
		else
			w = snprintf(buf + used, len - used, "%s%u", i ? "," : "", values[i]);
		if (w < 0)
			return;
		used += (size_t)w;
		i = j + 1;
	}
}

/* Text of a value that fits in a cell; the caller frees it. */
static char *cell(struct json_object *value)
{
	char *text;

	if (!value)
		return strdup("-");
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return strdup(json_object_get_boolean(value) ? "yes" : "no");
	case json_type_int:
		text = json_object_get_userdata(value);
		if (text)
			return strdup(text);
		break;
	case json_type_array: {
		size_t n = json_object_array_length(value);
		size_t len = n * 12 + 1;
		uint32_t *numbers;

		text = json_object_get_userdata(value);
		if (text)
			return strdup(text);
		if (!n)
			return strdup("-");
		numbers = calloc(n, sizeof(*numbers));
		text = malloc(len);
		if (!numbers || !text) {
			free(numbers);
			free(text);
			return NULL;
		}
		for (size_t i = 0; i < n; i++)
			numbers[i] = (uint32_t)json_object_get_uint64(
				json_object_array_get_idx(value, i));
		format_ranges(text, len, numbers, n);
		free(numbers);
		return text;
	}
	default:
		break;
	}
	return strdup(json_object_get_string(value));
}

static char *must_cell(struct json_object *value)
{
	char *text = cell(value);

	if (!text)
		must(NULL);
	return text;
}

static void print_label(FILE *stream, const char *key, int width, bool upper)
{
	int n = 0;

	for (; *key; key++, n++) {
		char c = *key == '_' ? ' ' : *key;

		if (upper && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		putc(c, stream);
	}
	for (; n < width; n++)
		putc(' ', stream);
}

static bool is_table(struct json_object *value)
{
	return value && json_object_get_type(value) == json_type_array &&
	       json_object_array_length(value) > 0 &&
	       json_object_get_type(json_object_array_get_idx(value, 0)) == json_type_object;
}

#define COLUMNS_MAX 32

static void print_table(FILE *stream, struct json_object *list, const char *const *wanted,
			int indent)
{
	size_t rows = json_object_array_length(list);
	const char *columns[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	size_t n = 0;

	for (; wanted && wanted[n] && n < COLUMNS_MAX; n++)
		columns[n] = wanted[n];
	if (!wanted) {
		json_object_object_foreach(json_object_array_get_idx(list, 0), key, value)
		{
			(void)value;
			if (n < COLUMNS_MAX)
				columns[n++] = key;
		}
	}
	for (size_t c = 0; c < n; c++) {
		width[c] = strlen(columns[c]);
		for (size_t r = 0; r < rows; r++) {
			struct json_object *row = json_object_array_get_idx(list, r);
			char *text = must_cell(json_object_object_get(row, columns[c]));

			if (strlen(text) > width[c])
				width[c] = strlen(text);
			free(text);
		}
	}
	fprintf(stream, "%*s", indent, "");
	for (size_t c = 0; c < n; c++)
		print_label(stream, columns[c], c + 1 < n ? (int)width[c] + 2 : 0, true);
	putc('\n', stream);
	for (size_t r = 0; r < rows; r++) {
		struct json_object *row = json_object_array_get_idx(list, r);

		fprintf(stream, "%*s", indent, "");
		for (size_t c = 0; c < n; c++) {
			char *text = must_cell(json_object_object_get(row, columns[c]));

			fprintf(stream, "%-*s", c + 1 < n ? (int)width[c] + 2 : 0, text);
			free(text);
		}
		putc('\n', stream);
	}
}

static void print_block(FILE *stream, struct json_object *obj, int indent)
{
	int width = 0;

	json_object_object_foreach(obj, k, v)
	{
		bool nested = v && (is_table(v) || json_object_get_type(v) == json_type_object);

		if (!nested && (int)strlen(k) > width)
			width = (int)strlen(k);
	}
	json_object_object_foreach(obj, key, value)
	{
		fprintf(stream, "%*s", indent, "");
		if (value && json_object_get_type(value) == json_type_object) {
			print_label(stream, key, 0, false);
			putc('\n', stream);
			print_block(stream, value, indent + 2);
		} else if (is_table(value)) {
			print_label(stream, key, 0, false);
			putc('\n', stream);
			print_table(stream, value, NULL, indent + 2);
		} else {
			char *text = must_cell(value);

			print_label(stream, key, width + 2, false);
			fprintf(stream, "%s\n", text);
			free(text);
		}
	}
}

static void print_text(FILE *stream, struct json_object *root, const char *const *columns)
{
	if (json_object_get_type(root) == json_type_object) {
		print_block(stream, root, 0);
	} else if (is_table(root)) {
		print_table(stream, root, columns, 0);
	}
}

int out_print(const struct ctl *ctl, FILE *stream, struct json_object *root,
	      const char *const *columns)
{
	if (ctl->json)
		fprintf(stream, "%s\n",
			json_object_to_json_string_ext(
				root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print_text(stream, root, columns);
	json_object_put(root);
	return output_flush(stream);
}

int output_flush(FILE *stream)
{
	int errnum;

	if (!fflush(stream) && !ferror(stream))
		return EXIT_OK;
	errnum = errno;
	clearerr(stream);
	return fail(EXIT_REFUSED, "%s: %s", stream == stderr ? "standard error" : "standard output",
		    strerror(errnum ? errnum : EIO));
}
