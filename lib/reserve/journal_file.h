/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_JOURNAL_FILE_H
#define DEVMEM_LIB_JOURNAL_FILE_H

/*
 * Journals in the runtime directory. An interface called NIC here has:
 *
 *	NIC.journal	its journal; replaced whole, by rename, so that a crash leaves the old or
 *			the new one
 *	NIC.lock	locked by whoever reads or changes journal and interface; gone when no
 *			journal is left
 *	NIC.ID.owner	locked by the owner of reservation ID for its life
 *
 * Locks are flock(2) locks: they belong to the open file, so to a process and the children that it
 * forked, and are gone with the last of them however it dies.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "reserve/journal.h"

#define JOURNAL_NIC_SIZE 72

/* The runtime directory, and one interface's journal in it, locked. */
struct journal_file {
	int dir_fd;
	const char *dir; /* borrowed */
	char nic[JOURNAL_NIC_SIZE];
	int lock_fd; /* -1: not locked */
};

/* What the name of an interface's files may be made of; it doesn't begin with a dot. */
bool journal_nic_char(char c);

/* Opens the runtime directory. create: makes it if it isn't there; else -ENOENT without an error
 * text. Refuses one that others could write to. */
int journal_file_open(struct journal_file *file, const char *dir, const char *nic, bool create,
		      struct devmem_error *err);
void journal_file_close(struct journal_file *file);

/* Waits for the lock for at most wait_ms milliseconds: -EBUSY then. */
int journal_file_lock(struct journal_file *file, uint32_t wait_ms, struct devmem_error *err);
/* Unlocks; removes the lock's file if there is no journal. */
void journal_file_unlock(struct journal_file *file);

/* Reads the journal; an empty one if there is no file. -EBADMSG names the file. */
int journal_file_load(const struct journal_file *file, struct journal *journal,
		      struct devmem_error *err);
/* Writes it, or removes it if journal_empty(). */
int journal_file_save(const struct journal_file *file, const struct journal *journal,
		      struct devmem_error *err);

/* Makes and locks the owner's file: its descriptor, to be held for the owner's life. */
int journal_owner_create(const struct journal_file *file, uint32_t id, struct devmem_error *err);
/* Whether a process has the owner's file locked: 1, 0 or a negative errno. A missing file: 0. */
int journal_owner_alive(const struct journal_file *file, uint32_t id, struct devmem_error *err);
/* Opens an owner's file, to wait until the owner is dead: a descriptor, -ENOENT without an error
 * text if there is none. */
int journal_owner_open(const struct journal_file *file, uint32_t id, struct devmem_error *err);
/* Waits until nobody holds the file that fd refers to. Interrupted by nothing but death. */
int journal_owner_wait(int fd, struct devmem_error *err);
/* Removes the owner's file. One that is gone is success. */
int journal_owner_remove(const struct journal_file *file, uint32_t id, struct devmem_error *err);
/* Removes files of owners that are not in the journal and that nobody holds. */
int journal_owner_sweep(const struct journal_file *file, const struct journal *journal,
			struct devmem_error *err);

/* Calls fn once for each nic that has a file in the directory, also if that is but one that
 * somebody left behind; fn's non-zero result ends it. */
int journal_file_each(const struct journal_file *file, int (*fn)(const char *nic, void *arg),
		      void *arg, struct devmem_error *err);

#endif
