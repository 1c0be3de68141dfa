/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_DEVMEM_H
#define DEVMEM_DEVMEM_H

/* All of libdevmem's interface. */
#include <devmem/binding.h>
#include <devmem/error.h>
#include <devmem/flow.h>
#include <devmem/inherit.h>
#include <devmem/netdev.h>
#include <devmem/region.h>
#include <devmem/reservation.h>
#include <devmem/rx.h>
#include <devmem/tx.h>
#include <devmem/tx_ring.h>
#include <devmem/version.h>

#endif
