// SPDX-License-Identifier: BSD-3-Clause
/* What the kernel's refusals of bind-rx and bind-tx mean to a person. */
#include "bind/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/ethtool.h"
#include "nic/queue.h"

#define SPLIT_ON "devmem_reservation_open() does it, or: ethtool -G {dev} tcp-data-split on"
#define NO_DMABUF "file descriptor {fd} is no dma-buf, or the driver can't use it"
#define NOT_SERVED                                                                                 \
	"the region's exporter does not hand it to {dev} (VFIO's only serves "                     \
	"importers that can move it)"

/* More than the longest advice needs. */
#define ADVICE_SIZE 256

enum { RX = 1, TX = 2 };

/* A refusal that means one thing. */
struct refusal {
	int request; /* RX, TX or both */
	int code;    /* 0: any */
	/* Part of the attribute's path and of the kernel's text: NULL whatever it is, "" none. */
	const char *attribute, *text;
	int kind; /* 0: what the code says */
	/* With {dev}, {ifindex}, {fd} and {page} of the request; NULL: by_state adds it. */
	const char *advice;
	void (*by_state)(const struct refusal_request *request, struct devmem_error *err);
};

/* One of the queues that were asked for, if it's in use. */
static const struct devmem_queue *find_used(const struct refusal_request *request,
					    const struct queue_list *list)
{
	const struct devmem_queue *queue;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		queue = &list->array[i];
		if (queue->tx ||
		    !(queue->dmabuf_id || queue->io_uring || queue->xsk || queue->leased))
			continue;
		for (k = 0; k < request->n; k++) {
			if (request->queues[k] == queue->id)
				return queue;
		}
	}
	return NULL;
}

/* Says who has one of the queues. */
static void advise_on_user(const struct refusal_request *request, struct devmem_error *err)
{
	const struct devmem_queue *queue;
	struct queue_list list;

	queue_list(request->nic, &list, NULL);
	queue = find_used(request, &list);
	if (!queue)
		error_hint(err, "devmemctl queue show %s says who has the queue",
			   request->nic->name);
	else if (queue->dmabuf_id)
		error_hint(err,
			   "queue %" PRIu32 " has binding %" PRIu32
			   " already: choose another, or end the process that holds it",
			   queue->id, queue->dmabuf_id);
	else if (queue->io_uring)
		error_hint(err, "io_uring has queue %" PRIu32 ": choose another", queue->id);
	else if (queue->xsk)
		error_hint(err, "an AF_XDP socket has queue %" PRIu32 ": choose another",
			   queue->id);
	else
		error_hint(err,
			   "queue %" PRIu32
			   " is leased to another interface: bind it there, or choose another",
			   queue->id);
	free(list.array);
}

static void advise_on_range(const struct refusal_request *request, struct devmem_error *err)
{
	uint32_t n;

	if (queue_count(request->nic, &n, NULL, NULL) || !n)
		error_hint(err, "%s has no such receive queue", request->nic->name);
	else
		error_hint(err, "%s has receive queues 0 to %" PRIu32, request->nic->name, n - 1);
}

/* Puts a value in place of a key. */
static void replace(char text[ADVICE_SIZE], const char *key, const char *value)
{
	char rest[ADVICE_SIZE], *at = strstr(text, key);

	if (!at)
		return;
	snprintf(rest, sizeof(rest), "%s", at + strlen(key));
	snprintf(at, (size_t)(text + ADVICE_SIZE - at), "%s%s", value, rest);
}

static void add_advice(const struct refusal_request *request, const char *advice,
		       struct devmem_error *err)
{
	char text[ADVICE_SIZE], number[16];

	snprintf(text, sizeof(text), "%s", advice);
	replace(text, "{dev}", request->nic->name);
	snprintf(number, sizeof(number), "%" PRIu32, request->nic->ifindex);
	replace(text, "{ifindex}", number);
	snprintf(number, sizeof(number), "%d", request->fd);
	replace(text, "{fd}", number);
	snprintf(number, sizeof(number), "%" PRIu32, request->rx_page_size);
	replace(text, "{page}", number);
	error_hint(err, "%s", text);
}

/* Linux 6.12 leaves header split to the driver, and a descriptor that is no dma-buf gives the
 * same. */
static void advise_on_split(const struct refusal_request *request, struct devmem_error *err)
{
	struct ethtool_msg_rings rings;

	if (ethtool_get_rings(request->nic, &rings, NULL))
		add_advice(request,
			   "file descriptor {fd} is no dma-buf, or header split is off: " SPLIT_ON,
			   err);
	else if (rings.split != UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED)
		add_advice(request, "header split is not on: " SPLIT_ON, err);
	else
		add_advice(request, NO_DMABUF, err);
}

/* The first that matches counts. Texts are no ABI: each group says which of the kernel's files has
 * them, to look there when one is changed. */
