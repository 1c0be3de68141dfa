// SPDX-License-Identifier: BSD-3-Clause
/*
 * Journals to text and back. Linked with --wrap for malloc, calloc, realloc and free, so that each
 * allocation can fail, and what is held can be counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reserve/journal.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static unsigned int allocations, fail_at;
static int live;

static bool fails(void)
{
	return ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	live += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(n, size);

	live += p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __real_realloc(old, size);

	live += p && !old;
	return p;
}

void __wrap_free(void *old)
{
	live -= old != NULL;
	__real_free(old);
}

static void *list_of(const uint32_t *numbers, uint32_t n)
{
	uint32_t *list = malloc((n ? n : 1) * sizeof(*list));

	assert_non_null(list);
	memcpy(list, numbers, n * sizeof(*list));
	return list;
}

#define LIST(...)                                                                                  \
	list_of((const uint32_t[]){ __VA_ARGS__ },                                                 \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* A journal with everything in it. */
static void rich(struct journal *j)
{
	struct journal_owner *owner;
	struct journal_rule *rule;
	unsigned int i;

	memset(j, 0, sizeof(*j));
	strcpy(j->boot, "6f1d2a3c-58b1-4d0e-9f5c-0a1b2c3d4e5f");
	j->netns = 4026531840;
	j->ifindex = 7;
	strcpy(j->name, "eth%0 \xc3\xbc\x7f\x01");
	strcpy(j->bus, "0000:00:05.0");
	j->split = (struct journal_number){ true, 1, 2 };
	j->hds_thresh = (struct journal_number){ true, 256, 0 };
	j->ntuple = (struct journal_number){ true, 0, 1 };
	j->rss = (struct journal_rss){
		true, true, 4, LIST(0, 1, 2, 3), LIST(0, 1, 0, 1), LIST(0, 1, 2, 0)
	};
	owner = journal_add(j);
	assert_non_null(owner);
	owner->pid = 4711;
	owner->since = 1764000000;
	strcpy(owner->command, "devmemctl");
	assert_int_equal(journal_set_queues(owner, (const uint32_t[]){ 3, 2 }, 2), 0);
	owner->context = (struct journal_context){ true, 5, 4, LIST(2, 3, 2, 3), NULL, 0 };
	for (i = 0; i < 3; i++) {
		rule = journal_add_rule(owner);
		assert_non_null(rule);
		rule->fs.flow_type = i ? UAPI_TCP_V6_FLOW | UAPI_FLOW_RSS : UAPI_TCP_V4_FLOW;
		rule->fs.h_u.hdata[5 * i] = 0xa0;
		rule->fs.m_u.hdata[51] = 0xff;
		rule->fs.m_ext.data[1] = 0x01020304;
		rule->fs.ring_cookie = i == 1 ? UINT64_MAX : i;
		if (i)
			rule->fs.location = i == 1 ? 0 : JOURNAL_NO_PLACE - 1;
		rule->rss_context = i ? 5 : 0;
	}
	owner = journal_add(j);
	assert_non_null(owner);
	owner->pid = INT64_MAX;
	owner->since = UINT64_MAX;
	strcpy(owner->command, "%$-;");
	assert_int_equal(journal_set_queues(owner, (const uint32_t[]){ 65535 }, 1), 0);
	owner->context =
		(struct journal_context){ true, 0, 2, LIST(UINT32_MAX, 0), LIST(1, 5, 2), 3 };
}

static void assert_same_list(const uint32_t *a, const uint32_t *b, uint32_t n)
{
	if (n)
		assert_memory_equal(a, b, n * sizeof(*a));
}

static void assert_same_number(const struct journal_number *a, const struct journal_number *b)
{
	assert_int_equal(a->used, b->used);
	assert_int_equal(a->was, b->was);
	assert_int_equal(a->now, b->now);
}

static void assert_same(const struct journal *a, const struct journal *b)
{
	uint32_t i, k;

	assert_string_equal(a->boot, b->boot);
	assert_true(a->netns == b->netns);
	assert_int_equal(a->ifindex, b->ifindex);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->bus, b->bus);
	assert_same_number(&a->split, &b->split);
	assert_same_number(&a->hds_thresh, &b->hds_thresh);
	assert_same_number(&a->ntuple, &b->ntuple);
	assert_int_equal(a->rss.used, b->rss.used);
	assert_int_equal(a->rss.was_default, b->rss.was_default);
	assert_int_equal(a->rss.n, b->rss.n);
	assert_same_list(a->rss.was, b->rss.was, a->rss.n);
	assert_same_list(a->rss.now, b->rss.now, a->rss.n);
	assert_int_equal(!a->rss.also, !b->rss.also);
	if (a->rss.also)
		assert_same_list(a->rss.also, b->rss.also, a->rss.n);
	assert_int_equal(a->n_owners, b->n_owners);
	for (i = 0; i < a->n_owners; i++) {
		const struct journal_owner *x = &a->owners[i], *y = &b->owners[i];

		assert_int_equal(x->id, y->id);
		assert_true(x->pid == y->pid);
		assert_true(x->since == y->since);
		assert_string_equal(x->command, y->command);
		assert_int_equal(x->n_queues, y->n_queues);
		assert_same_list(x->queues, y->queues, x->n_queues);
		assert_int_equal(x->context.used, y->context.used);
		assert_int_equal(x->context.id, y->context.id);
		assert_int_equal(x->context.n, y->context.n);
		assert_same_list(x->context.table, y->context.table, x->context.n);
		assert_int_equal(x->context.n_before, y->context.n_before);
		assert_same_list(x->context.before, y->context.before, x->context.n_before);
		assert_int_equal(x->n_rules, y->n_rules);
		for (k = 0; k < x->n_rules; k++) {
			const struct journal_rule *p = &x->rules[k], *q = &y->rules[k];

			assert_int_equal(p->rss_context, q->rss_context);
			assert_int_equal(p->fs.flow_type, q->fs.flow_type);
			assert_memory_equal(&p->fs.h_u, &q->fs.h_u, sizeof(p->fs.h_u));
			assert_memory_equal(&p->fs.h_ext, &q->fs.h_ext, sizeof(p->fs.h_ext));
			assert_memory_equal(&p->fs.m_u, &q->fs.m_u, sizeof(p->fs.m_u));
			assert_memory_equal(&p->fs.m_ext, &q->fs.m_ext, sizeof(p->fs.m_ext));
			assert_true(p->fs.ring_cookie == q->fs.ring_cookie);
			assert_int_equal(p->fs.location, q->fs.location);
		}
	}
}

