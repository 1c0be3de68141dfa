/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TX_H
#define DEVMEM_TX_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/binding.h>
#include <devmem/error.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_tx - sender on one TCP socket
 *
 * Opaque. The NIC reads what is sent straight from the region, some time after the call that sent
 * it: until that send is complete the bytes must not change. After devmem_tx_open() nothing is
 * allocated any more. For each piece of a stream:
 *
 *	n = devmem_tx_send(tx, &range, 1, 0, &sequence);
 *	...
 *	devmem_tx_wait(tx, sequence, -1);	(now the range may be used again)
 *
 * The sender reads the socket's error queue, and nobody else may; messages there that are no
 * completions are dropped and counted. Nobody else may send with MSG_ZEROCOPY on the socket either.
 * Ordinary sends are allowed.
 *
 * All calls of a sender and its rings belong to one thread at a time. Another thread may receive on
 * the same socket, and have senders of the same binding.
 */
struct devmem_tx;

/**
 * struct devmem_range - bytes of a region
 * @offset: bytes from the start of the region
 * @size: bytes
 *
 * Since 0.1.
 */
struct devmem_range {
	uint64_t offset;
	uint64_t size;
};

/* Most ranges of one devmem_tx_send(): UIO_MAXIOV, include/uapi/linux/uio.h. */
#define DEVMEM_TX_RANGES_MAX 1024

/* Flags of struct devmem_tx_options */
#define DEVMEM_TX_KEEP_UNBOUND 1U /* don't bind the socket to the interface */

/**
 * struct devmem_tx_options - sizes and policies of a sender
 * @sz: sizeof(struct devmem_tx_options)
 * @flags: 0 or DEVMEM_TX_KEEP_UNBOUND. Without it a socket that is bound to no interface is bound
 *	to the binding's (SO_BINDTODEVICE), so that no change of a route leads its packets
 *	elsewhere, where the kernel couldn't send them. With it, it isn't: for connections whose
 *	packets come back through another interface. Before Linux 6.18 the kernel forgets the
 *	connection's route with it, and sends fail (ENODEV) until it is found again: bind the socket
 *	before it is connected there
 * @sends_max: most sends that may be in flight; 0 = 4096. Costs 24 bytes each. 1 to 1048576
 * @ranges_max: most ranges that may be in flight; 0 = 8192. Costs 24 bytes each. At least
 *	DEVMEM_TX_RANGES_MAX, at most 16777216
 * @zerocopy_sends: how many sends with MSG_ZEROCOPY there were on this socket before, for the
 *	kernel numbers them: 0 for a new socket, else devmem_tx_stats.zerocopy_sends of the sender
 *	before
 *
 * Since 0.1.
 */
struct devmem_tx_options {
	size_t sz;
	uint32_t flags;
	uint32_t sends_max;
	uint32_t ranges_max;
	uint32_t zerocopy_sends;
};

/**
 * struct devmem_tx_stats - counters since devmem_tx_open()
 * @bytes_device: payload that the NIC reads from the region itself
 * @bytes_plain: payload that was sent in the ordinary way, copied by the CPU from the region's
 *	mapping (devmem_binding_is_plain())
 * @sends: sequence numbers given out
 * @ranges: ranges in them
 * @send_calls: sendmsg calls, those that failed included
 * @reap_calls: reads of the error queue, those that found nothing included
 * @poll_calls: poll calls
 * @sync_calls: DMA_BUF_IOCTL_SYNC calls (plain sends from a dma-buf)
 * @completions: messages from the kernel that sends are complete, each for one or many
 * @sends_completed: sends that they completed
 * @sends_copied: those of them of which the kernel said that it had copied the bytes after all
 * @completions_unknown: messages, or parts of them, about sends that this sender didn't make or
 *	that were complete before
 * @notices_other: messages in the error queue that were no completions, dropped
 * @sends_partial: sends of which the kernel accepted only a part
 * @full_socket: sends that found no room in the socket's send buffer
 * @full_notifications: sends that the kernel refused because of net.core.optmem_max
 * @full_in_flight: sends that sends_max or ranges_max was too low for
 * @in_flight_sends, @in_flight_bytes: sent and not complete
 * @in_flight_sends_max, @in_flight_bytes_max: most there ever were
 * @zerocopy_sends: sends with MSG_ZEROCOPY on this socket so far, modulo 2^32, those of
 *	devmem_tx_options.zerocopy_sends included: for the next sender on the same socket
 *
 * Since 0.1.
 */
struct devmem_tx_stats {
	uint64_t bytes_device, bytes_plain;
	uint64_t sends, ranges;
	uint64_t send_calls, reap_calls, poll_calls, sync_calls;
	uint64_t completions, sends_completed, sends_copied, completions_unknown, notices_other;
	uint64_t sends_partial, full_socket, full_notifications, full_in_flight;
	uint64_t in_flight_sends, in_flight_bytes, in_flight_sends_max, in_flight_bytes_max;
	uint32_t zerocopy_sends;
};

