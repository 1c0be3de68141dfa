// SPDX-License-Identifier: BSD-3-Clause
/* Generic netlink as the kernel does it: strict parsing, acknowledgements, dumps, nlctrl. Facts
 * from the kernel's lib/nlattr.c, net/netlink/af_netlink.c and net/netlink/genetlink.c. */
#include "fake_internal.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys.h"

#ifndef NLMSGERR_ATTR_MISS_TYPE
#define NLMSGERR_ATTR_POLICY 4
#define NLMSGERR_ATTR_MISS_TYPE 5
#define NLMSGERR_ATTR_MISS_NEST 6
#endif

#define MISCHIEF_MAX 256

static unsigned int answers;
static enum fake_mischief mischief[MISCHIEF_MAX];
static unsigned char *last_request;
static size_t last_request_len;
static uint32_t next_portid;
static uint32_t noise;

/* A message's room is cleared for each of them, so it is no larger than twice what they need. */
#define ANSWER_MAX 8192

static size_t answer_len(struct nl_msg *msg)
{
	size_t len = NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);

	if (len > ANSWER_MAX / 2)
		abort();
	return len;
}

void fake_mischief(unsigned int n, enum fake_mischief what)
{
	if (answers + n >= MISCHIEF_MAX)
		abort();
	mischief[answers + n] = what;
}

void fake_dump_size(size_t bytes)
{
	kernel.dump_size = bytes;
}

const void *fake_last_request(size_t *len)
{
	*len = last_request_len;
	return last_request;
}

void fake_netlink_deliver(struct netlink *sock, const void *data, size_t len)
{
	struct datagram *dgram = fake_alloc(sizeof(*dgram) + len);

	dgram->len = len;
	memcpy(dgram->data, data, len);
	*sock->last = dgram;
	sock->last = &dgram->next;
}

static void scribble(unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		noise = noise * 1664525 + 1013904223;
		data[i] = (unsigned char)(noise >> 24);
	}
}

/* Puts an answer into a socket's queue, in the way that fake_mischief() asked for. */
static void queue(struct netlink *sock, const void *data, size_t len)
{
	unsigned char *copy = fake_alloc(len);
	enum fake_mischief what = FAKE_FINE;
	struct nlmsghdr *nlh = (struct nlmsghdr *)copy;
	struct nlmsghdr *each;
	uint32_t seq, pid;
	uint16_t type;
	int left;

	memcpy(copy, data, len);
	if (++answers < MISCHIEF_MAX)
		what = mischief[answers];
	seq = nlh->nlmsg_seq;
	pid = nlh->nlmsg_pid;
	type = nlh->nlmsg_type;
	switch (what) {
	case FAKE_SHORT:
		fake_netlink_deliver(sock, copy, len - 3);
		break;
	case FAKE_STUB:
		fake_netlink_deliver(sock, copy, 7);
		break;
	case FAKE_EMPTY:
		fake_netlink_deliver(sock, copy, 0);
		break;
	case FAKE_GARBAGE:
		scribble(copy, len);
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_TWICE:
		fake_netlink_deliver(sock, copy, len);
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_STALE:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left))
			each->nlmsg_seq = seq - 1;
		fake_netlink_deliver(sock, copy, len);
		fake_netlink_deliver(sock, data, len);
		break;
	case FAKE_FOREIGN:
		nlh->nlmsg_pid = pid + 1;
		fake_netlink_deliver(sock, copy, len);
		nlh->nlmsg_pid = pid;
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_NOTICE:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left)) {
			each->nlmsg_pid = 0;
			each->nlmsg_seq = 0;
			each->nlmsg_type = fake_netdev_family.id;
		}
		fake_netlink_deliver(sock, copy, len);
		fake_netlink_deliver(sock, data, len);
		break;
	case FAKE_DUMP_INTR:
		left = (int)len;
		for (each = nlh; nlmsg_ok(each, left); each = nlmsg_next(each, &left))
			each->nlmsg_flags |= NLM_F_DUMP_INTR;
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_OVERRUN:
		sock->overrun = true;
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_BAD_LENGTH:
		nlh->nlmsg_len += 400;
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_NO_TYPE:
		nlh->nlmsg_type = (uint16_t)(type ^ 0x55);
		fake_netlink_deliver(sock, copy, len);
		break;
	case FAKE_FINE:
	case FAKE_MISCHIEFS:
		fake_netlink_deliver(sock, copy, len);
		break;
	}
	free(copy);
}

