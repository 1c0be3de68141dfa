// SPDX-License-Identifier: BSD-3-Clause
/*
 * The journal of an interface as text: a line for each fact, which begins with its key.
 *
 *	devmem-journal 2
 *	boot TEXT
 *	netns NUMBER
 *	ifindex NUMBER
 *	name TEXT
 *	bus TEXT
 *	split WAS NOW			likewise hds-thresh and ntuple
 *	rss-was NUMBER...		likewise rss-now and rss-also
 *	rss-was-default
 *	owner ID PID SINCE COMMAND
 *	queues NUMBER...
 *	context ID NUMBER...
 *	context-before NUMBER...
 *	rule PLACE CONTEXT COOKIE SPEC
 *	end CHECKSUM
 *
 * What follows an owner is the owner's, context-before comes after its context. Other than that
 * the order of the lines between the first and the last is free. What is not used is left out.
 *
 * Numbers are decimal, a TEXT is the rest of its line. PLACE is "-" for a rule that has none yet.
 * SPEC is what a flow rule has up to its ring cookie, each byte as two hexadecimal digits in the
 * machine's order.
 */
#include "reserve/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/number.h"

/* Queue numbers and owners' ids are below it. Queues: the kernel has 16 bits for them in each
 * packet, include/linux/skbuff.h. */
#define NUMBER_END (1U << 16)

#define HEAD "devmem-journal 2\n"
#define HEAD_LEN (sizeof(HEAD) - 1)
#define END "end %016" PRIx64 "\n"
#define END_LEN (strlen("end ") + 16 + 1)

/* The part of struct uapi_rx_flow_spec that has no gaps and is the same on all machines. */
#define SPEC_LEN (offsetof(struct uapi_rx_flow_spec, m_ext) + sizeof(struct uapi_flow_ext))
_Static_assert(SPEC_LEN == 148, "struct ethtool_rx_flow_spec up to ring_cookie");

/* ---- what is in it ---- */

static void clear_owner(struct journal_owner *owner)
{
	free(owner->queues);
	free(owner->rules);
	free(owner->context.table);
	free(owner->context.before);
}

void journal_free(struct journal *journal)
{
	uint32_t i;

	for (i = 0; i < journal->n_owners; i++)
		clear_owner(&journal->owners[i]);
	free(journal->owners);
	free(journal->rss.was);
	free(journal->rss.now);
	free(journal->rss.also);
	memset(journal, 0, sizeof(*journal));
}

struct journal_owner *journal_find(const struct journal *journal, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < journal->n_owners; i++)
		if (journal->owners[i].id == id)
			return &journal->owners[i];
	return NULL;
}

static struct journal_owner *append_owner(struct journal *journal)
{
	struct journal_owner *owners;

	owners = array_grow(journal->owners, journal->n_owners, sizeof(*owners));
	if (!owners)
		return NULL;
	journal->owners = owners;
	owners += journal->n_owners++;
	memset(owners, 0, sizeof(*owners));
	return owners;
}

struct journal_owner *journal_add(struct journal *journal)
{
	struct journal_owner *owner;
	uint32_t id = 1;

	while (journal_find(journal, id))
		id++;
	owner = id < NUMBER_END ? append_owner(journal) : NULL;
	if (owner)
		owner->id = id;
	return owner;
}

void journal_remove(struct journal *journal, struct journal_owner *owner)
{
	const struct journal_owner *end = journal->owners + journal->n_owners;

	clear_owner(owner);
	memmove(owner, owner + 1, (size_t)(end - owner - 1) * sizeof(*owner));
	journal->n_owners--;
}

struct journal_owner *journal_queue_owner(const struct journal *journal, uint32_t queue)
{
	uint32_t i, k;

	for (i = 0; i < journal->n_owners; i++)
		for (k = 0; k < journal->owners[i].n_queues; k++)
			if (journal->owners[i].queues[k] == queue)
				return &journal->owners[i];
	return NULL;
}

int journal_set_queues(struct journal_owner *owner, const uint32_t *queues, uint32_t n)
{
	uint32_t *copy = NULL;

	if (n) {
		copy = calloc(n, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, queues, n * sizeof(*copy));
		array_sort(copy, n);
	}
	free(owner->queues);
	owner->queues = copy;
	owner->n_queues = n;
	return 0;
}

