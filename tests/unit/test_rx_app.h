/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_RX_APP_H
#define DEVMEM_TESTS_RX_APP_H

/* An application on one receiver that checks every byte: on arrival, and again when it releases
 * it. */

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <devmem/rx.h>

#include "fake_socket.h"

#define APP_HELD_MAX 131072

struct app_held {
	struct devmem_fragment frag;
	uint64_t pos;
};

struct app {
	int fd;
	struct devmem_rx *rx;
	struct devmem_region *region, *foreign, *placement;
	/* Host fragments lie in memory that is gone with the next recv; the others are here until
	 * released. */
	struct app_held *held;
	uint32_t n_held;
	uint64_t pos;
	/* Of the last app_recv() */
	const struct devmem_fragment *frags;
	int n;
	uint64_t bytes;
};

/* Opens a receiver; fails the test if that fails. options may be NULL; sz is filled in. */
void app_open(struct app *app, int fd, struct fake_pool *pool, struct devmem_binding *binding,
	      const struct devmem_rx_options *options);
void app_close(struct app *app);
/* One devmem_rx_recv(): checks the fragments and holds them. Its result. */
int app_recv(struct app *app, unsigned int flags);
/* Checks and releases the held fragment with that index, or all of them. */
void app_release(struct app *app, uint32_t i);
void app_release_all(struct app *app);
/* recv and release everything until the end of the stream. ENOBUFS and such fail the test. */
void app_drain(struct app *app);
struct devmem_rx_stats app_stats(const struct app *app);
/* The address of a fragment's bytes. */
const uint8_t *app_bytes(const struct app *app, const struct devmem_fragment *frag);

#endif
