/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_JOURNAL_H
#define DEVMEM_LIB_JOURNAL_H

/*
 * The journal of an interface: who has which of its queues and flows, what was there before, and
 * what was set. Text in, struct out, and back; no file descriptor. journal_file.h keeps it on disk.
 *
 * A journal is always read or written whole: a line of text for each fact, and a last line with a
 * checksum, so that one that was cut off or damaged never passes for a whole one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic/nic.h"
#include "uapi/ethtool.h"

/* A setting: what it was before, and what it was set to. used: it is ours to put back. */
struct journal_number {
	bool used;
	uint32_t was, now;
};

/* The default RSS context's table. also: what it was while it is being changed from one of our
 * tables to another, NULL at other times. */
struct journal_rss {
	bool used;
	bool was_default; /* the kernel's own spread over all queues, to be put back by a reset */
	uint32_t n;	  /* entries of each table */
	uint32_t *was, *now, *also;
};

/* An RSS context that spreads flows over a reservation's queues. */
struct journal_context {
	bool used;
	uint32_t id; /* 0: about to be made */
	uint32_t n;
	uint32_t *table;
	uint32_t *before; /* contexts that were there before it, while id is 0 */
	uint32_t n_before;
};

/* Far above what there is, so that a broken text can't make us work for long. */
#define JOURNAL_TEXT_MAX ((size_t)1 << 20)

#define JOURNAL_NO_PLACE UINT32_MAX

/* A flow rule. fs.location is JOURNAL_NO_PLACE while it is about to be inserted. */
struct journal_rule {
	struct uapi_rx_flow_spec fs;
	uint32_t rss_context; /* with UAPI_FLOW_RSS in fs.flow_type */
};

struct journal_owner {
	uint32_t id;	  /* from 1 to 65535, unique in the journal */
	int64_t pid;	  /* not negative */
	uint64_t since;	  /* seconds since 1970 */
	char command[16]; /* printable ASCII without blanks in the file; others as '?' */
	uint32_t *queues; /* each below 65536, ascending, in no other owner */
	uint32_t n_queues;
	struct journal_rule *rules;
	uint32_t n_rules;
	struct journal_context context;
};

struct journal {
	char boot[40];	/* /proc/sys/kernel/random/boot_id */
	uint64_t netns; /* inode number of the network namespace */
	uint32_t ifindex;
	char name[NIC_NAME_SIZE], bus[32];
	struct journal_number split, hds_thresh, ntuple;
	struct journal_rss rss;
	struct journal_owner *owners;
	uint32_t n_owners;
};

/* The text of a journal, with a NUL behind it that len doesn't count; the caller frees it. What is
 * not used is left out. -ENOMEM, or -EINVAL for a journal that journal_read() wouldn't accept. */
int journal_write(const struct journal *journal, char **text, size_t *len);
/* Reads a text of len bytes, at most JOURNAL_TEXT_MAX. On failure nothing is held: -ENOMEM, or
 * -EBADMSG with the number of the line that is wrong (the last one where something is missing), or
 * 0 if the text is cut off or its checksum is wrong. */
int journal_read(struct journal *journal, const char *text, size_t len, unsigned int *line);
/* Frees what a journal holds, and clears it. */
void journal_free(struct journal *journal);

struct journal_owner *journal_find(const struct journal *journal, uint32_t id);
/* A new owner at the end, with the lowest free id, or NULL without memory. Adding and removing move
 * owners: pointers to them, and to rules likewise, don't outlive it. */
struct journal_owner *journal_add(struct journal *journal);
void journal_remove(struct journal *journal, struct journal_owner *owner);
/* The owner of a queue, or NULL. */
struct journal_owner *journal_queue_owner(const struct journal *journal, uint32_t queue);
/* Sets owner->queues to a copy, ascending. -ENOMEM. */
int journal_set_queues(struct journal_owner *owner, const uint32_t *queues, uint32_t n);
/* A new empty rule without a place at the end, or NULL without memory. */
struct journal_rule *journal_add_rule(struct journal_owner *owner);
void journal_remove_rule(struct journal_owner *owner, struct journal_rule *rule);
/* True if there is nothing to remember any more: no owner, no setting. */
bool journal_empty(const struct journal *journal);

#endif
