/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_UAPI_ERRNO_H
#define DEVMEM_LIB_UAPI_ERRNO_H

/* Errnos that the kernel means for itself, and lets through all the same: include/linux/errno.h. */

/* Drivers and exporters: not supported. */
#define UAPI_ENOTSUPP 524
/* recvmsg: no control space for even one fragment. */
#define UAPI_ETOOSMALL 525

#endif
