/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface for tests of the command: devmemctl is linked with this in front of the library. It
 * has four receive queues, accepts everything, and changes nothing. Each call that would have
 * changed something is a line in the file that FAKE_LOG names; the call that FAKE_FAIL names is
 * refused. Its name is fake0, or, for tests with sockets on it, that of a real one, in FAKE_NAME.
 * FAKE_PLAIN makes it unable to send from device memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <devmem/devmem.h>

#include "fake.h"

#define QUEUES 4

struct devmem_netdev {
	struct devmem_netdev_info info;
};

struct devmem_reservation {
	struct devmem_reservation_options options;
	uint32_t id;
	uint32_t queues[QUEUES];
	size_t n;
	uint32_t next_location;
};

struct devmem_binding {
	struct devmem_region *region;
	bool tx, plain;
};

static struct devmem_netdev the_netdev;
static struct devmem_reservation the_reservation;
static struct devmem_binding the_binding;

int fake_called(struct devmem_error *err, const char *name, const char *fmt, ...)
{
	const char *failing = getenv("FAKE_FAIL");
	const char *path = getenv("FAKE_LOG");
	FILE *log = path ? fopen(path, "ae") : NULL;
	va_list ap;

	if (log) {
		va_start(ap, fmt);
		fputs(name, log);
		vfprintf(log, fmt, ap);
		putc('\n', log);
		va_end(ap);
		fclose(log);
	}
	if (!failing || strcmp(failing, name))
		return 0;
	if (err) {
		memset(err, 0, sizeof(*err));
		err->code = -EBUSY;
		err->kind = DEVMEM_ERROR_REFUSED;
		snprintf(err->message, sizeof(err->message), "fake0: %s refused", name);
	}
	return -EBUSY;
}

static int refuse(struct devmem_error *err, int code, const char *text)
{
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->kind = DEVMEM_ERROR_MISSING;
	strcpy(err->message, text);
	return code;
}

/* ---- interface ---- */

int devmem_netdev_open(struct devmem_netdev **netdev, const char *name, struct devmem_error *err)
{
	static const uint32_t table[] = { 0, 1, 2, 3 };
	const char *ours = getenv("FAKE_NAME");

	if (strcmp(name, ours ? ours : "fake0"))
		return refuse(err, -ENODEV, "no such interface");
	the_netdev.info = (struct devmem_netdev_info){
		.has = DEVMEM_HAS_RINGS | DEVMEM_HAS_SPLIT | DEVMEM_HAS_FEATURES |
		       DEVMEM_HAS_RULES | DEVMEM_HAS_RSS,
		.ifindex = 7,
		.up = 1,
		.rx_queues = QUEUES,
		.split = DEVMEM_SPLIT_OFF,
		.ntuple = 1,
		.rss_table = table,
		.rss_table_len = QUEUES,
	};
	snprintf(the_netdev.info.name, sizeof(the_netdev.info.name), "%s", name);
	*netdev = &the_netdev;
	return 0;
}

void devmem_netdev_close(struct devmem_netdev *netdev)
{
	(void)netdev;
}

int devmem_netdev_refresh(struct devmem_netdev *netdev, struct devmem_error *err)
{
	(void)netdev;
	(void)err;
	return 0;
}

const struct devmem_netdev_info *devmem_netdev_info(const struct devmem_netdev *netdev)
{
	return &netdev->info;
}

static void fill_flow(struct devmem_flow *flow, const char *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, addr, &in.sin_addr);
	memset(flow, 0, sizeof(*flow));
	memcpy(&flow->dst, &in, sizeof(in));
}

int devmem_flow_list(struct devmem_netdev *netdev, struct devmem_flow_rule **rules, size_t *n,
		     struct devmem_error *err)
{
	(void)netdev;
	(void)err;
	*n = 3;
	*rules = calloc(*n, sizeof(**rules));
	for (uint32_t i = 0; *rules && i < 3; i++) {
		(*rules)[i] = (struct devmem_flow_rule){ .location = i, .queue = 2, .tcp = 1 };
		fill_flow(&(*rules)[i].flow, "10.0.0.1", (uint16_t)(5000 + i));
	}
	return *rules ? 0 : -ENOMEM;
}

