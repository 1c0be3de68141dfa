/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include <devmem/netdev.h>

#include "args.h"
#include "output.h"
#include "setup.h"

/* Values of ETH_RSS_HASH_* in the kernel's include/linux/ethtool.h. */
static const char *hash_name(uint32_t hfunc, char buf[16])
{
	switch (hfunc) {
	case 1U << 0:
		return "toeplitz";
	case 1U << 1:
		return "xor";
	case 1U << 2:
		return "crc32";
	default:
		snprintf(buf, 16, "0x%x", hfunc);
		return buf;
	}
}

static void out_rss(struct json_object *obj, const struct devmem_netdev_info *info, bool all)
{
	struct json_object *rss = out_object(obj, "rss");
	struct json_object *list;
	char name[16];

	out_str(rss, "hash", hash_name(info->rss_hfunc, name));
	out_uint(rss, "entries", info->rss_table_len);
	list = out_list(rss, "queues");
	for (uint32_t q = 0; q < info->rx_queues; q++)
		for (uint32_t i = 0; i < info->rss_table_len; i++)
			if (info->rss_table[i] == q) {
				out_add_uint(list, q);
				break;
			}
	if (!all)
		return;
	list = out_list(rss, "table");
	for (uint32_t i = 0; i < info->rss_table_len; i++)
		out_add_uint(list, info->rss_table[i]);
	if (info->rss_key_len) {
		char *hex = calloc(info->rss_key_len, 3);

		if (!hex)
			return;
		for (uint32_t i = 0; i < info->rss_key_len; i++)
			sprintf(hex + 3 * i, "%02x%s", info->rss_key[i],
				i + 1 < info->rss_key_len ? ":" : "");
		out_str(rss, "key", hex);
		free(hex);
	}
}

static void out_device(struct json_object *obj, const struct devmem_netdev_info *info, bool all)
{
	struct json_object *part;

	out_str(obj, "dev", info->name);
	out_uint(obj, "ifindex", info->ifindex);
	out_str(obj, "driver", info->driver[0] ? info->driver : NULL);
	out_str(obj, "bus", info->bus[0] ? info->bus : NULL);
	out_bool(obj, "up", info->up);
	out_uint(obj, "mtu", info->mtu);
	out_uint(obj, "rx_queues", info->rx_queues);
	out_uint(obj, "tx_queues", info->tx_queues);
	if (info->has & DEVMEM_HAS_SPLIT)
		out_str(obj, "split", split_name(info->split));
	else
		out_null(obj, "split");
	if (info->has & DEVMEM_HAS_HDS_THRESH) {
		out_uint(obj, "hds_thresh", info->hds_thresh);
		out_uint(obj, "hds_thresh_max", info->hds_thresh_max);
	} else {
		out_null(obj, "hds_thresh");
		out_null(obj, "hds_thresh_max");
	}
	if (info->has & DEVMEM_HAS_FEATURES) {
		out_bool(obj, "ntuple", info->ntuple);
		out_bool(obj, "ntuple_settable", info->ntuple_settable);
	} else {
		out_null(obj, "ntuple");
		out_null(obj, "ntuple_settable");
	}
	if (info->has & DEVMEM_HAS_RULES) {
		out_uint(obj, "rules", info->rules);
		out_uint(obj, "rules_max", info->rules_max);
		out_bool(obj, "rules_any", info->rules_any);
	} else {
		out_null(obj, "rules");
		out_null(obj, "rules_max");
		out_null(obj, "rules_any");
	}
	if (info->has & DEVMEM_HAS_CHANNELS) {
		part = out_object(obj, "channels");
		out_uint(part, "combined", info->channels_combined);
		out_uint(part, "combined_max", info->channels_combined_max);
		out_uint(part, "rx", info->channels_rx);
		out_uint(part, "rx_max", info->channels_rx_max);
		out_uint(part, "tx", info->channels_tx);
		out_uint(part, "tx_max", info->channels_tx_max);
	} else {
		out_null(obj, "channels");
	}
	if (info->has & DEVMEM_HAS_RINGS) {
		part = out_object(obj, "rings");
		out_uint(part, "rx", info->ring_rx);
		out_uint(part, "rx_max", info->ring_rx_max);
		out_uint(part, "tx", info->ring_tx);
		out_uint(part, "tx_max", info->ring_tx_max);
	} else {
		out_null(obj, "rings");
	}
	if (info->has & DEVMEM_HAS_RSS)
		out_rss(obj, info, all);
	else
		out_null(obj, "rss");
}

static int show_one(const struct ctl *ctl, struct json_object *list, const char *name,
		    bool vanished)
{
	struct devmem_netdev *netdev;
	struct devmem_error err;

	if (devmem_netdev_open(&netdev, name, &err)) {
		/* Gone since the list was made. */
		if (vanished && err.code == -ENODEV)
			return EXIT_OK;
		return fail_error(&err);
	}
	out_device(out_item(list), devmem_netdev_info(netdev), ctl->json || ctl->verbose);
	devmem_netdev_close(netdev);
	return EXIT_OK;
}

static int show_all(const struct ctl *ctl, struct json_object *list)
{
	struct if_nameindex *names = if_nameindex();
	int result = EXIT_OK;

	if (!names)
		return fail_errno(errno, "list of interfaces");
	for (struct if_nameindex *n = names; n->if_index && !result; n++) {
		char index[16];

		snprintf(index, sizeof(index), "%u", n->if_index);
		result = show_one(ctl, list, index, true);
	}
	if_freenameindex(names);
	return result;
}

int cmd_dev_show(struct ctl *ctl, int argc, char **argv)
{
	static const char *const columns[] = { "dev",	    "driver", "bus",	    "up",
					       "rx_queues", "split",  "hds_thresh", "ntuple",
					       "rules",	    NULL };
	static const struct args_spec spec = {
		.name = "dev show",
		.usage = "[DEV]",
		.summary = "Show interfaces: queues, header split, flow rules, RSS.",
		.operands = { "DEV" },
		.optional = 1,
	};
	struct json_object *list;
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	list = out_list(NULL, NULL);
	if (args.operand[0])
		result = show_one(ctl, list, args.operand[0], false);
	else
		result = show_all(ctl, list);
	if (result) {
		json_object_put(list);
		return result;
	}
	if (!ctl->json && (args.operand[0] || ctl->verbose)) {
		/* One interface, or all that there is to know: a block of lines each. */
		size_t n = json_object_array_length(list);

		for (size_t i = 0; i < n && !result; i++) {
			if (i)
				putchar('\n');
			result = out_print(ctl, stdout,
					   json_object_get(json_object_array_get_idx(list, i)),
					   NULL);
		}
		json_object_put(list);
		return result;
	}
	return out_print(ctl, stdout, list, columns);
}
