/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_SOCKET_H
#define DEVMEM_TESTS_FAKE_SOCKET_H

/*
 * TCP sockets of the kernel in tests/unit, and how they receive.
 *
 * A pool of pages in a dma-buf, sockets whose peers send packets at times of a virtual clock into
 * it, and recvmsg, poll, SO_RCVLOWAT and SO_DEVMEM_DONTNEED with the kernel's rules. A packet that
 * finds no free page is dropped and comes again later. Every byte of a stream is a function of the
 * stream and its position, and a page is overwritten the moment it is free, so that wrong offsets,
 * wrong order and use after release show in the bytes.
 *
 * The clock moves when the library waits, and by fake_advance(). Waiting for ever for what can't
 * come, and asking again and again without waiting, fail the running test at once.
 */

#include <devmem/binding.h>
#include <devmem/region.h>

#include "fake_kernel.h"
#include "fake_memory.h"

#define FAKE_FRAGS_MAX 17

/* ---- pools ---- */
struct fake_pool;

struct fake_pool *fake_pool_new(uint64_t size, uint32_t page_size, uint32_t dmabuf_id);
struct devmem_region *fake_pool_region(struct fake_pool *pool);
/* Binds it to a queue of an interface that only pools have; held_max in bytes, UINT64_MAX = no
 * limit. Closed by fake_end(), as is the region. */
struct devmem_binding *fake_pool_binding(struct fake_pool *pool, uint64_t held_max);
/* Closes the binding: later packets come as plain ones. */
void fake_pool_unbind(struct fake_pool *pool);
struct held;
struct held *fake_pool_held(struct fake_pool *pool);
/* Pages that neither the application nor a queue has. */
uint32_t fake_pool_free(const struct fake_pool *pool);
uint32_t fake_pool_pages(const struct fake_pool *pool);
uint32_t fake_pool_free_min(const struct fake_pool *pool);
uint64_t fake_pool_drops(const struct fake_pool *pool);
/* Fragments of several packets share a page. */
void fake_pool_pack(struct fake_pool *pool, bool on);

/* ---- sockets ---- */
struct fake_packet {
	uint64_t at;			/* not sent before */
	uint32_t plain;			/* bytes of a packet without a region; else 0 */
	uint32_t linear;		/* payload left with the headers */
	uint32_t n;			/* fragments */
	uint32_t frags[FAKE_FRAGS_MAX]; /* their sizes, each <= page */
	bool foreign;			/* fragments in the foreign pool */
};

/* A connected socket, AF_INET or AF_INET6, with addresses of its own, routed through interface 2,
 * not bound to any. Its peer neither sends nor receives anything by itself. */
int fake_connected(int family);
int fake_socket_unconnected(void);
/* One whose device packets land in pool (NULL: all are plain). */
int fake_socket(struct fake_pool *pool);
/* Its packets come in through this interface: its rules and its RSS table say on what queue, and if
 * that is bound, they land in the binding's region. */
void fake_socket_nic(int fd, const struct fake_nic *nic);
/* The application closes the descriptor. The test may still ask about the socket. */
void fake_socket_close(int fd);
/* Where packets marked foreign land. */
void fake_socket_foreign(int fd, struct fake_pool *pool);
/* SO_RCVBUF of the model and the low-water mark's cap that follows from it. Default 6 MiB. */
void fake_socket_rcvbuf(int fd, uint32_t bytes);
void fake_socket_lowat(int fd, int lowat); /* as if the application had set it */
int fake_socket_get_lowat(int fd);
void fake_socket_nonblock(int fd, bool on);
/* Each recvmsg() brings a timestamp, too. */
void fake_socket_timestamps(int fd, bool on);
/* Something waits on the error queue: poll() says POLLERR, recvmsg() doesn't report it. */
void fake_socket_error_queue(int fd, bool on);

void fake_send(int fd, const struct fake_packet *packet);
/* Shorthands. Device: bytes split into fragments of at most `frag`. */
void fake_send_device(int fd, uint64_t at, uint32_t bytes, uint32_t frag);
void fake_send_plain(int fd, uint64_t at, uint32_t bytes);
void fake_send_linear(int fd, uint64_t at, uint32_t linear, uint32_t bytes, uint32_t frag);
void fake_send_fin(int fd, uint64_t at);
/* The connection ends: the next call says code; what is queued to be sent is dropped and becomes
 * complete. */
void fake_reset(int fd, uint64_t at, int code);

/* The byte at a position of a socket's stream. */
uint8_t fake_byte(int fd, uint64_t pos);
/* How many of len bytes differ from the stream at pos. */
size_t fake_compare(int fd, uint64_t pos, const void *bytes, size_t len);
uint64_t fake_read(int fd);    /* bytes that recvmsg() returned */
uint64_t fake_queued(int fd);  /* bytes that wait */
uint64_t fake_arrived(int fd); /* bytes that arrived */
/* When the byte arrived; it must have. */
uint64_t fake_arrival(int fd, uint64_t pos);
/* Longest time that a byte waited between its arrival and recvmsg(). */
uint64_t fake_delay_max(int fd);
uint32_t fake_tokens_out(int fd);

struct fake_counts {
	uint64_t recv, send, reap, poll, inq; /* reap: recvmsg() from the error queue */
	uint64_t dontneed, lowat, getsockopt, setsockopt;
	uint64_t ranges, freed, missing; /* of SO_DEVMEM_DONTNEED; missing: no such token */
	uint64_t eagain;		 /* recvmsg() that found nothing, sendmsg() without room */
	uint64_t control_short;		 /* device reads that ended because control space did */
};
struct fake_counts fake_counts(int fd);

/* ---- faults ---- */
/* The next recvmsg() fails, `after` further ones from now (0 = the next). */
void fake_fail_recv(int fd, unsigned int after, int code);
void fake_fail_poll(int fd, unsigned int after, int code);
void fake_fail_dontneed(int fd, unsigned int after, int code);
void fake_fail_lowat(int fd, unsigned int after, int code);
/* SO_DEVMEM_DONTNEED stops after so many fragments; 0 = the kernel's 1024. */
void fake_dontneed_limit(int fd, uint32_t fragments);
/* Sees and may change what recvmsg() leaves behind. */
typedef void fake_mangle_fn(void *control, size_t *len, void *arg);
void fake_mangle(int fd, fake_mangle_fn *fn, void *arg);

#endif
