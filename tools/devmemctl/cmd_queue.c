/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <devmem/netdev.h>

#include "args.h"
#include "output.h"

static void out_counter(struct json_object *obj, const char *key, const struct devmem_qstats *stats,
			uint32_t bit, uint64_t value)
{
	if (stats->has & bit)
		out_uint(obj, key, value);
	else
		out_null(obj, key);
}

static void out_queue(struct json_object *obj, struct devmem_netdev *netdev,
		      const struct devmem_queue *queue)
{
	struct devmem_qstats stats = { 0 };

	out_str(obj, "kind", queue->tx ? "tx" : "rx");
	out_uint(obj, "queue", queue->id);
	if (queue->napi_id)
		out_uint(obj, "napi_id", queue->napi_id);
	else
		out_null(obj, "napi_id");
	if (queue->dmabuf_id)
		out_uint(obj, "binding", queue->dmabuf_id);
	else
		out_null(obj, "binding");
	out_bool(obj, "io_uring", queue->io_uring);
	out_bool(obj, "xsk", queue->xsk);
	out_bool(obj, "leased", queue->leased);
	out_bool(obj, "rss", queue->rss);
	out_uint(obj, "rules", queue->rules);
	/* A driver without counters is shown without them. */
	if (!queue->tx)
		devmem_netdev_qstats(netdev, queue->id, &stats, NULL);
	out_counter(obj, "rx_packets", &stats, DEVMEM_QSTATS_PACKETS, stats.rx_packets);
	out_counter(obj, "rx_bytes", &stats, DEVMEM_QSTATS_BYTES, stats.rx_bytes);
	out_counter(obj, "rx_alloc_fail", &stats, DEVMEM_QSTATS_ALLOC_FAIL, stats.rx_alloc_fail);
	out_counter(obj, "rx_hw_drops", &stats, DEVMEM_QSTATS_HW_DROPS, stats.rx_hw_drops);
	out_counter(obj, "rx_hw_drop_overruns", &stats, DEVMEM_QSTATS_HW_DROP_OVERRUNS,
		    stats.rx_hw_drop_overruns);
	out_counter(obj, "inflight", &stats, DEVMEM_QSTATS_INFLIGHT, stats.inflight);
	out_counter(obj, "inflight_mem", &stats, DEVMEM_QSTATS_INFLIGHT, stats.inflight_mem);
}

int cmd_queue_show(struct ctl *ctl, int argc, char **argv)
{
	static const char *const columns[] = { "kind", "queue",	 "napi_id", "binding", "io_uring",
					       "xsk",  "leased", "rss",	    "rules",   NULL };
	static const char *const columns_all[] = { "kind",	  "queue",
						   "napi_id",	  "binding",
						   "io_uring",	  "xsk",
						   "leased",	  "rss",
						   "rules",	  "rx_packets",
						   "rx_bytes",	  "rx_alloc_fail",
						   "rx_hw_drops", "rx_hw_drop_overruns",
						   "inflight",	  "inflight_mem",
						   NULL };
	static const struct args_spec spec = {
		.name = "queue show",
		.usage = "DEV",
		.summary = "Show an interface's queues and what is bound to them; with -v also "
			   "counters.",
		.operands = { "DEV" },
	};
	struct devmem_netdev *netdev;
	struct devmem_queue *queues;
	struct devmem_error err;
	struct json_object *list;
	struct args args;
	size_t n;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	if (devmem_netdev_open(&netdev, args.operand[0], &err))
		return fail_error(&err);
	if (devmem_netdev_queues(netdev, &queues, &n, &err)) {
		devmem_netdev_close(netdev);
		return fail_error(&err);
	}
	list = out_list(NULL, NULL);
	for (size_t i = 0; i < n; i++)
		out_queue(out_item(list), netdev, &queues[i]);
	free(queues);
	devmem_netdev_close(netdev);
	return out_print(ctl, stdout, list, ctl->verbose ? columns_all : columns);
}
