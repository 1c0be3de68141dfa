// SPDX-License-Identifier: BSD-3-Clause
/* Receive queues set apart for chosen flows, and everything put back afterwards. */
#include <devmem/steering.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "genl.h"
#include "netdev.h"
#include "steering_step.h"

struct devmem_steering {
	const struct ethtool_dev *dev;
	uint32_t rx_queues;
	uint32_t *queues;
	size_t nqueues;
	struct step *steps; /* in the order in which they were done */
	size_t nsteps, room;
};

static bool has_queue(const struct devmem_steering *s, uint32_t queue)
{
	size_t i;

	for (i = 0; i < s->nqueues; i++) {
		if (s->queues[i] == queue)
			return true;
	}
	return false;
}

/* Makes room for one more step, so that recording one can't fail after it was done. */
static int reserve_step(struct devmem_steering *s, struct devmem_error *err)
{
	struct step *steps;
	size_t room;

	if (s->nsteps < s->room)
		return 0;
	room = s->room ? 2 * s->room : 8;
	steps = realloc(s->steps, room * sizeof(*steps));
	if (!steps)
		return error_system(err, -ENOMEM, "steering", s->dev->name, NULL);
	s->steps = steps;
	s->room = room;
	return 0;
}

/* Does a step and records it, also when it failed and may have been done nevertheless: the kernel's
 * answer got lost. Takes over its tables. */
static int run_step(struct devmem_steering *s, struct step *step, struct devmem_error *err)
{
	bool done = false;
	int ret;

	ret = reserve_step(s, err);
	if (!ret) {
		ret = step_do(step, s->dev, err);
		done = !ret || genl_in_doubt(s->dev->genl);
	}
	if (ret && !done) {
		step_free(step);
		return ret;
	}
	s->steps[s->nsteps++] = *step;
	return ret;
}

/* Puts everything back, the last change first; every step is tried. Returns the first failure, and
 * in remains what was not put back. */
static int undo(struct devmem_steering *s, char *remains, size_t size, struct devmem_error *first)
{
	struct devmem_error failed;
	char text[STEP_TEXT_SIZE];
	size_t len = 0;
	int ret, all = 0;

	remains[0] = '\0';
	while (s->nsteps) {
		struct step *step = &s->steps[--s->nsteps];

		memset(&failed, 0, sizeof(failed));
		ret = step_undo(step, s->dev, &failed);
		/* Without the interface there is nothing to put back. */
		if (ret && ret != -ENODEV) {
			if (len < size)
				len += (size_t)snprintf(remains + len, size - len, "%s%s",
							len ? ", " : "", step_text(step, text));
			if (!all) {
				all = ret;
				*first = failed;
			}
		}
		step_free(step);
	}
	return all;
}

static void free_steering(struct devmem_steering *s)
{
	free(s->steps);
	free(s->queues);
	free(s);
}

/* What the interface is like before the first change. */
struct before {
	struct ethtool_msg_rings rings;
	struct ethtool_msg_feature ntuple;
	struct ethtool_rss rss;
	uint32_t rx_rings; /* that RSS spreads over by default */
};

static int check_queues(const struct devmem_steering *s, struct devmem_error *err)
{
	const char *name = s->dev->name;
	size_t i, j;

	if (!s->nqueues)
		return error_input(err, -EINVAL, name, "steering: no receive queue given");
	for (i = 0; i < s->nqueues; i++) {
		if (s->queues[i] >= s->rx_queues)
			return error_input(err, -EINVAL, name,
					   "steering: no receive queue %" PRIu32
					   ", there are %" PRIu32 ", numbered from 0",
					   s->queues[i], s->rx_queues);
		for (j = 0; j < i; j++) {
			if (s->queues[i] == s->queues[j])
				return error_input(err, -EINVAL, name,
						   "steering: receive queue %" PRIu32
						   " is given twice",
						   s->queues[i]);
		}
	}
	return 0;
}

static int check_left_over(const struct devmem_steering *s, struct devmem_error *err)
{
	if (s->nqueues < s->rx_queues)
		return 0;
	return error_input(err, -EINVAL, s->dev->name,
			   "steering: no receive queue would be left for other packets: there are "
			   "%" PRIu32 ", more come with ethtool -L %s combined N",
			   s->rx_queues, s->dev->name);
}

static int check_ntuple(const struct devmem_steering *s, struct before *before,
			struct devmem_error *err)
{
	uint32_t rules, places;
	int any, ret;

	ret = ethtool_get_ntuple(s->dev, &before->ntuple, err);
	if (ret)
		return ret;
	/* Drivers may deny having rules while they are switched off. */
	if (!before->ntuple.active.set && before->ntuple.hw.set && !before->ntuple.nochange.set)
		return 0;
	ret = ethtool_get_rule_count(s->dev, &rules, &places, &any, err);
	if (ret == -EOPNOTSUPP)
		error_hint(err,
			   "the driver of %s has no flow rules: no flow can be sent to a queue",
			   s->dev->name);
	return ret;
}

