// SPDX-License-Identifier: BSD-3-Clause
/* The bind-rx and bind-tx requests. */
#include "bind/request.h"

#include <errno.h>
#include <stdlib.h>

#include "bind/refusal.h"
#include "netlink/genl.h"
#include "netlink/netdev_msg.h"
#include "uapi/netdev.h"

static int read_id(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return netdev_msg_parse_bind(reply, len, arg);
}

/* Sends a request of either kind. */
static int bind_do(const struct refusal_request *request, struct nlmsghdr *nlh, uint32_t *id,
		   struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_NETDEV_NAME,
		.operation = request->tx ? "bind-tx" : "bind-rx",
		.subject = request->nic->name,
		.names = netdev_msg_bind_names,
		.fn = read_id,
		.arg = id,
	};
	int ret;

	*id = 0;
	ret = genl_do(request->nic->genl, nlh, &call, err);
	if (ret)
		refusal_explain(request, err);
	else if (!*id)
		ret = error_system(err, -EBADMSG, call.operation, request->nic->name,
				   "the kernel gave no id for the binding");
	return ret;
}

int bind_rx(const struct nic *nic, int dmabuf_fd, const uint32_t *queues, size_t n,
	    uint32_t rx_page_size, uint32_t *id, struct devmem_error *err)
{
	const struct refusal_request request = {
		.nic = nic,
		.fd = dmabuf_fd,
		.queues = queues,
		.n = n,
		.rx_page_size = rx_page_size,
	};
	struct nlmsghdr *nlh;
	size_t size;
	void *buf;
	int ret;

	if (!n)
		return error_input(err, -EINVAL, nic->name, "bind-rx: no receive queue given");
	/* Linux 6.12 warns in its log when it's asked this. */
	if (nic->ifindex == UAPI_LOOPBACK_IFINDEX)
		return error_missing(err, -EOPNOTSUPP, "bind-rx", nic->name,
				     "bind-rx: the loopback interface has no device to write into "
				     "memory; receive through placement there");
	size = netdev_msg_bind_rx_size(n);
	buf = malloc(size);
	if (!buf)
		return error_system(err, -ENOMEM, "bind-rx", nic->name, NULL);
	nlh = netdev_msg_bind_rx(buf, size, nic->ifindex, dmabuf_fd, queues, n, rx_page_size);
	if (nlh)
		ret = bind_do(&request, nlh, id, err);
	else
		ret = error_input(err, -EMSGSIZE, nic->name, "bind-rx: too many queues");
	free(buf);
	return ret;
}

int bind_tx(const struct nic *nic, int dmabuf_fd, uint32_t *id, struct devmem_error *err)
{
	const struct refusal_request request = {
		.tx = true,
		.nic = nic,
		.fd = dmabuf_fd,
	};
	struct nlmsghdr *nlh;
	uint32_t buf[16];

	if (nic->ifindex == UAPI_LOOPBACK_IFINDEX)
		return error_missing(err, -EOPNOTSUPP, "bind-tx", nic->name,
				     "bind-tx: the loopback interface has no device to read from "
				     "memory");
	nlh = netdev_msg_bind_tx(buf, sizeof(buf), nic->ifindex, dmabuf_fd);
	return bind_do(&request, nlh, id, err);
}