/* Written, read, the same, written again, the same text. Return: the text. */
static char *assert_round_trip(const struct journal *j, size_t *len)
{
	char *text, *again;
	struct journal back;
	size_t again_len;
	unsigned int line = 99;

	assert_int_equal(journal_write(j, &text, len), 0);
	assert_int_equal(strlen(text), *len);
	assert_int_equal(journal_read(&back, text, *len, &line), 0);
	assert_int_equal(line, 0);
	assert_same(j, &back);
	assert_int_equal(journal_write(&back, &again, &again_len), 0);
	assert_int_equal(again_len, *len);
	assert_memory_equal(text, again, again_len);
	free(again);
	journal_free(&back);
	return text;
}

static void test_round_trip(void **state)
{
	struct journal j;
	size_t len;

	(void)state;
	memset(&j, 0, sizeof(j));
	assert_true(journal_empty(&j));
	free(assert_round_trip(&j, &len));
	rich(&j);
	assert_false(journal_empty(&j));
	free(assert_round_trip(&j, &len));
	journal_free(&j);
	assert_true(journal_empty(&j));
	assert_int_equal(live, 0);
}

/* The format itself: journals outlive the process, and perhaps the version, that wrote them. */
static void test_format(void **state)
{
	static const char minimal[] = "devmem-journal 1\nboot\nnetns 0\nifindex 0\nname\nbus\n"
				      "end bf1be3cc5d670862\n";
	static const char *const lines[] = {
		"devmem-journal 1\n",
		"boot 6f1d2a3c-58b1-4d0e-9f5c-0a1b2c3d4e5f\n",
		"netns 4026531840\n",
		"ifindex 7\n",
		"name eth%250%20%c3%bc%7f%01\n",
		"bus 0000:00:05.0\n",
		"split 1 2\n",
		"hds-thresh 256 0\n",
		"ntuple 0 1\n",
		"rss default 4\n",
		"rss-was 0 1 2 3\n",
		"rss-now 0 1 0 1\n",
		"rss-also 0 1 2 0\n",
		"owner 1 4711 1764000000 devmemctl\n",
		"queues 2 3\n",
		"context 5 4\n",
		"context-table 2 3 2 3\n",
		"rule - 0 0 ",
		"rule 0 5 18446744073709551615 ",
		"rule 4294967294 5 2 ",
		"owner 2 9223372036854775807 18446744073709551615 %$-;\n",
		"queues 65535\n",
		"context 0 2\n",
		"context-table 4294967295 0\n",
		"context-before 1 5 2\n",
		"end ",
	};
	const char *at;
	struct journal j;
	char *text;
	size_t len, i;

	(void)state;
	memset(&j, 0, sizeof(j));
	text = assert_round_trip(&j, &len);
	assert_string_equal(text, minimal);
	free(text);
	rich(&j);
	text = assert_round_trip(&j, &len);
	for (at = text, i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(strncmp(at, lines[i], strlen(lines[i])), 0);
		at = strchr(at, '\n') + 1;
	}
	assert_int_equal(*at, 0);
	free(text);
	journal_free(&j);
	/* What isn't printable is replaced in commands. Lists of what isn't used are not said. */
	strcpy(j.name, "-");
	assert_non_null(journal_add(&j));
	strcpy(j.owners[0].command, "a b\xff\n");
	j.owners[0].context.table = LIST(1);
	j.rss.was = LIST(1);
	j.split.was = 4;
	assert_int_equal(journal_write(&j, &text, &len), 0);
	assert_non_null(strstr(text, "\nname -\n"));
	assert_non_null(strstr(text, "\nbus\nowner 1 0 0 a?b??\nqueues\nend "));
	free(text);
	/* An RSS context's predecessors are forgotten when it has a number. */
	j.owners[0].context.used = true;
	j.owners[0].context.n = 1;
	j.owners[0].context.before = LIST(4);
	j.owners[0].context.n_before = 1;
	assert_int_equal(journal_write(&j, &text, &len), 0);
	assert_non_null(strstr(text, "\ncontext 0 1\ncontext-table 1\ncontext-before 4\nend "));
	free(text);
	j.owners[0].context.id = 3;
	assert_int_equal(journal_write(&j, &text, &len), 0);
	assert_non_null(strstr(text, "\ncontext 3 1\ncontext-table 1\nend "));
	free(text);
	journal_free(&j);
	assert_int_equal(live, 0);
}

/* Refused, in memory of exactly that size, with nothing held. Return: the line. */
static unsigned int assert_refused(const char *text, size_t len)
{
	static const struct journal empty;
	unsigned int line = 12345;
	char *exact = malloc(len ? len : 1);
	struct journal j;
	int before;

	assert_non_null(exact);
	memcpy(exact, text, len);
	memset(&j, 0x5a, sizeof(j));
	before = live;
	assert_int_equal(journal_read(&j, exact, len, &line), -EBADMSG);
	assert_int_equal(live, before);
	assert_memory_equal(&j, &empty, sizeof(j));
	free(exact);
	return line;
}

static void test_truncated(void **state)
{
	struct journal j;
	char *text;
	size_t len, n;

	(void)state;
	rich(&j);
	assert_int_equal(journal_write(&j, &text, &len), 0);
	for (n = 0; n < len; n++)
		assert_int_equal(assert_refused(text, n), 0);
	/* And at the other end. */
	for (n = 1; n < len; n++)
		assert_int_equal(assert_refused(text + n, len - n), 1);
	free(text);
	journal_free(&j);
	assert_int_equal(live, 0);
}

static void test_flipped(void **state)
{
	const size_t head = strlen("devmem-journal 1\n");
	struct journal j;
	char *text;
	size_t len, at;
	int bits;

	(void)state;
	/* Every other byte in a small one, every bit in a rich one. */
	memset(&j, 0, sizeof(j));
	strcpy(j.name, "eth0");
	assert_non_null(journal_add(&j));
	assert_int_equal(journal_write(&j, &text, &len), 0);
	for (at = 0; at < len; at++) {
		for (bits = 1; bits < 256; bits++) {
			text[at] ^= (char)bits;
			assert_int_equal(assert_refused(text, len), at < head);
			text[at] ^= (char)bits;
		}
	}
	free(text);
	journal_free(&j);
	rich(&j);
	assert_int_equal(journal_write(&j, &text, &len), 0);
	for (at = 0; at < len; at++) {
		for (bits = 1; bits < 256; bits *= 2) {
			text[at] ^= (char)bits;
			assert_int_equal(assert_refused(text, len), at < head);
			text[at] ^= (char)bits;
		}
	}
	free(text);
	journal_free(&j);
	assert_int_equal(live, 0);
}

