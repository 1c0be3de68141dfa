// SPDX-License-Identifier: BSD-3-Clause
/*
 * What setting a queue apart and putting everything back costs: by a reservation, with and without
 * a watcher, and by the same steps as ethtool commands.
 *
 *	reservebench DEV QUEUE REPEATS
 *
 * Prints one line of JSON for each way: medians in microseconds, wall clock. The steps are: header
 * split on, RSS off the queue, which must be the last one, and a flow rule; and back. The driver's
 * part is in all of them.
 */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define REPEATS_MAX 100
#define WORDS_MAX 16

extern char **environ;

struct bench {
	char *dev;
	uint32_t queue;
	unsigned int flags;
	struct devmem_netdev *netdev;
	struct devmem_reservation *reservation;
};

static void must(int code, const struct devmem_error *err)
{
	if (code < 0) {
		fprintf(stderr, "reservebench: %s\n", err->message);
		exit(1);
	}
}

static void library_up(struct bench *b)
{
	const struct devmem_reservation_options options = { .sz = sizeof(options),
							    .flags = b->flags };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(5000) };
	struct devmem_flow flow = { 0 };
	struct devmem_error err;

	inet_pton(AF_INET, "10.0.0.1", &in.sin_addr);
	memcpy(&flow.dst, &in, sizeof(in));
	must(devmem_reservation_open(&b->reservation, b->netdev, &b->queue, 1, &options, &err),
	     &err);
	must(devmem_reservation_add_flow(b->reservation, &flow, b->queue, NULL, &err), &err);
}

static void library_down(struct bench *b)
{
	struct devmem_error err;

	must(devmem_reservation_close(b->reservation, &err), &err);
}

/* Runs a command: its words are separated by blanks; DEV and QUEUE are replaced. */
static void command(struct bench *b, const char *text)
{
	char line[256], queue[12], *words[WORDS_MAX + 1], *save;
	size_t n = 0;
	int status;
	pid_t pid;

	snprintf(line, sizeof(line), "%s", text);
	snprintf(queue, sizeof(queue), "%u", b->queue);
	for (char *word = strtok_r(line, " ", &save); word && n < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save)) {
		if (!strcmp(word, "DEV"))
			word = b->dev;
		else if (!strcmp(word, "QUEUE"))
			word = queue;
		words[n++] = word;
	}
	words[n] = NULL;
	if (posix_spawnp(&pid, words[0], NULL, NULL, words, environ) ||
	    waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "reservebench: failed: %s\n", text);
		exit(1);
	}
}

static void ethtool_up(struct bench *b)
{
	command(b, "ethtool -G DEV tcp-data-split on");
	command(b, "ethtool -X DEV equal QUEUE");
	command(b,
		"ethtool -N DEV flow-type tcp4 dst-ip 10.0.0.1 dst-port 5000 action QUEUE loc 0");
}

static void ethtool_down(struct bench *b)
{
	command(b, "ethtool -N DEV delete 0");
	command(b, "ethtool -X DEV default");
	command(b, "ethtool -G DEV tcp-data-split off");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct bench *b, const char *way, void (*up)(struct bench *),
		    void (*down)(struct bench *), unsigned int repeats)
{
	double set_up[REPEATS_MAX], tear_down[REPEATS_MAX];

	/* The first one warms up. */
	up(b);
	down(b);
	for (unsigned int i = 0; i < repeats; i++) {
		double start = now(), middle;

		up(b);
		middle = now();
		down(b);
		set_up[i] = middle - start;
		tear_down[i] = now() - middle;
	}
	qsort(set_up, repeats, sizeof(*set_up), ascending);
	qsort(tear_down, repeats, sizeof(*tear_down), ascending);
	printf("{\"way\":\"%s\",\"repeats\":%u,\"set_up_us\":%.0f,\"tear_down_us\":%.0f}\n", way,
	       repeats, set_up[repeats / 2], tear_down[repeats / 2]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct devmem_error err;
	unsigned int repeats;
	struct bench b;

	memset(&b, 0, sizeof(b));
	repeats = argc == 4 ? (unsigned int)strtoul(argv[3], NULL, 0) : 0;
	if (!repeats || repeats > REPEATS_MAX) {
		fprintf(stderr, "usage: reservebench DEV QUEUE REPEATS (1 to %d)\n", REPEATS_MAX);
		return 1;
	}
	b.dev = argv[1];
	b.queue = (uint32_t)strtoul(argv[2], NULL, 0);
	must(devmem_netdev_open(&b.netdev, b.dev, &err), &err);
	measure(&b, "reservation", library_up, library_down, repeats);
	b.flags = DEVMEM_RESERVATION_NO_WATCHER;
	measure(&b, "reservation without watcher", library_up, library_down, repeats);
	measure(&b, "ethtool", ethtool_up, ethtool_down, repeats);
	devmem_netdev_close(b.netdev);
	return 0;
}
