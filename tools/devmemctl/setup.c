/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "setup.h"

int parse_runtime_dir(const char *arg, const char **dir)
{
	if (!*arg)
		return fail(EXIT_USAGE, "--runtime-dir is empty; leave it out for %s",
			    DEVMEM_RUNTIME_DIR);
	*dir = arg;
	return 0;
}

int setup_option(int key, const char *arg, void *input)
{
	struct setup_options *options = input;
	uint64_t value;

	switch (key) {
	case KEY_QUEUES:
		return parse_queues("--queues", arg, &options->queues);
	case KEY_QUEUE_COUNT:
		options->reserve_option = "--queue-count";
		if (parse_uint("--queue-count", arg, 1, QUEUES_MAX, &value))
			return EXIT_USAGE;
		options->queue_count = (uint32_t)value;
		return 0;
	case KEY_RUNTIME_DIR:
		options->reserve_option = "--runtime-dir";
		return parse_runtime_dir(arg, &options->runtime_dir);
	case KEY_NO_WATCHER:
		options->reserve_option = "--no-watcher";
		options->no_watcher = true;
		return 0;
	case KEY_REGION:
		if (!*arg)
			return fail(EXIT_USAGE, "--region is empty; try 'devmemctl region list'");
		options->region = arg;
		return 0;
	case KEY_SIZE:
		return parse_size("--size", arg, 1, INT64_MAX, &options->size);
	case KEY_PAGE_SIZE:
		if (parse_size("--page-size", arg, 1, 1U << 31, &value))
			return EXIT_USAGE;
		if (value & (value - 1))
			return fail(EXIT_USAGE, "--page-size '%s': not a power of two", arg);
		if (value < (uint64_t)sysconf(_SC_PAGESIZE))
			return fail(EXIT_USAGE, "--page-size '%s': less than a page (%ld bytes)",
				    arg, sysconf(_SC_PAGESIZE));
		options->page_size = (uint32_t)value;
		return 0;
	default:
		return fail(EXIT_USAGE, "unknown option");
	}
}

int setup_options_check(struct setup_options *options)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (options->queues.n && options->queue_count)
		return fail(EXIT_USAGE, "give --queues or --queue-count, not both");
	/* An imported dma-buf has its size already. */
	if (!options->size && strncmp(options->region, "fd:", 3))
		options->size = REGION_SIZE_DEFAULT;
	if (options->page_size > page)
		page = options->page_size;
	if (options->size % page)
		return fail(EXIT_USAGE, "--size %llu: not a multiple of %llu, the %s size",
			    (unsigned long long)options->size, (unsigned long long)page,
			    options->page_size ? "receive buffer" : "page");
	return 0;
}

/* Names all that is missing, not only the first thing that the kernel would refuse. Says no only
 * where that is certain: some drivers report a setting only once it was set. */
static int check_reservable(const struct devmem_netdev_info *info)
{
	bool rings = info->has & DEVMEM_HAS_RINGS;
	bool rules = (info->has & DEVMEM_HAS_RULES) || info->ntuple || info->ntuple_settable;
	bool split = rings || (info->has & DEVMEM_HAS_SPLIT);
	char missing[256];
	int n;

	if (split && rules && info->rx_queues > 1)
		return 0;
	/* Each part begins with the comma that joins it to the one before. */
	n = snprintf(missing, sizeof(missing), "%s%s",
		     split ? "" : ", no header split (tcp-data-split)",
		     rules ? "" : ", no flow rules (ntuple)");
	if (!info->rx_queues && !info->up)
		snprintf(missing + n, sizeof(missing) - (size_t)n,
			 ", no receive queues while it is down");
	else if (info->rx_queues < 2)
		snprintf(missing + n, sizeof(missing) - (size_t)n,
			 ", only %u receive queue%s and one must be left for everything else",
			 info->rx_queues, info->rx_queues == 1 ? "" : "s");
	return fail(EXIT_MISSING,
		    "%s%s%s%s: can't receive into device memory: %s; 'devmemctl recv --place' "
		    "receives through host memory on any interface",
		    info->name, info->driver[0] ? " (driver " : "", info->driver,
		    info->driver[0] ? ")" : "", missing + 2);
}

static void rss_queues(const struct devmem_netdev_info *info, struct queue_list *queues)
{
	queues->n = 0;
	for (uint32_t q = 0; q < info->rx_queues && queues->n < QUEUES_MAX; q++)
		for (uint32_t i = 0; i < info->rss_table_len; i++)
			if (info->rss_table[i] == q) {
				queues->id[queues->n++] = q;
				break;
			}
}