/* Text with its last line: FNV-1a as it is defined. */
static size_t seal(char *text, size_t len, size_t size)
{
	uint64_t sum = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < len; i++) {
		sum ^= (uint8_t)text[i];
		sum *= 1099511628211ULL;
	}
	return len + (size_t)snprintf(text + len, size - len, "end %016" PRIx64 "\n", sum);
}

#define SPEC                                                                                       \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"             \
	"262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b"             \
	"4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071"             \
	"72737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90919293"

static const char *const good[] = {
	"devmem-journal 1", "boot b",		"netns 3",	   "ifindex 4",
	"name eth0",	    "bus pci",		"split 1 2", /* 7 */
	"hds-thresh 1 2",   "ntuple 1 2",	"rss table 2",	   "rss-was 0 1",
	"rss-now 0 0",	    "rss-also 1 1",	"owner 1 2 3 cat", /* 14 */
	"queues 1 2",	    "context 0 1",	"context-table 3", "context-before",
	"rule - 0 1 " SPEC, "rule 5 0 1 " SPEC, "owner 3 2 3 dog", /* 21 */
	"queues 3 5",	    "context 2 1",	"context-table 4",
};
#define GOOD_N (sizeof(good) / sizeof(good[0]))

static char made[1 << 16];

/* The good text with another one instead of a line (NULL: without it); its first line is 1. */
static size_t make(unsigned int line, const char *instead)
{
	size_t len = 0, i;

	for (i = 0; i < GOOD_N; i++) {
		const char *put = i + 1 == line ? instead : good[i];

		if (put)
			len += (size_t)snprintf(made + len, sizeof(made) - len, "%s\n", put);
	}
	return seal(made, len, sizeof(made));
}

