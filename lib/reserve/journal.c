// SPDX-License-Identifier: BSD-3-Clause
/*
 * The journal of an interface as text. One line for each fact, in this order; what is in brackets
 * is left out if there is nothing to remember, what has a star may come several times:
 *
 *	devmem-journal 1
 *	boot TEXT
 *	netns NUMBER
 *	ifindex NUMBER
 *	name TEXT
 *	bus TEXT
 *	[split WAS NOW]
 *	[hds-thresh WAS NOW]
 *	[ntuple WAS NOW]
 *	[rss default|table ENTRIES
 *	rss-was NUMBER...
 *	rss-now NUMBER...
 *	[rss-also NUMBER...]]
 *	[owner ID PID SINCE COMMAND
 *	queues NUMBER...
 *	[context ID ENTRIES
 *	context-table NUMBER...
 *	[context-before NUMBER...]]	if ID is 0
 *	[rule PLACE CONTEXT COOKIE SPEC]*]*
 *	end CHECKSUM
 *
 * Numbers are decimal. PLACE is "-" for a rule that has none yet. SPEC is what a flow rule has up
 * to its ring cookie, each byte as two hexadecimal digits in the machine's order. In a TEXT other
 * bytes than printable ASCII, blanks and '%' are written as '%' and two hexadecimal digits; an
 * empty one leaves nothing behind its key, as an empty list does. There is exactly one text for a
 * journal: the reader takes no other.
 */
#include "reserve/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far above what there is, so that a broken text can't make us work for long. */
#define TEXT_MAX ((size_t)1 << 20)
#define LIST_MAX (1U << 16)
/* Queue numbers and owners' ids are below it. Queues: the kernel has 16 bits for them in each
 * packet, include/linux/skbuff.h. */
#define NUMBER_END (1U << 16)

#define HEAD "devmem-journal 1\n"
#define END "end "
#define END_LEN (sizeof(END) - 1 + 16 + 1)

/* The part of struct uapi_rx_flow_spec that has no gaps and is the same on all machines. */
#define SPEC_LEN (offsetof(struct uapi_rx_flow_spec, m_ext) + sizeof(struct uapi_flow_ext))
_Static_assert(SPEC_LEN == 148, "struct ethtool_rx_flow_spec up to ring_cookie");

/* Which numbers there were already. */
struct seen {
	uint64_t owners[NUMBER_END / 64], queues[NUMBER_END / 64];
};

/* Return: false if it was there already. */
static bool see(uint64_t *bits, uint32_t number)
{
	uint64_t bit = 1ULL << number % 64;

	if (bits[number / 64] & bit)
		return false;
	bits[number / 64] |= bit;
	return true;
}

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

static bool printable(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

/* Stands for itself in a TEXT. */
static bool plain(unsigned char c)
{
	return printable(c) && c != '%';
}

static bool queues_valid(const struct journal_owner *owner, struct seen *seen)
{
	uint32_t i;

	for (i = 0; i < owner->n_queues; i++)
		if (owner->queues[i] >= NUMBER_END ||
		    (i && owner->queues[i] <= owner->queues[i - 1]) ||
		    !see(seen->queues, owner->queues[i]))
			return false;
	return true;
}

/* A text that grows. The first error stays, and nothing is added after it. */
struct writer {
	char *text;
	size_t len, size;
	int err;
};

static void refuse(struct writer *w)
{
	if (!w->err)
		w->err = -EINVAL;
}

static void put(struct writer *w, const void *bytes, size_t n)
{
	if (w->err)
		return;
	if (n > TEXT_MAX - w->len) {
		refuse(w);
		return;
	}
	if (n >= w->size - w->len) {
		size_t size = w->size;
		char *text;

		while (n >= size - w->len)
			size *= 2;
		text = realloc(w->text, size);
		if (!text) {
			w->err = -ENOMEM;
			return;
		}
		w->text = text;
		w->size = size;
	}
	memcpy(w->text + w->len, bytes, n);
	w->len += n;
	w->text[w->len] = 0;
}

static void put_word(struct writer *w, const char *word)
{
	put(w, word, strlen(word));
}

static void put_number(struct writer *w, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), " %" PRIu64, number);
	put_word(w, digits);
}

static void put_byte(struct writer *w, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char two[2] = { digits[byte >> 4], digits[byte & 15] };

	put(w, two, 2);
}

