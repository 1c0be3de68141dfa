/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_STEERING_STEP_H
#define DEVMEM_LIB_STEERING_STEP_H

/*
 * One change of an interface's settings: what was there before, what was set, and how to put it
 * back. A step is plain data; nothing in it belongs to this process but the memory of its tables.
 */

#include <stdint.h>

#include "ethtool.h"

enum step_kind {
	STEP_RINGS = 1, /* header split and its threshold */
	STEP_NTUPLE,	/* flow rules switched on */
	STEP_RSS,	/* the default RSS context keeps off queues */
	STEP_FLOW,	/* a flow rule */
};

struct step_rings {
	uint32_t set; /* ETHTOOL_MSG_SET_* */
	uint32_t split_was, split_now;
	uint32_t hds_thresh_was, hds_thresh_now;
};

struct step_ntuple {
	uint32_t was, now;
};

struct step_rss {
	uint32_t was_default; /* the kernel's spread over all queues, restored by a reset */
	uint32_t n;
	uint32_t *was, *now; /* tables of n entries */
};

struct step_flow {
	struct uapi_rx_flow_spec rule; /* with its place */
};

struct step {
	uint32_t kind; /* enum step_kind */
	union {
		struct step_rings rings;
		struct step_ntuple ntuple;
		struct step_rss rss;
		struct step_flow flow;
	};
};

/* Makes the change. A STEP_FLOW is made by flow_insert() instead, which finds the place. */
int step_do(const struct step *step, const struct ethtool_dev *dev, struct devmem_error *err);
/* Puts back what was. What is gone already counts as put back. -ENODEV: the interface is gone. */
int step_undo(const struct step *step, const struct ethtool_dev *dev, struct devmem_error *err);
/* What a step changed, in words. */
#define STEP_TEXT_SIZE 64
const char *step_text(const struct step *step, char text[STEP_TEXT_SIZE]);
/* Frees a step's tables. */
void step_free(struct step *step);

#endif