static int check_queues(const struct setup *s, const struct setup_options *options, bool reserve)
{
	const struct devmem_netdev_info *info = devmem_netdev_info(s->netdev);

	for (size_t i = 0; i < s->queues.n; i++)
		if (s->queues.id[i] >= info->rx_queues)
			return fail(EXIT_USAGE,
				    "%s: no receive queue %u; it has queues 0 to %u, see "
				    "'devmemctl queue show %s'",
				    info->name, s->queues.id[i], info->rx_queues - 1, info->name);
	if (!reserve)
		return 0;
	if (s->queues.n >= info->rx_queues)
		return fail(EXIT_USAGE,
			    "%s: --queues names all %u receive queues; leave one for everything "
			    "else",
			    info->name, info->rx_queues);
	if (options->queue_count >= info->rx_queues)
		return fail(EXIT_USAGE,
			    "%s: --queue-count %u: it has %u receive queues, and one must be left "
			    "for everything else",
			    info->name, options->queue_count, info->rx_queues);
	return 0;
}

int setup_netdev(struct setup *s, const struct setup_options *options)
{
	struct devmem_error err;

	if (devmem_netdev_open(&s->netdev, options->dev, &err))
		return fail_error(&err);
	s->before = *devmem_netdev_info(s->netdev);
	s->before.rss_table = NULL;
	s->before.rss_key = NULL;
	return 0;
}

int setup_device(struct setup *s, const struct setup_options *options, bool reserve)
{
	const struct devmem_netdev_info *info;
	int result = setup_netdev(s, options);

	if (result)
		return result;
	info = devmem_netdev_info(s->netdev);
	rss_queues(info, &s->rss_before);
	if (reserve && check_reservable(info))
		return EXIT_MISSING;
	if (!info->rx_queues)
		return fail(EXIT_MISSING, "%s: no receive queues%s", info->name,
			    info->up ? "" : " while it is down");
	s->queues = options->queues;
	if (!s->queues.n && !reserve) {
		s->queues.n = 1;
		s->queues.id[0] = info->rx_queues - 1;
	}
	return check_queues(s, options, reserve);
}

static int open_region(struct setup *s, const struct setup_options *options)
{
	struct devmem_error err;

	if (!devmem_region_open(&s->region, options->region, options->size, &err))
		return 0;
	if (err.kind != DEVMEM_ERROR_MISSING || !options->region_else)
		return fail_error(&err);
	note("%s; taking %s instead, so sending is plain", err.message, options->region_else);
	if (devmem_region_open(&s->region, options->region_else, options->size, &err))
		return fail_error(&err);
	return 0;
}

int setup_region(struct setup *s, const struct ctl *ctl, const struct setup_options *options,
		 bool host_ok)
{
	char human[32];
	int result = open_region(s, options);

	if (result)
		return result;
	format_bytes(human, sizeof(human), devmem_region_size(s->region));
	say(ctl, "region %s, %s", devmem_region_spec(s->region), human);
	if (devmem_region_note(s->region))
		say(ctl, "%s", devmem_region_note(s->region));
	if (!host_ok && !devmem_region_is_dmabuf(s->region))
		return fail(EXIT_USAGE,
			    "region %s: host memory that no NIC can use; see 'devmemctl region "
			    "list' for others",
			    options->region);
	return 0;
}

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	note("%s", text);
}

static void on_step(const char *name, void *arg)
{
	say(arg, "step %s", name);
}

struct devmem_reservation_options reservation_options(const struct ctl *ctl,
						      const char *runtime_dir)
{
	return (struct devmem_reservation_options){
		.sz = sizeof(struct devmem_reservation_options),
		.dir = runtime_dir,
		.notice = on_notice,
		.step = on_step,
		.arg = (void *)ctl,
	};
}

/* Those that were named stay in the order that they were named in: a flow goes to the first. */
static void copy_queues(struct setup *s)
{
	const uint32_t *queues;
	size_t n;

	if (s->queues.n)
		return;
	queues = devmem_reservation_queues(s->reservation, &n);
	for (; s->queues.n < n && s->queues.n < QUEUES_MAX; s->queues.n++)
		s->queues.id[s->queues.n] = queues[s->queues.n];
}

int setup_reservation(struct setup *s, const struct ctl *ctl, const struct setup_options *options)
{
	struct devmem_reservation_options how = reservation_options(ctl, options->runtime_dir);
	const uint32_t *queues = s->queues.n ? s->queues.id : NULL;
	size_t n = options->queue_count ? options->queue_count : 1;
	struct devmem_error err;
	char ranges[128];

	if (options->no_watcher)
		how.flags |= DEVMEM_RESERVATION_NO_WATCHER;
	if (devmem_reservation_open(&s->reservation, s->netdev, queues, queues ? s->queues.n : n,
				    &how, &err))
		return fail_error(&err);
	copy_queues(s);
	if (devmem_netdev_refresh(s->netdev, &err))
		return fail_error(&err);
	rss_queues(devmem_netdev_info(s->netdev), &s->rss_during);
	format_ranges(ranges, sizeof(ranges), s->queues.id, s->queues.n);
	say(ctl, "%s: reservation %u: header split on, threshold 0, RSS off queues %s",
	    s->before.name, devmem_reservation_id(s->reservation), ranges);
	return 0;
}