/* text: an array of size bytes with a string in it. */
static void put_text(struct writer *w, const char *key, const char *text, size_t size)
{
	size_t i, n = strnlen(text, size);

	if (n == size)
		refuse(w);
	put_word(w, key);
	if (n)
		put_word(w, " ");
	for (i = 0; i < n && !w->err; i++) {
		if (plain((unsigned char)text[i])) {
			put(w, &text[i], 1);
			continue;
		}
		put_word(w, "%");
		put_byte(w, (unsigned char)text[i]);
	}
	put_word(w, "\n");
}

static void put_list(struct writer *w, const char *key, const uint32_t *list, uint32_t n)
{
	uint32_t i;

	if (n > LIST_MAX || (n && !list))
		refuse(w);
	put_word(w, key);
	for (i = 0; i < n && !w->err; i++)
		put_number(w, list[i]);
	put_word(w, "\n");
}

static void put_setting(struct writer *w, const char *key, const struct journal_number *number)
{
	if (!number->used)
		return;
	put_word(w, key);
	put_number(w, number->was);
	put_number(w, number->now);
	put_word(w, "\n");
}

static void put_rss(struct writer *w, const struct journal_rss *rss)
{
	if (!rss->used)
		return;
	if (!rss->n)
		refuse(w);
	put_word(w, rss->was_default ? "rss default" : "rss table");
	put_number(w, rss->n);
	put_word(w, "\n");
	put_list(w, "rss-was", rss->was, rss->n);
	put_list(w, "rss-now", rss->now, rss->n);
	if (rss->also)
		put_list(w, "rss-also", rss->also, rss->n);
}

static void put_context(struct writer *w, const struct journal_context *context)
{
	if (!context->used)
		return;
	if (!context->n)
		refuse(w);
	put_word(w, "context");
	put_number(w, context->id);
	put_number(w, context->n);
	put_word(w, "\n");
	put_list(w, "context-table", context->table, context->n);
	if (!context->id)
		put_list(w, "context-before", context->before, context->n_before);
}

static void put_rule(struct writer *w, const struct journal_rule *rule)
{
	const unsigned char *spec = (const void *)&rule->fs;
	size_t i;

	put_word(w, "rule");
	if (rule->fs.location == JOURNAL_NO_PLACE)
		put_word(w, " -");
	else
		put_number(w, rule->fs.location);
	put_number(w, rule->rss_context);
	put_number(w, rule->fs.ring_cookie);
	put_word(w, " ");
	for (i = 0; i < SPEC_LEN; i++)
		put_byte(w, spec[i]);
	put_word(w, "\n");
}

static void put_owner(struct writer *w, const struct journal_owner *owner, struct seen *seen)
{
	size_t n = strnlen(owner->command, sizeof(owner->command)), k;
	uint32_t i;

	if (!owner->id || owner->id >= NUMBER_END || owner->pid < 0 ||
	    n == sizeof(owner->command) || owner->n_queues > LIST_MAX ||
	    (owner->n_queues && !owner->queues) || (owner->n_rules && !owner->rules) ||
	    !see(seen->owners, owner->id) || !queues_valid(owner, seen)) {
		refuse(w);
		return;
	}
	put_word(w, "owner");
	put_number(w, owner->id);
	put_number(w, (uint64_t)owner->pid);
	put_number(w, owner->since);
	if (n)
		put_word(w, " ");
	for (k = 0; k < n; k++)
		put(w, printable((unsigned char)owner->command[k]) ? &owner->command[k] : "?", 1);
	put_word(w, "\n");
	put_list(w, "queues", owner->queues, owner->n_queues);
	put_context(w, &owner->context);
	for (i = 0; i < owner->n_rules && !w->err; i++)
		put_rule(w, &owner->rules[i]);
}

