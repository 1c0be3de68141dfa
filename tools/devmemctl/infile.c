/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ctl.h"
#include "infile.h"

static int check(struct infile *f)
{
	struct stat st;
	int flags = fcntl(f->fd, F_GETFL);

	if (flags < 0 || fstat(f->fd, &st))
		return fail_file(errno, f->name, "fstat");
	if ((flags & O_ACCMODE) == O_WRONLY)
		return fail(EXIT_USAGE, "%s: closed, or not open for reading", f->name);
	if (S_ISDIR(st.st_mode))
		return fail_file(EISDIR, f->name, "open");
	if (f->borrowed && isatty(f->fd))
		return fail(EXIT_USAGE, "--input -: standard input is a terminal; redirect it, or "
					"name a file");
	f->regular = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	return 0;
}

int infile_open(struct infile *f, const char *name)
{
	f->name = name;
	if (!strcmp(name, "-")) {
		f->name = "standard input";
		f->fd = STDIN_FILENO;
		f->borrowed = true;
	} else {
		/* Without waiting for the writer of a FIFO. */
		f->fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (f->fd < 0)
			return fail_file(errno, f->name, "open");
	}
	return check(f);
}

ssize_t infile_read(const struct infile *f, void *data, size_t len)
{
	struct iovec part = { .iov_base = data, .iov_len = len };
	ssize_t n = -1;

	/* Another reader of the same pipe may have been faster, and signals are blocked. */
	if (!f->regular)
		n = preadv2(f->fd, &part, 1, -1, RWF_NOWAIT);
	/* Not everything can be asked not to wait. */
	if (f->regular || (n < 0 && errno == EOPNOTSUPP))
		n = read(f->fd, data, len);
	return n < 0 ? -errno : n;
}

void infile_close(struct infile *f)
{
	if (f->fd >= 0 && !f->borrowed)
		close(f->fd);
	f->fd = -1;
}
