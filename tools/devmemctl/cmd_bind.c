/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "output.h"
#include "setup.h"
#include "signals.h"

enum bind_key {
	KEY_STEER = KEY_SETUP_END,
};

/* Exit codes of a command that didn't start, as a shell has them. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

struct bind_options {
	struct setup_options setup;
	bool steer;
};

static int bind_option(int key, const char *arg, void *input)
{
	struct bind_options *o = input;

	if (key == KEY_STEER) {
		o->steer = true;
		return 0;
	}
	return setup_option(key, arg, &o->setup);
}

static void set_env(const struct setup *s)
{
	char text[QUEUES_MAX * 6];

	snprintf(text, sizeof(text), "%u", devmem_binding_id(s->binding));
	setenv("DEVMEM_BINDING_ID", text, 1);
	format_ranges(text, sizeof(text), s->queues.id, s->queues.n);
	setenv("DEVMEM_QUEUES", text, 1);
	snprintf(text, sizeof(text), "%d", devmem_region_fd(s->region));
	setenv("DEVMEM_REGION_FD", text, 1);
	setenv("DEVMEM_DEV", s->before.name, 1);
}

/* In the child. The binding's own socket stays close-on-exec: the binding ends with devmemctl. */
__attribute__((noreturn)) static void exec_command(const struct setup *s, char **command)
{
	int errnum;

	set_env(s);
	signals_reset();
	if (fcntl(devmem_region_fd(s->region), F_SETFD, 0))
		_exit(fail_errno(errno, "DEVMEM_REGION_FD"));
	execvp(command[0], command);
	errnum = errno;
	fail_errno(errnum, command[0]);
	_exit(errnum == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static int run_command(const struct setup *s, char **command)
{
	int status;
	pid_t pid;
	int fd;

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
		while ((sig = signals_take(&by_process)))
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

static int hold(const struct ctl *ctl, const struct setup *s, bool steer)
{
	char name[24];
	int sig;

	if (ctl->json) {
		struct json_object *obj = out_object(NULL, NULL);
		struct devmem_binding_stats stats;
		struct json_object *list;
		int result;

		devmem_binding_stats(s->binding, &stats);
		out_str(obj, "dev", s->before.name);
		out_uint(obj, "binding", devmem_binding_id(s->binding));
		list = out_list(obj, "queues");
		for (size_t i = 0; i < s->queues.n; i++)
			out_add_uint(list, s->queues.id[i]);
		out_uint(obj, "page_size", stats.page_size);
		setup_out_region(obj, ctl, s);
		if (steer)
			setup_out_steering(obj, s);
		result = out_print(ctl, stdout, obj, NULL);
		if (result)
			return result;
	} else {
		int result;

		printf("%u\n", devmem_binding_id(s->binding));
		result = output_flush(stdout);
		if (result)
			return result;
	}
	while (signals_wait(-1, 0, -1) != -EINTR)
		;
	sig = signals_take(NULL);
	say(ctl, "%s: unbinding", signals_name(sig, name));
	return EXIT_OK;
}

int cmd_bind_rx(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		SETUP_OPTIONS,
		{ "steer", KEY_STEER, NULL, 0,
		  "Turn header split on and RSS off the queues first, and put all back at the end",
		  2 },
		{ 0 },
	};
	struct bind_options options = { .setup.region = "udmabuf" };
	const struct args_spec spec = {
		.name = "bind rx",
		.usage = "DEV [-- CMD ARGS...]",
		.summary = "Bind a region to receive queues and hold the binding: until a signal "
			   "comes, or as long as CMD runs.",
		.options = argp_options,
		.option = bind_option,
		.operands = { "DEV" },
		.command = true,
		.input = &options,
	};
	struct setup setup = { 0 };
	struct args args;
	int restored;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	options.setup.dev = args.operand[0];
	/* This process never holds a fragment. */
	options.setup.held_max = UINT64_MAX;
	result = setup_options_check(&options.setup);
	if (!result)
		result = signals_open();
	if (!result)
		result = setup_device(&setup, &options.setup, options.steer);
	if (!result)
		result = setup_region(&setup, ctl, &options.setup, false);
	if (!result && options.steer)
		result = setup_steering(&setup);
	if (!result)
		result = setup_binding(&setup, &options.setup);
	if (!result) {
		say(ctl, "%s: binding %u", setup.before.name, devmem_binding_id(setup.binding));
		if (args.command)
			result = run_command(&setup, args.command);
		else
			result = hold(ctl, &setup, options.steer);
	}
	restored = setup_close(&setup);
	return result ? result : restored;
}
