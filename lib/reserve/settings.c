// SPDX-License-Identifier: BSD-3-Clause
/* What reservations share on an interface: header split and its threshold, flow rules switched on,
 * RSS kept off all reserved queues. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/flow.h"
#include "nic/netdev.h"

#define SPLIT_ON UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED

static const char *split_name(uint32_t split)
{
	switch (split) {
	case UAPI_ETHTOOL_TCP_DATA_SPLIT_DISABLED:
		return "off";
	case UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED:
		return "on";
	default:
		return "auto";
	}
}

static void hint_split(const struct reserve *r, int code, struct devmem_error *err)
{
	if (code == -EOPNOTSUPP)
		error_hint(err,
			   "the driver of %s can't split headers from payload, which device "
			   "memory needs; receiving through placement works without",
			   r->dev->name);
	else if (code == -EPERM)
		error_hint(err, "a reservation needs CAP_NET_ADMIN: run it as root");
}

/* ---- checks ---- */

static int check_ntuple(const struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	uint32_t rules, places;
	int any, ret;

	ret = ethtool_get_ntuple(r->dev, &ntuple, err);
	if (ret)
		return ret;
	/* Drivers may deny having rules while they are switched off. */
	if (!ntuple.active.set && ntuple.hw.set && !ntuple.nochange.set)
		return 0;
	ret = ethtool_get_rule_count(r->dev, &rules, &places, &any, err);
	if (ret == -EOPNOTSUPP)
		error_hint(err,
			   "the driver of %s has no flow rules: no flow can be sent to a queue; "
			   "receiving through placement works without",
			   r->dev->name);
	return ret;
}

static int get_table(const struct reserve *r, struct ethtool_rss *rss, struct devmem_error *err)
{
	int ret;

	ret = ethtool_get_rss(r->dev, 0, rss, err);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	if (!ret && rss->table_len)
		return 0;
	ethtool_rss_free(rss);
	return error_missing(err, -EOPNOTSUPP, "rss-get", r->dev->name,
			     "the driver has no RSS table: other packets can't be kept off the "
			     "queues; receiving through placement works without");
}

int reserve_check_driver(const struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_rings rings;
	struct ethtool_rss rss;
	int ret;

	ret = ethtool_get_rings(r->dev, &rings, err);
	if (ret) {
		hint_split(r, ret, err);
		return ret;
	}
	ret = check_ntuple(r, err);
	if (!ret)
		ret = get_table(r, &rss, err);
	if (!ret)
		ethtool_rss_free(&rss);
	return ret;
}

/* A rule of somebody else's would bring packets into the region that nobody expects there. */
int reserve_check_rules(const struct reserve *r, const uint32_t *queues, size_t n,
			struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *hits, nrules, places, i, last = 0;
	struct uapi_rxnfc *rules;
	char text[FLOW_TEXT_SIZE];
	size_t q;
	int ret;

	ret = ethtool_get_rules(r->dev, &rules, &nrules, &places, &failed);
	if (ret == -EOPNOTSUPP)
		return 0; /* switched off: there are none */
	if (ret) {
		if (err)
			*err = failed;
		return ret;
	}
	for (q = 0; q < n; q++)
		last = queues[q] > last ? queues[q] : last;
	hits = calloc((size_t)last + 1, sizeof(*hits));
	if (!hits) {
		ret = error_system(err, -ENOMEM, "reserve", r->dev->name, NULL);
		goto free_rules;
	}
	for (i = 0; i < nrules; i++) {
		memset(hits, 0, ((size_t)last + 1) * sizeof(*hits));
		ret = ethtool_rule_hits(r->dev, &rules[i], hits, last + 1, err);
		if (ret)
			goto free_hits;
		for (q = 0; q < n && !hits[queues[q]]; q++)
			;
		if (q == n)
			continue;
		ret = error_system(
			err, -EBUSY, "reserve", r->dev->name,
			"flow rule %" PRIu32 " (%s) sends packets to queue %" PRIu32
			" already%s: choose another queue, or devmemctl flow del %s %" PRIu32,
			rules[i].fs.location, flow_text(&rules[i], text), queues[q],
			rules[i].fs.flow_type & UAPI_FLOW_RSS ? ", through its RSS context" : "",
			r->dev->name, rules[i].fs.location);
		goto free_hits;
	}
free_hits:
	free(hits);
free_rules:
	free(rules);
	return ret;
}

/* ---- RSS tables ---- */

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

