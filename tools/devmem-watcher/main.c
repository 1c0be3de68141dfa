/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outlives the owner of a reservation and puts back what it left: devmem-watcher DIR NIC ID.
 *
 * devmem_reservation_open() starts it and reads one line from its standard output: "ready", or
 * "error: TEXT". With "ready" the first process exits, so that nobody has to wait for it later; a
 * child goes on, apart from whatever its starter belongs to, and reports to syslog.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <devmem/reservation.h>
#include <devmem/version.h>

#define USAGE "usage: devmem-watcher DIR NIC ID\n"

/* Set in the child: nobody reads standard output any more. */
static bool detached;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (detached) {
		vsyslog(LOG_ERR, fmt, ap);
	} else {
		fputs("error: ", stdout);
		vprintf(fmt, ap);
		putchar('\n');
		fflush(stdout);
	}
	va_end(ap);
	_exit(1);
}

/* Better now, while somebody reads the reason, than when the owner is dead. */
static void check_privilege(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		die("devmem-watcher: capget: %s", strerror(errno));
	if (!(data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)))
		die("devmem-watcher: without CAP_NET_ADMIN it could put nothing back; run as root, "
		    "or without a watcher");
}

static void on_ready(void *arg)
{
	pid_t pid = fork();
	int null;

	(void)arg;
	if (pid < 0)
		die("devmem-watcher: fork: %s", strerror(errno));
	if (pid) {
		/* Whether the starter still lives to read it is the child's business. */
		puts("ready");
		fflush(stdout);
		_exit(0);
	}
	detached = true;
	setsid();
	/* A service that is stopped gets these in all of its processes, the owner among them: that
	 * is when this one is needed. It exits by itself soon after the owner. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || chdir("/")) {
		syslog(LOG_WARNING, "detaching: %s", strerror(errno));
		/* The starter reads until its end. */
		close(STDOUT_FILENO);
	}
	if (null > STDERR_FILENO)
		close(null);
}

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	syslog(LOG_NOTICE, "%s", text);
}

static uint32_t parse_id(const char *text)
{
	unsigned long long id;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return 0;
	errno = 0;
	id = strtoull(text, NULL, 10);
	return errno || id > UINT32_MAX ? 0 : (uint32_t)id;
}

int main(int argc, char **argv)
{
	struct devmem_reservation_options options = { .sz = sizeof(options), .notice = on_notice };
	struct devmem_error err;
	uint32_t id;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(USAGE, stdout);
		return fflush(stdout) ? 1 : 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("devmem-watcher %s, libdevmem %s\n", DEVMEM_VERSION, devmem_version());
		return fflush(stdout) ? 1 : 0;
	}
	id = argc == 4 ? parse_id(argv[3]) : 0;
	if (!id || !argv[2][0]) {
		fputs(USAGE, stderr);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	openlog("devmem-watcher", LOG_PID, LOG_DAEMON);
	check_privilege();
	/* Before the working directory is left. */
	options.dir = realpath(argv[1], NULL);
	if (!options.dir)
		die("%s: %s", argv[1], strerror(errno));
	if (devmem_reservation_watch(argv[2], id, on_ready, &options, &err))
		die("%s", err.message);
	free((char *)options.dir);
	return 0;
}
