// SPDX-License-Identifier: BSD-3-Clause
/* The interfaces of the kernel in tests/unit: what they start with, and how tests compare them. */
#include "fake_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fake_nic *nic_new(const char *name)
{
	struct fake_nic *nic;

	if (kernel.n_nics == NIC_MAX)
		abort();
	nic = &kernel.nics[kernel.n_nics++];
	nic->ifindex = 2 + kernel.n_nics;
	snprintf(nic->name, sizeof(nic->name), "%s", name);
	nic->present = true;
	nic->up = true;
	nic->mtu = 1500;
	nic->addr_len = 6;
	return nic;
}

void fake_indir_default(struct fake_nic *nic)
{
	uint32_t i;

	memset(nic->state.indir, 0, sizeof(nic->state.indir));
	for (i = 0; i < nic->indir_size; i++)
		nic->state.indir[i] = i % nic->state.combined;
}

struct fake_nic *fake_nic_rich(const char *name)
{
	struct fake_nic *nic = nic_new(name);
	size_t i;

	strcpy(nic->driver, "dmsim");
	strcpy(nic->bus, "0000:03:00.0");
	memcpy(nic->perm_addr, "\x02\x64\x6d\x00\x01", 5);
	nic->perm_addr[5] = (uint8_t)kernel.n_nics;
	nic->queue_mgmt = nic->dma = nic->netmem_tx = true;
	nic->has_rings = nic->can_set_rings = true;
	nic->can_split = true;
	nic->can_hds_thresh = kernel.personality >= FAKE_LINUX_7_3;
	nic->ring_rx_max = 4096;
	nic->ring_tx_max = 2048;
	nic->hds_thresh_max = 1024;
	nic->has_channels = true;
	nic->combined_max = 8;
	nic->has_rss = nic->can_set_rss = nic->rss_contexts = true;
	nic->contexts_max = 4;
	nic->indir_size = 8;
	nic->key_size = FAKE_KEY;
	nic->has_rules = nic->can_set_rules = true;
	nic->rules_max = 16;
	nic->location_any = true;
	nic->rules_need_ntuple = true;
	nic->has_qstats = nic->has_page_pools = true;
	nic->rx_page_size = kernel.personality >= FAKE_LINUX_7_3;
	nic->rx_packets = 11;
	nic->rx_bytes = 0x123456789aULL;
	nic->alloc_fail = 3;
	nic->hw_drops = 5;
	nic->hw_overruns = 4;
	nic->inflight = 64;
	nic->state.ring_rx = 1024;
	nic->state.ring_tx = 512;
	nic->state.split = 1;
	nic->state.hds_thresh = nic->can_hds_thresh ? 256 : 0;
	nic->state.combined = 4;
	nic->state.rss_hfunc = 1; /* ETH_RSS_HASH_TOP */
	nic->state.features = nic->state.features_wanted = 0x17 | (1ULL << 14);
	for (i = 0; i < FAKE_KEY; i++)
		nic->state.key[i] = (uint8_t)(7 * i + 1);
	fake_indir_default(nic);
	return nic;
}

struct fake_nic *fake_nic_poor(const char *name)
{
	struct fake_nic *nic = nic_new(name);

	strcpy(nic->driver, "veth");
	nic->state.combined = 1;
	nic->ntuple_fixed = true;
	nic->state.features = nic->state.features_wanted = 0x17;
	return nic;
}

struct fake_nic *fake_nic_by_index(uint32_t ifindex)
{
	unsigned int i;

	for (i = 0; i < kernel.n_nics; i++)
		if (kernel.nics[i].present && kernel.nics[i].ifindex == ifindex)
			return &kernel.nics[i];
	return NULL;
}

struct fake_nic *fake_nic_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < kernel.n_nics; i++)
		if (kernel.nics[i].present && !strcmp(kernel.nics[i].name, name))
			return &kernel.nics[i];
	return NULL;
}

