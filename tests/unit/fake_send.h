/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_FAKE_SEND_H
#define DEVMEM_TESTS_FAKE_SEND_H

/*
 * How sockets of the kernel in tests/unit send from device memory.
 *
 * A send buffer of limited room, peers that receive bytes at times of the virtual clock; sendmsg,
 * poll and the error queue with the kernel's rules, and its checks in its order. The NIC reads a
 * byte when it leaves, not when it is sent, and once more when the send completes, as for a
 * retransmission: what was overwritten too early shows as wrong bytes of the stream, or in
 * fake_spoilt().
 */

#include "fake_socket.h"

void fake_socket_route(int fd, uint32_t ifindex);
/* SO_BINDTOIFINDEX, as the application set it; what the socket has. Without CAP_NET_RAW, which
 * the library doesn't have here, a bound socket stays bound. */
void fake_socket_bind(int fd, uint32_t ifindex);
uint32_t fake_socket_bound(int fd);
void fake_socket_mark(int fd, uint32_t mark);
/* SO_ZEROCOPY, as the application set it; what the socket has. */
void fake_socket_zerocopy(int fd, bool on);
bool fake_socket_has_zerocopy(int fd);
/* The application switches it off at that time. */
void fake_zerocopy_off(int fd, uint64_t at);
/* Room of the send buffer. Default 1 MiB. */
void fake_socket_sndbuf(int fd, uint32_t bytes);
/* Its stream isn't kept, for sends of gigabytes: there is nothing to compare. */
void fake_socket_blind(int fd);
/* What the next send with MSG_ZEROCOPY will be called. */
void fake_socket_number(int fd, uint32_t next);
uint32_t fake_socket_next(int fd);
/* Most notifications, in flight and unread ones; 0 = no limit, the default. */
void fake_socket_optmem(int fd, uint32_t notifications);

/* ---- the peer and the kernel's completions ---- */

/* The peer receives so many bytes every so many ns; 0 bytes = nothing by itself. */
void fake_pace(int fd, uint64_t bytes, uint64_t ns);
/* It receives so many now. */
void fake_take(int fd, uint64_t bytes);
/* Completions come up to so much later, in whatever order that makes. */
void fake_jitter(int fd, uint64_t ns);
/* They come when fake_complete() says so, and only then. */
void fake_hold(int fd, bool on);
/* The send of this number becomes complete: its bytes must have left. */
void fake_complete(int fd, uint32_t number);
/* Neighbours in the queue are merged: on from the beginning, as the kernel does it. */
void fake_merge(int fd, bool on);
/* Sends share one completion with the one before, where the kernel could do that, in so many of a
 * hundred cases. */
void fake_join(int fd, uint32_t percent);
/* So many of a hundred are copied after all. */
void fake_copied(int fd, uint32_t percent);
/* The application closes it for sending. */
void fake_shutdown(int fd);

/* The application sends so many zeros in the ordinary way. There must be room. */
void fake_send_ordinary(int fd, uint32_t bytes);

/* Messages that are put into the error queue by others. */
void fake_note_zerocopy(int fd, uint32_t low, uint32_t high, bool copied);
void fake_note_timestamp(int fd);
void fake_note_icmp(int fd, int code);
void fake_note_raw(int fd, const void *control, size_t len);
/* The next completions bring so many bytes of another control message first. */
void fake_clutter(int fd, size_t bytes);
/* Completions bring a control message of another kind first, as SO_TIMESTAMP has it. */
void fake_stamps(int fd, bool on);

/* What has left, in order. */
const uint8_t *fake_stream(int fd, uint64_t *len);
/* Bytes that sendmsg() has accepted. */
uint64_t fake_sent(int fd);
/* Bytes that had changed when their send became complete. */
uint64_t fake_spoilt(int fd);
/* Sends that are not complete; messages that wait in the error queue. */
uint32_t fake_in_flight(int fd);
uint32_t fake_notes(int fd);

/* Questions for a route. */
unsigned int fake_route_questions(void);
/* Of the last send: flags, how many pieces it had, and how many bytes. */
int fake_send_flags(int fd);
size_t fake_send_pieces(int fd);
uint64_t fake_send_asked(int fd);
/* Events and timeout of the last poll. */
short fake_poll_events(void);
int fake_poll_timeout(void);

/* ---- faults ---- */

/* The next send or reap fails, `after` further ones from now (0 = the next). */
void fake_fail_send(int fd, unsigned int after, int code);
void fake_fail_reap(int fd, unsigned int after, int code);
/* There is no answer to a question for a route, but this errno. */
void fake_route_fails(int code);

#endif
