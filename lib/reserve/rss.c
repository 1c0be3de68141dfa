// SPDX-License-Identifier: BSD-3-Clause
/* The default RSS table, which is kept off all reserved queues. */
#include "reserve/reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/ethtool_rss.h"
#include "nic/queue.h"

int reserve_get_rss(const struct reserve *r, struct ethtool_rss *rss, struct devmem_error *err)
{
	int ret;

	ret = ethtool_get_rss(r->nic, 0, rss, err);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	if (!ret && rss->table_len)
		return 0;
	ethtool_rss_free(rss);
	return error_missing(err, -EOPNOTSUPP, "rss-get", r->nic->name,
			     "the driver has no RSS table: other packets can't be kept off the "
			     "queues; receiving through placement works without");
}

static bool same_table(const struct journal_rss *rss, const uint32_t *table,
		       const struct ethtool_rss *now)
{
	return table && rss->n == now->table_len &&
	       !memcmp(table, now->table, rss->n * sizeof(*table));
}

/* Set by us, or not yet set by us. */
static bool is_ours(const struct journal_rss *rss, const struct ethtool_rss *now)
{
	return same_table(rss, rss->now, now) || same_table(rss, rss->also, now);
}

/* NULL without memory, with an error. */
static uint32_t *copy_table(const struct reserve *r, const uint32_t *table, uint32_t n,
			    struct devmem_error *err)
{
	uint32_t *copy = calloc((size_t)n + 1, sizeof(*copy));

	if (copy)
		memcpy(copy, table, n * sizeof(*copy));
	else
		error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
	return copy;
}

void reserve_drop_rss(struct journal_rss *rss)
{
	free(rss->was);
	free(rss->now);
	free(rss->also);
	memset(rss, 0, sizeof(*rss));
}

/* Whether an owner other than the one that is leaving has the queue. */
static bool is_reserved(struct reserve *r, uint32_t queue, uint32_t leaving)
{
	const struct journal_owner *owner = journal_queue_owner(&r->journal, queue);

	return owner && owner->id != leaving;
}

/* A table without the reserved queues: their entries go to the others that it has, in turn, or to
 * all others where it has none. NULL without memory, with an error. */
static uint32_t *spread(struct reserve *r, const uint32_t *table, uint32_t len, uint32_t rx_queues,
			uint32_t leaving, struct devmem_error *err)
{
	uint32_t *result, *rest, n = 0, next = 0, i, j;

	result = copy_table(r, table, len, err);
	if (!result)
		return NULL;
	rest = calloc((size_t)rx_queues + 1, sizeof(*rest));
	if (!rest) {
		error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
		free(result);
		return NULL;
	}
	for (i = 0; i < rx_queues; i++) {
		if (is_reserved(r, i, leaving))
			continue;
		for (j = 0; j < len && table[j] != i; j++)
			;
		if (j < len)
			rest[n++] = i;
	}
	for (i = 0; !n && i < rx_queues; i++) {
		if (!is_reserved(r, i, leaving))
			rest[next++] = i;
	}
	n = n ? n : next;
	next = 0;
	for (i = 0; n && i < len; i++) {
		if (is_reserved(r, table[i], leaving)) {
			result[i] = rest[next];
			next = (next + 1) % n;
		}
	}
	free(rest);
	return result;
}

/* Writes down the table from before the first reservation. */
static int remember(struct reserve *r, const struct ethtool_rss *now, uint32_t rx_queues,
		    struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct devmem_error failed = { 0 };
	uint32_t rx_rings;
	int ret;

	ret = ethtool_get_rx_rings(r->nic, &rx_rings, &failed);
	if (ret && !ethtool_is_absent(ret))
		return error_copy(err, &failed);
	rss->was = copy_table(r, now->table, now->table_len, err);
	if (!rss->was)
		return -ENOMEM;
	rss->was_default = ethtool_rss_is_default(now, ret ? rx_queues : rx_rings);
	rss->n = now->table_len;
	rss->used = true;
	return 0;
}

/* Writes down that the table goes from this one of ours to the target. */
static int remember_change(struct reserve *r, uint32_t *target, const struct ethtool_rss *now,
			   struct devmem_error *err)
{
	uint32_t *also = NULL;

	if (memcmp(target, now->table, now->table_len * sizeof(*target)) != 0) {
		also = copy_table(r, now->table, now->table_len, err);
		if (!also)
			return -ENOMEM;
	}
	free(r->journal.rss.also);
	r->journal.rss.also = also;
	free(r->journal.rss.now);
	r->journal.rss.now = target;
	return 0;
}

