// SPDX-License-Identifier: BSD-3-Clause
/* Flow rules as a driver may report them: their text, and comparison with themselves. */
#include "nic/flow.h"

#include <string.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uapi_rxnfc rule;
	char text[FLOW_TEXT_SIZE];

	memset(&rule, 0, sizeof(rule));
	memcpy(&rule, data, size < sizeof(rule) ? size : sizeof(rule));
	memset(text, 0x5a, sizeof(text));
	MUST(flow_text(&rule, text) == text);
	MUST(memchr(text, 0, sizeof(text)));
	MUST(text[0]);
	MUST(flow_has_same_match(&rule.fs, &rule.fs));
	return 0;
}
