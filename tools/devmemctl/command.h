/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_COMMAND_H
#define DEVMEMCTL_COMMAND_H

/*
 * A command that is run with a binding: it finds what it may use in its environment, and inherits
 * the region's descriptor, but no other of ours.
 */

#include "setup.h"

/* Runs it to its end, handing on signals. Return: its exit code, 128 + the number of the signal
 * that killed it, 126 or 127 if it couldn't be run, or another after saying what failed. */
int command_run(const struct setup *s, char **command);

#endif
