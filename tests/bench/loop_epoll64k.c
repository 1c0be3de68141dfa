// SPDX-License-Identifier: BSD-3-Clause
/*
 * As benchmark tools do it: epoll, reads of 64 KiB, tokens returned one by one in lists of up to
 * 128.
 */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "allocations.h"

#define RECV_LEN (64U << 10)
#define CONTROL_LEN (128U << 10)
/* Reads in a row before epoll is asked again. */
#define READS_MAX 10

/*
 * Reads until the socket has no more. Return: 1 to go on, 0 at the end of the stream, or a negative
 * errno.
 */
static int read_ready(struct raw *raw)
{
	int i, ret;

	for (i = 0; i < READS_MAX; i++) {
		ssize_t n = raw_recv(raw, MSG_DONTWAIT);

		if (n == -EAGAIN)
			return 1;
		if (n <= 0)
			return (int)n;
		ret = raw_walk(raw, (size_t)n, raw_token_alone);
		if (!ret)
			ret = raw_return(raw);
		if (ret)
			return ret;
		if ((size_t)n < RECV_LEN)
			return 1;
	}
	return 1;
}

static int run(int fd, struct devmem_binding *binding, const struct loop_options *options,
	       struct counts *counts)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct raw raw;
	int epoll, ret;

	(void)binding;
	(void)options;
	ret = raw_open(&raw, fd, loop_epoll64k.name, RECV_LEN, CONTROL_LEN, counts);
	if (ret)
		return ret;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		ret = -errno;
		fprintf(stderr, "rxbench: %s: epoll: %s\n", raw.name, strerror(-ret));
		goto close;
	}
	counts->allocations = allocations();
	do {
		counts->poll_calls++;
		if (epoll_wait(epoll, &event, 1, -1) < 0) {
			ret = -errno;
			fprintf(stderr, "rxbench: %s: epoll_wait: %s\n", raw.name, strerror(-ret));
			break;
		}
		ret = read_ready(&raw);
	} while (ret > 0);
	counts->allocations = allocations() - counts->allocations;
close:
	if (epoll >= 0)
		close(epoll);
	raw_close(&raw);
	return ret;
}

const struct loop loop_epoll64k = {
	.name = "epoll64k",
	.text = "epoll, reads of 64 KiB, returns of up to 128 single tokens",
	.device = 1,
	.run = run,
};