/* A rule of somebody else's would bring packets into the region that nobody expects there. */
static int check_rules(const struct devmem_steering *s, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct uapi_rxnfc *rules;
	char text[FLOW_TEXT_SIZE];
	uint32_t n, places, i;
	uint32_t *hits;
	size_t q;
	int ret;

	ret = ethtool_get_rules(s->dev, &rules, &n, &places, &failed);
	if (ret == -EOPNOTSUPP)
		return 0; /* switched off: there are none */
	if (ret) {
		if (err)
			*err = failed;
		return ret;
	}
	hits = calloc(s->rx_queues, sizeof(*hits));
	if (!hits) {
		ret = error_system(err, -ENOMEM, "steering", s->dev->name, NULL);
		goto free_rules;
	}
	for (i = 0; i < n; i++) {
		memset(hits, 0, s->rx_queues * sizeof(*hits));
		ret = ethtool_rule_hits(s->dev, &rules[i], hits, s->rx_queues, err);
		if (ret)
			goto free_hits;
		for (q = 0; q < s->nqueues && !hits[s->queues[q]]; q++)
			;
		if (q == s->nqueues)
			continue;
		ret = error_system(
			err, -EBUSY, "steering", s->dev->name,
			"flow rule %" PRIu32 " (%s) sends packets to queue %" PRIu32
			" already%s: choose another queue, or devmemctl flow del %s "
			"%" PRIu32,
			rules[i].fs.location, flow_text(&rules[i], text), s->queues[q],
			rules[i].fs.flow_type & UAPI_FLOW_RSS ? ", through its RSS context" : "",
			s->dev->name, rules[i].fs.location);
		goto free_hits;
	}
free_hits:
	free(hits);
free_rules:
	free(rules);
	return ret;
}

static int check_rss(const struct devmem_steering *s, struct before *before,
		     struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_get_rss(s->dev, 0, &before->rss, err);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	if (ret || !before->rss.table_len)
		return error_missing(err, -EOPNOTSUPP, "rss-get", s->dev->name,
				     "the driver has no RSS table: other packets can't be kept off "
				     "the queues");
	ret = ethtool_get_rx_rings(s->dev, &before->rx_rings, &failed);
	if (ret && !ethtool_is_absent(ret)) {
		if (err)
			*err = failed;
		return ret;
	}
	if (ret)
		before->rx_rings = s->rx_queues;
	return 0;
}

/* Everything that can be known before the first change. What the driver lacks comes before what the
 * caller can do better. */
static int check(struct devmem_steering *s, struct before *before, struct devmem_error *err)
{
	int ret;

	ret = check_queues(s, err);
	if (ret)
		return ret;
	ret = ethtool_get_rings(s->dev, &before->rings, err);
	if (ret) {
		if (ret == -EOPNOTSUPP)
			error_hint(err,
				   "the driver of %s can't split headers from payload, which "
				   "device memory needs",
				   s->dev->name);
		return ret;
	}
	ret = check_ntuple(s, before, err);
	if (ret)
		return ret;
	ret = check_rss(s, before, err);
	if (ret)
		return ret;
	ret = check_left_over(s, err);
	if (ret)
		return ret;
	return check_rules(s, err);
}

/* The kernel tells what was configured from what the driver happens to do, and bind-rx wants it
 * configured: split is set also where it is reported on. */
static int split_headers(struct devmem_steering *s, const struct before *before,
			 struct devmem_error *err)
{
	struct step step = { .kind = STEP_RINGS };
	int ret;

	step.rings.set = ETHTOOL_MSG_SET_SPLIT;
	step.rings.split_was = before->rings.split;
	step.rings.split_now = UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	if (before->rings.has_hds_thresh) {
		step.rings.set |= ETHTOOL_MSG_SET_HDS_THRESH;
		step.rings.hds_thresh_was = before->rings.hds_thresh;
		step.rings.hds_thresh_now = 0;
	}
	ret = run_step(s, &step, err);
	if (ret == -EOPNOTSUPP)
		error_hint(err,
			   "the driver of %s can't split headers from payload, which device "
			   "memory needs",
			   s->dev->name);
	else if (ret == -EPERM)
		error_hint(err, "steering needs CAP_NET_ADMIN: run it as root");
	return ret;
}

static int switch_rules_on(struct devmem_steering *s, const struct before *before,
			   struct devmem_error *err)
{
	struct step step = { .kind = STEP_NTUPLE };

	if (before->ntuple.active.set || !before->ntuple.hw.set || before->ntuple.nochange.set)
		return 0;
	step.ntuple.was = 0;
	step.ntuple.now = 1;
	return run_step(s, &step, err);
}

