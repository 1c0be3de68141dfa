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
#include "rx/receive.h"
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

	struct buffers buffers;
	uint32_t frags_per_page; /* as receives have shown it */
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

/* wait.c */
int rx_set_lowat(struct devmem_rx *rx, uint32_t bytes);

#endif