int fake_refuse(struct extack *ext, int code, const void *bad, const char *fmt, ...)
{
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(ext->text, sizeof(ext->text), fmt, ap);
		va_end(ap);
	}
	if (bad)
		ext->bad = bad;
	return code;
}

int fake_missing(struct extack *ext, int type, const void *nest)
{
	ext->miss_type = type;
	ext->miss_nest = nest;
	return -EINVAL;
}

static int check_range(struct extack *ext, const struct nlattr *attr, const struct attr_policy *pol,
		       uint64_t value)
{
	ext->policy = pol;
	if (pol->ranged && (value < pol->min || value > pol->max))
		return fake_refuse(ext, -ERANGE, attr, "integer out of range");
	if (pol->mask && (value & ~pol->mask))
		return fake_refuse(ext, -EINVAL, attr, "reserved bit set");
	ext->policy = NULL;
	return 0;
}

static int check_attr(struct extack *ext, struct nlattr *attr, const struct attr_policy *pol)
{
	static const int widths[] = {
		[K_U8] = 1, [K_U16] = 2, [K_U32] = 4, [K_S32] = 4, [K_UINT] = 0, [K_NESTED] = 0,
	};
	static const char failed[] = "Attribute failed policy validation";
	bool nested = attr->nla_type & NLA_F_NESTED;
	int len = nla_len(attr);

	if (pol->kind <= K_S32 && widths[pol->kind] && len != widths[pol->kind]) {
		ext->policy = pol;
		return fake_refuse(ext, -EINVAL, attr, "invalid attribute length");
	}
	if (pol->kind == K_NESTED && !nested)
		return fake_refuse(ext, -EINVAL, attr, "NLA_F_NESTED is missing");
	if (pol->kind != K_NESTED && pol->kind != K_NONE && nested)
		return fake_refuse(ext, -EINVAL, attr, "NLA_F_NESTED not expected");
	switch (pol->kind) {
	case K_NONE:
		return fake_refuse(ext, -EINVAL, attr, "Unsupported attribute");
	case K_U8:
		return check_range(ext, attr, pol, nla_get_u8(attr));
	case K_U16:
		return check_range(ext, attr, pol, nla_get_u16(attr));
	case K_U32:
	case K_S32:
		return check_range(ext, attr, pol, nla_get_u32(attr));
	case K_UINT:
		if (len != 4 && len != 8)
			return fake_refuse(ext, -EINVAL, attr, "invalid attribute length");
		return check_range(ext, attr, pol,
				   len == 4 ? nla_get_u32(attr) : nla_get_u64(attr));
	case K_STRING:
		if (len < 1)
			return fake_refuse(ext, -ERANGE, attr, failed);
		if (!memchr(nla_data(attr), 0, (size_t)len))
			return fake_refuse(ext, -EINVAL, attr, failed);
		if (pol->max && (uint64_t)len > pol->max + 1)
			return fake_refuse(ext, -ERANGE, attr, failed);
		return 0;
	case K_BINARY:
		if (pol->ranged && ((uint64_t)len < pol->min || (uint64_t)len > pol->max))
			return fake_refuse(ext, -ERANGE, attr,
					   "binary attribute size out of range");
		return 0;
	case K_FLAG:
		return len ? fake_refuse(ext, -ERANGE, attr, failed) : 0;
	case K_NESTED:
		if (!len)
			return 0;
		if (len < NLA_HDRLEN)
			return fake_refuse(ext, -ERANGE, attr, failed);
		if (pol->nested) {
			struct nlattr *tb[TB_MAX + 1];

			return fake_parse(ext, tb, pol->nested_max, nla_data(attr), len,
					  pol->nested);
		}
		return 0;
	}
	return 0;
}

int fake_parse(struct extack *ext, struct nlattr **tb, int max, struct nlattr *head, int len,
	       const struct attr_policy *policy)
{
	struct nlattr *attr;
	int left, ret, type;

	memset(tb, 0, sizeof(*tb) * (size_t)(max + 1));
	nla_for_each_attr(attr, head, len, left)
	{
		type = nla_type(attr);
		if (!type || type > max)
			return fake_refuse(ext, -EINVAL, attr, "Unknown attribute type");
		if (policy) {
			ret = check_attr(ext, attr, &policy[type]);
			if (ret)
				return ret;
		}
		tb[type] = attr;
	}
	if (left > 0)
		return fake_refuse(ext, -EINVAL, NULL, "bytes leftover after parsing attributes");
	return 0;
}