int devmem_flow_add(struct devmem_netdev *netdev, const struct devmem_flow *flow, uint32_t queue,
		    uint32_t *location, struct devmem_error *err)
{
	(void)netdev;
	(void)flow;
	*location = 3;
	return fake_called(err, "flow_add", " %u", queue);
}

int devmem_flow_del(struct devmem_netdev *netdev, uint32_t location, struct devmem_error *err)
{
	(void)netdev;
	return fake_called(err, "flow_del", " %u", location);
}

/* ---- reservation ---- */

int devmem_reservation_open(struct devmem_reservation **reservation, struct devmem_netdev *netdev,
			    const uint32_t *queues, size_t n,
			    const struct devmem_reservation_options *options,
			    struct devmem_error *err)
{
	struct devmem_reservation *r = &the_reservation;

	(void)netdev;
	r->options = *options;
	r->id = 5;
	r->n = n;
	for (size_t i = 0; i < n && i < QUEUES; i++)
		r->queues[i] = queues ? queues[i] : (uint32_t)(QUEUES - n + i);
	options->step("journal", options->arg);
	options->notice("fake0: something to know", options->arg);
	if (fake_called(err, "open", " %s%zu%s", queues ? "named " : "any ", n,
			options->flags & DEVMEM_RESERVATION_NO_WATCHER ? " no-watcher" : ""))
		return -EBUSY;
	*reservation = r;
	return 0;
}

int devmem_reservation_attach(struct devmem_reservation **reservation, struct devmem_netdev *netdev,
			      uint32_t id, const struct devmem_reservation_options *options,
			      struct devmem_error *err)
{
	struct devmem_reservation *r = &the_reservation;

	(void)netdev;
	if (id != 5)
		return refuse(err, -ENOENT, "fake0: no such reservation");
	*r = (struct devmem_reservation){ *options, 5, { 2, 3 }, 2, 0 };
	*reservation = r;
	return fake_called(err, "attach", " %u", id);
}

uint32_t devmem_reservation_id(const struct devmem_reservation *reservation)
{
	return reservation->id;
}

const uint32_t *devmem_reservation_queues(const struct devmem_reservation *reservation, size_t *n)
{
	if (n)
		*n = reservation->n;
	return reservation->queues;
}

int devmem_reservation_add_flow(struct devmem_reservation *reservation,
				const struct devmem_flow *flow, uint32_t queue, uint32_t *location,
				struct devmem_error *err)
{
	uint16_t port = ((const struct sockaddr_in *)&flow->dst)->sin_port;

	*location = reservation->next_location++;
	if (queue == DEVMEM_QUEUE_SPREAD)
		return fake_called(err, "add_flow", " %u spread", ntohs(port));
	return fake_called(err, "add_flow", " %u %u", ntohs(port), queue);
}

int devmem_reservation_del_flow(struct devmem_reservation *reservation, uint32_t location,
				struct devmem_error *err)
{
	(void)reservation;
	return fake_called(err, "del_flow", " %u", location);
}

int devmem_reservation_close(struct devmem_reservation *reservation, struct devmem_error *err)
{
	return reservation ? fake_called(err, "close", "%s", "") : 0;
}

int devmem_reservation_list(struct devmem_reservation_info **list, size_t *n, const char *dev,
			    const struct devmem_reservation_options *options,
			    struct devmem_error *err)
{
	static uint32_t queues[] = { 2, 3 };
	static struct devmem_reservation_flow flows[3];
	struct devmem_reservation_info base = { .id = 5,
						.alive = 1,
						.ifindex = 7,
						.netns = 4026531840,
						.name = "fake0",
						.pid = 4711,
						.command = "receiver",
						.since = 1760000000,
						.queues = queues,
						.n_queues = 2,
						.flows = flows,
						.n_flows = 1,
						.settings = "split off" };

