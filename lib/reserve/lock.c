// SPDX-License-Identifier: BSD-3-Clause
/* The journal of an interface under its lock, options, and what callers are told on the way. */
#include "reserve/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/options.h"
#include "core/sys.h"
#include "nic/netdev.h"

#define LOCK_WAIT_MS 30000
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BUSES "/sys/bus"

int reserve_options(struct devmem_reservation_options *ours,
		    const struct devmem_reservation_options *given, struct devmem_error *err)
{
	int ret;

	ret = options_read(ours, sizeof(*ours), given, "devmem_reservation_options", err);
	if (ret)
		return ret;
	if (ours->flags & ~DEVMEM_RESERVATION_NO_WATCHER)
		return error_input(err, -EINVAL, "devmem_reservation_options",
				   "flags has bits that nobody knows: 0x%" PRIx32, ours->flags);
	if (!ours->dir)
		ours->dir = DEVMEM_RUNTIME_DIR;
	if (!ours->watcher)
		ours->watcher = DEVMEM_WATCHER;
	if (!ours->lock_wait_ms)
		ours->lock_wait_ms = LOCK_WAIT_MS;
	return 0;
}

void reserve_step(const struct reserve *r, const char *name)
{
	if (r->options.step)
		r->options.step(name, r->options.arg);
}

void reserve_notice(const struct reserve *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!r->options.notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->options.notice(text, r->options.arg);
}

const char *reserve_name(const struct reserve *r)
{
	if (r->nic)
		return r->nic->name;
	return r->journal.name[0] ? r->journal.name : r->file.nic;
}

/* 1 if this bus has a device of that address, with a driver. */
static int look_on_bus(const char *bus, void *arg)
{
	char path[sizeof(BUSES) + NAME_MAX + 64];
	const char *address = arg;
	int fd;

	snprintf(path, sizeof(path), BUSES "/%s/devices/%s/driver", bus, address);
	fd = sys_open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	sys_close(fd);
	return 1;
}

bool reserve_is_gone(const struct reserve *r)
{
	char address[sizeof(r->journal.bus)];
	uint64_t netns;

	/* Without a device, the interface is only to be found in its own network namespace. */
	if (!r->journal.bus[0])
		return !sys_netns(&netns) && netns == r->journal.netns;
	memcpy(address, r->journal.bus, sizeof(address));
	if (strchr(address, '/'))
		return false;
	return sys_list_dir(BUSES, look_on_bus, address) == 0;
}

const char *reserve_owner_text(const struct journal_owner *owner, char text[RESERVE_OWNER_TEXT])
{
	snprintf(text, RESERVE_OWNER_TEXT, "pid %" PRId64 " (%s), reservation %" PRIu32, owner->pid,
		 owner->command, owner->id);
	return text;
}

int reserve_open(struct reserve *r, struct devmem_netdev *netdev, const char *nic, bool create,
		 struct devmem_error *err)
{
	char own[JOURNAL_NIC_SIZE];
	int ret;

	r->netdev = netdev;
	r->nic = netdev ? netdev_nic(netdev) : NULL;
	memset(&r->journal, 0, sizeof(r->journal));
	if (!nic) {
		ret = reserve_nic_name(r->nic, own, err);
		if (ret)
			return ret;
		nic = own;
	}
	ret = file_read_line(BOOT_ID, r->boot, sizeof(r->boot), err);
	if (ret)
		return ret;
	return journal_file_open(&r->file, r->options.dir, nic, create, err);
}

void reserve_close(struct reserve *r)
{
	journal_file_close(&r->file);
	devmem_netdev_close(r->found);
	r->found = NULL;
}

int reserve_lock(struct reserve *r, struct devmem_error *err)
{
	int ret;

	ret = journal_file_lock(&r->file, r->options.lock_wait_ms, err);
	if (ret)
		return ret;
	ret = journal_file_load(&r->file, &r->journal, err);
	if (ret)
		goto unlock_file;
	if (journal_empty(&r->journal) || !strcmp(r->journal.boot, r->boot))
		return 0;
	reserve_notice(r,
		       "%s: the journal is from before the last boot, which has put everything "
		       "back: removed",
		       reserve_name(r));
	journal_free(&r->journal);
	ret = reserve_save(r, "journal-stale", err);
	if (!ret)
		ret = journal_owner_sweep(&r->file, &r->journal, err);
	if (ret)
		goto free_journal;
	return 0;

free_journal:
	journal_free(&r->journal);
unlock_file:
	journal_file_unlock(&r->file);
	return ret;
}

void reserve_unlock(struct reserve *r)
{
	journal_free(&r->journal);
	journal_file_unlock(&r->file);
	reserve_step(r, "unlock");
}

int reserve_save(struct reserve *r, const char *step, struct devmem_error *err)
{
	int ret;

	memcpy(r->journal.boot, r->boot, sizeof(r->journal.boot));
	ret = journal_file_save(&r->file, &r->journal, err);
	if (!ret)
		reserve_step(r, step);
	return ret;
}

int reserve_check_owner(const struct reserve *r, uint32_t id, int fd, bool *same,
			struct devmem_error *err)
{
	struct sys_stat ours, now;
	int ret, other;

	*same = false;
	other = journal_owner_open(&r->file, id, err);
	if (other == -ENOENT)
		return 0;
	if (other < 0)
		return other;
	ret = sys_fstat(fd, &ours);
	if (!ret)
		ret = sys_fstat(other, &now);
	sys_close(other);
	if (ret)
		return error_system(err, ret, "fstat", r->file.nic, NULL);
	*same = ours.dev == now.dev && ours.ino == now.ino;
	return 0;
}