struct journal_rule *journal_add_rule(struct journal_owner *owner)
{
	struct journal_rule *rules;

	rules = array_grow(owner->rules, owner->n_rules, sizeof(*rules));
	if (!rules)
		return NULL;
	owner->rules = rules;
	rules += owner->n_rules++;
	memset(rules, 0, sizeof(*rules));
	rules->fs.location = JOURNAL_NO_PLACE;
	return rules;
}

void journal_remove_rule(struct journal_owner *owner, struct journal_rule *rule)
{
	const struct journal_rule *end = owner->rules + owner->n_rules;

	memmove(rule, rule + 1, (size_t)(end - rule - 1) * sizeof(*rule));
	owner->n_rules--;
}

bool journal_empty(const struct journal *journal)
{
	return !journal->n_owners && !journal->split.used && !journal->hds_thresh.used &&
	       !journal->ntuple.used && !journal->rss.used;
}

/* ---- writing ---- */

/*
 * FNV-1a, 64 bits. Against crashes and faults of the disk: a change of one byte always shows,
 * others but for one in 2^64. Not against people, so nothing cryptographic: who may write to the
 * directory may write any journal there.
 */
static uint64_t checksum(const char *text, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return sum;
}

static void write_list(FILE *out, const char *key, const uint32_t *list, uint32_t n)
{
	uint32_t i;

	if (!list)
		return;
	fputs(key, out);
	for (i = 0; i < n; i++)
		fprintf(out, " %" PRIu32, list[i]);
	putc('\n', out);
}

static void write_setting(FILE *out, const char *key, const struct journal_number *number)
{
	if (number->used)
		fprintf(out, "%s %" PRIu32 " %" PRIu32 "\n", key, number->was, number->now);
}

static void write_rule(FILE *out, const struct journal_rule *rule)
{
	const unsigned char *spec = (const void *)&rule->fs;
	size_t i;

	if (rule->fs.location == JOURNAL_NO_PLACE)
		fputs("rule -", out);
	else
		fprintf(out, "rule %" PRIu32, rule->fs.location);
	fprintf(out, " %" PRIu32 " %" PRIu64 " ", rule->rss_context,
		(uint64_t)rule->fs.ring_cookie);
	for (i = 0; i < SPEC_LEN; i++)
		fprintf(out, "%02x", spec[i]);
	putc('\n', out);
}

static void write_owner(FILE *out, const struct journal_owner *owner)
{
	const struct journal_context *context = &owner->context;
	const char *c;
	uint32_t i;

	fprintf(out, "owner %" PRIu32 " %" PRId64 " %" PRIu64 " ", owner->id, owner->pid,
		owner->since);
	for (c = owner->command; *c; c++)
		putc(*c > ' ' && *c < 0x7f ? *c : '?', out);
	putc('\n', out);
	write_list(out, "queues", owner->queues, owner->n_queues);
	if (context->used) {
		fprintf(out, "context %" PRIu32, context->id);
		write_list(out, "", context->table, context->n);
		write_list(out, "context-before", context->before, context->n_before);
	}
	for (i = 0; i < owner->n_rules; i++)
		write_rule(out, &owner->rules[i]);
}

static void write_facts(FILE *out, const struct journal *journal)
{
	const struct journal_rss *rss = &journal->rss;
	uint32_t i;

	fprintf(out, HEAD "boot %s\nnetns %" PRIu64 "\nifindex %" PRIu32 "\nname %s\nbus %s\n",
		journal->boot, journal->netns, journal->ifindex, journal->name, journal->bus);
	write_setting(out, "split", &journal->split);
	write_setting(out, "hds-thresh", &journal->hds_thresh);
	write_setting(out, "ntuple", &journal->ntuple);
	if (rss->used) {
		write_list(out, "rss-was", rss->was, rss->n);
		write_list(out, "rss-now", rss->now, rss->n);
		write_list(out, "rss-also", rss->also, rss->n);
		if (rss->was_default)
			fputs("rss-was-default\n", out);
	}
	for (i = 0; i < journal->n_owners; i++)
		write_owner(out, &journal->owners[i]);
}

