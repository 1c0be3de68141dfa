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

#include "tx/inflight.h"

/* What an errno doesn't tell, for devmem_tx_explain(). */
enum tx_fault {
	TX_FAULT_NONE,
	/* EINVAL, EMSGSIZE and ERANGE: what the caller asked for */
	TX_FAULT_FLAGS,
	TX_FAULT_NO_RANGE,
	TX_FAULT_MANY_RANGES,
	TX_FAULT_EMPTY_RANGE,
	TX_FAULT_PAST_END,
	TX_FAULT_NO_SUCH_SEND,
	/* EINVAL: somebody switched SO_ZEROCOPY off */
	TX_FAULT_ZEROCOPY_OFF,
	/* ENOBUFS */
	TX_FAULT_IN_FLIGHT,
	TX_FAULT_NOTIFICATIONS,
	/* EAGAIN, ENOBUFS, EINVAL and EMSGSIZE of a ring */
	TX_FAULT_RING,
};

struct devmem_tx {
	int fd;
	struct devmem_region *region;
	uint64_t region_size;
	uint32_t dmabuf_id;
	/* The binding's interface; ifindex 0 if it isn't known. */
	uint32_t ifindex;
	char dev[16];
	/* The region's mapping, if the CPU copies from it; else NULL. */
	const char *plain;
	/* SO_ZEROCOPY as it was. */
	int zerocopy_before;
	/* Completions came that can't be: nothing is known any more. */
	bool lost;
	/* An error that came after bytes were sent, for the next call. */
	int deferred;
	enum tx_fault fault;
	/* Of a fault: the range, and its place in the list. */
	size_t fault_at;
	struct devmem_range fault_range;
	uint32_t sends_max, ranges_max;
	uint32_t zerocopy_sends_before;
	struct inflight *inflight;
	struct inflight_source *source;
	struct devmem_tx_stats stats;
	/* Of a send that is going on: what is left of it, as the kernel wants it. */
	struct devmem_range ranges[DEVMEM_TX_RANGES_MAX];
	struct iovec iov[DEVMEM_TX_RANGES_MAX];
};

/* explain.c */

void tx_socket_name(char name[32], int fd);
/* What an errno of the kernel's sendmsg() means. */
void tx_explain_send(const struct devmem_tx *tx, int code, struct devmem_error *err);

/* send.c: one sendmsg() of the first n of iov. Return: bytes, or a negative errno of it. */
ssize_t tx_sendmsg(struct devmem_tx *tx, size_t n, int flags);

/* reap.c */

/* Reads what is in the error queue. Return: how many messages, or a negative errno. */
int tx_read_completions(struct devmem_tx *tx);
/* Waits until the socket is ready for events or something is in the error queue, which it reads.
 * For an error that stays it naps. Return: 0, -ETIMEDOUT, -EINTR or another negative errno. */
int tx_poll(struct devmem_tx *tx, short events, int timeout_ms);

#endif
