/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_SINK_H
#define DEVMEMCTL_SINK_H

/* Where the bytes of a stream go: a file, a checksum, a list of the places where they lie.
 * Unless said otherwise calls return 0, or an exit code after saying what is wrong. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/rx.h>

#include "outfile.h"

#define SINK_SHA256_TEXT 65

struct sink_options {
	const char *output; /* NULL = none; "-" = standard output */
	const char *map;    /* NULL = none */
	bool sha256;
};

struct sink;

/* Values of --map. */
int sink_parse_map(const char *arg, struct sink_options *options);

int sink_open(struct sink **sink, const struct sink_options *options);
/* The file that is to be sent: it must not be emptied. */
int sink_check_input(const struct sink *sink, int fd);
/* Whether the bytes themselves must be read. */
bool sink_needs_bytes(const struct sink *sink);
/* The memory that DEVICE fragments lie in: once, before the first of them. */
int sink_map_region(struct sink *sink, struct devmem_region *region);
/* The set-up is complete: empties the files. */
int sink_start(struct sink *sink);
/* A new stream: the checksum starts over, files go on. */
int sink_begin(struct sink *sink);
/* A signal while a reader kept it waiting: -EINTR. */
int sink_write(struct sink *sink, const struct devmem_fragment *frags, int n);
/* The stream is over: writes out what is buffered. text: the checksum, empty if none was asked for.
 * A signal: -EINTR. */
int sink_finish(struct sink *sink, char text[SINK_SHA256_TEXT]);
int sink_close(struct sink *sink);

#endif
