// SPDX-License-Identifier: BSD-3-Clause
/* Sender on one TCP socket: opening and closing. */
#include "tx/tx.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/binding.h"
#include "core/error.h"
#include "core/options.h"
#include "core/sys.h"
#include "uapi/devmem_socket.h"

#define SENDS_DEFAULT 4096U
#define SENDS_LIMIT (1U << 20)
#define RANGES_DEFAULT 8192U
#define RANGES_LIMIT (1U << 24)

static int read_options(struct devmem_tx_options *o, const struct devmem_tx_options *given,
			struct devmem_error *err)
{
	int ret;

	ret = options_read(o, sizeof(*o), given, "devmem_tx_options", err);
	if (ret)
		return ret;
	if (!o->sends_max)
		o->sends_max = SENDS_DEFAULT;
	if (!o->ranges_max)
		o->ranges_max = RANGES_DEFAULT;
	if (o->flags & ~DEVMEM_TX_KEEP_UNBOUND)
		return error_input(err, -EINVAL, "sender", "unknown bits in flags 0x%x", o->flags);
	if (o->sends_max > SENDS_LIMIT)
		return error_input(err, -EINVAL, "sender", "sends_max is %u, must be 1 to %u",
				   o->sends_max, SENDS_LIMIT);
	if (o->ranges_max < DEVMEM_TX_RANGES_MAX || o->ranges_max > RANGES_LIMIT)
		return error_input(err, -EINVAL, "sender", "ranges_max is %u, must be %u to %u",
				   o->ranges_max, DEVMEM_TX_RANGES_MAX, RANGES_LIMIT);
	return 0;
}

static int check_socket(const struct devmem_tx *tx, struct devmem_error *err)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int), peer_len = sizeof(peer);
	const char *call = "SO_PROTOCOL";
	int protocol = 0, ret;

	ret = sys_getsockopt(tx->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (!ret && protocol != IPPROTO_TCP)
		return error_input(err, -EPROTOTYPE, tx->subject, "not a TCP socket (protocol %d)",
				   protocol);
	if (!ret) {
		call = "getpeername";
		ret = sys_getpeername(tx->fd, (struct sockaddr *)&peer, &peer_len);
	}
	if (ret) {
		error_system(err, ret, call, tx->subject, "a sender needs a connected TCP socket");
		error_kind(err, DEVMEM_ERROR_INPUT);
	}
	return ret;
}

static int check_binding(const struct devmem_binding *binding, struct devmem_error *err)
{
	if (!binding)
		return error_input(err, -EINVAL, "sender",
				   "no binding: devmem_binding_open_tx() makes one");
	if (!binding_is_tx(binding))
		return error_input(
			err, -EINVAL, "sender",
			"binding %u is on receive queues: give one of devmem_binding_open_tx()",
			devmem_binding_id(binding));
	return 0;
}

/*
 * Whether the kernel would send from this binding on this connection. A send past the dma-buf's end
 * can't succeed, but is checked in this order: room for a notification, binding, route, connection,
 * room in the socket, and only then range.
 */
static int probe(struct devmem_tx *tx, struct devmem_error *err)
{
	struct iovec past_end = { (void *)(uintptr_t)tx->source.size, 1 };
	struct msghdr msg = tx_message(&tx->source, &past_end, 1);
	ssize_t n = sys_sendmsg(tx->fd, &msg, tx->source.flags | MSG_DONTWAIT);
	int ret;

	/* Without room in the socket it stays unknown until the first send. */
	if (n == -EFAULT || n == -EAGAIN || n == -ENOBUFS)
		return 0;
	if (n >= 0)
		return error_system(
			err, -EBADMSG, "send", tx->subject,
			"binding %u has more bytes than its region: it is another one's",
			tx->source.id);
	ret = n == -EINVAL ? -ESTALE : (int)n;
	devmem_tx_explain(tx, ret, err);
	return ret;
}

/* So that no change of a route leads the connection elsewhere. */
static int bind_socket(struct devmem_tx *tx, struct devmem_error *err)
{
	uint32_t ifindex = 0;
	socklen_t len = sizeof(ifindex);
	int ret;

	ret = sys_getsockopt(tx->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, &len);
	if (!ret && ifindex)
		return 0;
	if (!ret && tx->source.ifindex)
		ret = sys_setsockopt(tx->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &tx->source.ifindex,
				     sizeof(tx->source.ifindex));
	else if (!ret)
		ret = sys_setsockopt(tx->fd, SOL_SOCKET, SO_BINDTODEVICE, tx->source.dev,
				     (socklen_t)strlen(tx->source.dev));
	/* The route was right a moment ago, and the kernel checks it with each send. */
	if (ret >= 0 || ret == -EPERM)
		return 0;
	return error_system(err, ret, "SO_BINDTODEVICE", tx->subject, "%s", tx->source.dev);
}

