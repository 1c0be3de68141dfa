// SPDX-License-Identifier: BSD-3-Clause
/* What an owner has of its own on an interface: flow rules, and the RSS context that spreads flows
 * over its queues. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/ethtool_rss.h"
#include "nic/ethtool_rules.h"
#include "nic/flow.h"

/* ---- RSS context ---- */

static void free_before(struct journal_context *context)
{
	free(context->before);
	context->before = NULL;
	context->n_before = 0;
}

static void drop_context(struct journal_context *context)
{
	free(context->table);
	free_before(context);
	memset(context, 0, sizeof(*context));
}

/* The owner's queues in turn, as long as the default context's table is. */
static int make_table(const struct reserve *r, const struct journal_owner *owner,
		      struct journal_context *context, struct devmem_error *err)
{
	struct ethtool_rss rss;
	uint32_t i;
	int ret;

	ret = ethtool_get_rss(r->nic, 0, &rss, err);
	if (ret)
		return ret;
	context->n = rss.table_len;
	ethtool_rss_free(&rss);
	context->table = calloc((size_t)context->n + 1, sizeof(*context->table));
	if (!context->table)
		return error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
	for (i = 0; i < context->n; i++)
		context->table[i] = owner->queues[i % owner->n_queues];
	return 0;
}

static int list_contexts(const struct reserve *r, uint32_t **ids, uint32_t *n,
			 struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_list_rss_contexts(r->nic, ids, n, &failed);
	if (ret == -EOPNOTSUPP) {
		*ids = NULL;
		*n = 0;
		return 0;
	}
	return ret ? error_copy(err, &failed) : 0;
}

int reserve_make_context(struct reserve *r, struct journal_owner *owner, struct devmem_error *err)
{
	struct journal_context *context = &owner->context;
	int ret;

	if (context->used && context->id)
		return 0;
	/* One that was about to be made when the process that did it for this owner was killed. */
	if (context->used) {
		ret = reserve_delete_context(r, owner, err);
		if (ret)
			return ret;
	}
	ret = make_table(r, owner, context, err);
	if (!ret)
		ret = list_contexts(r, &context->before, &context->n_before, err);
	if (ret)
		goto drop_context;
	context->used = true;
	ret = reserve_save(r, "journal-context", err);
	if (ret)
		goto drop_context;
	ret = ethtool_create_rss_context(r->nic, context->table, context->n, &context->id, err);
	if (ret)
		goto delete_context;
	reserve_step(r, "rss-create");
	free_before(context);
	ret = reserve_save(r, "journal-context-id", err);
	if (ret)
		goto delete_context;
	return 0;

delete_context:
	/* Also where the kernel's answer was lost. What can't be deleted now stays in the
	 * journal. */
	if (reserve_delete_context(r, owner, NULL))
		return ret;
	reserve_save(r, "journal-context-undone", NULL);
	return ret;
drop_context:
	drop_context(context);
	return ret;
}

static bool is_before(const struct journal_context *context, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < context->n_before; i++) {
		if (context->before[i] == id)
			return true;
	}
	return false;
}

/* 1 if the context spreads as ours does, 0 if not or if it's gone. */
static int same_context(const struct reserve *r, const struct journal_context *context, uint32_t id,
			struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct ethtool_rss rss;
	int ret, same;

	ret = ethtool_get_rss(r->nic, id, &rss, &failed);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return error_copy(err, &failed);
	same = rss.table_len == context->n &&
	       !memcmp(rss.table, context->table, context->n * sizeof(*rss.table));
	ethtool_rss_free(&rss);
	return same;
}

/* The number of a context that was made, or was about to be, when its owner died: 0 if there is
 * none. */
static int find_context(const struct reserve *r, const struct journal_context *context,
			uint32_t *id, struct devmem_error *err)
{
	uint32_t *ids, n, i;
	int ret;

	*id = 0;
	ret = list_contexts(r, &ids, &n, err);
	if (ret)
		return ret;
	for (i = 0; i < n && ret == 0; i++) {
		if (is_before(context, ids[i]))
			continue;
		ret = same_context(r, context, ids[i], err);
		if (ret > 0)
			*id = ids[i];
	}
	free(ids);
	return ret < 0 ? ret : 0;
}

/* listed: false if it's certain that there is no such context. */
static int find_listed(const struct reserve *r, uint32_t id, bool *listed, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *ids, n, i;
	int ret;

	*listed = true;
	ret = ethtool_list_rss_contexts(r->nic, &ids, &n, &failed);
	/* Contexts without a list. */
	if (ret == -EOPNOTSUPP)
		return 0;
	if (ret)
		return error_copy(err, &failed);
	for (i = 0; i < n && ids[i] != id; i++)
		;
	*listed = i < n;
	free(ids);
	return 0;
}

