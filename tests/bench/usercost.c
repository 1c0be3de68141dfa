// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a receive loop costs in user space alone: the loops of rxbench on a fake kernel, so that the
 * instructions can be counted exactly (usercost.sh does that, with callgrind).
 *
 * usage: usercost LOOP RECEIVES FRAGMENTS: RECEIVES calls of recvmsg(), each with FRAGMENTS
 * fragments of 4 KiB.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <devmem/region.h>
#include <devmem/rx.h>

#include "bind/binding.h"
#include "bind/held.h"
#include "loop.h"
#include "uapi/devmem_socket.h"

#define REGION_SIZE (64U << 20)
#define PAGE 4096U
#define FRAGMENTS_MAX 3000U
#define BINDING_ID 7U

static struct devmem_region *region;
static struct held *held;
static unsigned long receives_left;
static uint32_t fragments;
static uint32_t page_next;

/* ---- the fake kernel; the linker redirects the calls to it (--wrap) ---- */

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __wrap_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int __wrap_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const size_t space = CMSG_SPACE(sizeof(struct uapi_dmabuf_cmsg));
	uint8_t *at = msg->msg_control;
	uint32_t i, n = fragments;

	(void)fd;
	(void)flags;
	if (!receives_left) {
		msg->msg_controllen = 0;
		return 0;
	}
	receives_left--;
	if (n > msg->msg_iov[0].iov_len / PAGE)
		n = (uint32_t)(msg->msg_iov[0].iov_len / PAGE);
	if (n > msg->msg_controllen / space)
		n = (uint32_t)(msg->msg_controllen / space);
	for (i = 0; i < n; i++, at += space) {
		struct cmsghdr header = {
			.cmsg_len = CMSG_LEN(sizeof(struct uapi_dmabuf_cmsg)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = UAPI_SCM_DEVMEM_DMABUF,
		};
		struct uapi_dmabuf_cmsg body = {
			.frag_offset = (uint64_t)page_next * PAGE,
			.frag_size = PAGE,
			.frag_token = i + 1,
			.dmabuf_id = BINDING_ID,
		};

		page_next = (page_next + 1) % (REGION_SIZE / PAGE);
		memcpy(at, &header, sizeof(header));
		memcpy(at + CMSG_LEN(0), &body, sizeof(body));
	}
	msg->msg_controllen = n * space;
	msg->msg_flags = 0;
	return (ssize_t)n * PAGE;
}

int __wrap_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	const struct uapi_dmabuf_token *tokens = val;
	uint32_t i, freed = 0;

	(void)fd;
	(void)level;
	if (name != UAPI_SO_DEVMEM_DONTNEED)
		return 0;
	for (i = 0; i < len / sizeof(*tokens); i++)
		freed += tokens[i].token_count;
	return (int)freed;
}

int __wrap_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	const int answer = name == SO_PROTOCOL ? IPPROTO_TCP : 1;

	(void)fd;
	(void)level;
	memcpy(val, &answer, sizeof(answer));
	*len = sizeof(answer);
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)n;
	(void)timeout;
	fds[0].revents = POLLIN;
	return 1;
}

/* ---- a binding without a NIC ---- */

struct devmem_region *binding_region(const struct devmem_binding *binding)
{
	(void)binding;
	return region;
}

bool binding_is_tx(const struct devmem_binding *b)
{
	(void)b;
	return false;
}

struct held *binding_held(const struct devmem_binding *binding)
{
	(void)binding;
	return held;
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	(void)binding;
	return BINDING_ID;
}

static const struct loop *const loops[] = { &loop_ours, &loop_bare_lowat, &loop_single };

int main(int argc, char **argv)
{
	const struct loop_options options = { .lowat = 2U << 20, .expect = DEVMEM_RX_STREAM };
	const struct loop *loop = NULL;
	struct counts counts = { 0 };
	struct devmem_error err;
	size_t i;
	int ret;

	for (i = 0; argc == 4 && i < sizeof(loops) / sizeof(loops[0]); i++)
		if (!strcmp(loops[i]->name, argv[1]))
			loop = loops[i];
	if (loop) {
		receives_left = strtoul(argv[2], NULL, 10);
		fragments = (uint32_t)strtoul(argv[3], NULL, 10);
	}
	if (!receives_left || !fragments || fragments > FRAGMENTS_MAX) {
		fprintf(stderr, "usage: usercost ours|bare-lowat|single RECEIVES FRAGMENTS\n");
		return 1;
	}
	ret = devmem_region_open(&region, "memfd", REGION_SIZE, &err);
	if (ret) {
		fprintf(stderr, "usercost: %s\n", err.message);
		return 2;
	}
	ret = held_alloc(&held, REGION_SIZE, PAGE, UINT64_MAX);
	if (!ret)
		/* Only the three functions above access the binding. */
		ret = loop->run(0, (struct devmem_binding *)(void *)held, &options, &counts);
	printf("%llu fragments\n", (unsigned long long)counts.fragments);
	held_put(held);
	devmem_region_close(region);
	return ret ? 2 : 0;
}
