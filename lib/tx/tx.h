/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_TX_PRIVATE_H
#define DEVMEM_LIB_TX_PRIVATE_H

/* The sender, as its files share it: tx.c opens and closes, send.c sends, reap.c reads completions
 * and waits for them, explain.c puts what went wrong into words. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <devmem/region.h>
#include <devmem/tx.h>

#include "nic/nic.h"
#include "tx/inflight.h"

/* What an errno alone doesn't say, for devmem_tx_explain(). */
enum tx_fault_kind {
	TX_FAULT_NONE,
	/* EINVAL, EMSGSIZE and ERANGE: what the caller asked for */
	TX_FAULT_FLAGS,
	TX_FAULT_NO_RANGE,
	TX_FAULT_MANY_RANGES,
	TX_FAULT_EMPTY_RANGE,
	TX_FAULT_PAST_END,
	TX_FAULT_NO_SUCH_SEND,
	TX_FAULT_RING_ARGUMENTS,
	TX_FAULT_RING_SIZE,
	/* EAGAIN and ENOBUFS of a ring */
	TX_FAULT_RING_FULL,
	TX_FAULT_RING_NOT_PUT,
	/* EINVAL: somebody switched SO_ZEROCOPY off */
	TX_FAULT_ZEROCOPY_OFF,
	/* ENOBUFS */
	TX_FAULT_IN_FLIGHT,
	TX_FAULT_NOTIFICATIONS,
	/* ETIMEDOUT of a wait; without a fault it is the connection's */
	TX_FAULT_TIMEOUT,
};

struct tx_fault {
	enum tx_fault_kind kind;
	/* The range, and its place in the list; or another number that is wrong. */
	struct devmem_range range;
	size_t at;
};

/* A binding, as the source that a send names. */
struct tx_source {
	struct devmem_region *region;
	uint64_t size;
	/* The region's mapping, if the CPU copies from it; else NULL. */
	const char *plain;
	uint32_t id;
	/* Its interface; ifindex 0 where only the name is known. */
	uint32_t ifindex;
	char dev[NIC_NAME_SIZE];
	struct inflight_source *inflight;
	/* Flags of each sendmsg(), and unless it is plain the control message with the id. */
	int flags;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint32_t))];
};

struct devmem_tx {
	int fd;
	/* "socket N", for messages. */
	char subject[32];
	struct devmem_tx_options options;
	/* SO_ZEROCOPY as it was. */
	int zerocopy_before;
	struct tx_source source;
	struct tx_fault fault;
	struct devmem_tx_stats stats;

	/* reap.c: what is in flight. Lost: completions came that can't be, so it is unknown. */
	struct inflight *inflight;
	bool lost;

	/* send.c: an error that came after bytes were sent, for the next call. */
	int deferred;
	/* Room for the send at hand: what is left of it, as the kernel wants it. */
	struct devmem_range ranges[DEVMEM_TX_RANGES_MAX];
	struct iovec iov[DEVMEM_TX_RANGES_MAX];
};

/* Notes the fault. Return: code. */
static inline int tx_fault(struct devmem_tx *tx, enum tx_fault_kind kind, int code)
{
	tx->fault.kind = kind;
	return code;
}

/* send.c: a message of the first n of iov. */
struct msghdr tx_message(struct tx_source *source, struct iovec *iov, size_t n);

/* reap.c */

/* Reads what is in the error queue. Return: how many messages, or a negative errno. */
int tx_read_completions(struct devmem_tx *tx);
/* Waits until the socket is ready for events or something is in the error queue, which it reads.
 * For an error that stays it naps. Return: 0, -ETIMEDOUT, -EINTR or another negative errno. */
int tx_poll(struct devmem_tx *tx, short events, int timeout_ms);

#endif