int fake_parse_nested(struct extack *ext, struct nlattr **tb, int max, struct nlattr *nest,
		      const struct attr_policy *policy)
{
	if (!(nest->nla_type & NLA_F_NESTED))
		return fake_refuse(ext, -EINVAL, nest, "NLA_F_NESTED is missing");
	return fake_parse(ext, tb, max, nla_data(nest), nla_len(nest), policy);
}

void fake_put_uint(struct nl_msg *msg, int type, uint64_t value)
{
	if (value >> 32)
		nla_put_u64(msg, type, value);
	else
		nla_put_u32(msg, type, (uint32_t)value);
}

struct nl_msg *fake_answer(const struct request *req, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(ANSWER_MAX);

	if (!msg || !genlmsg_put(msg, req->sock->portid, req->nlh->nlmsg_seq, req->nlh->nlmsg_type,
				 0, flags, cmd, 1))
		abort();
	return msg;
}

void fake_reply(const struct request *req, struct nl_msg *msg)
{
	answer_len(msg);
	queue(req->sock, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

/* What the attribute may be: net/netlink/policy.c. */
static void put_policy(struct nl_msg *msg, const struct attr_policy *pol)
{
	enum { TYPE = 1, MIN_S, MAX_S, MIN_U, MAX_U, MASK = 12 };
	static const uint32_t types[] = {
		[K_FLAG] = 1,	 [K_U8] = 2,	  [K_U16] = 3,	   [K_U32] = 4,	  [K_S32] = 8,
		[K_BINARY] = 10, [K_STRING] = 12, [K_NESTED] = 13, [K_UINT] = 17,
	};
	struct nlattr *nest = nla_nest_start(msg, NLMSGERR_ATTR_POLICY);
	uint64_t max = pol->max;

	if (!pol->ranged)
		max = pol->kind == K_U8 ? UINT8_MAX : pol->kind == K_U16 ? UINT16_MAX : UINT32_MAX;
	if (pol->mask) {
		nla_put_u64(msg, MASK, pol->mask);
	} else if (pol->kind <= K_UINT) {
		nla_put_u64(msg, pol->kind == K_S32 ? MIN_S : MIN_U, pol->min);
		nla_put_u64(msg, pol->kind == K_S32 ? MAX_S : MAX_U, max);
	}
	nla_put_u32(msg, TYPE, types[pol->kind]);
	nla_nest_end(msg, nest);
}

static void put_extack(struct nl_msg *msg, const struct request *req, int code)
{
	const char *start = (const char *)req->nlh;

	if (req->ext.text[0])
		nla_put_string(msg, NLMSGERR_ATTR_MSG, req->ext.text);
	if (!code)
		return;
	if (req->ext.bad)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS,
			    (uint32_t)((const char *)req->ext.bad - start));
	if (req->ext.policy)
		put_policy(msg, req->ext.policy);
	if (req->ext.miss_type)
		nla_put_u32(msg, NLMSGERR_ATTR_MISS_TYPE, (uint32_t)req->ext.miss_type);
	if (req->ext.miss_nest)
		nla_put_u32(msg, NLMSGERR_ATTR_MISS_NEST,
			    (uint32_t)((const char *)req->ext.miss_nest - start));
}

static bool has_extack(const struct request *req, int code)
{
	return req->sock->ext_ack &&
	       (req->ext.text[0] ||
		(code && (req->ext.bad || req->ext.miss_type || req->ext.miss_nest)));
}

static void acknowledge(const struct request *req, int code)
{
	struct nl_msg *msg = nlmsg_alloc_size(1024 + req->nlh->nlmsg_len);
	struct nlmsghdr *nlh;

	if (!msg)
		abort();
	nlh = nlmsg_put(msg, req->sock->portid, req->nlh->nlmsg_seq, NLMSG_ERROR, 0, 0);
	nlmsg_append(msg, &code, sizeof(code), 0);
	if (code && !req->sock->cap_ack) {
		nlmsg_append(msg, req->nlh, req->nlh->nlmsg_len, NLMSG_ALIGNTO);
	} else {
		nlmsg_append(msg, req->nlh, sizeof(*req->nlh), NLMSG_ALIGNTO);
		nlh->nlmsg_flags |= NLM_F_CAPPED;
	}
	if (has_extack(req, code)) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		put_extack(msg, req, code);
	}
	queue(req->sock, nlh, nlh->nlmsg_len);
	nlmsg_free(msg);
}