/* The table without the chosen queues: their entries go to the others that it has, in turn, or to
 * all others where it has none. */
static void spread(const struct devmem_steering *s, const struct ethtool_rss *rss, uint32_t *rest,
		   uint32_t *table)
{
	uint32_t n = 0, next = 0, i, j;

	for (i = 0; i < s->rx_queues; i++) {
		if (has_queue(s, i))
			continue;
		for (j = 0; j < rss->table_len && rss->table[j] != i; j++)
			;
		if (j < rss->table_len)
			rest[n++] = i;
	}
	for (i = 0; !n && i < s->rx_queues; i++) {
		if (!has_queue(s, i))
			rest[next++] = i;
	}
	n = n ? n : next;
	next = 0;
	for (i = 0; i < rss->table_len; i++) {
		table[i] = rss->table[i];
		if (has_queue(s, rss->table[i])) {
			table[i] = rest[next];
			next = (next + 1) % n;
		}
	}
}

static int keep_off(struct devmem_steering *s, const struct before *before,
		    struct devmem_error *err)
{
	const struct ethtool_rss *rss = &before->rss;
	struct step step = { .kind = STEP_RSS };
	bool touched = false;
	uint32_t *rest, i;

	for (i = 0; i < rss->table_len; i++)
		touched |= has_queue(s, rss->table[i]);
	if (!touched)
		return 0;
	step.rss.n = rss->table_len;
	step.rss.was = calloc(rss->table_len, sizeof(*step.rss.was));
	step.rss.now = calloc(rss->table_len, sizeof(*step.rss.now));
	rest = calloc(s->rx_queues, sizeof(*rest));
	if (!step.rss.was || !step.rss.now || !rest) {
		step_free(&step);
		free(rest);
		return error_system(err, -ENOMEM, "steering", s->dev->name, NULL);
	}
	memcpy(step.rss.was, rss->table, rss->table_len * sizeof(*rss->table));
	spread(s, rss, rest, step.rss.now);
	free(rest);
	step.rss.was_default = ethtool_rss_is_default(rss, before->rx_rings);
	return run_step(s, &step, err);
}

int devmem_steering_open(struct devmem_steering **steering, struct devmem_netdev *netdev,
			 const uint32_t *queues, size_t n, struct devmem_error *err)
{
	struct devmem_error undo_error;
	struct before before = { 0 };
	struct devmem_steering *s;
	char remains[256];
	int ret;

	*steering = NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_system(err, -ENOMEM, "steering", netdev_dev(netdev)->name, NULL);
	s->dev = netdev_dev(netdev);
	ret = netdev_rx_queues(netdev, &s->rx_queues, err);
	if (ret)
		goto err_free;
	s->queues = calloc(n + 1, sizeof(*s->queues));
	if (!s->queues) {
		ret = error_system(err, -ENOMEM, "steering", s->dev->name, NULL);
		goto err_free;
	}
	if (n)
		memcpy(s->queues, queues, n * sizeof(*queues));
	s->nqueues = n;

	ret = check(s, &before, err);
	if (ret)
		goto err_free;
	ret = split_headers(s, &before, err);
	if (!ret)
		ret = switch_rules_on(s, &before, err);
	if (!ret)
		ret = keep_off(s, &before, err);
	/* Rules that came into being with the switch. */
	if (!ret)
		ret = check_rules(s, err);
	if (ret)
		goto err_undo;
	ethtool_rss_free(&before.rss);
	*steering = s;
	return 0;

err_undo:
	if (undo(s, remains, sizeof(remains), &undo_error))
		error_hint(err, "and this could not be undone: %s: %s", remains,
			   undo_error.message);
err_free:
	ethtool_rss_free(&before.rss);
	free_steering(s);
	return ret;
}

int devmem_steering_add_flow(struct devmem_steering *steering, const struct devmem_flow *flow,
			     uint32_t queue, uint32_t *location, struct devmem_error *err)
{
	struct step step = { .kind = STEP_FLOW };
	int ret;

	if (!has_queue(steering, queue))
		return error_input(err, -EINVAL, steering->dev->name,
				   "steering: receive queue %" PRIu32 " was not set apart", queue);
	ret = reserve_step(steering, err);
	if (ret)
		return ret;
	ret = flow_insert(steering->dev, flow, queue, steering->rx_queues, &step.flow.rule, err);
	if (ret)
		return ret;
	steering->steps[steering->nsteps++] = step;
	if (location)
		*location = step.flow.rule.location;
	return 0;
}

int devmem_steering_close(struct devmem_steering *steering, struct devmem_error *err)
{
	struct devmem_error first;
	char remains[256];
	int ret;

	if (!steering)
		return 0;
	ret = undo(steering, remains, sizeof(remains), &first);
	if (ret && err) {
		*err = first;
		error_hint(err, "not put back: %s", remains);
	}
	free_steering(steering);
	return ret;
}
