// SPDX-License-Identifier: BSD-3-Clause
/* The text that a launcher hands to its command. */
#include "bind/inherit_text.h"

#include <devmem/inherit.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/binding.h"
#include "core/error.h"
#include "core/number.h"

#define VERSION "1"
#define PAGE_SIZE_MIN 4096U
/* Of a word that can't be understood, this much is repeated in the message. */
#define SHOWN_MAX 80U

enum word {
	WORD_DEV,
	WORD_BINDING,
	WORD_DIRECTION,
	WORD_QUEUES,
	WORD_REGION_FD,
	WORD_PAGE_SIZE,
	WORD_HELD_PAGES,
	WORDS,
};

static const char *const word_names[WORDS] = {
	[WORD_DEV] = "dev",
	[WORD_BINDING] = "binding",
	[WORD_DIRECTION] = "direction",
	[WORD_QUEUES] = "queues",
	[WORD_REGION_FD] = "region-fd",
	[WORD_PAGE_SIZE] = "page-size",
	[WORD_HELD_PAGES] = "held-pages",
};

/* The only direction that is written: without the word it is a binding to receive. */
#define DIRECTION_TX "tx"
#define TX_WORDS (1U << WORD_DEV | 1U << WORD_BINDING | 1U << WORD_DIRECTION | 1U << WORD_REGION_FD)
#define RX_WORDS (((1U << WORDS) - 1) & ~(1U << WORD_DIRECTION))

static int bad_word(struct devmem_error *err, const char *word, size_t len, const char *why)
{
	return error_input(err, -EINVAL, DEVMEM_INHERIT_ENV, "\"%.*s\": %s",
			   (int)(len < SHOWN_MAX ? len : SHOWN_MAX), word, why);
}

/* Bytes of a name that stand for themselves. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_';
}

/* dev_valid_name(), net/core/dev.c; what counts as a space there is in lib/ctype.c. */
static bool is_name(const char *name, size_t len)
{
	size_t i;

	if (!len || len >= NIC_NAME_SIZE)
		return false;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return false;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!c || c == '/' || c == ':' || c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0)
			return false;
	}
	return true;
}

bool inherit_text_set_dev(struct inherit_text *t, const char *name, size_t len)
{
	if (!is_name(name, len))
		return false;
	memcpy(t->dev, name, len);
	t->dev[len] = '\0';
	return true;
}

static bool is_there(const uint32_t *queues, size_t n, uint32_t queue)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (queues[i] == queue)
			return true;
	return false;
}

/* A text that is being written; len goes on when it is full. */
struct out {
	char *text;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *fmt, ...)
{
	size_t room = out->len < out->size ? out->size - out->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? out->text + out->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		out->len += (size_t)n;
}

static int check_queues(const struct inherit_text *t, struct devmem_error *err)
{
	size_t i;

	if (t->tx && t->n)
		return error_input(err, -EINVAL, t->dev, "a binding to send has no queues");
	if (!t->tx && !t->n)
		return error_input(err, -EINVAL, t->dev,
				   "a binding to receive has at least one queue");
	for (i = 0; i < t->n; i++)
		if (is_there(t->queues, i, t->queues[i]))
			return error_input(err, -EINVAL, t->dev, "queue %" PRIu32 " is there twice",
					   t->queues[i]);
	return 0;
}

int inherit_text_write(char *text, size_t size, const struct inherit_text *t,
		       struct devmem_error *err)
{
	struct out out = { .text = text, .size = size };
	const char *p;
	size_t i;
	int ret;

	if (size)
		text[0] = '\0';
	ret = check_queues(t, err);
	if (ret)
		return ret;
	put(&out, VERSION " %s=", word_names[WORD_DEV]);
	for (p = t->dev; *p; p++)
		put(&out, is_plain(*p) ? "%c" : "%%%02X", (unsigned char)*p);
	put(&out, " %s=%" PRIu32, word_names[WORD_BINDING], t->binding);
	put(&out, " %s=%s", word_names[t->tx ? WORD_DIRECTION : WORD_QUEUES],
	    t->tx ? DIRECTION_TX : "");
	for (i = 0; i < t->n; i++)
		put(&out, "%s%" PRIu32, i ? "," : "", t->queues[i]);
	put(&out, " %s=%d", word_names[WORD_REGION_FD], t->region_fd);
	if (!t->tx) {
		put(&out, " %s=%" PRIu32, word_names[WORD_PAGE_SIZE], t->page_size);
		put(&out, " %s=%" PRIu64, word_names[WORD_HELD_PAGES], t->held_pages);
	}
	if (out.len < size)
		return 0;
	if (size)
		text[0] = '\0';
	return error_input(err, -ENOSPC, t->dev, "the text needs %zu bytes, there are %zu",
			   out.len + 1, size);
}

/* Decimal, without sign, spaces, or zeros in front. */
static bool read_number(const char *p, const char *end, uint64_t min, uint64_t max, uint64_t *value)
{
	size_t len = (size_t)(end - p);

	return !(len > 1 && *p == '0') && number_parse(p, len, max, value) && *value >= min;
}

