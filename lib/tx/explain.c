// SPDX-License-Identifier: BSD-3-Clause
/* Sender: what went wrong, in words. */
#include "tx/tx.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "nic/route.h"
#include "uapi/netdev.h"

static bool is_our_route(const struct devmem_tx *tx, const struct route *route)
{
	return tx->source.ifindex ? route->ifindex == tx->source.ifindex
				  : !strcmp(route->name, tx->source.dev);
}

/* The kernel said ENODEV. */
static void explain_route(const struct devmem_tx *tx, struct devmem_error *err)
{
	struct route route;
	bool known = !route_of_socket(tx->fd, &route);

	if (known && route.ifindex == UAPI_LOOPBACK_IFINDEX)
		error_system(
			err, -ENODEV, "send", tx->subject,
			"the connection is one of this machine with itself, through %s, but the "
			"region is bound to %s: connect to another machine, or send with a plain "
			"binding",
			route.name, tx->source.dev);
	else if (known && !is_our_route(tx, &route))
		error_system(
			err, -ENODEV, "send", tx->subject,
			"the connection leaves through %s, but the region is bound to %s: bind "
			"it to %s, or make a connection that leaves through %s (SO_BINDTODEVICE "
			"before connect)",
			route.name, tx->source.dev, route.name, tx->source.dev);
	else if (known)
		error_system(
			err, -ENODEV, "send", tx->subject,
			"the connection leaves through %s now, but the kernel had an older route "
			"for it, or none: try again; before Linux 6.18 it has none after "
			"SO_BINDTODEVICE, so use that before connect",
			tx->source.dev);
	else
		error_system(
			err, -ENODEV, "send", tx->subject,
			"the connection doesn't leave through %s, which the region is bound to: "
			"the interface is gone, or the route has changed",
			tx->source.dev);
}

void tx_explain_send(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	switch (-code) {
	case ESTALE:
		error_system(
			err, code, "send", tx->subject,
			"the kernel has no binding %u to send from any more: it was closed, or "
			"the process that made it has ended",
			tx->source.id);
		break;
	case ENODEV:
		explain_route(tx, err);
		break;
	case EPIPE:
	case ECONNRESET:
		error_system(
			err, code, "send", tx->subject,
			"the connection is over: the peer has closed it or died, or it was shut "
			"down here");
		break;
	case EFAULT:
		error_system(err, code, "send", tx->subject,
			     "the kernel doesn't find these bytes in the dma-buf of binding %u",
			     tx->source.id);
		break;
	default:
		error_system(err, code, "send", tx->subject, NULL);
	}
	error_kind(err, DEVMEM_ERROR_REFUSED);
}

/* What the caller asked for was wrong. */
static void explain_input(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	const struct devmem_range *range = &tx->fault.range;

	switch (tx->fault.kind) {
	case TX_FAULT_FLAGS:
		error_input(err, code, tx->subject, "unknown bits in flags 0x%zx", tx->fault.at);
		break;
	case TX_FAULT_NO_RANGE:
		error_input(err, code, tx->subject, "no range to send was given");
		break;
	case TX_FAULT_MANY_RANGES:
		error_input(err, code, tx->subject,
			    "%zu ranges in one send, at most %d are possible", tx->fault.at,
			    DEVMEM_TX_RANGES_MAX);
		break;
	case TX_FAULT_EMPTY_RANGE:
		error_input(err, code, tx->subject,
			    "range %zu, at offset %" PRIu64 ", is empty: there is nothing to send",
			    tx->fault.at, range->offset);
		break;
	case TX_FAULT_PAST_END:
		error_input(err, code, tx->subject,
			    "range %zu, %" PRIu64 " bytes at offset %" PRIu64
			    ", reaches past the end of the region at %" PRIu64,
			    tx->fault.at, range->size, range->offset, tx->source.size);
		break;
	case TX_FAULT_NO_SUCH_SEND:
		error_input(err, code, tx->subject,
			    "no send has this number yet: the last has %" PRIu64,
			    inflight_last(tx->inflight));
		break;
	default:
		error_system(err, code, "send", tx->subject,
			     "SO_ZEROCOPY was switched off behind the sender's back");
		error_kind(err, DEVMEM_ERROR_REFUSED);
	}
}

static void explain_full(const struct devmem_tx *tx, struct devmem_error *err)
{
	if (tx->fault.kind == TX_FAULT_IN_FLIGHT)
		error_system(
			err, -ENOBUFS, "send", tx->subject,
			"%" PRIu64 " sends are in flight, and no more than %" PRIu32
			" sends with %" PRIu32
			" ranges may be: wait for completions, or raise sends_max or ranges_max",
			inflight_last(tx->inflight) - inflight_completed(tx->inflight),
			tx->options.sends_max, tx->options.ranges_max);
	else if (tx->fault.kind == TX_FAULT_NOTIFICATIONS)
		error_system(
			err, -ENOBUFS, "send", tx->subject,
			"too many sends without a completion: wait for some, or raise the memory "
			"for notifications (sysctl net.core.optmem_max)");
	else
		error_system(err, -ENOBUFS, "send", tx->subject, NULL);
}

static void explain_ring(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	switch (-code) {
	case EAGAIN:
		error_system(err, code, "ring", tx->subject,
			     "no space until more sends are complete: wait for completions");
		break;
	case ENOBUFS:
		error_system(err, code, "ring", tx->subject,
			     "the oldest space that was handed out was not put back: "
			     "devmem_tx_ring_put() has to come first");
		break;
	case EMSGSIZE:
		error_input(err, code, tx->subject, "more space was asked for than the ring has");
		break;
	default:
		error_input(err, code, tx->subject,
			    "a ring hands out from 1 to any number of bytes, and knows no flag but "
			    "DEVMEM_TX_DONTWAIT");
	}
}

void devmem_tx_explain(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	if (tx->fault.kind == TX_FAULT_RING) {
		explain_ring(tx, code, err);
		return;
	}
	if (tx->fault.kind >= TX_FAULT_FLAGS && tx->fault.kind <= TX_FAULT_ZEROCOPY_OFF) {
		explain_input(tx, code, err);
		return;
	}
	switch (-code) {
	case ENOBUFS:
		explain_full(tx, err);
		break;
	case EAGAIN:
		error_system(err, code, "send", tx->subject,
			     "the socket's send buffer is full: wait until it is writable");
		break;
	case ETIMEDOUT:
		error_system(err, code, "wait", tx->subject,
			     "sends up to %" PRIu64 " of %" PRIu64
			     " are complete: the peer takes nothing, the connection is broken, or "
			     "scatter-gather or checksums of %s were switched off meanwhile",
			     inflight_completed(tx->inflight), inflight_last(tx->inflight),
			     tx->source.dev);
		break;
	case EBADMSG:
		error_system(
			err, code, "completions", tx->subject,
			"the kernel completed sends that this sender didn't make: somebody else "
			"sends with MSG_ZEROCOPY on this socket, or zerocopy_sends was wrong; what "
			"is complete can't be told any more");
		break;
	case EBADF:
		error_system(err, code, "send", tx->subject,
			     "the descriptor was closed before the sender");
		break;
	default:
		tx_explain_send(tx, code, err);
	}
	/* Whatever the errno stands for elsewhere: all that a sender needs was there. */
	error_kind(err, DEVMEM_ERROR_REFUSED);
}
