// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules as the kernel has them. */
#include "nic/ethtool_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "nic/ethtool_rss.h"

/* Times that the list of rules is asked for again because it grew meanwhile. */
#define LIST_ATTEMPTS 8

int ethtool_get_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			   struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_GRXCLSRLCNT };
	int ret;

	ret = nic_ethtool(nic, "ETHTOOL_GRXCLSRLCNT", &nfc, err);
	if (ret)
		return ret;
	*rules = nfc.rule_cnt;
	*places = (uint32_t)nfc.data & ~UAPI_RX_CLS_LOC_SPECIAL;
	*any = !!(nfc.data & UAPI_RX_CLS_LOC_SPECIAL);
	return 0;
}

/* The places that rules are at, in no order; the caller frees. size: of the table, 0 if the driver
 * doesn't say. -EMSGSIZE: a rule came meanwhile. */
static int read_places(const struct nic *nic, struct uapi_rxnfc **places, uint32_t *size,
		       struct devmem_error *err)
{
	uint32_t count, listed;
	struct uapi_rxnfc *nfc;
	int any, ret;

	ret = ethtool_get_rule_count(nic, &count, size, &any, err);
	if (ret)
		return ret;
	nfc = calloc(1, sizeof(*nfc) + (size_t)count * sizeof(nfc->rule_locs[0]));
	if (!nfc)
		return error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRLALL", nic->name, NULL);
	nfc->cmd = UAPI_ETHTOOL_GRXCLSRLALL;
	nfc->rule_cnt = count;
	ret = nic_ethtool(nic, "ETHTOOL_GRXCLSRLALL", nfc, err);
	if (ret) {
		free(nfc);
		return ret;
	}
	/* The kernel wrote no more than there was room for. */
	if (nfc->rule_cnt > count)
		nfc->rule_cnt = count;
	listed = (uint32_t)nfc->data & ~UAPI_RX_CLS_LOC_SPECIAL;
	if (listed)
		*size = listed;
	*places = nfc;
	return 0;
}

int ethtool_get_rule(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
		     struct devmem_error *err)
{
	memset(rule, 0, sizeof(*rule));
	rule->cmd = UAPI_ETHTOOL_GRXCLSRULE;
	rule->fs.location = place;
	return nic_ethtool(nic, "ETHTOOL_GRXCLSRULE", rule, err);
}

int ethtool_get_rules(const struct nic *nic, struct uapi_rxnfc **rules, uint32_t *n, uint32_t *size,
		      struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct uapi_rxnfc *places = NULL, *rule;
	int ret = -EMSGSIZE;
	uint32_t i;

	for (i = 0; ret == -EMSGSIZE && i < LIST_ATTEMPTS; i++)
		ret = read_places(nic, &places, size, &failed);
	if (ret)
		return error_copy(err, &failed);
	array_sort(places->rule_locs, places->rule_cnt);
	*n = 0;
	*rules = calloc((size_t)places->rule_cnt + 1, sizeof(**rules));
	if (!*rules) {
		ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRULE", nic->name, NULL);
		goto free_places;
	}
	for (i = 0; i < places->rule_cnt; i++) {
		rule = &(*rules)[*n];
		ret = ethtool_get_rule(nic, places->rule_locs[i], rule, &failed);
		/* Deleted meanwhile. */
		if (ret == -ENOENT)
			continue;
		if (ret && ret != -EINVAL) {
			error_copy(err, &failed);
			goto free_rules;
		}
		/* Deleted meanwhile as other drivers say it, or of a kind that can't be read: the
		 * place counts as occupied, the rule matches nothing. */
		if (ret) {
			memset(rule, 0, sizeof(*rule));
			rule->fs.ring_cookie = UAPI_RX_CLS_FLOW_WAKE;
		}
		rule->fs.location = places->rule_locs[i];
		++*n;
	}
	free(places);
	return 0;

free_rules:
	free(*rules);
	*rules = NULL;
free_places:
	free(places);
	return ret;
}

int ethtool_insert_rule(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err)
{
	rule->cmd = UAPI_ETHTOOL_SRXCLSRLINS;
	return nic_ethtool(nic, "ETHTOOL_SRXCLSRLINS", rule, err);
}

int ethtool_delete_rule(const struct nic *nic, uint32_t place, struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_SRXCLSRLDEL };

	nfc.fs.location = place;
	return nic_ethtool(nic, "ETHTOOL_SRXCLSRLDEL", &nfc, err);
}

int ethtool_rule_hits(const struct nic *nic, const struct uapi_rxnfc *rule, uint32_t *hits,
		      uint32_t n, struct devmem_error *err)
{
	const uint64_t cookie = rule->fs.ring_cookie;
	struct ethtool_rss rss;
	uint32_t queue, i;
	uint8_t *seen;
	int ret;

	/* Dropped, or meant for a virtual function's queue. */
	if (cookie == UAPI_RX_CLS_FLOW_DISC || cookie == UAPI_RX_CLS_FLOW_WAKE ||
	    (cookie & UAPI_RING_COOKIE_VF))
		return 0;
	queue = (uint32_t)(cookie & UAPI_RING_COOKIE_QUEUE);
	if (!(rule->fs.flow_type & UAPI_FLOW_RSS)) {
		if (queue < n)
			hits[queue]++;
		return 0;
	}
	ret = ethtool_get_rss(nic, rule->rss_context, &rss, err);
	if (ret)
		return ret;
	seen = calloc((size_t)n + 1, 1);
	if (!seen) {
		ret = error_system(err, -ENOMEM, "rss-get", nic->name, NULL);
		goto free_rss;
	}
	/* The table's entry is added to the rule's queue. */
	for (i = 0; i < rss.table_len; i++) {
		if (rss.table[i] >= n || queue >= n - rss.table[i] || seen[rss.table[i] + queue])
			continue;
		seen[rss.table[i] + queue] = 1;
		hits[rss.table[i] + queue]++;
	}
	free(seen);
free_rss:
	ethtool_rss_free(&rss);
	return ret;
}
