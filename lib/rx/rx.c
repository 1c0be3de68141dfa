// SPDX-License-Identifier: BSD-3-Clause
/* Receiver on one TCP socket: opening, closing, and its counters. */
#include "rx/rx.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bind/binding.h"
#include "rx/cmsg.h"
#include "core/error.h"
#include "bind/held.h"
#include "core/options.h"
#include "rx/placement.h"
#include "core/sys.h"

#define FRAGMENTS_DEFAULT 4096U
#define FRAGMENTS_MIN 16U
#define FRAGMENTS_LIMIT (1U << 20)
#define RECV_DEFAULT (4U << 20)
#define RECV_MIN 4096U
#define RECV_LIMIT (1U << 30)
#define LOWAT_DEFAULT (2U << 20)
#define LOWAT_WAIT_DEFAULT 20U
#define LOWAT_WAIT_LIMIT 60000U
/* A queued byte can cost nearly three of the region (one packet of 1448 bytes in a page of
 * 4096), the NIC needs pages to receive into, and other sockets want some: the low-water mark
 * asks for no more than this part of the region. */
#define LOWAT_REGION_PART 16U
/* Room for control messages of other kinds, timestamps for example. */
#define CONTROL_EXTRA 256U
/* Tokens are the lowest free numbers, so that a table as long as the most fragments out can be
 * indexed by them. Virtual memory: only what is touched costs anything. */
#define TOKENS_MIN (1U << 16)
#define TOKENS_LIMIT (1U << 24)

_Static_assert(sizeof(struct devmem_fragment) == 32, "fragments are 32 bytes");

static int read_option(const char *name, uint32_t *value, uint32_t standard, uint32_t min,
		       uint32_t max, struct devmem_error *err)
{
	if (!*value)
		*value = standard;
	if (*value >= min && *value <= max)
		return 0;
	return error_input(err, -EINVAL, "receiver", "%s is %u, must be %u to %u", name, *value,
			   min, max);
}

static int read_options(struct devmem_rx_options *o, const struct devmem_rx_options *given,
			struct devmem_error *err)
{
	int ret;

	ret = options_read(o, sizeof(*o), given, "devmem_rx_options", err);
	if (!ret)
		ret = read_option("fragments_max", &o->fragments_max, FRAGMENTS_DEFAULT,
				  FRAGMENTS_MIN, FRAGMENTS_LIMIT, err);
	if (!ret)
		ret = read_option("recv_max", &o->recv_max, RECV_DEFAULT, RECV_MIN, RECV_LIMIT,
				  err);
	if (!ret)
		ret = read_option("lowat_max", &o->lowat_max, LOWAT_DEFAULT, 1, RECV_LIMIT, err);
	if (!ret)
		ret = read_option("lowat_wait_ms", &o->lowat_wait_ms, LOWAT_WAIT_DEFAULT, 1,
				  LOWAT_WAIT_LIMIT, err);
	return ret;
}

