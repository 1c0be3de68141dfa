// SPDX-License-Identifier: BSD-3-Clause
/* Ordinary recv() into host memory: what the same stream costs without device memory. */
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "allocations.h"

#define RECV_LEN (4U << 20)

static int run(int fd, struct devmem_binding *binding, const struct loop_options *options,
	       struct counts *counts)
{
	void *buf = malloc(RECV_LEN);
	ssize_t n;
	int ret = 0;

	(void)binding;
	(void)options;
	if (!buf) {
		fprintf(stderr, "rxbench: plain: no memory\n");
		return -ENOMEM;
	}
	counts->allocations = allocations();
	do {
		n = recv(fd, buf, RECV_LEN, 0);
		counts->recv_calls++;
		if (n > 0) {
			counts->fragments++;
			counts->bytes_host += (uint64_t)n;
		}
	} while (n > 0);
	counts->allocations = allocations() - counts->allocations;
	if (n < 0) {
		ret = -errno;
		fprintf(stderr, "rxbench: plain: recv: %s\n", strerror(-ret));
	}
	free(buf);
	return ret;
}

const struct loop loop_plain = {
	.name = "plain",
	.text = "recv of 4 MiB into host memory; no binding, no header split",
	.device = 0,
	.run = run,
};
