/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_SEND_H
#define DEVMEMCTL_SEND_H

/* A file through a region into a connected socket, to the end of both. */

#include <devmem/tx.h>

#include "ending.h"
#include "infile.h"
#include "setup.h"
#include "sink.h"

struct send_result {
	struct ending ending; /* neither: the peer has closed, after everything */
	double seconds;	      /* from the first send until the last was complete */
	struct devmem_tx_stats tx;
	char sha256[SINK_SHA256_TEXT];
};

struct send_job {
	const struct setup *setup; /* with region and binding */
	const struct infile *input;
	struct sink *sink;
	int fd; /* connected, doesn't block */
	const struct sockaddr_storage *peer;
	uint64_t chunk; /* most bytes of one send */
};

/* What went wrong has been said when it returns; then closing the socket resets the connection, so
 * that nobody mistakes a part for the whole. */
void send_stream(struct send_result *result, const struct ctl *ctl, const struct send_job *job);

#endif
