/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NLMSG_H
#define DEVMEM_LIB_NLMSG_H

/* Ground that the netlink codecs share: starts generic netlink messages, and reads attributes of
 * messages that may be cut off or garbage. */

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* A request in buf: header, without the family's number, and generic netlink header. NULL if it
 * doesn't fit. */
struct nlmsghdr *nlmsg_start(void *buf, size_t size, uint8_t cmd, uint8_t version);

/* Finds the attributes of a generic netlink message of at most len bytes. 0, or -EBADMSG if there
 * is no whole message. */
int nlmsg_attrs(const void *msg, size_t len, const void **attrs, size_t *attrs_len);

/* Reads integers; -EBADMSG if the attribute has the wrong size. uint takes 4 and 8 bytes. */
int nlmsg_u8(const struct nlattr *attr, uint8_t *val);
int nlmsg_u32(const struct nlattr *attr, uint32_t *val);
int nlmsg_uint(const struct nlattr *attr, uint64_t *val);

/* Each attribute in len bytes at p, as far as they are whole. */
#define nlmsg_for_each(attr, p, len)                                                               \
	for ((attr) = (const struct nlattr *)(p); nlmsg_attr_ok((attr), (const char *)(p), (len)); \
	     (attr) = (const struct nlattr *)((const char *)(attr) + MNL_ALIGN((attr)->nla_len)))

#define nlmsg_for_each_nested(attr, nest)                                                          \
	nlmsg_for_each(attr, (const char *)(nest) + MNL_ATTR_HDRLEN,                               \
		       (nest)->nla_len - MNL_ATTR_HDRLEN)

static inline int nlmsg_attr_ok(const struct nlattr *attr, const char *p, size_t len)
{
	size_t pos = (size_t)((const char *)attr - p);

	return pos < len && len - pos >= MNL_ATTR_HDRLEN && attr->nla_len >= MNL_ATTR_HDRLEN &&
	       attr->nla_len <= len - pos;
}

#endif
