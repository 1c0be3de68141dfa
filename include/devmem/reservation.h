/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_RESERVATION_H
#define DEVMEM_RESERVATION_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/error.h>
#include <devmem/flow.h>
#include <devmem/netdev.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_reservation - receive queues set apart for chosen flows
 *
 * Opaque. While it is open: header split is on with a threshold of 0, the default RSS context keeps
 * off its queues, flow rules are switched on, and the flows added to it go to those queues.
 *
 * Several may be open on one interface, in one process or many: a queue belongs to one of them
 * only, RSS keeps off the queues of all, and what they share (header split, flow rules switched on)
 * stays until the last one is closed and is then put back as it was before the first. A setting
 * that somebody else changed meanwhile is left alone, and reported.
 *
 * Each change is written to a journal, a file in a runtime directory, before it is made. A
 * reservation ends with devmem_reservation_close() or with the death of its owner: the process that
 * opened it, and children that were forked from it without exec, as long as one of them has its
 * descriptors. What a dead owner left is put back at once by a small process that was started with
 * the reservation, the watcher; without one, by the next devmem_reservation_open() on that
 * interface or by devmem_reservation_restore().
 */
struct devmem_reservation;

/* Start no watcher: after a crash the interface stays as it is until its next user. */
#define DEVMEM_RESERVATION_NO_WATCHER (1U << 0)

/* As a queue: spread the flow over all queues of the reservation, through an RSS context. */
#define DEVMEM_QUEUE_SPREAD UINT32_MAX

/**
 * struct devmem_reservation_options - where the journal is, and what reports progress
 * @sz: sizeof(struct devmem_reservation_options)
 * @dir: runtime directory; NULL = the one that the library was built for (/run/devmem). Made if it
 *	doesn't exist, for its owner alone; must belong to the caller or to root, and nobody else
 *	may write to it. All users of an interface must name the same
 * @watcher: program to start as watcher; NULL = the one that was installed with the library
 * @flags: DEVMEM_RESERVATION_*
 * @lock_wait_ms: longest wait for another process that is changing the interface, in
 *	milliseconds; 0 = 30000
 * @notice: called with one sentence, without a newline, about what is worth knowing and no
 *	error: a dead owner's settings were put back, a setting was left as somebody else
 *	changed it. NULL = not called
 * @step: called after each single step of set-up and tear-down with its name, like "journal" or
 *	"rss-set"; for tests and for logs. NULL = not called
 * @arg: handed to @notice and @step
 *
 * Both are called from within the library's calls, with a lock held: they must not call it. Since
 * 0.1.
 */
struct devmem_reservation_options {
	size_t sz;
	const char *dir;
	const char *watcher;
	uint32_t flags;
	uint32_t lock_wait_ms;
	void (*notice)(const char *text, void *arg);
	void (*step)(const char *name, void *arg);
	void *arg;
};

/**
 * devmem_reservation_open() - set receive queues apart
 * @reservation: receives the handle
 * @netdev: interface; must stay open until the reservation is closed
 * @queues: receive queue numbers, each once; NULL: any @n that are free, the highest numbers first
 * @n: how many; at least one receive queue must be left over for everything else
 * @options: NULL for defaults
 * @err: filled on failure; may be NULL
 *
 * Puts back what dead owners left first. Needs CAP_NET_ADMIN, and the right to write to the runtime
 * directory. Blocks while another process changes the same interface. Starts the watcher with
 * posix_spawn(3); it detaches itself, and its first process is waited for: programs with a handler
 * of SIGCHLD see one. On failure everything done so far has been undone; if that failed too, the
 * message says what remains. Errnos: EINVAL no such queue, a queue twice, or no queue left over;
 * EBUSY a queue is reserved, bound, or the target of a flow rule of somebody else's (the message
 * says whose), too few are free, or another process holds the lock for too long; EOPNOTSUPP the
 * driver can't split headers, or has no flow rules or no RSS table; EACCES, EPERM, also of the
 * watcher; EBADMSG the journal is damaged; ENOENT no watcher program; ENOEXEC one that is none, or
 * that was killed at its start; ENOSPC, EROFS and others of the runtime directory; whatever the
 * driver answers. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_open(struct devmem_reservation **reservation,
				       struct devmem_netdev *netdev, const uint32_t *queues,
				       size_t n, const struct devmem_reservation_options *options,
				       struct devmem_error *err);

/**
 * devmem_reservation_attach() - join a reservation that another process owns
 * @reservation: receives a handle
 * @netdev: interface; must stay open until the handle is closed
 * @id: of the reservation, as devmem_reservation_id() or devmem_reservation_list() give it
 * @options: NULL for defaults; @flags and @watcher are not used
 * @err: filled on failure; may be NULL
 *
 * The handle adds and deletes flows. They belong to the reservation: they stay when the handle is
 * closed and end with the owner. Needs what devmem_reservation_open() needs. Errnos: ENOENT no such
 * reservation on the interface, or its owner is dead; those of devmem_reservation_open() about the
 * runtime directory. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_attach(struct devmem_reservation **reservation,
					 struct devmem_netdev *netdev, uint32_t id,
					 const struct devmem_reservation_options *options,
					 struct devmem_error *err);

/**
 * devmem_reservation_id() - the reservation's number
 * @reservation: handle
 *
 * Return: a number, from 1, that no other reservation on the interface has. Since 0.1.
 */
