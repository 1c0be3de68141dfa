/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_SIGNALS_H
#define DEVMEMCTL_SIGNALS_H

/*
 * Signals as something to wait for. From signals_open() on, every signal that would end the process
 * and can be caught is blocked and read from a descriptor instead. So no signal interrupts a step
 * that changes the network device or puts it back, and none is lost between two waits.
 */

#include <poll.h>
#include <stdbool.h>

/* Return: 0, or an exit code after saying what failed. */
int signals_open(void);

/* For poll(2): readable when a signal has come. */
int signals_fd(void);

/* The next signal; 0 if there is none. by_process: sent with kill(2), not by a terminal (which
 * sends it to the whole process group). NULL if of no interest. */
int signals_next(bool *by_process);

/* In a child, before exec: everything as this program found it. */
void signals_reset(void);

/* "SIGINT" */
const char *signals_name(int sig, char buf[24]);

/*
 * Waits until fd is ready for events (POLLIN, POLLOUT), a signal has come, or timeout_ms has passed
 * (-1 = never). A signal is left for signals_next().
 * Return: 1 ready, 0 time is up, -EINTR a signal is there, or another negative errno.
 */
int signals_wait(int fd, short events, int timeout_ms);
/* The same for up to SIGNALS_POLL_MAX descriptors, as poll(2) has them; a negative one is nobody.
 * Return: how many are ready, else the same. */
#define SIGNALS_POLL_MAX 2
int signals_poll(struct pollfd *fds, unsigned int n, int timeout_ms);

#endif