int journal_write(const struct journal *journal, char **text, size_t *len)
{
	struct writer w = { .size = 1024 };
	struct seen seen = { 0 };
	char sum[17];
	uint32_t i;

	*text = NULL;
	*len = 0;
	if (journal->n_owners && !journal->owners)
		return -EINVAL;
	w.text = malloc(w.size);
	if (!w.text)
		return -ENOMEM;
	put_word(&w, HEAD);
	put_text(&w, "boot", journal->boot, sizeof(journal->boot));
	put_word(&w, "netns");
	put_number(&w, journal->netns);
	put_word(&w, "\nifindex");
	put_number(&w, journal->ifindex);
	put_word(&w, "\n");
	put_text(&w, "name", journal->name, sizeof(journal->name));
	put_text(&w, "bus", journal->bus, sizeof(journal->bus));
	put_setting(&w, "split", &journal->split);
	put_setting(&w, "hds-thresh", &journal->hds_thresh);
	put_setting(&w, "ntuple", &journal->ntuple);
	put_rss(&w, &journal->rss);
	for (i = 0; i < journal->n_owners && !w.err; i++)
		put_owner(&w, &journal->owners[i], &seen);
	if (!w.err) {
		snprintf(sum, sizeof(sum), "%016" PRIx64, checksum(w.text, w.len));
		put_word(&w, END);
		put_word(&w, sum);
		put_word(&w, "\n");
	}
	if (w.err) {
		free(w.text);
		return w.err;
	}
	*text = w.text;
	*len = w.len;
	return 0;
}

/* Whole lines up to end; at is in the one with that number. */
struct reader {
	const char *at, *end;
	unsigned int line;
};

/* Takes a word if it comes next. */
static bool take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n))
		return false;
	r->at += n;
	return true;
}

static bool take_newline(struct reader *r)
{
	if (!take(r, "\n"))
		return false;
	r->line++;
	return true;
}

