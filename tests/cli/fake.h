/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_CLI_FAKE_H
#define DEVMEM_TESTS_CLI_FAKE_H

/* What the parts of the fake library share. */

#include <devmem/binding.h>

/* Appends a line to the file that FAKE_LOG names: name, then what fmt prints. Return: 0, or the
 * errno that the call must fail with if FAKE_FAIL names it. */
int fake_called(struct devmem_error *err, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct devmem_region *fake_region_of(const struct devmem_binding *binding);

#endif
