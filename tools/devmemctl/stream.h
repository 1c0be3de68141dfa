/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_STREAM_H
#define DEVMEMCTL_STREAM_H

/* TCP sockets for recv and send. Sockets don't block; waits end when a signal comes. Unless said
 * otherwise a call returns 0, or an exit code after saying what is wrong. */

#include <sys/socket.h>

/* A socket bound to addr, not listening yet. dev: whose packets are wanted, NULL for any. */
int stream_bind(int *fd, const struct sockaddr_storage *addr, const char *dev);

/* A socket bound to the local address that leads to peer and to a free port, so that both ends of
 * the connection are known before it is made; local receives that address. */
int stream_prepare(int *fd, struct sockaddr_storage *local, const struct sockaddr_storage *peer);

/* A socket to be connected to peer through dev. */
int stream_open(int *fd, const struct sockaddr_storage *peer, const char *dev);

int stream_listen(int fd);

/* A signal: -EINTR. */
int stream_accept(int *fd, int listener, struct sockaddr_storage *peer);
/* Says so if no answer comes for long. */
int stream_connect(int fd, const struct sockaddr_storage *peer);

#endif
