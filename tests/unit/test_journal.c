// SPDX-License-Identifier: BSD-3-Clause
/* Journals to text and back. test_alloc.c has them without memory. */
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

#define SPEC                                                                                       \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"             \
	"262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b"             \
	"4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071"             \
	"72737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90919293"

/* All that can be there, as it is written. */
static const char *const full[] = {
	"devmem-journal 2",
	"boot 6f1d2a3c-58b1-4d0e-9f5c-0a1b2c3d4e5f",
	"netns 18446744073709551615",
	"ifindex 4294967295",
	"name eth%0\xc3\xbc\x7f\x01",
	"bus 0000:00:05.0",
	"split 1 2", /* 7 */
	"hds-thresh 4294967295 0",
	"ntuple 0 1",
	"rss-was 0 1 4294967295", /* 10 */
	"rss-now 0 1 0",
	"rss-also 1 1 0",
	"rss-was-default",
	"owner 1 4711 1764000000 devmemctl", /* 14 */
	"queues 2 3",
	"context 5 2 3 2 3",
	"rule - 0 0 " SPEC, /* 17 */
	"rule 4294967294 4294967295 18446744073709551615 " SPEC,
	"owner 65535 9223372036854775807 18446744073709551615 ", /* 19 */
	"queues 0 65535",
	"context 0 7",
	"context-before 1 5 2", /* 22 */
	"owner 2 0 0 abcdefghijklmno",
};
#define FULL_N (sizeof(full) / sizeof(full[0]))

static char text[1 << 14];
static size_t len;

static void put(const char *line)
{
	len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", line);
}

/* The last line: FNV-1a as it is defined. */
static void seal(void)
{
	uint64_t sum = 14695981039346656037ULL;
	char end[32];
	size_t i;

	for (i = 0; i < len; i++) {
		sum ^= (uint8_t)text[i];
		sum *= 1099511628211ULL;
	}
	snprintf(end, sizeof(end), "end %016" PRIx64, sum);
	put(end);
}

/* The full text with another one instead of a line, or without it. They are counted from 1. */
static void make(unsigned int line, const char *instead)
{
	size_t i;

	len = 0;
	for (i = 0; i < FULL_N; i++) {
		if (i + 1 != line)
			put(full[i]);
		else if (instead)
			put(instead);
	}
	seal();
}

static void read_text(struct journal *journal)
{
	unsigned int line = 99;

	if (journal_read(journal, text, len, &line))
		fail_msg("line %u of\n%s", line, text);
	assert_int_equal(line, 0);
}

/* What text says is written like this. */
static void assert_written(const char *expected)
{
	struct journal journal;
	size_t written_len;
	char *written;

	read_text(&journal);
	assert_int_equal(journal_write(&journal, &written, &written_len), 0);
	assert_string_equal(written, expected);
	assert_int_equal(written_len, strlen(expected));
	free(written);
	journal_free(&journal);
	assert_true(journal_empty(&journal));
}

/* Refused, in memory of exactly that size, and nothing is held. Return: the line. */
static unsigned int refused(const char *from, size_t n)
{
	static const struct journal empty;
	unsigned int line = 12345;
	char *exact = malloc(n ? n : 1);
	struct journal journal;

	assert_non_null(exact);
	memcpy(exact, from, n);
	memset(&journal, 0x5a, sizeof(journal));
	assert_int_equal(journal_read(&journal, exact, n, &line), -EBADMSG);
	assert_memory_equal(&journal, &empty, sizeof(journal));
	free(exact);
	return line;
}

/* ---- the text ---- */

