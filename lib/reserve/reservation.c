// SPDX-License-Identifier: BSD-3-Clause
/* A reservation: receive queues set apart for chosen flows, and everything put back afterwards. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "core/file.h"
#include "core/sys.h"
#include "nic/flow.h"
#include "nic/netdev.h"
#include "nic/queue.h"

#define COMM "/proc/self/comm"

struct devmem_reservation {
	struct reserve r;
	char *dir;
	uint32_t id;
	int owner_fd; /* the owner's file: if it's our own, locked while the reservation lives */
	bool own;
	uint32_t *queues;
	size_t n_queues;
	char settings[192]; /* what will be put back, in words */
};

/* ---- opening ---- */

/* A handle with its own copy of the directory's name, and with its journal locked. */
static int handle_new(struct devmem_reservation **handle, struct devmem_netdev *netdev,
		      const struct devmem_reservation_options *options, struct devmem_error *err)
{
	const char *name = netdev_nic(netdev)->name;
	struct devmem_reservation *res;
	int ret;

	res = calloc(1, sizeof(*res));
	if (!res)
		return error_system(err, -ENOMEM, "reserve", name, NULL);
	res->owner_fd = -1;
	ret = reserve_options(&res->r.options, options, err);
	if (ret)
		goto free_res;
	res->dir = strdup(res->r.options.dir);
	if (!res->dir) {
		ret = error_system(err, -ENOMEM, "reserve", name, NULL);
		goto free_res;
	}
	res->r.options.dir = res->dir;
	ret = reserve_open(&res->r, netdev, NULL, true, err);
	if (ret)
		goto free_dir;
	ret = reserve_lock(&res->r, err);
	if (ret)
		goto close_reserve;
	*handle = res;
	return 0;

close_reserve:
	reserve_close(&res->r);
free_dir:
	free(res->dir);
free_res:
	free(res);
	return ret;
}

static void handle_free(struct devmem_reservation *res)
{
	/* A child that was forked has the file too, and with it the lock. */
	if (res->own)
		sys_flock(res->owner_fd, LOCK_UN);
	if (res->owner_fd >= 0)
		sys_close(res->owner_fd);
	reserve_close(&res->r);
	free(res->queues);
	free(res->dir);
	free(res);
}

/* Writes the new owner into the journal in memory. */
static int add_owner(struct devmem_reservation *res, struct devmem_error *err)
{
	const struct devmem_netdev_info *info = devmem_netdev_info(res->r.netdev);
	struct journal *journal = &res->r.journal;
	struct journal_owner *owner;
	int ret;

	ret = sys_netns(&journal->netns);
	if (ret)
		return error_system(err, ret, "stat", "/proc/thread-self/ns/net", NULL);
	journal->ifindex = info->ifindex;
	memcpy(journal->name, res->r.nic->name, sizeof(journal->name));
	memcpy(journal->bus, info->bus, sizeof(journal->bus));
	owner = journal_add(journal);
	if (!owner || journal_set_queues(owner, res->queues, (uint32_t)res->n_queues))
		return error_system(err, -ENOMEM, "reserve", res->r.nic->name, NULL);
	owner->pid = sys_getpid();
	owner->since = sys_time();
	if (file_read_line(COMM, owner->command, sizeof(owner->command), NULL) ||
	    !owner->command[0])
		strcpy(owner->command, "?");
	res->id = owner->id;
	return 0;
}

/* Writes into the journal what is about to be set. */
static int write_down(struct devmem_reservation *res, struct devmem_error *err)
{
	int ret;

	ret = reserve_plan(&res->r, err);
	if (ret)
		return ret;
	reserve_settings_text(&res->r.journal, res->settings, sizeof(res->settings));
	return reserve_save(&res->r, "journal", err);
}

/* From here on everything is undone by retiring the owner. */
static int set_up(struct devmem_reservation *res, struct devmem_error *err)
{
	struct reserve *r = &res->r;
	int ret = 0;

	if (!(r->options.flags & DEVMEM_RESERVATION_NO_WATCHER)) {
		ret = reserve_start_watcher(r, res->id, err);
		if (!ret)
			reserve_step(r, "watcher");
	}
	if (!ret)
		ret = reserve_apply(r, err);
	/* Rules that came into being with the switch. */
	if (!ret)
		ret = reserve_check_rules(r, res->queues, res->n_queues, err);
	return ret;
}

int devmem_reservation_open(struct devmem_reservation **reservation, struct devmem_netdev *netdev,
			    const uint32_t *queues, size_t n,
			    const struct devmem_reservation_options *options,
			    struct devmem_error *err)
{
	struct devmem_error undo = { 0 };
	struct devmem_reservation *res;
	unsigned int dead = 0;
	char remains[256];
	bool retired;
	int ret;

