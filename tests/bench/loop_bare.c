// SPDX-License-Identifier: BSD-3-Clause
/*
 * Blocking recvmsg() in a loop, without the library: with and without a low-water mark, and with
 * one return a fragment.
 */
#include "allocations.h"
#include "raw.h"

#define RECV_LEN (4U << 20)
#define CONTROL_LEN (128U << 10)

static int run(const struct loop *loop, int fd, uint32_t lowat, raw_token_fn fn,
	       struct counts *counts)
{
	struct raw raw;
	ssize_t n = 0;
	int ret;

	ret = raw_open(&raw, fd, loop->name, RECV_LEN, CONTROL_LEN, counts);
	if (ret)
		return ret;
	if (lowat)
		ret = raw_set_lowat(&raw, lowat);
	counts->allocations = allocations();
	while (!ret && (n = raw_recv(&raw, 0)) > 0) {
		ret = raw_walk(&raw, (size_t)n, fn);
		if (!ret)
			ret = raw_return(&raw);
	}
	counts->allocations = allocations() - counts->allocations;
	raw_close(&raw);
	return ret ? ret : (int)n;
}

static int run_bare(int fd, struct devmem_binding *binding, const struct loop_options *options,
		    struct counts *counts)
{
	(void)binding;
	(void)options;
	return run(&loop_bare, fd, 0, raw_token_coalesced, counts);
}

const struct loop loop_bare = {
	.name = "bare",
	.text = "recvmsg of 4 MiB, 128 KiB of control, coalesced returns of up to 1024 tokens",
	.device = 1,
	.run = run_bare,
};

static int run_bare_lowat(int fd, struct devmem_binding *binding,
			  const struct loop_options *options, struct counts *counts)
{
	(void)binding;
	return run(&loop_bare_lowat, fd, options->lowat, raw_token_coalesced, counts);
}

const struct loop loop_bare_lowat = {
	.name = "bare-lowat",
	.text = "the same with SO_RCVLOWAT",
	.device = 1,
	.run = run_bare_lowat,
};

static int run_single(int fd, struct devmem_binding *binding, const struct loop_options *options,
		      struct counts *counts)
{
	(void)binding;
	(void)options;
	return run(&loop_single, fd, 0, raw_token_now, counts);
}

const struct loop loop_single = {
	.name = "single",
	.text = "the bare loop with a return of its own for each fragment",
	.device = 1,
	.run = run_single,
};