int reserve_delete_context(struct reserve *r, struct journal_owner *owner, struct devmem_error *err)
{
	struct journal_context *context = &owner->context;
	struct devmem_error failed = { 0 };
	uint32_t id = context->id;
	bool listed = true;
	int ret, same = 1;

	if (!context->used)
		return 0;
	if (id) {
		ret = find_listed(r, id, &listed, err);
		if (!ret && listed)
			ret = same = same_context(r, context, id, err);
		if (ret < 0)
			return ret;
	} else {
		ret = find_context(r, context, &id, err);
		if (ret)
			return ret;
		listed = id != 0;
	}
	if (!same)
		reserve_notice(r,
			       "%s: somebody changed RSS context %" PRIu32
			       " after us: it is left alone",
			       r->nic->name, id);
	else if (id && !listed)
		reserve_notice(r, "%s: RSS context %" PRIu32 " is gone already", r->nic->name, id);
	if (listed && same) {
		ret = ethtool_delete_rss_context(r->nic, id, &failed);
		if (ret && ret != -ENOENT)
			return error_copy(err, &failed);
		reserve_step(r, "rss-delete");
	}
	drop_context(context);
	return 0;
}

/* ---- rules ---- */

static bool same_rule(const struct uapi_rxnfc *rule, const struct journal_rule *ours)
{
	if (!flow_has_same_match(&rule->fs, &ours->fs) ||
	    rule->fs.ring_cookie != ours->fs.ring_cookie ||
	    ((rule->fs.flow_type ^ ours->fs.flow_type) & UAPI_FLOW_RSS))
		return false;
	return !(ours->fs.flow_type & UAPI_FLOW_RSS) || rule->rss_context == ours->rss_context;
}

/* Looks for our rule: at its place, or anywhere if its place never was written down. place receives
 * JOURNAL_NO_PLACE if it isn't there. foreign: another is at its place. */
static int find_rule(const struct reserve *r, const struct journal_rule *ours, uint32_t *place,
		     bool *foreign, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct ethtool_msg_feature ntuple;
	struct uapi_rxnfc *rules, rule;
	uint32_t n, places, i;
	int ret;

	*place = JOURNAL_NO_PLACE;
	*foreign = false;
	ret = ethtool_get_rules(r->nic, &rules, &n, &places, &failed);
	/* Switched off: there are none. */
	if (ret == -EOPNOTSUPP && !ethtool_get_ntuple(r->nic, &ntuple, NULL) && !ntuple.active.set)
		return 0;
	if (ret)
		return error_copy(err, &failed);
	for (i = 0; i < n; i++) {
		bool here = rules[i].fs.location == ours->fs.location;

		if (ours->fs.location != JOURNAL_NO_PLACE && !here)
			continue;
		rule = rules[i];
		if (!rule.fs.flow_type && here) {
			ret = ethtool_get_rule(r->nic, rules[i].fs.location, &rule, &failed);
			if (ret == -ENOENT) {
				ret = 0;
				break;
			}
			if (ret) {
				error_copy(err, &failed);
				break;
			}
		}
		if (same_rule(&rule, ours)) {
			*place = rules[i].fs.location;
			break;
		}
		*foreign = here;
	}
	free(rules);
	return ret;
}

int reserve_delete_rule(struct reserve *r, struct journal_owner *owner, struct journal_rule *rule,
			struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t place;
	bool foreign;
	int ret;

	ret = find_rule(r, rule, &place, &foreign, err);
	if (ret)
		return ret;
	if (foreign)
		reserve_notice(r,
			       "%s: somebody put another flow rule at place %" PRIu32
			       " after us: it is left alone",
			       r->nic->name, rule->fs.location);
	else if (place == JOURNAL_NO_PLACE && rule->fs.location != JOURNAL_NO_PLACE)
		reserve_notice(r, "%s: flow rule %" PRIu32 " is gone already", r->nic->name,
			       rule->fs.location);
	if (place != JOURNAL_NO_PLACE) {
		ret = ethtool_delete_rule(r->nic, place, &failed);
		if (ret && ret != -ENOENT)
			return error_copy(err, &failed);
		reserve_step(r, "rule-delete");
	}
	journal_remove_rule(owner, rule);
	return 0;
}

/* Writes the rule down, inserts it, and writes down where it is. */
int reserve_insert_rule(struct reserve *r, struct journal_owner *owner, struct uapi_rxnfc *nfc,
			struct devmem_error *err)
{
	struct uapi_rxnfc reported;
	struct journal_rule *rule;
	int ret;

	rule = journal_add_rule(owner);
	if (!rule)
		return error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
	rule->fs = nfc->fs;
	rule->fs.location = JOURNAL_NO_PLACE;
	rule->rss_context = nfc->fs.flow_type & UAPI_FLOW_RSS ? nfc->rss_context : 0;
	ret = reserve_save(r, "journal-rule", err);
	if (ret) {
		journal_remove_rule(owner, rule);
		return ret;
	}
	ret = flow_commit(r->nic, nfc, err);
	if (ret) {
		/* An ioctl's answer can't be lost: what may be there now is somebody else's. */
		journal_remove_rule(owner, rule);
		reserve_save(r, "journal-rule-undone", NULL);
		return ret;
	}
	reserve_step(r, "rule-insert");
	rule->fs.location = nfc->fs.location;
	/* As the driver reports it, so that it can be recognized. */
	if (!ethtool_get_rule(r->nic, nfc->fs.location, &reported, NULL) && reported.fs.flow_type) {
		rule->fs = reported.fs;
		rule->fs.location = nfc->fs.location;
	}
	ret = reserve_save(r, "journal-place", err);
	if (ret)
		goto delete_rule;
	return 0;

delete_rule:
	if (!reserve_delete_rule(r, owner, rule, NULL))
		reserve_save(r, "journal-rule-undone", NULL);
	return ret;
}
