// SPDX-License-Identifier: BSD-3-Clause
/* Ordinary send() from host memory: what the same stream costs without device memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "allocations.h"
#include "send_loop.h"

static int run(int fd, struct devmem_binding *binding, const struct send_options *options,
	       struct send_counts *counts)
{
	char *space = malloc(options->space);
	int ret = 0;

	(void)binding;
	if (!space) {
		fprintf(stderr, "sendbench: plain: no memory\n");
		return -ENOMEM;
	}
	memset(space, 0x5a, options->space);
	counts->allocations = allocations();
	while (counts->bytes < options->bytes) {
		ssize_t n = send(fd, space + counts->bytes % options->space, options->chunk,
				 MSG_NOSIGNAL);

		counts->send_calls++;
		if (n < 0 || (uint64_t)n != options->chunk) {
			ret = n < 0 ? -errno : -EIO;
			fprintf(stderr, "sendbench: plain: send: %s\n", strerror(-ret));
			break;
		}
		counts->bytes += (uint64_t)n;
	}
	counts->allocations = allocations() - counts->allocations;
	free(space);
	return ret;
}

const struct send_loop send_loop_plain = {
	.name = "plain",
	.text = "send from host memory; no binding",
	.device = 0,
	.run = run,
};