static const struct refusal refusals[] = {
	/* lib/nlattr.c */
	{ RX, EINVAL, .attribute = "rx-page-size", .text = "nknown attribute",
	  .kind = DEVMEM_ERROR_MISSING,
	  .advice = "receive buffers of other sizes than the kernel's page need Linux 7.3" },

	/* net/core/netdev_rx_queue.c; the text on XDP was in net/core/devmem.c before Linux 6.16 */
	{ RX, EINVAL, .text = "tcp-data-split", .advice = "switch it on: " SPLIT_ON },
	{ RX, EINVAL, .text = "hds-thresh",
	  .advice = "set it to 0: devmem_reservation_open() does it, or: ethtool -G {dev} "
		    "hds-thresh 0 (ethtool 6.14)" },
	{ RX, EEXIST, .text = "XDP program",
	  .advice = "remove the XDP program: ip link set dev {dev} xdp off" },
	{ RX, EEXIST, .by_state = advise_on_user },
	{ RX, EBUSY, .by_state = advise_on_user },
	{ RX, ERANGE, .attribute = "", .kind = DEVMEM_ERROR_INPUT, .by_state = advise_on_range },
	{ RX, EOPNOTSUPP, .text = "rx_page_size",
	  .advice = "this driver only has receive buffers of the kernel's page size: leave "
		    "rx-page-size out" },

	/* net/core/devmem.c */
	{ RX, EINVAL, .text = "not aligned to niov",
	  .advice = "each piece of the region must be a multiple of {page} bytes: use larger "
		    "pages (udmabuf:huge=2M) or a smaller rx-page-size" },
	{ TX, EINVAL, .text = "multiple of PAGE_SIZE", .kind = DEVMEM_ERROR_INPUT,
	  .advice = "the size of the dma-buf must be a multiple of the page size" },
	{ RX | TX, EOPNOTSUPP, .text = "support DMA",
	  .advice = "{dev} is no device that reads and writes memory itself: bind to the "
		    "physical interface below it" },
	{ RX | TX, EOPNOTSUPP, .text = "bind dmabuf", .advice = NOT_SERVED },
	{ RX | TX, EOPNOTSUPP, .text = "map dmabuf", .advice = NOT_SERVED },

	/* net/core/netdev-genl.c, and lib/nlattr.c for what it says is out of range */
	{ RX, 0, .attribute = "rx-page-size", .kind = DEVMEM_ERROR_INPUT,
	  .advice = "rx-page-size {page} must be a power of two and at least the kernel's "
		    "page size" },
	{ RX, 0, .attribute = "queues.id", .kind = DEVMEM_ERROR_INPUT,
	  .by_state = advise_on_range },
	{ RX, EOPNOTSUPP, .attribute = "ifindex",
	  .advice = "the driver of {dev} can't restart single queues, which device memory "
		    "needs: bnxt, mlx5, gve and fbnic can" },
	{ TX, EOPNOTSUPP, .text = "netmem TX",
	  .advice = "the driver of {dev} can't send from device memory: bnxt, mlx5, gve and "
		    "fbnic can" },
	{ RX | TX, ENODEV,
	  .advice = "no interface with index {ifindex} in this network namespace" },

	/* net/netlink/genetlink.c; drivers also give EOPNOTSUPP without a text */
	{ RX, EPERM,
	  .advice = "binding needs CAP_NET_ADMIN over the network namespace, before Linux 7.2 "
		    "in the initial user namespace: run it as root" },
	{ RX, EOPNOTSUPP, .text = "",
	  .advice = "the driver of {dev} can't, or the kernel is older than 6.12 or has no "
		    "CONFIG_NET_DEVMEM" },
	{ TX, EOPNOTSUPP, .text = "",
	  .advice = "sending from device memory needs Linux 6.16, with CONFIG_NET_DEVMEM, and "
		    "a driver that can" },

	/* drivers/dma-buf/dma-buf.c; exporters and drivers also give EINVAL without a text */
	{ RX | TX, EBADF, .kind = DEVMEM_ERROR_INPUT,
	  .advice = "file descriptor {fd} is not open" },
	{ RX, EINVAL, .attribute = "", .text = "", .by_state = advise_on_split },
	{ TX, EINVAL, .attribute = "", .text = "", .kind = DEVMEM_ERROR_INPUT,
	  .advice = NO_DMABUF },

	/* kernel/dma/mapping.c */
	{ RX | TX, EREMOTEIO,
	  .advice = "{dev} and the region's device can't reach each other over PCI: put them "
		    "behind one switch, or use a region in host memory" },

	/* drivers, as they fill a receive ring */
	{ RX, ENOMEM,
	  .advice = "the region may be smaller than the receive rings need: a larger region, "
		    "or shorter rings (ethtool -G {dev} rx N)" },
};

/* Whether the kernel's words have the part that a row asks for. */
static bool has_part(const char *words, const char *part)
{
	return !part || (part[0] ? !!strstr(words, part) : !words[0]);
}

void refusal_explain(const struct refusal_request *request, struct devmem_error *err)
{
	const struct refusal *row, *end = refusals + sizeof(refusals) / sizeof(refusals[0]);

	if (!err)
		return;
	for (row = refusals; row < end; row++) {
		if ((row->request & (request->tx ? TX : RX)) &&
		    (!row->code || row->code == -err->code) &&
		    has_part(err->attribute, row->attribute) && has_part(err->kernel, row->text))
			break;
	}
	if (row == end)
		return;
	if (row->kind)
		error_kind(err, row->kind);
	if (row->advice)
		add_advice(request, row->advice, err);
	else
		row->by_state(request, err);
}
