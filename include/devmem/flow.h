/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_FLOW_H
#define DEVMEM_FLOW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <devmem/api.h>
#include <devmem/error.h>
#include <devmem/netdev.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_flow - packets that belong together: TCP over IPv4 or IPv6
 * @dst: destination as struct sockaddr_in or sockaddr_in6: the address and port of this machine's
 *	end. A wildcard address or a port of 0 matches any; not both
 * @src: the other end, in the same family; ss_family AF_UNSPEC (0), a wildcard address or a port of
 *	0 match any
 *
 * Since 0.1.
 */
struct devmem_flow {
	struct sockaddr_storage dst;
	struct sockaddr_storage src;
};

/**
 * struct devmem_flow_rule - a rule in the interface's table
 * @location: its place in the table
 * @queue: receive queue that it sends packets to; UINT32_MAX if it drops them or uses an RSS
 * context
 * @rss_context: RSS context that spreads its packets, 0 = none
 * @drop: 1 if it drops its packets
 * @tcp: 1 if struct devmem_flow can express what it matches; else @flow is empty
 * @flow: what it matches
 *
 * Since 0.1.
 */
struct devmem_flow_rule {
	uint32_t location;
	uint32_t queue;
	uint32_t rss_context;
	int drop;
	int tcp;
	struct devmem_flow flow;
};

/**
 * devmem_flow_from_socket() - the flow that arrives at a socket
 * @flow: receives it
 * @fd: TCP socket: listening or bound (destination only) or connected (both ends)
 * @err: filled on failure; may be NULL
 *
 * An IPv6 socket that is connected over IPv4 (a mapped address) gives an IPv4 flow. Doesn't block.
 * Errnos: EINVAL no TCP socket, or not bound to a port. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_flow_from_socket(struct devmem_flow *flow, int fd, struct devmem_error *err);

/**
 * devmem_flow_add() - add a rule that sends a flow to one receive queue
 * @netdev: handle
 * @flow: what to match
 * @queue: receive queue number
 * @location: receives the rule's place in the table; may be NULL
 * @err: filled on failure; may be NULL
 *
 * The place is the driver's choice where it makes one, else the first free one. The rule stays
 * until it is deleted, whatever becomes of this process: devmem_reservation_add_flow() adds one
 * that is removed again. Needs CAP_NET_ADMIN. May block. Errnos: EINVAL bad flow or queue;
 * EOPNOTSUPP no flow rules in this driver, or ntuple-filters off; ENOSPC table full; EEXIST the
 * same rule is there already; EPERM. Kernel: ETHTOOL_SRXCLSRLINS, net/ethtool/ioctl.c. Return: 0 or
 * a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_flow_add(struct devmem_netdev *netdev, const struct devmem_flow *flow,
			       uint32_t queue, uint32_t *location, struct devmem_error *err);

/**
 * devmem_flow_del() - delete the rule at a place of the table
 * @netdev: handle
 * @location: place, as devmem_flow_add() or devmem_flow_list() gave it
 * @err: filled on failure; may be NULL
 *
 * Needs CAP_NET_ADMIN. May block. Errnos: ENOENT no rule there; EOPNOTSUPP; EPERM.
 * Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_flow_del(struct devmem_netdev *netdev, uint32_t location,
			       struct devmem_error *err);

/**
 * devmem_flow_list() - the rules in the table, in order of their places
 * @netdev: handle
 * @rules: receives an array; the caller frees it with free()
 * @n: receives its length
 * @err: filled on failure; may be NULL
 *
 * Errnos: EOPNOTSUPP no flow rules in this driver. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_flow_list(struct devmem_netdev *netdev, struct devmem_flow_rule **rules,
				size_t *n, struct devmem_error *err);

DEVMEM_END_DECLS

#endif