static int check_socket(struct devmem_rx *rx, struct devmem_error *err)
{
	int protocol = 0, lowat = 1, ret;
	socklen_t len = sizeof(protocol);

	snprintf(rx->subject, sizeof(rx->subject), "socket %d", rx->fd);
	ret = sys_getsockopt(rx->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (ret)
		return error_system(err, ret, "SO_PROTOCOL", rx->subject,
				    "a receiver needs a connected TCP socket");
	if (protocol != IPPROTO_TCP)
		return error_input(err, -EPROTOTYPE, rx->subject, "not a TCP socket (protocol %d)",
				   protocol);
	len = sizeof(lowat);
	ret = sys_getsockopt(rx->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len);
	if (ret)
		return error_system(err, ret, "SO_RCVLOWAT", rx->subject, NULL);
	rx->mark.first = rx->mark.set = lowat > 0 ? (uint32_t)lowat : 1;
	return 0;
}

static uint32_t table_len(uint64_t regions_size)
{
	uint64_t n = regions_size / 256;

	if (n < TOKENS_MIN)
		return TOKENS_MIN;
	return n > TOKENS_LIMIT ? TOKENS_LIMIT : (uint32_t)n;
}

static int map_anonymous(void **addr, size_t len, struct devmem_error *err)
{
	int ret = sys_mmap(addr, len, PROT_READ | PROT_WRITE, SYS_MAP_SPARSE, -1);

	return ret ? error_system(err, ret, "mmap", "receiver", NULL) : 0;
}

/* Buffers for receives of so many fragments and bytes, behind one another: host bytes first. */
static int buffers_map(struct buffers *b, uint32_t frags_max, size_t bytes_max, bool host,
		       struct devmem_error *err)
{
	const size_t host_len = host ? (bytes_max + 63) / 64 * 64 : 0;
	void *base;
	int ret;

	b->control_len = frags_max * CMSG_FRAGMENT_SPACE + CONTROL_EXTRA;
	/* As many as the control buffer can hold, and one more where the placement ring wraps. */
	b->frags_len = (uint32_t)(b->control_len / CMSG_FRAGMENT_SPACE) + 1;
	b->bytes_max = bytes_max;
	b->len = host_len + b->frags_len * sizeof(b->frags[0]) + b->control_len;
	ret = map_anonymous(&base, b->len, err);
	if (ret)
		return ret;
	b->host = base;
	b->frags = (void *)((uint8_t *)base + host_len);
	b->control = b->frags + b->frags_len;
	return 0;
}

int rx_open(struct devmem_rx **rx_out, int fd, struct devmem_binding *const *bindings, uint32_t n,
	    const struct devmem_rx_options *options, struct devmem_error *err)
{
	struct devmem_rx_options o;
	struct devmem_rx *rx;
	uint64_t size, sizes = 0;
	uint32_t bytes_max, i;
	void *table;
	int ret;

	*rx_out = NULL;
	ret = read_options(&o, options, err);
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		if (binding_is_tx(bindings[i]))
			return error_input(
				err, -EINVAL, "receiver",
				"the binding is for sending: give one of devmem_binding_open_rx()");
	rx = calloc(1, sizeof(*rx) + n * sizeof(rx->sources[0]));
	if (!rx)
		return error_system(err, -ENOMEM, "allocate", "receiver", NULL);
	rx->fd = fd;
	rx->frags_per_page = 1;
	ret = check_socket(rx, err);
	if (ret)
		goto free_rx;

	return_init(&rx->returns, fd);
	bytes_max = o.recv_max;
	if (o.placement) {
		ret = placement_open(&rx->placement, o.placement, err);
		if (ret)
			goto free_rx;
		if (bytes_max > devmem_region_size(o.placement))
			bytes_max = (uint32_t)devmem_region_size(o.placement);
	}
	ret = buffers_map(&rx->buffers, o.fragments_max, bytes_max, !o.placement, err);
	if (ret)
		goto close_placement;
	for (i = 0; i < n; i++) {
		rx->sources[i].id = devmem_binding_id(bindings[i]);
		rx->sources[i].region = binding_region(bindings[i]);
		size = devmem_region_size(rx->sources[i].region);
		sizes += size;
		if (o.lowat_max > size / LOWAT_REGION_PART)
			o.lowat_max = (uint32_t)(size / LOWAT_REGION_PART);
	}
	if (n) {
		rx->recv_flags = UAPI_MSG_SOCK_DEVMEM;
		rx->out.len = table_len(sizes);
		ret = map_anonymous(&table, rx->out.len * sizeof(rx->out.entries[0]), err);
		if (ret)
			goto unmap_buffers;
		rx->out.entries = table;
	}
	for (; rx->n_sources < n; rx->n_sources++)
		rx->sources[rx->n_sources].held = held_get(binding_held(bindings[rx->n_sources]));
	lowat_init(&rx->lowat, o.lowat_max < bytes_max ? o.lowat_max : bytes_max, o.lowat_wait_ms);
	*rx_out = rx;
	return 0;

unmap_buffers:
	sys_munmap(rx->buffers.host, rx->buffers.len);
close_placement:
	placement_close(rx->placement);
free_rx:
	free(rx);
	return ret;
}

int devmem_rx_open(struct devmem_rx **rx, int fd, struct devmem_binding *binding,
		   const struct devmem_rx_options *options, struct devmem_error *err)
{
	return rx_open(rx, fd, &binding, binding ? 1 : 0, options, err);
}

void devmem_rx_close(struct devmem_rx *rx)
{
	if (!rx)
		return;
	if (rx->out.entries) {
		rx_return_all(rx);
		sys_munmap(rx->out.entries, rx->out.len * sizeof(rx->out.entries[0]));
	}
	rx_set_lowat(rx, rx->mark.first);
	while (rx->n_sources)
		held_put(rx->sources[--rx->n_sources].held);
	sys_munmap(rx->buffers.host, rx->buffers.len);
	placement_close(rx->placement);
	free(rx);
}

uint64_t rx_room(const struct devmem_rx *rx)
{
	uint64_t room = UINT64_MAX, left;
	uint32_t i;

	for (i = 0; i < rx->n_sources; i++) {
		left = held_room(rx->sources[i].held);
		if (left < room)
			room = left;
	}
	return room;
}

void devmem_rx_stats(const struct devmem_rx *rx, struct devmem_rx_stats *stats)
{
	*stats = rx->stats;
	stats->lowat_timeouts = rx->lowat.timeouts;
	stats->held_fragments = counter_get(&rx->out.fragments);
	stats->held_bytes = counter_get(&rx->out.bytes);
	stats->held_fragments_max = rx->out.fragments_max;
	stats->held_bytes_max = rx->out.bytes_max;
	stats->return_calls = counter_get(&rx->returns.return_calls);
	stats->ranges_returned = counter_get(&rx->returns.ranges_returned);
	stats->fragments_returned = counter_get(&rx->returns.fragments_returned);
	stats->fragments_missing = counter_get(&rx->returns.fragments_missing);
}