static void test_wrong(void **state)
{
	static const struct {
		unsigned int line;
		const char *instead;
		unsigned int more; /* the wrong line is so many lines further down */
	} wrong[] = {
		/* version */
		{ 1, "devmem-journal 2", 0 },
		{ 1, "devmem-journal 11", 0 },
		{ 1, "devmem-journal  1", 0 },
		{ 1, "devmem-journal 1 ", 0 },
		{ 1, "devmem-journal", 0 },
		{ 1, "journal 1", 0 },
		{ 1, "", 0 },
		{ 1, NULL, 0 },
		/* facts that are missing: seen at the one that follows */
		{ 2, NULL, 0 },
		{ 3, NULL, 0 },
		{ 4, NULL, 0 },
		{ 5, NULL, 0 },
		{ 6, NULL, 0 },
		{ 10, NULL, 0 },
		{ 11, NULL, 0 },
		{ 12, NULL, 0 },
		{ 14, NULL, 0 },
		{ 15, NULL, 0 },
		{ 16, NULL, 0 },
		{ 17, NULL, 0 },
		{ 18, NULL, 0 },
		{ 21, NULL, 0 },
		{ 22, NULL, 0 },
		{ 23, NULL, 0 },
		{ 24, NULL, 0 },
		/* twice, or in the wrong place */
		{ 2, "boot b\nboot b", 1 },
		{ 3, "netns 3\nnetns 3", 1 },
		{ 4, "ifindex 4\nifindex 4", 1 },
		{ 5, "name eth0\nname eth0", 1 },
		{ 6, "bus pci\nbus pci", 1 },
		{ 7, "split 1 2\nsplit 1 2", 1 },
		{ 7, "hds-thresh 1 2\nsplit 1 2", 1 },
		{ 7, "ntuple 1 2", 1 },
		{ 8, "hds-thresh 1 2\nhds-thresh 1 2", 1 },
		{ 9, "ntuple 1 2\nntuple 1 2", 1 },
		{ 9, "ntuple 1 2\nsplit 1 2", 1 },
		{ 11, "rss-now 0 0", 0 },
		{ 13, "rss-also 1 1\nrss-also 1 1", 1 },
		{ 13, "rss table 1\nrss-was 1\nrss-now 1", 0 },
		{ 13, "context 1 1\ncontext-table 0", 0 },
		{ 13, "rule - 0 1 " SPEC, 0 },
		{ 15, "queues 1 2\nqueues 1 2", 1 },
		{ 18, "context-before\ncontext-before", 1 },
		{ 19, "context 0 1", 0 },
		{ 24, "context-table 4\nsplit 1 2", 1 },
		{ 24, "context-table 4\ncontext 1 1\ncontext-table 3", 1 },
		{ 24, "context-table 4\ncontext-before", 1 },
		/* unknown, or not just it */
		{ 2, "color blue\nboot b", 0 },
		{ 7, "color blue", 0 },
		{ 24, "context-table 4\ncolor blue", 1 },
		{ 24, "context-table 4\n", 1 },
		{ 24, "context-table 4\n# nothing", 1 },
		{ 24, "context-table 4\nend", 1 },
		{ 7, "split 1 2 3", 0 },
		{ 7, "split 1", 0 },
		{ 7, "split 1 ", 0 },
		{ 7, "split", 0 },
		{ 7, "split 1 2 ", 0 },
		{ 7, "split  1 2", 0 },
		{ 7, "split 1  2", 0 },
		{ 7, "split\t1 2", 0 },
		{ 7, " split 1 2", 0 },
		{ 7, "split 1 2\r", 0 },
		{ 7, "Split 1 2", 0 },
		{ 7, "splits 1 2", 0 },
		{ 7, "", 0 },
		{ 10, "rss table 2 2", 0 },
		{ 10, "rss 2", 0 },
		{ 10, "rss none 2", 0 },
		{ 10, "rss default", 0 },
		{ 10, "rss default ", 0 },
		{ 14, "owner 1 2 3 cat cat", 0 },
		{ 14, "owner 1 2", 0 },
		{ 14, "owner 1", 0 },
		{ 14, "owner ", 0 },
		{ 14, "owner 1 2 3 ", 0 },
		{ 14, "owner 1 2 3 c\x01t", 0 },
		{ 14, "owner 1 2 3 c\xfct", 0 },
		{ 14, "owner 1 2 3 abcdefghijklmnop", 0 },
		{ 16, "context 0 1 1", 0 },
		{ 16, "context 0", 0 },
		{ 19, "rule - 0 1", 0 },
		{ 19, "rule - 0 " SPEC, 0 },
		{ 19, "rule  0 1 " SPEC, 0 },
		{ 19, "rule -- 0 1 " SPEC, 0 },
		{ 19, "rule - - 1 " SPEC, 0 },
		{ 19, "rule - 0 - " SPEC, 0 },
		{ 19, "rule - 0 1 " SPEC "00", 0 },
		{ 19, "rule - 0 1 " SPEC "0", 0 },
		{ 19, "rule - 0 1 " SPEC " ", 0 },
		{ 19, "rule - 0 1 0", 0 },
		{ 19, "rule - 0 1 00", 0 },
		{ 19, "rule - 0 1 0x" SPEC, 0 },
		{ 24, "context-table 4\nrule - 0 1 ", 1 },
		{ 19, "rule - 0 1 FF" SPEC, 0 },
		/* numbers */
		{ 3, "netns 18446744073709551616", 0 },
		{ 3, "netns 99999999999999999999", 0 },
		{ 3, "netns 184467440737095516150", 0 },
		{ 3, "netns -1", 0 },
		{ 3, "netns +1", 0 },
		{ 3, "netns 01", 0 },
		{ 3, "netns 00", 0 },
		{ 3, "netns 0x1", 0 },
		{ 3, "netns 1k", 0 },
		{ 3, "netns 1.", 0 },
		{ 3, "netns", 0 },
		{ 3, "netns ", 0 },
		{ 3, "netns  1", 0 },
		{ 4, "ifindex 4294967296", 0 },
		{ 4, "ifindex 42949672950", 0 },
		{ 4, "ifindex eth0", 0 },
		{ 7, "split 4294967296 1", 0 },
		{ 7, "split 1 4294967296", 0 },
		{ 7, "split -1 1", 0 },
		{ 14, "owner 0 2 3 cat", 0 },
		{ 14, "owner 65536 2 3 cat", 0 },
		{ 14, "owner 1 9223372036854775808 3 cat", 0 },
		{ 14, "owner 1 -2 3 cat", 0 },
		{ 14, "owner 1 2 18446744073709551616 cat", 0 },
		{ 16, "context 4294967296 1", 0 },
		{ 19, "rule 4294967295 0 1 " SPEC, 0 },
		{ 19, "rule 4294967296 0 1 " SPEC, 0 },
		{ 19, "rule - 4294967296 1 " SPEC, 0 },
		{ 19, "rule - 0 18446744073709551616 " SPEC, 0 },
		/* owners and queues that are somewhere else already */
		{ 21, "owner 1 2 3 dog", 0 },
		{ 22, "queues 2", 0 },
		{ 22, "queues 0 1", 0 },
		{ 15, "queues 1 1", 0 },
		{ 15, "queues 2 1", 0 },
		{ 15, "queues 65536", 0 },
		{ 15, "queues 4294967296", 0 },
		{ 15, "queues 1  2", 0 },
		{ 15, "queues 1 2 ", 0 },
		{ 15, "queues ", 0 },
		{ 15, "queues 1,2", 0 },
		{ 15, "queues -", 0 },
		{ 15, "queues1 2", 0 },
		/* tables of another length */
		{ 10, "rss table 0", 0 },
		{ 10, "rss table 65537", 0 },
		{ 10, "rss table 3", 1 },
		{ 10, "rss default 1", 1 },
		{ 11, "rss-was 0", 0 },
		{ 11, "rss-was 0 1 1", 0 },
		{ 11, "rss-was", 0 },
		{ 12, "rss-now 0", 0 },
		{ 12, "rss-now 0 1 1", 0 },
		{ 12, "rss-now 0 x", 0 },
		{ 12, "rss-now 0 ", 0 },
		{ 13, "rss-also 0", 0 },
		{ 13, "rss-also 0 1 1", 0 },
		{ 13, "rss-also", 0 },
		{ 13, "rss-also 0 4294967296", 0 },
		{ 16, "context 0 0", 0 },
		{ 16, "context 0 65537", 0 },
		{ 16, "context 0 2", 1 },
		{ 16, "context 7 1", 2 },
		{ 17, "context-table 3 3", 0 },
		{ 17, "context-table", 0 },
		{ 18, "context-before ", 0 },
		{ 18, "context-before 1 x", 0 },
		{ 23, "context 0 1", 2 },
		{ 24, "context-table 4 4", 0 },
		/* texts, which have one spelling only */
		{ 2, "boot ", 0 },
		{ 2, "boot b b", 0 },
		{ 2, "bootb", 0 },
		{ 2, "boot 0123456789012345678901234567890123456789", 0 },
		{ 5, "name eth 0", 0 },
		{ 5, "name eth%30", 0 },
		{ 5, "name eth%00", 0 },
		{ 5, "name eth%FF", 0 },
		{ 5, "name eth%fF", 0 },
		{ 5, "name eth%f", 0 },
		{ 5, "name eth%", 0 },
		{ 5, "name eth%x1", 0 },
		{ 5, "name %%", 0 },
		{ 5, "name eth\xff", 0 },
		{ 5, "name eth\x7f", 0 },
		{ 5, "name abcdefghijklmnop", 0 },
		{ 5, "name abcdefghijklmno%ff", 0 },
		{ 6, "bus 01234567890123456789012345678901", 0 },
	};
	static const struct {
		unsigned int line;
		const char *instead;
	} right[] = {
		{ 0, NULL },
		/* what may be left out */
		{ 7, NULL },
		{ 8, NULL },
		{ 9, NULL },
		{ 13, NULL },
		{ 19, NULL },
		{ 20, NULL },
		/* as far as it goes */
		{ 2, "boot 012345678901234567890123456789012345678" },
		{ 3, "netns 18446744073709551615" },
		{ 4, "ifindex 4294967295" },
		{ 5, "name abcdefghijklmn%ff" },
		{ 5, "name" },
		{ 5, "name %25" },
		{ 6, "bus 0123456789012345678901234567890" },
		{ 7, "split 0 4294967295" },
		{ 10, "rss default 2" },
		{ 14, "owner 65535 9223372036854775807 18446744073709551615 %!~" },
		{ 14, "owner 2 0 0 abcdefghijklmno" },
		{ 14, "owner 2 0 0" },
		{ 15, "queues 0 1 2 4 65535" },
		{ 15, "queues" },
		{ 18, "context-before 1 1 4294967295 0" },
		{ 19, "rule 4294967294 4294967295 18446744073709551615 " SPEC },
		{ 23, "context 4294967295 1" },
		{ 24, "context-table 4294967295" },
	};
	struct journal j;
	unsigned int line;
	size_t i, len;

	(void)state;
	assert_int_equal(strlen(SPEC), 2 * 148);
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		char *text;
		size_t n;

		len = make(right[i].line, right[i].instead);
		if (journal_read(&j, made, len, &line))
			fail_msg("line %u: %s", line, right[i].instead);
		text = assert_round_trip(&j, &n);
		assert_int_equal(n, len);
		assert_memory_equal(text, made, len);
		free(text);
		journal_free(&j);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		len = make(wrong[i].line, wrong[i].instead);
		line = assert_refused(made, len);
		if (line != wrong[i].line + wrong[i].more)
			fail_msg("%s: line %u", wrong[i].instead, line);
	}
	assert_int_equal(live, 0);
}