/* Where in the struct each fact is. */
static void test_facts(void **state)
{
	const struct journal_owner *owner;
	struct journal journal;

	(void)state;
	make(0, NULL);
	read_text(&journal);
	assert_string_equal(journal.boot, "6f1d2a3c-58b1-4d0e-9f5c-0a1b2c3d4e5f");
	assert_true(journal.netns == UINT64_MAX);
	assert_int_equal(journal.ifindex, UINT32_MAX);
	assert_string_equal(journal.name, "eth%0\xc3\xbc\x7f\x01");
	assert_string_equal(journal.bus, "0000:00:05.0");
	assert_true(journal.split.used && journal.hds_thresh.used && journal.ntuple.used);
	assert_int_equal(journal.split.was, 1);
	assert_int_equal(journal.split.now, 2);
	assert_int_equal(journal.hds_thresh.was, UINT32_MAX);
	assert_int_equal(journal.ntuple.now, 1);
	assert_true(journal.rss.used && journal.rss.was_default);
	assert_int_equal(journal.rss.n, 3);
	assert_int_equal(journal.rss.was[2], UINT32_MAX);
	assert_int_equal(journal.rss.now[1], 1);
	assert_int_equal(journal.rss.also[0], 1);
	assert_int_equal(journal.n_owners, 3);
	owner = journal_find(&journal, 1);
	assert_int_equal(owner->pid, 4711);
	assert_int_equal(owner->since, 1764000000);
	assert_string_equal(owner->command, "devmemctl");
	assert_int_equal(owner->n_queues, 2);
	assert_int_equal(owner->queues[1], 3);
	assert_true(owner->context.used);
	assert_int_equal(owner->context.id, 5);
	assert_int_equal(owner->context.n, 4);
	assert_int_equal(owner->context.table[3], 3);
	assert_int_equal(owner->n_rules, 2);
	assert_int_equal(owner->rules[0].fs.location, JOURNAL_NO_PLACE);
	assert_int_equal(owner->rules[1].fs.location, JOURNAL_NO_PLACE - 1);
	assert_int_equal(owner->rules[1].rss_context, UINT32_MAX);
	assert_true(owner->rules[1].fs.ring_cookie == UINT64_MAX);
	assert_int_equal(((const uint8_t *)&owner->rules[1].fs)[147], 0x93);
	owner = journal_find(&journal, 65535);
	assert_true(owner->pid == INT64_MAX && owner->since == UINT64_MAX);
	assert_string_equal(owner->command, "");
	assert_int_equal(owner->context.id, 0);
	assert_int_equal(owner->context.n_before, 3);
	assert_int_equal(owner->context.before[2], 2);
	journal_free(&journal);
}

static void test_accepted(void **state)
{
	/* Instead of a line, which is written as it is read or as that; "-": not at all. */
	static const struct {
		unsigned int line;
		const char *instead, *written;
	} accepted[] = {
		{ 0, NULL, NULL },
		{ 7, NULL, NULL },
		{ 12, NULL, NULL },
		{ 13, NULL, NULL },
		{ 15, NULL, NULL },
		{ 16, NULL, NULL },
		{ 17, NULL, NULL },
		{ 22, NULL, NULL },
		{ 3, NULL, "netns 0" },
		{ 2, "boot 012345678901234567890123456789012345678", NULL },
		{ 5, "name abcdefghijklmno", NULL },
		{ 6, "bus 0123456789012345678901234567890", NULL },
		{ 6, "bus", "bus " },
		{ 7, "split 0 255", NULL },
		{ 7, "split 01 002", "split 1 2" },
		{ 7, "ntuple 1 1\nsplit 3 4", "split 3 4" },
		{ 14, "owner 1 0 0 a b\xff", "owner 1 0 0 a?b?" },
		{ 15, "queues", "-" },
	};
	static char expected[sizeof(text)];
	unsigned int line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const char *written = accepted[i].written;

		line = accepted[i].line;
		if (!written)
			written = accepted[i].instead ? accepted[i].instead : "-";
		make(line, strcmp(written, "-") != 0 ? written : NULL);
		strcpy(expected, text);
		make(line, accepted[i].instead);
		assert_written(expected);
	}
	/* Owners first. */
	make(0, NULL);
	strcpy(expected, text);
	len = 0;
	put(full[0]);
	for (i = 13; i < FULL_N; i++)
		put(full[i]);
	for (i = 1; i < 13; i++)
		put(full[i]);
	seal();
	assert_written(expected);
}

