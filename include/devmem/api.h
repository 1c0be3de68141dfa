/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_API_H
#define DEVMEM_API_H

/*
 * Marks what libdevmem.so exports. Everything else in the library is hidden.
 *
 * Rules that hold for the whole interface:
 *
 * - Calls return 0 (or a count) on success and a negative errno on failure.
 * - Objects come out through the first parameter. On failure it is set to NULL.
 * - Structs named *_options begin with a member `sz`, which the caller sets to sizeof() of the
 *   struct it was compiled with, so that later versions can append members. NULL stands for all
 *   defaults, and so does 0 in any member unless that member says otherwise.
 * - A handle is used by one thread at a time, unless a call says that any thread may make it.
 *   There is no global state: different handles need no locking.
 * - The library never prints, exits, changes signal handlers or reads the environment.
 */
#define DEVMEM_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define DEVMEM_BEGIN_DECLS extern "C" {
#define DEVMEM_END_DECLS }
#else
#define DEVMEM_BEGIN_DECLS
#define DEVMEM_END_DECLS
#endif

#endif
