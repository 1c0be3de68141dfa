// SPDX-License-Identifier: BSD-3-Clause
/* What reservations there are. */
#include "reserve/reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "nic/flow.h"

struct list {
	struct devmem_reservation_info *array;
	size_t n;
};

static struct devmem_reservation_info *list_add(struct list *list)
{
	struct devmem_reservation_info *array;

	array = array_grow(list->array, list->n, sizeof(*array));
	if (!array)
		return NULL;
	list->array = array;
	array += list->n++;
	memset(array, 0, sizeof(*array));
	return array;
}

static int copy_owner(struct devmem_reservation_info *info, const struct journal_owner *owner)
{
	struct devmem_flow_rule rule;
	struct uapi_rxnfc nfc;
	uint32_t i;

	info->id = owner->id;
	info->pid = owner->pid;
	memcpy(info->command, owner->command, sizeof(info->command));
	info->since = owner->since;
	info->queues = calloc((size_t)owner->n_queues + 1, sizeof(*info->queues));
	info->flows = calloc((size_t)owner->n_rules + 1, sizeof(*info->flows));
	if (!info->queues || !info->flows)
		return -ENOMEM;
	info->n_queues = owner->n_queues;
	memcpy(info->queues, owner->queues, info->n_queues * sizeof(*info->queues));
	info->n_flows = owner->n_rules;
	for (i = 0; i < owner->n_rules; i++) {
		memset(&nfc, 0, sizeof(nfc));
		nfc.fs = owner->rules[i].fs;
		nfc.rss_context = owner->rules[i].rss_context;
		flow_read(&nfc, &rule);
		info->flows[i].location = owner->rules[i].fs.location;
		info->flows[i].queue =
			nfc.fs.flow_type & UAPI_FLOW_RSS ? DEVMEM_QUEUE_SPREAD : rule.queue;
		info->flows[i].flow = rule.flow;
	}
	return 0;
}

static int list_journal(struct reserve *r, void *arg, struct devmem_error *err)
{
	const struct journal *journal = &r->journal;
	struct devmem_reservation_info *info;
	struct list *list = arg;
	uint32_t i, n;
	int alive;

	/* Settings that are left without an owner are an entry too. */
	n = journal->n_owners || journal_empty(journal) ? journal->n_owners : 1;
	for (i = 0; i < n; i++) {
		info = list_add(list);
		if (!info || (journal->n_owners && copy_owner(info, &journal->owners[i])))
			return error_system(err, -ENOMEM, "list", r->file.nic, NULL);
		info->stale = strcmp(journal->boot, r->boot) != 0;
		info->ifindex = journal->ifindex;
		info->netns = journal->netns;
		memcpy(info->name, journal->name, sizeof(info->name));
		memcpy(info->bus, journal->bus, sizeof(info->bus));
		reserve_settings_text(journal, info->settings, sizeof(info->settings));
		if (!info->id)
			continue;
		alive = journal_owner_alive(&r->file, info->id, err);
		if (alive < 0)
			return alive;
		info->alive = alive;
	}
	return 0;
}

int devmem_reservation_list(struct devmem_reservation_info **list, size_t *n, const char *dev,
			    const struct devmem_reservation_options *options,
			    struct devmem_error *err)
{
	struct list found = { 0 };
	int ret;

	*list = NULL;
	*n = 0;
	ret = reserve_each(dev, options, false, list_journal, &found, err);
	if (ret) {
		devmem_reservation_list_free(found.array, found.n);
		return ret;
	}
	*list = found.array;
	*n = found.n;
	return 0;
}

void devmem_reservation_list_free(struct devmem_reservation_info *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(list[i].queues);
		free(list[i].flows);
	}
	free(list);
}