	*reservation = NULL;
	ret = handle_new(&res, netdev, options, err);
	if (ret)
		return ret;
	reserve_step(&res->r, "lock");
	/* An owner that can't be retired keeps its queues, which is reported. */
	if (reserve_retire_dead(&res->r, &dead, &undo))
		reserve_notice(&res->r, "%s", undo.message);
	ret = reserve_choose_queues(&res->r, queues, n, &res->queues, err);
	if (ret)
		goto unlock;
	res->n_queues = n;
	ret = add_owner(res, err);
	if (ret)
		goto unlock;
	res->owner_fd = journal_owner_create(&res->r.file, res->id, err);
	if (res->owner_fd < 0) {
		ret = res->owner_fd;
		goto unlock;
	}
	res->own = true;
	reserve_step(&res->r, "owner");
	ret = write_down(res, err);
	if (ret) {
		/* Nothing was changed but that file. */
		journal_owner_remove(&res->r.file, res->id, NULL);
		goto unlock;
	}
	ret = set_up(res, err);
	if (ret)
		goto retire_owner;
	reserve_unlock(&res->r);
	*reservation = res;
	return 0;

retire_owner:
	if (reserve_retire_owner(&res->r, res->id, false, &retired, remains, sizeof(remains),
				 &undo))
		error_hint(err, "and this could not be undone: %s%s%s", remains,
			   remains[0] ? ": " : "", undo.message);
unlock:
	reserve_unlock(&res->r);
	handle_free(res);
	return ret;
}

/* Finds the handle's reservation in the journal. Its owner must live, and be the one that it was
 * when the handle was made. */
static int find_living(const struct devmem_reservation *res, struct journal_owner **owner,
		       struct devmem_error *err)
{
	struct reserve *r = (struct reserve *)&res->r;
	bool same = true;
	int alive, ret;

	*owner = journal_find(&r->journal, res->id);
	if (*owner && res->owner_fd >= 0) {
		ret = reserve_check_owner(r, res->id, res->owner_fd, &same, err);
		if (ret)
			return ret;
	}
	if (!*owner || !same) {
		error_input(err, -ENOENT, r->nic->name,
			    "no reservation %" PRIu32 "%s; devmemctl reserve show %s lists them",
			    res->id, res->owner_fd >= 0 ? " any more" : "", r->nic->name);
		error_kind(err, DEVMEM_ERROR_INPUT);
		return -ENOENT;
	}
	alive = journal_owner_alive(&r->file, res->id, err);
	if (alive < 0)
		return alive;
	if (!alive)
		return error_system(err, -ENOENT, "reserve", r->nic->name,
				    "the owner of reservation %" PRIu32
				    " is dead: devmemctl reserve restore %s puts back what it left",
				    res->id, r->nic->name);
	return 0;
}

int devmem_reservation_attach(struct devmem_reservation **reservation, struct devmem_netdev *netdev,
			      uint32_t id, const struct devmem_reservation_options *options,
			      struct devmem_error *err)
{
	struct devmem_reservation *res;
	struct journal_owner *owner;
	int ret;

	*reservation = NULL;
	ret = handle_new(&res, netdev, options, err);
	if (ret)
		return ret;
	res->id = id;
	ret = find_living(res, &owner, err);
	if (ret)
		goto unlock;
	res->owner_fd = journal_owner_open(&res->r.file, id, err);
	if (res->owner_fd < 0) {
		ret = res->owner_fd;
		if (ret == -ENOENT)
			error_system(err, ret, "open", res->r.nic->name,
				     "somebody removed the file of reservation %" PRIu32, id);
		goto unlock;
	}
	res->n_queues = owner->n_queues;
	res->queues = calloc((size_t)owner->n_queues + 1, sizeof(*res->queues));
	if (!res->queues) {
		ret = error_system(err, -ENOMEM, "reserve", res->r.nic->name, NULL);
		goto unlock;
	}
	memcpy(res->queues, owner->queues, res->n_queues * sizeof(*res->queues));
	reserve_unlock(&res->r);
	*reservation = res;
	return 0;

unlock:
	reserve_unlock(&res->r);
	handle_free(res);
	return ret;
}

uint32_t devmem_reservation_id(const struct devmem_reservation *reservation)
{
	return reservation->id;
}

const uint32_t *devmem_reservation_queues(const struct devmem_reservation *reservation, size_t *n)
{
	if (n)
		*n = reservation->n_queues;
	return reservation->queues;
}

/* ---- flows ---- */

