/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_RECEIVE_H
#define DEVMEMCTL_RECEIVE_H

/* One stream, from a connected socket to its end. */

#include "ending.h"
#include "setup.h"
#include "sink.h"

struct receive_options {
	uint64_t expect; /* 0 = of unknown length */
	uint32_t lowat_max;
	uint32_t recv_max;
	bool hold; /* release nothing before the end */
	bool place;
};

struct receive_result {
	struct ending ending; /* neither: the peer closed */
	/* The error is not this connection's alone: no other stream can do better. */
	bool fatal;
	double seconds; /* from the first byte to the last */
	struct devmem_rx_stats rx;
	struct devmem_binding_stats binding;
	struct drops drops; /* those during the stream */
	char sha256[SINK_SHA256_TEXT];
};

/* What went wrong has been said when it returns. The socket stays open. */
void receive_stream(struct receive_result *result, const struct ctl *ctl, const struct setup *setup,
		    struct sink *sink, int fd, const struct receive_options *options);

#endif
