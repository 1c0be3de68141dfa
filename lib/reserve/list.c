// SPDX-License-Identifier: BSD-3-Clause
/* Reservations without a handle of one: listing them, and putting back what dead owners left. */
#include "reserve/reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/flow.h"
#include "nic/netdev.h"

/* The journals' names in a directory. */
struct nics {
	char (*array)[JOURNAL_NIC_SIZE];
	size_t n, room;
};

static int add_nic(const char *nic, void *arg)
{
	char(*array)[JOURNAL_NIC_SIZE];
	struct nics *nics = arg;
	size_t room;

	if (strlen(nic) >= JOURNAL_NIC_SIZE)
		return 0;
	if (nics->n == nics->room) {
		room = nics->room ? 2 * nics->room : 8;
		array = realloc(nics->array, room * sizeof(*array));
		if (!array)
			return -ENOMEM;
		nics->array = array;
		nics->room = room;
	}
	strcpy(nics->array[nics->n++], nic);
	return 0;
}

/* All of them; none if there is no directory. */
static int list_nics(const struct devmem_reservation_options *options, struct nics *nics,
		     struct devmem_error *err)
{
	struct journal_file file;
	int ret;

	memset(nics, 0, sizeof(*nics));
	ret = journal_file_open(&file, options->dir, NULL, false, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = journal_file_each(&file, add_nic, nics, err);
	journal_file_close(&file);
	if (ret)
		free(nics->array);
	return ret;
}

/* Which journals are meant: dev's, by what it is or, if it isn't here, by its name; or all. */
struct choice {
	const char *dev;
	char nic[JOURNAL_NIC_SIZE]; /* "" if it isn't here */
	struct devmem_netdev *netdev;
	struct devmem_error absent; /* what looking for it said */
};

static int choose(struct choice *choice, const char *dev, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	memset(choice, 0, sizeof(*choice));
	choice->dev = dev;
	if (!dev)
		return 0;
	ret = devmem_netdev_open(&choice->netdev, dev, &failed);
	if (ret == -ENODEV) {
		choice->absent = failed;
		return 0;
	}
	if (ret) {
		if (err)
			*err = failed;
		return ret;
	}
	ret = reserve_nic_name(netdev_dev(choice->netdev), choice->nic, err);
	if (ret)
		devmem_netdev_close(choice->netdev);
	return ret;
}

static bool is_chosen(const struct choice *choice, const char *nic, const struct journal *journal)
{
	if (!choice->dev)
		return true;
	if (choice->nic[0])
		return !strcmp(choice->nic, nic);
	return !strcmp(choice->dev, journal->name);
}

/* A journal that need not even be read: one that is damaged, or locked, is another's trouble. */
static bool is_out(const struct choice *choice, const char *nic)
{
	return choice->nic[0] && strcmp(choice->nic, nic) != 0;
}

/* ---- list ---- */

struct list {
	struct devmem_reservation_info *array;
	size_t n, room;
};

static struct devmem_reservation_info *list_add(struct list *list)
{
	struct devmem_reservation_info *array;
	size_t room;

	if (list->n == list->room) {
		room = list->room ? 2 * list->room : 8;
		array = realloc(list->array, room * sizeof(*array));
		if (!array)
			return NULL;
		list->array = array;
		list->room = room;
	}
	array = &list->array[list->n++];
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

static int list_journal(struct list *list, const struct reserve *r, struct devmem_error *err)
{
	const struct journal *journal = &r->journal;
	struct devmem_reservation_info *info;
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
	struct reserve r = { 0 };
	struct list found = { 0 };
	struct choice choice;
	struct nics nics;
	size_t i;
	int ret;

	*list = NULL;
	*n = 0;
	ret = reserve_options(&r.options, options, err);
	if (!ret)
		ret = choose(&choice, dev, err);
	if (ret)
		return ret;
	ret = list_nics(&r.options, &nics, err);
	if (ret)
		goto close_netdev;
	for (i = 0; !ret && i < nics.n; i++) {
		if (is_out(&choice, nics.array[i]))
			continue;
		ret = reserve_open(&r, NULL, nics.array[i], false, err);
		if (ret)
			break;
		ret = journal_file_load(&r.file, &r.journal, err);
		if (!ret && is_chosen(&choice, nics.array[i], &r.journal))
			ret = list_journal(&found, &r, err);
		journal_free(&r.journal);
		reserve_close(&r);
	}
	if (!ret && !found.n && choice.absent.code) {
		ret = choice.absent.code;
		if (err)
			*err = choice.absent;
	}
	free(nics.array);
close_netdev:
	devmem_netdev_close(choice.netdev);
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

/* ---- restore ---- */

/* Ends the dead owners of one interface. chosen: whether it was meant. */
static int restore_nic(struct reserve *r, const char *nic, const struct choice *choice,
		       bool *chosen, unsigned int *retired, struct devmem_error *err)
{
	struct devmem_netdev *netdev = NULL;
	int ret;

	*chosen = false;
	*retired = 0;
	ret = reserve_open(r, NULL, nic, false, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = reserve_lock(r, err);
	if (ret)
		goto close;
	*chosen = is_chosen(choice, nic, &r->journal);
	if (*chosen) {
		ret = reserve_find(nic, &netdev, err);
		if (!ret) {
			r->found = netdev;
			r->netdev = netdev;
			r->dev = netdev ? netdev_dev(netdev) : NULL;
			ret = reserve_retire_dead(r, retired, err);
		}
	}
	reserve_unlock(r);
close:
	reserve_close(r);
	return ret;
}

int devmem_reservation_restore(const char *dev, unsigned int *restored,
			       const struct devmem_reservation_options *options,
			       struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct reserve r = { 0 };
	struct choice choice;
	unsigned int retired, all = 0;
	bool chosen, any = false;
	struct nics nics;
	int ret, first;
	size_t i;

	ret = reserve_options(&r.options, options, err);
	if (!ret)
		ret = choose(&choice, dev, err);
	if (ret)
		return ret;
	first = list_nics(&r.options, &nics, err);
	if (first)
		goto close_netdev;
	for (i = 0; i < nics.n; i++) {
		if (is_out(&choice, nics.array[i]))
			continue;
		ret = restore_nic(&r, nics.array[i], &choice, &chosen, &retired, &failed);
		any |= chosen;
		all += retired;
		if (ret && !first) {
			first = ret;
			if (err)
				*err = failed;
		}
	}
	if (!first && !any && choice.absent.code) {
		first = choice.absent.code;
		if (err)
			*err = choice.absent;
	}
	free(nics.array);
close_netdev:
	devmem_netdev_close(choice.netdev);
	if (restored)
		*restored = all;
	return first;
}
