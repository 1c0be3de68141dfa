// SPDX-License-Identifier: BSD-3-Clause
/* Messages of the error queue, and their effect on the record of sends in flight. The input is a
 * list: a byte with a number of sends, then a byte of length and that many bytes of control
 * messages. */
#include "tx/errqueue.h"

#include <errno.h>
#include <string.h>

#include "tx/inflight.h"
#include "target.h"

#define SENDS_MAX 32U
#define RANGES_MAX 64U

static void check(const struct inflight *f, const struct inflight_source *source)
{
	struct inflight_counts counts;
	const struct devmem_range all = { 0, UINT64_MAX };
	uint64_t last = inflight_last(f), completed = inflight_completed(f);
	uint64_t found = inflight_find(f, source, &all);

	inflight_counts(f, &counts);
	MUST(completed <= last && last - completed <= SENDS_MAX);
	MUST(counts.sends <= last - completed && counts.sends <= counts.sends_max);
	MUST(counts.bytes == 10 * counts.sends && counts.bytes <= counts.bytes_max);
	MUST(found <= last && (found > completed) == (completed < last));
	MUST(!counts.sends == (completed == last));
}

/* Sends as many as there is room for, up to n. */
static void send_some(struct inflight *f, struct inflight_source *source, unsigned int n)
{
	const struct devmem_range ranges[] = { { 0, 6 }, { 90, 4 } };

	for (; n && inflight_has_room(f, source, 2); n--)
		MUST(inflight_send(f, source, ranges, 10) == inflight_last(f));
}

/* Parses an aligned copy of exactly that size. */
static int parse(const uint8_t *data, size_t size, struct errqueue_notice *notice)
{
	void *control = malloc(size ? size : 1);
	int ret;

	MUST(control);
	memcpy(control, data, size);
	ret = errqueue_parse(control, size, notice);
	free(control);
	MUST(ret == 1 || ret == 0 || ret == -EBADMSG);
	return ret;
}

static void report(struct inflight *f, uint64_t *reported)
{
	struct devmem_tx_done done[3];
	size_t n = inflight_report(f, done, 3), i;

	MUST(n <= 3);
	for (i = 0; i < n; i++) {
		MUST(done[i].first && done[i].first <= done[i].last);
		MUST(!i || done[i].first > done[i - 1].last + 1);
		MUST(done[i].last <= inflight_last(f));
		*reported += done[i].last - done[i].first + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t sends, unknown, completed = 0, reported = 0;
	struct errqueue_notice notice;
	struct inflight_counts counts;
	struct inflight_source *source;
	struct inflight *f;
	size_t len;

	MUST(!inflight_open(&f, SENDS_MAX, UINT32_MAX - 20));
	MUST(!inflight_add_source(f, &source, RANGES_MAX));
	while (size >= 2) {
		send_some(f, source, data[0] % 64);
		len = data[1] < size - 2 ? data[1] : size - 2;
		if (parse(data + 2, len, &notice) == 1 &&
		    !inflight_complete(f, notice.low, notice.high, &sends, &unknown)) {
			MUST(sends + unknown == (uint64_t)(notice.high - notice.low) + 1);
			completed += sends;
		}
		inflight_counts(f, &counts);
		MUST(completed + counts.sends == inflight_last(f));
		check(f, source);
		if (data[0] & 64)
			report(f, &reported);
		MUST(reported <= completed);
		data += 2 + len;
		size -= 2 + len;
	}
	inflight_close(f);
	return 0;
}