int setup_binding(struct setup *s, const struct setup_options *options)
{
	const struct devmem_binding_options binding = {
		.sz = sizeof(binding),
		.rx_page_size = options->page_size,
		.held_max = options->held_max,
	};
	struct devmem_error err;

	if (devmem_binding_open_rx(&s->binding, s->region, s->netdev, s->queues.id, s->queues.n,
				   &binding, &err))
		return fail_error(&err);
	return 0;
}

int setup_binding_tx(struct setup *s, bool plain_ok)
{
	const struct devmem_binding_options binding = {
		.sz = sizeof(binding),
		.flags = plain_ok ? DEVMEM_BINDING_PLAIN_OK : 0,
	};
	struct devmem_error err;

	if (devmem_binding_open_tx(&s->binding, s->region, s->netdev, &binding, &err))
		return fail_error(&err);
	/* With host memory it was asked for, or said before. */
	if (devmem_binding_is_plain(s->binding) && devmem_region_is_dmabuf(s->region))
		note("%s; sending is plain", devmem_binding_note(s->binding));
	return 0;
}

int setup_close(struct setup *s)
{
	struct devmem_error err;
	int result = 0;

	devmem_binding_close(s->binding);
	s->binding = NULL;
	if (devmem_reservation_close(s->reservation, &err))
		result = fail_error(&err);
	s->reservation = NULL;
	devmem_region_close(s->region);
	s->region = NULL;
	devmem_netdev_close(s->netdev);
	s->netdev = NULL;
	return result;
}

void setup_drops(const struct setup *s, struct drops *drops)
{
	memset(drops, 0, sizeof(*drops));
	for (size_t i = 0; i < s->queues.n; i++) {
		struct devmem_qstats stats;

		/* A driver without counters is no reason to stop. */
		if (devmem_netdev_qstats(s->netdev, s->queues.id[i], &stats, NULL))
			continue;
		if (stats.has & (DEVMEM_QSTATS_ALLOC_FAIL | DEVMEM_QSTATS_HW_DROPS |
				 DEVMEM_QSTATS_HW_DROP_OVERRUNS))
			drops->known = true;
		drops->alloc_fail += stats.rx_alloc_fail;
		drops->hw_drops += stats.rx_hw_drops;
		drops->hw_drop_overruns += stats.rx_hw_drop_overruns;
		drops->inflight_bytes += stats.inflight_mem;
	}
}

const char *split_name(int split)
{
	switch (split) {
	case DEVMEM_SPLIT_ON:
		return "on";
	case DEVMEM_SPLIT_OFF:
		return "off";
	default:
		return "unknown";
	}
}

void setup_out_region(struct json_object *obj, const struct ctl *ctl, const struct setup *s)
{
	struct json_object *region = out_object(obj, "region");

	out_str(region, "spec", devmem_region_spec(s->region));
	out_bytes(region, "size", devmem_region_size(s->region));
	out_bool(region, "dmabuf", devmem_region_is_dmabuf(s->region));
	if (ctl->json || devmem_region_note(s->region))
		out_str(region, "note", devmem_region_note(s->region));
}

static void out_queues(struct json_object *obj, const char *key, const struct queue_list *queues)
{
	struct json_object *list = out_list(obj, key);

	for (size_t i = 0; i < queues->n; i++)
		out_add_uint(list, queues->id[i]);
}

void setup_out_steering(struct json_object *obj, const struct setup *s)
{
	const struct devmem_netdev_info *now = devmem_netdev_info(s->netdev);
	struct json_object *steering = out_object(obj, "steering");

	out_uint(steering, "reservation", devmem_reservation_id(s->reservation));
	out_str(steering, "split_before", split_name(s->before.split));
	out_str(steering, "split", split_name(now->split));
	if (now->has & DEVMEM_HAS_HDS_THRESH) {
		out_uint(steering, "hds_thresh_before", s->before.hds_thresh);
		out_uint(steering, "hds_thresh", now->hds_thresh);
	}
	out_bool(steering, "ntuple_before", s->before.ntuple);
	out_bool(steering, "ntuple", now->ntuple);
	if (s->before.has & DEVMEM_HAS_RSS) {
		out_queues(steering, "rss_queues_before", &s->rss_before);
		out_queues(steering, "rss_queues", &s->rss_during);
	}
}
