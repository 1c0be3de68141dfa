// SPDX-License-Identifier: BSD-3-Clause
/* Memory of the kernel in tests/unit. Facts from the kernel's drivers/dma-buf (udmabuf.c,
 * dma-heap.c, dma-buf.c), mm/memfd.c and mm/hugetlb.c. */
#include "fake_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/sys.h"
#include "fake_internal.h"
#include "uapi/dma_buf.h"
#include "uapi/dma_heap.h"
#include "uapi/udmabuf.h"

#define PAGE UINT64_C(4096)
#define HUGE (UINT64_C(2) << 20)
#define TMPFS_MAGIC 0x01021994
#define N_NODES 16
#define MAPS_MAX 64

struct fake_machine fake;

/* A memfd or a dma-buf. */
struct buffer {
	struct object object;
	struct memory *memory;
	int seals;
	bool sealable;
};

struct node {
	struct object object;
	char path[64];
};

static struct {
	char path[320];
	int open_code;
} nodes[N_NODES];
static struct {
	void *addr;
	size_t len;
	struct memory *memory; /* NULL: anonymous */
	unsigned int process;
} maps[MAPS_MAX];
static int sync_begin, sync_end;
/* The end of an access failed. */
static bool sync_stuck;

/* ---- memory ---- */

static struct memory *memory_new(uint64_t size)
{
	struct memory *m = fake_alloc(sizeof(*m));

	m->users = 1;
	m->size = m->piece = size;
	return m;
}

void fake_memory_put(struct memory *m)
{
	if (!m || --m->users)
		return;
	fake.huge_free += m->huge_pages;
	if (m->base)
		munmap(m->base, m->size);
	free(m);
}

unsigned char *fake_memory_base(struct memory *m)
{
	void *base;

	if (m->base || !m->size)
		return m->base;
	base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		abort();
	m->base = base;
	return base;
}

static void buffer_release(struct object *obj)
{
	fake_memory_put(((struct buffer *)obj)->memory);
	free(obj);
}

static int64_t buffer_size(struct object *obj)
{
	return (int64_t)((struct buffer *)obj)->memory->size;
}

/* ---- dma-bufs ---- */

void fake_sync_result(int begin, int end)
{
	sync_begin = begin;
	sync_end = end;
}

bool fake_sync_open(void)
{
	return fake.syncing;
}

static int sync_access(const struct dma_buf_sync *sync)
{
	unsigned int access = (unsigned int)sync->flags & DMA_BUF_SYNC_RW;

	if (!access || sync->flags & ~(uint64_t)(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END))
		return -EINVAL;
	fake.syncs++;
	if (sync->flags & DMA_BUF_SYNC_END) {
		sync_stuck = sync_end;
		if (sync_end)
			return -sync_end;
		if (fake.syncing != access)
			fake_complain("end of an access that wasn't begun");
		fake.syncing = 0;
		return 0;
	}
	if (sync_begin)
		return -sync_begin;
	if (fake.syncing && !sync_stuck)
		fake_complain("an access within another");
	fake.syncing = access;
	sync_stuck = false;
	return 0;
}

static int dmabuf_ioctl(struct object *obj, unsigned long request, void *arg)
{
	(void)obj;
	return request == DMA_BUF_IOCTL_SYNC ? sync_access(arg) : -ENOTTY;
}

static const struct object_ops dmabuf_ops = {
	.name = "dma-buf",
	.fs_magic = DMA_BUF_MAGIC,
	.release = buffer_release,
	.size = buffer_size,
	.ioctl = dmabuf_ioctl,
};

static int dmabuf_new(struct memory *m, bool test_owned)
{
	struct buffer *b = fake_object_new(&dmabuf_ops, sizeof(*b));

	b->memory = m;
	m->dmabuf = true;
	return fake_install(&b->object, test_owned);
}

int fake_dmabuf_pieces(uint64_t size, uint64_t piece)
{
	struct memory *m = memory_new(size);

	m->piece = piece;
	return dmabuf_new(m, true);
}

int fake_dmabuf(uint64_t size)
{
	return fake_dmabuf_pieces(size, size);
}

struct memory *fake_dmabuf_memory(int fd)
{
	struct buffer *b = fake_object_of(fd, &dmabuf_ops);

	return b ? b->memory : NULL;
}

void fake_dmabuf_unmappable(int fd)
{
	fake_dmabuf_memory(fd)->unmappable = true;
}

/* ---- memfds ---- */

static int memfd_ftruncate(struct object *obj, uint64_t size)
{
	struct buffer *b = (struct buffer *)obj;

	if (size > INT64_MAX)
		return -EINVAL;
	if (b->memory->size)
		fake_complain("truncated twice");
	b->memory->size = b->memory->piece = size;
	return 0;
}

