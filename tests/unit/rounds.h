/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_ROUNDS_H
#define DEVMEM_TESTS_ROUNDS_H

/* Tests that do something different in each of many rounds: random numbers that depend on nothing
 * but the round, so that one that fails can be repeated alone, with ROUND in the environment. */

#include <stdbool.h>
#include <stdint.h>

/* From 0 to n - 1. */
uint32_t rnd(uint32_t n);
bool chance(uint32_t percent);

void rounds_run(uint32_t rounds, void (*one_round)(uint32_t number));
/* A test's teardown: says which round failed. */
int rounds_report(void **state);

#endif
