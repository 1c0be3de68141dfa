/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_NLMSG_H
#define DEVMEM_LIB_NLMSG_H

/* What the netlink codecs share: starting generic netlink messages, and reading the attributes of
 * messages that may be cut off or malformed. */

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request in buf: header, without the family's number, and generic netlink header. NULL if it
 * doesn't fit. */
struct nlmsghdr *nlmsg_start(void *buf, size_t size, uint8_t cmd, uint8_t version);

/* How an attribute is read into a member of a struct. */
enum nlmsg_kind {
	NLMSG_KIND_NUMBER, /* of the member's size; where that is 8 bytes, 4 are accepted, too */
	NLMSG_KIND_FLAG,   /* an int: 1 where the attribute is there */
	NLMSG_KIND_ATTR,   /* the attribute itself, a const struct nlattr * */
	NLMSG_KIND_NEST,   /* the nested attributes, by a table of their own */
};

/* A row of a table, which ends with a row of type 0. */
struct nlmsg_field {
	uint16_t type; /* of the attribute, below 64 */
	uint8_t kind;
	uint8_t size;
	size_t offset;
	const struct nlmsg_field *nested; /* offsets in it count from this member */
};

#define NLMSG_FIELD(type, kind, object, member, nested)                                            \
	{                                                                                          \
		(type), NLMSG_KIND_##kind, sizeof(((object *)0)->member),                          \
			offsetof(object, member), (nested)                                         \
	}
#define NLMSG_NUMBER(type, object, member) NLMSG_FIELD(type, NUMBER, object, member, NULL)
#define NLMSG_FLAG(type, object, member) NLMSG_FIELD(type, FLAG, object, member, NULL)
#define NLMSG_ATTR(type, object, member) NLMSG_FIELD(type, ATTR, object, member, NULL)
#define NLMSG_NEST(type, object, member, nested) NLMSG_FIELD(type, NEST, object, member, nested)

/* Reads attributes, as far as they are whole, into a struct of size bytes, which is cleared first.
 * has, if not NULL, gets a bit 1 << type for each attribute of the table that is there. Returns 0,
 * or -EBADMSG at a number of another size. */
int nlmsg_read_attrs(const void *attrs, size_t len, const struct nlmsg_field *fields, void *object,
		     size_t size, uint64_t *has);
int nlmsg_read_nest(const struct nlattr *nest, const struct nlmsg_field *fields, void *object,
		    size_t size, uint64_t *has);
/* The same with a generic netlink message of at most len bytes; -EBADMSG also if it isn't whole. */
int nlmsg_read(const void *msg, size_t len, const struct nlmsg_field *fields, void *object,
	       size_t size, uint64_t *has);

/* Reads one number out of a message of at most len bytes with a header of its family's; -EBADMSG if
 * it isn't there. */
int nlmsg_read_number(const void *msg, size_t len, size_t header, uint16_t type, void *number,
		      size_t size);

static inline bool nlmsg_has(uint64_t has, unsigned int type)
{
	return has >> type & 1;
}

/* Finds the attributes of a message likewise. 0, or -EBADMSG if there is no whole message. */
int nlmsg_attrs(const void *msg, size_t len, size_t header, const void **attrs, size_t *attrs_len);

/* Each attribute in len bytes at p, as far as they are whole. */
#define nlmsg_for_each(attr, p, len)                                                               \
	for ((attr) = (const struct nlattr *)(p);                                                  \
	     nlmsg_attr_fits((attr), (const char *)(p), (len));                                    \
	     (attr) = (const struct nlattr *)((const char *)(attr) + MNL_ALIGN((attr)->nla_len)))

#define nlmsg_for_each_nested(attr, nest)                                                          \
	nlmsg_for_each(attr, (const char *)(nest) + MNL_ATTR_HDRLEN,                               \
		       (nest)->nla_len - MNL_ATTR_HDRLEN)

static inline bool nlmsg_attr_fits(const struct nlattr *attr, const char *p, size_t len)
{
	size_t pos = (size_t)((const char *)attr - p);

	return pos < len && len - pos >= MNL_ATTR_HDRLEN && attr->nla_len >= MNL_ATTR_HDRLEN &&
	       attr->nla_len <= len - pos;
}

#endif
