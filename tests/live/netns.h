/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_NETNS_H
#define DEVMEM_TESTS_NETNS_H

#include <stdbool.h>

/* Moves this process into a network namespace of its own, with lo up. Where that isn't possible,
 * prints why and exits with 77. */
void netns_enter(void);
/* Makes a pair of interfaces with two queues each way. Where the kernel can't, prints why
 * and returns false. */
bool netns_veth(const char *name, const char *peer);
void netns_up(const char *name, bool up);

#endif
