// SPDX-License-Identifier: BSD-3-Clause
/* What bind-rx and bind-tx have in common: a request, and an answer with the id of the binding. */
#include "bind/bind.h"

#include <errno.h>

#include "netlink/genl.h"
#include "netlink/netdev_msg.h"

static int take_id(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return netdev_msg_parse_bind(reply, len, arg);
}

int bind_do(struct genl *genl, struct nlmsghdr *nlh, const char *operation, const char *name,
	    uint32_t *id, struct devmem_error *failed)
{
	const struct genl_call call = {
		.operation = operation,
		.subject = name,
		.names = netdev_msg_bind_names,
		.fn = take_id,
		.arg = id,
	};
	int ret;

	*id = 0;
	ret = genl_do(genl, nlh, &call, failed);
	if (ret || *id)
		return ret;
	return error_system(failed, -EBADMSG, operation, name,
			    "the kernel gave no id for the binding");
}
