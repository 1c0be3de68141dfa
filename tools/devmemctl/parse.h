/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_PARSE_H
#define DEVMEMCTL_PARSE_H

/* Values on the command line. Each call returns 0, or EXIT_USAGE after saying what is wrong; what
 * names the option or operand. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <devmem/flow.h>

/* A decimal number from min to max. */
int parse_uint(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* A number of bytes from min on: "4096", "64K", "64M", "2G", "1T", each also with "iB". */
int parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* "10.0.0.1:5000", "[fe80::1%eth1]:5000"; "*" stands for any IPv4 address. */
int parse_address(const char *what, const char *text, struct sockaddr_storage *addr);
/* Length that bind(2) and connect(2) want. */
socklen_t address_len(const struct sockaddr_storage *addr);
/* Room for the longest address: "[IPv6%interface]:port". */
#define ADDRESS_TEXT_MAX 80
void format_address(char buf[ADDRESS_TEXT_MAX], const struct sockaddr_storage *addr);

/* A flow: "DST:PORT", "DST:PORT,SRC:PORT"; with "=QUEUE" behind it has_queue is set. */
struct flow_target {
	struct devmem_flow flow;
	bool has_queue;
	uint32_t queue;
};
int parse_flow(const char *what, const char *text, struct flow_target *target);
/* What parse_flow() checks of a flow whose ends were given one by one. */
int check_flow(const char *what, const struct devmem_flow *flow);

#define QUEUES_MAX 1024
struct queue_list {
	size_t n;
	uint32_t id[QUEUES_MAX];
};

/* "3", "1,3-5": each queue once, in any order. */
int parse_queues(const char *what, const char *text, struct queue_list *queues);

#endif
