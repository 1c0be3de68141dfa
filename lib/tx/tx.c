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

static int check_socket(int fd, struct devmem_error *err)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int);
	int protocol = 0, ret;
	char subject[32];

	tx_socket_name(subject, fd);
	ret = sys_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (ret) {
		error_system(err, ret, "SO_PROTOCOL", subject,
			     "a sender needs a connected TCP socket");
		error_kind(err, DEVMEM_ERROR_INPUT);
		return ret;
	}
	if (protocol != IPPROTO_TCP)
		return error_input(err, -EPROTOTYPE, subject, "not a TCP socket (protocol %d)",
				   protocol);
	len = sizeof(peer);
	ret = sys_getpeername(fd, (struct sockaddr *)&peer, &len);
	if (ret) {
		error_system(err, ret, "getpeername", subject,
			     "a sender needs a connected TCP socket");
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
 * Would the kernel send from this binding on this connection? A send past the dma-buf's end can't
 * succeed, but is looked at in this order: room for a notification, binding, route, connection,
 * room in the socket, and only then range.
 */
static int probe(struct devmem_tx *tx, struct devmem_error *err)
{
	char subject[32];
	ssize_t n;
	int ret;

	tx->iov[0].iov_base = (void *)(uintptr_t)tx->region_size;
	tx->iov[0].iov_len = 1;
	n = tx_sendmsg(tx, 1, MSG_DONTWAIT);
	tx->stats.send_calls = 0;
	/* Without room in the socket it stays unknown; the first send will tell. */
	if (n == -EFAULT || n == -EAGAIN || n == -ENOBUFS)
		return 0;
	if (n >= 0) {
		tx_socket_name(subject, tx->fd);
		return error_system(
			err, -EBADMSG, "send", subject,
			"binding %u has more bytes than its region: it is another one's",
			tx->dmabuf_id);
	}
	ret = n == -EINVAL ? -ESTALE : (int)n;
	tx_explain_send(tx, ret, err);
	return ret;
}

/* So that no change of a route leads the connection elsewhere. */
static int bind_socket(struct devmem_tx *tx, struct devmem_error *err)
{
	uint32_t ifindex = 0;
	socklen_t len = sizeof(ifindex);
	char subject[32];
	int ret;

	ret = sys_getsockopt(tx->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, &len);
	if (!ret && ifindex)
		return 0;
	if (!ret && tx->ifindex)
		ret = sys_setsockopt(tx->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &tx->ifindex,
				     sizeof(tx->ifindex));
	else if (!ret)
		ret = sys_setsockopt(tx->fd, SOL_SOCKET, SO_BINDTODEVICE, tx->dev,
				     (socklen_t)strlen(tx->dev));
	/* The route was right a moment ago, and each send looks at it again. */
	if (ret >= 0 || ret == -EPERM)
		return 0;
	tx_socket_name(subject, tx->fd);
	return error_system(err, ret, "SO_BINDTODEVICE", subject, "%s", tx->dev);
}

static int set_zerocopy(int fd, int on)
{
	int ret = sys_setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on));

	return ret < 0 ? ret : 0;
}

/* SO_ZEROCOPY, the probe, and SO_BINDTODEVICE; all as before if it fails. */
static int prepare_socket(struct devmem_tx *tx, bool bind, struct devmem_error *err)
{
	socklen_t len = sizeof(tx->zerocopy_before);
	char subject[32];
	int ret;

	ret = sys_getsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &tx->zerocopy_before, &len);
	if (!ret && !tx->zerocopy_before)
		ret = set_zerocopy(tx->fd, 1);
	if (ret) {
		tx_socket_name(subject, tx->fd);
		return error_system(err, ret, "SO_ZEROCOPY", subject, NULL);
	}
	ret = probe(tx, err);
	if (!ret && bind)
		ret = bind_socket(tx, err);
	if (ret && !tx->zerocopy_before)
		set_zerocopy(tx->fd, 0);
	return ret;
}

static int take_plain(struct devmem_tx *tx, struct devmem_error *err)
{
	void *addr;
	int ret;

	ret = devmem_region_map(tx->region, &addr, err);
	tx->plain = addr;
	return ret;
}

int devmem_tx_open(struct devmem_tx **tx_out, int fd, struct devmem_binding *binding,
		   const struct devmem_tx_options *options, struct devmem_error *err)
{
	struct devmem_tx_options o;
	struct devmem_tx *tx;
	int ret;

	*tx_out = NULL;
	ret = read_options(&o, options, err);
	if (!ret)
		ret = check_binding(binding, err);
	if (!ret)
		ret = check_socket(fd, err);
	if (ret)
		return ret;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return error_system(err, -ENOMEM, "allocate", "sender", NULL);
	tx->fd = fd;
	tx->region = binding_region(binding);
	tx->region_size = devmem_region_size(tx->region);
	tx->dmabuf_id = devmem_binding_id(binding);
	tx->ifindex = binding_ifindex(binding);
	snprintf(tx->dev, sizeof(tx->dev), "%s", binding_dev(binding));
	tx->sends_max = o.sends_max;
	tx->ranges_max = o.ranges_max;
	tx->zerocopy_sends_before = o.zerocopy_sends;
	ret = inflight_open(&tx->inflight, o.sends_max, o.zerocopy_sends);
	if (!ret)
		ret = inflight_add_source(tx->inflight, &tx->source, o.ranges_max);
	if (ret) {
		error_system(err, ret, "allocate", "sender", NULL);
		goto close_inflight;
	}
	if (devmem_binding_is_plain(binding))
		ret = take_plain(tx, err);
	else
		ret = prepare_socket(tx, !(o.flags & DEVMEM_TX_KEEP_UNBOUND), err);
	if (ret)
		goto close_inflight;
	*tx_out = tx;
	return 0;

close_inflight:
	inflight_close(tx->inflight);
	free(tx);
	return ret;
}

int devmem_tx_close(struct devmem_tx *tx, unsigned int how, int timeout_ms)
{
	int ret;

	if (how != DEVMEM_TX_DRAIN && how != DEVMEM_TX_ABANDON)
		return -EINVAL;
	if (!tx)
		return 0;
	if (how == DEVMEM_TX_DRAIN) {
		ret = devmem_tx_wait(tx, DEVMEM_TX_ALL, timeout_ms);
		if (ret)
			return ret;
	}
	if (!tx->plain && !tx->zerocopy_before)
		set_zerocopy(tx->fd, 0);
	inflight_close(tx->inflight);
	free(tx);
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
		tx->plain ? tx->zerocopy_sends_before : inflight_kernel_next(tx->inflight);
}