int journal_write(const struct journal *journal, char **text, size_t *len)
{
	struct journal again;
	unsigned int line;
	FILE *out;
	int ret;

	*text = NULL;
	*len = 0;
	out = open_memstream(text, len);
	if (!out)
		return -ENOMEM;
	write_facts(out, journal);
	if (!fflush(out))
		fprintf(out, END, checksum(*text, *len));
	ret = ferror(out) ? -ENOMEM : 0;
	if (fclose(out))
		ret = -ENOMEM;
	/* What can't be read could never be put back. */
	if (!ret) {
		ret = journal_read(&again, *text, *len, &line);
		journal_free(&again);
	}
	if (ret) {
		free(*text);
		*text = NULL;
		*len = 0;
	}
	return ret == -EBADMSG ? -EINVAL : ret;
}

/* ---- reading ---- */

struct reader {
	struct journal *journal;
	const char *at, *end; /* what is left of the line */
	int err;	      /* the first failure stays */
};

static void refuse(struct reader *r)
{
	if (!r->err)
		r->err = -EBADMSG;
}

/* Moves behind a word, if that is what comes next. */
static bool is_next(struct reader *r, const char *word)
{
	size_t n = strlen(word), left = (size_t)(r->end - r->at);

	if (left < n || memcmp(r->at, word, n) || (left > n && r->at[n] != ' '))
		return false;
	r->at += n;
	return true;
}

static uint64_t read_number(struct reader *r, uint64_t max)
{
	uint64_t number = 0;

	if (r->at == r->end || *r->at++ != ' ' || !number_next(&r->at, r->end, max, &number))
		refuse(r);
	return number;
}

static void read_text(struct reader *r, char *text, size_t size)
{
	size_t n;

	r->at += r->at < r->end;
	n = (size_t)(r->end - r->at);
	if (n >= size) {
		refuse(r);
		return;
	}
	memcpy(text, r->at, n);
	text[n] = '\0';
	r->at = r->end;
}

static void read_setting(struct reader *r, uint32_t max, struct journal_number *number)
{
	number->used = true;
	number->was = (uint32_t)read_number(r, max);
	number->now = (uint32_t)read_number(r, max);
}

static void read_list(struct reader *r, uint32_t max, uint32_t **list, uint32_t *n)
{
	uint32_t *more;

	if (*list)
		refuse(r);
	for (*n = 0; !r->err && r->at < r->end; (*n)++) {
		more = array_grow(*list, *n, sizeof(*more));
		if (!more) {
			r->err = -ENOMEM;
			return;
		}
		*list = more;
		more[*n] = (uint32_t)read_number(r, max);
	}
}

/* A list that isn't empty, and as long as the other tables of its kind. */
static void read_table(struct reader *r, uint32_t **table, uint32_t *n)
{
	uint32_t others = *n;

	read_list(r, UINT32_MAX, table, n);
	if (!*n || (others && others != *n))
		refuse(r);
}

static void read_owner(struct reader *r)
{
	struct journal_owner *owner = append_owner(r->journal);
	uint32_t id;

	if (!owner) {
		r->err = -ENOMEM;
		return;
	}
	id = (uint32_t)read_number(r, NUMBER_END - 1);
	/* Also 0, which the new one has so far. */
	if (journal_find(r->journal, id))
		refuse(r);
	owner->id = id;
	owner->pid = (int64_t)read_number(r, INT64_MAX);
	owner->since = read_number(r, UINT64_MAX);
	read_text(r, owner->command, sizeof(owner->command));
}

static void read_queues(struct reader *r, struct journal_owner *owner)
{
	const uint32_t *queues;
	uint32_t i;

	read_list(r, NUMBER_END - 1, &owner->queues, &owner->n_queues);
	queues = owner->queues;
	for (i = 0; i < owner->n_queues; i++)
		if ((i && queues[i] <= queues[i - 1]) ||
		    journal_queue_owner(r->journal, queues[i]) != owner)
			refuse(r);
}

static void read_rule(struct reader *r, struct journal_owner *owner)
{
	struct journal_rule *rule = journal_add_rule(owner);
	uint8_t *spec;
	size_t i;

	if (!rule) {
		r->err = -ENOMEM;
		return;
	}
	if (!is_next(r, " -"))
		rule->fs.location = (uint32_t)read_number(r, JOURNAL_NO_PLACE - 1);
	rule->rss_context = (uint32_t)read_number(r, UINT32_MAX);
	rule->fs.ring_cookie = read_number(r, UINT64_MAX);
	r->at += r->at < r->end;
	spec = (void *)&rule->fs;
	for (i = 0; i < SPEC_LEN && !r->err; i++)
		if (!number_next_byte(&r->at, r->end, &spec[i]))
			refuse(r);
}