static uint32_t *copy_table(const uint32_t *table, uint32_t n)
{
	uint32_t *copy = calloc((size_t)n + 1, sizeof(*copy));

	if (copy)
		memcpy(copy, table, n * sizeof(*copy));
	return copy;
}

void reserve_drop_rss(struct journal_rss *rss)
{
	free(rss->was);
	free(rss->now);
	free(rss->also);
	memset(rss, 0, sizeof(*rss));
}

/* Does an owner, other than the one that is leaving, have the queue? */
static bool is_reserved(struct reserve *r, uint32_t queue, uint32_t leaving)
{
	const struct journal_owner *owner = journal_queue_owner(&r->journal, queue);

	return owner && owner->id != leaving;
}

/* A table without the reserved queues: their entries go to the others that it has, in turn, or to
 * all others where it has none. NULL without memory. */
static uint32_t *spread(struct reserve *r, const uint32_t *table, uint32_t len, uint32_t rx_queues,
			uint32_t leaving)
{
	uint32_t *result, *rest, n = 0, next = 0, i, j;

	result = copy_table(table, len);
	rest = calloc((size_t)rx_queues + 1, sizeof(*rest));
	if (!result || !rest) {
		free(result);
		free(rest);
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

/* ---- what is to be set ---- */

static void plan_number(const struct reserve *r, struct journal_number *number, uint32_t now,
			uint32_t target, const char *what)
{
	if (!number->used) {
		number->used = true;
		number->was = now;
	} else if (now != number->now && now != number->was) {
		reserve_notice(r,
			       "%s: somebody changed %s meanwhile: that is what will be put "
			       "back at the end",
			       r->dev->name, what);
		number->was = now;
	}
	number->now = target;
}

static int plan_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	uint32_t rx_queues, rx_rings, *target;
	struct devmem_error failed = { 0 };
	struct ethtool_rss now;
	int ret;

	ret = get_table(r, &now, err);
	if (ret)
		return ret;
	ret = netdev_rx_queues(r->netdev, &rx_queues, err);
	if (ret)
		goto free_now;
	if (rss->used && !is_ours(rss, &now)) {
		if (!same_table(rss, rss->was, &now))
			reserve_notice(r,
				       "%s: somebody changed the RSS table meanwhile: that is "
				       "what will be put back at the end",
				       r->dev->name);
		reserve_drop_rss(rss);
	}
	target = spread(r, rss->used ? rss->was : now.table, now.table_len, rx_queues, 0);
	if (!target)
		goto no_memory;
	if (!memcmp(target, now.table, now.table_len * sizeof(*target))) {
		/* Right as it is. */
		if (rss->used) {
			free(rss->now);
			free(rss->also);
			rss->now = target;
			rss->also = NULL;
		} else {
			free(target);
		}
		goto free_now;
	}
	if (!rss->used) {
		ret = ethtool_get_rx_rings(r->dev, &rx_rings, &failed);
		if (ret && !ethtool_is_absent(ret)) {
			if (err)
				*err = failed;
			goto free_target;
		}
		rss->was = copy_table(now.table, now.table_len);
		if (!rss->was)
			goto free_target_no_memory;
		rss->was_default = ethtool_rss_is_default(&now, ret ? rx_queues : rx_rings);
		rss->n = now.table_len;
		rss->used = true;
		ret = 0;
	} else {
		free(rss->also);
		rss->also = copy_table(now.table, now.table_len);
		if (!rss->also)
			goto free_target_no_memory;
	}
	free(rss->now);
	rss->now = target;
	goto free_now;

free_target_no_memory:
	ret = error_system(err, -ENOMEM, "reserve", r->dev->name, NULL);
free_target:
	free(target);
	goto free_now;
no_memory:
	ret = error_system(err, -ENOMEM, "reserve", r->dev->name, NULL);
free_now:
	ethtool_rss_free(&now);
	return ret;
}

int reserve_plan(struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	struct ethtool_msg_rings rings;
	int ret;

	ret = ethtool_get_rings(r->dev, &rings, err);
	if (ret) {
		hint_split(r, ret, err);
		return ret;
	}
	ret = ethtool_get_ntuple(r->dev, &ntuple, err);
	if (!ret)
		ret = plan_rss(r, err);
	if (ret)
		return ret;
	plan_number(r, &r->journal.split, rings.split, SPLIT_ON, "header split");
	if (rings.has_hds_thresh)
		plan_number(r, &r->journal.hds_thresh, rings.hds_thresh, 0, "hds-thresh");
	if (!ntuple.active.set && ntuple.hw.set && !ntuple.nochange.set)
		plan_number(r, &r->journal.ntuple, 0, 1, "ntuple");
	return 0;
}

/* The kernel tells what was configured from what the driver happens to do, and bind-rx wants it
 * configured: split is set also where it is reported on. */
static int apply_rings(struct reserve *r, struct devmem_error *err)
{
	const struct journal *journal = &r->journal;
	unsigned int set = ETHTOOL_MSG_SET_SPLIT;
	int ret;

	if (journal->hds_thresh.used)
		set |= ETHTOOL_MSG_SET_HDS_THRESH;
	ret = ethtool_set_rings(r->dev, set, (uint8_t)journal->split.now, journal->hds_thresh.now,
				err);
	if (ret)
		hint_split(r, ret, err);
	else
		reserve_step(r, "rings-set");
	return ret;
}

static int apply_ntuple(struct reserve *r, struct devmem_error *err)
{
	int ret;

	if (!r->journal.ntuple.used)
		return 0;
	ret = ethtool_set_ntuple(r->dev, r->journal.ntuple.now, err);
	if (!ret)
		reserve_step(r, "features-set");
	return ret;
}

static int apply_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	int ret;

	if (!rss->used)
		return 0;
	ret = ethtool_get_rss(r->dev, 0, &now, err);
	if (ret)
		return ret;
	if (!same_table(rss, rss->now, &now)) {
		ret = ethtool_set_rss(r->dev, rss->now, rss->n, err);
		if (!ret)
			reserve_step(r, "rss-set");
	}
	ethtool_rss_free(&now);
	return ret;
}

