// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules as the kernel has them. */
#include "nic/ethtool_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "nic/ethtool_ioctl.h"
#include "nic/ethtool_rss.h"

int ethtool_get_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			   struct devmem_error *err)
{

	return ethtool_ioctl_rule_count(nic, rules, places, any, err);
}

int ethtool_get_rules(const struct nic *nic, struct uapi_rxnfc **rules, uint32_t *n,
		      uint32_t *places, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *taken, count, i;
	int ret;

	ret = ethtool_ioctl_rule_places(nic, &taken, &count, places, err);
	if (ret)
		return ret;
	array_sort(taken, count);
	*rules = calloc((size_t)count + 1, sizeof(**rules));
	if (!*rules) {
		ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRULE", nic->name, NULL);
		goto free_taken;
	}
	*n = 0;
	for (i = 0; i < count; i++) {
		ret = ethtool_ioctl_rule_get(nic, taken[i], &(*rules)[*n], &failed);
		/* Deleted meanwhile. */
		if (ret == -ENOENT)
			continue;
		if (ret && ret != -EINVAL) {
			if (err)
				*err = failed;
			goto err_free_rules;
		}
		if (ret) {
			/* Deleted meanwhile as other drivers say it, or of a kind that can't be
			 * told: the place counts as taken, the rule matches nothing. */
			memset(&(*rules)[*n], 0, sizeof(**rules));
			(*rules)[*n].fs.ring_cookie = UAPI_RX_CLS_FLOW_WAKE;
		}
		(*rules)[*n].fs.location = taken[i];
		(*n)++;
	}
	ret = 0;
	goto free_taken;

err_free_rules:
	free(*rules);
	*rules = NULL;
free_taken:
	free(taken);
	return ret;
}

int ethtool_get_rule(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
		     struct devmem_error *err)
{

	return ethtool_ioctl_rule_get(nic, place, rule, err);
}

int ethtool_insert_rule(const struct nic *nic, struct uapi_rxnfc *rule, struct devmem_error *err)
{

	return ethtool_ioctl_rule_insert(nic, rule, err);
}

int ethtool_delete_rule(const struct nic *nic, uint32_t place, struct devmem_error *err)
{

	return ethtool_ioctl_rule_delete(nic, place, err);
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
