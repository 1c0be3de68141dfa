// SPDX-License-Identifier: BSD-3-Clause
/* An interface, and the socket over which it is asked and changed. */
#include "nic/nic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/number.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "nic/ethtool_ioctl.h"
#include "uapi/netdev.h"

/* Without an interface yet. */
static int open_socket(struct nic **nic, const char *subject, struct devmem_error *err)
{
	struct nic *n;
	uint16_t family;
	int ret;

	*nic = NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return error_system(err, -ENOMEM, "open", subject, NULL);
	ret = genl_open(&n->genl, err);
	if (!ret)
		ret = genl_family(n->genl, UAPI_NETDEV_NAME, &family, err);
	if (ret) {
		nic_close(n);
		return ret;
	}
	*nic = n;
	return 0;
}

/* An index in decimal: no name may be mistaken for that of an interface that exists. */
static bool parse_index(const char *name, uint32_t *ifindex)
{
	uint64_t value;

	if (name[0] == '0' || !number_parse(name, strlen(name), INT32_MAX, &value))
		return false;
	*ifindex = (uint32_t)value;
	return true;
}

static int find(struct nic *nic, const char *name, struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	int ret;

	ret = ethtool_ioctl_index(nic, name, &nic->ifindex, &failed);
	if (!ret || (ret == -ENODEV && parse_index(name, &nic->ifindex))) {
		snprintf(nic->name, sizeof(nic->name), "%s", name);
		return ret ? ethtool_ioctl_name(nic, nic->name, err) : 0;
	}
	if (err)
		*err = failed;
	return ret;
}

int nic_open(struct nic **nic, const char *name, struct devmem_error *err)
{
	int ret;

	ret = open_socket(nic, name, err);
	if (ret)
		return ret;
	ret = find(*nic, name, err);
	if (ret) {
		nic_close(*nic);
		*nic = NULL;
	}
	return ret;
}

int nic_open_same(struct nic **nic, const struct nic *other, struct devmem_error *err)
{
	int ret;

	ret = open_socket(nic, other->name, err);
	if (ret)
		return ret;
	(*nic)->ifindex = other->ifindex;
	memcpy((*nic)->name, other->name, sizeof((*nic)->name));
	return 0;
}

void nic_close(struct nic *nic)
{
	if (!nic)
		return;
	genl_close(nic->genl);
	free(nic);
}

/* The indices of a network namespace's interfaces. */
struct indices {
	uint32_t *array;
	size_t n;
};

static int add_index(const struct nlmsghdr *reply, size_t len, void *arg)
{
	struct indices *indices = arg;
	uint32_t *array, ifindex;
	int ret;

	if (!reply) {
		indices->n = 0;
		return 0;
	}
	ret = netdev_msg_parse_dev(reply, len, &ifindex);
	if (ret)
		return ret;
	array = array_grow(indices->array, indices->n, sizeof(*array));
	if (!array)
		return -ENOMEM;
	indices->array = array;
	indices->array[indices->n++] = ifindex;
	return 0;
}

int nic_each(int (*fn)(const struct nic *nic, void *arg), void *arg, struct devmem_error *err)
{
	struct indices indices = { 0 };
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = "dev-get",
		.subject = "netdev",
		.names = netdev_msg_dev_names,
		.fn = add_index,
		.arg = &indices,
	};
	struct nic *nic;
	uint32_t buf[32];
	size_t i;
	int ret;

	ret = open_socket(&nic, "netdev", err);
	if (ret)
		return ret;
	ret = genl_dump(nic->genl, netdev_msg_dev_dump(buf, sizeof(buf)), &call, err);
	for (i = 0; !ret && i < indices.n; i++) {
		nic->ifindex = indices.array[i];
		/* Gone meanwhile. */
		if (ethtool_ioctl_name(nic, nic->name, NULL))
			continue;
		ret = fn(nic, arg);
	}
	free(indices.array);
	nic_close(nic);
	return ret;
}
