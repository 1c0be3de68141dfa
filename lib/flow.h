/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_FLOW_H
#define DEVMEM_LIB_FLOW_H

/* What steering needs of flow rules. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/flow.h>

#include "ethtool.h"

/* Adds a rule as devmem_flow_add() does; rule receives what was sent, with its place. */
int flow_insert(const struct ethtool_dev *dev, const struct devmem_flow *flow, uint32_t queue,
		uint32_t rx_queues, struct uapi_rx_flow_spec *rule, struct devmem_error *err);

/* True if two rules match the same packets. */
bool flow_same_match(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b);

/* What a rule does, in words: "tcp4 to 192.0.2.1:5201". */
#define FLOW_TEXT_SIZE 160
const char *flow_text(const struct uapi_rxnfc *rule, char text[FLOW_TEXT_SIZE]);

#endif
