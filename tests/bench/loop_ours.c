// SPDX-License-Identifier: BSD-3-Clause
/* The library: recv, release, and nothing else. */
#include "loop.h"

#include <stdio.h>

#include <devmem/rx.h>

#include "allocations.h"

static int complain(const struct devmem_error *err)
{
	fprintf(stderr, "rxbench: ours: %s\n", err->message);
	return err->code;
}

static void copy_stats(const struct devmem_rx *rx, struct counts *counts)
{
	struct devmem_rx_stats stats;

	devmem_rx_stats(rx, &stats);
	counts->recv_calls = stats.recv_calls;
	counts->poll_calls = stats.poll_calls;
	counts->return_calls = stats.return_calls;
	counts->lowat_calls = stats.lowat_calls;
	counts->ranges = stats.ranges_returned;
}

static int run(int fd, struct devmem_binding *binding, const struct loop_options *options,
	       struct counts *counts)
{
	struct devmem_rx_options rx_options = { .sz = sizeof(rx_options),
						.lowat_max = options->lowat };
	const struct devmem_fragment *frags;
	struct devmem_error err;
	struct devmem_rx *rx;
	int ret, n, i;

	ret = devmem_rx_open(&rx, fd, binding, &rx_options, &err);
	if (ret)
		return complain(&err);
	devmem_rx_expect(rx, options->expect);
	counts->allocations = allocations();
	while ((n = devmem_rx_recv(rx, &frags, 0)) > 0) {
		for (i = 0; i < n; i++) {
			if (frags[i].kind == DEVMEM_FRAGMENT_DEVICE)
				counts->bytes_device += frags[i].size;
			else
				counts->bytes_host += frags[i].size;
		}
		counts->fragments += (uint64_t)n;
		devmem_rx_release(rx, frags, (size_t)n);
	}
	counts->allocations = allocations() - counts->allocations;
	if (n < 0) {
		devmem_rx_explain(rx, n, &err);
		complain(&err);
	}
	copy_stats(rx, counts);
	devmem_rx_close(rx);
	return n;
}

const struct loop loop_ours = {
	.name = "ours",
	.text = "libdevmem: devmem_rx_expect(), then devmem_rx_recv() and devmem_rx_release()",
	.device = 1,
	.run = run,
};
