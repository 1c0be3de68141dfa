/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "progress.h"

#define TERMINAL_EVERY_MS 250
#define LINES_EVERY_MS 1000

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void progress_init(struct progress *p, const struct ctl *ctl)
{
	*p = (struct progress){ 0 };
	p->terminal = isatty(STDERR_FILENO) == 1;
	p->lines = !p->terminal && ctl->verbose;
	p->last_ms = now_ms();
	p->next_ms = p->last_ms + (p->terminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS);
}

int progress_due(const struct progress *p)
{
	uint64_t now = now_ms();

	if (!p->terminal && !p->lines)
		return -1;
	return now >= p->next_ms ? 0 : (int)(p->next_ms - now);
}

bool progress_is_due(const struct progress *p)
{
	return progress_due(p) == 0;
}

void progress_show(struct progress *p, uint64_t bytes, const char *fmt, ...)
{
	uint64_t now = now_ms();
	uint64_t ms = now > p->last_ms ? now - p->last_ms : 1;
	char total[32];
	char rest[160];
	va_list ap;

	format_bytes(total, sizeof(total), bytes);
	va_start(ap, fmt);
	vsnprintf(rest, sizeof(rest), fmt, ap);
	va_end(ap);
	/* One call, so that lines of several processes don't mix. */
	fprintf(stderr, "%s%s, %.1f MiB/s%s%s", p->terminal ? "\r" : "devmemctl: ", total,
		(double)(bytes - p->last_bytes) / (double)ms * 1000 / (1 << 20), rest,
		p->terminal ? "\033[K" : "\n");
	fflush(stderr);
	p->shown = true;
	fail_on_progress_line(p->terminal);
	p->last_ms = now;
	p->last_bytes = bytes;
	p->next_ms = now + (p->terminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS);
}

void progress_clear(struct progress *p)
{
	if (p->terminal && p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	fail_on_progress_line(false);
}
