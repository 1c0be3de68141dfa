// SPDX-License-Identifier: BSD-3-Clause
/* What an interface's files are called, the interface that a journal is about, and a walk over
 * journals. */
#include "reserve/reserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/sys.h"
#include "nic/ethtool.h"
#include "nic/netdev.h"

/* The name of an interface that has no permanent address. */
static int name_without_address(const struct nic *nic, const char *bus, char name[JOURNAL_NIC_SIZE],
				struct devmem_error *err)
{
	uint64_t netns, port = 0;
	char path[64];
	int ret;

	if (bus[0]) {
		/* Which of its device's interfaces it is; 0 where the kernel doesn't report it. */
		snprintf(path, sizeof(path), "/sys/class/net/%s/dev_port", nic->name);
		file_read_number(path, &port);
		snprintf(name, JOURNAL_NIC_SIZE, "%s-port%" PRIu64, bus, port);
		return 0;
	}
	ret = sys_netns(&netns);
	if (ret)
		return error_system(err, ret, "stat", "/proc/thread-self/ns/net", NULL);
	snprintf(name, JOURNAL_NIC_SIZE, "virtual-%" PRIu64 "-if%" PRIu32, netns, nic->ifindex);
	return 0;
}

int reserve_nic_name(const struct nic *nic, char name[JOURNAL_NIC_SIZE], struct devmem_error *err)
{
	char bus[32], hex[2 * ETHTOOL_ADDRESS_MAX + 1] = "", *end = hex;
	uint8_t address[ETHTOOL_ADDRESS_MAX];
	bool any = false;
	uint32_t i, len;
	size_t room;
	int ret;

	ret = ethtool_get_bus(nic, bus, err);
	if (ret)
		return ret;
	ret = ethtool_get_permanent_address(nic, address, &len, err);
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
		return name_without_address(nic, bus, name, err);
	if (!bus[0])
		strcpy(bus, "virtual");
	/* Of a long address, like InfiniBand's, the end tells devices apart. */
	room = JOURNAL_NIC_SIZE - 1 - strlen(bus) - 1;
	snprintf(name, JOURNAL_NIC_SIZE, "%s-%s", bus,
		 (size_t)(end - hex) > room ? end - room : hex);
	return 0;
}

struct wanted {
	const char *name;
	uint32_t ifindex; /* 0: not found */
};

static int match_name(const struct nic *nic, void *arg)
{
	struct wanted *wanted = arg;
	char name[JOURNAL_NIC_SIZE];
	int ret;

	ret = reserve_nic_name(nic, name, NULL);
	/* Gone meanwhile, or of a kind that has no journal. */
	if (ret)
		return 0;
	if (strcmp(name, wanted->name))
		return 0;
	wanted->ifindex = nic->ifindex;
	return 1;
}

int reserve_find(struct reserve *r, struct devmem_error *err)
{
	struct wanted wanted = { .name = r->file.nic };
	struct devmem_error failed = { 0 };
	struct devmem_netdev *netdev;
	char index[16];
	int ret;

	ret = nic_each(match_name, &wanted, err);
	if (ret < 0)
		return ret;
	if (!wanted.ifindex)
		return 0;
	snprintf(index, sizeof(index), "%" PRIu32, wanted.ifindex);
	ret = devmem_netdev_open(&netdev, index, &failed);
	if (ret)
		return ret == -ENODEV ? 0 : error_copy(err, &failed);
	devmem_netdev_close(r->found);
	r->found = netdev;
	r->netdev = netdev;
	r->nic = netdev_nic(netdev);
	return 1;
}

/* A walk over the journals that are meant: dev's, by what it is or, if it isn't here, by its name;
 * or all. */
struct walk {
	const char *dev;
	char nic[JOURNAL_NIC_SIZE]; /* "" if it isn't here */
	struct devmem_reservation_options options;
	bool lock, any;
	int (*fn)(struct reserve *r, void *arg, struct devmem_error *err);
	void *arg;
	int first; /* the first failure */
	struct devmem_error *err;
};

static int visit(const char *nic, void *arg)
{
	struct walk *walk = arg;
	struct reserve r = { .options = walk->options };
	struct devmem_error failed = { 0 };
	int ret;

	/* Not even read: it may be damaged or locked, which is no matter of dev's. */
	if (walk->nic[0] && strcmp(walk->nic, nic) != 0)
		return 0;
	ret = reserve_open(&r, NULL, nic, false, &failed);
	/* No directory any more, which is no error. */
	if (ret == -ENOENT && !failed.code)
		return 0;
	if (ret)
		goto out;
	if (walk->lock)
		ret = reserve_lock(&r, &failed);
	else
		ret = journal_file_load(&r.file, &r.journal, &failed);
	if (ret)
		goto close_reserve;
	if (!walk->dev || walk->nic[0] || !strcmp(walk->dev, r.journal.name)) {
		walk->any = true;
		ret = walk->fn(&r, walk->arg, &failed);
	}
	if (walk->lock)
		reserve_unlock(&r);
	else
		journal_free(&r.journal);
close_reserve:
	reserve_close(&r);
out:
	if (ret && !walk->first) {
		walk->first = ret;
		error_copy(walk->err, &failed);
	}
	return 0;
}

int reserve_each(const char *dev, const struct devmem_reservation_options *options, bool lock,
		 int (*fn)(struct reserve *r, void *arg, struct devmem_error *err), void *arg,
		 struct devmem_error *err)
{
	struct walk walk = { .dev = dev, .lock = lock, .fn = fn, .arg = arg, .err = err };
	struct devmem_error absent = { 0 };
	struct devmem_netdev *netdev = NULL;
	struct journal_file file;
	int ret;

	ret = reserve_options(&walk.options, options, err);
	if (ret)
		return ret;
	if (dev) {
		ret = devmem_netdev_open(&netdev, dev, &absent);
		if (ret && ret != -ENODEV)
			return error_copy(err, &absent);
	}
	if (netdev) {
		ret = reserve_nic_name(netdev_nic(netdev), walk.nic, err);
		devmem_netdev_close(netdev);
		if (ret)
			return ret;
	}
	ret = journal_file_open(&file, walk.options.dir, NULL, false, err);
	if (!ret) {
		ret = journal_file_each(&file, visit, &walk, err);
		journal_file_close(&file);
	} else if (ret == -ENOENT) {
		ret = 0;
	}
	if (ret)
		return ret;
	if (walk.first)
		return walk.first;
	return absent.code && !walk.any ? error_copy(err, &absent) : 0;
}
