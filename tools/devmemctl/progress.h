/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_PROGRESS_H
#define DEVMEMCTL_PROGRESS_H

/* A line on standard error that shows how a stream is going on: rewritten in place on a terminal, a
 * line a second with -v elsewhere, nothing otherwise. */

#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"

struct progress {
	bool terminal;
	bool lines;
	bool shown;
	uint64_t next_ms;
	uint64_t last_ms;
	uint64_t last_bytes;
};

uint64_t now_ms(void);
double now_seconds(void);

void progress_init(struct progress *p, const struct ctl *ctl);
/* Milliseconds until the line is due; -1 = never. */
int progress_due(const struct progress *p);
bool progress_is_due(const struct progress *p);
/* bytes: since the start. What fmt gives follows them and the rate. */
void progress_show(struct progress *p, uint64_t bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Removes the line, so that others can be printed. */
void progress_clear(struct progress *p);

#endif
