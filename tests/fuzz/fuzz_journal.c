// SPDX-License-Identifier: BSD-3-Clause
/* Journals: the input as it is, and with a first line and a last line with the right checksum, so
 * that its contents are parsed. What is accepted is written, and read as the same again. */
#include "reserve/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "target.h"

#define HEAD "devmem-journal 2\nboot b\n"

static void check(const char *text, size_t len)
{
	static const struct journal empty;
	struct journal journal, again;
	unsigned int line = 12345, lines = 1;
	char *first, *second;
	size_t first_len, second_len, i;
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
	/* An owner and a rule can be added to what was read. */
	MUST(journal_add(&journal));
	MUST(journal_add_rule(&journal.owners[0]));
	MUST(!journal_write(&journal, &first, &first_len));
	MUST(!journal_read(&again, first, first_len, &line));
	MUST(again.n_owners == journal.n_owners);
	MUST(!journal_write(&again, &second, &second_len));
	MUST(first_len == second_len && !memcmp(first, second, first_len));
	free(first);
	free(second);
	journal_free(&again);
	journal_free(&journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t head = strlen(HEAD), room = head + size + 64;
	uint64_t sum = 0xcbf29ce484222325ULL;
	size_t len = head + size, i;
	char *text = malloc(room);

	MUST(text);
	check((const char *)data, size);
	memcpy(text, HEAD, head);
	if (size)
		memcpy(text + head, data, size);
	if (size && data[size - 1] != '\n')
		text[len++] = '\n';
	for (i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	len += (size_t)snprintf(text + len, room - len, "end %016" PRIx64 "\n", sum);
	check(text, len);
	free(text);
	return 0;
}
