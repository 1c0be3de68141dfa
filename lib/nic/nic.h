/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NIC_H
#define DEVMEM_LIB_NIC_H

/* An interface, and the socket over which it is asked and changed. */

#include <stdint.h>

#include "core/error.h"

struct genl;

#define NIC_NAME_SIZE 16

struct nic {
	struct genl *genl; /* interface ioctls work on any kind of socket, and use this one, too */
	uint32_t ifindex;
	char name[NIC_NAME_SIZE]; /* what errors call it */
};

/* By name, or by index in decimal. -EPROTONOSUPPORT: the kernel has no netdev family. */
int nic_open(struct nic **nic, const char *name, struct devmem_error *err);
/* The same interface over a socket of its own. */
int nic_open_same(struct nic **nic, const struct nic *other, struct devmem_error *err);
void nic_close(struct nic *nic);

/*
 * Interface ioctls. They want the interface's name, which may have changed: it is looked up by the
 * index each time. Errors name the ioctl and nic->name. operation is the name of an ethtool ioctl,
 * data begins with its number.
 */
int nic_read_name(const struct nic *nic, char name[NIC_NAME_SIZE], struct devmem_error *err);
int nic_read_flags(const struct nic *nic, uint32_t *flags, struct devmem_error *err);
int nic_read_mtu(const struct nic *nic, uint32_t *mtu, struct devmem_error *err);
int nic_ethtool(const struct nic *nic, const char *operation, void *data, struct devmem_error *err);

/* Calls fn for each interface of this network namespace, with a socket that lives as long as the
 * call; fn's non-zero result ends it and is returned. */
int nic_each(int (*fn)(const struct nic *nic, void *arg), void *arg, struct devmem_error *err);

#endif
