// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sends over one TCP connection with a chosen loop, and prints what that cost as one line of JSON.
 * The set-up is the same for all loops, and is not measured.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "common.h"
#include "send_loop.h"

static const struct send_loop *const loops[] = { &send_loop_ours, &send_loop_bare,
						 &send_loop_plain };
#define LOOPS (sizeof(loops) / sizeof(loops[0]))

#define MIB (UINT64_C(1) << 20)

struct arguments {
	const struct send_loop *loop;
	const char *netdev, *address, *port;
	const char *region;
	struct send_options options;
};

/* What sending from device memory needs; all NULL for a loop that sends from host memory. */
struct setup {
	struct devmem_netdev *netdev;
	struct devmem_region *region;
	struct devmem_binding *binding;
};

struct measured {
	struct send_counts counts;
	uint64_t cpu_ns, elapsed_ns;
};

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: sendbench [options] LOOP NETDEV ADDRESS PORT\n"
		     "  -c KIB      bytes of one send (64)\n"
		     "  -m MIB      length of the stream (64)\n"
		     "  -s MIB      space that is sent from (16)\n"
		     "  -r SPEC     region (udmabuf)\n"
		     "Both are multiples of a send. Loops:\n");
	for (i = 0; i < LOOPS; i++)
		fprintf(out, "  %-8s %s\n", loops[i]->name, loops[i]->text);
}

/* A number of units, which have that many bytes each. */
static int units(const char *text, uint64_t unit, uint64_t *value)
{
	int ret = number(text, UINT64_C(1) << 20, value);

	*value *= unit;
	return ret;
}

static int read_arguments(struct arguments *args, int argc, char **argv)
{
	size_t i;
	int c, ret = 0;

	*args = (struct arguments){
		.region = "udmabuf",
		.options = { .bytes = 64 * MIB, .chunk = 64 << 10, .space = 16 * MIB },
	};
	while ((c = getopt(argc, argv, "c:m:s:r:")) != -1) {
		switch (c) {
		case 'c':
			ret = units(optarg, 1024, &args->options.chunk);
			break;
		case 'm':
			ret = units(optarg, MIB, &args->options.bytes);
			break;
		case 's':
			ret = units(optarg, MIB, &args->options.space);
			break;
		case 'r':
			args->region = optarg;
			break;
		default:
			ret = -EINVAL;
		}
		if (ret)
			return ret;
	}
	if (argc - optind != 4 || args->options.bytes % args->options.chunk ||
	    args->options.space % args->options.chunk)
		return -EINVAL;
	for (i = 0; i < LOOPS; i++)
		if (!strcmp(loops[i]->name, argv[optind]))
			args->loop = loops[i];
	args->netdev = argv[optind + 1];
	args->address = argv[optind + 2];
	args->port = argv[optind + 3];
	return args->loop ? 0 : -EINVAL;
}

static void tear_down(struct setup *setup)
{
	devmem_binding_close(setup->binding);
	devmem_region_close(setup->region);
	devmem_netdev_close(setup->netdev);
}

static int set_up(struct setup *setup, const struct arguments *args)
{
	struct devmem_error err;
	int ret;

	*setup = (struct setup){ 0 };
	if (!args->loop->device)
		return 0;
	ret = devmem_netdev_open(&setup->netdev, args->netdev, &err);
	if (!ret)
		ret = devmem_region_open(&setup->region, args->region, args->options.space, &err);
	if (!ret)
		ret = devmem_binding_open_tx(&setup->binding, setup->region, setup->netdev, NULL,
					     &err);
	if (!ret)
		return 0;
	fprintf(stderr, "sendbench: %s\n", err.message);
	tear_down(setup);
	return ret;
}

static int measure(struct measured *m, const struct arguments *args, struct setup *setup, int conn)
{
	int ret;

	memset(m, 0, sizeof(*m));
	m->elapsed_ns = clock_ns(CLOCK_MONOTONIC);
	m->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	ret = args->loop->run(conn, setup->binding, &args->options, &m->counts);
	m->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - m->cpu_ns;
	m->elapsed_ns = clock_ns(CLOCK_MONOTONIC) - m->elapsed_ns;
	return ret;
}

static void print(const struct arguments *args, const struct setup *setup, const struct measured *m)
{
	const struct send_counts *c = &m->counts;

	printf("{\"loop\":\"%s\",\"region\":\"%s\",\"chunk\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"calls\":{\"send\":%" PRIu64 ",\"reap\":%" PRIu64 ",\"poll\":%" PRIu64
	       ",\"all\":%" PRIu64 "},\"completions\":%" PRIu64 ",\"copied\":%" PRIu64
	       ",\"cpu_ns\":%" PRIu64 ",\"elapsed_ns\":%" PRIu64 ",\"allocations\":%" PRIu64 "}\n",
	       args->loop->name, setup->region ? devmem_region_spec(setup->region) : "",
	       args->options.chunk, c->bytes, c->send_calls, c->reap_calls, c->poll_calls,
	       c->send_calls + c->reap_calls + c->poll_calls, c->completions, c->copied, m->cpu_ns,
	       m->elapsed_ns, c->allocations);
}

int main(int argc, char **argv)
{
	struct arguments args;
	struct measured m;
	struct setup setup;
	int conn, ret;

	if (read_arguments(&args, argc, argv)) {
		usage(stderr);
		return 1;
	}
	conn = open_socket(args.address, args.port, connect);
	if (conn < 0)
		return 2;
	ret = set_up(&setup, &args);
	if (ret)
		goto close_conn;
	ret = measure(&m, &args, &setup, conn);
	if (!ret)
		print(&args, &setup, &m);
	tear_down(&setup);
close_conn:
	close(conn);
	return ret ? 2 : 0;
}
