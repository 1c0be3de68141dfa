/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_KERNEL_H
#define DEVMEM_TESTS_FAKE_KERNEL_H

/*
 * A kernel in this process, in place of lib/core/sys.c.
 *
 * Interfaces with their drivers' abilities and settings; the generic netlink families nlctrl,
 * netdev and ethtool; the SIOCETHTOOL ioctls; memory (fake_memory.h); TCP sockets (fake_socket.h,
 * fake_send.h); files of a temporary directory, their locks, programs and a clock. Netlink messages
 * are read and written with libnl, never with libmnl or the library's own codecs, and checked the
 * way the kernel checks them: attribute policies, order of checks, extended acknowledgements.
 *
 * Every system call is counted and can be made to fail. Every change of a setting is logged in
 * order. fake_end() complains about descriptors and mappings that were left behind, and about calls
 * that no program should make.
 */

#include <linux/ethtool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define FAKE_QUEUES 16
#define FAKE_INDIR 128
#define FAKE_KEY 40
#define FAKE_RULES 32
#define FAKE_CONTEXTS 8

enum fake_personality {
	/* no hds-thresh, no RSS_SET, RSS_CREATE_ACT, RSS_DELETE_ACT; bind-rx as it was at first, no
	 * bind-tx */
	FAKE_LINUX_6_12,
	FAKE_LINUX_7_3,
};

struct fake_rule {
	uint32_t used;
	uint32_t rss_context;
	struct ethtool_rx_flow_spec fs;
};

/* An RSS context beyond the default one. */
struct fake_context {
	uint32_t used;
	uint32_t indir[FAKE_INDIR];
};

/* What can be set on an interface, without padding: compared byte for byte. */
struct fake_state {
	uint32_t ring_rx, ring_tx;
	uint32_t split; /* as configured: 0 = left to the driver */
	uint32_t hds_thresh;
	uint32_t combined;
	uint32_t rss_configured; /* the table is somebody's choice, not the driver's default */
	uint32_t rss_hfunc;
	uint32_t padding;
	uint64_t features_wanted, features;
	uint32_t indir[FAKE_INDIR];
	uint8_t key[FAKE_KEY];
	struct fake_rule rules[FAKE_RULES];
	struct fake_context contexts[FAKE_CONTEXTS]; /* number 1 is the first */
	uint32_t bound[FAKE_QUEUES];		     /* binding id of each receive queue */
};

/* One interface: what its driver can, and its settings. */
struct fake_nic {
	uint32_t ifindex;
	char name[16];
	bool present;
	bool up;
	uint32_t mtu;

	/* Driver */
	char driver[32], bus[32]; /* driver "" = no drvinfo */
	uint8_t perm_addr[32];	  /* all 0 = none */
	uint32_t addr_len;
	bool queue_mgmt; /* can restart single queues: needed for bind-rx */
	bool dma;	 /* has a device that can DMA */
	bool netmem_tx;	 /* can send from device memory: needed for bind-tx */
	int no_attach;	 /* errno: no dma-buf can be bound to it */
	bool has_rings, can_set_rings;
	bool can_split, can_hds_thresh;
	uint32_t split_auto; /* what it reports while the split is left to it */
	uint32_t ring_rx_max, ring_tx_max, hds_thresh_max;
	bool has_channels;
	uint32_t combined_max;
	bool has_rss, can_set_rss, rss_contexts;
	uint32_t contexts_max;	  /* at most FAKE_CONTEXTS */
	bool no_rss_dump;	  /* as before Linux 6.12 */
	bool rss_dump_all;	  /* of all interfaces, and default ones */
	uint32_t rss_create_mute; /* 1: doesn't say which, 2: no answer */
	uint32_t indir_size, key_size;
	bool has_rules; /* get_rxnfc and set_rxnfc */
	bool can_set_rules;
	uint32_t rules_max;
	bool location_any;	 /* driver picks a rule's place */
	bool location_only_any;	 /* and accepts no other way */
	bool refuse_duplicates;	 /* EEXIST for a rule that is there already */
	bool ntuple_fixed;	 /* ntuple-filters can't be switched */
	bool ntuple_off_flushes; /* switching them off empties the table */
	bool rules_need_ntuple;	 /* EOPNOTSUPP while they are off */
	bool has_qstats;
	bool rx_page_size;		      /* QCFG_RX_PAGE_SIZE */
	bool xdp;			      /* an XDP program is attached */
	uint32_t xsk_queues, io_uring_queues; /* bit masks */
	uint32_t leased_queues;
	bool has_page_pools;
	uint64_t rx_packets, rx_bytes, alloc_fail, hw_drops, hw_overruns, inflight;

