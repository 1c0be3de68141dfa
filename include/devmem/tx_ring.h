/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TX_RING_H
#define DEVMEM_TX_RING_H

#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>
#include <devmem/tx.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_tx_ring - space of a region for a sender that streams
 *
 * Opaque. Hands out space in a circle, and reuses it when the sends from it are complete:
 *
 *	devmem_tx_ring_get(ring, 1, 1 << 20, 0, &space);
 *	space.size = fill(space.offset, space.size);
 *	devmem_tx_send(tx, &space, 1, 0, &sequence);
 *	devmem_tx_ring_put(ring, &space, sequence);
 *
 * Optional: a sender whose bytes are in the region anyway needs none. After devmem_tx_ring_open()
 * nothing is allocated any more.
 */
struct devmem_tx_ring;

/**
 * devmem_tx_ring_open() - hand out a part of a sender's region
 * @ring: receives the handle
 * @tx: sender that the space is for; must stay open until the ring is closed
 * @space: the part of the region; NULL for all of it. Other senders' rings need other parts
 * @err: filled on failure; may be NULL
 *
 * Doesn't block. Errnos: EINVAL an empty part; ERANGE past the end of the region; ENOMEM. Return: 0
 * or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_ring_open(struct devmem_tx_ring **ring, struct devmem_tx *tx,
				   const struct devmem_range *space, struct devmem_error *err);

/**
 * devmem_tx_ring_close() - free the ring
 * @ring: handle or NULL
 *
 * Sends nothing, waits for nothing: what is in flight stays in flight. Since 0.1.
 */
DEVMEM_API void devmem_tx_ring_close(struct devmem_tx_ring *ring);

/**
 * devmem_tx_ring_get() - get space to fill
 * @ring: handle
 * @min: fewest bytes that are of use, at least 1
 * @max: most bytes that are of use, at least @min
 * @flags: 0 or DEVMEM_TX_DONTWAIT
 * @space: receives a contiguous range of @min to @max bytes
 *
 * Space comes back in the order in which it was handed out, when it was put back and its sends are
 * complete. Waits for that unless DEVMEM_TX_DONTWAIT; at most 4096 pieces can be out or in flight.
 *
 * Errnos: EINVAL @min is 0 or more than @max, an unknown flag; EMSGSIZE @min is more than the ring
 * has; EAGAIN no space now (DEVMEM_TX_DONTWAIT); ENOBUFS none, and what is to come back next was
 * not put back yet: waiting would never end; those of devmem_tx_wait(). Return: 0 or a negative
 * errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_ring_get(struct devmem_tx_ring *ring, uint64_t min, uint64_t max,
				  unsigned int flags, struct devmem_range *space);

/**
 * devmem_tx_ring_put() - give space back once its sends are complete
 * @ring: handle
 * @space: a range of devmem_tx_ring_get(); it may be shorter now, the rest of the newest piece is
 *	then free at once
 * @sequence: number of the last send that has bytes of it; 0 if it was not sent
 *
 * In any order. Makes no system call. Errnos: EINVAL not handed out, put back before, or longer
 * than it was; or no send has this number yet. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_tx_ring_put(struct devmem_tx_ring *ring, const struct devmem_range *space,
				  uint64_t sequence);

DEVMEM_END_DECLS

#endif