static int memfd_fallocate(struct object *obj, uint64_t size)
{
	struct memory *m = ((struct buffer *)obj)->memory;
	int64_t pages = (int64_t)(size / HUGE);

	if (size != m->size)
		return -EINVAL;
	if (m->huge) {
		if (size % HUGE)
			return -EINVAL;
		if (pages > fake.huge_free - fake.huge_reserved)
			return -ENOSPC;
		fake.huge_free -= pages;
		m->huge_pages = pages;
	}
	m->allocated = true;
	return 0;
}

static int memfd_add_seals(struct object *obj, int seals)
{
	struct buffer *b = (struct buffer *)obj;

	if (!b->sealable)
		return -EPERM;
	b->seals |= seals;
	return 0;
}

static const struct object_ops memfd_ops = {
	.name = "memfd",
	.fs_magic = TMPFS_MAGIC,
	.release = buffer_release,
	.size = buffer_size,
	.ftruncate = memfd_ftruncate,
	.fallocate = memfd_fallocate,
	.add_seals = memfd_add_seals,
};

int sys_memfd_create(const char *name, unsigned int flags)
{
	bool huge = flags & MFD_HUGETLB;
	struct buffer *b;

	ENTER("sys_memfd_create");
	(void)name;
	if (!fake.knows_noexec && flags & MFD_NOEXEC_SEAL)
		return -EINVAL;
	if (fake.wants_noexec && !(flags & MFD_NOEXEC_SEAL))
		return -EACCES;
	if (huge && (flags & MFD_HUGE_2MB) != MFD_HUGE_2MB)
		fake_complain("huge pages of an unknown size");
	if (huge && fake.huge_total == FAKE_NONE)
		return -ENODEV;
	b = fake_object_new(&memfd_ops, sizeof(*b));
	b->memory = memory_new(0);
	b->memory->huge = huge;
	b->sealable = flags & MFD_ALLOW_SEALING;
	return fake_install(&b->object, false);
}

static struct memory *memory_of(const struct object *obj)
{
	if (obj->ops != &memfd_ops && obj->ops != &dmabuf_ops)
		return NULL;
	return ((const struct buffer *)obj)->memory;
}

unsigned char *fake_memory(int fd)
{
	return fake_memory_base(memory_of(fake_object(fd)));
}

/* ---- device nodes ---- */

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
		abort();
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

static int udmabuf_create(const struct udmabuf_create *create)
{
	struct buffer *memfd = fake_object_of((int)create->memfd, &memfd_ops);
	struct memory *m;

	if (create->flags != UDMABUF_FLAGS_CLOEXEC)
		fake_complain("udmabuf without close-on-exec");
	if (create->offset % PAGE || create->size % PAGE || !create->size)
		return -EINVAL;
	if (fake.size_limit_mb != FAKE_NONE && create->size >> 20 > (uint64_t)fake.size_limit_mb)
		return -EINVAL;
	if (!memfd)
		return -EBADFD;
	m = memfd->memory;
	if (m->huge && fake.udmabuf_huge_code)
		return fake.udmabuf_huge_code;
	if ((memfd->seals & F_SEAL_SHRINK) == 0 || (memfd->seals & F_SEAL_WRITE))
		return -EINVAL;
	if (create->offset + create->size > m->size)
		return -EINVAL;
	if (!m->huge && m->allocated)
		fake_complain("udmabuf of pages that fallocate has not cleared");
	if (m->huge && !m->allocated)
		fake_complain("udmabuf of huge pages that were not allocated");
	m->piece = m->huge ? HUGE : PAGE;
	m->users++;
	return dmabuf_new(m, false);
}

static int heap_alloc(const char *path, struct dma_heap_allocation_data *data)
{
	int fd;

	if (data->fd || data->heap_flags || (data->fd_flags & ~(uint32_t)(O_CLOEXEC | O_ACCMODE)) ||
	    !data->len)
		return -EINVAL;
	if (data->fd_flags != (O_CLOEXEC | O_RDWR))
		fake_complain("heap without close-on-exec or without writing");
	if (strncmp(path, "/dev/dma_heap/", 14) != 0)
		return -ENOTTY;
	if (data->len > fake.heap_left)
		return -ENOMEM;
	fd = dmabuf_new(memory_new(data->len), false);
	if (fd < 0)
		return fd;
	data->fd = (uint32_t)fd;
	return 0;
}

static int node_ioctl(struct object *obj, unsigned long request, void *arg)
{
	const char *path = ((struct node *)obj)->path;

	if (request == UDMABUF_CREATE && !strcmp(path, "/dev/udmabuf"))
		return udmabuf_create(arg);
	if (request == DMA_HEAP_IOCTL_ALLOC)
		return heap_alloc(path, arg);
	return -ENOTTY;
}

static void node_release(struct object *obj)
{
	free(obj);
}

