/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAB_SENDER_H
#define LAB_SENDER_H

/* What the files of the program `sender` share. */

#include <stddef.h>
#include <stdint.h>

#include <devmem/devmem.h>

#define CONNS_MAX 8

/*
 * fd: the socket; -1: there is none
 * tx: NULL: no sender was opened on it
 * reported: sends that devmem_tx_reap() has reported
 * want: file that gets the bytes that the peer must receive
 */
struct conn {
	int fd;
	struct devmem_tx *tx;
	uint64_t reported;
	int want;
};

/*
 * copy: what the region contains, except where it was poisoned. What the peer must receive is
 * copied from here, so that it shows when the NIC read something else from the region.
 */
struct sender {
	struct devmem_region *region;
	uint64_t size;
	uint8_t *copy;
	struct conn conns[CONNS_MAX];
};

extern struct sender sender;

/* sender.c: an answer is one line; the second and third are for errors */
void answer(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void answer_error(int code, const char *message);
void answer_tx_error(const struct conn *conn, int code);

/* sender_bytes.c */
void pattern(uint8_t *buf, uint64_t position, size_t size);
void region_put(uint64_t offset, const uint8_t *bytes, size_t size);
void region_poison(const struct devmem_range *range);
void region_heal(const struct devmem_range *range);
void want_bytes(const struct conn *conn, const uint8_t *bytes, size_t size);
void want_ranges(const struct conn *conn, const struct devmem_range *ranges, size_t n,
		 uint64_t bytes);

/* sender_load.c */
int reap(struct conn *conn, struct devmem_tx_done *done, int n);
void load_poll(uint64_t bytes, uint64_t chunk);
void load_threads(uint64_t bytes, uint64_t chunk);
void load_reuse(const struct conn *conn, uint64_t size, uint64_t rounds);
void load_ring(const struct conn *conn, const struct devmem_range *space, uint64_t chunk,
	       uint64_t total);

#endif
