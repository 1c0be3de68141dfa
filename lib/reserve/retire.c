// SPDX-License-Identifier: BSD-3-Clause
/* Retiring an owner, one that closes or one that is dead: puts back what is its alone, and with the
 * last owner the rest. Any of it may have been done already, by a process that was killed at it. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys.h"

/* A process that dies closes its descriptors one after another, its bindings maybe last. */
#define UNBIND_WAIT_MS 5000
#define UNBIND_POLL_MS 20

/* What was not put back, and the first failure. */
struct failures {
	char *remains;
	size_t size, len;
	int first;
	struct devmem_error *err;
};

static void failed_at(struct failures *f, int code, const struct devmem_error *failed,
		      const char *what)
{
	if (what[0] && f->len < f->size)
		f->len += (size_t)snprintf(f->remains + f->len, f->size - f->len, "%s%s",
					   f->len ? ", " : "", what);
	if (f->first)
		return;
	f->first = code;
	if (f->err)
		*f->err = *failed;
}

/* The first of the owner's queues that has something bound to it. */
static int bound_queue(const struct reserve *r, const struct journal_owner *owner,
		       struct devmem_queue *bound, bool *found, struct devmem_error *err)
{
	struct devmem_queue *queues;
	size_t n, i;
	uint32_t j;
	int ret;

	*found = false;
	ret = devmem_netdev_queues(r->netdev, &queues, &n, err);
	if (ret)
		return ret;
	for (i = 0; i < n; i++) {
		if (queues[i].tx || !(queues[i].dmabuf_id || queues[i].io_uring))
			continue;
		for (j = 0; j < owner->n_queues; j++) {
			if (owner->queues[j] != queues[i].id)
				continue;
			*bound = queues[i];
			*found = true;
		}
	}
	free(queues);
	return 0;
}

/* Packets for everybody must not land in a region: a queue goes back to RSS only when nothing is
 * bound to it any more. */
static int wait_unbound(const struct reserve *r, const struct journal_owner *owner, bool wait,
			struct devmem_error *err)
{
	uint64_t deadline = sys_clock_ms() + (wait ? UNBIND_WAIT_MS : 0);
	struct devmem_queue bound;
	bool found;
	int ret;

	for (;;) {
		ret = bound_queue(r, owner, &bound, &found, err);
		if (ret || !found)
			return ret;
		if (sys_clock_ms() >= deadline)
			break;
		sys_poll(NULL, 0, UNBIND_POLL_MS);
	}
	if (bound.dmabuf_id)
		return error_system(err, -EBUSY, "reserve", reserve_name(r),
				    "queue %" PRIu32 " still has binding %" PRIu32
				    ": it can't be given back before that is closed",
				    bound.id, bound.dmabuf_id);
	return error_system(err, -EBUSY, "reserve", reserve_name(r),
			    "io_uring still has queue %" PRIu32
			    ": it can't be given back before that is closed",
			    bound.id);
}

/* Removes the owner from the journal, and its file. */
static int forget_owner(struct reserve *r, uint32_t id, struct devmem_error *err)
{
	int ret;

	journal_remove(&r->journal, journal_find(&r->journal, id));
	ret = reserve_save(r, "journal-end", err);
	if (!ret)
		ret = journal_owner_remove(&r->file, id, err);
	if (!ret)
		reserve_step(r, "owner-end");
	return ret;
}

static void forget_settings(struct journal *journal)
{
	journal->split.used = false;
	journal->hds_thresh.used = false;
	journal->ntuple.used = false;
	reserve_drop_rss(&journal->rss);
}

/* Of an owner whose interface isn't in this network namespace. */
static int retire_absent(struct reserve *r, uint32_t id, bool *retired, struct devmem_error *err)
{
	char text[RESERVE_OWNER_TEXT];

	*retired = false;
	if (!reserve_is_gone(r)) {
		reserve_notice(r,
			       "%s is not in this network namespace (any more): what %s has set "
			       "there stays until devmemctl reserve restore is run where it is",
			       r->journal.name,
			       reserve_owner_text(journal_find(&r->journal, id), text));
		return 0;
	}
	reserve_notice(r, "%s is gone: nothing to put back", r->journal.name);
	if (r->journal.n_owners == 1)
		forget_settings(&r->journal);
	*retired = true;
	return forget_owner(r, id, err);
}

/* Rules, then the context that they point to, then what keeps the queues apart. */
static int retire_present(struct reserve *r, uint32_t id, bool dead, char *remains, size_t size,
			  struct devmem_error *err)
{
	struct journal_owner *owner = journal_find(&r->journal, id);
	struct failures f = { .remains = remains, .size = size, .err = err };
	struct devmem_error failed = { 0 };
	char what[64], settings[192];
	uint32_t i;
	int ret;

