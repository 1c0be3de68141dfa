/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RX_PRIVATE_H
#define DEVMEM_LIB_RX_PRIVATE_H

/* The receiver, as its files share it: rx.c opens and closes, wait.c waits and has one receive made
 * by receive.c, release.c has what the application is done with, return.c gives that back to the
 * kernel, explain.c puts what went wrong into words. */

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

/* A binding from which the socket delivers. */
struct rx_source {
	uint32_t id; /* of its fragments */
	struct devmem_region *region;
	struct held *held;
};

struct devmem_rx {
	int fd;
	int recv_flags;
	char subject[32]; /* "socket N", for messages */
	struct placement *placement;

	struct buffers buffers;	 /* what it reads into */
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

	uint32_t n_sources;
	struct rx_source sources[];
};

/* devmem_rx_open() for any number of bindings. */
int rx_open(struct devmem_rx **rx, int fd, struct devmem_binding *const *bindings, uint32_t n,
	    const struct devmem_rx_options *options, struct devmem_error *err);
/* Bytes that may still go out to the application, UINT64_MAX without a limit. The source with the
 * least left decides, for what comes next may be from any. */
uint64_t rx_room(const struct devmem_rx *rx);

/* release.c: everything that the application didn't release. */
void rx_return_all(struct devmem_rx *rx);

/* wait.c */
int rx_set_lowat(struct devmem_rx *rx, uint32_t bytes);

#endif