static bool take_number(struct reader *r, uint64_t max, uint64_t *number)
{
	const char *at = r->at;
	uint64_t value = 0;

	for (; at < r->end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if ((at > r->at && !value) || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (at == r->at)
		return false;
	r->at = at;
	*number = value;
	return true;
}

static bool take_u32(struct reader *r, uint32_t max, uint32_t *number)
{
	uint64_t value;

	if (!take_number(r, max, &value))
		return false;
	*number = (uint32_t)value;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_byte(struct reader *r, unsigned char *byte)
{
	int high, low;

	if (r->end - r->at < 2)
		return false;
	high = digit_value(r->at[0]);
	low = digit_value(r->at[1]);
	if (high < 0 || low < 0)
		return false;
	*byte = (unsigned char)(high << 4 | low);
	r->at += 2;
	return true;
}

/* A blank and a text to the end of the line, or just that end. out is of size bytes. */
static bool take_text(struct reader *r, char *out, size_t size, bool encoded)
{
	size_t n = 0;

	if (r->at == r->end || *r->at == '\n')
		return take_newline(r);
	if (!take(r, " "))
		return false;
	while (r->at < r->end && printable((unsigned char)*r->at)) {
		unsigned char c = (unsigned char)*r->at++;

		if (encoded && c == '%' && (!take_byte(r, &c) || !c || plain(c)))
			return false;
		if (n == size - 1)
			return false;
		out[n++] = (char)c;
	}
	return n && take_newline(r);
}

/* Numbers to the end of the line. n: how many there must be, NULL for any. */
static int take_list(struct reader *r, const uint32_t *must, uint32_t **list, uint32_t *n)
{
	const char *at = r->at;
	uint32_t count = 0, i;

	for (; at < r->end && *at != '\n'; at++)
		if (*at == ' ' && ++count > LIST_MAX)
			return -EBADMSG;
	if (must && count != *must)
		return -EBADMSG;
	if (count) {
		*list = calloc(count, sizeof(**list));
		if (!*list)
			return -ENOMEM;
	}
	*n = count;
	for (i = 0; i < count; i++)
		if (!take(r, " ") || !take_u32(r, UINT32_MAX, &(*list)[i]))
			return -EBADMSG;
	return 0;
}

static int take_table(struct reader *r, const char *key, uint32_t must, uint32_t **list)
{
	uint32_t n;
	int ret;

	if (!take(r, key))
		return -EBADMSG;
	ret = take_list(r, &must, list, &n);
	if (ret)
		return ret;
	return take_newline(r) ? 0 : -EBADMSG;
}

static bool take_setting(struct reader *r, const char *key, struct journal_number *number)
{
	if (!take(r, key))
		return true;
	number->used = true;
	return take_u32(r, UINT32_MAX, &number->was) && take(r, " ") &&
	       take_u32(r, UINT32_MAX, &number->now) && take_newline(r);
}

static int take_rss(struct reader *r, struct journal_rss *rss)
{
	int ret;

	if (!take(r, "rss "))
		return 0;
	rss->used = true;
	rss->was_default = take(r, "default ");
	if ((!rss->was_default && !take(r, "table ")) || !take_u32(r, LIST_MAX, &rss->n) ||
	    !rss->n || !take_newline(r))
		return -EBADMSG;
	ret = take_table(r, "rss-was", rss->n, &rss->was);
	if (!ret)
		ret = take_table(r, "rss-now", rss->n, &rss->now);
	if (!ret && take(r, "rss-also"))
		ret = take_table(r, "", rss->n, &rss->also);
	return ret;
}

static int take_context(struct reader *r, struct journal_context *context)
{
	int ret;

	if (!take(r, "context "))
		return 0;
	context->used = true;
	if (!take_u32(r, UINT32_MAX, &context->id) || !take(r, " ") ||
	    !take_u32(r, LIST_MAX, &context->n) || !context->n || !take_newline(r))
		return -EBADMSG;
	ret = take_table(r, "context-table", context->n, &context->table);
	if (ret || context->id)
		return ret;
	if (!take(r, "context-before"))
		return -EBADMSG;
	ret = take_list(r, NULL, &context->before, &context->n_before);
	if (ret)
		return ret;
	return take_newline(r) ? 0 : -EBADMSG;
}

/* One more at the end of an array of the reader's own: room in powers of two, so that a long text
 * isn't copied again for each line. */
static void *append(void **array, uint32_t *n, size_t size)
{
	char *item;

	if (!(*n & (*n - 1))) {
		void *more = realloc(*array, (*n ? 2 * (size_t)*n : 1) * size);

		if (!more)
			return NULL;
		*array = more;
	}
	item = (char *)*array + *n * size;
	memset(item, 0, size);
	(*n)++;
	return item;
}

static int take_rule(struct reader *r, struct journal_owner *owner)
{
	void *rules = owner->rules;
	struct journal_rule *rule;
	unsigned char *spec;
	size_t i;

	rule = append(&rules, &owner->n_rules, sizeof(*rule));
	owner->rules = rules;
	if (!rule)
		return -ENOMEM;
	if (take(r, "-"))
		rule->fs.location = JOURNAL_NO_PLACE;
	else if (!take_u32(r, JOURNAL_NO_PLACE - 1, &rule->fs.location))
		return -EBADMSG;
	if (!take(r, " ") || !take_u32(r, UINT32_MAX, &rule->rss_context) || !take(r, " ") ||
	    !take_number(r, UINT64_MAX, &rule->fs.ring_cookie) || !take(r, " "))
		return -EBADMSG;
	spec = (void *)&rule->fs;
	for (i = 0; i < SPEC_LEN; i++)
		if (!take_byte(r, &spec[i]))
			return -EBADMSG;
	return take_newline(r) ? 0 : -EBADMSG;
}

static int take_owner(struct reader *r, struct journal *journal, struct seen *seen)
{
	void *owners = journal->owners;
	struct journal_owner *owner;
	uint64_t pid;
	int ret;

	owner = append(&owners, &journal->n_owners, sizeof(*owner));
	journal->owners = owners;
	if (!owner)
		return -ENOMEM;
	/* The newline is taken last: what is wrong is wrong in this line. */
	if (!take_u32(r, NUMBER_END - 1, &owner->id) || !owner->id ||
	    !see(seen->owners, owner->id) || !take(r, " ") || !take_number(r, INT64_MAX, &pid) ||
	    !take(r, " ") || !take_number(r, UINT64_MAX, &owner->since) ||
	    !take_text(r, owner->command, sizeof(owner->command), false))
		return -EBADMSG;
	owner->pid = (int64_t)pid;
	if (!take(r, "queues"))
		return -EBADMSG;
	ret = take_list(r, NULL, &owner->queues, &owner->n_queues);
	if (ret)
		return ret;
	if (!queues_valid(owner, seen) || !take_newline(r))
		return -EBADMSG;
	ret = take_context(r, &owner->context);
	while (!ret && take(r, "rule "))
		ret = take_rule(r, owner);
	return ret;
}

static int take_journal(struct reader *r, struct journal *journal)
{
	struct seen seen = { 0 };
	int ret;

	if (!take(r, "boot") || !take_text(r, journal->boot, sizeof(journal->boot), true) ||
	    !take(r, "netns ") || !take_number(r, UINT64_MAX, &journal->netns) ||
	    !take_newline(r) || !take(r, "ifindex ") ||
	    !take_u32(r, UINT32_MAX, &journal->ifindex) || !take_newline(r) || !take(r, "name") ||
	    !take_text(r, journal->name, sizeof(journal->name), true) || !take(r, "bus") ||
	    !take_text(r, journal->bus, sizeof(journal->bus), true) ||
	    !take_setting(r, "split ", &journal->split) ||
	    !take_setting(r, "hds-thresh ", &journal->hds_thresh) ||
	    !take_setting(r, "ntuple ", &journal->ntuple))
		return -EBADMSG;
	ret = take_rss(r, &journal->rss);
	while (!ret && take(r, "owner "))
		ret = take_owner(r, journal, &seen);
	if (ret)
		return ret;
	return r->at == r->end ? 0 : -EBADMSG;
}

static unsigned int line_of(const char *text, const char *at)
{
	unsigned int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/*
 * Finds the last line, before anything is believed: no other begins like it. Return: where it
 * begins, or NULL with the number of the line that is wrong.
 */
static const char *find_end(const char *text, size_t len, unsigned int *line)
{
	const size_t head = sizeof(HEAD) - 1;
	const char *end;
	char sum[17];

	*line = 0;
	if (len > TEXT_MAX) {
		*line = line_of(text, text + TEXT_MAX);
		return NULL;
	}
	/* The version first: another one may have another checksum. */
	if (len && memcmp(text, HEAD, len < head ? len : head)) {
		*line = 1;
		return NULL;
	}
	if (len < head)
		return NULL;
	end = memmem(text + head - 1, len - head + 1, "\n" END, sizeof("\n" END) - 1);
	if (!end)
		return NULL;
	end++;
	if ((size_t)(text + len - end) < END_LEN)
		return NULL;
	snprintf(sum, sizeof(sum), "%016" PRIx64, checksum(text, (size_t)(end - text)));
	if (memcmp(end + sizeof(END) - 1, sum, 16) || end[END_LEN - 1] != '\n')
		return NULL;
	if (end + END_LEN != text + len) {
		*line = line_of(text, end) + 1;
		return NULL;
	}
	return end;
}

int journal_read(struct journal *journal, const char *text, size_t len, unsigned int *line)
{
	struct reader r = { .line = 2 };
	int ret;

	memset(journal, 0, sizeof(*journal));
	r.end = find_end(text, len, line);
	if (!r.end)
		return -EBADMSG;
	r.at = text + sizeof(HEAD) - 1;
	ret = take_journal(&r, journal);
	if (ret)
		journal_free(journal);
	if (ret == -EBADMSG)
		*line = r.line;
	return ret;
}

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

struct journal_owner *journal_find(struct journal *journal, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < journal->n_owners; i++)
		if (journal->owners[i].id == id)
			return &journal->owners[i];
	return NULL;
}

struct journal_owner *journal_add(struct journal *journal)
{
	uint64_t used[NUMBER_END / 64] = { 1 };
	struct journal_owner *owners;
	uint32_t i, id = 0;

	for (i = 0; i < journal->n_owners; i++)
		if (journal->owners[i].id < NUMBER_END)
			see(used, journal->owners[i].id);
	while (id < NUMBER_END && !see(used, id))
		id++;
	if (id == NUMBER_END)
		return NULL;
	owners = realloc(journal->owners, ((size_t)journal->n_owners + 1) * sizeof(*owners));
	if (!owners)
		return NULL;
	journal->owners = owners;
	owners += journal->n_owners++;
	memset(owners, 0, sizeof(*owners));
	owners->id = id;
	return owners;
}

void journal_remove(struct journal *journal, struct journal_owner *owner)
{
	const struct journal_owner *end = journal->owners + journal->n_owners;

	clear_owner(owner);
	memmove(owner, owner + 1, (size_t)(end - owner - 1) * sizeof(*owner));
	journal->n_owners--;
}

struct journal_owner *journal_queue_owner(struct journal *journal, uint32_t queue)
{
	uint32_t i, k;

	for (i = 0; i < journal->n_owners; i++)
		for (k = 0; k < journal->owners[i].n_queues; k++)
			if (journal->owners[i].queues[k] == queue)
				return &journal->owners[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

int journal_set_queues(struct journal_owner *owner, const uint32_t *queues, uint32_t n)
{
	uint32_t *copy = NULL;

	if (n) {
		copy = calloc(n, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, queues, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), compare);
	}
	free(owner->queues);
	owner->queues = copy;
	owner->n_queues = n;
	return 0;
}

struct journal_rule *journal_add_rule(struct journal_owner *owner)
{
	struct journal_rule *rules;

	rules = realloc(owner->rules, ((size_t)owner->n_rules + 1) * sizeof(*rules));
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
