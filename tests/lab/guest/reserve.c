// SPDX-License-Identifier: BSD-3-Clause
/*
 * A user of reservations that can be killed at any step.
 *
 *	reserve [-k STEP] [-n] [-l] [-h] [-q QUEUES] [-Q LIST] [-s] [-d DIR] DEV PORT...
 *	reserve -r [-k STEP] [-l] [-d DIR] [DEV]
 *	reserve -c
 *
 * Reserves one queue (-q: that many, -Q: those), adds a flow to 10.0.0.1 for each port (-s: the
 * first one spread over all queues), and closes again. With -r: puts back what dead owners left.
 *
 *	-k STEP	kills itself with SIGKILL right after that step, counted from 1
 *	-n	starts no watcher
 *	-l	prints the steps, one "NUMBER NAME" a line
 *	-h	prints "ready ID QUEUE..." and waits for SIGTERM before it closes
 *	-d DIR	another runtime directory
 *
 * With -c it runs the commands that it reads from standard input, in children that are forked but
 * execute no program, because starting one is slow where the processor is emulated. Each command is
 * answered with one line:
 *
 *	run ARG...		one of the above; "status N" when it has ended, 128 and the signal
 *				if it was killed
 *	start NAME ARG...	one with -h; what it prints when it is ready, or "status N"
 *	leave NAME		SIGTERM to it; "status N" when it has ended
 *	kill NAME		SIGKILL to it; "status 137"
 *	lonely			SIGKILL to all watchers; "killed N"
 *	settled N		waits until there are N owners' files and as many watchers, and, if
 *				N is 0, nothing at all in /run/devmem; "settled", or what is there
 *				after 20 seconds
 */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "streams.h"

#define DIR_DEFAULT "/run/devmem"
#define WATCHER "devmem-watcher"
#define WATCHERS_MAX 64
#define NAMED_MAX 8
#define WORDS_MAX 24
#define SETTLE_TRIES 1000
#define SETTLE_POLL_US 20000

/* ---- one user ---- */

struct user {
	unsigned long kill_at, steps;
	bool list, hold, spread, restore;
	uint32_t queues[16];
	size_t n_queues, n;
	struct devmem_reservation_options options;
};

static void step(const char *name, void *arg)
{
	struct user *user = arg;

	user->steps++;
	if (user->list)
		printf("%lu %s\n", user->steps, name);
	if (user->steps == user->kill_at)
		kill(getpid(), SIGKILL);
}

static void notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

static void wait_for_sigterm(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &sig);
}

static void add_flow(struct devmem_reservation *reservation, const char *port, uint32_t queue)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct devmem_flow flow = { 0 };
	struct devmem_error err;

	in.sin_port = htons((uint16_t)strtoul(port, NULL, 0));
	inet_pton(AF_INET, "10.0.0.1", &in.sin_addr);
	memcpy(&flow.dst, &in, sizeof(in));
	must(devmem_reservation_add_flow(reservation, &flow, queue, NULL, &err), &err);
}

static void parse_queues(struct user *user, const char *list)
{
	char *end;

	do {
		if (user->n_queues == sizeof(user->queues) / sizeof(user->queues[0]))
			die("too many queues");
		user->queues[user->n_queues++] = (uint32_t)strtoul(list, &end, 0);
		list = end + 1;
	} while (*end == ',');
	user->n = user->n_queues;
}

static void parse(struct user *user, int argc, char **argv)
{
	int opt;

	optind = 1;
	while ((opt = getopt(argc, argv, "k:nlhq:Q:srd:")) != -1) {
		switch (opt) {
		case 'k':
			user->kill_at = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			user->options.flags |= DEVMEM_RESERVATION_NO_WATCHER;
			break;
		case 'l':
			user->list = true;
			break;
		case 'h':
			user->hold = true;
			break;
		case 'q':
			user->n = strtoul(optarg, NULL, 0);
			break;
		case 'Q':
			parse_queues(user, optarg);
			break;
		case 's':
			user->spread = true;
			break;
		case 'r':
			user->restore = true;
			break;
		case 'd':
			user->options.dir = optarg;
			break;
		default:
			die("usage: reserve [-k STEP] [-n] [-l] [-h] [-q QUEUES] [-Q LIST] [-s] "
			    "[-d DIR] DEV PORT..., reserve -r ..., or reserve -c");
		}
	}
}

static void restore(struct user *user, const char *dev)
{
	struct devmem_error err;
	unsigned int ended;

	must(devmem_reservation_restore(dev, &ended, &user->options, &err), &err);
	printf("restored %u\n", ended);
}

static void reserve(struct user *user, const char *dev, char **ports, int n_ports)
{
	struct devmem_reservation *reservation;
	struct devmem_netdev *netdev;
	struct devmem_error err;
	const uint32_t *queues;
	size_t n, i;
	int port;

	must(devmem_netdev_open(&netdev, dev, &err), &err);
	must(devmem_reservation_open(&reservation, netdev, user->n_queues ? user->queues : NULL,
				     user->n, &user->options, &err),
	     &err);
	queues = devmem_reservation_queues(reservation, &n);
	for (port = 0; port < n_ports; port++)
		add_flow(reservation, ports[port],
			 user->spread && !port ? DEVMEM_QUEUE_SPREAD : queues[0]);
	if (user->hold) {
		printf("ready %u", devmem_reservation_id(reservation));
		for (i = 0; i < n; i++)
			printf(" %u", queues[i]);
		printf("\n");
		fflush(stdout);
		wait_for_sigterm();
	}
	must(devmem_reservation_close(reservation, &err), &err);
	devmem_netdev_close(netdev);
}

