// SPDX-License-Identifier: BSD-3-Clause
/*
 * Receives one TCP connection into device memory with a chosen loop, and prints what that cost as
 * one line of JSON. The set-up is the same for all loops, and is not measured.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "common.h"
#include "loop.h"

static const struct loop *const loops[] = {
	&loop_ours, &loop_bare, &loop_bare_lowat, &loop_single, &loop_epoll64k, &loop_plain,
};
#define LOOPS (sizeof(loops) / sizeof(loops[0]))

struct arguments {
	const struct loop *loop;
	const char *netdev, *address, *port;
	const char *region;
	uint64_t size;
	uint32_t queue;
	struct loop_options options;
};

/* What receiving into device memory needs; all NULL for a loop that receives into host memory. */
struct setup {
	struct devmem_netdev *netdev;
	struct devmem_region *region;
	struct devmem_reservation *reservation;
	struct devmem_binding *binding;
};

struct measured {
	struct counts counts;
	uint64_t cpu_ns, elapsed_ns;
};

static void stop(int sig)
{
	(void)sig;
}

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: rxbench [options] LOOP NETDEV ADDRESS PORT\n"
		     "  -q QUEUE    receive queue to bind (1)\n"
		     "  -r SPEC     region (udmabuf)\n"
		     "  -s MIB      its size (64)\n"
		     "  -l BYTES    low-water mark of the loops that use one (2097152)\n"
		     "  -e BYTES    bytes that the library's loop expects (as many as come)\n"
		     "loops:\n");
	for (i = 0; i < LOOPS; i++)
		fprintf(out, "  %-11s %s\n", loops[i]->name, loops[i]->text);
}

static int read_arguments(struct arguments *args, int argc, char **argv)
{
	uint64_t value;
	size_t i;
	int c, ret = 0;

	*args = (struct arguments){ .region = "udmabuf", .size = 64U << 20, .queue = 1 };
	args->options.lowat = 2U << 20;
	args->options.expect = DEVMEM_RX_STREAM;
	while ((c = getopt(argc, argv, "q:r:s:l:e:")) != -1) {
		switch (c) {
		case 'q':
			ret = number(optarg, 65535, &value);
			args->queue = (uint32_t)value;
			break;
		case 'r':
			args->region = optarg;
			break;
		case 's':
			ret = number(optarg, 1U << 20, &value);
			args->size = value << 20;
			break;
		case 'l':
			ret = number(optarg, 1U << 30, &value);
			args->options.lowat = (uint32_t)value;
			break;
		case 'e':
			ret = number(optarg, UINT64_MAX - 1, &args->options.expect);
			break;
		default:
			ret = -EINVAL;
		}
		if (ret)
			return ret;
	}
	if (argc - optind != 4)
		return -EINVAL;
	for (i = 0; i < LOOPS; i++)
		if (!strcmp(loops[i]->name, argv[optind]))
			args->loop = loops[i];
	args->netdev = argv[optind + 1];
	args->address = argv[optind + 2];
	args->port = argv[optind + 3];
	return args->loop ? 0 : -EINVAL;
}

static int tear_down(struct setup *setup)
{
	struct devmem_error err;
	int ret;

	devmem_binding_close(setup->binding);
	ret = devmem_reservation_close(setup->reservation, &err);
	if (ret)
		fprintf(stderr, "rxbench: %s\n", err.message);
	devmem_region_close(setup->region);
	devmem_netdev_close(setup->netdev);
	return ret;
}

static int set_up(struct setup *setup, const struct arguments *args, int listener)
{
	struct devmem_error err;
	struct devmem_flow flow;
	int ret;

	*setup = (struct setup){ 0 };
	if (!args->loop->device)
		return 0;
	ret = devmem_netdev_open(&setup->netdev, args->netdev, &err);
	if (!ret)
		ret = devmem_region_open(&setup->region, args->region, args->size, &err);
	if (!ret)
		ret = devmem_reservation_open(&setup->reservation, setup->netdev, &args->queue, 1,
					      NULL, &err);
	if (!ret)
		ret = devmem_flow_from_socket(&flow, listener, &err);
	if (!ret)
		ret = devmem_reservation_add_flow(setup->reservation, &flow, args->queue, NULL,
						  &err);
	if (!ret)
		ret = devmem_binding_open_rx(&setup->binding, setup->region, setup->netdev,
					     &args->queue, 1, NULL, &err);
	if (!ret)
		return 0;
	fprintf(stderr, "rxbench: %s\n", err.message);
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
	const struct counts *c = &m->counts;

	printf("{\"loop\":\"%s\",\"region\":\"%s\",\"bytes\":%" PRIu64 ",\"bytes_device\":%" PRIu64
	       ",\"fragments\":%" PRIu64 ",\"calls\":{\"recv\":%" PRIu64 ",\"poll\":%" PRIu64
	       ",\"return\":%" PRIu64 ",\"lowat\":%" PRIu64 ",\"all\":%" PRIu64
	       "},\"ranges\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 ",\"elapsed_ns\":%" PRIu64
	       ",\"allocations\":%" PRIu64 "}\n",
	       args->loop->name, setup->region ? devmem_region_spec(setup->region) : "",
	       c->bytes_device + c->bytes_host, c->bytes_device, c->fragments, c->recv_calls,
	       c->poll_calls, c->return_calls, c->lowat_calls,
	       c->recv_calls + c->poll_calls + c->return_calls + c->lowat_calls, c->ranges,
	       m->cpu_ns, m->elapsed_ns, c->allocations);
}

int main(int argc, char **argv)
{
	const struct sigaction on_signal = { .sa_handler = stop };
	struct arguments args;
	struct measured m;
	struct setup setup;
	int listener, conn, ret, ret_down;

	if (read_arguments(&args, argc, argv)) {
		usage(stderr);
		return 1;
	}
	sigaction(SIGINT, &on_signal, NULL);
	sigaction(SIGTERM, &on_signal, NULL);
	listener = open_socket(args.address, args.port, bind);
	if (listener < 0)
		return 2;
	ret = set_up(&setup, &args, listener);
	if (ret)
		goto close_listener;
	if (listen(listener, 1) || (conn = accept(listener, NULL, NULL)) < 0) {
		ret = -errno;
		fprintf(stderr, "rxbench: accept: %s\n", strerror(-ret));
		goto tear_down;
	}
	ret = measure(&m, &args, &setup, conn);
	close(conn);
	if (!ret)
		print(&args, &setup, &m);
tear_down:
	ret_down = tear_down(&setup);
	if (!ret)
		ret = ret_down;
close_listener:
	close(listener);
	return ret ? 2 : 0;
}