/**
 * devmem_tx_open() - make a TCP socket send from a region
 * @tx: receives the handle
 * @fd: connected TCP socket; stays the caller's, and open until devmem_tx_close()
 * @binding: of devmem_binding_open_tx() or an inherited one of that kind; may be closed before the
 *	sender. Its region must stay open
 * @options: NULL for defaults
 * @err: filled on failure; may be NULL
 *
 * Switches SO_ZEROCOPY on, tests with a send that can't succeed whether the kernel would accept
 * bytes of this binding on this connection, and binds the socket to the interface (see
 * DEVMEM_TX_KEEP_UNBOUND). On failure the socket is as it was. Allocates all memory that the sender
 * will ever use. Doesn't block. Errnos: EINVAL an option out of range, or a binding on receive
 * queues; EBADF, ENOTSOCK, EPROTOTYPE not a TCP socket; ENOTCONN not connected; EPIPE closed for
 * sending; ENODEV the connection leaves through another interface than the binding's (the message
 * names both); ESTALE the kernel has no such binding any more; EBADMSG an inherited binding is
 * of another, larger region; EOPNOTSUPP a plain binding whose region can't be mapped; ENOMEM;
 * others as of send(2) and setsockopt(2). Kernel: net/ipv4/tcp.c (tcp_sendmsg_locked),
 * net/core/devmem.c (net_devmem_get_binding). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_open(struct devmem_tx **tx, int fd, struct devmem_binding *binding,
			      const struct devmem_tx_options *options, struct devmem_error *err);

/* How to close a sender */
#define DEVMEM_TX_DRAIN 1U   /* wait until all sends are complete */
#define DEVMEM_TX_ABANDON 2U /* don't */

/**
 * devmem_tx_close() - free the sender
 * @tx: handle or NULL
 * @how: DEVMEM_TX_DRAIN or DEVMEM_TX_ABANDON
 * @timeout_ms: longest wait for draining, in milliseconds; -1 = no limit
 *
 * With DEVMEM_TX_DRAIN it first waits as devmem_tx_wait() does for all sends; if that fails nothing
 * is closed, so that the caller can try again, or abandon. With DEVMEM_TX_ABANDON it never fails:
 * what is in flight is still sent, as with close(2), and the region's bytes must stay as they
 * are until the connection has ended; the completions come to the socket's error queue, where
 * poll() shows them as POLLERR until somebody reads them.
 *
 * Puts SO_ZEROCOPY back; the socket stays open, and bound to the interface. Return: 0, EINVAL for
 * another @how, or those of devmem_tx_wait(). Since 0.1.
 */
DEVMEM_API int devmem_tx_close(struct devmem_tx *tx, unsigned int how, int timeout_ms);

/* Flags of devmem_tx_send() and devmem_tx_ring_get() */
#define DEVMEM_TX_DONTWAIT 1U /* answer EAGAIN instead of waiting */

/**
 * devmem_tx_send() - send bytes of the region
 * @tx: handle
 * @ranges: what to send, in this order, back to back in the stream; each at least one byte, inside
 *	the region, aligned to nothing. They may overlap
 * @n: how many, 1 to DEVMEM_TX_RANGES_MAX
 * @flags: 0 or DEVMEM_TX_DONTWAIT
 * @sequence: receives the number that the send has completed with, for devmem_tx_wait() and others;
 *	0 if nothing was sent; may be NULL
 *
 * Waits until the kernel has accepted all of it, unless DEVMEM_TX_DONTWAIT. A call may use more
 * than one number; @sequence receives the last. Numbers start at 1 and grow by 1.
 *
 * The bytes must not change until the send is complete. A plain sender has copied them when it
 * returns, and its sends are complete at once.
 *
 * Less than everything is returned if a signal, an error or (with DEVMEM_TX_DONTWAIT) a full buffer
 * ended the call after a part of it: devmem_tx_advance() moves on, and the next call says what is
 * wrong. Errnos, with nothing sent: EINVAL no range, an empty one, or an unknown flag; EMSGSIZE
 * more than DEVMEM_TX_RANGES_MAX; ERANGE past the end of the region; EAGAIN the socket's send
 * buffer is full (DEVMEM_TX_DONTWAIT): wait for POLLOUT; ENOBUFS as many sends are in flight as
 * sends_max or ranges_max allow (DEVMEM_TX_DONTWAIT), or as net.core.optmem_max allows
 * notifications: wait for a completion; EINTR a signal came while it waited; ESTALE the kernel
 * has no such binding any more; ENODEV the connection leaves through another interface than
 * the binding's now; EPIPE, ECONNRESET, ETIMEDOUT the connection is over; EBADMSG as of
 * devmem_tx_reap(); others as of send(2). devmem_tx_explain() puts them into words. SIGPIPE is
 * never raised.
 *
 * Return: bytes, or a negative errno. Since 0.1.
 */
