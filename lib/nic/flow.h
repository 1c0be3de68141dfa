/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_FLOW_H
#define DEVMEM_LIB_FLOW_H

/* What reservations need of flow rules. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/flow.h>

#include "nic/nic.h"
#include "uapi/ethtool.h"

/*
 * Adds a rule in two steps, so that what is about to be inserted can be written down in between.
 * flow_prepare() makes the rule, does all checks, and chooses its place: rule->fs.location is one,
 * or UAPI_RX_CLS_LOC_ANY where the driver chooses. rss_context 0: to queue; else through that
 * context. exclusive: refuse (-EBUSY) also if a rule that is there catches all of the flow's
 * packets, and sends them elsewhere. flow_commit() inserts it; rule->fs.location receives the
 * place.
 */
int flow_prepare(const struct nic *nic, const struct devmem_flow *flow, uint32_t queue,
		 uint32_t rss_context, uint32_t rx_queues, bool exclusive, struct uapi_rxnfc *rule,
		 struct devmem_error *err);
int flow_commit(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err);

/* What a rule matches, as devmem_flow_list() tells it. */
void flow_read(const struct uapi_rxnfc *nfc, struct devmem_flow_rule *rule);

/* True if two rules match the same packets. */
bool flow_same_match(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b);

/* What a rule does, in words: "tcp4 to 192.0.2.1:5201". */
#define FLOW_TEXT_SIZE 160
const char *flow_text(const struct uapi_rxnfc *rule, char text[FLOW_TEXT_SIZE]);

#endif