static int set_zerocopy(int fd, int on)
{
	int ret = sys_setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on));

	return ret < 0 ? ret : 0;
}

/* SO_ZEROCOPY, the probe, and SO_BINDTODEVICE; all as before if it fails. */
static int prepare_socket(struct devmem_tx *tx, struct devmem_error *err)
{
	socklen_t len = sizeof(tx->zerocopy_before);
	int ret;

	ret = sys_getsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &tx->zerocopy_before, &len);
	if (!ret && !tx->zerocopy_before)
		ret = set_zerocopy(tx->fd, 1);
	if (ret)
		return error_system(err, ret, "SO_ZEROCOPY", tx->subject, NULL);
	ret = probe(tx, err);
	if (!ret && !(tx->options.flags & DEVMEM_TX_KEEP_UNBOUND))
		ret = bind_socket(tx, err);
	if (ret && !tx->zerocopy_before)
		set_zerocopy(tx->fd, 0);
	return ret;
}

static int fill_source(struct tx_source *source, const struct devmem_binding *binding,
		       struct devmem_error *err)
{
	struct cmsghdr *header;
	void *addr = NULL;
	int ret;

	source->region = binding_region(binding);
	source->size = devmem_region_size(source->region);
	source->id = devmem_binding_id(binding);
	source->ifindex = binding_ifindex(binding);
	snprintf(source->dev, sizeof(source->dev), "%s", binding_dev(binding));
	source->flags = MSG_NOSIGNAL;
	if (devmem_binding_is_plain(binding)) {
		ret = devmem_region_map(source->region, &addr, err);
		source->plain = addr;
		return ret;
	}
	source->flags |= MSG_ZEROCOPY;
	header = (struct cmsghdr *)(void *)source->control;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = UAPI_SCM_DEVMEM_DMABUF;
	header->cmsg_len = CMSG_LEN(sizeof(source->id));
	memcpy(CMSG_DATA(header), &source->id, sizeof(source->id));
	return 0;
}

static void free_tx(struct devmem_tx *tx)
{
	inflight_close(tx->inflight);
	free(tx);
}

int devmem_tx_open(struct devmem_tx **tx_out, int fd, struct devmem_binding *binding,
		   const struct devmem_tx_options *options, struct devmem_error *err)
{
	struct devmem_tx *tx;
	int ret;

	*tx_out = NULL;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return error_system(err, -ENOMEM, "allocate", "sender", NULL);
	tx->fd = fd;
	snprintf(tx->subject, sizeof(tx->subject), "socket %d", fd);
	ret = read_options(&tx->options, options, err);
	if (!ret)
		ret = check_binding(binding, err);
	if (!ret)
		ret = check_socket(tx, err);
	if (ret)
		goto free_tx;
	ret = inflight_open(&tx->inflight, tx->options.sends_max, tx->options.zerocopy_sends);
	if (!ret)
		ret = inflight_add_source(tx->inflight, &tx->source.inflight,
					  tx->options.ranges_max);
	if (ret) {
		error_system(err, ret, "allocate", "sender", NULL);
		goto free_tx;
	}
	ret = fill_source(&tx->source, binding, err);
	if (!ret && !tx->source.plain)
		ret = prepare_socket(tx, err);
	if (ret)
		goto free_tx;
	*tx_out = tx;
	return 0;

free_tx:
	free_tx(tx);
	return ret;
}

int devmem_tx_close(struct devmem_tx *tx, unsigned int how, int timeout_ms)
{
	int ret;

	if (tx)
		tx->fault.kind = TX_FAULT_NONE;
	if (how != DEVMEM_TX_DRAIN && how != DEVMEM_TX_ABANDON)
		return -EINVAL;
	if (!tx)
		return 0;
	if (how == DEVMEM_TX_DRAIN) {
		ret = devmem_tx_wait(tx, DEVMEM_TX_ALL, timeout_ms);
		if (ret)
			return ret;
	}
	if (!tx->source.plain && !tx->zerocopy_before)
		set_zerocopy(tx->fd, 0);
	free_tx(tx);
	return 0;
}

void devmem_tx_stats(const struct devmem_tx *tx, struct devmem_tx_stats *stats)
{
	struct inflight_counts counts;

	inflight_counts(tx->inflight, &counts);
	*stats = tx->stats;
	stats->in_flight_sends = counts.sends;
	stats->in_flight_bytes = counts.bytes;
	stats->in_flight_sends_max = counts.sends_max;
	stats->in_flight_bytes_max = counts.bytes_max;
	stats->zerocopy_sends =
		tx->source.plain ? tx->options.zerocopy_sends : inflight_kernel_next(tx->inflight);
}
