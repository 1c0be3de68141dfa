// SPDX-License-Identifier: BSD-3-Clause
/*
 * Device-memory receive with the kernel's interface alone, for the loops that the library is
 * compared with.
 */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int complain(const struct raw *raw, const char *what)
{
	int code = errno;

	fprintf(stderr, "rxbench: %s: %s: %s\n", raw->name, what, strerror(code));
	return -code;
}

int raw_open(struct raw *raw, int fd, const char *name, size_t buf_len, size_t control_len,
	     struct counts *counts)
{
	memset(raw, 0, sizeof(*raw));
	raw->fd = fd;
	raw->name = name;
	raw->counts = counts;
	raw->buf_len = buf_len;
	raw->control_len = control_len;
	raw->buf = malloc(buf_len);
	raw->control = malloc(control_len);
	if (!raw->buf || !raw->control) {
		raw_close(raw);
		errno = ENOMEM;
		return complain(raw, "allocate");
	}
	return 0;
}

void raw_close(struct raw *raw)
{
	free(raw->control);
	free(raw->buf);
}

int raw_set_lowat(struct raw *raw, uint32_t bytes)
{
	int val = (int)bytes;

	raw->counts->lowat_calls++;
	if (setsockopt(raw->fd, SOL_SOCKET, SO_RCVLOWAT, &val, sizeof(val)))
		return complain(raw, "SO_RCVLOWAT");
	return 0;
}

ssize_t raw_recv(struct raw *raw, int flags)
{
	struct iovec iov = { .iov_base = raw->buf, .iov_len = raw->buf_len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = raw->control,
		.msg_controllen = raw->control_len,
	};
	ssize_t n;

	n = recvmsg(raw->fd, &msg, UAPI_MSG_SOCK_DEVMEM | flags);
	raw->counts->recv_calls++;
	raw->control_got = msg.msg_controllen;
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : complain(raw, "recvmsg");
	return n;
}

int raw_walk(struct raw *raw, size_t received, raw_token_fn fn)
{
	struct msghdr msg = { .msg_control = raw->control, .msg_controllen = raw->control_got };
	struct counts *counts = raw->counts;
	struct cmsghdr *header;
	int found = 0, ret;

	for (header = CMSG_FIRSTHDR(&msg); header; header = CMSG_NXTHDR(&msg, header)) {
		const struct uapi_dmabuf_cmsg *frag;

		if (header->cmsg_level != SOL_SOCKET ||
		    (header->cmsg_type != UAPI_SCM_DEVMEM_DMABUF &&
		     header->cmsg_type != UAPI_SCM_DEVMEM_LINEAR))
			continue;
		frag = (const void *)CMSG_DATA(header);
		found = 1;
		counts->fragments++;
		if (header->cmsg_type == UAPI_SCM_DEVMEM_LINEAR) {
			counts->bytes_host += frag->frag_size;
			continue;
		}
		counts->bytes_device += frag->frag_size;
		ret = fn(raw, frag->frag_token);
		if (ret)
			return ret;
	}
	if (!found) {
		counts->fragments++;
		counts->bytes_host += received;
	}
	return 0;
}

int raw_return(struct raw *raw)
{
	int freed;

	if (!raw->ranges_n)
		return 0;
	freed = setsockopt(raw->fd, SOL_SOCKET, UAPI_SO_DEVMEM_DONTNEED, raw->ranges,
			   (socklen_t)(raw->ranges_n * sizeof(raw->ranges[0])));
	raw->counts->return_calls++;
	raw->counts->ranges += raw->ranges_n;
	if (freed < 0)
		return complain(raw, "SO_DEVMEM_DONTNEED");
	if ((uint32_t)freed != raw->tokens_n) {
		fprintf(stderr, "rxbench: %s: %u tokens returned, %d freed\n", raw->name,
			raw->tokens_n, freed);
		return -EIO;
	}
	raw->ranges_n = 0;
	raw->tokens_n = 0;
	return 0;
}

int raw_token_alone(struct raw *raw, uint32_t token)
{
	int ret;

	if (raw->ranges_n == UAPI_DONTNEED_RANGES_MAX ||
	    raw->tokens_n == UAPI_DONTNEED_FRAGMENTS_MAX) {
		ret = raw_return(raw);
		if (ret)
			return ret;
	}
	raw->ranges[raw->ranges_n].token_start = token;
	raw->ranges[raw->ranges_n].token_count = 1;
	raw->ranges_n++;
	raw->tokens_n++;
	return 0;
}

int raw_token_coalesced(struct raw *raw, uint32_t token)
{
	struct uapi_dmabuf_token *last;

	if (!raw->ranges_n || raw->tokens_n == UAPI_DONTNEED_FRAGMENTS_MAX)
		return raw_token_alone(raw, token);
	last = &raw->ranges[raw->ranges_n - 1];
	if (token != last->token_start + last->token_count)
		return raw_token_alone(raw, token);
	last->token_count++;
	raw->tokens_n++;
	return 0;
}

int raw_token_now(struct raw *raw, uint32_t token)
{
	int ret = raw_token_alone(raw, token);

	return ret ? ret : raw_return(raw);
}
