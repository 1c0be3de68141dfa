/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RESERVE_H
#define DEVMEM_LIB_RESERVE_H

/* What the files of reservations share. Nobody else includes this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/reservation.h>

#include "core/error.h"
#include "nic/ethtool_rss.h"
#include "nic/nic.h"
#include "reserve/journal.h"
#include "reserve/journal_file.h"

/* One interface's journal and, if it's in this network namespace, the interface. */
struct reserve {
	struct devmem_reservation_options options;
	struct devmem_netdev *netdev; /* NULL: not in this network namespace */
	const struct nic *nic;	      /* the same */
	struct devmem_netdev *found;  /* netdev, if we opened it ourselves */
	struct journal_file file;
	struct journal journal; /* while locked */
	char boot[40];		/* of this boot */
};

/* lock.c: the journal under its lock */

/* Copies the caller's options and fills in what was left out. */
int reserve_options(struct devmem_reservation_options *ours,
		    const struct devmem_reservation_options *given, struct devmem_error *err);
/* nic NULL: netdev's. netdev NULL: none yet. create as in journal_file_open(). */
int reserve_open(struct reserve *r, struct devmem_netdev *netdev, const char *nic, bool create,
		 struct devmem_error *err);
void reserve_close(struct reserve *r);
/* Locks and loads the journal. One of an earlier boot is removed first. */
int reserve_lock(struct reserve *r, struct devmem_error *err);
void reserve_unlock(struct reserve *r);
/* Writes the journal and reports the step as done. */
int reserve_save(struct reserve *r, const char *step, struct devmem_error *err);
void reserve_step(const struct reserve *r, const char *name);
void reserve_notice(const struct reserve *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What notices and errors call the interface. */
const char *reserve_name(const struct reserve *r);
/* True if it's certain that the interface that the journal is about is nowhere: no bus has its
 * device with a driver. */
bool reserve_is_gone(const struct reserve *r);
/* same: whether the owner's file that fd refers to is still that of this number, which another
 * owner may have by now. */
int reserve_check_owner(const struct reserve *r, uint32_t id, int fd, bool *same,
			struct devmem_error *err);
/* "pid 4711 (trainer), reservation 2" */
#define RESERVE_OWNER_TEXT 80
const char *reserve_owner_text(const struct journal_owner *owner, char text[RESERVE_OWNER_TEXT]);

/* queues.c: which queues */

/* Refuses queues that a flow rule sends packets to. */
int reserve_check_rules(const struct reserve *r, const uint32_t *queues, size_t n,
			struct devmem_error *err);
/* The n queues that were asked for, or, with NULL, the highest that are free. Checks also that the
 * driver has what is needed. The caller frees *chosen, also after a failure. */
int reserve_choose_queues(struct reserve *r, const uint32_t *queues, size_t n, uint32_t **chosen,
			  struct devmem_error *err);

/* settings.c: header split, flow rules switched on, and the RSS table with rss.c */

/* Checks that the driver has what is needed, before anything is changed. */
int reserve_check_driver(const struct reserve *r, struct devmem_error *err);
/* Writes into the journal what is to be set for its owners and what is there now. */
int reserve_plan(struct reserve *r, struct devmem_error *err);
/* Sets what was planned. */
int reserve_apply(struct reserve *r, struct devmem_error *err);
/* With the last owner: puts everything back. What could not be stays in the journal. remains
 * receives it in words, "" if nothing. */
int reserve_restore_settings(struct reserve *r, char *remains, size_t size,
			     struct devmem_error *err);
/* What would be put back, in words. */
void reserve_settings_text(const struct journal *journal, char *text, size_t size);

/* rss.c: the RSS table, kept off all reserved queues */

/* Refuses a driver that has none. */
int reserve_get_rss(const struct reserve *r, struct ethtool_rss *rss, struct devmem_error *err);
int reserve_plan_rss(struct reserve *r, struct devmem_error *err);
int reserve_apply_rss(struct reserve *r, struct devmem_error *err);
int reserve_restore_rss(struct reserve *r, struct devmem_error *err);
/* Gives the queues of an owner that is retired back to RSS, where other owners remain. */
int reserve_shrink_rss(struct reserve *r, uint32_t leaving, struct devmem_error *err);
/* Forgets the RSS table from before. */
void reserve_drop_rss(struct journal_rss *rss);

/* flows.c: flow rules, and the RSS context that spreads flows */

/* The queues that an owner's flows can be spread over, through a context that is made if there is
 * none. */
int reserve_make_context(struct reserve *r, struct journal_owner *owner, struct devmem_error *err);
int reserve_delete_context(struct reserve *r, struct journal_owner *owner,
			   struct devmem_error *err);
/* Writes the rule down, inserts it, and writes down where it is. */
int reserve_insert_rule(struct reserve *r, struct journal_owner *owner, struct uapi_rxnfc *nfc,
			struct devmem_error *err);
/* Deletes the rule, unless it's gone or somebody put another in its place; removes it
 * from the journal in memory. */
int reserve_delete_rule(struct reserve *r, struct journal_owner *owner, struct journal_rule *rule,
			struct devmem_error *err);

/* retire.c: retiring an owner */

/* Puts back what is the owner's alone, and everything else with the last owner; removes the owner
 * from the journal, and its file. dead: wait for the kernel to unbind its queues. Every step is
 * tried; returns the first failure, and in remains what was not put back, "" if nothing. retired:
 * the owner is off the journal. It isn't after a failure, or if the interface is in another network
 * namespace, which is reported as a notice and is no failure. */
int reserve_retire_owner(struct reserve *r, uint32_t id, bool dead, bool *retired, char *remains,
			 size_t size, struct devmem_error *err);
/* The same for one that is dead, with notices. wait: for the kernel to unbind its queues. */
int reserve_retire_dead_owner(struct reserve *r, uint32_t id, bool wait, bool *retired,
			      struct devmem_error *err);
/* The same for all that are dead, and for settings that could not be put back with the last owner;
 * removes files that belong to nobody. Counts in retired the owners that are off the journal.
 * Returns the first failure. */
int reserve_retire_dead(struct reserve *r, unsigned int *retired, struct devmem_error *err);

/* find.c: what an interface is, whatever it's called */

/* What an interface's files are called: from the device's bus address and its permanent hardware
 * address, so the same after a rename, in another network namespace, and when the driver was loaded
 * anew. Without such an address, from the bus address and the interface's number in its device.
 * Only one without a device is named by its index and network namespace. */
int reserve_nic_name(const struct nic *nic, char name[JOURNAL_NIC_SIZE], struct devmem_error *err);

/* Opens the interface that the journal is about, as r->netdev. Return: 1, or 0 if it isn't in this
 * network namespace: r is as it was. */
int reserve_find(struct reserve *r, struct devmem_error *err);
/* Calls fn for each journal that is meant: dev's, found by its name where it isn't here, or with
 * NULL all. lock: with the journal locked, else it was only read. One that fails doesn't stop the
 * rest. Return: the first failure; -ENODEV if there is neither such an interface nor a journal. */
int reserve_each(const char *dev, const struct devmem_reservation_options *options, bool lock,
		 int (*fn)(struct reserve *r, void *arg, struct devmem_error *err), void *arg,
		 struct devmem_error *err);

/* watcher.c */

/* Starts the watcher and waits until it watches. */
int reserve_start_watcher(const struct reserve *r, uint32_t id, struct devmem_error *err);

#endif
