// SPDX-License-Identifier: BSD-3-Clause
/* Reads the recorded messages in tests/unit/golden. */
#include "golden.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *golden_read(const char *name, size_t *len)
{
	char path[512];
	void *data;
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: can't be opened", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc((size_t)size);
	if (size <= 0 || !data || fread(data, 1, (size_t)size, f) != (size_t)size)
		fail_msg("%s: can't be read", path);
	fclose(f);
	*len = (size_t)size;
	return data;
}

size_t golden_each(const char *part, void (*fn)(const char *name, const void *data, size_t len))
{
	struct dirent *entry;
	size_t len, n = 0;
	void *data;
	DIR *dir;

	dir = opendir(GOLDEN_DIR);
	if (!dir)
		fail_msg("%s: can't be opened", GOLDEN_DIR);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strstr(entry->d_name, part))
			continue;
		data = golden_read(entry->d_name, &len);
		fn(entry->d_name, data, len);
		free(data);
		n++;
	}
	closedir(dir);
	return n;
}

void golden_truncate(const void *data, size_t len, void (*fn)(const void *data, size_t len))
{
	struct nlmsghdr *nlh;
	size_t cut;

	for (cut = 1; cut < len; cut++) {
		nlh = malloc(cut);
		if (!nlh)
			fail_msg("no memory");
		memcpy(nlh, data, cut);
		fn(nlh, cut);
		if (cut >= sizeof(*nlh)) {
			nlh->nlmsg_len = (uint32_t)cut;
			fn(nlh, cut);
		}
		free(nlh);
	}
}