static void dump_flush(struct dump *dump)
{
	if (dump->len)
		queue(dump->req->sock, dump->buf, dump->len);
	dump->len = 0;
}

void fake_dump_add(struct dump *dump, struct nl_msg *msg)
{
	size_t len = answer_len(msg);

	if (dump->len + len > kernel.dump_size)
		dump_flush(dump);
	memcpy(dump->buf + dump->len, nlmsg_hdr(msg), len);
	dump->len += len;
	nlmsg_free(msg);
}

static void dump_done(struct dump *dump, int code)
{
	const struct request *req = dump->req;
	struct nl_msg *msg = nlmsg_alloc_size(1024);
	struct nlmsghdr *nlh;

	if (!msg)
		abort();
	nlh = nlmsg_put(msg, req->sock->portid, req->nlh->nlmsg_seq, NLMSG_DONE, 0, NLM_F_MULTI);
	nlmsg_append(msg, &code, sizeof(code), NLMSG_ALIGNTO);
	if (has_extack(req, code)) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		put_extack(msg, req, code);
	}
	/* In a datagram of its own while dump functions returned a length, later in the last
	 * one. */
	if (kernel.personality == FAKE_LINUX_6_12)
		dump_flush(dump);
	fake_dump_add(dump, msg);
	dump_flush(dump);
}

/* ---- nlctrl ---- */

static const struct attr_policy ctrl_policy[] = {
	[CTRL_ATTR_FAMILY_ID] = { .kind = K_U16 },
	[CTRL_ATTR_FAMILY_NAME] = { .kind = K_STRING, .max = 15 },
};

static const char *const no_groups[] = { NULL };
static const struct family ctrl_family;
static const struct family *const families[] = { &ctrl_family, &fake_netdev_family,
						 &fake_ethtool_family };
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

static bool has_command(const struct family_command *command)
{
	return kernel.personality >= command->since;
}

static int ctrl_getfamily(struct request *req)
{
	const struct family_command *command;
	const struct family *family = NULL;
	struct nlattr *nest, *one;
	struct nl_msg *msg;
	size_t i;
	int n;

	for (i = 0; i < N_FAMILIES && !family; i++)
		if (req->tb[CTRL_ATTR_FAMILY_NAME]
			    ? !strcmp(nla_get_string(req->tb[CTRL_ATTR_FAMILY_NAME]),
				      families[i]->name)
			    : (req->tb[CTRL_ATTR_FAMILY_ID] &&
			       nla_get_u16(req->tb[CTRL_ATTR_FAMILY_ID]) == families[i]->id))
			family = families[i];
	if (!req->tb[CTRL_ATTR_FAMILY_NAME] && !req->tb[CTRL_ATTR_FAMILY_ID])
		return -EINVAL;
	if (!family)
		return -ENOENT;
	msg = fake_answer(req, CTRL_CMD_NEWFAMILY, 0);
	nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, family->name);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, family->id);
	nla_put_u32(msg, CTRL_ATTR_VERSION, family->version);
	nla_put_u32(msg, CTRL_ATTR_HDRSIZE, 0);
	nla_put_u32(msg, CTRL_ATTR_MAXATTR, 0);
	nest = nla_nest_start(msg, CTRL_ATTR_OPS);
	for (n = 1, command = family->commands; command->cmd; command++) {
		if (!has_command(command))
			continue;
		one = nla_nest_start(msg, n++);
		nla_put_u32(msg, CTRL_ATTR_OP_ID, command->cmd);
		nla_put_u32(msg, CTRL_ATTR_OP_FLAGS, command->admin ? 1 : 0);
		nla_nest_end(msg, one);
	}
	nla_nest_end(msg, nest);
	if (family->groups[0]) {
		nest = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
		for (n = 0; family->groups[n]; n++) {
			one = nla_nest_start(msg, n + 1);
			nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, family->id + (uint32_t)n);
			nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, family->groups[n]);
			nla_nest_end(msg, one);
		}
		nla_nest_end(msg, nest);
	}
	fake_reply(req, msg);
	return 0;
}

