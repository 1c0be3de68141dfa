/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_SETUP_H
#define DEVMEMCTL_SETUP_H

/*
 * The steps that bind, recv, run and send share, from an interface's name to a binding, and back.
 * Each step returns 0, or an exit code after saying what is wrong; setup_close() undoes those that
 * were done, the last one first. Steps that change nothing come first.
 */

#include <devmem/binding.h>
#include <devmem/netdev.h>
#include <devmem/region.h>
#include <devmem/reservation.h>

#include "output.h"
#include "parse.h"

#define REGION_SIZE_DEFAULT (64ULL << 20)

struct setup_options {
	const char *dev;
	const char *region;	  /* NULL: the default */
	const char *region_else;  /* if something is missing for region; NULL: that is an error */
	uint64_t size;		  /* 0: the default */
	struct queue_list queues; /* none: any that are free */
	uint32_t queue_count;	  /* 0: not given */
	uint32_t page_size;
	uint64_t held_max;
	const char *runtime_dir; /* NULL: the default */
	bool no_watcher;
	const char *reserve_option; /* one that only means something with a reservation, if given */
};

struct setup {
	struct devmem_netdev *netdev;
	struct devmem_region *region;
	struct devmem_reservation *reservation;
	struct devmem_binding *binding;
	struct queue_list queues;
	/* As it was before anything was changed; lists not kept. */
	struct devmem_netdev_info before;
	struct queue_list rss_before;
	struct queue_list rss_during;
};

/* What was lost, over all queues of a set-up. */
struct drops {
	bool known;
	uint64_t alloc_fail;
	uint64_t hw_drops;
	uint64_t hw_drop_overruns;
	uint64_t inflight_bytes;
};

/* Opens the interface. */
int setup_netdev(struct setup *s, const struct setup_options *options);
/* The same, and checks the queues. reserve: a reservation is to follow, so the interface must have
 * what that needs; the library picks queues then, where none are named. */
int setup_device(struct setup *s, const struct setup_options *options, bool reserve);
/* For a NIC to use, unless host memory will do. */
int setup_region(struct setup *s, const struct ctl *ctl, const struct setup_options *options,
		 bool host_ok);
int setup_reservation(struct setup *s, const struct ctl *ctl, const struct setup_options *options);
int setup_binding(struct setup *s, const struct setup_options *options);
/* To send. plain_ok: a plain one will do, which is said. */
int setup_binding_tx(struct setup *s, bool plain_ok);
/* 0, or the exit code after saying what could not be put back. */
int setup_close(struct setup *s);

void setup_drops(const struct setup *s, struct drops *drops);

/* The set-up as a part of the results. */
void setup_out_region(struct json_object *obj, const struct ctl *ctl, const struct setup *s);
void setup_out_steering(struct json_object *obj, const struct setup *s);
const char *split_name(int split);

/* What the library's calls are given: notices and, with -v, the steps are said. */
struct devmem_reservation_options reservation_options(const struct ctl *ctl,
						      const char *runtime_dir);
int parse_runtime_dir(const char *arg, const char **dir);

/* Options that these commands have. */
enum setup_key {
	KEY_QUEUES = 0x100,
	KEY_QUEUE_COUNT,
	KEY_REGION,
	KEY_SIZE,
	KEY_PAGE_SIZE,
	KEY_RUNTIME_DIR,
	KEY_NO_WATCHER,
	KEY_SETUP_END,
};
/* clang-format off */
#define RUNTIME_DIR_OPTION(group)                                                                  \
	{ "runtime-dir", KEY_RUNTIME_DIR, "DIR", 0,                                                \
	  "Where reservations are written down; default: " DEVMEM_RUNTIME_DIR, group }
/* verb: "send from" */
#define REGION_OPTIONS(verb)                                                                       \
	{ "region", KEY_REGION, "SPEC", 0,                                                         \
	  "Memory to " verb ", see 'devmemctl region list'; default: udmabuf", 2 },                \
	{ "size", KEY_SIZE, "BYTES", 0, "Size of the region; default: 64M", 2 }
#define SETUP_OPTIONS                                                                              \
	REGION_OPTIONS("receive into"),                                                            \
	{ "queues", KEY_QUEUES, "LIST", 0,                                                         \
	  "Receive queues, like 3 or 1,3-5; default: one that is free", 2 },                       \
	{ "queue-count", KEY_QUEUE_COUNT, "N", 0, "As many receive queues as are free", 2 },       \
	{ "page-size", KEY_PAGE_SIZE, "BYTES", 0,                                                  \
	  "Size of each receive buffer, a power of two (Linux 7.3); default: the page size", 2 },  \
	RUNTIME_DIR_OPTION(5),                                                                     \
	{ "no-watcher", KEY_NO_WATCHER, NULL, 0,                                                   \
	  "Start no process that puts everything back if this one is killed", 5 }
/* clang-format on */
/* input: struct setup_options. */
int setup_option(int key, const char *arg, void *input);
/* Checks that need all options. */
int setup_options_check(struct setup_options *options);

#endif
