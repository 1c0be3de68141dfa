/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RX_PRIVATE_H
#define DEVMEM_LIB_RX_PRIVATE_H

/*
 * What the parts of the receiver share: rx.c opens, closes and answers questions, receive.c
 * makes fragments of one recvmsg(), wait.c decides when that happens, release.c has what the
 * application is done with, return.c gives it back to the kernel. Nobody else includes this file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/rx.h>

#include "rx/lowat.h"
#include "rx/out.h"
#include "rx/return.h"

struct held;
struct placement;

struct devmem_rx {
	int fd;
	int recv_flags;
	struct devmem_region *region;
	struct held *held;
	uint32_t dmabuf_id;
	struct placement *placement;

	struct devmem_fragment *frags;
	uint32_t frags_len;
	uint32_t frags_limit;	 /* of the receive at hand: as many as control space is given for */
	size_t bytes_limit;	 /* and as many as may be read */
	uint32_t received;	 /* bytes that it brought */
	uint32_t frags_per_page; /* as receives have shown it */
	void *control;
	size_t control_len;
	void *host;
	size_t host_len;
	uint32_t recv_max;

	struct out out;
	struct returns returns;
	struct lowat lowat;
	/* The socket's SO_RCVLOWAT: wait.c. */
	struct {
		uint32_t first; /* before it was opened */
		uint32_t set;	/* now */
		bool armed;	/* by devmem_rx_arm(), above 1 */
	} mark;

	struct devmem_rx_stats stats;
};

/* release.c: everything that the application didn't release. */
void rx_return_all(struct devmem_rx *rx);

/* receive.c: is a receive possible? Otherwise a wait could be for what can never come. Return: 0 or
 * -ENOBUFS. */
int rx_check_room(struct devmem_rx *rx);
/* One recvmsg(). Return: number of fragments in rx->frags, 0 at the end of the stream, or a
 * negative errno. */
int rx_take(struct devmem_rx *rx, int flags);

/* wait.c */
int rx_set_lowat(struct devmem_rx *rx, uint32_t bytes);

#endif
