/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_BIND_REQUEST_H
#define DEVMEM_LIB_BIND_REQUEST_H

/* The bind-rx and bind-tx requests. */

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "nic/nic.h"

/* Binds a dma-buf to receive queues of an interface. nic's socket becomes the owner of the
 * binding: closing it unbinds. rx_page_size 0 = the kernel's default. id receives the kernel's id
 * of the binding. */
int bind_rx(const struct nic *nic, int dmabuf_fd, const uint32_t *queues, size_t n,
	    uint32_t rx_page_size, uint32_t *id, struct devmem_error *err);

/* Binds a dma-buf to an interface, to send from it; otherwise the same. */
int bind_tx(const struct nic *nic, int dmabuf_fd, uint32_t *id, struct devmem_error *err);

#endif