/* What comes after the checksum, or instead of it. */
static void test_end(void **state)
{
	const unsigned int end_line = GOOD_N + 1;
	struct journal j;
	unsigned int line;
	size_t len, n;

	(void)state;
	len = make(0, NULL);
	assert_int_equal(journal_read(&j, made, len, &line), 0);
	assert_int_equal(j.n_owners, 2);
	assert_int_equal(j.owners[1].queues[1], 5);
	assert_int_equal(((uint8_t *)&j.owners[0].rules[1].fs)[147], 0x93);
	journal_free(&j);
	/* No newline; a zero instead of it; more behind it. */
	assert_int_equal(assert_refused(made, len - 1), 0);
	made[len - 1] = 0;
	assert_int_equal(assert_refused(made, len), 0);
	len = make(0, NULL);
	made[len] = '\n';
	assert_int_equal(assert_refused(made, len + 1), end_line + 1);
	made[len] = 0;
	assert_int_equal(assert_refused(made, len + 1), end_line + 1);
	/* A whole second one, with or without a head, and one more line with a good checksum. */
	memcpy(made + len, made, len);
	assert_int_equal(assert_refused(made, 2 * len), end_line + 1);
	n = seal(made, len, sizeof(made));
	assert_int_equal(assert_refused(made, n), end_line + 1);
	/* A checksum in capitals, of another length, of something else, none. */
	len = make(0, NULL);
	memcpy(made + len - 17, "AF63DC4C8601EC8C", 16);
	assert_int_equal(assert_refused(made, len), 0);
	memcpy(made + len - 17, "af63dc4c8601ec8c", 16);
	assert_int_equal(assert_refused(made, len), 0);
	len = make(0, NULL);
	memmove(made + len - 2, "\n", 1);
	assert_int_equal(assert_refused(made, len - 1), 0);
	len = make(0, NULL);
	memmove(made + len - 16, made + len - 17, 17);
	assert_int_equal(assert_refused(made, len + 1), 0);
	len = make(0, NULL);
	assert_int_equal(assert_refused(made, len - 21), 0);
	/* Zeros, which crashes like to leave. */
	memset(made, 0, len);
	assert_int_equal(assert_refused(made, len), 1);
	n = make(0, NULL);
	memset(made + n / 2, 0, n - n / 2);
	assert_int_equal(assert_refused(made, n), 0);
	/* The version counts before everything else, even where it ends. */
	assert_int_equal(assert_refused("devmem-journal 2\n", 17), 1);
	assert_int_equal(assert_refused("devmem-journal 2", 16), 1);
	assert_int_equal(assert_refused("devmem-journal 1", 16), 0);
	assert_int_equal(assert_refused("", 0), 0);
	n = seal(strcpy(made, "devmem-journal 1\n"), 17, sizeof(made));
	assert_int_equal(assert_refused(made, n), 2);
	assert_int_equal(live, 0);
}

static uint32_t x = 2463534242;

static uint32_t rnd(uint32_t n)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % n;
}

static uint32_t rnd32(void)
{
	return rnd(4) ? rnd(200) : (rnd(1U << 16) << 16 | rnd(1U << 16));
}

static uint64_t rnd64(void)
{
	return rnd(3) ? rnd32() : (uint64_t)rnd32() << 32 | rnd32();
}

/* A string of any bytes. */
static void rnd_text(char *text, uint32_t size, bool any)
{
	uint32_t n = rnd(size), i;

	memset(text, 0, size);
	for (i = 0; i < n; i++)
		text[i] = (char)(any && rnd(2) ? 1 + rnd(255) : '!' + rnd('~' - '!' + 1));
}

static uint32_t *rnd_list(uint32_t n)
{
	uint32_t *list = malloc((n ? n : 1) * sizeof(*list)), i;

	assert_non_null(list);
	for (i = 0; i < n; i++)
		list[i] = rnd32();
	return list;
}

static void rnd_number(struct journal_number *number)
{
	if (rnd(2))
		*number = (struct journal_number){ true, rnd32(), rnd32() };
}

static void rnd_owner(struct journal_owner *owner, uint32_t *first_queue)
{
	uint32_t queues[20], n = rnd(20), i;

	owner->pid = (int64_t)(rnd64() >> 1);
	owner->since = rnd64();
	rnd_text(owner->command, sizeof(owner->command), false);
	for (i = 0; i < n; i++)
		queues[n - 1 - i] = (*first_queue)++;
	assert_int_equal(journal_set_queues(owner, queues, n), 0);
	if (rnd(2)) {
		struct journal_context *context = &owner->context;

		context->used = true;
		context->id = rnd(2) ? rnd32() : 0;
		context->n = 1 + rnd(150);
		context->table = rnd_list(context->n);
		if (!context->id) {
			context->n_before = rnd(5);
			context->before = rnd_list(context->n_before);
		}
	}
	for (n = rnd(6); n; n--) {
		struct journal_rule *rule = journal_add_rule(owner);

		assert_non_null(rule);
		for (i = 0; i < offsetof(struct uapi_rx_flow_spec, location) + 4; i++)
			((uint8_t *)&rule->fs)[i] = (uint8_t)rnd(256);
		rule->fs.location = rnd(2) ? rnd32() : JOURNAL_NO_PLACE;
		rule->rss_context = rnd32();
	}
}

