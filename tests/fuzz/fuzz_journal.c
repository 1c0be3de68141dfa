// SPDX-License-Identifier: BSD-3-Clause
/* Journals: the input as it is, and with a last line whose checksum is right, so that what is in it
 * is reached. There is one text for each journal: what is accepted is written as the same bytes. */
#include "reserve/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "target.h"

static void check(const char *text, size_t len)
{
	static const struct journal empty;
	struct journal journal, again;
	unsigned int line = 12345, lines = 1;
	char *written;
	size_t written_len, i;
	int ret;

	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	memset(&journal, 0x5a, sizeof(journal));
	ret = journal_read(&journal, text, len, &line);
	if (ret) {
		MUST(ret == -EBADMSG);
		MUST(line <= lines);
		MUST(!memcmp(&journal, &empty, sizeof(journal)));
		return;
	}
	MUST(line == 0);
	MUST(!journal_write(&journal, &written, &written_len));
	MUST(written_len == len && !memcmp(written, text, len));
	free(written);
	/* What is on the heap can be added to, and still be said. */
	if (journal.n_owners) {
		uint32_t n = journal.n_owners;

		MUST(journal_find(&journal, journal.owners[n - 1].id) == &journal.owners[n - 1]);
		MUST(journal_add(&journal));
		MUST(journal_add_rule(&journal.owners[0]));
		ret = journal_write(&journal, &written, &written_len);
		if (!ret) {
			MUST(!journal_read(&again, written, written_len, &line));
			MUST(again.n_owners == n + 1);
			MUST(again.owners[0].n_rules == journal.owners[0].n_rules);
			journal_free(&again);
			free(written);
		} else {
			MUST(ret == -EINVAL && len > (1 << 20) - 500);
		}
	}
	journal_free(&journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325ULL;
	char end[32], *text;
	size_t i;
	int n;

	check((const char *)data, size);
	for (i = 0; i < size; i++)
		sum = (sum ^ data[i]) * 0x100000001b3ULL;
	n = snprintf(end, sizeof(end), "end %016" PRIx64 "\n", sum);
	text = malloc(size + (size_t)n);
	MUST(text);
	if (size)
		memcpy(text, data, size);
	memcpy(text + size, end, (size_t)n);
	check(text, size + (size_t)n);
	free(text);
	return 0;
}