static const struct family_command ctrl_commands[] = {
	{ .cmd = CTRL_CMD_GETFAMILY,
	  .do_it = ctrl_getfamily,
	  .do_policy = ctrl_policy,
	  .do_max = CTRL_ATTR_FAMILY_NAME },
	{ 0 },
};

static const struct family ctrl_family = {
	.name = "nlctrl",
	.id = GENL_ID_CTRL,
	.version = 2,
	.commands = ctrl_commands,
	.groups = no_groups,
};

/* ---- requests ---- */

static int handle_one(struct request *req, bool *silent)
{
	const struct family_command *command;
	const struct attr_policy *policy;
	struct dump dump = { .req = req };
	const struct family *family = NULL;
	bool is_dump;
	size_t i;
	int max, ret;

	is_dump = (req->nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	for (i = 0; i < N_FAMILIES; i++)
		if (families[i]->id == req->nlh->nlmsg_type)
			family = families[i];
	if (!family)
		return -ENOENT;
	if (!genlmsg_valid_hdr(req->nlh, 0))
		return -EINVAL;
	req->genl = genlmsg_hdr(req->nlh);
	req->head = genlmsg_attrdata(req->genl, 0);
	req->len = genlmsg_attrlen(req->genl, 0);
	for (command = family->commands; command->cmd; command++)
		if (command->cmd == req->genl->cmd && has_command(command) &&
		    (is_dump ? command->dump != NULL : command->do_it != NULL))
			break;
	if (!command->cmd)
		return -EOPNOTSUPP;
	if (req->genl->reserved)
		return -EINVAL;
	if (command->admin && !kernel.admin)
		return -EPERM;
	policy = is_dump ? command->dump_policy : command->do_policy;
	max = is_dump ? command->dump_max : command->do_max;
	ret = fake_parse(&req->ext, req->tb, max, req->head, req->len, policy);
	if (ret)
		return ret;
	if (!is_dump)
		return command->do_it(req);
	*silent = true;
	dump.buf = fake_alloc(kernel.dump_size + ANSWER_MAX / 2);
	ret = command->dump(req, &dump);
	dump_done(&dump, ret);
	free(dump.buf);
	return 0;
}

static void handle(struct netlink *sock, void *data, size_t len)
{
	struct nlmsghdr *nlh = data;
	int left = (int)len;
	struct request req;
	bool silent;
	int ret;

	if (!nlmsg_ok(nlh, left))
		fake_complain("request of %zu bytes isn't a netlink message", len);
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		if (!(nlh->nlmsg_flags & NLM_F_REQUEST) || nlh->nlmsg_type < NLMSG_MIN_TYPE) {
			fake_complain("message without NLM_F_REQUEST, or of a control type");
			continue;
		}
		memset(&req, 0, sizeof(req));
		req.sock = sock;
		req.nlh = nlh;
		silent = false;
		ret = handle_one(&req, &silent);
		if (!silent && (ret || (nlh->nlmsg_flags & NLM_F_ACK)))
			acknowledge(&req, ret);
	}
}

/* ---- sockets ---- */

static struct netlink *netlink_of(struct object *obj)
{
	return (struct netlink *)obj;
}

static void name_port(struct netlink *sock)
{
	if (!sock->portid)
		sock->portid = next_portid++;
}

static ssize_t netlink_send(struct object *obj, const void *buf, size_t len)
{
	if (netlink_of(obj)->protocol == NETLINK_ROUTE) {
		fake_route_handle(netlink_of(obj), buf, len);
		return (ssize_t)len;
	}
	name_port(netlink_of(obj));
	free(last_request);
	last_request = fake_alloc(len);
	memcpy(last_request, buf, len);
	last_request_len = len;
	handle(netlink_of(obj), last_request, len);
	return (ssize_t)len;
}