static void rnd_journal(struct journal *j)
{
	uint32_t first_queue = rnd(60000), n;

	memset(j, 0, sizeof(*j));
	rnd_text(j->boot, sizeof(j->boot), true);
	rnd_text(j->name, sizeof(j->name), true);
	rnd_text(j->bus, sizeof(j->bus), true);
	j->netns = rnd64();
	j->ifindex = rnd32();
	rnd_number(&j->split);
	rnd_number(&j->hds_thresh);
	rnd_number(&j->ntuple);
	if (rnd(2)) {
		struct journal_rss *rss = &j->rss;

		rss->used = true;
		rss->was_default = rnd(2);
		rss->n = 1 + rnd(300);
		rss->was = rnd_list(rss->n);
		rss->now = rnd_list(rss->n);
		rss->also = rnd(2) ? rnd_list(rss->n) : NULL;
	}
	for (n = rnd(8); n; n--) {
		struct journal_owner *owner = journal_add(j);

		assert_non_null(owner);
		rnd_owner(owner, &first_queue);
		if (!rnd(4))
			journal_remove(j, &j->owners[rnd(j->n_owners)]);
	}
}

static void test_random(void **state)
{
	uint32_t round;
	struct journal j;
	size_t len;

	(void)state;
	for (round = 0; round < 1000; round++) {
		rnd_journal(&j);
		free(assert_round_trip(&j, &len));
		journal_free(&j);
	}
	assert_int_equal(live, 0);
}

/* Journals that are no journals any more: what the writer takes, the reader takes; and it does take
 * some. */
static void test_random_wrong(void **state)
{
	uint32_t round, taken = 0, refused = 0;
	struct journal j;
	size_t len;
	char *text;

	(void)state;
	for (round = 0; round < 3000; round++) {
		struct journal_owner *owner;
		uint32_t length;

		rnd_journal(&j);
		owner = j.n_owners ? &j.owners[rnd(j.n_owners)] : NULL;
		length = owner ? owner->n_queues : 0;
		switch (owner ? rnd(7) : rnd(2)) {
		case 0:
			memset(j.bus, 'x', rnd(sizeof(j.bus) + 1));
			break;
		case 1:
			j.rss.used = true;
			break;
		case 2:
			owner->id = rnd(3) ? rnd(5) : rnd32();
			break;
		case 3:
			if (length)
				owner->queues[rnd(length)] += rnd(4);
			break;
		case 4:
			owner->pid = (int64_t)(rnd64() >> 1) * (rnd(2) ? -1 : 1);
			break;
		case 5:
			owner->context.used = true;
			break;
		case 6:
			memset(owner->command, 'x', rnd(sizeof(owner->command) + 1));
			break;
		}
		if (journal_write(&j, &text, &len)) {
			assert_null(text);
			refused++;
		} else {
			free(text);
			free(assert_round_trip(&j, &len));
			taken++;
		}
		journal_free(&j);
	}
	assert_true(taken > 500 && refused > 500);
	assert_int_equal(live, 0);
}

static void assert_not_said(const struct journal *j)
{
	char *text = made;
	size_t len = 77;
	int before = live;

	assert_int_equal(journal_write(j, &text, &len), -EINVAL);
	assert_null(text);
	assert_int_equal(len, 0);
	assert_int_equal(live, before);
}

/* Each thing that can't be said, in an otherwise good journal. */
static void test_not_said(void **state)
{
#define NOT_SAID(change)                                                                           \
	do {                                                                                       \
		rich(&j);                                                                          \
		change;                                                                            \
		assert_not_said(&j);                                                               \
		journal_free(&j);                                                                  \
	} while (0)
#define LOST(list)                                                                                 \
	do {                                                                                       \
		rich(&j);                                                                          \
		free(list);                                                                        \
		list = NULL;                                                                       \
		assert_not_said(&j);                                                               \
		journal_free(&j);                                                                  \
	} while (0)
	struct journal j;

	(void)state;
	NOT_SAID(memset(j.boot, 'x', sizeof(j.boot)));
	NOT_SAID(memset(j.name, 'x', sizeof(j.name)));
	NOT_SAID(memset(j.bus, 'x', sizeof(j.bus)));
	NOT_SAID(memset(j.owners[0].command, 'x', sizeof(j.owners[0].command)));
	NOT_SAID(j.rss.n = 0);
	NOT_SAID(j.rss.n = 65537);
	NOT_SAID(j.owners[1].id = 0);
	NOT_SAID(j.owners[1].id = 1);
	NOT_SAID(j.owners[1].id = 65536);
	NOT_SAID(j.owners[1].id = UINT32_MAX);
	NOT_SAID(j.owners[0].pid = -1);
	NOT_SAID(j.owners[0].pid = INT64_MIN);
	NOT_SAID(j.owners[0].queues[0] = 3);
	NOT_SAID(j.owners[0].queues[0] = 4);
	NOT_SAID(j.owners[1].queues[0] = 3);
	NOT_SAID(j.owners[1].queues[0] = 65536);
	NOT_SAID(j.owners[1].queues[0] = UINT32_MAX);
	NOT_SAID(j.owners[0].n_queues = 65537);
	NOT_SAID(j.owners[0].context.n = 0);
	NOT_SAID(j.owners[0].context.n = 65537);
	NOT_SAID(j.owners[1].context.n_before = 65537);
	LOST(j.rss.was);
	LOST(j.rss.now);
	LOST(j.owners[0].queues);
	LOST(j.owners[0].rules);
	LOST(j.owners[0].context.table);
	LOST(j.owners[1].context.before);
	memset(&j, 0, sizeof(j));
	j.n_owners = 1;
	assert_not_said(&j);
	assert_int_equal(live, 0);
}

