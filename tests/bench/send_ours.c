// SPDX-License-Identifier: BSD-3-Clause
/* The library: space from a ring, send, space back. */
#include <stdio.h>

#include <devmem/tx_ring.h>

#include "allocations.h"
#include "send_loop.h"

static int complain(const struct devmem_error *err)
{
	fprintf(stderr, "sendbench: ours: %s\n", err->message);
	return err->code;
}

static void copy_stats(const struct devmem_tx *tx, struct send_counts *counts)
{
	struct devmem_tx_stats stats;

	devmem_tx_stats(tx, &stats);
	counts->bytes = stats.bytes_device;
	counts->send_calls = stats.send_calls;
	counts->reap_calls = stats.reap_calls;
	counts->poll_calls = stats.poll_calls;
	counts->completions = stats.completions;
	counts->copied = stats.sends_copied;
}

static int send_all(struct devmem_tx *tx, struct devmem_tx_ring *ring,
		    const struct send_options *options)
{
	struct devmem_range space;
	uint64_t done, sequence;
	int64_t n;
	int ret;

	for (done = 0; done < options->bytes; done += options->chunk) {
		ret = devmem_tx_ring_get(ring, options->chunk, options->chunk, 0, &space);
		if (ret)
			return ret;
		n = devmem_tx_send(tx, &space, 1, 0, &sequence);
		if (n < 0)
			return (int)n;
		devmem_tx_ring_put(ring, &space, sequence);
	}
	return devmem_tx_wait(tx, DEVMEM_TX_ALL, -1);
}

static int run(int fd, struct devmem_binding *binding, const struct send_options *options,
	       struct send_counts *counts)
{
	const struct devmem_range part = { .size = options->space };
	struct devmem_tx_ring *ring;
	struct devmem_error err;
	struct devmem_tx *tx;
	int ret;

	ret = devmem_tx_open(&tx, fd, binding, NULL, &err);
	if (ret)
		return complain(&err);
	ret = devmem_tx_ring_open(&ring, tx, &part, &err);
	if (ret) {
		complain(&err);
		goto close_tx;
	}
	counts->allocations = allocations();
	ret = send_all(tx, ring, options);
	counts->allocations = allocations() - counts->allocations;
	if (ret) {
		devmem_tx_explain(tx, ret, &err);
		complain(&err);
	}
	copy_stats(tx, counts);
	devmem_tx_ring_close(ring);
close_tx:
	devmem_tx_close(tx, DEVMEM_TX_ABANDON, 0);
	return ret;
}

const struct send_loop send_loop_ours = {
	.name = "ours",
	.text = "libdevmem: devmem_tx_ring_get(), devmem_tx_send(), devmem_tx_ring_put()",
	.device = 1,
	.run = run,
};