	for (i = owner->n_rules; i-- > 0;) {
		uint32_t place = owner->rules[i].fs.location;

		ret = reserve_delete_rule(r, owner, &owner->rules[i], &failed);
		if (!ret)
			continue;
		snprintf(what, sizeof(what),
			 place == JOURNAL_NO_PLACE ? "a flow rule" : "flow rule %" PRIu32, place);
		failed_at(&f, ret, &failed, what);
	}
	memset(&failed, 0, sizeof(failed));
	ret = reserve_delete_context(r, owner, &failed);
	if (ret) {
		snprintf(what, sizeof(what), "RSS context %" PRIu32, owner->context.id);
		failed_at(&f, ret, &failed, what);
	}
	memset(&failed, 0, sizeof(failed));
	ret = wait_unbound(r, owner, dead, &failed);
	if (ret)
		failed_at(&f, ret, &failed, "its queues");
	if (!f.first && r->journal.n_owners > 1) {
		ret = reserve_shrink_rss(r, id, &failed);
		if (ret)
			failed_at(&f, ret, &failed, "its queues' part in the RSS table");
	}
	if (f.first) {
		/* The owner stays in the journal with what is left, and so do the settings. */
		reserve_save(r, "journal-remains", NULL);
		reserve_settings_text(&r->journal, settings, sizeof(settings));
		if (r->journal.n_owners == 1 && settings[0])
			failed_at(&f, f.first, NULL, settings);
		return f.first;
	}
	if (r->journal.n_owners == 1) {
		ret = reserve_restore_settings(r, remains, size, &failed);
		if (ret)
			failed_at(&f, ret, &failed, "");
		if (ret == -ENODEV)
			return ret;
	}
	ret = forget_owner(r, id, f.first ? NULL : err);
	return f.first ? f.first : ret;
}

int reserve_retire_owner(struct reserve *r, uint32_t id, bool dead, bool *retired, char *remains,
			 size_t size, struct devmem_error *err)
{
	bool here = r->netdev;
	int ret = 0;

	remains[0] = '\0';
	*retired = true;
	if (!journal_find(&r->journal, id))
		return 0;
	if (here) {
		ret = retire_present(r, id, dead, remains, size, err);
		if (ret == -ENODEV && journal_find(&r->journal, id)) {
			/* Gone, but maybe here under another index: the driver was loaded anew. */
			ret = reserve_find(r, err);
			here = ret > 0;
			if (here)
				ret = retire_present(r, id, dead, remains, size, err);
		}
	}
	if (!ret && !here) {
		remains[0] = '\0';
		return retire_absent(r, id, retired, err);
	}
	*retired = !journal_find(&r->journal, id);
	return ret;
}

int reserve_retire_dead_owner(struct reserve *r, uint32_t id, bool wait, bool *retired,
			      struct devmem_error *err)
{
	char remains[256], text[RESERVE_OWNER_TEXT];
	int ret;

	reserve_owner_text(journal_find(&r->journal, id), text);
	ret = reserve_retire_owner(r, id, wait, retired, remains, sizeof(remains), err);
	if (!ret && *retired)
		reserve_notice(r, "%s: ended the reservation of a dead owner: %s", reserve_name(r),
			       text);
	if (ret && remains[0])
		error_hint(err, "not put back of %s: %s", text, remains);
	return ret;
}

/* Settings that could not be put back when their last owner was retired. */
static int retire_settings(struct reserve *r, struct devmem_error *err)
{
	char remains[256];
	int ret;

	if (r->journal.n_owners || journal_empty(&r->journal))
		return 0;
	if (!r->netdev) {
		if (!reserve_is_gone(r)) {
			reserve_notice(r, "%s is not in this network namespace: left alone",
				       reserve_name(r));
			return 0;
		}
		reserve_notice(r, "%s is gone: nothing to put back", reserve_name(r));
		forget_settings(&r->journal);
		return reserve_save(r, "journal-end", err);
	}
	ret = reserve_restore_settings(r, remains, sizeof(remains), err);
	if (ret) {
		if (err)
			error_hint(err, "not put back: %s", remains);
		reserve_save(r, "journal-remains", NULL);
		return ret;
	}
	reserve_notice(r, "%s: put back what an earlier end had to leave", reserve_name(r));
	return reserve_save(r, "journal-end", err);
}

/* The ids of the journal's owners; 0-terminated, the caller frees. */
static uint32_t *owner_ids(const struct journal *journal)
{
	uint32_t *ids, i;

	ids = calloc((size_t)journal->n_owners + 1, sizeof(*ids));
	for (i = 0; ids && i < journal->n_owners; i++)
		ids[i] = journal->owners[i].id;
	return ids;
}

int reserve_retire_dead(struct reserve *r, unsigned int *retired, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *ids, i;
	int ret, first = 0;
	bool gone;

	ids = owner_ids(&r->journal);
	if (!ids)
		return error_system(err, -ENOMEM, "reserve", reserve_name(r), NULL);
	for (i = 0; ids[i]; i++) {
		ret = journal_owner_alive(&r->file, ids[i], &failed);
		if (ret > 0)
			continue;
		if (!ret) {
			ret = reserve_retire_dead_owner(r, ids[i], true, &gone, &failed);
			*retired += !ret && gone;
		}
		if (ret && !first) {
			first = ret;
			error_copy(err, &failed);
		}
	}
	free(ids);
	ret = retire_settings(r, first ? NULL : err);
	if (ret && !first)
		first = ret;
	ret = journal_owner_sweep(&r->file, &r->journal, first ? NULL : err);
	return first ? first : ret;
}

static int restore_journal(struct reserve *r, void *arg, struct devmem_error *err)
{
	int ret = reserve_find(r, err);

	return ret < 0 ? ret : reserve_retire_dead(r, arg, err);
}

int devmem_reservation_restore(const char *dev, unsigned int *restored,
			       const struct devmem_reservation_options *options,
			       struct devmem_error *err)
{
	unsigned int retired = 0;
	int ret;

	ret = reserve_each(dev, options, true, restore_journal, &retired, err);
	if (restored)
		*restored = retired;
	return ret;
}
