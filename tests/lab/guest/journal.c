// SPDX-License-Identifier: BSD-3-Clause
/*
 * Changes a journal into one that the library wouldn't write here and now.
 *
 *	journal FILE boot	as from another boot
 */
#include <devmem/devmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reserve/journal.h"
#include "streams.h"

int main(int argc, char **argv)
{
	static char text[1 << 20];
	struct journal journal;
	unsigned int line;
	size_t len;
	char *out;
	FILE *file;

	if (argc != 3 || strcmp(argv[2], "boot"))
		die("usage: journal FILE boot");
	file = fopen(argv[1], "r+");
	if (!file)
		die("%s: cannot open", argv[1]);
	len = fread(text, 1, sizeof(text), file);
	if (journal_read(&journal, text, len, &line))
		die("%s: line %u", argv[1], line);
	strcpy(journal.boot, "00000000-1111-2222-3333-444444444444");
	if (journal_write(&journal, &out, &len))
		die("cannot be written");
	rewind(file);
	if (fwrite(out, 1, len, file) != len || fclose(file))
		die("%s: write", argv[1]);
	free(out);
	journal_free(&journal);
	return 0;
}
