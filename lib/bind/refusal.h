/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_BIND_REFUSAL_H
#define DEVMEM_LIB_BIND_REFUSAL_H

/* What the kernel's refusals of bind-rx and bind-tx mean to a person. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "nic/nic.h"

/* What was refused. */
struct refusal_request {
	bool tx; /* bind-tx: the last three members are 0 */
	const struct nic *nic;
	int fd;
	const uint32_t *queues;
	size_t n;
	uint32_t rx_page_size;
};

/* Adds what to do to the error that the request gave, and corrects its kind where the code alone
 * says too little. */
void refusal_explain(const struct refusal_request *request, struct devmem_error *err);

#endif
