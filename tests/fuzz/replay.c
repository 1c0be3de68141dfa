// SPDX-License-Identifier: BSD-3-Clause
/* Runs a fuzz target over the files of a corpus, without libFuzzer: every run of the tests replays
 * what fuzzing found. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

static int replay(const char *path)
{
	uint8_t *data;
	FILE *f;
	long size;

	f = fopen(path, "r");
	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		return -1;
	}
	rewind(f);
	/* Of exactly that size, so that the address sanitizer detects a read past its end. */
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		return -1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	char path[1024];
	int n = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 1;
	}
	dir = opendir(argv[1]);
	if (!dir) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay(path))
			return 1;
		n++;
	}
	closedir(dir);
	printf("%d inputs\n", n);
	/* A corpus that is missing or empty proves nothing. */
	return n ? 0 : 1;
}
