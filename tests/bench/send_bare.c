// SPDX-License-Identifier: BSD-3-Clause
/*
 * Blocking sendmsg() in a loop, without the library: it only keeps track of how far the stream is
 * complete. It relies on whole sends, on completions that come in order and are its own, and on
 * numbers that never wrap.
 */
#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <devmem/binding.h>

#include "allocations.h"
#include "send_loop.h"
#include "uapi/devmem_socket.h"

struct bare {
	int fd;
	uint32_t dmabuf_id;
	struct send_counts *counts;
	uint64_t completed; /* sends */
};

static int failed(const char *what)
{
	int code = errno;

	fprintf(stderr, "sendbench: bare: %s: %s\n", what, strerror(code));
	return -code;
}

static int send_chunk(struct bare *bare, uint64_t offset, uint64_t len)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)offset, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = UAPI_SCM_DEVMEM_DMABUF;
	header->cmsg_len = CMSG_LEN(sizeof(uint32_t));
	memcpy(CMSG_DATA(header), &bare->dmabuf_id, sizeof(uint32_t));
	n = sendmsg(bare->fd, &msg, MSG_ZEROCOPY | MSG_NOSIGNAL);
	bare->counts->send_calls++;
	if (n < 0)
		return failed("sendmsg");
	bare->counts->bytes += (uint64_t)n;
	if ((uint64_t)n == len)
		return 0;
	fprintf(stderr, "sendbench: bare: sendmsg: only %zd bytes\n", n);
	return -EIO;
}

/* Waits for one message of the error queue, and reads it. */
static int wait_completion(struct bare *bare)
{
	struct pollfd pfd = { .fd = bare->fd };
	char control[128] __attribute__((aligned(8)));
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err error;
	struct cmsghdr *header;

	bare->counts->poll_calls++;
	if (poll(&pfd, 1, -1) < 0)
		return failed("poll");
	bare->counts->reap_calls++;
	if (recvmsg(bare->fd, &msg, MSG_ERRQUEUE) < 0)
		return failed("recvmsg");
	header = CMSG_FIRSTHDR(&msg);
	if (!header) {
		fprintf(stderr, "sendbench: bare: a message without a completion\n");
		return -EBADMSG;
	}
	memcpy(&error, CMSG_DATA(header), sizeof(error));
	bare->counts->completions++;
	bare->counts->copied += error.ee_code == SO_EE_CODE_ZEROCOPY_COPIED;
	bare->completed = (uint64_t)error.ee_data + 1;
	return 0;
}

static int run(int fd, struct devmem_binding *binding, const struct send_options *options,
	       struct send_counts *counts)
{
	struct bare bare = { .fd = fd, .dmabuf_id = devmem_binding_id(binding), .counts = counts };
	const uint64_t sends = options->bytes / options->chunk;
	const uint64_t window = options->space / options->chunk;
	const int on = 1;
	uint64_t i;
	int ret = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return failed("SO_ZEROCOPY");
	counts->allocations = allocations();
	for (i = 0; !ret && i < sends; i++) {
		while (!ret && i - bare.completed >= window)
			ret = wait_completion(&bare);
		if (!ret)
			ret = send_chunk(&bare, i % window * options->chunk, options->chunk);
	}
	while (!ret && bare.completed < sends)
		ret = wait_completion(&bare);
	counts->allocations = allocations() - counts->allocations;
	return ret;
}

const struct send_loop send_loop_bare = {
	.name = "bare",
	.text = "sendmsg with MSG_ZEROCOPY; poll and recvmsg where space is to be used again",
	.device = 1,
	.run = run,
};
