// SPDX-License-Identifier: BSD-3-Clause
/* One change of an interface's settings: makes it and takes it back. */
#include "steering_step.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

int step_do(const struct step *step, const struct ethtool_dev *dev, struct devmem_error *err)
{
	switch (step->kind) {
	case STEP_RINGS:
		return ethtool_set_rings(dev, step->rings.set, (uint8_t)step->rings.split_now,
					 step->rings.hds_thresh_now, err);
	case STEP_NTUPLE:
		return ethtool_set_ntuple(dev, step->ntuple.now, err);
	case STEP_RSS:
		return ethtool_set_rss(dev, step->rss.now, step->rss.n, err);
	default:
		return error_input(err, -EINVAL, dev->name, "no such step: %" PRIu32, step->kind);
	}
}

/* A reset lets the table follow the queues' number again, as it did, also where that has changed
 * meanwhile. Where the driver resets it to something else, the table is written. */
static int undo_rss(const struct step_rss *step, const struct ethtool_dev *dev,
		    struct devmem_error *err)
{
	struct ethtool_rss rss;
	uint32_t rx_rings;
	int ret, good;

	if (!step->was_default)
		return ethtool_set_rss(dev, step->was, step->n, err);
	ret = ethtool_set_rss(dev, NULL, 0, err);
	if (ret)
		return ret;
	ret = ethtool_get_rss(dev, 0, &rss, err);
	if (ret)
		return ret;
	good = rss.table_len == step->n &&
	       !memcmp(rss.table, step->was, step->n * sizeof(*step->was));
	if (!good && !ethtool_get_rx_rings(dev, &rx_rings, NULL))
		good = rss.table_len && ethtool_rss_is_default(&rss, rx_rings);
	ethtool_rss_free(&rss);
	return good ? 0 : ethtool_set_rss(dev, step->was, step->n, err);
}

/* Deletes the rule, unless somebody did already, or has put another in its place. */
static int undo_flow(const struct step_flow *step, const struct ethtool_dev *dev,
		     struct devmem_error *err)
{
	struct uapi_rxnfc *rules, rule;
	uint32_t n, places, i;
	int ret;

	ret = ethtool_get_rules(dev, &rules, &n, &places, err);
	if (ret)
		return ret;
	for (i = 0; i < n; i++) {
		if (rules[i].fs.location == step->rule.location)
			break;
	}
	memset(&rule, 0, sizeof(rule));
	if (i < n)
		rule = rules[i];
	free(rules);
	if (i == n)
		return 0;
	if (!rule.fs.flow_type) {
		ret = ethtool_get_rule(dev, step->rule.location, &rule, err);
		if (ret)
			return ret == -ENOENT ? 0 : ret;
	}
	if (!flow_same_match(&rule.fs, &step->rule) ||
	    rule.fs.ring_cookie != step->rule.ring_cookie)
		return 0;
	return ethtool_delete_rule(dev, step->rule.location, err);
}

int step_undo(const struct step *step, const struct ethtool_dev *dev, struct devmem_error *err)
{
	switch (step->kind) {
	case STEP_RINGS:
		return ethtool_set_rings(dev, step->rings.set, (uint8_t)step->rings.split_was,
					 step->rings.hds_thresh_was, err);
	case STEP_NTUPLE:
		return ethtool_set_ntuple(dev, step->ntuple.was, err);
	case STEP_RSS:
		return undo_rss(&step->rss, dev, err);
	case STEP_FLOW:
		return undo_flow(&step->flow, dev, err);
	default:
		return error_input(err, -EINVAL, dev->name, "no such step: %" PRIu32, step->kind);
	}
}

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

const char *step_text(const struct step *step, char text[STEP_TEXT_SIZE])
{
	switch (step->kind) {
	case STEP_RINGS:
		if (step->rings.set & ETHTOOL_MSG_SET_HDS_THRESH)
			snprintf(text, STEP_TEXT_SIZE,
				 "header split (was %s, hds-thresh %" PRIu32 ")",
				 split_name(step->rings.split_was), step->rings.hds_thresh_was);
		else
			snprintf(text, STEP_TEXT_SIZE, "header split (was %s)",
				 split_name(step->rings.split_was));
		break;
	case STEP_NTUPLE:
		snprintf(text, STEP_TEXT_SIZE, "ntuple (was %s)", step->ntuple.was ? "on" : "off");
		break;
	case STEP_RSS:
		snprintf(text, STEP_TEXT_SIZE, "RSS table (was %s)",
			 step->rss.was_default ? "the default" : "somebody's own");
		break;
	case STEP_FLOW:
		snprintf(text, STEP_TEXT_SIZE, "flow rule %" PRIu32, step->flow.rule.location);
		break;
	default:
		snprintf(text, STEP_TEXT_SIZE, "step %" PRIu32, step->kind);
		break;
	}
	return text;
}

void step_free(struct step *step)
{
	if (step->kind != STEP_RSS)
		return;
	free(step->rss.was);
	free(step->rss.now);
	step->rss.was = NULL;
	step->rss.now = NULL;
}
