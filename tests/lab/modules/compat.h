/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that the modules are built for.
 *
 * The lab runs the oldest kernel with device-memory TCP that a distribution
 * ships (6.12) and the newest (7.x). No kernel in between is packaged with
 * headers, so the modules never ran on one: there they refuse to build.
 */
#ifndef LAB_COMPAT_H
#define LAB_COMPAT_H

#include <linux/module.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "device-memory TCP came with Linux 6.12"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#error "only Linux 6.12 and 7.x are supported"
#endif

/* the core supports per-queue configuration, hds-thresh, netmem TX and the netdev lock */
#define LAB_KERNEL_7 (LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0))

/* the namespace became a string in 6.13 */
#if LAB_KERNEL_7
#define LAB_IMPORT_NS(ns) MODULE_IMPORT_NS(#ns)
#else
#define LAB_IMPORT_NS(ns) MODULE_IMPORT_NS(ns)
#endif

#endif /* LAB_COMPAT_H */
