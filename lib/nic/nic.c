// SPDX-License-Identifier: BSD-3-Clause
/* An interface, and the socket over which it is asked and changed. */
#include "nic/nic.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/number.h"
#include "core/sys.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

_Static_assert(NIC_NAME_SIZE == IFNAMSIZ, "interface name");

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

int nic_read_name(const struct nic *nic, char name[NIC_NAME_SIZE], struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ifr.ifr_ifindex = (int)nic->ifindex;
	ret = sys_ioctl(genl_fd(nic->genl), SIOCGIFNAME, &ifr);
	if (ret == -ENODEV)
		return error_missing(err, ret, "SIOCGIFNAME", nic->name,
				     "no such interface in this network namespace (any more)");
	if (ret)
		return error_system(err, ret, "SIOCGIFNAME", nic->name, NULL);
	snprintf(name, NIC_NAME_SIZE, "%.*s", NIC_NAME_SIZE - 1, ifr.ifr_name);
	return 0;
}

/* One ioctl on the interface, under the name that it has now. */
static int request(const struct nic *nic, unsigned long number, const char *operation,
		   struct ifreq *ifr, struct devmem_error *err)
{
	int ret;

	ret = nic_read_name(nic, ifr->ifr_name, err);
	if (ret)
		return ret;
	ret = sys_ioctl(genl_fd(nic->genl), number, ifr);
	if (ret < 0)
		return error_system(err, ret, operation, nic->name, NULL);
	return 0;
}

int nic_ethtool(const struct nic *nic, const char *operation, void *data, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };

	ifr.ifr_data = data;
	return request(nic, SIOCETHTOOL, operation, &ifr, err);
}

int nic_read_flags(const struct nic *nic, uint32_t *flags, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ret = request(nic, SIOCGIFFLAGS, "SIOCGIFFLAGS", &ifr, err);
	if (ret)
		return ret;
	*flags = (uint16_t)ifr.ifr_flags;
	return 0;
}

int nic_read_mtu(const struct nic *nic, uint32_t *mtu, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ret = request(nic, SIOCGIFMTU, "SIOCGIFMTU", &ifr, err);
	if (ret)
		return ret;
	*mtu = (uint32_t)ifr.ifr_mtu;
	return 0;
}

/* Finds the interface of that name. */
static int read_index(struct nic *nic, const char *name, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	if (!name[0] || strlen(name) >= sizeof(ifr.ifr_name))
		return error_missing(err, -ENODEV, "SIOCGIFINDEX", name,
				     "no interface can have this name: 1 to 15 characters");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ret = sys_ioctl(genl_fd(nic->genl), SIOCGIFINDEX, &ifr);
	if (ret == -ENODEV)
		return error_missing(err, ret, "SIOCGIFINDEX", name,
				     "no such interface in this network namespace; ip link show "
				     "lists them");
	if (ret)
		return error_system(err, ret, "SIOCGIFINDEX", name, NULL);
	nic->ifindex = (uint32_t)ifr.ifr_ifindex;
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

	ret = read_index(nic, name, &failed);
	if (!ret || (ret == -ENODEV && parse_index(name, &nic->ifindex))) {
		snprintf(nic->name, sizeof(nic->name), "%s", name);
		return ret ? nic_read_name(nic, nic->name, err) : 0;
	}
	return error_copy(err, &failed);
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
		if (nic_read_name(nic, nic->name, NULL))
			continue;
		ret = fn(nic, arg);
	}
	free(indices.array);
	nic_close(nic);
	return ret;
}