static void test_refused(void **state)
{
	static const struct {
		unsigned int line;
		const char *instead;
		unsigned int more; /* the wrong line is so many lines further down */
	} wrong[] = {
		/* another version, or none */
		{ 1, "devmem-journal 1", 0 },
		{ 1, "devmem-journal 22", 0 },
		{ 1, "journal 2", 0 },
		{ 1, "", 0 },
		{ 1, NULL, 0 },
		/* what is needed is missing: at the end, or where it is missed */
		{ 2, NULL, 21 },
		{ 2, "boot", 22 },
		{ 10, NULL, 13 },
		{ 11, NULL, 12 },
		{ 14, NULL, 0 },
		{ 21, NULL, 0 },
		/* unknown, or not just it */
		{ 7, "color blue", 0 },
		{ 7, "", 0 },
		{ 7, "split", 0 },
		{ 7, "split 1", 0 },
		{ 7, "split 1 2 3", 0 },
		{ 7, "split 1 2 ", 0 },
		{ 7, "split  1 2", 0 },
		{ 7, "split\t1 2", 0 },
		{ 7, " split 1 2", 0 },
		{ 7, "splits 1 2", 0 },
		{ 13, "rss-was-default 1", 0 },
		{ 14, "queues 1", 0 },
		{ 14, "owner 1 2", 0 },
		{ 14, "owner", 0 },
		{ 23, "end 0123456789abcdef", 0 },
		/* numbers */
		{ 3, "netns 18446744073709551616", 0 },
		{ 3, "netns -1", 0 },
		{ 3, "netns +1", 0 },
		{ 3, "netns 0x1", 0 },
		{ 4, "ifindex 4294967296", 0 },
		{ 4, "ifindex eth0", 0 },
		{ 7, "split 256 2", 0 },
		{ 8, "hds-thresh 4294967296 0", 0 },
		{ 9, "ntuple 0 2", 0 },
		{ 14, "owner 0 2 3 cat", 0 },
		{ 14, "owner 65536 2 3 cat", 0 },
		{ 14, "owner 1 9223372036854775808 3 cat", 0 },
		{ 14, "owner 1 -2 3 cat", 0 },
		{ 17, "rule 4294967295 0 1 " SPEC, 0 },
		{ 17, "rule - 4294967296 1 " SPEC, 0 },
		/* texts that don't fit */
		{ 2, "boot 0123456789012345678901234567890123456789", 0 },
		{ 5, "name abcdefghijklmnop", 0 },
		{ 6, "bus 01234567890123456789012345678901", 0 },
		{ 14, "owner 1 2 3 abcdefghijklmnop", 0 },
		/* rules */
		{ 17, "rule", 0 },
		{ 17, "rule - 0 1", 0 },
		{ 17, "rule - 0 1 ", 0 },
		{ 17, "rule -- 0 1 " SPEC, 0 },
		{ 17, "rule - 0 " SPEC, 0 },
		{ 17, "rule - 0 1 " SPEC "00", 0 },
		{ 17, "rule - 0 1 " SPEC "0", 0 },
		{ 17, "rule - 0 1 0x" SPEC, 0 },
		/* owners and queues that are there already */
		{ 19, "owner 1 2 3 dog", 0 },
		{ 20, "queues 2", 0 },
		{ 15, "queues 2 3\nqueues 4", 1 },
		{ 15, "queues 1 1", 0 },
		{ 15, "queues 2 1", 0 },
		{ 15, "queues 65536", 0 },
		/* tables */
		{ 10, "rss-was", 0 },
		{ 10, "rss-was 0 1", 1 },
		{ 11, "rss-now 0 1 0 1", 0 },
		{ 12, "rss-also 0 x 1", 0 },
		{ 12, "rss-also 0 1 1\nrss-also 0 1 1", 1 },
		{ 16, "context 5", 0 },
		{ 16, "context 5 1\ncontext 5 1", 1 },
		{ 22, "context-before 1 x", 0 },
	};
	unsigned int line;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		make(wrong[i].line, wrong[i].instead);
		line = refused(text, len);
		if (line != wrong[i].line + wrong[i].more)
			fail_msg("%s: line %u", wrong[i].instead, line);
	}
	/* More behind the end, and zeros, which crashes like to leave. */
	make(0, NULL);
	n = len;
	put("");
	assert_int_equal(refused(text, len), 0);
	memset(text + n / 2, 0, n - n / 2);
	assert_int_equal(refused(text, n), 0);
	memset(text, 0, n);
	assert_int_equal(refused(text, n), 1);
	assert_int_equal(refused("devmem-journal 1", 16), 1);
}

/* Whatever is cut off or changed shows. */
static void test_damaged(void **state)
{
	const size_t head = strlen(full[0]) + 1;
	size_t at, n;
	int bits;

	(void)state;
	make(0, NULL);
	n = len;
	for (at = 0; at < n; at++)
		assert_int_equal(refused(text, at), 0);
	for (at = 1; at < n; at++)
		assert_int_equal(refused(text + at, n - at), 1);
	for (at = 0; at < n; at++) {
		for (bits = 1; bits < 256; bits *= 2) {
			text[at] ^= (char)bits;
			assert_int_equal(refused(text, n), at < head);
			text[at] ^= (char)bits;
		}
	}
}

