// SPDX-License-Identifier: BSD-3-Clause
/* One generic netlink socket: families by name, requests, dumps. */
#include "netlink/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "core/sys.h"
#include "netlink/nlmsg.h"
#include "uapi/ethtool.h"
#include "uapi/netdev.h"

/* Level of netlink's socket options: include/linux/socket.h. */
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* The kernel answers before the send returns: only a fault makes the answer late. */
#define ANSWER_SECONDS 10
/* Datagrams that answer something else, and that one request skips. */
#define FOREIGN_MAX 1024
/* Times that a dump starts again because its subject changed. */
#define DUMP_ATTEMPTS 8
/* Grows when an answer is larger. The kernel's dumps fill at most 32 KiB. */
#define BUFFER_SIZE 32768
#define BUFFER_MAX (16U << 20)
#define FAMILIES 2

struct family {
	char name[GENL_NAMSIZ];
	uint16_t id;
};

struct genl {
	int fd;
	uint32_t seq;
	bool in_doubt;
	void *buf;
	size_t size;
	struct family families[FAMILIES];
	size_t nfamilies;
};

/* Where a request stands. */
struct progress {
	bool done;	  /* acknowledged, or all of the dump was received */
	bool refused;	  /* by the kernel */
	bool interrupted; /* what is dumped changed meanwhile */
	int fn_error;	  /* the receiver of the replies failed */
};

