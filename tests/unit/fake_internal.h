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

#define NIC_MAX 4

struct datagram {
	struct datagram *next;
	size_t len;
	unsigned char data[];
};

enum object_kind {
	OBJECT_NETLINK,
	OBJECT_DGRAM,
	OBJECT_TCP,
	OBJECT_DMABUF,
	OBJECT_FILE,
};

/* What a descriptor refers to. */
struct object {
	enum object_kind kind;
	unsigned int users;
	uint64_t size, piece;
	bool unmappable;
	struct sockaddr_storage local, peer;
	socklen_t addr_len;
	/* netlink */
	uint32_t portid;
	bool ext_ack, cap_ack, overrun, patience;
	struct datagram *first, **last;
	/* file */
	int real;
};

struct fake {
	enum fake_personality personality;
	bool admin;
	struct fake_nic nics[NIC_MAX];
	unsigned int n_nics;
	uint32_t next_binding;
	struct {
		uint32_t id;
		struct object *owner;
	} bindings[FAKE_QUEUES];
	size_t dump_size;
};
extern struct fake fake;

/* fake_kernel.c */
void fake_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fake_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fake_queue(struct object *sock, const void *data, size_t len);
struct object *fake_object(int fd);
struct object *fake_object_new(enum object_kind kind);
/* A descriptor for it: the library's, or the test's own. */
int fake_install(struct object *obj, bool test_owned);
/* Counts a call of the library and says whether it is to fail. */
int fake_enter(const char *name);
#define ENTER(name)                                                                                \
	do {                                                                                       \
		int fault = fake_enter(name);                                                      \
                                                                                                   \
		if (fault)                                                                         \
			return fault;                                                              \
	} while (0)
struct fake_nic *fake_nic_by_index(uint32_t ifindex);
struct fake_nic *fake_nic_by_name(const char *name);
void *fake_alloc(size_t size);

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

struct request {
	struct object *sock;
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
void fake_handle(struct object *sock, void *data, size_t len);
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

/* fake_files.c */
void fake_files_begin(void);
/* Removes the test's directory. Says in what, of size bytes, what should not have been there. */
void fake_files_end(char *what, size_t size);
void fake_file_release(struct object *obj);
/* Called by a call of the library before it does anything. */
void fake_file_events(unsigned int call);
/* Within what fake_before() and fake_on_wait() asked for. */
bool fake_paused(void);
/* poll(2) of a file. */
short fake_file_poll(const struct object *obj, short events);
void fake_clock_pass(uint64_t ms);
unsigned int fake_current_process(void);

/* fake_fs.c: as in libc, for files in memory and real ones */
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

/* fake_netdev.c */
void fake_unbind(struct object *owner);
/* fake_ethtool.c */
int fake_set_indir(struct fake_nic *nic, const uint32_t *table, uint32_t len);
/* RSS contexts: 0, with the number of the one that was made, or a negative errno. */
int fake_context_add(struct fake_nic *nic, const uint32_t *table, uint32_t len, uint32_t *id);
int fake_context_del(struct fake_nic *nic, uint32_t id);
/* fake_ioctl.c */
int fake_ioctl(struct object *obj, unsigned long request, void *arg);

#endif