static const struct object_ops node_ops = {
	.name = "device node",
	.fs_magic = TMPFS_MAGIC,
	.release = node_release,
	.ioctl = node_ioctl,
};

int fake_plain_fd(void)
{
	return fake_install(fake_object_new(&node_ops, sizeof(struct node)), true);
}

bool fake_number_file(const char *path, char *text, size_t size)
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

int fake_node_open(const char *path)
{
	struct node *node;
	int i;

	for (i = 0; i < N_NODES && strcmp(nodes[i].path, path); i++)
		;
	if (i == N_NODES)
		return -ENOENT;
	if (nodes[i].open_code)
		return nodes[i].open_code;
	node = fake_object_new(&node_ops, sizeof(*node));
	snprintf(node->path, sizeof(node->path), "%.63s", path);
	return fake_install(&node->object, false);
}

int fake_node_list(const char *path, int (*fn)(const char *name, void *arg), void *arg)
{
	size_t len = strlen(path);
	bool any = false;
	int i, ret = 0;

	if (fake.list_dir_code)
		return fake.list_dir_code;
	for (i = 0; i < N_NODES && !ret; i++) {
		if (strncmp(nodes[i].path, path, len) != 0 || nodes[i].path[len] != '/')
			continue;
		any = true;
		ret = fake_call_back(fn, nodes[i].path + len + 1, arg);
	}
	return any ? ret : -ENOENT;
}

/* ---- mappings ---- */

unsigned int fake_mappings(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < MAPS_MAX; i++)
		n += maps[i].addr != NULL;
	return n;
}

const struct memory *fake_mapped(const void *addr, size_t len)
{
	const char *at = addr;
	size_t i;

	for (i = 0; i < MAPS_MAX; i++)
		if (maps[i].addr && maps[i].memory && at >= (char *)maps[i].addr &&
		    at + len <= (char *)maps[i].addr + maps[i].len)
			return maps[i].memory;
	return NULL;
}

static int map_buffer(int fd, size_t len, int prot, struct memory **m)
{
	int code = prot & PROT_WRITE ? fake.mmap_write_code : fake.mmap_read_code;
	struct object *obj = fake_object(fd);

	if (!obj)
		return -EBADF;
	*m = memory_of(obj);
	if (!*m)
		return -ENODEV;
	if ((*m)->unmappable || !len || len > (*m)->size)
		return -EINVAL;
	return code;
}

int sys_mmap(void **addr, size_t len, int prot, int flags, int fd)
{
	struct memory *m = NULL;
	size_t i;
	void *p;
	int ret;

	ENTER("sys_mmap");
	ret = flags & MAP_ANONYMOUS ? 0 : map_buffer(fd, len, prot, &m);
	if (ret)
		return ret;
	for (i = 0; i < MAPS_MAX && maps[i].addr; i++)
		;
	if (i == MAPS_MAX)
		return -ENOMEM;
	/* Every mapping of a memory is the same one: that costs page faults once. */
	p = m ? fake_memory_base(m) : mmap(NULL, len, prot, flags, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (m)
		m->users++;
	maps[i].addr = *addr = p;
	maps[i].len = len;
	maps[i].memory = m;
	maps[i].process = fake_current_process();
	return 0;
}

static void unmap(size_t i)
{
	if (!maps[i].memory)
		munmap(maps[i].addr, maps[i].len);
	maps[i].addr = NULL;
	fake_memory_put(maps[i].memory);
}

int sys_munmap(void *addr, size_t len)
{
	size_t i;

	ENTER_FAULTY("sys_munmap", NULL);
	for (i = 0; i < MAPS_MAX; i++) {
		if (maps[i].addr != addr || !addr)
			continue;
		if (maps[i].len != len)
			fake_complain("munmap of %zu bytes of a mapping of %zu", len, maps[i].len);
		unmap(i);
		return fault;
	}
	fake_complain("munmap of what isn't mapped");
	return -EINVAL;
}

void fake_unmap_all(unsigned int process)
{
	size_t i;

	for (i = 0; i < MAPS_MAX; i++)
		if (maps[i].addr && maps[i].process == process)
			unmap(i);
}

/* ---- beginning and end ---- */

void fake_memory_begin(void)
{
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
	fake_sync_result(0, 0);
	sync_stuck = false;
	fake_node("/dev/udmabuf", 0);
	fake_node("/dev/dma_heap/system", 0);
	fake_node("/dev/dma_heap/cma", 0);
}

void fake_memory_end(char *what, size_t size)
{
	size_t i;

	if (fake.syncing && !sync_stuck)
		snprintf(what, size, "an access to a dma-buf left open");
	for (i = 0; i < MAPS_MAX; i++) {
		if (!maps[i].addr)
			continue;
		snprintf(what, size, "mapping of %zu bytes left", maps[i].len);
		unmap(i);
	}
}
