/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_INTERNAL_H
#define DEVMEM_TESTS_FAKE_INTERNAL_H

/* Between the files of the kernel in tests/unit/fake_*.c. Numbers that Debian 12's headers don't
 * have are stated here, apart from the library's own statement of them. */

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "fake_kernel.h"

struct memory;
struct netlink;

#define NIC_MAX 4
#define BINDINGS_MAX 16

/* ---- fake_kernel.c ---- */

struct object;

/* What can be done with a kind of descriptor. Calls that are NULL fail as on a descriptor that
 * doesn't have them. */
struct object_ops {
	const char *name;
	uint32_t fs_magic;
	/* Frees it. */
	void (*release)(struct object *obj);
	ssize_t (*read)(struct object *obj, void *buf, size_t len);
	ssize_t (*write)(struct object *obj, const void *buf, size_t len);
	int64_t (*size)(struct object *obj);
	int (*ftruncate)(struct object *obj, uint64_t size);
	int (*fallocate)(struct object *obj, uint64_t size);
	int (*add_seals)(struct object *obj, int seals);
	int (*ioctl)(struct object *obj, unsigned long request, void *arg);
	ssize_t (*send)(struct object *obj, const void *buf, size_t len);
	ssize_t (*recv)(struct object *obj, void *buf, size_t len, int flags);
	ssize_t (*recvmsg)(struct object *obj, struct msghdr *msg, int flags);
	ssize_t (*sendmsg)(struct object *obj, const struct msghdr *msg, int flags);
	/* Their value is an int. */
	int (*getsockopt)(struct object *obj, int level, int name, int *value);
	int (*setsockopt)(struct object *obj, int level, int name, const void *val, socklen_t len);
	/* Length of its address, or of its peer's, or a negative errno. */
	int (*address)(struct object *obj, bool peer, struct sockaddr_storage *addr);
	/* What is ready, perhaps of more than these events. */
	short (*poll)(struct object *obj, short events);
	/* As of fcntl(F_GETFL). */
	int (*get_flags)(struct object *obj);
};

/* What a descriptor refers to: the first member of every kind. */
struct object {
	const struct object_ops *ops;
	unsigned int users;
	/* By the test, which still asks about it. */
	bool closed;
};

/* A dma-buf on queues of an interface, or on the interface to send. */
struct binding {
	uint32_t id, ifindex, page_size;
	bool tx;
	const struct netlink *owner;
	struct memory *memory;
};

struct kernel {
	enum fake_personality personality;
	bool admin;
	struct fake_nic nics[NIC_MAX];
	unsigned int n_nics;
	uint32_t next_binding;
	struct binding bindings[BINDINGS_MAX];
	size_t dump_size;
};
extern struct kernel kernel;

