// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random users of reservations: torture DEV SEED SECONDS
 *
 * Up to four at a time start, reserve one or two queues and add flows; some bind a region and
 * receive a stream from the other host (namespace "peer"); then they leave, or die by SIGKILL after
 * a random step or at a random moment. Watchers are killed now and then as well. What they do
 * follows from the seed, when they do it doesn't. Nothing is cleaned up at the end: all that live
 * are killed.
 *
 * Prints how often everything happened, as NAME VALUE lines. Status 1 if something happened that
 * must not.
 */
#include <devmem/devmem.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "streams.h"

#define USERS 4
#define PORT 5000
#define REGION_SIZE (1 << 20)
#define PATIENCE_MS 4000

/* Exit status of users, and what else is counted. */
enum count {
	LEFT,
	REFUSED,   /* no queue was free */
	UNWATCHED, /* the watcher was killed before it was ready: refused as well */
	NO_STREAM, /* the sender didn't get through, which is no error */
	STREAMED,
	DIED,
	WATCHERS,
	COUNTS,
};

static const char *const count_names[COUNTS] = {
	"left", "refused", "unwatched", "no_stream", "streamed", "died", "watchers_killed",
};

struct plan {
	uint16_t port;
	size_t queues;
	unsigned int flows, kill_at, stay_ms;
	uint32_t bytes; /* of the stream; 0: none */
	bool spread, watcher;
	unsigned int steps;
};

static uint32_t state;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint8_t pattern(uint16_t port, uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) + port);
}

/* ---- the other host ---- */

static void send_stream(const struct plan *plan)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(plan->port) };
	uint64_t end = now_ms() + PATIENCE_MS;
	static uint8_t buf[1 << 20];
	uint32_t i, sent = 0;
	ssize_t n = 0;
	int ns, fd;

	alarm(2 * PATIENCE_MS / 1000);
	ns = open("/run/netns/peer", O_RDONLY);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die("namespace peer: %s", strerror(errno));
	inet_pton(AF_INET, "10.0.0.1", &addr.sin_addr);
	for (i = 0; i < plan->bytes; i++)
		buf[i] = pattern(plan->port, i);
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			break;
		close(fd);
		if (now_ms() > end)
			exit(0);
		usleep(50000);
	}
	while (n >= 0 && sent < plan->bytes) {
		n = send(fd, buf + sent, plan->bytes - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (uint32_t)n : 0;
	}
	exit(0);
}

/* ---- a user ---- */

static void step(const char *name, void *arg)
{
	struct plan *plan = arg;

	(void)name;
	if (++plan->steps == plan->kill_at)
		kill(getpid(), SIGKILL);
}

/* Printed, and judged by the scenario: some notices are expected, others mean a failure. */
static void notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "notice: %s\n", text);
}

static void check_bytes(const struct plan *plan, const struct devmem_fragment *frags, int n,
			uint64_t *at)
{
	static uint8_t buf[REGION_SIZE];
	struct devmem_error err;
	const uint8_t *bytes;
	uint32_t i;

	for (; n-- > 0; frags++) {
		bytes = buf;
		if (frags->kind == DEVMEM_FRAGMENT_HOST)
			bytes = frags->host;
		else if (!frags->region)
			die("a fragment in somebody else's region");
		else
			must(devmem_region_read(frags->region, frags->offset, buf, frags->size,
						&err),
			     &err);
		for (i = 0; i < frags->size; i++) {
			if (bytes[i] != pattern(plan->port, *at + i))
				die("port %u: wrong byte at %llu", plan->port,
				    (unsigned long long)(*at + i));
		}
		*at += frags->size;
	}
}

/* True if every byte came. */
static bool receive(const struct plan *plan, int listener, struct devmem_binding *binding)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	const struct devmem_fragment *frags;
	struct devmem_error err;
	struct devmem_rx *rx;
	uint64_t at = 0;
	int fd, n;

	if (poll(&pfd, 1, PATIENCE_MS) <= 0)
		return false;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	must(devmem_rx_open(&rx, fd, binding, NULL, &err), &err);
	pfd.fd = fd;
	while (poll(&pfd, 1, PATIENCE_MS) > 0) {
		n = devmem_rx_recv(rx, &frags, DEVMEM_RX_DONTWAIT);
		if (n == -EAGAIN)
			continue;
		if (n <= 0)
			break;
		check_bytes(plan, frags, n, &at);
		devmem_rx_release(rx, frags, (size_t)n);
	}
	devmem_rx_close(rx);
	close(fd);
	return at == plan->bytes;
}

static void add_flows(const struct plan *plan, struct devmem_reservation *reservation)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct devmem_flow flow = { 0 };
	struct devmem_error err;
	const uint32_t *queues;
	unsigned int i;
	size_t n;

	queues = devmem_reservation_queues(reservation, &n);
	inet_pton(AF_INET, "10.0.0.1", &in.sin_addr);
	for (i = 0; i < plan->flows; i++) {
		in.sin_port = htons((uint16_t)(plan->port + i));
		memcpy(&flow.dst, &in, sizeof(in));
		must(devmem_reservation_add_flow(
			     reservation, &flow,
			     plan->spread && !i ? DEVMEM_QUEUE_SPREAD : queues[i % n], NULL, &err),
		     &err);
	}
}

