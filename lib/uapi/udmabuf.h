/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_UDMABUF_H
#define DEVMEM_UAPI_UDMABUF_H

/*
 * What the kernel's include/uapi/linux/udmabuf.h and memfd.h say, stated by ourselves: a dma-buf
 * made of the pages of a memfd. Not to be included together with <linux/udmabuf.h>.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define UDMABUF_FLAGS_CLOEXEC 0x01

/* offset and size in bytes, multiples of the page size. */
struct udmabuf_create {
	uint32_t memfd;
	uint32_t flags;
	uint64_t offset;
	uint64_t size;
};

_Static_assert(sizeof(struct udmabuf_create) == 24, "struct udmabuf_create");
_Static_assert(offsetof(struct udmabuf_create, flags) == 4, "udmabuf_create.flags");
_Static_assert(offsetof(struct udmabuf_create, offset) == 8, "udmabuf_create.offset");
_Static_assert(offsetof(struct udmabuf_create, size) == 16, "udmabuf_create.size");

/* Answers with the dma-buf's file descriptor. */
#define UDMABUF_CREATE _IOW('u', 0x42, struct udmabuf_create)

/* The bits for direction and size in an ioctl number differ on some architectures. */
#if !defined(__alpha__) && !defined(__mips__) && !defined(__powerpc__) && !defined(__sparc__) &&   \
	!defined(__hppa__)
_Static_assert(UDMABUF_CREATE == 0x40187542, "UDMABUF_CREATE");
#endif

/* memfd_create(2) flags that older libc headers lack. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21U << 26)
#endif

#endif
