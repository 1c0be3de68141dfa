// SPDX-License-Identifier: BSD-3-Clause
/* Sender on one TCP socket: opening, closing, and what it has to say. */
#include "tx/tx.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/binding.h"
#include "core/error.h"
#include "core/options.h"
#include "nic/route.h"
#include "core/sys.h"
#include "uapi/netdev.h"

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

static void socket_name(char name[32], int fd)
{
	snprintf(name, 32, "socket %d", fd);
}

static int check_socket(int fd, struct devmem_error *err)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int);
	int protocol = 0, ret;
	char subject[32];

	socket_name(subject, fd);
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

static bool is_our_route(const struct devmem_tx *tx, const struct route *route)
{
	return tx->ifindex ? route->ifindex == tx->ifindex : !strcmp(route->name, tx->dev);
}

/* The kernel said ENODEV. */
static void explain_route(const struct devmem_tx *tx, const char *subject, struct devmem_error *err)
{
	struct route route;
	bool known = !route_of_socket(tx->fd, &route);

	if (known && route.ifindex == UAPI_LOOPBACK_IFINDEX)
		error_system(
			err, -ENODEV, "send", subject,
			"the connection is one of this machine with itself, through %s, but the "
			"region is bound to %s: connect to another machine, or send with a plain "
			"binding",
			route.name, tx->dev);
	else if (known && !is_our_route(tx, &route))
		error_system(
			err, -ENODEV, "send", subject,
			"the connection leaves through %s, but the region is bound to %s: bind "
			"it to %s, or make a connection that leaves through %s (SO_BINDTODEVICE "
			"before connect)",
			route.name, tx->dev, route.name, tx->dev);
	else if (known)
		error_system(
			err, -ENODEV, "send", subject,
			"the connection leaves through %s now, but the kernel had an older route "
			"for it, or none: try again; before Linux 6.18 it has none after "
			"SO_BINDTODEVICE, so use that before connect",
			tx->dev);
	else
		error_system(
			err, -ENODEV, "send", subject,
			"the connection doesn't leave through %s, which the region is bound to: "
			"the interface is gone, or the route has changed",
			tx->dev);
}

/* What an errno of the kernel's sendmsg() means. */
static void explain_send(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	char subject[32];

	socket_name(subject, tx->fd);
	switch (-code) {
	case ESTALE:
		error_system(
			err, code, "send", subject,
			"the kernel has no binding %u to send from any more: it was closed, or "
			"the process that made it has ended",
			tx->dmabuf_id);
		break;
	case ENODEV:
		explain_route(tx, subject, err);
		break;
	case EPIPE:
	case ECONNRESET:
		error_system(
			err, code, "send", subject,
			"the connection is over: the peer has closed it or died, or it was shut "
			"down here");
		break;
	case EFAULT:
		error_system(err, code, "send", subject,
			     "the kernel doesn't find these bytes in the dma-buf of binding %u",
			     tx->dmabuf_id);
		break;
	default:
		error_system(err, code, "send", subject, NULL);
	}
	error_kind(err, DEVMEM_ERROR_REFUSED);
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
		socket_name(subject, tx->fd);
		return error_system(
			err, -EBADMSG, "send", subject,
			"binding %u has more bytes than its region: it is another one's",
			tx->dmabuf_id);
	}
	ret = n == -EINVAL ? -ESTALE : (int)n;
	explain_send(tx, ret, err);
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
	socket_name(subject, tx->fd);
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
		socket_name(subject, tx->fd);
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
	tx->inflight = inflight_new(o.sends_max, o.ranges_max, o.zerocopy_sends);
	if (!tx->inflight) {
		ret = error_system(err, -ENOMEM, "allocate", "sender", NULL);
		goto free_tx;
	}
	if (devmem_binding_is_plain(binding))
		ret = take_plain(tx, err);
	else
		ret = prepare_socket(tx, !(o.flags & DEVMEM_TX_KEEP_UNBOUND), err);
	if (ret)
		goto free_inflight;
	*tx_out = tx;
	return 0;

free_inflight:
	inflight_free(tx->inflight);
free_tx:
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
	inflight_free(tx->inflight);
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

/* What the caller asked for was wrong. */
static void explain_input(const struct devmem_tx *tx, int code, const char *subject,
			  struct devmem_error *err)
{
	const struct devmem_range *range = &tx->fault_range;

