// SPDX-License-Identifier: BSD-3-Clause
/* The machine of fake_region_sys.h, behind the functions of lib/core/sys.h that regions use. */
#include "fake_region_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/sys.h"
#include "uapi/dma_buf.h"
#include "uapi/dma_heap.h"
#include "uapi/udmabuf.h"

#define PAGE UINT64_C(4096)
#define HUGE (UINT64_C(2) << 20)
#define FD_BASE 100
#define N_FDS 32
#define N_NODES 16
#define N_MAPPINGS 8
#define N_EVENTS 512

struct fake_machine fake;

/* Memory that memfds, dma-bufs and mappings refer to. */
struct object {
	int refs;
	uint64_t size;
	unsigned char *data;
	int64_t huge_pages;
	bool huge;
	bool allocated;
};

enum kind { CLOSED, TEXT, NODE, MEMFD, DMABUF, PLAIN };

struct file {
	enum kind kind;
	struct object *object;
	int seals;
	bool sealable;
	char text[256];
	char path[64];
};

struct mapping {
	void *addr;
	size_t len;
	struct object *object;
};

static struct file files[N_FDS];
static struct mapping mappings[N_MAPPINGS];
static struct {
	char path[320];
	int open_code;
} nodes[N_NODES];
/* Descriptors opened (positive) and closed (negative), in order. */
static int events[N_EVENTS];
static int n_events;

static void die(const char *why)
{
	fprintf(stderr, "fake machine: %s\n%s", why, fake.log);
	abort();
}

__attribute__((format(printf, 1, 2))) static int step(const char *fmt, ...)
{
	size_t len = strlen(fake.log);
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (snprintf(fake.log + len, sizeof(fake.log) - len, "%s\n", what) >=
	    (int)(sizeof(fake.log) - len))
		die("log full");
	fake.calls++;
	if (fake.calls != fake.fail_at)
		return 0;
	snprintf(fake.failed, sizeof(fake.failed), "%.127s", what);
	return fake.fail_code;
}

static void event(int what)
{
	if (n_events == N_EVENTS)
		die("too many events");
	events[n_events++] = what;
}

static int new_fd(enum kind kind)
{
	int i;

	for (i = 0; i < N_FDS; i++) {
		if (files[i].kind != CLOSED)
			continue;
		memset(&files[i], 0, sizeof(files[i]));
		files[i].kind = kind;
		event(FD_BASE + i);
		return FD_BASE + i;
	}
	die("no descriptors left");
	return -EMFILE;
}

static struct file *file_of(int fd)
{
	if (fd < FD_BASE || fd >= FD_BASE + N_FDS || files[fd - FD_BASE].kind == CLOSED)
		return NULL;
	return &files[fd - FD_BASE];
}

static void put_object(struct object *object)
{
	if (!object || --object->refs)
		return;
	fake.huge_free += object->huge_pages;
	free(object->data);
	free(object);
}

static struct object *new_object(uint64_t size)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		die("no memory");
	object->refs = 1;
	object->size = size;
	if (size) {
		object->data = calloc(1, size);
		if (!object->data)
			die("no memory");
	}
	return object;
}

static void close_file(struct file *file)
{
	put_object(file->object);
	memset(file, 0, sizeof(*file));
}

void fake_clear_log(void)
{
	fake.calls = 0;
	fake.log[0] = '\0';
	fake.failed[0] = '\0';
	fake.syncs = 0;
	n_events = 0;
}

void fake_reset(void)
{
	int i;

	for (i = 0; i < N_MAPPINGS; i++)
		put_object(mappings[i].object);
	for (i = 0; i < N_FDS; i++)
		close_file(&files[i]);
	memset(mappings, 0, sizeof(mappings));
	memset(nodes, 0, sizeof(nodes));
	fake = (struct fake_machine){
		.size_limit_mb = 64,
		.list_limit = 1024,
		.huge_total = 10,
		.huge_free = 9,
		.huge_reserved = 1,
		.mem_available_kib = 1024 * 1024,
		.knows_noexec = true,
		.heap_left = UINT64_C(16) << 20,
	};
	fake_clear_log();
	fake_node("/dev/udmabuf", 0);
	fake_node("/dev/dma_heap/system", 0);
	fake_node("/dev/dma_heap/cma", 0);
}