int genl_open(struct genl **genl, struct devmem_error *err)
{
	const struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	const int on = 1;
	struct genl *g;
	int ret;

	*genl = NULL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return error_system(err, -ENOMEM, "open", "netlink", NULL);
	g->size = BUFFER_SIZE;
	g->buf = malloc(g->size);
	if (!g->buf) {
		ret = error_system(err, -ENOMEM, "open", "netlink", NULL);
		goto free_genl;
	}
	ret = sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (ret < 0) {
		error_system(err, ret, "socket", "netlink", NULL);
		goto free_buf;
	}
	g->fd = ret;
	ret = sys_setsockopt(g->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	if (!ret)
		ret = sys_setsockopt(g->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (!ret)
		ret = sys_setsockopt(g->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (!ret)
		ret = sys_setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (ret) {
		error_system(err, ret, "setsockopt", "netlink", NULL);
		goto close_socket;
	}
	*genl = g;
	return 0;

close_socket:
	sys_close(g->fd);
free_buf:
	free(g->buf);
free_genl:
	free(g);
	return ret;
}

void genl_close(struct genl *genl)
{
	if (!genl)
		return;
	sys_close(genl->fd);
	free(genl->buf);
	free(genl);
}

int genl_fd(const struct genl *genl)
{
	return genl->fd;
}

bool genl_is_in_doubt(const struct genl *genl)
{
	return genl->in_doubt;
}

/* Receives one datagram whole, whatever its size. */
static ssize_t receive(struct genl *g)
{
	ssize_t n;
	void *buf;

	n = sys_recv(g->fd, g->buf, g->size, MSG_PEEK | MSG_TRUNC);
	if (n < 0)
		return n == -EAGAIN ? -ETIMEDOUT : n;
	if ((size_t)n > g->size) {
		if ((size_t)n > BUFFER_MAX)
			return -EMSGSIZE;
		buf = realloc(g->buf, (size_t)n);
		if (!buf)
			return -ENOMEM;
		g->buf = buf;
		g->size = (size_t)n;
	}
	n = sys_recv(g->fd, g->buf, g->size, MSG_TRUNC);
	if (n < 0)
		return n == -EAGAIN ? -ETIMEDOUT : n;
	return (size_t)n > g->size ? -EMSGSIZE : n;
}

/* The error number in an NLMSG_ERROR or NLMSG_DONE message. */
static int message_error(const struct nlmsghdr *nlh)
{
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	/* A positive number is no errno: the last message of a dump may say what is left to do. */
	return error < 0 ? error : 0;
}

/* Handles one message that answers the request. */
static int handle(struct progress *progress, const struct nlmsghdr *nlh,
		  const struct nlmsghdr *request, const struct genl_call *call,
		  struct devmem_error *err)
{
	int ret;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		progress->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return error_system(err, -ENOBUFS, call->operation, call->subject, NULL);
	case NLMSG_ERROR:
	case NLMSG_DONE:
		progress->done = true;
		ret = message_error(nlh);
		progress->refused = ret && ret != -EBADMSG;
		if (ret)
			extack_error(err, ret, call->operation, call->subject, request, nlh,
				     call->names);
		return ret;
	default:
		break;
	}
	if (nlh->nlmsg_type != request->nlmsg_type)
		return error_system(err, -EBADMSG, call->operation, call->subject,
				    "the kernel answered with a message of type %u",
				    nlh->nlmsg_type);
	if (!call->fn || progress->fn_error)
		return 0;
	progress->fn_error = call->fn(nlh, nlh->nlmsg_len, call->arg);
	return 0;
}

/* Fills in the number of the request's family. */
static int fill_family(struct genl *g, struct nlmsghdr *request, const struct genl_call *call,
		       struct devmem_error *err)
{
	uint16_t id;
	int ret;

	if (!request)
		return error_system(err, -EMSGSIZE, call->operation, call->subject, NULL);
	if (!call->family)
		return 0;
	ret = genl_family(g, call->family, &id, err);
	if (!ret)
		request->nlmsg_type = id;
	return ret;
}

/* Sends a request and receives the answers up to the last one. */
static int transact(struct genl *g, struct nlmsghdr *request, uint16_t flags,
		    const struct genl_call *call, bool *interrupted, struct devmem_error *err)
{
	struct progress progress = { 0 };
	const struct nlmsghdr *nlh;
	unsigned int foreign = 0;
	const char *p;
	bool ours;
	ssize_t n;
	int ret;

	ret = fill_family(g, request, call, err);
	g->in_doubt = false;
	if (ret)
		return ret;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = ++g->seq;
	request->nlmsg_pid = 0;
	n = sys_send(g->fd, request, request->nlmsg_len, 0);
	if (n < 0)
		return error_system(err, (int)n, call->operation, call->subject, NULL);
	g->in_doubt = true;

	while (!progress.done) {
		n = receive(g);
		if (n == -ETIMEDOUT)
			return error_system(err, -ETIMEDOUT, call->operation, call->subject,
					    "the kernel did not answer in %d s", ANSWER_SECONDS);
		if (n < 0)
			return error_system(err, (int)n, call->operation, call->subject, NULL);
		ours = false;
		p = g->buf;
		do {
			nlh = (const void *)p;
			if ((size_t)n < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) ||
			    nlh->nlmsg_len > (size_t)n)
				return error_system(err, -EBADMSG, call->operation, call->subject,
						    "the kernel's answer is cut off");
			/* An earlier request that was given up may have left answers behind. */
			if (nlh->nlmsg_seq == request->nlmsg_seq) {
				ours = true;
				ret = handle(&progress, nlh, request, call, err);
				g->in_doubt = !progress.refused;
				if (ret)
					return ret;
			}
			p += MNL_ALIGN((size_t)nlh->nlmsg_len);
			n -= (ssize_t)MNL_ALIGN((size_t)nlh->nlmsg_len);
		} while (!progress.done && n > 0);
		if (!ours && ++foreign > FOREIGN_MAX)
			return error_system(err, -EPROTO, call->operation, call->subject,
					    "the netlink socket only brings others' messages");
	}
	*interrupted = progress.interrupted;
	if (progress.fn_error)
		return error_system(err, progress.fn_error, call->operation, call->subject,
				    progress.fn_error == -EBADMSG
					    ? "the kernel's answer has another form than expected"
					    : NULL);
	return 0;
}

int genl_do(struct genl *genl, struct nlmsghdr *request, const struct genl_call *call,
	    struct devmem_error *err)
{
	bool interrupted;

	return transact(genl, request, NLM_F_ACK, call, &interrupted, err);
}

int genl_dump(struct genl *genl, struct nlmsghdr *request, const struct genl_call *call,
	      struct devmem_error *err)
{
	bool interrupted;
	int i, ret;

	for (i = 0; i < DUMP_ATTEMPTS; i++) {
		if (call->fn) {
			ret = call->fn(NULL, 0, call->arg);
			if (ret)
				return error_system(err, ret, call->operation, call->subject, NULL);
		}
		ret = transact(genl, request, NLM_F_DUMP, call, &interrupted, err);
		if (ret || !interrupted)
			return ret;
	}
	return error_system(err, -EAGAIN, call->operation, call->subject,
			    "it kept changing while it was read; try again");
}

/* Reads the number out of a CTRL_CMD_NEWFAMILY message. */
static int family_reply(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return nlmsg_read_number(reply, len, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID, arg,
				 sizeof(uint16_t));
}

/* What a kernel needs to have the family. */
static const char *family_needs(const char *name)
{
	if (!strcmp(name, UAPI_NETDEV_NAME))
		return "Linux 6.7 or newer has it, device-memory TCP needs 6.12 with "
		       "CONFIG_NET_DEVMEM";
	if (!strcmp(name, UAPI_ETHTOOL_NAME))
		return "it comes with CONFIG_ETHTOOL_NETLINK, Linux 5.6 or newer";
	return "this kernel is too old or was built without it";
}

int genl_family(struct genl *genl, const char *name, uint16_t *id, struct devmem_error *err)
{
	static const struct attr_name names[] = {
		{ CTRL_ATTR_FAMILY_ID, "family-id", NULL },
		{ CTRL_ATTR_FAMILY_NAME, "family-name", NULL },
		{ 0, NULL, NULL },
	};
	const struct genl_call call = {
		.operation = "getfamily",
		.subject = name,
		.names = names,
		.fn = family_reply,
		.arg = id,
	};
	uint32_t buf[32];
	struct nlmsghdr *nlh;
	struct family *f;
	size_t i;
	int ret;

	for (i = 0; i < genl->nfamilies; i++) {
		if (!strcmp(genl->families[i].name, name)) {
			*id = genl->families[i].id;
			return 0;
		}
	}
	*id = 0;
	nlh = nlmsg_start(buf, sizeof(buf), CTRL_CMD_GETFAMILY, 1);
	if (!nlh || strlen(name) >= GENL_NAMSIZ ||
	    !mnl_attr_put_strz_check(nlh, sizeof(buf), CTRL_ATTR_FAMILY_NAME, name))
		return error_input(err, -EINVAL, name, "no name of a netlink family");
	nlh->nlmsg_type = GENL_ID_CTRL;
	ret = genl_do(genl, nlh, &call, err);
	if (ret == -ENOENT)
		return error_missing(err, -EPROTONOSUPPORT, "getfamily", name,
				     "the kernel has no such netlink family; %s",
				     family_needs(name));
	if (ret)
		return ret;
	if (!*id)
		return error_system(err, -EBADMSG, "getfamily", name, NULL);
	if (genl->nfamilies < FAMILIES) {
		f = &genl->families[genl->nfamilies++];
		snprintf(f->name, sizeof(f->name), "%s", name);
		f->id = *id;
	}
	return 0;
}
