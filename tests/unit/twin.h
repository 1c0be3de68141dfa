/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_TWIN_H
#define DEVMEM_TESTS_TWIN_H

/* libnl as the second implementation of the codecs: reads what they build, builds what they parse.
 * Every helper fails the running test when something is wrong. */

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks the headers of a request, which has no family yet, and gives its attributes. */
void twin_request(struct nlmsghdr *nlh, uint8_t cmd, struct nlattr **head, int *len);
/* The only attribute of a type; NULL if there is none. */
struct nlattr *twin_find(struct nlattr *head, int len, int type);
/* How many attributes there are, all whole and nothing left over. */
int twin_count(struct nlattr *head, int len);
/* A 32-bit number. */
uint32_t twin_u32(struct nlattr *head, int len, int type);
/* The inside of a nest, which must have NLA_F_NESTED. */
struct nlattr *twin_nest(struct nlattr *head, int len, int type, int *nest_len);

/* A reply to be filled with libnl's functions. */
struct nl_msg *twin_reply(uint16_t family, uint8_t cmd);

/* Builds with every buffer from nothing to more than enough: NULL until it fits, never a byte
 * beyond (the buffer has exactly that size, the address sanitizer watches). */
typedef struct nlmsghdr *(*twin_builder)(void *buf, size_t size, const void *arg);
void twin_sizes(twin_builder build, const void *arg);

#endif
