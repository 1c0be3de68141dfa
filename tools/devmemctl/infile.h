/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_INFILE_H
#define DEVMEMCTL_INFILE_H

/* The file that send reads. Unless said otherwise calls return 0, or an exit code after saying what
 * is wrong. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct infile {
	int fd; /* -1 = none */
	const char *name;
	bool regular;
	bool borrowed; /* standard input */
};

#define INFILE_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* "-" is standard input. Doesn't wait for the writer of a FIFO. */
int infile_open(struct infile *f, const char *name);
/*
 * What is there, at most len bytes; of anything but a file without waiting for more. To be called
 * when poll(2) has found fd ready, because only that distinguishes a FIFO without a writer yet
 * from one at its end.
 * Return: bytes, 0 at the end, -EAGAIN somebody else was faster, or another negative errno.
 */
ssize_t infile_read(const struct infile *f, void *data, size_t len);
void infile_close(struct infile *f);

#endif