int reserve_apply(struct reserve *r, struct devmem_error *err)
{
	int ret;

	ret = apply_rings(r, err);
	if (!ret)
		ret = apply_ntuple(r, err);
	if (!ret)
		ret = apply_rss(r, err);
	if (ret || !r->journal.rss.also)
		return ret;
	free(r->journal.rss.also);
	r->journal.rss.also = NULL;
	return reserve_save(r, "journal-done", err);
}

/* ---- putting back ---- */

static bool names_missing_queue(const struct reserve *r, const uint32_t *table, uint32_t n)
{
	uint32_t rx_queues, i;

	if (netdev_rx_queues(r->netdev, &rx_queues, NULL))
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
		ret = ethtool_set_rss(r->dev, NULL, 0, err);
		if (!ret)
			ret = ethtool_get_rss(r->dev, 0, &now, err);
		if (ret)
			return ret;
		good = same_table(rss, rss->was, &now);
		if (!good && !ethtool_get_rx_rings(r->dev, &rx_rings, NULL))
			good = now.table_len && ethtool_rss_is_default(&now, rx_rings);
		ethtool_rss_free(&now);
		if (good)
			return 0;
	}
	ret = ethtool_set_rss(r->dev, rss->was, rss->n, err);
	if (ret != -EINVAL || !names_missing_queue(r, rss->was, rss->n))
		return ret;
	reserve_notice(r,
		       "%s: the RSS table from before names queues that are gone: the present one "
		       "is left alone",
		       r->dev->name);
	return 0;
}

static int restore_rss(struct reserve *r, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	int ret;

	if (!rss->used)
		return 0;
	ret = ethtool_get_rss(r->dev, 0, &now, err);
	if (ret)
		return ret;
	if (is_ours(rss, &now)) {
		ret = put_back_table(r, err);
		if (!ret)
			reserve_step(r, "rss-restore");
	} else if (!same_table(rss, rss->was, &now)) {
		reserve_notice(r, "%s: somebody changed the RSS table after us: it is left alone",
			       r->dev->name);
	}
	ethtool_rss_free(&now);
	if (!ret)
		reserve_drop_rss(rss);
	return ret;
}

int reserve_shrink(struct reserve *r, uint32_t leaving, struct devmem_error *err)
{
	struct journal_rss *rss = &r->journal.rss;
	struct ethtool_rss now;
	uint32_t rx_queues, *target;
	int ret;

	if (!rss->used)
		return 0;
	ret = netdev_rx_queues(r->netdev, &rx_queues, err);
	if (!ret)
		ret = ethtool_get_rss(r->dev, 0, &now, err);
	if (ret)
		return ret;
	if (!is_ours(rss, &now)) {
		ethtool_rss_free(&now);
		return restore_rss(r, err);
	}
	target = spread(r, rss->was, rss->n, rx_queues, leaving);
	if (!target) {
		ret = error_system(err, -ENOMEM, "reserve", r->dev->name, NULL);
		goto free_now;
	}
	/* The others have no queue that was in it. */
	if (!memcmp(target, rss->was, rss->n * sizeof(*target))) {
		free(target);
		ethtool_rss_free(&now);
		return restore_rss(r, err);
	}
	free(rss->also);
	rss->also = copy_table(now.table, now.table_len);
	free(rss->now);
	rss->now = target;
	if (!rss->also)
		ret = error_system(err, -ENOMEM, "reserve", r->dev->name, NULL);
	if (!ret)
		ret = reserve_save(r, "journal-rss", err);
	if (!ret)
		ret = apply_rss(r, err);
	if (!ret) {
		free(rss->also);
		rss->also = NULL;
	}
free_now:
	ethtool_rss_free(&now);
	return ret;
}

