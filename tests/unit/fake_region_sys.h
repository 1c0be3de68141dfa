/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_REGION_SYS_H
#define DEVMEM_TESTS_FAKE_REGION_SYS_H

/*
 * A machine for the tests of regions, in place of lib/core/sys.c: device nodes, files of /sys and
 * /proc, memfds, huge pages and dma-bufs, all in this process's memory. It keeps the kernel's rules
 * for them, writes down each call, and can make any one call fail.
 */

#include <stdbool.h>
#include <stdint.h>

#define FAKE_NONE INT64_MIN

struct fake_machine {
	/* The call with this number, from 1, answers fail_code instead of doing anything (close
	 * does close). 0: none. */
	int fail_at;
	int fail_code;

	/* Files of numbers; FAKE_NONE: there is no such file. */
	int64_t size_limit_mb;
	int64_t list_limit;
	int64_t huge_total;
	int64_t huge_free;
	int64_t huge_reserved;
	int64_t mem_available_kib;
	/* What the size_limit_mb file reads as, instead of a number. */
	const char *size_limit_text;

	/* memfd_create(2) knows MFD_NOEXEC_SEAL; and refuses all that lack it. */
	bool knows_noexec;
	bool wants_noexec;
	/* UDMABUF_CREATE takes huge pages, or answers this. */
	int udmabuf_huge_code;
	uint64_t heap_left;
	/* mmap of a dma-buf for writing, for reading only: 0 or what it answers. */
	int mmap_write_code;
	int mmap_read_code;
	int list_dir_code;

	/* Observed. */
	int calls;
	char log[16384];
	/* The call that fail_at hit. */
	char failed[128];
	/* Between begin and end of DMA_BUF_IOCTL_SYNC, with these flags; 0 outside. */
	unsigned int syncing;
	int syncs;
};

extern struct fake_machine fake;

/* A machine with /dev/udmabuf, the heaps "system" and "cma", 8 free huge pages, 1 GiB of memory. */
void fake_reset(void);
/* Forgets the log and what was counted, keeps the machine and all that is open. */
void fake_clear_log(void);
/* Adds a node, or changes what opening it answers: 0 or a negative errno. */
void fake_node(const char *path, int open_code);
/* Removes a node, or all of a directory when the path ends with a slash. */
void fake_remove(const char *path);

/* Descriptors that the caller of the library owns. */
int fake_dmabuf(uint64_t size);
int fake_plain_fd(void);
void fake_close(int fd);
/* The memory behind a dma-buf or memfd. */
unsigned char *fake_memory(int fd);

int fake_open_fds(void);
int fake_mappings(void);
/* Since the last clearing of the log, each close closed what was opened last and still was open. */
bool fake_undone_in_reverse(void);

#endif