	struct fake_state state;
};

/* Starts an empty kernel. */
void fake_begin(enum fake_personality personality);
/* Checks for leaks and complaints, and forgets everything. Fails the running cmocka test. */
void fake_end(void);

/* Calls fn before fake_end() looks at what is left; the last one first. */
void fake_at_end(void (*fn)(void *arg), void *arg);

/* A NIC with everything: 4 combined channels, split off, 8-entry table by default, driver picks
 * places. The caller changes what is to differ before the first call. */
struct fake_nic *fake_nic_rich(const char *name);
/* Like veth: no rings, no RSS, no rules, no statistics, one queue. */
struct fake_nic *fake_nic_poor(const char *name);
struct fake_nic *fake_nic_find(const char *name);
/* Puts a rule into the table from outside the library. */
void fake_rule_put(struct fake_nic *nic, uint32_t location, uint32_t flow_type, uint64_t cookie);
/* The same for one that spreads its packets through an RSS context. */
void fake_rule_put_context(struct fake_nic *nic, uint32_t location, uint32_t flow_type,
			   uint32_t context);
/* Makes an RSS context from outside the library. */
void fake_context_put(struct fake_nic *nic, uint32_t id, const uint32_t *table, uint32_t n);
/* The table of an RSS context, NULL if there is none of that number. */
const uint32_t *fake_context(const struct fake_nic *nic, uint32_t id);
/* Fills the table with the driver's default. */
void fake_indir_default(struct fake_nic *nic);

void fake_snapshot(const struct fake_nic *nic, struct fake_state *state);
/* Fails the running test with a list of differences. */
void fake_assert_state(const struct fake_nic *nic, const struct fake_state *state, const char *why);
bool fake_same_state(const struct fake_nic *nic, const struct fake_state *state);

/* Descriptors of the test's own. */
int fake_dmabuf(uint64_t size);
/* Its exporter offers no mapping. */
void fake_dmabuf_unmappable(int fd);
/* dma-buf whose scatter list has pieces of that many bytes: checked against rx-page-size. */
int fake_dmabuf_pieces(uint64_t size, uint64_t piece);
int fake_tcp(const void *local, const void *peer, socklen_t len);
int fake_udp(void);
/* Nothing of what the library works with. */
int fake_plain_fd(void);
void fake_close(int fd);
/* Descriptors that are open, the test's and the library's. */
unsigned int fake_open_fds(void);
/* Each close of the library closed what it opened last and still was open. */
bool fake_undone_in_reverse(void);

/* The id of the next binding; 0, which the kernel never gives, is given but binds nothing. */
void fake_next_binding(uint32_t id);

/* The kernel forgets a binding that it has, as when its other process ends. */
void fake_forget(uint32_t id);

/* Privilege: CAP_NET_ADMIN. On from the beginning. */
void fake_admin(bool on);

/* System calls of the library so far. */
unsigned int fake_calls(void);
/* Call number `at` (the first is 1) fails with -code before it does anything. 0 cancels it. More
 * than one may be set. */
void fake_fail(unsigned int at, int code);
/* As fake_fail(), for this and every later call. */
void fake_fail_from(unsigned int at, int code);
/* The call that failed last because of these, and the path that it was given: "sys_open
 * /dev/udmabuf". "" if none did since fake_fail(). */
const char *fake_failed(void);
/* Each call of the library in attempt() fails once with -code, or each allocation of it: the first,
 * the second and so on until there are no more. Nothing may stay behind: no descriptor, no mapping,
 * no memory. attempt() closes what it opened, and returns what the library returned. Return: how
 * many could fail. Allocations are counted only in programs with fake_alloc.c. */
enum fake_step { FAKE_CALL, FAKE_ALLOCATION };
unsigned int fake_each_fails(enum fake_step step, int code, int (*attempt)(void *arg), void *arg);
/* While it is on, what the library allocates is counted. */
void fake_count_allocations(bool on);
unsigned int fake_allocations(void);
/* Call number `at` finds the interface gone. */
void fake_vanish(unsigned int at, struct fake_nic *nic);
/* Name of the n-th call, for messages: "sys_send". */
const char *fake_call_name(unsigned int n);
/* True if the n-th call did nothing but close a descriptor or unmap. */
bool fake_call_is_release(unsigned int n);

