/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_MEMORY_H
#define DEVMEM_TESTS_FAKE_MEMORY_H

/* Memory of the kernel in tests/unit: device nodes, files of /sys and /proc that say what the
 * machine has, memfds, huge pages, dma-bufs and mappings. The bytes are real ones. */

#include "fake_kernel.h"

#define FAKE_NONE INT64_MIN

struct fake_machine {
	/* Files of numbers; FAKE_NONE: there is no such file. */
	int64_t size_limit_mb;
	int64_t list_limit;
	int64_t huge_total;
	int64_t huge_free;
	int64_t huge_reserved;
	int64_t mem_available_kib;
	/* What the size_limit_mb file reads as, instead of a number. */
	const char *size_limit_text;

	/* memfd_create(2) supports MFD_NOEXEC_SEAL; and refuses calls without it. */
	bool knows_noexec;
	bool wants_noexec;
	/* UDMABUF_CREATE fails with this for huge pages; 0: it accepts them. */
	int udmabuf_huge_code;
	uint64_t heap_left;
	/* mmap of a dma-buf or memfd for writing, for reading only: 0 or what it answers. */
	int mmap_write_code;
	int mmap_read_code;
	/* Listing a directory of nodes. */
	int list_dir_code;

	/* The access that DMA_BUF_IOCTL_SYNC began, with these flags; 0 outside of one. */
	unsigned int syncing;
	unsigned int syncs;
};

/* From the beginning it has /dev/udmabuf, the heaps "system" and "cma", 8 free huge pages, 1 GiB of
 * memory. */
extern struct fake_machine fake;

/* Adds a node, or changes what opening it answers: 0 or a negative errno. */
void fake_node(const char *path, int open_code);
/* Removes a node, or all of a directory when the path ends with a slash. */
void fake_remove(const char *path);

/* The memory behind a dma-buf or memfd, as a device has it: no sync needed. */
unsigned char *fake_memory(int fd);
/* Results of DMA_BUF_IOCTL_SYNC, begin and end of access: 0 or an errno. */
void fake_sync_result(int begin, int end);
bool fake_sync_open(void);
/* Memory that the library has mapped now. */
unsigned int fake_mappings(void);

#endif