int reserve_plan_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	uint32_t rx_queues, *target;
	struct ethtool_rss now;
	int ret;

	ret = reserve_get_rss(r, &now, err);
	if (ret)
		return ret;
	ret = queue_count(r->nic, &rx_queues, NULL, err);
	if (ret)
		goto free_now;
	if (rss->used && !is_ours(rss, &now)) {
		if (!same_table(rss, rss->was, &now))
			reserve_notice(r,
				       "%s: somebody changed the RSS table meanwhile: that is "
				       "what will be put back at the end",
				       r->nic->name);
		reserve_drop_rss(rss);
	}
	target = spread(r, rss->used ? rss->was : now.table, now.table_len, rx_queues, 0, err);
	if (!target) {
		ret = -ENOMEM;
		goto free_now;
	}
	if (!rss->used && !memcmp(target, now.table, now.table_len * sizeof(*target))) {
		/* Right as it is. */
		free(target);
		goto free_now;
	}
	if (rss->used) {
		ret = remember_change(r, target, &now, err);
	} else {
		ret = remember(r, &now, rx_queues, err);
		if (!ret)
			rss->now = target;
	}
	if (ret)
		free(target);
free_now:
	ethtool_rss_free(&now);
	return ret;
}

int reserve_apply_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	int ret;

	if (!rss->used)
		return 0;
	ret = ethtool_get_rss(r->nic, 0, &now, err);
	if (ret)
		return ret;
	if (!same_table(rss, rss->now, &now)) {
		ret = ethtool_set_rss(r->nic, rss->now, rss->n, err);
		if (!ret)
			reserve_step(r, "rss-set");
	}
	ethtool_rss_free(&now);
	return ret;
}

static bool names_missing_queue(const struct reserve *r, const uint32_t *table, uint32_t n)
{
	uint32_t rx_queues, i;

	if (queue_count(r->nic, &rx_queues, NULL, NULL))
		return false;
	for (i = 0; i < n; i++) {
		if (table[i] >= rx_queues)
			return true;
	}
	return false;
}

/* A reset lets the table follow the queues' number again, as it did, also where that has changed
 * meanwhile. Where the driver resets it to something else, the table is written. */
static int put_back_table(const struct reserve *r, struct devmem_error *err)
{
	const struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	uint32_t rx_rings;
	bool good;
	int ret;

	if (rss->was_default) {
		ret = ethtool_set_rss(r->nic, NULL, 0, err);
		if (!ret)
			ret = ethtool_get_rss(r->nic, 0, &now, err);
		if (ret)
			return ret;
		good = same_table(rss, rss->was, &now);
		if (!good && !ethtool_get_rx_rings(r->nic, &rx_rings, NULL))
			good = now.table_len && ethtool_rss_is_default(&now, rx_rings);
		ethtool_rss_free(&now);
		if (good)
			return 0;
	}
	ret = ethtool_set_rss(r->nic, rss->was, rss->n, err);
	if (ret != -EINVAL || !names_missing_queue(r, rss->was, rss->n))
		return ret;
	reserve_notice(r,
		       "%s: the RSS table from before names queues that are gone: the present one "
		       "is left alone",
		       r->nic->name);
	return 0;
}

int reserve_restore_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	int ret;

	if (!rss->used)
		return 0;
	ret = ethtool_get_rss(r->nic, 0, &now, err);
	if (ret)
		return ret;
	if (is_ours(rss, &now)) {
		ret = put_back_table(r, err);
		if (!ret)
			reserve_step(r, "rss-restore");
	} else if (!same_table(rss, rss->was, &now)) {
		reserve_notice(r, "%s: somebody changed the RSS table after us: it is left alone",
			       r->nic->name);
	}
	ethtool_rss_free(&now);
	if (!ret)
		reserve_drop_rss(rss);
	return ret;
}

int reserve_shrink_rss(struct reserve *r, uint32_t leaving, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	uint32_t rx_queues, *target = NULL;
	struct ethtool_rss now;
	bool ours;
	int ret;

	if (!rss->used)
		return 0;
	ret = queue_count(r->nic, &rx_queues, NULL, err);
	if (!ret)
		ret = ethtool_get_rss(r->nic, 0, &now, err);
	if (ret)
		return ret;
	ours = is_ours(rss, &now);
	if (ours) {
		target = spread(r, rss->was, rss->n, rx_queues, leaving, err);
		ret = target ? 0 : -ENOMEM;
	}
	if (ret)
		goto free_now;
	/* It is somebody else's, or the others have no queue that was in it. */
	if (!ours || !memcmp(target, rss->was, rss->n * sizeof(*target))) {
		ret = reserve_restore_rss(r, err);
		goto free_target;
	}
	ret = remember_change(r, target, &now, err);
	if (ret)
		goto free_target;
	ret = reserve_save(r, "journal-rss", err);
	if (!ret)
		ret = reserve_apply_rss(r, err);
	if (!ret) {
		free(rss->also);
		rss->also = NULL;
	}
	goto free_now;

free_target:
	free(target);
free_now:
	ethtool_rss_free(&now);
	return ret;
}