void fake_node(const char *path, int open_code)
{
	int at = -1;
	int i;

	for (i = 0; i < N_NODES; i++) {
		if (!strcmp(nodes[i].path, path)) {
			at = i;
			break;
		}
		if (!nodes[i].path[0] && at < 0)
			at = i;
	}
	if (at < 0)
		die("too many nodes");
	snprintf(nodes[at].path, sizeof(nodes[at].path), "%s", path);
	nodes[at].open_code = open_code;
}

void fake_remove(const char *path)
{
	size_t len = strlen(path);
	bool dir = path[len - 1] == '/';
	int i;

	for (i = 0; i < N_NODES; i++)
		if (dir ? !strncmp(nodes[i].path, path, len) : !strcmp(nodes[i].path, path))
			nodes[i].path[0] = '\0';
}

int fake_dmabuf(uint64_t size)
{
	int fd = new_fd(DMABUF);

	file_of(fd)->object = new_object(size);
	return fd;
}

int fake_plain_fd(void)
{
	return new_fd(PLAIN);
}

void fake_close(int fd)
{
	close_file(file_of(fd));
}

unsigned char *fake_memory(int fd)
{
	return file_of(fd)->object->data;
}

int fake_open_fds(void)
{
	int n = 0;
	int i;

	for (i = 0; i < N_FDS; i++)
		n += files[i].kind != CLOSED;
	return n;
}

int fake_mappings(void)
{
	int n = 0;
	int i;

	for (i = 0; i < N_MAPPINGS; i++)
		n += mappings[i].addr != NULL;
	return n;
}

bool fake_undone_in_reverse(void)
{
	int open[N_EVENTS];
	int depth = 0;
	int i;

	for (i = 0; i < n_events; i++) {
		if (events[i] > 0) {
			open[depth++] = events[i];
		} else {
			if (!depth || open[depth - 1] != -events[i])
				return false;
			depth--;
		}
	}
	return true;
}

