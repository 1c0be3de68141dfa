// SPDX-License-Identifier: BSD-3-Clause
/* Messages of a socket's error queue. */
#include "tx/errqueue.h"

#include <errno.h>
/* linux/errqueue.h uses struct timespec, and includes nothing that has it. */
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool is_error(const struct cmsghdr *header)
{
	return (header->cmsg_level == SOL_IP && header->cmsg_type == IP_RECVERR) ||
	       (header->cmsg_level == SOL_IPV6 && header->cmsg_type == IPV6_RECVERR);
}

int errqueue_parse(const void *control, size_t len, struct errqueue_notice *notice)
{
	const uint8_t *at = control;

	while (len >= sizeof(struct cmsghdr)) {
		const struct cmsghdr *header = (const struct cmsghdr *)(const void *)at;
		struct sock_extended_err error;
		size_t step;

		if (header->cmsg_len < sizeof(*header) || header->cmsg_len > len)
			return -EBADMSG;
		if (is_error(header)) {
			/* An address follows, which says nothing here. */
			if (header->cmsg_len < CMSG_LEN(sizeof(error)))
				return -EBADMSG;
			memcpy(&error, at + CMSG_LEN(0), sizeof(error));
			if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY || error.ee_errno)
				return 0;
			notice->low = error.ee_info;
			notice->high = error.ee_data;
			notice->copied = error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED;
			return 1;
		}
		/* The last one may lack its padding. */
		step = CMSG_ALIGN(header->cmsg_len);
		if (step > len)
			step = len;
		at += step;
		len -= step;
	}
	return 0;
}