	switch (tx->fault) {
	case TX_FAULT_FLAGS:
		error_input(err, code, subject, "unknown bits in flags 0x%zx", tx->fault_at);
		break;
	case TX_FAULT_NO_RANGE:
		error_input(err, code, subject, "no range to send was given");
		break;
	case TX_FAULT_MANY_RANGES:
		error_input(err, code, subject, "%zu ranges in one send, at most %d are possible",
			    tx->fault_at, DEVMEM_TX_RANGES_MAX);
		break;
	case TX_FAULT_EMPTY_RANGE:
		error_input(err, code, subject,
			    "range %zu, at offset %" PRIu64 ", is empty: there is nothing to send",
			    tx->fault_at, range->offset);
		break;
	case TX_FAULT_PAST_END:
		error_input(err, code, subject,
			    "range %zu, %" PRIu64 " bytes at offset %" PRIu64
			    ", reaches past the end of the region at %" PRIu64,
			    tx->fault_at, range->size, range->offset, tx->region_size);
		break;
	case TX_FAULT_NO_SUCH_SEND:
		error_input(err, code, subject,
			    "no send has this number yet: the last has %" PRIu64,
			    inflight_last(tx->inflight));
		break;
	default:
		error_system(err, code, "send", subject,
			     "SO_ZEROCOPY was switched off behind the sender's back");
		error_kind(err, DEVMEM_ERROR_REFUSED);
	}
}

static void explain_full(const struct devmem_tx *tx, const char *subject, struct devmem_error *err)
{
	if (tx->fault == TX_FAULT_IN_FLIGHT)
		error_system(
			err, -ENOBUFS, "send", subject,
			"%" PRIu64 " sends are in flight, and no more than %" PRIu32
			" sends with %" PRIu32
			" ranges may be: wait for completions, or raise sends_max or ranges_max",
			inflight_last(tx->inflight) - inflight_completed(tx->inflight),
			tx->sends_max, tx->ranges_max);
	else if (tx->fault == TX_FAULT_NOTIFICATIONS)
		error_system(
			err, -ENOBUFS, "send", subject,
			"too many sends without a completion: wait for some, or raise the memory "
			"for notifications (sysctl net.core.optmem_max)");
	else
		error_system(err, -ENOBUFS, "send", subject, NULL);
}

static void explain_ring(int code, const char *subject, struct devmem_error *err)
{
	switch (-code) {
	case EAGAIN:
		error_system(err, code, "ring", subject,
			     "no space until more sends are complete: wait for completions");
		break;
	case ENOBUFS:
		error_system(err, code, "ring", subject,
			     "the oldest space that was handed out was not put back: "
			     "devmem_tx_ring_put() has to come first");
		break;
	case EMSGSIZE:
		error_input(err, code, subject, "more space was asked for than the ring has");
		break;
	default:
		error_input(err, code, subject,
			    "a ring hands out from 1 to any number of bytes, and knows no flag but "
			    "DEVMEM_TX_DONTWAIT");
	}
}

void devmem_tx_explain(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	char subject[32];

	socket_name(subject, tx->fd);
	if (tx->fault == TX_FAULT_RING) {
		explain_ring(code, subject, err);
		return;
	}
	if (tx->fault >= TX_FAULT_FLAGS && tx->fault <= TX_FAULT_ZEROCOPY_OFF) {
		explain_input(tx, code, subject, err);
		return;
	}
	switch (-code) {
	case ENOBUFS:
		explain_full(tx, subject, err);
		break;
	case EAGAIN:
		error_system(err, code, "send", subject,
			     "the socket's send buffer is full: wait until it is writable");
		break;
	case ETIMEDOUT:
		error_system(err, code, "wait", subject,
			     "sends up to %" PRIu64 " of %" PRIu64
			     " are complete: the peer takes nothing, the connection is broken, or "
			     "scatter-gather or checksums of %s were switched off meanwhile",
			     inflight_completed(tx->inflight), inflight_last(tx->inflight),
			     tx->dev);
		break;
	case EBADMSG:
		error_system(
			err, code, "completions", subject,
			"the kernel completed sends that this sender didn't make: somebody else "
			"sends with MSG_ZEROCOPY on this socket, or zerocopy_sends was wrong; what "
			"is complete can't be told any more");
		break;
	case EBADF:
		error_system(err, code, "send", subject,
			     "the descriptor was closed before the sender");
		break;
	default:
		explain_send(tx, code, err);
	}
	/* Whatever the errno stands for elsewhere: all that a sender needs was there. */
	error_kind(err, DEVMEM_ERROR_REFUSED);
}
