/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_FLOW_H
#define DEVMEM_LIB_FLOW_H

/* Flow rules: which packets go to which receive queue. */

#include <stdbool.h>
#include <stdint.h>

#include <devmem/flow.h>

#include "nic/nic.h"
#include "uapi/ethtool.h"

/*
 * Adding a rule in two steps, so that what is about to be inserted can be written down in between.
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

/* flow_rule.c: a flow as a rule, and back */

/* The rule for a flow, without a place and without a target. */
int flow_make(struct uapi_rx_flow_spec *fs, const struct devmem_flow *flow, const char *subject,
	      struct devmem_error *err);
/* What a rule matches, for devmem_flow_list(). */
void flow_read(const struct uapi_rxnfc *nfc, struct devmem_flow_rule *rule);

/* True if two rules match the same packets. */
bool flow_has_same_match(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b);
/* True if a matches all packets that b matches. False of kinds that contain each other, such as TCP
 * and all of IP. */
bool flow_covers(const struct uapi_rx_flow_spec *a, const struct uapi_rx_flow_spec *b);
/* True if two rules send packets to the same queue or RSS context. */
bool flow_has_same_target(const struct uapi_rxnfc *a, const struct uapi_rxnfc *b);

/* What a rule does, in words: "tcp4 to 192.0.2.1:5201". */
#define FLOW_TEXT_SIZE 160
const char *flow_text(const struct uapi_rxnfc *rule, char text[FLOW_TEXT_SIZE]);

/* Makes an IPv4 address of one inside an IPv6 address. Return: the port in network byte order, 0
 * if there is none. */
uint16_t flow_unmap(struct sockaddr_storage *ss);

#endif