static void read_context(struct reader *r, struct journal_context *context)
{
	context->used = true;
	context->id = (uint32_t)read_number(r, UINT32_MAX);
	read_table(r, &context->table, &context->n);
}

static void read_owner_fact(struct reader *r, struct journal_owner *owner)
{
	struct journal_context *context = &owner->context;

	if (is_next(r, "queues"))
		read_queues(r, owner);
	else if (is_next(r, "rule"))
		read_rule(r, owner);
	else if (is_next(r, "context"))
		read_context(r, context);
	else if (context->used && is_next(r, "context-before"))
		read_list(r, UINT32_MAX, &context->before, &context->n_before);
	else
		refuse(r);
}

static void read_fact(struct reader *r)
{
	struct journal *journal = r->journal;
	struct journal_rss *rss = &journal->rss;

	if (is_next(r, "boot"))
		read_text(r, journal->boot, sizeof(journal->boot));
	else if (is_next(r, "netns"))
		journal->netns = read_number(r, UINT64_MAX);
	else if (is_next(r, "ifindex"))
		journal->ifindex = (uint32_t)read_number(r, UINT32_MAX);
	else if (is_next(r, "name"))
		read_text(r, journal->name, sizeof(journal->name));
	else if (is_next(r, "bus"))
		read_text(r, journal->bus, sizeof(journal->bus));
	else if (is_next(r, "split"))
		read_setting(r, UINT8_MAX, &journal->split);
	else if (is_next(r, "hds-thresh"))
		read_setting(r, UINT32_MAX, &journal->hds_thresh);
	else if (is_next(r, "ntuple"))
		read_setting(r, 1, &journal->ntuple);
	else if (is_next(r, "rss-was-default"))
		rss->was_default = true;
	else if (is_next(r, "rss-was"))
		read_table(r, &rss->was, &rss->n);
	else if (is_next(r, "rss-now"))
		read_table(r, &rss->now, &rss->n);
	else if (is_next(r, "rss-also"))
		read_table(r, &rss->also, &rss->n);
	else if (is_next(r, "owner"))
		read_owner(r);
	else if (journal->n_owners)
		read_owner_fact(r, &journal->owners[journal->n_owners - 1]);
	else
		refuse(r);
	if (r->at != r->end)
		refuse(r);
}

/* The length up to the last line, or 0 if that isn't the one that belongs there. */
static size_t whole_len(const char *text, size_t len)
{
	char last[64];

	if (len > JOURNAL_TEXT_MAX || len < HEAD_LEN + END_LEN)
		return 0;
	len -= END_LEN;
	snprintf(last, sizeof(last), END, checksum(text, len));
	return text[len - 1] == '\n' && !memcmp(text + len, last, END_LEN) ? len : 0;
}

int journal_read(struct journal *journal, const char *text, size_t len, unsigned int *line)
{
	struct reader r = { .journal = journal };
	struct journal_rss *rss = &journal->rss;
	const char *end;

	memset(journal, 0, sizeof(*journal));
	/* The version first: another one may have another checksum. */
	*line = len && memcmp(text, HEAD, len < HEAD_LEN ? len : HEAD_LEN);
	len = *line ? 0 : whole_len(text, len);
	if (!len)
		return -EBADMSG;
	end = text + len;
	for (*line = 2, text += HEAD_LEN; text < end; ++*line, text = r.end + 1) {
		r.at = text;
		r.end = memchr(text, '\n', (size_t)(end - text));
		read_fact(&r);
		if (r.err)
			goto free_journal;
	}
	/* Without these the rest has no meaning. */
	rss->used = rss->n || rss->was_default;
	if (journal->boot[0] && !rss->used == !rss->was && !rss->used == !rss->now) {
		*line = 0;
		return 0;
	}
	refuse(&r);
free_journal:
	journal_free(journal);
	if (r.err == -ENOMEM)
		*line = 0;
	return r.err;
}
