/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_OUTFILE_H
#define DEVMEMCTL_OUTFILE_H

/*
 * Files that recv and send write. They are opened before anything is set up, so that a bad name is
 * found early, and left as they were until outfile_start(): what a failed call leaves behind is
 * what was there. Calls return 0, or an exit code after saying what is wrong.
 */

#include <stdbool.h>
#include <stddef.h>

struct outfile {
	int fd; /* -1 = none */
	const char *name;
	bool created;
	bool started;
	bool regular;
	bool borrowed; /* standard output */
};

#define OUTFILE_NONE                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* "-" is standard output. */
int outfile_open(struct outfile *f, const char *name);
/* Empties the file: from now on it belongs to the stream. */
int outfile_start(struct outfile *f);
/* All of it; a signal meanwhile: -EINTR. */
int outfile_write(struct outfile *f, const void *data, size_t len);
int outfile_close(struct outfile *f);

#endif