/* As long as lists and texts may be, and one more. */
static void test_limits(void **state)
{
	static const char head[] = "devmem-journal 1\nboot\nnetns 0\nifindex 0\nname\nbus\n";
	const size_t most = 1 << 20, size = 2 << 20;
	struct journal j;
	char *text, *big;
	uint32_t i, n;
	size_t len;

	(void)state;
	memset(&j, 0, sizeof(j));
	j.rss = (struct journal_rss){ .used = true, .n = 65536 };
	j.rss.was = calloc(65537, sizeof(uint32_t));
	j.rss.now = calloc(65537, sizeof(uint32_t));
	assert_non_null(j.rss.was);
	assert_non_null(j.rss.now);
	free(assert_round_trip(&j, &len));
	j.rss.n++;
	assert_not_said(&j);
	/* More than a text may have, with every list short enough. */
	j.rss.n--;
	memset(j.rss.was, 0xff, 65536 * sizeof(uint32_t));
	assert_int_equal(journal_write(&j, &text, &len), 0);
	free(text);
	memset(j.rss.now, 0xff, 65536 * sizeof(uint32_t));
	assert_not_said(&j);
	journal_free(&j);

	/* A text of exactly the most, by rules and then by bytes, and of one more. */
	assert_non_null(journal_add(&j));
	do {
		assert_non_null(journal_add_rule(&j.owners[0]));
		j.owners[0].rules[j.owners[0].n_rules - 1].fs.ring_cookie = 1;
		assert_int_equal(journal_write(&j, &text, &len), 0);
		free(text);
		n = (uint32_t)((most - len) / 308);
		for (i = 1; i < n; i++)
			assert_non_null(journal_add_rule(&j.owners[0]));
	} while (n);
	for (i = 0; i < j.owners[0].n_rules && most - len; i++) {
		uint64_t *cookie = &j.owners[0].rules[i].fs.ring_cookie;

		for (*cookie = 1; most - len && *cookie < UINT64_MAX / 10; len++)
			*cookie *= 10;
	}
	text = assert_round_trip(&j, &len);
	assert_int_equal(len, most);
	big = realloc(text, most + 1);
	assert_non_null(big);
	/* The line in which it becomes too long, whatever is in it. */
	big[most] = 'x';
	assert_int_equal(assert_refused(big, most + 1), 8 + j.owners[0].n_rules + 2);
	free(big);
	j.owners[0].rules[j.owners[0].n_rules - 1].fs.location = 10;
	assert_not_said(&j);
	journal_free(&j);

	/* Lists of one more than the most, at each place. */
	big = malloc(size);
	assert_non_null(big);
	for (i = 0; i < 2; i++) {
		static const char *const before[] = { "owner 1 2 3\nqueues",
						      "owner 1 2 3\nqueues\ncontext 0 1\n"
						      "context-table 1\ncontext-before" };

		len = (size_t)snprintf(big, size, "%s%s", head, before[i]);
		for (n = 0; n < 65537; n++)
			len += (size_t)snprintf(big + len, size - len, " %u", n);
		big[len++] = '\n';
		len = seal(big, len, size);
		assert_int_equal(assert_refused(big, len), i ? 11 : 8);
	}
	free(big);
	assert_int_equal(live, 0);
}

/* Texts of the greatest size with as many things as fit take no long time: a quadratic reader would
 * run into the test's time limit. */
static void test_many(void **state)
{
	static const char head[] = "devmem-journal 1\nboot\nnetns 0\nifindex 0\nname\nbus\n";
	const size_t size = 2 << 20;
	struct journal j;
	unsigned int line;
	uint32_t n;
	size_t len;
	char *big;

	(void)state;
	big = malloc(size);
	assert_non_null(big);
	len = (size_t)snprintf(big, size, "%s", head);
	for (n = 1; len < (1 << 20) - 100; n++)
		len += (size_t)snprintf(big + len, size - len, "owner %u 1 1\nqueues %u\n", n, n);
	len = seal(big, len, size);
	assert_int_equal(journal_read(&j, big, len, &line), 0);
	assert_int_equal(j.n_owners, n - 1);
	assert_true(n > 30000);
	assert_ptr_equal(journal_find(&j, n - 1), &j.owners[n - 2]);
	assert_ptr_equal(journal_queue_owner(&j, n - 1), &j.owners[n - 2]);
	/* The reader's arrays can be added to. */
	assert_non_null(journal_add(&j));
	assert_int_equal(j.owners[n - 1].id, n);
	assert_non_null(journal_add_rule(&j.owners[n - 1]));
	journal_free(&j);
	/* The same, whole and sealed, but too long: the line in which it becomes so. */
	len = (size_t)snprintf(big, size, "%s", head);
	for (n = 1, line = 0; len < (1 << 20) + 100; n++) {
		len += (size_t)snprintf(big + len, size - len, "owner %u 1 1\nqueues %u\n", n, n);
		if (len <= 1 << 20)
			line = 6 + 2 * n;
	}
	len = seal(big, len, size);
	n = assert_refused(big, len);
	assert_in_range(n, line + 1, line + 2);
	/* Nothing but beginnings of last lines. */
	len = (size_t)snprintf(big, size, "%s", head);
	while (len < (1 << 20) - 5)
		len += (size_t)snprintf(big + len, size - len, "\nend");
	assert_int_equal(assert_refused(big, len), 0);
	free(big);
	assert_int_equal(live, 0);
}

