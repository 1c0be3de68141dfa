// SPDX-License-Identifier: BSD-3-Clause
/* What doesn't change about an interface, and the interface that a journal is about, by that. */
#include "reserve/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/netdev.h"
#include "core/sys.h"

/* Which of its device's interfaces it is; 0 where the kernel doesn't say. */
static unsigned long device_port(const struct ethtool_dev *dev)
{
	char path[64], text[16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/dev_port", dev->name);
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = sys_read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strtoul(text, NULL, 10);
}

/* The name of an interface that has no permanent address. */
static int name_without_address(const struct ethtool_dev *dev, const char *bus,
				char nic[JOURNAL_NIC_SIZE], struct devmem_error *err)
{
	uint64_t netns;
	int ret;

	if (bus[0]) {
		snprintf(nic, JOURNAL_NIC_SIZE, "%s-port%lu", bus, device_port(dev));
		return 0;
	}
	ret = sys_netns(&netns);
	if (ret)
		return error_system(err, ret, "stat", "/proc/thread-self/ns/net", NULL);
	snprintf(nic, JOURNAL_NIC_SIZE, "virtual-%" PRIu64 "-if%" PRIu32, netns, dev->ifindex);
	return 0;
}

int reserve_nic_name(const struct ethtool_dev *dev, char nic[JOURNAL_NIC_SIZE],
		     struct devmem_error *err)
{
	char bus[32], hex[2 * ETHTOOL_ADDRESS_MAX + 1] = "", *end = hex;
	uint8_t address[ETHTOOL_ADDRESS_MAX];
	bool any = false;
	uint32_t i, len;
	size_t room;
	int ret;

	ret = ethtool_get_bus(dev, bus, err);
	if (ret)
		return ret;
	ret = ethtool_get_permanent_address(dev, address, &len, err);
	if (ret)
		return ret;
	for (i = 0; bus[i]; i++)
		if (!journal_nic_char(bus[i]) || (!i && bus[i] == '.'))
			bus[i] = '_';
	for (i = 0; i < len && i < ETHTOOL_ADDRESS_MAX; i++) {
		any |= address[i] != 0;
		end += sprintf(end, "%02x", address[i]);
	}
	if (!any)
		return name_without_address(dev, bus, nic, err);
	if (!bus[0])
		strcpy(bus, "virtual");
	/* Of a long address, like InfiniBand's, the end tells devices apart. */
	room = JOURNAL_NIC_SIZE - 1 - strlen(bus) - 1;
	snprintf(nic, JOURNAL_NIC_SIZE, "%s-%s", bus,
		 (size_t)(end - hex) > room ? end - room : hex);
	return 0;
}

struct wanted {
	const char *nic;
	uint32_t ifindex; /* 0: not found */
};

static int is_it(const struct ethtool_dev *dev, void *arg)
{
	struct wanted *wanted = arg;
	char nic[JOURNAL_NIC_SIZE];
	int ret;

	ret = reserve_nic_name(dev, nic, NULL);
	/* Went away while we looked, or is of a kind that has no journal. */
	if (ret)
		return 0;
	if (strcmp(nic, wanted->nic))
		return 0;
	wanted->ifindex = dev->ifindex;
	return 1;
}

int reserve_find(const char *nic, struct devmem_netdev **netdev, struct devmem_error *err)
{
	struct wanted wanted = { .nic = nic };
	struct devmem_error failed = { 0 };
	char index[16];
	int ret;

	*netdev = NULL;
	ret = netdev_each(is_it, &wanted, err);
	if (ret < 0)
		return ret;
	if (!wanted.ifindex)
		return 0;
	snprintf(index, sizeof(index), "%" PRIu32, wanted.ifindex);
	ret = devmem_netdev_open(netdev, index, &failed);
	if (ret && ret != -ENODEV && err)
		*err = failed;
	return ret == -ENODEV ? 0 : ret;
}