DEVMEM_API uint32_t devmem_reservation_id(const struct devmem_reservation *reservation);

/**
 * devmem_reservation_queues() - the queues that were set apart
 * @reservation: handle
 * @n: receives how many; may be NULL
 *
 * Return: receive queue numbers, ascending, owned by the handle. Since 0.1.
 */
DEVMEM_API const uint32_t *devmem_reservation_queues(const struct devmem_reservation *reservation,
						     size_t *n);

/**
 * devmem_reservation_add_flow() - send a flow to one of the queues, or spread it over all of them
 * @reservation: handle
 * @flow: what to match
 * @queue: one of the reservation's queues, or DEVMEM_QUEUE_SPREAD
 * @location: receives the rule's place in the table; may be NULL
 * @err: filled on failure; may be NULL
 *
 * Spreading needs an RSS context, one for the whole reservation, and so a driver that has them; the
 * packets of one connection always come to the same queue. With one queue only, spreading is the
 * same as naming it. Needs CAP_NET_ADMIN. Blocks while another process changes the same interface.
 * Errnos: EINVAL @queue isn't one of them; ENOENT the reservation was closed, or its owner is dead;
 * EOPNOTSUPP no RSS contexts; EEXIST, EBUSY a rule that is there catches the flow already (the
 * message names it); those of devmem_flow_add(), and of
 * devmem_reservation_open() about the runtime directory. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_add_flow(struct devmem_reservation *reservation,
					   const struct devmem_flow *flow, uint32_t queue,
					   uint32_t *location, struct devmem_error *err);

/**
 * devmem_reservation_del_flow() - remove a flow
 * @reservation: handle
 * @location: place of its rule
 * @err: filled on failure; may be NULL
 *
 * A rule that is gone, or that somebody replaced by another, is left alone and forgotten; that is
 * success, and reported by @notice. Needs CAP_NET_ADMIN. Blocks while another process changes the
 * same interface. Errnos: ENOENT no such flow in this reservation; EPERM; of the runtime directory.
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_del_flow(struct devmem_reservation *reservation,
					   uint32_t location, struct devmem_error *err);

/**
 * devmem_reservation_close() - put the interface back and free the handle
 * @reservation: handle or NULL; freed in any case
 * @err: filled on failure; may be NULL
 *
 * Close bindings on its queues before: a queue that is still bound can't be given back, the rest is
 * put back, and the reservation counts as one of a dead owner from then on. Every step is tried
 * even when one before it failed; what could not be put back stays in the journal for
 * devmem_reservation_restore(). An interface that is gone has nothing to put back: that is success.
 * A handle of devmem_reservation_attach() is only freed. Needs CAP_NET_ADMIN. Blocks while another
 * process changes the same interface. Errnos: EBUSY a queue is still bound, or another process
 * holds the lock for too long; ENODEV the interface is in another network namespace; ENOENT the
 * reservation isn't in the journal any more; EBADMSG the journal is damaged; of the first step
 * that failed; the message names what was not put back. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_close(struct devmem_reservation *reservation,
					struct devmem_error *err);

/**
 * struct devmem_reservation_flow - a flow of a reservation
 * @location: place of its rule; UINT32_MAX if the owner died before it was known
 * @queue: receive queue, or DEVMEM_QUEUE_SPREAD
 * @flow: what it matches
 *
 * Since 0.1.
 */
