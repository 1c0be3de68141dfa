/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_NETNS_H
#define DEVMEM_TESTS_NETNS_H

#include <stdbool.h>

/* Moves this process into a network namespace of its own, with lo up. Ends the process with 77, and
 * a line that says why, where that isn't possible. */
void netns_enter(void);
/* Makes a pair of interfaces with two queues each way; false and a line where the kernel can't. */
bool netns_veth(const char *name, const char *peer);
void netns_up(const char *name, bool up);

#endif