struct fake_nic *fake_nic_find(const char *name)
{
	return fake_nic_by_name(name);
}

void fake_rule_put(struct fake_nic *nic, uint32_t location, uint32_t flow_type, uint64_t cookie)
{
	struct fake_rule *rule = &nic->state.rules[location];

	memset(rule, 0, sizeof(*rule));
	rule->used = 1;
	rule->fs.location = location;
	rule->fs.flow_type = flow_type;
	rule->fs.ring_cookie = cookie;
	if (!(nic->state.features & fake_ntuple())) {
		nic->state.features |= fake_ntuple();
		nic->state.features_wanted |= fake_ntuple();
	}
}

void fake_rule_put_context(struct fake_nic *nic, uint32_t location, uint32_t flow_type,
			   uint32_t context)
{
	fake_rule_put(nic, location, flow_type | FLOW_RSS, 0);
	nic->state.rules[location].rss_context = context;
}

void fake_context_put(struct fake_nic *nic, uint32_t id, const uint32_t *table, uint32_t n)
{
	struct fake_context *context = &nic->state.contexts[id - 1];
	uint32_t i;

	memset(context, 0, sizeof(*context));
	context->used = 1;
	for (i = 0; i < nic->indir_size; i++)
		context->indir[i] = n ? table[i % n] : i % nic->state.combined;
}

const uint32_t *fake_context(const struct fake_nic *nic, uint32_t id)
{
	if (!id || id > FAKE_CONTEXTS || !nic->state.contexts[id - 1].used)
		return NULL;
	return nic->state.contexts[id - 1].indir;
}

void fake_snapshot(const struct fake_nic *nic, struct fake_state *state)
{
	memcpy(state, &nic->state, sizeof(*state));
}

bool fake_same_state(const struct fake_nic *nic, const struct fake_state *state)
{
	return !memcmp(&nic->state, state, sizeof(*state));
}

#define DIFFERS(member, fmt)                                                                       \
	do {                                                                                       \
		if (nic->state.member != state->member && n < (int)sizeof(text))                   \
			n += snprintf(text + n, sizeof(text) - (size_t)n,                          \
				      " " #member " " fmt " was " fmt ";", nic->state.member,      \
				      state->member);                                              \
	} while (0)

void fake_assert_state(const struct fake_nic *nic, const struct fake_state *state, const char *why)
{
	char text[2048] = "";
	int n = 0;
	size_t i;

	if (fake_same_state(nic, state))
		return;
	DIFFERS(ring_rx, "%u");
	DIFFERS(ring_tx, "%u");
	DIFFERS(split, "%u");
	DIFFERS(hds_thresh, "%u");
	DIFFERS(combined, "%u");
	DIFFERS(rss_configured, "%u");
	DIFFERS(rss_hfunc, "%u");
	DIFFERS(features_wanted, "%#lx");
	DIFFERS(features, "%#lx");
	for (i = 0; i < FAKE_INDIR; i++)
		DIFFERS(indir[i], "%u");
	for (i = 0; i < FAKE_KEY; i++)
		DIFFERS(key[i], "%u");
	for (i = 0; i < FAKE_RULES; i++) {
		DIFFERS(rules[i].used, "%u");
		DIFFERS(rules[i].fs.flow_type, "%u");
		DIFFERS(rules[i].rss_context, "%u");
	}
	for (i = 0; i < FAKE_CONTEXTS; i++)
		DIFFERS(contexts[i].used, "%u");
	for (i = 0; i < FAKE_QUEUES; i++)
		DIFFERS(bound[i], "%u");
	for (i = 0; i < fake_log_len(); i++)
		print_message("\t%s\n", fake_log(i));
	fail_msg("%s: %s is not as it was:%s", why, nic->name,
		 n ? text : " rules or contexts differ");
}

void fake_next_binding(uint32_t id)
{
	kernel.next_binding = id;
}
