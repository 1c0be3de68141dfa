// SPDX-License-Identifier: BSD-3-Clause
/* Space of a region for a sender that streams, in a circle. */
#include <devmem/tx_ring.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/error.h"
#include "tx/tx.h"

/* A power of two. */
#define PIECES 4096U

/* Space that was handed out: it comes back whole. */
struct piece {
	uint64_t offset;
	/* With what was left out at the end of the circle, behind the piece before. */
	uint64_t used;
	uint64_t size;
	bool put;
	/* The send that must be complete. */
	uint64_t sequence;
};

struct devmem_tx_ring {
	struct devmem_tx *tx;
	struct devmem_range space;
	/* Bytes from the beginning of space to where the next piece begins. */
	uint64_t head;
	uint64_t used;
	/* Oldest first, in a circle. */
	uint32_t oldest, n;
	struct piece pieces[PIECES];
};

int devmem_tx_ring_open(struct devmem_tx_ring **ring, struct devmem_tx *tx,
			const struct devmem_range *space, struct devmem_error *err)
{
	struct devmem_tx_ring *r;

	*ring = NULL;
	if (space && !space->size)
		return error_input(err, -EINVAL, "ring", "a ring of 0 bytes has no space");
	if (space &&
	    (space->offset > tx->source.size || space->size > tx->source.size - space->offset))
		return error_input(err, -ERANGE, "ring",
				   "%" PRIu64 " bytes at offset %" PRIu64
				   " reach past the end of the region at %" PRIu64,
				   space->size, space->offset, tx->source.size);
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_system(err, -ENOMEM, "allocate", "ring", NULL);
	r->tx = tx;
	r->space = space ? *space : (struct devmem_range){ .size = tx->source.size };
	*ring = r;
	return 0;
}

void devmem_tx_ring_close(struct devmem_tx_ring *ring)
{
	free(ring);
}

static struct piece *piece(struct devmem_tx_ring *r, uint32_t n)
{
	return &r->pieces[(r->oldest + n) % PIECES];
}

/* What is complete is free again. */
static void reclaim(struct devmem_tx_ring *r)
{
	uint64_t completed = inflight_completed(r->tx->inflight);

	while (r->n && piece(r, 0)->put && piece(r, 0)->sequence <= completed) {
		r->used -= piece(r, 0)->used;
		r->oldest = (r->oldest + 1) % PIECES;
		r->n--;
	}
	/* From the beginning again, so that the largest piece is in one. */
	if (!r->n)
		r->head = 0;
}

/* Hands out from min to max bytes. Return: 0, or -ENOBUFS if there are not as many in one piece. */
static int hand_out(struct devmem_tx_ring *r, uint64_t min, uint64_t max,
		    struct devmem_range *space)
{
	uint64_t free_bytes = r->space.size - r->used;
	uint64_t to_end = r->space.size - r->head;
	uint64_t skipped = 0;
	uint64_t size;

	if (r->n == PIECES)
		return -ENOBUFS;
	/* Too little up to the end of the circle: it stays empty, if there is enough behind it. */
	if (to_end < min) {
		skipped = to_end;
		to_end = r->space.size;
	}
	if (free_bytes < skipped || free_bytes - skipped < min)
		return -ENOBUFS;
	size = free_bytes - skipped;
	if (size > to_end)
		size = to_end;
	if (size > max)
		size = max;
	if (skipped)
		r->head = 0;
	*space = (struct devmem_range){ r->space.offset + r->head, size };
	*piece(r, r->n) = (struct piece){
		.offset = space->offset,
		.used = skipped + size,
		.size = size,
	};
	r->n++;
	r->used += skipped + size;
	r->head += size;
	if (r->head == r->space.size)
		r->head = 0;
	return 0;
}

int devmem_tx_ring_get(struct devmem_tx_ring *ring, uint64_t min, uint64_t max, unsigned int flags,
		       struct devmem_range *space)
{
	const bool wait = !(flags & DEVMEM_TX_DONTWAIT);
	int ret;

	if (!min || min > max || (flags & ~DEVMEM_TX_DONTWAIT))
		return tx_fault(ring->tx, TX_FAULT_RING_ARGUMENTS, -EINVAL);
	if (min > ring->space.size)
		return tx_fault(ring->tx, TX_FAULT_RING_SIZE, -EMSGSIZE);
	ring->tx->fault.kind = TX_FAULT_NONE;
	for (;;) {
		if (ring->tx->lost)
			return -EBADMSG;
		reclaim(ring);
		if (!hand_out(ring, min, max, space))
			return 0;
		/* Something is out, else there would have been space. */
		if (!piece(ring, 0)->put)
			return tx_fault(ring->tx, TX_FAULT_RING_NOT_PUT, -ENOBUFS);
		ret = devmem_tx_wait(ring->tx, piece(ring, 0)->sequence, wait ? -1 : 0);
		if (ret == -ETIMEDOUT)
			return tx_fault(ring->tx, TX_FAULT_RING_FULL, -EAGAIN);
		if (ret)
			return ret;
	}
}

int devmem_tx_ring_put(struct devmem_tx_ring *ring, const struct devmem_range *space,
		       uint64_t sequence)
{
	uint32_t i;

	if (sequence > inflight_last(ring->tx->inflight))
		return -EINVAL;
	for (i = 0; i < ring->n; i++) {
		struct piece *p = piece(ring, i);
		uint64_t rest;

		if (p->offset != space->offset || p->put)
			continue;
		if (space->size > p->size)
			return -EINVAL;
		rest = p->size - space->size;
		/* Behind the newest nothing was handed out: what is left of it is free. */
		if (i == ring->n - 1) {
			p->used -= rest;
			p->size -= rest;
			ring->used -= rest;
			ring->head = p->offset - ring->space.offset + p->size;
			if (ring->head == ring->space.size)
				ring->head = 0;
		}
		p->put = true;
		p->sequence = sequence;
		return 0;
	}
	return -EINVAL;
}
