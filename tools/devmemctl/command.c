/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <devmem/inherit.h>

#include "command.h"
#include "signals.h"

/* Exit codes of a command that didn't start, as a shell has them. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

static int set_number(const char *name, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return setenv(name, text, 1);
}

/* In this process, which uses none of them: so that what fails is said before anything starts. */
static int set_env(const struct setup *s)
{
	char inherit[DEVMEM_INHERIT_TEXT_SIZE];
	char queues[QUEUES_MAX * 6];
	struct devmem_error err;

	if (devmem_inherit_format(inherit, sizeof(inherit), s->binding, s->before.name,
				  s->queues.id, s->queues.n, &err))
		return fail_error(&err);
	format_ranges(queues, sizeof(queues), s->queues.id, s->queues.n);
	/* Those of an outer command would be wrong here. */
	unsetenv("DEVMEM_RESERVATION");
	unsetenv("DEVMEM_QUEUES");
	if (setenv(DEVMEM_INHERIT_ENV, inherit, 1) || setenv("DEVMEM_DEV", s->before.name, 1) ||
	    (s->queues.n && setenv("DEVMEM_QUEUES", queues, 1)) ||
	    set_number("DEVMEM_BINDING_ID", devmem_binding_id(s->binding)) ||
	    set_number("DEVMEM_REGION_FD", (uint32_t)devmem_region_fd(s->region)) ||
	    (s->reservation &&
	     set_number("DEVMEM_RESERVATION", devmem_reservation_id(s->reservation))))
		return fail_errno(errno, "environment of the command");
	return 0;
}

/* In the child. All descriptors of ours are close-on-exec; so is the binding's socket: the binding
 * ends with this process. */
__attribute__((noreturn)) static void exec_command(const struct setup *s, char **command)
{
	int errnum;

	signals_reset();
	if (fcntl(devmem_region_fd(s->region), F_SETFD, 0))
		_exit(fail_errno(errno, "DEVMEM_REGION_FD"));
	execvp(command[0], command);
	errnum = errno;
	fail_errno(errnum, command[0]);
	_exit(errnum == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

int command_run(const struct setup *s, char **command)
{
	int result = set_env(s);
	int status;
	pid_t pid;
	int fd;

	if (result)
		return result;
	/* One from the terminal came when there was no command yet that it could reach. */
	result = signals_next(NULL);
	if (result)
		return EXIT_SIGNAL_BASE + result;
	/* Started with it ignored, waitpid(2) would find nobody. */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid < 0)
		return fail_errno(errno, "fork");
	if (!pid)
		exec_command(s, command);
	fd = pidfd_open(pid, 0);
	while (fd >= 0) {
		bool by_process;
		int ready = signals_wait(fd, POLLIN, -1);
		int sig;

		if (ready > 0)
			break;
		/* A signal from the terminal has reached the command already. */
		while ((sig = signals_next(&by_process)))
			if (by_process)
				kill(pid, sig);
	}
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno(errno, "waitpid");
	if (WIFSIGNALED(status))
		return EXIT_SIGNAL_BASE + WTERMSIG(status);
	return WEXITSTATUS(status);
}