static bool has_queue(const struct devmem_reservation *res, uint32_t queue)
{
	size_t i;

	for (i = 0; i < res->n_queues; i++) {
		if (res->queues[i] == queue)
			return true;
	}
	return false;
}

int devmem_reservation_add_flow(struct devmem_reservation *reservation,
				const struct devmem_flow *flow, uint32_t queue, uint32_t *location,
				struct devmem_error *err)
{
	struct reserve *r = &reservation->r;
	struct journal_owner *owner;
	struct uapi_rxnfc nfc;
	uint32_t rx_queues, context = 0;
	int ret;

	if (queue == DEVMEM_QUEUE_SPREAD && reservation->n_queues == 1)
		queue = reservation->queues[0];
	if (queue != DEVMEM_QUEUE_SPREAD && !has_queue(reservation, queue))
		return error_input(err, -EINVAL, r->nic->name,
				   "reserve: receive queue %" PRIu32
				   " is not one of reservation %" PRIu32,
				   queue, reservation->id);
	ret = reserve_lock(r, err);
	if (ret)
		return ret;
	ret = find_living(reservation, &owner, err);
	if (!ret)
		ret = queue_count(r->nic, &rx_queues, NULL, err);
	if (ret)
		goto unlock;
	if (queue == DEVMEM_QUEUE_SPREAD) {
		ret = reserve_make_context(r, owner, err);
		if (ret)
			goto unlock;
		context = owner->context.id;
		queue = 0;
	}
	ret = flow_prepare(r->nic, flow, queue, context, rx_queues, true, &nfc, err);
	if (!ret)
		ret = reserve_insert_rule(r, owner, &nfc, err);
	if (!ret && location)
		*location = nfc.fs.location;
unlock:
	reserve_unlock(r);
	return ret;
}

int devmem_reservation_del_flow(struct devmem_reservation *reservation, uint32_t location,
				struct devmem_error *err)
{
	struct reserve *r = &reservation->r;
	struct journal_owner *owner;
	uint32_t i;
	int ret;

	ret = reserve_lock(r, err);
	if (ret)
		return ret;
	ret = find_living(reservation, &owner, err);
	if (ret)
		goto unlock;
	for (i = 0; i < owner->n_rules; i++) {
		if (owner->rules[i].fs.location == location)
			break;
	}
	if (i == owner->n_rules || location == JOURNAL_NO_PLACE) {
		ret = error_input(err, -ENOENT, r->nic->name,
				  "reserve: reservation %" PRIu32 " has no flow at place %" PRIu32,
				  reservation->id, location);
		error_kind(err, DEVMEM_ERROR_INPUT);
		goto unlock;
	}
	ret = reserve_delete_rule(r, owner, &owner->rules[i], err);
	if (!ret)
		ret = reserve_save(r, "journal-rule-gone", err);
unlock:
	reserve_unlock(r);
	return ret;
}

/* ---- closing ---- */

/* Nothing at all was put back. */
static void hint_all(const struct devmem_reservation *res, struct devmem_error *err)
{
	error_hint(err,
		   "not put back: every flow rule and RSS context of reservation %" PRIu32 ", %s",
		   res->id, res->settings);
}

static int close_own(struct devmem_reservation *res, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	char remains[256];
	bool retired, same;
	int ret;

	ret = reserve_lock(&res->r, err);
	if (ret) {
		hint_all(res, err);
		return ret;
	}
	ret = reserve_check_owner(&res->r, res->id, res->owner_fd, &same, err);
	if (!ret && (!same || !journal_find(&res->r.journal, res->id)))
		ret = error_system(err, -ENOENT, "reserve", reserve_name(&res->r),
				   "somebody removed its journal, or a forked process closed it");
	if (ret) {
		hint_all(res, err);
		goto unlock;
	}
	ret = reserve_retire_owner(&res->r, res->id, false, &retired, remains, sizeof(remains),
				   &failed);
	if (ret) {
		error_copy(err, &failed);
		if (remains[0])
			error_hint(err,
				   "not put back: %s; devmemctl reserve restore %s tries again",
				   remains, reserve_name(&res->r));
	} else if (!retired) {
		ret = error_system(err, -ENODEV, "reserve", reserve_name(&res->r),
				   "the interface is in another network namespace");
		hint_all(res, err);
		error_hint(err, "devmemctl reserve restore, run there, puts it back");
	}
unlock:
	reserve_unlock(&res->r);
	return ret;
}

int devmem_reservation_close(struct devmem_reservation *reservation, struct devmem_error *err)
{
	int ret = 0;

	if (!reservation)
		return 0;
	if (reservation->own)
		ret = close_own(reservation, err);
	/* Only now may others find us dead. */
	handle_free(reservation);
	return ret;
}
