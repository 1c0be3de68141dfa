/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_PLACEMENT_H
#define DEVMEM_LIB_PLACEMENT_H

/*
 * A region used as a ring for bytes that the CPU puts there: space is handed out in stream order
 * and comes back when the oldest pieces are released, in whatever order they are. Everything is
 * allocated by placement_open().
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <devmem/error.h>
#include <devmem/region.h>

struct placement;

int placement_open(struct placement **placement, struct devmem_region *region,
		   struct devmem_error *err);
void placement_close(struct placement *placement);
struct devmem_region *placement_region(const struct placement *placement);

/* Free space from the ring's head on, at most max bytes, as one or two pieces. Return: pieces, 0
 * if the ring is full. */
int placement_space(struct placement *placement, size_t max, struct iovec iov[2]);

/*
 * Adds up to size bytes at the head as one contiguous piece. *offset: where in the region. *token:
 * for placement_release(). Return: its size (less than asked for where the ring wraps); 0 if there
 * is no room for another piece.
 */
uint32_t placement_add(struct placement *placement, uint32_t size, uint64_t *offset,
		       uint32_t *token);

/* How many further pieces placement_add() can give. */
uint32_t placement_pieces_left(const struct placement *placement);

/* Gives a piece back. Any thread. Return: its size, 0 if the token is none that is out. */
uint32_t placement_release(struct placement *placement, uint32_t token);

#endif
