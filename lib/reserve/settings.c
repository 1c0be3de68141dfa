// SPDX-License-Identifier: BSD-3-Clause
/* What reservations share on an interface: header split and its threshold, flow rules switched on,
 * the RSS table (rss.c). */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/ethtool_rss.h"
#include "nic/ethtool_rules.h"

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
			   r->nic->name);
	else if (code == -EPERM)
		error_hint(err, "a reservation needs CAP_NET_ADMIN: run it as root");
}

/* ---- checks ---- */

static int check_ntuple(const struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	uint32_t rules, places;
	int any, ret;

	ret = ethtool_get_ntuple(r->nic, &ntuple, err);
	if (ret)
		return ret;
	/* Drivers may deny having rules while they are switched off. */
	if (!ntuple.active.set && ntuple.hw.set && !ntuple.nochange.set)
		return 0;
	ret = ethtool_get_rule_count(r->nic, &rules, &places, &any, err);
	if (ret == -EOPNOTSUPP)
		error_hint(err,
			   "the driver of %s has no flow rules: no flow can be sent to a queue; "
			   "receiving through placement works without",
			   r->nic->name);
	return ret;
}

int reserve_check_driver(const struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_rings rings;
	struct ethtool_rss rss;
	int ret;

	ret = ethtool_get_rings(r->nic, &rings, err);
	if (ret) {
		hint_split(r, ret, err);
		return ret;
	}
	ret = check_ntuple(r, err);
	if (!ret)
		ret = reserve_get_rss(r, &rss, err);
	if (!ret)
		ethtool_rss_free(&rss);
	return ret;
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
			       r->nic->name, what);
		number->was = now;
	}
	number->now = target;
}

int reserve_plan(struct reserve *r, struct devmem_error *err)
{
	struct ethtool_msg_feature ntuple;
	struct ethtool_msg_rings rings;
	int ret;

	ret = ethtool_get_rings(r->nic, &rings, err);
	if (ret) {
		hint_split(r, ret, err);
		return ret;
	}
	ret = ethtool_get_ntuple(r->nic, &ntuple, err);
	if (!ret)
		ret = reserve_plan_rss(r, err);
	if (ret)
		return ret;
	plan_number(r, &r->journal.split, rings.split, SPLIT_ON, "header split");
	if (rings.has_hds_thresh)
		plan_number(r, &r->journal.hds_thresh, rings.hds_thresh, 0, "hds-thresh");
	if (!ntuple.active.set && ntuple.hw.set && !ntuple.nochange.set)
		plan_number(r, &r->journal.ntuple, 0, 1, "ntuple");
	return 0;
}

/* The kernel distinguishes what was configured from what the driver happens to do, and bind-rx
 * wants it configured: split is set also where it is reported as on. */
static int apply_rings(struct reserve *r, struct devmem_error *err)
{
	const struct journal *journal = &r->journal;
	unsigned int set = ETHTOOL_MSG_SET_SPLIT;
	int ret;

	if (journal->hds_thresh.used)
		set |= ETHTOOL_MSG_SET_HDS_THRESH;
	ret = ethtool_set_rings(r->nic, set, (uint8_t)journal->split.now, journal->hds_thresh.now,
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
	ret = ethtool_set_ntuple(r->nic, r->journal.ntuple.now, err);
	if (!ret)
		reserve_step(r, "features-set");
	return ret;
}

int reserve_apply(struct reserve *r, struct devmem_error *err)
{
	int ret;

	ret = apply_rings(r, err);
	if (!ret)
		ret = apply_ntuple(r, err);
	if (!ret)
		ret = reserve_apply_rss(r, err);
	if (ret || !r->journal.rss.also)
		return ret;
	free(r->journal.rss.also);
	r->journal.rss.also = NULL;
	return reserve_save(r, "journal-done", err);
}

/* ---- putting back ---- */

/* Switching rules off drops those that are there: not if they are somebody else's. */
static int restore_ntuple(struct reserve *r, struct devmem_error *err)
{
	struct journal_number *number = &r->journal.ntuple;
	struct ethtool_msg_feature ntuple;
	uint32_t rules, places;
	int any, ret;

	if (!number->used)
		return 0;
	ret = ethtool_get_ntuple(r->nic, &ntuple, err);
	if (ret)
		return ret;
	if ((uint32_t)ntuple.active.set == number->was)
		goto done;
	ret = ethtool_get_rule_count(r->nic, &rules, &places, &any, err);
	if (ret)
		return ret;
	if (rules) {
		reserve_notice(r,
			       "%s: ntuple stays on: somebody has added flow rules, which would be "
			       "lost",
			       r->nic->name);
		goto done;
	}
	ret = ethtool_set_ntuple(r->nic, number->was, err);
	if (ret)
		return ret;
	reserve_step(r, "features-restore");
done:
	number->used = false;
	return 0;
}

/* True if it is ours to put back. Gives a notice if somebody else has changed it. */
static bool is_ours_to_restore(const struct reserve *r, const struct journal_number *number,
			       uint32_t now, const char *what)
{
	if (!number->used || now == number->was)
		return false;
	if (now == number->now)
		return true;
	reserve_notice(r, "%s: somebody changed %s after us: it is left alone", r->nic->name, what);
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
	ret = ethtool_get_rings(r->nic, &rings, err);
	if (ret)
		return ret;
	if (is_ours_to_restore(r, &journal->split, rings.split, "header split"))
		set |= ETHTOOL_MSG_SET_SPLIT;
	if (is_ours_to_restore(r, &journal->hds_thresh, rings.hds_thresh, "hds-thresh"))
		set |= ETHTOOL_MSG_SET_HDS_THRESH;
	if (set) {
		ret = ethtool_set_rings(r->nic, set, (uint8_t)journal->split.was,
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
		reserve_restore_rss,
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
			error_copy(err, &failed);
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