static void test_owners(void **state)
{
	static const uint32_t queues[] = { 9, 3, 70000, 3, 0 };
	struct journal_owner *owner;
	struct journal j;
	uint32_t i;

	(void)state;
	memset(&j, 0, sizeof(j));
	assert_null(journal_find(&j, 1));
	assert_null(journal_queue_owner(&j, 0));
	for (i = 1; i <= 5; i++) {
		owner = journal_add(&j);
		assert_non_null(owner);
		assert_int_equal(owner->id, i);
		assert_int_equal(owner->n_queues + owner->n_rules, 0);
		assert_false(owner->context.used);
		assert_int_equal(journal_set_queues(owner, &i, 1), 0);
		assert_non_null(journal_add_rule(owner));
	}
	/* The one in the middle, with all it has, then the first and the last. */
	journal_remove(&j, journal_find(&j, 3));
	assert_null(journal_find(&j, 3));
	assert_null(journal_queue_owner(&j, 3));
	assert_int_equal(journal_queue_owner(&j, 4)->id, 4);
	journal_remove(&j, journal_find(&j, 1));
	journal_remove(&j, journal_find(&j, 5));
	assert_int_equal(j.n_owners, 2);
	assert_int_equal(j.owners[0].id, 2);
	assert_int_equal(j.owners[1].id, 4);
	/* The lowest free ids, in turn. */
	assert_int_equal(journal_add(&j)->id, 1);
	assert_int_equal(journal_add(&j)->id, 3);
	assert_int_equal(journal_add(&j)->id, 5);
	assert_int_equal(j.owners[4].id, 5);
	assert_int_equal(j.owners[4].n_queues, 0);
	/* Ids that somebody gave, out of all bounds. */
	j.owners[4].id = UINT32_MAX;
	assert_int_equal(journal_add(&j)->id, 5);
	assert_ptr_equal(journal_find(&j, UINT32_MAX), &j.owners[4]);

	owner = journal_find(&j, 2);
	assert_int_equal(journal_set_queues(owner, queues, 5), 0);
	assert_int_equal(owner->n_queues, 5);
	assert_int_equal(owner->queues[0], 0);
	assert_int_equal(owner->queues[1], 3);
	assert_int_equal(owner->queues[2], 3);
	assert_int_equal(owner->queues[3], 9);
	assert_int_equal(owner->queues[4], 70000);
	assert_ptr_equal(journal_queue_owner(&j, 70000), owner);
	/* From its own list, and none. */
	assert_int_equal(journal_set_queues(owner, owner->queues + 2, 2), 0);
	assert_int_equal(owner->n_queues, 2);
	assert_int_equal(owner->queues[1], 9);
	assert_int_equal(journal_set_queues(owner, NULL, 0), 0);
	assert_int_equal(owner->n_queues, 0);
	assert_null(journal_queue_owner(&j, 9));
	while (j.n_owners)
		journal_remove(&j, &j.owners[0]);
	assert_true(journal_empty(&j));
	assert_int_equal(journal_add(&j)->id, 1);
	journal_free(&j);
	journal_free(&j);
	/* Every id is taken. */
	j.owners = calloc(65535, sizeof(*j.owners));
	assert_non_null(j.owners);
	for (; j.n_owners < 65535; j.n_owners++)
		j.owners[j.n_owners].id = 65535 - j.n_owners;
	assert_null(journal_add(&j));
	j.owners[7].id = 1;
	assert_int_equal(journal_add(&j)->id, 65535 - 7);
	journal_free(&j);
	assert_int_equal(live, 0);
}

static void test_rules(void **state)
{
	struct journal_owner owner;
	uint32_t i;

	(void)state;
	memset(&owner, 0, sizeof(owner));
	for (i = 0; i < 4; i++) {
		struct journal_rule *rule = journal_add_rule(&owner);

		assert_non_null(rule);
		assert_int_equal(rule->fs.location, JOURNAL_NO_PLACE);
		assert_int_equal(rule->fs.flow_type, 0);
		assert_int_equal(rule->rss_context, 0);
		rule->fs.location = i;
	}
	journal_remove_rule(&owner, &owner.rules[1]);
	assert_int_equal(owner.n_rules, 3);
	assert_int_equal(owner.rules[0].fs.location, 0);
	assert_int_equal(owner.rules[1].fs.location, 2);
	assert_int_equal(owner.rules[2].fs.location, 3);
	journal_remove_rule(&owner, &owner.rules[2]);
	journal_remove_rule(&owner, &owner.rules[0]);
	assert_int_equal(owner.rules[0].fs.location, 2);
	journal_remove_rule(&owner, &owner.rules[0]);
	assert_int_equal(owner.n_rules, 0);
	assert_non_null(journal_add_rule(&owner));
	free(owner.rules);
	assert_int_equal(live, 0);
}

static void test_empty(void **state)
{
	struct journal j;

	(void)state;
	memset(&j, 0, sizeof(j));
	strcpy(j.name, "eth0");
	j.ifindex = 3;
	assert_true(journal_empty(&j));
	j.split.used = true;
	assert_false(journal_empty(&j));
	j.split.used = false;
	j.hds_thresh.used = true;
	assert_false(journal_empty(&j));
	j.hds_thresh.used = false;
	j.ntuple.used = true;
	assert_false(journal_empty(&j));
	j.ntuple.used = false;
	j.rss.used = true;
	assert_false(journal_empty(&j));
	j.rss.used = false;
	assert_true(journal_empty(&j));
	assert_non_null(journal_add(&j));
	assert_false(journal_empty(&j));
	journal_free(&j);
	assert_true(journal_empty(&j));
	assert_int_equal(j.name[0], 0);
}

/* Each allocation fails once. */
static void test_no_memory(void **state)
{
	static const uint32_t queues[] = { 4, 3, 2 };
	struct journal j, back;
	unsigned int n, line, i;
	char *text, *again;
	size_t len, again_len;
	int before, ret;

	(void)state;
	rich(&j);
	before = live;
	for (n = 1;; n++) {
		allocations = 0;
		fail_at = n;
		ret = journal_write(&j, &text, &len);
		fail_at = 0;
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_null(text);
		assert_int_equal(live, before);
	}
	/* It grew at least once. */
	assert_true(n > 2);

	before = live;
	for (n = 1;; n++) {
		line = 12345;
		memset(&back, 0x5a, sizeof(back));
		allocations = 0;
		fail_at = n;
		ret = journal_read(&back, text, len, &line);
		fail_at = 0;
		assert_int_equal(line, 0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_true(journal_empty(&back));
		assert_int_equal(live, before);
	}
	/* Tables 3, owners 2, their queues 2, tables of contexts 2, what was before 1, rules 3 in
	 * an array that grew to 1, 2 and 4. */
	assert_int_equal(n, 3 + 2 + 2 + 2 + 1 + 3 + 1);
	journal_free(&back);

	/* The helpers, which leave everything as it was. */
	before = live;
	for (i = 0; i < 3; i++) {
		allocations = 0;
		fail_at = 1;
		if (i == 0)
			ret = journal_add(&j) != NULL;
		else if (i == 1)
			ret = journal_add_rule(&j.owners[0]) != NULL;
		else
			ret = journal_set_queues(&j.owners[0], queues, 3) != -ENOMEM;
		fail_at = 0;
		assert_int_equal(ret, 0);
		assert_int_equal(live, before);
		assert_int_equal(journal_write(&j, &again, &again_len), 0);
		assert_string_equal(again, text);
		free(again);
	}
	free(text);
	journal_free(&j);
	assert_int_equal(live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_format),
		cmocka_unit_test(test_truncated),  cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_wrong),	   cmocka_unit_test(test_end),
		cmocka_unit_test(test_random),	   cmocka_unit_test(test_random_wrong),
		cmocka_unit_test(test_not_said),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_owners),
		cmocka_unit_test(test_rules),	   cmocka_unit_test(test_empty),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
