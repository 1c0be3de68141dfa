// SPDX-License-Identifier: BSD-3-Clause
/* A region used as a ring for bytes that the CPU puts there. */
#include "rx/placement.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/error.h"

/* Pieces out at once. A plain stream makes one of each read. */
#define PIECES_MAX 16384U

struct piece {
	uint32_t size;
	atomic_uint out; /* cleared by placement_release(), by any thread */
};

struct placement {
	struct devmem_region *region;
	uint8_t *base;
	uint64_t size;
	/* Positions count up for ever; their remainder is the place in the region, or in
	 * pieces[]. */
	uint64_t head, tail;
	uint64_t first_piece, next_piece;
	struct piece pieces[PIECES_MAX];
};

int placement_open(struct placement **placement, struct devmem_region *region,
		   struct devmem_error *err)
{
	struct placement *p;
	void *base;
	int ret;

	p = calloc(1, sizeof(*p));
	if (!p)
		return error_system(err, -ENOMEM, "allocate", "placement", NULL);
	ret = devmem_region_map(region, &base, err);
	if (ret)
		goto free_placement;
	p->region = region;
	p->base = base;
	p->size = devmem_region_size(region);
	*placement = p;
	return 0;

free_placement:
	free(p);
	return ret;
}

void placement_close(struct placement *placement)
{
	free(placement);
}

struct devmem_region *placement_region(const struct placement *placement)
{
	return placement->region;
}

/* Moves the tail past the oldest pieces that have been released. */
static void reclaim(struct placement *p)
{
	while (p->first_piece != p->next_piece) {
		struct piece *piece = &p->pieces[p->first_piece % PIECES_MAX];

		if (atomic_load_explicit(&piece->out, memory_order_acquire))
			break;
		p->tail += piece->size;
		p->first_piece++;
	}
	/* An empty ring starts over at the region's start, so that reads don't wrap for nothing. */
	if (p->first_piece == p->next_piece)
		p->head = p->tail = 0;
}

int placement_space(struct placement *placement, size_t max, struct iovec iov[2])
{
	struct placement *p = placement;
	uint64_t space, at, to_end;

	reclaim(p);
	space = p->size - (p->head - p->tail);
	if (space > max)
		space = max;
	if (!space || !placement_pieces_left(p))
		return 0;
	at = p->head % p->size;
	to_end = p->size - at;
	iov[0].iov_base = p->base + at;
	iov[0].iov_len = space < to_end ? space : to_end;
	if (space <= to_end)
		return 1;
	iov[1].iov_base = p->base;
	iov[1].iov_len = space - to_end;
	return 2;
}

uint32_t placement_pieces_left(const struct placement *placement)
{
	return PIECES_MAX - (uint32_t)(placement->next_piece - placement->first_piece);
}

uint32_t placement_add(struct placement *placement, uint32_t size, uint64_t *offset,
		       uint32_t *token)
{
	struct placement *p = placement;
	uint64_t at = p->head % p->size;
	struct piece *piece;

	if (!placement_pieces_left(p))
		return 0;
	if (size > p->size - at)
		size = (uint32_t)(p->size - at);
	piece = &p->pieces[p->next_piece % PIECES_MAX];
	piece->size = size;
	atomic_store_explicit(&piece->out, 1, memory_order_relaxed);
	*token = (uint32_t)(p->next_piece % PIECES_MAX);
	*offset = at;
	p->next_piece++;
	p->head += size;
	return size;
}

uint32_t placement_release(struct placement *placement, uint32_t token)
{
	struct piece *piece;
	uint32_t size;

	if (token >= PIECES_MAX)
		return 0;
	piece = &placement->pieces[token];
	size = piece->size;
	return atomic_exchange_explicit(&piece->out, 0, memory_order_acq_rel) ? size : 0;
}