static enum count use(const struct plan *plan, struct devmem_netdev *netdev,
		      struct devmem_reservation *reservation)
{
	struct devmem_binding *binding;
	struct devmem_region *region;
	struct devmem_error err;
	const uint32_t *queues;
	bool complete;
	int listener;
	size_t n;

	if (!plan->bytes) {
		usleep(plan->stay_ms * 1000);
		return LEFT;
	}
	queues = devmem_reservation_queues(reservation, &n);
	must(devmem_region_open(&region, "udmabuf:huge=no", REGION_SIZE, &err), &err);
	must(devmem_binding_open_rx(&binding, region, netdev, queues, n, NULL, &err), &err);
	listener = listen_on(plan->port);
	complete = receive(plan, listener, binding);
	close(listener);
	devmem_binding_close(binding);
	devmem_region_close(region);
	return complete ? STREAMED : NO_STREAM;
}

static enum count user(struct plan *plan, const char *dev)
{
	struct devmem_reservation_options options = {
		.sz = sizeof(options),
		.step = step,
		.notice = notice,
		.arg = plan,
	};
	struct devmem_reservation *reservation;
	struct devmem_netdev *netdev;
	struct devmem_error err;
	enum count result;
	int ret;

	if (!plan->watcher)
		options.flags |= DEVMEM_RESERVATION_NO_WATCHER;
	must(devmem_netdev_open(&netdev, dev, &err), &err);
	ret = devmem_reservation_open(&reservation, netdev, NULL, plan->queues, &options, &err);
	if (ret == -EBUSY) {
		fprintf(stderr, "refused: %s\n", err.message);
		return REFUSED;
	}
	if (ret == -ENOEXEC) {
		fprintf(stderr, "unwatched: %s\n", err.message);
		return UNWATCHED;
	}
	must(ret, &err);
	add_flows(plan, reservation);
	result = use(plan, netdev, reservation);
	must(devmem_reservation_close(reservation, &err), &err);
	devmem_netdev_close(netdev);
	return result;
}

/* ---- all of them ---- */

static struct plan make_plan(unsigned int slot)
{
	struct plan plan = { .port = (uint16_t)(PORT + 10 * slot) };

	plan.queues = 1 + random_below(2);
	plan.flows = random_below(3);
	plan.spread = random_below(2);
	plan.watcher = random_below(4) != 0;
	plan.kill_at = random_below(2) ? 1 + random_below(35) : 0;
	plan.stay_ms = random_below(400);
	plan.bytes = random_below(3) ? 0 : 1 + random_below(500000);
	if (plan.bytes && !plan.flows)
		plan.flows = 1;
	return plan;
}

static pid_t senders[USERS];

static pid_t fork_user(unsigned int slot, const char *dev)
{
	struct plan plan = make_plan(slot);
	pid_t pid;

	/* A sender that still tries to reach the slot's last user would reach this one. */
	if (senders[slot])
		kill(senders[slot], SIGKILL);
	senders[slot] = plan.bytes ? fork() : 0;
	if (plan.bytes && !senders[slot])
		send_stream(&plan);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	exit(10 + (int)user(&plan, dev));
}

static void kill_watcher(unsigned long counts[COUNTS])
{
	char path[300], text[64];
	struct dirent *entry;
	FILE *file;
	DIR *dir;

	dir = opendir("/proc");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || random_below(2))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(text, sizeof(text), file) && strstr(text, "(devmem-watcher)") &&
		    !kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL))
			counts[WATCHERS]++;
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

static bool count_status(int status, unsigned long counts[COUNTS])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		counts[DIED]++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) >= 10 &&
		 WEXITSTATUS(status) < 10 + (int)COUNTS)
		counts[WEXITSTATUS(status) - 10]++;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	unsigned long counts[COUNTS] = { 0 };
	pid_t users[USERS] = { 0 }, pid;
	bool good = true;
	uint64_t end;
	unsigned int i;
	int status;

	if (argc != 4)
		die("usage: torture DEV SEED SECONDS");
	state = (uint32_t)strtoul(argv[2], NULL, 0) * 2654435761U + 1;
	end = now_ms() + 1000 * strtoul(argv[3], NULL, 0);
	while (good && now_ms() < end) {
		i = random_below(USERS);
		if (!users[i])
			users[i] = fork_user(i, argv[1]);
		else if (!random_below(6))
			kill(users[i], SIGKILL);
		if (!random_below(12))
			kill_watcher(counts);
		usleep(1000 * random_below(120));
		/* Some are senders, which are children too. */
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			for (i = 0; i < USERS && users[i] != pid; i++)
				senders[i] = senders[i] == pid ? 0 : senders[i];
			if (i == USERS)
				continue;
			users[i] = 0;
			good &= count_status(status, counts);
		}
	}
	for (i = 0; i < USERS; i++) {
		if (!users[i])
			continue;
		kill(users[i], SIGKILL);
		waitpid(users[i], &status, 0);
		good &= count_status(status, counts);
	}
	/* A sender that still tries to reach its user would reach whatever listens there next. */
	for (i = 0; i < USERS; i++) {
		if (!senders[i])
			continue;
		kill(senders[i], SIGKILL);
		waitpid(senders[i], NULL, 0);
	}
	for (i = 0; i < COUNTS; i++)
		printf("%s %lu\n", count_names[i], counts[i]);
	return good ? 0 : 1;
}
