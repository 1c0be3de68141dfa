/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_RX_H
#define DEVMEM_RX_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/binding.h>
#include <devmem/error.h>
#include <devmem/region.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_rx - receiver on one TCP socket
 *
 * Opaque. After devmem_rx_open() nothing is allocated any more. The loop is
 *
 *	while ((n = devmem_rx_recv(rx, &frags, 0)) > 0) {
 *		use(frags, n);
 *		devmem_rx_release(rx, frags, n);
 *	}
 *
 * Releasing late, or in another order, is allowed; what is never released starves the NIC.
 */
struct devmem_rx;

enum devmem_fragment_kind {
	DEVMEM_FRAGMENT_DEVICE = 1, /* bytes in a region */
	DEVMEM_FRAGMENT_HOST = 2,   /* bytes in the receiver's own buffer */
};

/**
 * struct devmem_fragment - a piece of the stream, in stream order
 * @offset: DEVICE: bytes from the start of the region; HOST: 0
 * @size: bytes
 * @token: for release; opaque to the application
 * @kind: enum devmem_fragment_kind
 * @dmabuf_id: DEVICE: binding id, 0 for bytes in the placement region
 * @region: DEVICE: the region it lies in; NULL if @dmabuf_id is not the receiver's binding (a flow
 *	that was steered to a queue of another program: the bytes are in that program's region)
 * @host: HOST: where the bytes are, until the next devmem_rx_recv() on this receiver
 *
 * HOST fragments are ordinary: the NIC left bytes with the headers, or the packet came through a
 *	queue without a region. One can have all that a receive brought, so up to recv_max bytes.
 *	32 bytes. Since 0.1.
 */
struct devmem_fragment {
	uint64_t offset;
	uint32_t size;
	uint32_t token;
	uint32_t kind;
	uint32_t dmabuf_id;
	union {
		struct devmem_region *region;
		const void *host;
	};
};

/**
 * struct devmem_rx_options - sizes and policies of a receiver
 * @sz: sizeof(struct devmem_rx_options)
 * @fragments_max: most fragments of one devmem_rx_recv(); 0 = 4096. Costs 72 bytes each. At least
 *	16
 * @recv_max: most bytes of one devmem_rx_recv(), and size of the buffer for HOST bytes (memory that
 *	is only used when such bytes come); 0 = 4 MiB. At least 4096. With @placement at most the
 *	placement region's size
 * @lowat_max: highest SO_RCVLOWAT that devmem_rx_expect() may cause, in bytes; 0 = 2 MiB, or less
 *	with a small region; 1 = never wait for more than a byte. The kernel caps it at half of
 *	net.ipv4.tcp_rmem[2] (or of SO_RCVBUF)
 * @lowat_wait_ms: longest time that bytes which are there are kept waiting for more, in
 *	milliseconds; 0 = 20
 * @placement: region, mappable, into which HOST bytes go instead, so that every fragment is DEVICE;
 *	used by this receiver alone until it is closed. NULL = none
 *
 * Since 0.1.
 */
struct devmem_rx_options {
	size_t sz;
	uint32_t fragments_max;
	uint32_t recv_max;
	uint32_t lowat_max;
	uint32_t lowat_wait_ms;
	struct devmem_region *placement;
};

/**
 * struct devmem_rx_stats - counters since devmem_rx_open()
 * @bytes_device, @bytes_host, @bytes_placed: payload by where it landed; sums to the length of the
 *	stream so far. Placed ones are host bytes that went to the placement region
 * @fragments_device, @fragments_host, @fragments_placed: fragments likewise
 * @recv_calls: recvmsg calls
 * @poll_calls: poll calls
 * @return_calls: SO_DEVMEM_DONTNEED calls
 * @lowat_calls: SO_RCVLOWAT calls
 * @ranges_returned: token ranges in them
 * @fragments_returned: fragments that the kernel freed
 * @fragments_missing: fragments that it was asked to free and didn't have: released twice, or on
 *	another receiver
 * @held_fragments, @held_bytes: handed out and not released
 * @held_fragments_max, @held_bytes_max: most there ever were
 * @lowat_timeouts: waits that ended because of lowat_wait_ms
 * @held_refusals: receives answered with ENOBUFS because held_max was reached or the placement
 *	region was full
 * @foreign_fragments: DEVICE fragments of somebody else's binding
 *
 * Since 0.1.
 */
struct devmem_rx_stats {
	uint64_t bytes_device, bytes_host, bytes_placed;
	uint64_t fragments_device, fragments_host, fragments_placed;
	uint64_t recv_calls, poll_calls, return_calls, lowat_calls;
	uint64_t ranges_returned, fragments_returned, fragments_missing;
	uint64_t held_fragments, held_bytes, held_fragments_max, held_bytes_max;
	uint64_t lowat_timeouts, held_refusals, foreign_fragments;
};

/**
 * devmem_rx_open() - make a TCP socket's stream receivable as fragments
 * @rx: receives the handle
 * @fd: connected TCP socket; stays the caller's, and open until devmem_rx_close()
 * @binding: where device bytes come from; NULL to receive without a NIC that can: plain bytes only
 *	(HOST, or placed with options.placement)
 * @options: NULL for defaults
 * @err: filled on failure; may be NULL
 *
 * Allocates all memory that the receiver will ever use. Doesn't block. Errnos: EINVAL an option out
 *	of range, or a binding to send; ENOTSOCK, EPROTOTYPE not a TCP socket; ENOMEM; EOPNOTSUPP
 *	placement region not mappable. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_rx_open(struct devmem_rx **rx, int fd, struct devmem_binding *binding,
			      const struct devmem_rx_options *options, struct devmem_error *err);

/**
 * devmem_rx_close() - return everything that is still out, and free the receiver
 * @rx: handle or NULL
 *
 * Fragments that were not released are returned to the kernel too: the bytes may be overwritten
 * from now on. Puts SO_RCVLOWAT back. The socket stays open. Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_rx_close(struct devmem_rx *rx);

/* A stream whose end is not known: devmem_rx_expect(rx, DEVMEM_RX_STREAM). */
#define DEVMEM_RX_STREAM UINT64_MAX

