// SPDX-License-Identifier: BSD-3-Clause
/* Tests that do something different in each of many rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rounds.h"

static uint64_t random_state;
static uint32_t now, end;

uint32_t rnd(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % n;
}

bool chance(uint32_t percent)
{
	return rnd(100) < percent;
}

void rounds_run(uint32_t rounds, void (*one_round)(uint32_t number))
{
	const char *one = getenv("ROUND");

	now = one ? (uint32_t)atoi(one) : 0;
	for (end = one ? now + 1 : rounds; now < end; now++) {
		random_state = UINT64_C(0x9E3779B97F4A7C15) * (now + 1);
		/* The first number of neighbouring rounds is nearly the same. */
		rnd(2);
		one_round(now);
	}
}

int rounds_report(void **state)
{
	(void)state;
	if (now < end)
		print_error("in round %u: repeat it with ROUND=%u\n", now, now);
	return 0;
}