	(void)dev;
	(void)options;
	*list = NULL;
	*n = 0;
	if (fake_called(err, "list", "%s", ""))
		return -EBUSY;
	fill_flow(&flows[0].flow, "10.0.0.1", 5001);
	fill_flow(&flows[1].flow, "10.0.0.1", 5002);
	flows[1].flow.src = flows[0].flow.dst;
	fill_flow(&flows[2].flow, "10.0.0.1", 5003);
	flows[0].location = 1;
	flows[0].queue = 2;
	flows[1].location = 2;
	flows[1].queue = DEVMEM_QUEUE_SPREAD;
	flows[2].location = UINT32_MAX;
	flows[2].queue = 3;
	*list = calloc(4, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	*n = 4;
	(*list)[0] = base;
	/* Dead, with a rule at place 2. */
	(*list)[1] = base;
	(*list)[1].id = 6;
	(*list)[1].alive = 0;
	(*list)[1].flows = flows + 1;
	(*list)[1].n_flows = 2;
	/* Settings that were left changed, without an owner. */
	(*list)[2] = (struct devmem_reservation_info){ .ifindex = 8, .name = "fake1" };
	strcpy((*list)[2].settings, "rss table");
	/* Of an earlier boot: its rule at place 1 isn't there any more. */
	(*list)[3] = base;
	(*list)[3].id = 1;
	(*list)[3].stale = 1;
	(*list)[3].alive = 0;
	(*list)[3].flows = flows;
	(*list)[3].n_flows = 3;
	return 0;
}

void devmem_reservation_list_free(struct devmem_reservation_info *list, size_t n)
{
	(void)n;
	free(list);
}

int devmem_reservation_restore(const char *dev, unsigned int *restored,
			       const struct devmem_reservation_options *options,
			       struct devmem_error *err)
{
	options->notice("fake0: split put back", options->arg);
	*restored = 2;
	return fake_called(err, "restore", " %s", dev ? dev : "all");
}

/* ---- binding ---- */

int devmem_region_is_dmabuf(const struct devmem_region *region)
{
	(void)region;
	return 1;
}

int devmem_binding_open_rx(struct devmem_binding **binding, struct devmem_region *region,
			   struct devmem_netdev *netdev, const uint32_t *queues, size_t n,
			   const struct devmem_binding_options *options, struct devmem_error *err)
{
	(void)netdev;
	(void)queues;
	(void)options;
	if (fake_called(err, "bind", " %zu", n))
		return -EBUSY;
	the_binding = (struct devmem_binding){ .region = region };
	*binding = &the_binding;
	return 0;
}

int devmem_binding_open_tx(struct devmem_binding **binding, struct devmem_region *region,
			   struct devmem_netdev *netdev,
			   const struct devmem_binding_options *options, struct devmem_error *err)
{
	bool plain_ok = options->flags & DEVMEM_BINDING_PLAIN_OK;
	bool can = !getenv("FAKE_PLAIN");

	if (fake_called(err, "bind_tx", " %s%s", netdev->info.name, plain_ok ? " plain-ok" : ""))
		return -EBUSY;
	if (!can && !plain_ok)
		return refuse(err, -EOPNOTSUPP, "fake0: can't send from device memory");
	the_binding = (struct devmem_binding){ .region = region, .tx = true, .plain = !can };
	*binding = &the_binding;
	return 0;
}

int devmem_binding_is_plain(const struct devmem_binding *binding)
{
	return binding->plain;
}

const char *devmem_binding_note(const struct devmem_binding *binding)
{
	return binding->plain ? "fake0: can't send from device memory" : NULL;
}

struct devmem_region *fake_region_of(const struct devmem_binding *binding)
{
	return binding->region;
}

void devmem_binding_close(struct devmem_binding *binding)
{
	if (binding)
		fake_called(NULL, "unbind", "%s", "");
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->plain ? 0 : 9;
}

void devmem_binding_stats(const struct devmem_binding *binding, struct devmem_binding_stats *stats)
{
	*stats = (struct devmem_binding_stats){ .page_size = binding->tx ? 0 : 4096 };
}

int devmem_inherit_format(char *text, size_t size, const struct devmem_binding *binding,
			  const char *dev, const uint32_t *queues, size_t n,
			  struct devmem_error *err)
{
	(void)queues;
	snprintf(text, size, "an inheritance of %s%s%s", dev, binding->tx ? ", to send" : "",
		 n ? ", with queues" : "");
	return fake_called(err, "inherit", "%s", "");
}