/* The number of a file in /sys or /proc that the machine has. */
static bool number_file(const char *path, char *text, size_t size)
{
	static const char pages[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
	static const char params[] = "/sys/module/udmabuf/parameters/";
	int64_t number = FAKE_NONE;

	if (!strcmp(path, "/proc/meminfo")) {
		if (fake.mem_available_kib == FAKE_NONE)
			return false;
		snprintf(text, size,
			 "MemTotal:       8000000 kB\nMemFree:         100 kB\n"
			 "MemAvailable:    %" PRId64 " kB\nBuffers:         5 kB\n",
			 fake.mem_available_kib);
		return true;
	}
	if (!strncmp(path, params, sizeof(params) - 1)) {
		path += sizeof(params) - 1;
		if (!strcmp(path, "size_limit_mb") && fake.size_limit_text) {
			snprintf(text, size, "%s", fake.size_limit_text);
			return true;
		}
		if (!strcmp(path, "size_limit_mb"))
			number = fake.size_limit_mb;
		else if (!strcmp(path, "list_limit"))
			number = fake.list_limit;
	} else if (!strncmp(path, pages, sizeof(pages) - 1)) {
		path += sizeof(pages) - 1;
		if (!strcmp(path, "nr_hugepages"))
			number = fake.huge_total;
		else if (!strcmp(path, "free_hugepages"))
			number = fake.huge_free;
		else if (!strcmp(path, "resv_hugepages"))
			number = fake.huge_reserved;
	}
	if (number == FAKE_NONE)
		return false;
	snprintf(text, size, "%" PRId64 "\n", number);
	return true;
}

int sys_open(const char *path, int flags)
{
	char text[sizeof(files[0].text)];
	int code;
	int fd;
	int i;

	code = step("open %s", path);
	if (code)
		return code;
	if (number_file(path, text, sizeof(text))) {
		if (flags != O_RDONLY)
			return -EACCES;
		fd = new_fd(TEXT);
		memcpy(file_of(fd)->text, text, sizeof(text));
		return fd;
	}
	for (i = 0; i < N_NODES; i++) {
		if (strcmp(nodes[i].path, path))
			continue;
		if (nodes[i].open_code)
			return nodes[i].open_code;
		fd = new_fd(NODE);
		snprintf(file_of(fd)->path, sizeof(file_of(fd)->path), "%.63s", path);
		return fd;
	}
	return -ENOENT;
}

int sys_close(int fd)
{
	int code = step("close %d", fd);
	struct file *file = file_of(fd);

	if (!file)
		die("close of what isn't open");
	close_file(file);
	event(-fd);
	return code;
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	int code = step("read %d", fd);
	struct file *file = file_of(fd);
	size_t n;

	if (code)
		return code;
	if (!file || file->kind != TEXT)
		return -EBADF;
	n = strlen(file->text);
	if (n > len)
		n = len;
	memcpy(buf, file->text, n);
	memmove(file->text, file->text + n, strlen(file->text + n) + 1);
	return (ssize_t)n;
}

static int udmabuf_create(const struct udmabuf_create *create)
{
	struct file *memfd = file_of((int)create->memfd);
	struct object *object;
	int fd;

	if (create->flags != UDMABUF_FLAGS_CLOEXEC)
		die("udmabuf without close-on-exec");
	if (create->offset % PAGE || create->size % PAGE || !create->size)
		return -EINVAL;
	if (fake.size_limit_mb != FAKE_NONE && create->size >> 20 > (uint64_t)fake.size_limit_mb)
		return -EINVAL;
	if (!memfd || memfd->kind != MEMFD)
		return -EBADFD;
	object = memfd->object;
	if (object->huge && fake.udmabuf_huge_code)
		return fake.udmabuf_huge_code;
	if ((memfd->seals & F_SEAL_SHRINK) == 0 || (memfd->seals & F_SEAL_WRITE))
		return -EINVAL;
	if (create->offset + create->size > object->size)
		return -EINVAL;
	if (!object->huge && object->allocated)
		die("udmabuf of pages that fallocate has not cleared");
	if (object->huge && !object->allocated)
		die("udmabuf of huge pages that were not allocated");
	fd = new_fd(DMABUF);
	file_of(fd)->object = object;
	object->refs++;
	return fd;
}

static int heap_alloc(const char *path, struct dma_heap_allocation_data *data)
{
	int fd;

	if (data->fd || data->heap_flags || (data->fd_flags & ~(uint32_t)(O_CLOEXEC | O_ACCMODE)) ||
	    !data->len)
		return -EINVAL;
	if (data->fd_flags != (O_CLOEXEC | O_RDWR))
		die("heap without close-on-exec or without writing");
	if (strncmp(path, "/dev/dma_heap/", 14) != 0)
		return -ENOTTY;
	if (data->len > fake.heap_left)
		return -ENOMEM;
	fd = fake_dmabuf(data->len);
	data->fd = (uint32_t)fd;
	return 0;
}

static int dma_buf_sync(const struct dma_buf_sync *sync)
{
	unsigned int access = (unsigned int)sync->flags & DMA_BUF_SYNC_RW;

	if (!access || sync->flags & ~(uint64_t)(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END))
		return -EINVAL;
	if (sync->flags & DMA_BUF_SYNC_END) {
		if (fake.syncing != access)
			return -EINVAL;
		fake.syncing = 0;
	} else {
		if (fake.syncing)
			die("sync begins twice");
		fake.syncing = access;
	}
	fake.syncs++;
	return 0;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	struct file *file = file_of(fd);
	const char *name = "?";
	int code;

	if (request == UDMABUF_CREATE)
		name = "UDMABUF_CREATE";
	else if (request == DMA_HEAP_IOCTL_ALLOC)
		name = "DMA_HEAP_IOCTL_ALLOC";
	else if (request == DMA_BUF_IOCTL_SYNC)
		name = "DMA_BUF_IOCTL_SYNC";
	code = step("ioctl %d %s", fd, name);
	if (code)
		return code;
	if (!file)
		return -EBADF;
	if (request == UDMABUF_CREATE && file->kind == NODE && !strcmp(file->path, "/dev/udmabuf"))
		return udmabuf_create(arg);
	if (request == DMA_HEAP_IOCTL_ALLOC && file->kind == NODE)
		return heap_alloc(file->path, arg);
	if (request == DMA_BUF_IOCTL_SYNC && file->kind == DMABUF)
		return dma_buf_sync(arg);
	return -ENOTTY;
}

int sys_dup(int fd)
{
	int code = step("dup %d", fd);
	struct file *file = file_of(fd);
	int copy;

	if (code)
		return code;
	if (!file)
		return -EBADF;
	copy = new_fd(file->kind);
	file_of(copy)->object = file->object;
	if (file->object)
		file->object->refs++;
	return copy;
}

int64_t sys_size(int fd)
{
	int code = step("size %d", fd);
	struct file *file = file_of(fd);

	if (code)
		return code;
	if (!file)
		return -EBADF;
	return file->object ? (int64_t)file->object->size : -ESPIPE;
}

int sys_fs_magic(int fd, uint32_t *magic)
{
	int code = step("fs_magic %d", fd);
	struct file *file = file_of(fd);

	if (code)
		return code;
	if (!file)
		return -EBADF;
	*magic = file->kind == DMABUF ? DMA_BUF_MAGIC : 0x01021994;
	return 0;
}

int sys_memfd_create(const char *name, unsigned int flags)
{
	bool huge = flags & MFD_HUGETLB;
	int code;
	int fd;

	(void)name;
	code = step("memfd_create%s%s", huge ? " huge" : "",
		    flags & MFD_NOEXEC_SEAL ? "" : " without noexec");
	if (code)
		return code;
	if (!fake.knows_noexec && flags & MFD_NOEXEC_SEAL)
		return -EINVAL;
	if (fake.wants_noexec && !(flags & MFD_NOEXEC_SEAL))
		return -EACCES;
	if (huge && (flags & MFD_HUGE_2MB) != MFD_HUGE_2MB)
		die("huge pages of an unknown size");
	if (huge && fake.huge_total == FAKE_NONE)
		return -ENODEV;
	fd = new_fd(MEMFD);
	file_of(fd)->object = new_object(0);
	file_of(fd)->object->huge = huge;
	file_of(fd)->sealable = flags & MFD_ALLOW_SEALING;
	return fd;
}

int sys_ftruncate(int fd, uint64_t size)
{
	int code = step("ftruncate %d %" PRIu64, fd, size);
	struct file *file = file_of(fd);

	if (code)
		return code;
	if (!file || file->kind != MEMFD || size > INT64_MAX)
		return -EINVAL;
	if (file->object->data)
		die("truncated twice");
	file->object->data = calloc(1, size);
	if (!file->object->data)
		die("no memory");
	file->object->size = size;
	return 0;
}

int sys_fallocate(int fd, uint64_t size)
{
	int code = step("fallocate %d %" PRIu64, fd, size);
	struct file *file = file_of(fd);

	if (code)
		return code;
	if (!file || file->kind != MEMFD || size != file->object->size)
		return -EINVAL;
	if (file->object->huge) {
		int64_t pages = (int64_t)(size / HUGE);

		if (size % HUGE)
			return -EINVAL;
		if (pages > fake.huge_free - fake.huge_reserved)
			return -ENOSPC;
		fake.huge_free -= pages;
		file->object->huge_pages = pages;
	}
	file->object->allocated = true;
	return 0;
}

int sys_add_seals(int fd, int seals)
{
	int code = step("add_seals %d %d", fd, seals);
	struct file *file = file_of(fd);

	if (code)
		return code;
	if (!file || file->kind != MEMFD || !file->sealable)
		return -EPERM;
	file->seals |= seals;
	return 0;
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	int code = step("mmap %d %zu%s", fd, len, prot & PROT_WRITE ? "" : " readonly");
	struct file *file = file_of(fd);
	int i;

	if (code)
		return code;
	if (!file || !file->object || flags != MAP_SHARED || len > file->object->size)
		return -EINVAL;
	code = prot & PROT_WRITE ? fake.mmap_write_code : fake.mmap_read_code;
	if (code)
		return code;
	for (i = 0; i < N_MAPPINGS && mappings[i].addr; i++)
		;
	if (i == N_MAPPINGS)
		die("too many mappings");
	mappings[i].addr = file->object->data;
	mappings[i].len = len;
	mappings[i].object = file->object;
	file->object->refs++;
	*addr = mappings[i].addr;
	return 0;
}

int sys_munmap(void *addr, size_t len)
{
	int code = step("munmap %zu", len);
	int i;

	for (i = 0; i < N_MAPPINGS; i++) {
		if (mappings[i].addr != addr || mappings[i].len != len)
			continue;
		put_object(mappings[i].object);
		memset(&mappings[i], 0, sizeof(mappings[i]));
		return code;
	}
	die("munmap of what isn't mapped");
	return -EINVAL;
}

int sys_list_dir(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	int code = step("list_dir %s", path);
	size_t len = strlen(path);
	bool any = false;
	int ret = 0;
	int i;

	if (code)
		return code;
	if (fake.list_dir_code)
		return fake.list_dir_code;
	for (i = 0; i < N_NODES && !ret; i++) {
		if (strncmp(nodes[i].path, path, len) != 0 || nodes[i].path[len] != '/')
			continue;
		any = true;
		ret = fn(nodes[i].path + len + 1, arg);
	}
	return any ? ret : -ENOENT;
}
