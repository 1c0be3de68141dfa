// SPDX-License-Identifier: BSD-3-Clause
/* Sender: what went wrong, in words. */
#include "tx/tx.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "nic/route.h"
#include "uapi/netdev.h"

/* The connection doesn't leave through the interface that the region is bound to. */
static void hint_route(const struct devmem_tx *tx, struct devmem_error *err)
{
	const char *dev = tx->source.dev;
	struct route route;

	if (route_of_socket(tx->fd, &route))
		error_hint(err,
			   "the connection doesn't leave through %s, which the region is bound to: "
			   "the interface is gone, or the route has changed",
			   dev);
	else if (route.ifindex == UAPI_LOOPBACK_IFINDEX)
		error_hint(
			err,
			"the connection is one of this machine with itself, through %s, but the "
			"region is bound to %s: connect to another machine, or send with a plain "
			"binding",
			route.name, dev);
	else if (tx->source.ifindex ? route.ifindex != tx->source.ifindex : strcmp(route.name, dev))
		error_hint(err,
			   "the connection leaves through %s, but the region is bound to %s: bind "
			   "it to %s, or make a connection that leaves through %s (SO_BINDTODEVICE "
			   "before connect)",
			   route.name, dev, route.name, dev);
	else
		error_hint(
			err,
			"the connection leaves through %s now, but the kernel had an older route "
			"for it, or none: try again; before Linux 6.18 it has none after "
			"SO_BINDTODEVICE, so use that before connect",
			dev);
}

static void explain_errno(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	error_system(err, code, code == -EBADMSG ? "completions" : "send", tx->subject, NULL);
	/* Whatever the errno means elsewhere: all that a sender needs was there. */
	error_kind(err, DEVMEM_ERROR_REFUSED);
	switch (-code) {
	case EAGAIN:
		error_hint(err, "the socket's send buffer is full: wait until it is writable");
		break;
	case EBADF:
		error_hint(err, "the descriptor was closed before the sender");
		break;
	case EBADMSG:
		error_hint(err,
			   "the kernel completed sends that this sender didn't make: somebody else "
			   "sends with MSG_ZEROCOPY on this socket, or zerocopy_sends was wrong; "
			   "what is complete is unknown from now on");
		break;
	case EFAULT:
		error_hint(err, "the kernel doesn't find these bytes in the dma-buf of binding %u",
			   tx->source.id);
		break;
	case ENODEV:
		hint_route(tx, err);
		break;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
		error_hint(err,
			   "the connection is over: the peer has closed it or died, or it was shut "
			   "down here");
		break;
	case ESTALE:
		error_hint(err,
			   "the kernel has no binding %u to send from any more: it was closed, or "
			   "the process that made it has ended",
			   tx->source.id);
	}
}

void devmem_tx_explain(const struct devmem_tx *tx, int code, struct devmem_error *err)
{
	const struct tx_fault *fault = &tx->fault;
	const char *subject = tx->subject;

	switch (fault->kind) {
	case TX_FAULT_NONE:
		explain_errno(tx, code, err);
		break;
	case TX_FAULT_FLAGS:
		error_input(err, code, subject, "unknown bits in flags 0x%zx", fault->at);
		break;
	case TX_FAULT_NO_RANGE:
		error_input(err, code, subject, "no range to send was given");
		break;
	case TX_FAULT_MANY_RANGES:
		error_input(err, code, subject, "%zu ranges in one send, at most %d are possible",
			    fault->at, DEVMEM_TX_RANGES_MAX);
		break;
	case TX_FAULT_EMPTY_RANGE:
		error_input(err, code, subject,
			    "range %zu, at offset %" PRIu64 ", is empty: there is nothing to send",
			    fault->at, fault->range.offset);
		break;
	case TX_FAULT_PAST_END:
		error_input(err, code, subject,
			    "range %zu, %" PRIu64 " bytes at offset %" PRIu64
			    ", reaches past the end of the region at %" PRIu64,
			    fault->at, fault->range.size, fault->range.offset, tx->source.size);
		break;
	case TX_FAULT_NO_SUCH_SEND:
		error_input(err, code, subject,
			    "no send has this number yet: the last has %" PRIu64,
			    inflight_last(tx->inflight));
		break;
	case TX_FAULT_RING_ARGUMENTS:
		error_input(
			err, code, subject,
			"a ring hands out from 1 to any number of bytes, and accepts no flag but "
			"DEVMEM_TX_DONTWAIT");
		break;
	case TX_FAULT_RING_SIZE:
		error_input(err, code, subject, "more space was asked for than the ring has");
		break;
	case TX_FAULT_RING_FULL:
		error_system(err, code, "ring", subject,
			     "no space until more sends are complete: wait for completions");
		break;
	case TX_FAULT_RING_NOT_PUT:
		error_system(err, code, "ring", subject,
			     "the oldest space that was handed out was not put back: "
			     "devmem_tx_ring_put() has to come first");
		break;
	case TX_FAULT_ZEROCOPY_OFF:
		error_system(err, code, "send", subject,
			     "SO_ZEROCOPY was switched off behind the sender's back");
		break;
	case TX_FAULT_IN_FLIGHT:
		error_system(err, code, "send", subject,
			     "%" PRIu64 " sends are in flight, and no more than %" PRIu32
			     " sends with %" PRIu32 " ranges may be: wait for completions, or "
			     "raise sends_max or ranges_max",
			     inflight_last(tx->inflight) - inflight_completed(tx->inflight),
			     tx->options.sends_max, tx->options.ranges_max);
		break;
	case TX_FAULT_NOTIFICATIONS:
		error_system(err, code, "send", subject,
			     "too many sends without a completion: wait for some, or raise the "
			     "memory for notifications (sysctl net.core.optmem_max)");
		break;
	case TX_FAULT_TIMEOUT:
		error_system(
			err, code, "wait", subject,
			"sends up to %" PRIu64 " of %" PRIu64
			" are complete: the peer receives nothing, the connection is broken, or "
			"scatter-gather or checksums of %s were switched off meanwhile",
			inflight_completed(tx->inflight), inflight_last(tx->inflight),
			tx->source.dev);
	}
}
