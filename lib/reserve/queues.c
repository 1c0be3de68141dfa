// SPDX-License-Identifier: BSD-3-Clause
/* Which queues a reservation gets: those that were asked for, or the highest that are free. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "nic/ethtool_rules.h"
#include "nic/flow.h"
#include "nic/queue.h"

/* A rule of somebody else's would bring packets into the region that nobody expects there. */
int reserve_check_rules(const struct reserve *r, const uint32_t *queues, size_t n,
			struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	uint32_t *hits, nrules, places, i, last = 0;
	struct uapi_rxnfc *rules;
	char text[FLOW_TEXT_SIZE];
	size_t q;
	int ret;

	ret = ethtool_get_rules(r->nic, &rules, &nrules, &places, &failed);
	if (ret == -EOPNOTSUPP)
		return 0; /* switched off: there are none */
	if (ret)
		return error_copy(err, &failed);
	for (q = 0; q < n; q++)
		last = queues[q] > last ? queues[q] : last;
	hits = calloc((size_t)last + 1, sizeof(*hits));
	if (!hits) {
		ret = error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
		goto free_rules;
	}
	for (i = 0; i < nrules; i++) {
		memset(hits, 0, ((size_t)last + 1) * sizeof(*hits));
		ret = ethtool_rule_hits(r->nic, &rules[i], hits, last + 1, err);
		if (ret)
			goto free_hits;
		for (q = 0; q < n && !hits[queues[q]]; q++)
			;
		if (q == n)
			continue;
		ret = error_system(
			err, -EBUSY, "reserve", r->nic->name,
			"flow rule %" PRIu32 " (%s) sends packets to queue %" PRIu32
			" already%s: choose another queue, or devmemctl flow del %s %" PRIu32,
			rules[i].fs.location, flow_text(&rules[i], text), queues[q],
			rules[i].fs.flow_type & UAPI_FLOW_RSS ? ", through its RSS context" : "",
			r->nic->name, rules[i].fs.location);
		goto free_hits;
	}
free_hits:
	free(hits);
free_rules:
	free(rules);
	return ret;
}

static int check_queues(const struct reserve *r, const uint32_t *queues, size_t n,
			uint32_t rx_queues, struct devmem_error *err)
{
	size_t i, j;

	if (!n)
		return error_input(err, -EINVAL, r->nic->name,
				   "reserve: no receive queue asked for");
	for (i = 0; queues && i < n; i++) {
		if (queues[i] >= rx_queues)
			return error_input(err, -EINVAL, r->nic->name,
					   "reserve: no receive queue %" PRIu32
					   ", there are %" PRIu32 ", numbered from 0",
					   queues[i], rx_queues);
		for (j = 0; j < i; j++) {
			if (queues[i] == queues[j])
				return error_input(err, -EINVAL, r->nic->name,
						   "reserve: receive queue %" PRIu32
						   " is given twice",
						   queues[i]);
		}
	}
	return 0;
}

static uint32_t count_reserved(const struct journal *journal)
{
	uint32_t n = 0, i;

	for (i = 0; i < journal->n_owners; i++)
		n += journal->owners[i].n_queues;
	return n;
}

/* "; 2 by pid 4711 (trainer), reservation 1" for each owner. */
static void owners_text(const struct journal *journal, char *text, size_t size)
{
	char who[RESERVE_OWNER_TEXT];
	size_t len = 0;
	uint32_t i;

	text[0] = '\0';
	for (i = 0; i < journal->n_owners && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%" PRIu32 " by %s",
					i ? "; " : "", journal->owners[i].n_queues,
					reserve_owner_text(&journal->owners[i], who));
}

static int check_left_over(const struct reserve *r, size_t n, uint32_t rx_queues,
			   struct devmem_error *err)
{
	uint32_t reserved = count_reserved(&r->journal);
	char owners[320];

	if (n < rx_queues && reserved < rx_queues - n)
		return 0;
	if (!reserved)
		return error_input(
			err, -EINVAL, r->nic->name,
			"reserve: no receive queue would be left for other packets: there "
			"are %" PRIu32 ", more come with ethtool -L %s combined N",
			rx_queues, r->nic->name);
	owners_text(&r->journal, owners, sizeof(owners));
	return error_system(err, -EBUSY, "reserve", r->nic->name,
			    "no receive queue would be left for other packets: there are %" PRIu32
			    ", %" PRIu32 " of them reserved (%s); more come with ethtool -L %s "
			    "combined N",
			    rx_queues, reserved, owners, r->nic->name);
}