/* The word's value is from p to end. NULL or why it is wrong. */
static const char *read_dev(struct inherit_text *t, const char *p, const char *end)
{
	char name[NIC_NAME_SIZE];
	size_t len = 0;
	uint8_t byte;

	for (; p < end; len++) {
		if (len == sizeof(name))
			return "no interface can have this name";
		if (*p != '%') {
			if (!is_plain(*p))
				return "a byte that must be written as %XX";
			name[len] = *p++;
			continue;
		}
		p++;
		if (!number_next_byte(&p, end, &byte))
			return "two hexadecimal digits must follow a %";
		name[len] = (char)byte;
	}
	return inherit_text_set_dev(t, name, len) ? NULL : "no interface can have this name";
}

/* Into queues, which has room for all. */
static const char *read_queues(struct inherit_text *t, uint32_t *queues, const char *p,
			       const char *end)
{
	const char *comma;
	uint64_t queue;
	size_t n = 0;

	for (;; p = comma + 1) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (!read_number(p, comma ? comma : end, 0, UINT32_MAX, &queue))
			return "must be queue numbers with commas between them";
		if (is_there(queues, n, (uint32_t)queue))
			return "a queue is there twice";
		queues[n++] = (uint32_t)queue;
		if (!comma)
			break;
	}
	t->n = n;
	return NULL;
}

static const char *read_word(struct inherit_text *t, enum word word, uint32_t *queues,
			     const char *p, const char *end)
{
	uint64_t value;

	switch (word) {
	case WORD_DEV:
		return read_dev(t, p, end);
	case WORD_QUEUES:
		return read_queues(t, queues, p, end);
	case WORD_BINDING:
		if (!read_number(p, end, 1, UINT32_MAX, &value))
			return "must be a number from 1 to 4294967295";
		t->binding = (uint32_t)value;
		return NULL;
	case WORD_DIRECTION:
		if (end - p != strlen(DIRECTION_TX) ||
		    memcmp(p, DIRECTION_TX, strlen(DIRECTION_TX)))
			return "must be " DIRECTION_TX ", or left out to receive";
		t->tx = true;
		return NULL;
	case WORD_REGION_FD:
		if (!read_number(p, end, 0, INT_MAX, &value))
			return "must be the number of a descriptor";
		t->region_fd = (int)value;
		return NULL;
	case WORD_PAGE_SIZE:
		if (!read_number(p, end, PAGE_SIZE_MIN, BINDING_PAGE_SIZE_MAX, &value) ||
		    value & (value - 1))
			return "must be a power of two from 4096 to 1073741824";
		t->page_size = (uint32_t)value;
		return NULL;
	default:
		if (!read_number(p, end, 1, UINT64_MAX, &value))
			return "must be a number from 1 to 18446744073709551615";
		t->held_pages = value;
		return NULL;
	}
}

static enum word find_word(const char *name, size_t len)
{
	enum word word;

	for (word = 0; word < WORDS; word++)
		if (strlen(word_names[word]) == len && !memcmp(word_names[word], name, len))
			break;
	return word;
}

/* All words but the version. */
static int read_words(struct inherit_text *t, uint32_t *queues, const char *p,
		      struct devmem_error *err)
{
	const char *end, *equals, *why;
	unsigned int seen = 0, needed;
	enum word word;

	for (; *p; p = end) {
		/* The space before it. */
		p++;
		end = strchrnul(p, ' ');
		equals = memchr(p, '=', (size_t)(end - p));
		word = equals ? find_word(p, (size_t)(equals - p)) : WORDS;
		if (word == WORDS)
			return bad_word(err, p, (size_t)(end - p), "unknown word");
		if (seen & 1U << word)
			return bad_word(err, p, (size_t)(end - p), "the second word of this name");
		seen |= 1U << word;
		why = read_word(t, word, queues, equals + 1, end);
		if (why)
			return bad_word(err, p, (size_t)(end - p), why);
	}
	needed = t->tx ? TX_WORDS : RX_WORDS;
	for (word = 0; word < WORDS; word++) {
		if (needed & ~seen & 1U << word)
			return error_input(err, -EINVAL, DEVMEM_INHERIT_ENV, "has no word \"%s\"",
					   word_names[word]);
		if (seen & ~needed & 1U << word)
			return error_input(err, -EINVAL, DEVMEM_INHERIT_ENV,
					   "has a word \"%s\", which a binding to send hasn't",
					   word_names[word]);
	}
	return 0;
}

int inherit_text_parse(struct inherit_text *t, const char *text, struct devmem_error *err)
{
	const char *first = strchrnul(text, ' ');
	size_t room = 1;
	uint32_t *queues;
	const char *p;
	int ret;

	memset(t, 0, sizeof(*t));
	if (first - text != 1 || *text != VERSION[0])
		return bad_word(err, text, (size_t)(first - text),
				"not a version that this library supports; it supports " VERSION);
	for (p = text; *p; p++)
		room += *p == ',';
	queues = calloc(room, sizeof(*queues));
	if (!queues)
		return error_system(err, -ENOMEM, "allocate", "queues", NULL);
	t->queues = queues;
	ret = read_words(t, queues, first, err);
	if (ret)
		goto free_queues;
	return 0;

free_queues:
	free(queues);
	memset(t, 0, sizeof(*t));
	return ret;
}

void inherit_text_free(struct inherit_text *t)
{
	free((void *)t->queues);
	t->queues = NULL;
}