/**
 * devmem_rx_expect() - say how many more bytes the application waits for
 * @rx: handle
 * @bytes: counted from the end of what was received so far; DEVMEM_RX_STREAM for as many as come; 0
 *	for no expectation
 *
 * Lets the receiver wait until a good part is there instead of waking for every packet: nothing
 * else saves as much. It never waits for more than @bytes, nor keeps bytes back longer than
 * lowat_wait_ms, so a wrong number costs time but never hangs. Each received byte reduces the
 * number. Makes no system call. Since 0.1.
 */
DEVMEM_API void devmem_rx_expect(struct devmem_rx *rx, uint64_t bytes);

/* Flags of devmem_rx_recv() */
#define DEVMEM_RX_DONTWAIT 1U /* answer EAGAIN instead of waiting */

/**
 * devmem_rx_recv() - the next piece of the stream
 * @rx: handle
 * @frags: receives an array that the receiver owns; valid until the next call
 * @flags: 0 or DEVMEM_RX_DONTWAIT
 *
 * Sends pending returns first, then waits for bytes unless DEVMEM_RX_DONTWAIT, then receives what
 * is there. HOST fragments are gone with the next call. Fragments may be released one by one, at
 * any time, in any order, from a copy.
 *
 * Errnos: EINVAL an unknown flag; EAGAIN nothing there (DEVMEM_RX_DONTWAIT); EINTR a signal came
 * while it waited; nothing is lost; ENOBUFS the binding's held_max or the placement region is used
 * up: release fragments first; EMSGSIZE control buffer too small for one fragment; ENODEV the
 * kernel found device and host memory mixed in one packet, a kernel fault seen with NICs that split
 * imperfectly: this connection is lost; EFAULT device bytes in a way that this kernel can't hand
 * out (before Linux 6.18 also instead of EMSGSIZE, ENODEV and ENOMEM); EBADMSG the control messages
 * don't cover the bytes; ECONNRESET, ETIMEDOUT and others as of recv(2). devmem_rx_explain() puts
 * them into words.
 *
 * Return: number of fragments, 0 at the end of the stream, or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_rx_recv(struct devmem_rx *rx, const struct devmem_fragment **frags,
			      unsigned int flags);

/**
 * devmem_rx_release() - the application is done with fragments
 * @rx: the receiver they came from
 * @frags: fragments, or copies of them; HOST ones are ignored
 * @n: how many
 *
 * Notes them for return. They are sent, coalesced into one call, when none is out any more, at the
 * next devmem_rx_recv(), or by devmem_rx_flush(), whichever comes first. Each fragment is released
 * once: a second release is detected, unless by then other bytes came to the same place under the
 * same token. Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_rx_release(struct devmem_rx *rx, const struct devmem_fragment *frags,
				  size_t n);

/**
 * devmem_rx_release_any() - release from any thread
 * @rx: the receiver they came from
 * @frags: fragments, or copies of them; HOST ones are ignored
 * @n: how many
 *
 * Like devmem_rx_release(), but may be called by any thread, also while another is in
 * devmem_rx_recv(), and returns the fragments to the kernel at once. The receiver must not be
 * closed meanwhile. Doesn't block.
 *
 * Return: 0 or a negative errno of setsockopt(2), with nothing lost but this return. Since 0.1.
 */
DEVMEM_API int devmem_rx_release_any(struct devmem_rx *rx, const struct devmem_fragment *frags,
				     size_t n);

/**
 * devmem_rx_flush() - return what was released, at once
 * @rx: handle
 *
 * For an application that released some of its fragments, keeps others, and doesn't receive for a
 * while. Doesn't block. Return: 0 or a negative errno of setsockopt(2): EBADF the descriptor is
 * closed. Since 0.1.
 */
DEVMEM_API int devmem_rx_flush(struct devmem_rx *rx);

/**
 * devmem_rx_arm() - prepare for waiting with one's own poll or epoll
 * @rx: handle
 *
 * To be called before each wait, by an application that calls devmem_rx_recv() with
 * DEVMEM_RX_DONTWAIT. Returns what was released, and sets the low-water mark that
 * devmem_rx_expect() asked for.
 *
 * Return: milliseconds after which devmem_rx_recv() must be called even if the socket didn't become
 * readable: 0 = at once; -1 = no limit; or a negative errno below -1 (EPERM is never one).
 * Since 0.1.
 */
DEVMEM_API int devmem_rx_arm(struct devmem_rx *rx);

/**
 * devmem_rx_stats() - read the counters
 * @rx: handle
 * @stats: receives them
 *
 * Same thread as devmem_rx_recv(). Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_rx_stats(const struct devmem_rx *rx, struct devmem_rx_stats *stats);

/**
 * devmem_rx_explain() - put a failure of devmem_rx_recv() into words
 * @rx: handle
 * @code: the negative errno that it returned
 * @err: receives them
 *
 * Doesn't block. Since 0.1.
 */
DEVMEM_API void devmem_rx_explain(const struct devmem_rx *rx, int code, struct devmem_error *err);

DEVMEM_END_DECLS

#endif
