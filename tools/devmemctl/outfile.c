/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "outfile.h"
#include "signals.h"

int outfile_open(struct outfile *f, const char *name)
{
	struct stat st;

	f->name = name;
	if (!strcmp(name, "-")) {
		f->name = "standard output";
		f->fd = STDOUT_FILENO;
		f->borrowed = true;
		if (isatty(f->fd))
			return fail(EXIT_USAGE, "--output -: standard output is a terminal; "
						"redirect it");
	} else {
		/* A FIFO without a reader would block for good, so ask it not to wait. */
		f->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		f->created = f->fd >= 0;
		if (f->fd < 0 && errno == EEXIST)
			f->fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (f->fd < 0 && errno == ENXIO)
			return fail(EXIT_REFUSED, "%s: open: nobody reads from this pipe", name);
		if (f->fd < 0)
			return fail_file(errno, f->name, "open");
	}
	if (fstat(f->fd, &st))
		return fail_file(errno, f->name, "fstat");
	f->regular = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	return 0;
}

int outfile_start(struct outfile *f)
{
	if (f->fd < 0 || f->started)
		return 0;
	f->started = true;
	if (f->regular && !f->borrowed && !f->created && ftruncate(f->fd, 0) && errno != EINVAL)
		return fail_file(errno, f->name, "ftruncate");
	return 0;
}

/* One write(2) that can't block for good with signals blocked: a pipe that is ready accepts
 * PIPE_BUF bytes, a socket is asked not to wait. */
static ssize_t write_some(const struct outfile *f, const void *data, size_t len)
{
	ssize_t n;
	int err;

	if (f->regular)
		return write(f->fd, data, len);
	err = signals_wait(f->fd, POLLOUT, -1);
	if (err < 0) {
		errno = -err;
		return -1;
	}
	n = send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == ENOTSOCK)
		n = write(f->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
	return n;
}

int outfile_write(struct outfile *f, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write_some(f, at, len);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0 && errno == EINTR)
			return -EINTR;
		if (n < 0)
			return fail_file(errno, f->name, "write");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int outfile_close(struct outfile *f)
{
	int result = 0;

	if (f->fd < 0)
		return 0;
	if (f->created && !f->started)
		unlink(f->name);
	if (!f->borrowed && close(f->fd))
		result = fail_file(errno, f->name, "close");
	f->fd = -1;
	return result;
}
