/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_EXTACK_H
#define DEVMEM_LIB_EXTACK_H

/* The kernel's extended acks: what they say about a request, as a struct devmem_error. */

#include <linux/netlink.h>
#include <stdint.h>

#include "core/error.h"

/* Name of a netlink attribute of a request, for the walk from an offset to a name. Ends with name
 * == NULL. */
struct attr_name {
	uint16_t type;
	const char *name;
	const struct attr_name *nested;
};

/* A netlink request failed. reply is the NLMSG_ERROR or NLMSG_DONE message with the kernel's
 * extended ack, request what was sent, names the request's attributes. Gives the kernel's text
 * verbatim and the attribute's name, from NLMSGERR_ATTR_OFFS or NLMSGERR_ATTR_MISS_TYPE/_MISS_NEST.
 * Returns code. */
int extack_error(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const struct nlmsghdr *request, const struct nlmsghdr *reply,
		 const struct attr_name *names);

#endif