/* text: by what, in words. */
static bool is_used(struct reserve *r, const struct devmem_queue *queue, char *text, size_t size)
{
	const struct journal_owner *owner = journal_queue_owner(&r->journal, queue->id);
	char who[RESERVE_OWNER_TEXT];

	if (owner)
		snprintf(text, size, "reserved by %s", reserve_owner_text(owner, who));
	else if (queue->dmabuf_id)
		snprintf(text, size, "has binding %" PRIu32, queue->dmabuf_id);
	else if (queue->io_uring)
		snprintf(text, size, "io_uring has it");
	else if (queue->xsk)
		snprintf(text, size, "an AF_XDP socket has it");
	else if (queue->leased)
		snprintf(text, size, "is leased to another interface");
	else if (queue->rules)
		snprintf(text, size, "flow rules send packets to it");
	else
		return false;
	return true;
}

/* Of queues that were named. Rules come last: reserve_check_rules() has more to say about them. */
static int check_named(struct reserve *r, const struct devmem_queue *list, size_t n_list,
		       const uint32_t *queues, size_t n, struct devmem_error *err)
{
	struct devmem_queue queue;
	char text[128];
	size_t i, j;

	for (i = 0; i < n_list; i++) {
		for (j = 0; j < n; j++) {
			queue = list[i];
			queue.rules = 0;
			if (queue.tx || queue.id != queues[j] ||
			    !is_used(r, &queue, text, sizeof(text)))
				continue;
			return error_system(err, -EBUSY, "reserve", r->nic->name,
					    "queue %" PRIu32 ": %s: choose another, or leave the "
					    "choice open",
					    queue.id, text);
		}
	}
	return reserve_check_rules(r, queues, n, err);
}

/* The highest numbers that nobody uses. */
static int choose_free(struct reserve *r, const struct devmem_queue *list, size_t n_list,
		       uint32_t *queues, size_t n, struct devmem_error *err)
{
	char text[128], all[400] = "";
	size_t found = 0, len = 0, i, rx = 0;

	for (i = 0; i < n_list; i++)
		rx += !list[i].tx;
	for (i = n_list; i-- > 0 && found < n;) {
		if (list[i].tx)
			continue;
		if (!is_used(r, &list[i], text, sizeof(text)))
			queues[found++] = list[i].id;
		else if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "; %" PRIu32 ": %s",
						list[i].id, text);
	}
	if (found == n)
		return 0;
	return error_system(err, -EBUSY, "reserve", r->nic->name,
			    "%zu receive queue%s asked for, %zu of %zu free%s", n,
			    n == 1 ? " is" : "s are", found, rx, all);
}

int reserve_choose_queues(struct reserve *r, const uint32_t *queues, size_t n, uint32_t **chosen,
			  struct devmem_error *err)
{
	struct devmem_queue *list;
	uint32_t rx_queues;
	size_t n_list;
	int ret;

	ret = queue_count(r->nic, &rx_queues, NULL, err);
	if (!ret)
		ret = check_queues(r, queues, n, rx_queues, err);
	if (!ret)
		ret = reserve_check_driver(r, err);
	if (!ret)
		ret = devmem_netdev_queues(r->netdev, &list, &n_list, err);
	if (ret)
		return ret;
	/* Who uses a queue that was named says more than that too few are left. */
	if (queues)
		ret = check_named(r, list, n_list, queues, n, err);
	if (!ret)
		ret = check_left_over(r, n, rx_queues, err);
	if (ret)
		goto free_list;
	*chosen = calloc(n, sizeof(**chosen));
	if (!*chosen) {
		ret = error_system(err, -ENOMEM, "reserve", r->nic->name, NULL);
		goto free_list;
	}
	if (queues)
		memcpy(*chosen, queues, n * sizeof(*queues));
	else
		ret = choose_free(r, list, n_list, *chosen, n, err);
	array_sort(*chosen, n);
free_list:
	free(list);
	return ret;
}