/* What couldn't be read isn't written. */
static void test_not_written(void **state)
{
	struct journal journal;
	size_t written_len;
	char *written;
	int i;

	(void)state;
	make(0, NULL);
	for (i = 0; i < 6; i++) {
		read_text(&journal);
		if (i == 0)
			journal.boot[0] = '\0';
		else if (i == 1)
			journal.split.was = 256;
		else if (i == 2)
			journal.owners[1].id = 1;
		else if (i == 3)
			journal.owners[1].queues[0] = 3;
		else if (i == 4)
			strcpy(journal.bus, "a\nb");
		/* Longer than 1 MiB. */
		while (i == 5 && journal.owners[0].n_rules < 3500)
			assert_non_null(journal_add_rule(&journal.owners[0]));
		assert_int_equal(journal_write(&journal, &written, &written_len), -EINVAL);
		assert_null(written);
		assert_int_equal(written_len, 0);
		journal_free(&journal);
	}
}

/* ---- what is in it ---- */

static void test_owners(void **state)
{
	static const uint32_t queues[] = { 9, 3, 0 };
	struct journal journal = { 0 };
	struct journal_owner *owner;
	uint32_t i;

	(void)state;
	assert_null(journal_find(&journal, 1));
	assert_null(journal_queue_owner(&journal, 0));
	for (i = 1; i <= 5; i++) {
		owner = journal_add(&journal);
		assert_non_null(owner);
		assert_int_equal(owner->id, i);
		assert_int_equal(journal_set_queues(owner, &i, 1), 0);
		assert_non_null(journal_add_rule(owner));
	}
	/* The one in the middle, with all it has, then the first and the last. */
	journal_remove(&journal, journal_find(&journal, 3));
	assert_null(journal_find(&journal, 3));
	assert_null(journal_queue_owner(&journal, 3));
	assert_int_equal(journal_queue_owner(&journal, 4)->id, 4);
	journal_remove(&journal, journal_find(&journal, 1));
	journal_remove(&journal, journal_find(&journal, 5));
	assert_int_equal(journal.n_owners, 2);
	/* The lowest free ids, in turn. */
	assert_int_equal(journal_add(&journal)->id, 1);
	assert_int_equal(journal_add(&journal)->id, 3);
	assert_int_equal(journal_add(&journal)->id, 5);
	assert_int_equal(journal.owners[4].n_queues, 0);
	owner = journal_find(&journal, 2);
	assert_int_equal(journal_set_queues(owner, queues, 3), 0);
	assert_int_equal(owner->queues[0], 0);
	assert_int_equal(owner->queues[2], 9);
	/* From its own list, and none. */
	assert_int_equal(journal_set_queues(owner, owner->queues + 1, 2), 0);
	assert_int_equal(owner->n_queues, 2);
	assert_int_equal(owner->queues[1], 9);
	assert_int_equal(journal_set_queues(owner, NULL, 0), 0);
	assert_null(journal_queue_owner(&journal, 9));
	journal_free(&journal);
}

static void test_rules(void **state)
{
	struct journal_owner owner = { 0 };
	struct journal_rule *rule;
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		rule = journal_add_rule(&owner);
		assert_non_null(rule);
		assert_int_equal(rule->fs.location, JOURNAL_NO_PLACE);
		rule->fs.location = i;
	}
	journal_remove_rule(&owner, &owner.rules[1]);
	assert_int_equal(owner.n_rules, 2);
	assert_int_equal(owner.rules[0].fs.location, 0);
	assert_int_equal(owner.rules[1].fs.location, 2);
	journal_remove_rule(&owner, &owner.rules[1]);
	journal_remove_rule(&owner, &owner.rules[0]);
	assert_non_null(journal_add_rule(&owner));
	assert_int_equal(owner.n_rules, 1);
	free(owner.rules);
}

static void test_empty(void **state)
{
	struct journal journal = { .name = "eth0" };
	bool *used[] = { &journal.split.used, &journal.hds_thresh.used, &journal.ntuple.used,
			 &journal.rss.used };
	size_t i;

	(void)state;
	assert_true(journal_empty(&journal));
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
		*used[i] = true;
		assert_false(journal_empty(&journal));
		*used[i] = false;
	}
	assert_non_null(journal_add(&journal));
	assert_false(journal_empty(&journal));
	journal_free(&journal);
	assert_true(journal_empty(&journal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),	    cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_not_written), cmocka_unit_test(test_owners),
		cmocka_unit_test(test_rules),	    cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