DEVMEM_API int64_t devmem_tx_send(struct devmem_tx *tx, const struct devmem_range *ranges, size_t n,
				  unsigned int flags, uint64_t *sequence);

/**
 * devmem_tx_advance() - what is left to be sent
 * @ranges: moves to the first range of which something is left, which is made shorter
 * @n: receives how many are left
 * @bytes: how many of them devmem_tx_send() sent
 *
 * Makes no system call. Since 0.1.
 */
DEVMEM_API void devmem_tx_advance(struct devmem_range **ranges, size_t *n, uint64_t bytes);

/**
 * struct devmem_tx_done - sends that are complete
 * @first, @last: their sequence numbers, both included
 *
 * Since 0.1.
 */
struct devmem_tx_done {
	uint64_t first, last;
};

/**
 * devmem_tx_reap() - which sends have become complete
 * @tx: handle
 * @done: receives them, merged to as few as possible, in ascending order; may be NULL if @n is 0
 * @n: room in @done
 *
 * Reads what is in the socket's error queue, also what other calls found there since the last one.
 * Each send is reported once; what doesn't fit is reported by the next call. To be called when
 * poll() says POLLERR, by an application that waits with its own poll or epoll. Doesn't block.
 *
 * Errnos: EBADMSG a completion that can't be: somebody else sends with MSG_ZEROCOPY on this socket,
 * or zerocopy_sends was wrong, so that what is complete can't be known any more; others as of
 * recvmsg(2). Return: how many were written to @done, or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_reap(struct devmem_tx *tx, struct devmem_tx_done *done, size_t n);

/**
 * devmem_tx_last() - how far the sender has sent
 * @tx: handle
 *
 * Return: sequence number of the last send; 0 if there was none. Since 0.1.
 */
DEVMEM_API uint64_t devmem_tx_last(const struct devmem_tx *tx);

/**
 * devmem_tx_completed() - how far the stream is complete
 * @tx: handle
 *
 * As of the last call that read the error queue (devmem_tx_reap(), devmem_tx_wait(), and
 * devmem_tx_send() where it waits): makes no system call.
 *
 * Return: sequence number up to which all sends are complete; 0 if the first isn't. Since 0.1.
 */
DEVMEM_API uint64_t devmem_tx_completed(const struct devmem_tx *tx);

/**
 * devmem_tx_in_flight() - are bytes of the region still to be read by the NIC?
 * @tx: handle
 * @range: bytes of the region
 * @sequence: receives the number of the last send that has one of them; may be NULL
 *
 * As of the last call that read the error queue; makes no system call. Covers the sends of this
 * sender alone: if several send from the same bytes, ask each. Needs time in proportion to the
 * ranges in flight. After an EBADMSG of another call all bytes count as in flight.
 *
 * Return: 1 if any of them is in flight, so that none may change before @sequence is complete; else
 * 0. Since 0.1.
 */
DEVMEM_API int devmem_tx_in_flight(const struct devmem_tx *tx, const struct devmem_range *range,
				   uint64_t *sequence);

/* All sends so far: devmem_tx_wait(tx, DEVMEM_TX_ALL, -1). */
#define DEVMEM_TX_ALL UINT64_MAX

/**
 * devmem_tx_wait() - wait until sends are complete
 * @tx: handle
 * @sequence: number up to which all must be; DEVMEM_TX_ALL for the last
 * @timeout_ms: longest wait in milliseconds; 0 = don't wait; -1 = no limit
 *
 * A send is complete when the NIC will not read its bytes any more: normally when the peer has
 * acknowledged them, but also when the connection has ended and they will never arrive. It is no
 * proof of arrival. A peer that doesn't read makes it wait.
 *
 * Errnos: EINVAL a number that no send has yet; ETIMEDOUT; EINTR a signal came; EBADMSG and others
 * as of devmem_tx_reap(). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_wait(struct devmem_tx *tx, uint64_t sequence, int timeout_ms);

/**
 * devmem_tx_stats() - read the counters
 * @tx: handle
 * @stats: receives them
 *
 * Same thread as devmem_tx_send(). Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_tx_stats(const struct devmem_tx *tx, struct devmem_tx_stats *stats);

/**
 * devmem_tx_explain() - put a failure of a data-path call into words
 * @tx: handle
 * @code: the negative errno that devmem_tx_send(), devmem_tx_reap(), devmem_tx_wait(),
 *	devmem_tx_close() or devmem_tx_ring_get() returned last
 * @err: receives them
 *
 * May ask the kernel for the connection's route. Since 0.1.
 */
DEVMEM_API void devmem_tx_explain(const struct devmem_tx *tx, int code, struct devmem_error *err);

DEVMEM_END_DECLS

#endif