struct devmem_reservation_flow {
	uint32_t location;
	uint32_t queue;
	struct devmem_flow flow;
};

/**
 * struct devmem_reservation_info - what the journal says about a reservation
 * @id: its number on the interface; 0: no reservation, but settings that are still to be put back
 * @alive: 1 if its owner is alive
 * @stale: 1 if the journal is from before the last boot
 * @ifindex: interface index when it was opened
 * @netns: inode number of the network namespace that it was opened in
 * @name: interface name when it was opened
 * @bus: the device's bus address
 * @pid: process that opened it, in its own pid namespace
 * @command: that process's name
 * @since: when, seconds since 1970
 * @queues: receive queue numbers
 * @n_queues: how many
 * @flows: its flows
 * @n_flows: how many
 * @settings: what will be put back on the interface after its last reservation, in words; the same
 *	for all of an interface
 *
 * Since 0.1.
 */
struct devmem_reservation_info {
	uint32_t id;
	int alive;
	int stale;
	uint32_t ifindex;
	uint64_t netns;
	char name[16];
	char bus[32];
	int64_t pid;
	char command[16];
	uint64_t since;
	uint32_t *queues;
	size_t n_queues;
	struct devmem_reservation_flow *flows;
	size_t n_flows;
	char settings[192];
};

/**
 * devmem_reservation_list() - all reservations that are written down in the runtime directory
 * @list: receives an array; free it with devmem_reservation_list_free()
 * @n: receives its length
 * @dev: interface name or index, to list only its own; NULL = of all interfaces, also those that
 *	are gone or in another network namespace
 * @options: NULL for defaults; only @dir is used
 * @err: filled on failure; may be NULL
 *
 * Changes nothing. Needs the right to read the runtime directory; one that doesn't exist holds no
 * reservations. Errnos: ENODEV no such interface, and none in the journals either; EACCES; EBADMSG
 * a journal is damaged (the message names it). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_list(struct devmem_reservation_info **list, size_t *n,
				       const char *dev,
				       const struct devmem_reservation_options *options,
				       struct devmem_error *err);

/**
 * devmem_reservation_list_free() - free a list
 * @list: of devmem_reservation_list(), or NULL
 * @n: its length
 *
 * Since 0.1.
 */
DEVMEM_API void devmem_reservation_list_free(struct devmem_reservation_info *list, size_t n);

/**
 * devmem_reservation_restore() - put back what dead owners left
 * @dev: interface name or index; NULL = all that are written down in the runtime directory
 * @restored: receives how many dead owners' reservations were put back; may be NULL
 * @options: NULL for defaults; @flags and @watcher are not used
 * @err: filled on failure; may be NULL
 *
 * Living owners' reservations stay as they are. @notice reports what was done. Journals of an
 * earlier boot are removed: the settings are gone with it. An interface that isn't in this network
 * namespace is skipped, and reported; so is one whose device is gone, whose journal is removed.
 * Needs CAP_NET_ADMIN. Blocks while another process changes one of the interfaces, and up to five
 * seconds for the kernel to unbind a dead owner's queues. Errnos: as devmem_reservation_close(),
 * and ENODEV as devmem_reservation_list(). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_restore(const char *dev, unsigned int *restored,
					  const struct devmem_reservation_options *options,
					  struct devmem_error *err);

/**
 * devmem_reservation_watch() - what the watcher does
 * @nic: name of the interface's journal in the runtime directory
 * @id: of the reservation
 * @ready: called as soon as nothing can be missed any more; may be NULL
 * @options: @dir, @notice, @step and @arg are used
 * @err: filled on failure; may be NULL
 *
 * Waits until the reservation's owner has closed it or is dead, and then puts back what it left.
 * Meant for the program that devmem_reservation_open() starts. Blocks for as long as the
 * reservation lives, and while one of its queues is still bound. Errnos: as
 * devmem_reservation_restore(). Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_reservation_watch(const char *nic, uint32_t id, void (*ready)(void *arg),
					const struct devmem_reservation_options *options,
					struct devmem_error *err);

DEVMEM_END_DECLS

#endif