static ssize_t netlink_recv(struct object *obj, void *buf, size_t len, int flags)
{
	struct netlink *sock = netlink_of(obj);
	struct datagram *dgram = sock->first;
	size_t n;

	if (sock->overrun) {
		sock->overrun = false;
		return -ENOBUFS;
	}
	if (!dgram) {
		if (!(flags & MSG_DONTWAIT) && !sock->patience)
			fake_complain("recv would wait for ever");
		return -EAGAIN;
	}
	n = dgram->len < len ? dgram->len : len;
	memcpy(buf, dgram->data, n);
	if (flags & MSG_TRUNC)
		n = dgram->len;
	if (flags & MSG_PEEK)
		return (ssize_t)n;
	sock->first = dgram->next;
	if (!sock->first)
		sock->last = &sock->first;
	free(dgram);
	return (ssize_t)n;
}

static ssize_t netlink_recvmsg(struct object *obj, struct msghdr *msg, int flags)
{
	ssize_t n;

	if (msg->msg_iovlen != 1 || msg->msg_control) {
		fake_complain("recvmsg in an unexpected form");
		return -EINVAL;
	}
	n = netlink_recv(obj, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, flags | MSG_TRUNC);
	msg->msg_flags = 0;
	if (n > (ssize_t)msg->msg_iov[0].iov_len) {
		msg->msg_flags = MSG_TRUNC;
		if (!(flags & MSG_TRUNC))
			n = (ssize_t)msg->msg_iov[0].iov_len;
	}
	return n;
}

static int netlink_getsockopt(struct object *obj, int level, int name, int *value)
{
	(void)obj;
	if (level != SOL_SOCKET || name != SO_TYPE)
		return -ENOPROTOOPT;
	*value = SOCK_RAW;
	return 0;
}

static int netlink_setsockopt(struct object *obj, int level, int name, const void *val,
			      socklen_t len)
{
	struct netlink *sock = netlink_of(obj);
	int value;

	if (level == SOL_SOCKET) {
		if (name == SO_RCVTIMEO)
			sock->patience = true;
		return 0;
	}
	if (level != 270 /* SOL_NETLINK */)
		return -ENOPROTOOPT;
	if (len < sizeof(value))
		return -EINVAL;
	memcpy(&value, val, sizeof(value));
	if (name == NETLINK_EXT_ACK)
		sock->ext_ack = value;
	else if (name == NETLINK_CAP_ACK)
		sock->cap_ack = value;
	else if (name != NETLINK_GET_STRICT_CHK && name != NETLINK_ADD_MEMBERSHIP)
		return -ENOPROTOOPT;
	return 0;
}

static int netlink_address(struct object *obj, bool peer, struct sockaddr_storage *addr)
{
	struct sockaddr_nl *nl = (struct sockaddr_nl *)addr;

	if (peer)
		return -ENOTCONN;
	nl->nl_family = AF_NETLINK;
	nl->nl_pid = netlink_of(obj)->portid;
	return sizeof(*nl);
}

static int netlink_ioctl(struct object *obj, unsigned long request, void *arg)
{
	(void)obj;
	return fake_ifreq_ioctl(request, arg);
}

static short netlink_poll(struct object *obj, short events)
{
	return netlink_of(obj)->first || netlink_of(obj)->overrun ? POLLIN & events : 0;
}

static void netlink_release(struct object *obj)
{
	struct netlink *sock = netlink_of(obj);
	struct datagram *dgram;

	fake_unbind(sock);
	while ((dgram = sock->first)) {
		sock->first = dgram->next;
		free(dgram);
	}
	free(sock);
}

static const struct object_ops netlink_ops = {
	.name = "netlink socket",
	.release = netlink_release,
	.send = netlink_send,
	.recv = netlink_recv,
	.recvmsg = netlink_recvmsg,
	.ioctl = netlink_ioctl,
	.getsockopt = netlink_getsockopt,
	.setsockopt = netlink_setsockopt,
	.address = netlink_address,
	.poll = netlink_poll,
};

int fake_netlink_new(int protocol)
{
	struct netlink *sock;

	if (protocol != NETLINK_GENERIC && protocol != NETLINK_ROUTE)
		return -EAFNOSUPPORT;
	sock = fake_object_new(&netlink_ops, sizeof(*sock));
	sock->protocol = protocol;
	sock->last = &sock->first;
	return fake_install(&sock->object, false);
}

void fake_netlink_begin(void)
{
	answers = 0;
	memset(mischief, 0, sizeof(mischief));
	next_portid = 4711;
	noise = 12345;
	fake_route_begin();
}

void fake_netlink_end(void)
{
	free(last_request);
	last_request = NULL;
	last_request_len = 0;
}
