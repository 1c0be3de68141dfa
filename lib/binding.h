/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_BINDING_H
#define DEVMEM_LIB_BINDING_H

/* What receivers need of a binding. */

#include <devmem/binding.h>

struct held;

/* The region it binds: borrowed. */
struct devmem_region *binding_region(const struct devmem_binding *binding);
/* The count of its pages that are out: borrowed, take a reference to keep it. */
struct held *binding_held(const struct devmem_binding *binding);

#endif