static int one_user(int argc, char **argv)
{
	struct user user = { .n = 1, .options = { .sz = sizeof(user.options) } };
	sigset_t set;

	parse(&user, argc, argv);
	user.options.step = step;
	user.options.notice = notice;
	user.options.arg = &user;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (user.restore)
		restore(&user, argv[optind]);
	else if (optind < argc)
		reserve(&user, argv[optind], argv + optind + 1, argc - optind - 1);
	else
		die("which interface?");
	return 0;
}

/* ---- several users, on command ---- */

static struct {
	char name[16];
	pid_t pid;
} named[NAMED_MAX];

static void answer_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	}
	printf("status %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* What the user prints goes to *out. */
static pid_t fork_user(int argc, char **argv, int *out)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid) {
		close(fds[1]);
		*out = fds[0];
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[0]);
	close(fds[1]);
	exit(one_user(argc, argv));
}

/* The first line that comes; the rest is dropped. */
static void read_out(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char c;

	while ((n = read(fd, &c, 1)) == 1 && c != '\n') {
		if (len < size - 1)
			line[len++] = c;
	}
	line[len] = '\0';
	close(fd);
}

static void run(int argc, char **argv)
{
	int out;
	pid_t pid;

	/* The little that it prints fits into the pipe. */
	pid = fork_user(argc, argv, &out);
	answer_status(pid);
	close(out);
}

static void start(int argc, char **argv)
{
	char line[128];
	int out;
	pid_t pid;
	size_t i;

	for (i = 0; i < NAMED_MAX && named[i].pid; i++)
		;
	if (i == NAMED_MAX || argc < 2)
		die("start: too many, or no name");
	snprintf(named[i].name, sizeof(named[i].name), "%s", argv[1]);
	pid = fork_user(argc - 1, argv + 1, &out);
	read_out(out, line, sizeof(line));
	if (!line[0]) {
		answer_status(pid);
		return;
	}
	named[i].pid = pid;
	printf("%s\n", line);
}

static void end_named(const char *name, int sig)
{
	size_t i;

	for (i = 0; i < NAMED_MAX; i++) {
		if (!named[i].pid || strcmp(named[i].name, name))
			continue;
		kill(named[i].pid, sig);
		answer_status(named[i].pid);
		named[i].pid = 0;
		return;
	}
	die("no '%s'", name);
}

/* Those that are no zombies, by the names in /proc. */
static size_t find_watchers(pid_t *pids)
{
	char path[300], text[64], *after;
	struct dirent *entry;
	size_t n = 0;
	FILE *file;
	DIR *dir;

	dir = opendir("/proc");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		after = fgets(text, sizeof(text), file) ? strstr(text, "(" WATCHER ") ") : NULL;
		fclose(file);
		if (after && after[strlen("(" WATCHER ") ")] != 'Z' && n < WATCHERS_MAX)
			pids[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void kill_watchers(void)
{
	pid_t pids[WATCHERS_MAX];
	size_t n = find_watchers(pids), i;

	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (find_watchers(pids))
		usleep(1000);
	printf("killed %zu\n", n);
}

/* Counts files whose names end with suffix; text gets the names of all. */
static size_t count_files(const char *suffix, char *text, size_t size)
{
	struct dirent *entry;
	size_t n = 0, len, used = 0;
	DIR *dir;

	text[0] = '\0';
	dir = opendir(DIR_DEFAULT);
	while (dir && (entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		n += len >= strlen(suffix) && !strcmp(entry->d_name + len - strlen(suffix), suffix);
		if (used < size)
			used += (size_t)snprintf(text + used, size - used, " %s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void settled(size_t owners)
{
	pid_t pids[WATCHERS_MAX];
	char files[1024];
	size_t watchers = 0;
	int tries;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		watchers = find_watchers(pids);
		if (watchers == owners &&
		    count_files(owners ? ".owner" : "", files, sizeof(files)) == owners) {
			printf("settled\n");
			return;
		}
		usleep(SETTLE_POLL_US);
	}
	count_files("", files, sizeof(files));
	printf("not settled: %zu watchers;%s\n", watchers, files);
}

static void commands(void)
{
	char line[512], *words[WORDS_MAX + 1], *save;
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		n = 0;
		for (char *word = strtok_r(line, " \n", &save); word && n < WORDS_MAX;
		     word = strtok_r(NULL, " \n", &save))
			words[n++] = word;
		words[n] = NULL;
		if (!n)
			continue;
		fflush(stdout);
		if (!strcmp(words[0], "run"))
			run(n, words);
		else if (!strcmp(words[0], "start"))
			start(n, words);
		else if (!strcmp(words[0], "leave") && n == 2)
			end_named(words[1], SIGTERM);
		else if (!strcmp(words[0], "kill") && n == 2)
			end_named(words[1], SIGKILL);
		else if (!strcmp(words[0], "lonely"))
			kill_watchers();
		else if (!strcmp(words[0], "settled") && n == 2)
			settled(strtoul(words[1], NULL, 0));
		else
			die("no command '%s'", words[0]);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-c")) {
		commands();
		return 0;
	}
	return one_user(argc, argv);
}
