/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctl.h"
#include "signals.h"

static int signal_fd = -1;
static sigset_t mask_before;
static struct sigaction pipe_before;
static struct sigaction xfsz_before;

/* Signals that say that this program is at fault, or that don't end a process, stay as they are. */
static const int left_alone[] = { SIGSEGV, SIGBUS,   SIGFPE,  SIGILL,  SIGTRAP, SIGABRT,
				  SIGSYS,  SIGCHLD,  SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,
				  SIGURG,  SIGWINCH, SIGPIPE, SIGXFSZ };

int signals_open(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction hup;
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
		sigdelset(&set, left_alone[i]);
	/* Started with nohup(1). A blocked signal is delivered even if it is ignored, so leave it
	 * out. */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	/* A reader that went away and a file that may not grow are errors of write(2). */
	sigaction(SIGPIPE, &ignore, &pipe_before);
	sigaction(SIGXFSZ, &ignore, &xfsz_before);
	sigprocmask(SIG_BLOCK, &set, &mask_before);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signal_fd < 0)
		return fail_errno(errno, "signalfd");
	return 0;
}

int signals_fd(void)
{
	return signal_fd;
}

int signals_next(bool *by_process)
{
	struct signalfd_siginfo info;

	if (signal_fd < 0 || read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (by_process)
		*by_process = info.ssi_code <= 0;
	return (int)info.ssi_signo;
}

void signals_reset(void)
{
	sigaction(SIGPIPE, &pipe_before, NULL);
	sigaction(SIGXFSZ, &xfsz_before, NULL);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

const char *signals_name(int sig, char buf[24])
{
	const char *name = sigabbrev_np(sig);

	if (name)
		snprintf(buf, 24, "SIG%s", name);
	else
		snprintf(buf, 24, "signal %d", sig);
	return buf;
}

int signals_poll(struct pollfd *fds, unsigned int n, int timeout_ms)
{
	struct pollfd all[1 + SIGNALS_POLL_MAX] = { { .fd = signal_fd, .events = POLLIN } };
	int ready;

	for (unsigned int i = 0; i < n; i++)
		all[1 + i] = (struct pollfd){ .fd = fds[i].fd, .events = fds[i].events };
	/* Only being stopped and continued interrupts it; the time begins anew then. */
	do
		ready = poll(all, 1 + n, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	for (unsigned int i = 0; i < n; i++)
		fds[i].revents = all[1 + i].revents;
	return all[0].revents ? -EINTR : ready;
}

int signals_wait(int fd, short events, int timeout_ms)
{
	struct pollfd one = { .fd = fd, .events = events };

	return signals_poll(&one, 1, timeout_ms);
}
