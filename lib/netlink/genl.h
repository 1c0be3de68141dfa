/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_GENL_H
#define DEVMEM_LIB_GENL_H

/* One generic netlink socket: families by name, requests, dumps. */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/extack.h"

struct genl;

/* Called for each reply, a whole message of len bytes; a negative errno makes the call fail. A dump
 * calls it with NULL before each attempt: what came before doesn't count. */
typedef int (*genl_fn)(const struct nlmsghdr *reply, size_t len, void *arg);

/* A request's family, how to name it in errors, and who receives its replies (fn may be NULL). */
struct genl_call {
	const char *family; /* NULL: the request has the number of its family already */
	const char *operation;
	const char *subject;
	const struct attr_name *names;
	genl_fn fn;
	void *arg;
};

int genl_open(struct genl **genl, struct devmem_error *err);
void genl_close(struct genl *genl);
int genl_fd(const struct genl *genl);

/* The number of a family; each socket asks for it once. -EPROTONOSUPPORT if this kernel has none of
 * that name. */
int genl_family(struct genl *genl, const char *name, uint16_t *id, struct devmem_error *err);

/* Sends a request and waits for its acknowledgement. A request that is NULL, because it did not fit
 * into its buffer, fails with -EMSGSIZE. */
int genl_do(struct genl *genl, struct nlmsghdr *request, const struct genl_call *call,
	    struct devmem_error *err);

/* True after a failed request that the kernel may have carried out all the same: it was sent, and
 * the kernel's refusal is not why it failed. */
bool genl_is_in_doubt(const struct genl *genl);

/* Sends a request for a dump and receives all of it. Starts again, a few times, when what is dumped
 * changed meanwhile. */
int genl_dump(struct genl *genl, struct nlmsghdr *request, const struct genl_call *call,
	      struct devmem_error *err);

#endif
