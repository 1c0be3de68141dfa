/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_RECEIVE_H
#define DEVMEM_LIB_RECEIVE_H

/* One receive: preparing what recvmsg() may bring, and making fragments of what it brought. */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <devmem/rx.h>

/* Memory that receives read into. */
struct buffers {
	struct devmem_fragment *frags;
	uint32_t frags_len;
	size_t control_len;
	void *control;
	void *host;	  /* where HOST bytes land without a placement region */
	size_t bytes_max; /* most bytes of one receive, and the length of host */
	size_t len;	  /* of all this, which is one mapping from host on */
};

/* The receive at hand. */
struct receive {
	const struct buffers *into;
	struct iovec iov[2];
	struct msghdr msg;  /* for recvmsg() */
	size_t bytes_max;   /* how much it may bring */
	uint32_t frags_max; /* as many as control space is given for */
	uint32_t bytes;	    /* brought */
};

/* What may be read, and into what. Return: 0, or -ENOBUFS if the application has too much. */
int receive_prepare(struct devmem_rx *rx, const struct buffers *into, struct receive *r);

/* result: of recvmsg(), or a negative errno. Return: number of fragments in r->into->frags, 0 at
 * the end of the stream, or a negative errno. */
int receive_complete(struct devmem_rx *rx, struct receive *r, ssize_t result);

/* Both, with one recvmsg() in between, into the receiver's own buffers. */
int receive_once(struct devmem_rx *rx, struct receive *r, int flags);

#endif