/* What happens to the next answers (datagrams from the netlink sockets), in order of arrival. */
enum fake_mischief {
	FAKE_FINE,
	FAKE_SHORT,	 /* cut within a message */
	FAKE_STUB,	 /* cut within the first header */
	FAKE_EMPTY,	 /* datagram without a byte */
	FAKE_GARBAGE,	 /* random bytes */
	FAKE_TWICE,	 /* delivered twice */
	FAKE_STALE,	 /* preceded by the answer to an older request */
	FAKE_FOREIGN,	 /* preceded by an answer addressed to another socket */
	FAKE_NOTICE,	 /* preceded by a multicast notification */
	FAKE_DUMP_INTR,	 /* NLM_F_DUMP_INTR on its messages */
	FAKE_OVERRUN,	 /* recv says ENOBUFS once */
	FAKE_BAD_LENGTH, /* nlmsg_len points past the end */
	FAKE_NO_TYPE,	 /* answer of an unexpected type */
	FAKE_MISCHIEFS,
};
/* The n-th datagram from now (the first is 1). */
void fake_mischief(unsigned int n, enum fake_mischief what);
/* Answers of dumps are split into datagrams of at most so many bytes. */
void fake_dump_size(size_t bytes);

/* Ordered log of changes: "eth1 rings-set split=2 hds-thresh=0". */
size_t fake_log_len(void);
const char *fake_log(size_t i);
void fake_log_clear(void);

/* The directory of the running test, made when first asked for, empty and for its owner alone. All
 * files that the library makes must lie in it. fake_end() removes it, and complains about journals,
 * locks and owners' files that were left in it. */
const char *fake_dir(void);
/* It and its files lie in memory: faster, but hidden from libc. To be called right after
 * fake_begin(). */
void fake_dir_in_memory(void);
/* No complaint about them. */
void fake_dir_keep(void);
/* Reads and writes of files move at most so many bytes at a time; 0: all. */
void fake_file_chunk(size_t bytes);

/* What /proc/sys/kernel/random/boot_id and /proc/self/comm hold. */
void fake_boot(const char *id);
void fake_comm(const char *name);
/* A device of this address is on this bus, and has a driver. */
void fake_device(const char *bus, const char *address);
/* What an interface's dev_port holds in sysfs; there is none from the beginning. */
void fake_device_port(const char *name, const char *port);
/* Inode number of the network namespace. */
void fake_netns(uint64_t ino);
/* Seconds since 1970. */
void fake_time(uint64_t seconds);
/* The clock that only goes forward, in milliseconds: as far as the library has waited. */
uint64_t fake_clock(void);
#define FAKE_MS UINT64_C(1000000)
#define FAKE_NEVER UINT64_MAX
/* The same in nanoseconds since the beginning. */
uint64_t fake_now(void);
void fake_advance(uint64_t ns);
/* A signal arrives: a wait that passes this time ends with EINTR. */
void fake_signal(uint64_t at);
/* Seeds what is random in the fake kernel. */
void fake_seed(uint32_t seed);
/* Several threads call: each call has the kernel for itself, and a wait leaves the others real
 * time. */
void fake_threads(bool on);

/* Calls fn before call number `at` does anything; 0 cancels it. fn may use the library, for
 * another process: these calls are not counted and don't fail. */
void fake_before(unsigned int at, void (*fn)(void *arg), void *arg);
/* Calls fn when the library waits for a lock without a limit. fn must unlock it: otherwise
 * the wait would last for ever. */
void fake_on_wait(void (*fn)(void *arg), void *arg);

/* Programs that the library starts: what they say, or NULL if they say nothing and stay. "ready\n"
 * from the beginning. */
void fake_spawn_says(const char *text);
/* How many it started, and the words of the last one's command line; NULL past its end. */
unsigned int fake_spawns(void);
const char *fake_spawn_arg(unsigned int i);

/* From now on the library's calls come from this process; at the beginning from 0. Its pid is 4711
 * and so many. What it opens goes when it dies, what others opened doesn't. */
void fake_process(unsigned int process);
/* Kills a process: all that it has open is closed at once. Its handles must not be used any more:
 * have them opened within fake_crashes(0, ...), so that they don't count as leaks. */
void fake_kill(unsigned int process);
/* Calls fn, and kills the running process at call number `at`, before that does anything: true.
 * False if fn came back before, or at is 0. What fn allocated doesn't count as a leak. */
bool fake_crashes(unsigned int at, void (*fn)(void *arg), void *arg);

/* Last request that reached the kernel over netlink. */
const void *fake_last_request(size_t *len);

#endif