/* Switching rules off drops those that are there: not if they are somebody else's. */
static int restore_ntuple(struct reserve *r, struct devmem_error *err)
{
	struct journal_number *number = &r->journal.ntuple;
	struct ethtool_msg_feature ntuple;
	uint32_t rules, places;
	int any, ret;

	if (!number->used)
		return 0;
	ret = ethtool_get_ntuple(r->dev, &ntuple, err);
	if (ret)
		return ret;
	if ((uint32_t)ntuple.active.set == number->was)
		goto done;
	ret = ethtool_get_rule_count(r->dev, &rules, &places, &any, err);
	if (ret)
		return ret;
	if (rules) {
		reserve_notice(r,
			       "%s: ntuple stays on: somebody has added flow rules, which would be "
			       "lost",
			       r->dev->name);
		goto done;
	}
	ret = ethtool_set_ntuple(r->dev, number->was, err);
	if (ret)
		return ret;
	reserve_step(r, "features-restore");
done:
	number->used = false;
	return 0;
}

/* True if it is ours to put back; says if somebody else has changed it. */
static bool to_put_back(const struct reserve *r, const struct journal_number *number, uint32_t now,
			const char *what)
{
	if (!number->used || now == number->was)
		return false;
	if (now == number->now)
		return true;
	reserve_notice(r, "%s: somebody changed %s after us: it is left alone", r->dev->name, what);
	return false;
}

static int restore_rings(struct reserve *r, struct devmem_error *err)
{
	struct journal *journal = &r->journal;
	struct ethtool_msg_rings rings;
	unsigned int set = 0;
	int ret;

	if (!journal->split.used && !journal->hds_thresh.used)
		return 0;
	ret = ethtool_get_rings(r->dev, &rings, err);
	if (ret)
		return ret;
	if (to_put_back(r, &journal->split, rings.split, "header split"))
		set |= ETHTOOL_MSG_SET_SPLIT;
	if (to_put_back(r, &journal->hds_thresh, rings.hds_thresh, "hds-thresh"))
		set |= ETHTOOL_MSG_SET_HDS_THRESH;
	if (set) {
		ret = ethtool_set_rings(r->dev, set, (uint8_t)journal->split.was,
					journal->hds_thresh.was, err);
		if (ret)
			return ret;
		reserve_step(r, "rings-restore");
	}
	journal->split.used = false;
	journal->hds_thresh.used = false;
	return 0;
}

int reserve_restore_settings(struct reserve *r, char *remains, size_t size,
			     struct devmem_error *err)
{
	int (*const restore[])(struct reserve *, struct devmem_error *) = {
		restore_rss,
		restore_ntuple,
		restore_rings,
	};
	struct devmem_error failed;
	int ret, first = 0;
	size_t i;

	remains[0] = '\0';
	for (i = 0; i < sizeof(restore) / sizeof(restore[0]); i++) {
		memset(&failed, 0, sizeof(failed));
		ret = restore[i](r, &failed);
		if (ret && !first) {
			first = ret;
			if (err)
				*err = failed;
		}
	}
	if (first)
		reserve_settings_text(&r->journal, remains, size);
	return first;
}

void reserve_settings_text(const struct journal *journal, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	if (journal->split.used)
		len += (size_t)snprintf(text + len, size - len, ", header split (was %s)",
					split_name(journal->split.was));
	if (journal->hds_thresh.used && len < size)
		len += (size_t)snprintf(text + len, size - len, ", hds-thresh (was %" PRIu32 ")",
					journal->hds_thresh.was);
	if (journal->ntuple.used && len < size)
		len += (size_t)snprintf(text + len, size - len, ", ntuple (was %s)",
					journal->ntuple.was ? "on" : "off");
	if (journal->rss.used && len < size)
		len += (size_t)snprintf(text + len, size - len, ", RSS table (was %s)",
					journal->rss.was_default ? "the default"
								 : "somebody's own");
	if (len)
		memmove(text, text + 2, strlen(text) - 1);
}
