/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "ctl.h"
#include "sink.h"

/* Fragments are copied here first: device memory is often slow to read, so each byte is read once,
 * and files are written in large pieces. */
#define STAGE_SIZE (1U << 20)
#define MAP_TEXT_SIZE (64U << 10)
#define MAP_LINE_MAX 64

struct sink {
	struct outfile output;
	struct outfile map;
	EVP_MD_CTX *sha256; /* NULL = none */
	struct devmem_region *region;
	const uint8_t *bytes; /* the region's, once mapped */
	uint8_t *stage;
	size_t staged;
	char *map_text;
	size_t map_used;
};

/* The map must be another file than the one that fd, unless -1, is of. */
static int check_map(const struct sink *s, int fd, const char *option)
{
	struct stat a;
	struct stat b;

	if (fd < 0 || s->map.fd < 0)
		return 0;
	if (fstat(fd, &a) || fstat(s->map.fd, &b) || !S_ISREG(a.st_mode))
		return 0;
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return fail(EXIT_USAGE, "%s: %s and --map are the same file", s->map.name, option);
	return 0;
}

int sink_check_input(const struct sink *sink, int fd)
{
	return check_map(sink, fd, "--input");
}

int sink_parse_map(const char *arg, struct sink_options *options)
{
	options->map = arg;
	if (!*arg)
		return fail(EXIT_USAGE, "--map is empty");
	if (!strcmp(arg, "-"))
		return fail(EXIT_USAGE, "--map '-': must be a file");
	return 0;
}

int sink_open(struct sink **sink, const struct sink_options *options)
{
	const struct outfile none = OUTFILE_NONE;
	struct sink *s = calloc(1, sizeof(*s));
	int result = EXIT_REFUSED;

	*sink = NULL;
	if (!s)
		return fail_errno(ENOMEM, "sink");
	s->output = none;
	s->map = none;
	s->stage = malloc(STAGE_SIZE);
	s->map_text = malloc(MAP_TEXT_SIZE);
	if (!s->stage || !s->map_text) {
		fail_errno(ENOMEM, "sink");
		goto close_sink;
	}
	if (options->sha256) {
		s->sha256 = EVP_MD_CTX_new();
		if (!s->sha256) {
			fail_errno(ENOMEM, "--sha256");
			goto close_sink;
		}
	}
	if (options->output) {
		result = outfile_open(&s->output, options->output);
		if (result)
			goto close_sink;
	}
	if (options->map) {
		result = outfile_open(&s->map, options->map);
		if (result)
			goto close_sink;
	}
	result = check_map(s, s->output.fd, "--output");
	if (result)
		goto close_sink;
	*sink = s;
	return 0;

close_sink:
	sink_close(s);
	return result;
}

bool sink_needs_bytes(const struct sink *sink)
{
	return sink->output.fd >= 0 || sink->sha256;
}

int sink_map_region(struct sink *sink, struct devmem_region *region)
{
	struct devmem_error err;
	void *addr;

	if (!sink_needs_bytes(sink))
		return 0;
	if (devmem_region_map(region, &addr, &err))
		return fail_error(&err);
	sink->region = region;
	sink->bytes = addr;
	return 0;
}

int sink_start(struct sink *sink)
{
	int result = outfile_start(&sink->output);

	return result ? result : outfile_start(&sink->map);
}

int sink_begin(struct sink *sink)
{
	if (sink->sha256 && EVP_DigestInit_ex(sink->sha256, EVP_sha256(), NULL) != 1)
		return fail(EXIT_MISSING, "--sha256: libcrypto has no SHA-256 here");
	return 0;
}

static int flush_stage(struct sink *s)
{
	size_t len = s->staged;

	s->staged = 0;
	if (!len)
		return 0;
	if (s->sha256 && EVP_DigestUpdate(s->sha256, s->stage, len) != 1)
		return fail(EXIT_REFUSED, "--sha256: libcrypto failed");
	if (s->output.fd >= 0)
		return outfile_write(&s->output, s->stage, len);
	return 0;
}

static int stage(struct sink *s, const uint8_t *from, size_t len)
{
	while (len) {
		size_t room = STAGE_SIZE - s->staged;
		size_t part = len < room ? len : room;
		int result;

		memcpy(s->stage + s->staged, from, part);
		s->staged += part;
		from += part;
		len -= part;
		if (s->staged < STAGE_SIZE)
			continue;
		result = flush_stage(s);
		if (result)
			return result;
	}
	return 0;
}

static int flush_map(struct sink *s)
{
	size_t len = s->map_used;

	s->map_used = 0;
	return outfile_write(&s->map, s->map_text, len);
}

static int map_line(struct sink *s, const struct devmem_fragment *frag)
{
	char *at;
	int n;

	if (MAP_TEXT_SIZE - s->map_used < MAP_LINE_MAX) {
		int result = flush_map(s);

		if (result)
			return result;
	}
	at = s->map_text + s->map_used;
	if (frag->kind == DEVMEM_FRAGMENT_HOST)
		n = snprintf(at, MAP_LINE_MAX, "host %u\n", frag->size);
	else if (!frag->region)
		n = snprintf(at, MAP_LINE_MAX, "foreign %u\n", frag->size);
	else
		n = snprintf(at, MAP_LINE_MAX, "%llu %u\n", (unsigned long long)frag->offset,
			     frag->size);
	s->map_used += (size_t)n;
	return 0;
}

static int stage_fragment(struct sink *s, const struct devmem_fragment *frag)
{
	if (frag->kind == DEVMEM_FRAGMENT_HOST)
		return stage(s, frag->host, frag->size);
	if (!frag->region)
		return fail(EXIT_REFUSED,
			    "binding %u: the stream came through a queue of another program's "
			    "binding, so its bytes can't be read; check the flow rules",
			    frag->dmabuf_id);
	return stage(s, s->bytes + frag->offset, frag->size);
}

int sink_write(struct sink *sink, const struct devmem_fragment *frags, int n)
{
	bool bytes = sink_needs_bytes(sink);
	struct devmem_error err;
	int result = 0;

	if (bytes && devmem_region_sync(sink->region, DEVMEM_SYNC_READ, &err))
		return fail_error(&err);
	for (int i = 0; i < n && !result; i++) {
		if (sink->map.fd >= 0)
			result = map_line(sink, &frags[i]);
		if (bytes && !result)
			result = stage_fragment(sink, &frags[i]);
	}
	if (bytes && devmem_region_sync(sink->region, DEVMEM_SYNC_READ | DEVMEM_SYNC_END, &err) &&
	    !result)
		result = fail_error(&err);
	/* Readers of the output get what has come without waiting for the next megabyte. */
	return result ? result : flush_stage(sink);
}

int sink_finish(struct sink *sink, char text[SINK_SHA256_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	int result = flush_stage(sink);

	text[0] = '\0';
	if (!result && sink->map_used)
		result = flush_map(sink);
	if (result || !sink->sha256)
		return result;
	if (EVP_DigestFinal_ex(sink->sha256, digest, &len) != 1)
		return fail(EXIT_REFUSED, "--sha256: libcrypto failed");
	for (unsigned int i = 0; i < len && 2 * i + 2 < SINK_SHA256_TEXT; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

int sink_close(struct sink *sink)
{
	int result;
	int map_result;

	if (!sink)
		return 0;
	result = outfile_close(&sink->output);
	map_result = outfile_close(&sink->map);
	EVP_MD_CTX_free(sink->sha256);
	free(sink->stage);
	free(sink->map_text);
	free(sink);
	return result ? result : map_result;
}