void *fake_alloc(size_t size);
/* Told by fake_end(). */
void fake_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Fails the test at once. */
void fake_stop(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void fake_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* NULL if there is none, or none of this kind. The latter begins with it. */
struct object *fake_object(int fd);
/* Also one that the test has closed with fake_close_kept(). */
struct object *fake_object_ever(int fd);
void fake_close_kept(int fd);
void *fake_object_of(int fd, const struct object_ops *ops);
/* size: of the structure that begins with it. */
void *fake_object_new(const struct object_ops *ops, size_t size);
/* A descriptor for it: the library's, or the test's own. Without one left the object is freed. */
int fake_install(struct object *obj, bool test_owned);

/* A call of the library begins: counts it, and says what it is to fail with. path: of the file that
 * it is about, or NULL. */
int fake_enter(const char *name, const char *path);
void fake_leave(const int *fault);
/* Until the end of the block the call is going on. */
#define ENTER_FAULTY(name, path)                                                                   \
	const int fault __attribute__((cleanup(fake_leave))) = fake_enter(name, path)
#define ENTER_PATH(name, path)                                                                     \
	ENTER_FAULTY(name, path);                                                                  \
	if (fault)                                                                                 \
	return fault
#define ENTER(name) ENTER_PATH(name, NULL)
/* fake_alloc.c asks before it allocates, and reports what it allocated. */
bool fake_may_allocate(void);
void *fake_allocated(void *p, const void *old);
void fake_freed(const void *old);
/* A call that waits leaves other threads real time, if there are any. */
void fake_let_others(void);
/* The library goes on within a call. */
int fake_call_back(int (*fn)(const char *name, void *arg), const char *name, void *arg);
/* Somebody else acts within a call: what it does is not of the call. */
void fake_act(void (*fn)(void *arg), void *arg);

/* fake_netlink.c: requests and answers */
enum attr_kind { K_NONE, K_U8, K_U16, K_U32, K_S32, K_UINT, K_STRING, K_BINARY, K_FLAG, K_NESTED };

struct attr_policy {
	enum attr_kind kind;
	bool ranged;
	uint64_t min, max;
	uint64_t mask; /* allowed bits; 0 = all */
	const struct attr_policy *nested;
	int nested_max;
};

struct extack {
	char text[80]; /* the kernel's formatted texts are cut at 79 */
	const void *bad;
	int miss_type;
	const void *miss_nest;
	const struct attr_policy *policy; /* that the bad attribute broke */
};

struct datagram {
	struct datagram *next;
	size_t len;
	unsigned char data[];
};

struct netlink {
	struct object object;
	int protocol;
	uint32_t portid;
	bool ext_ack, cap_ack, overrun, patience;
	struct datagram *first, **last;
};

struct request {
	struct netlink *sock;
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;
	struct nlattr *head;
	int len;
	struct nlattr *tb[64];
	struct extack ext;
};

#define TB_MAX 63

/* Parses with the kernel's strict rules. */
int fake_parse(struct extack *ext, struct nlattr **tb, int max, struct nlattr *head, int len,
	       const struct attr_policy *policy);
int fake_parse_nested(struct extack *ext, struct nlattr **tb, int max, struct nlattr *nest,
		      const struct attr_policy *policy);
int fake_refuse(struct extack *ext, int code, const void *bad, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int fake_missing(struct extack *ext, int type, const void *nest);
/* An answer to a request; fake_reply() sends it and frees it. */
struct nl_msg *fake_answer(const struct request *req, uint8_t cmd, int flags);
void fake_reply(const struct request *req, struct nl_msg *msg);
void fake_put_uint(struct nl_msg *msg, int type, uint64_t value);

/* A dump in the making: messages collected into datagrams. */
struct dump {
	const struct request *req;
	unsigned char *buf;
	size_t len;
};
void fake_dump_add(struct dump *dump, struct nl_msg *msg);

/* Families. do_it: 0 or a negative errno. */
struct family_command {
	uint8_t cmd;
	bool admin;
	int (*do_it)(struct request *req);
	const struct attr_policy *do_policy;
	int do_max;
	int (*dump)(struct request *req, struct dump *dump);
	const struct attr_policy *dump_policy;
	int dump_max;
	enum fake_personality since;
};

struct family {
	const char *name;
	uint16_t id;
	uint8_t version;
	const struct family_command *commands; /* ends with cmd == 0 */
	const char *const *groups;
};
extern const struct family fake_netdev_family, fake_ethtool_family;

/* ---- fake_netlink.c ---- */
void fake_netlink_begin(void);
void fake_netlink_end(void);
/* A descriptor of a netlink socket, or a negative errno. */
int fake_netlink_new(int protocol);
/* Puts an answer into its queue. */
void fake_netlink_deliver(struct netlink *sock, const void *data, size_t len);

/* ---- fake_route.c ---- */
void fake_route_begin(void);
void fake_route_handle(struct netlink *sock, const void *buf, size_t len);

/* ---- fake_netdev.c ---- */
/* A binding dies with the socket that made it. */
void fake_unbind(const struct netlink *owner);
/* NULL if there is none of that number. */
const struct binding *fake_binding_of(uint32_t id);

/* ---- fake_socket.c and fake_receive.c ---- */
void fake_sockets_begin(void);
void fake_pools_end(void);
/* A binding is gone: what comes later doesn't come to its pages. */
void fake_pool_forget(const struct binding *b);

/* ---- fake_nic.c ---- */
struct fake_nic *fake_nic_by_index(uint32_t ifindex);
struct fake_nic *fake_nic_by_name(const char *name);

/* ---- fake_ethtool.c ---- */
/* The bit of ntuple-filters among an interface's features. */
uint64_t fake_ntuple(void);
int fake_set_indir(struct fake_nic *nic, const uint32_t *table, uint32_t len);
/* RSS contexts: 0, with the number of the one that was made, or a negative errno. */
int fake_context_add(struct fake_nic *nic, const uint32_t *table, uint32_t len, uint32_t *id);
int fake_context_del(struct fake_nic *nic, uint32_t id);

/* ---- fake_ioctl.c ---- */
/* A descriptor of a socket for ioctls, or a negative errno. */
int fake_ioctl_socket(void);
int fake_ifreq_ioctl(unsigned long request, void *arg);

/* ---- fake_files.c ---- */
void fake_files_begin(void);
/* Removes the test's directory. Says in what, of size bytes, what should not have been there. */
void fake_files_end(char *what, size_t size);
unsigned int fake_current_process(void);
/* A process dies: the directory that it lists is closed, its children are somebody else's. */
void fake_listing_end(void);
void fake_orphan(unsigned int process);

/* ---- fake_fs.c: as in libc, for files in memory and real ones ---- */
struct stat;
#define FAKE_FS_DIR "/directory-in-memory"
/* A file with this text in memory, opened for reading. */
int fake_fs_text(const char *text);
int fake_fs_openat(int dir, const char *name, int flags, mode_t mode);
void fake_fs_close(int fd);
ssize_t fake_fs_read(int fd, void *buf, size_t len);
ssize_t fake_fs_write(int fd, const void *buf, size_t len);
int fake_fs_stat(int fd, struct stat *st);
int fake_fs_statat(int dir, const char *name, struct stat *st);
int fake_fs_rename(int dir, const char *from, const char *to);
int fake_fs_unlink(int dir, const char *name);
int fake_fs_flock(int fd, int operation);
short fake_fs_poll(int fd, short events);
/* The name of a file in memory at or after *i, which moves on; NULL: no more. */
const char *fake_fs_name(size_t *i);
void fake_fs_clear(void);

/* ---- fake_memory.c ---- */

/* What memfds, dma-bufs and mappings refer to. */
struct memory {
	unsigned int users;
	uint64_t size, piece;
	int64_t huge_pages;
	bool huge, allocated, unmappable, dmabuf;
	unsigned char *base; /* NULL until somebody touches it */
};
void fake_memory_begin(void);
/* Unmaps all. Says in what, of size bytes, what the library left. */
void fake_memory_end(char *what, size_t size);
void fake_unmap_all(unsigned int process);
/* The memory whose mapping has these bytes, or NULL. */
const struct memory *fake_mapped(const void *addr, size_t len);
/* The memory of a dma-buf; NULL if it is none. */
struct memory *fake_dmabuf_memory(int fd);
void fake_memory_put(struct memory *m);
unsigned char *fake_memory_base(struct memory *m);
/* The text of a file in /sys or /proc that says what the machine has; false if it has no such. */
bool fake_number_file(const char *path, char *text, size_t size);
/* A descriptor of a device's node, or a negative errno. */
int fake_node_open(const char *path);
/* Calls fn for the nodes of a directory. */
int fake_node_list(const char *path, int (*fn)(const char *name, void *arg), void *arg);

#endif
