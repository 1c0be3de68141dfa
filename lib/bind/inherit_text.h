/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_INHERIT_TEXT_H
#define DEVMEM_LIB_INHERIT_TEXT_H

/*
 * What a launcher passes to its command about a binding, as one line of text:
 *
 *	1 dev=eth1 binding=7 queues=2,3 region-fd=5 page-size=4096 held-pages=4096
 *	1 dev=eth1 binding=9 direction=tx region-fd=5
 *
 * The version, then words that are each there once, in any order, one space apart. A binding to
 * send has direction=tx, and nothing of what is there to receive. Numbers are decimal. In the name
 * of the interface everything but letters, digits and "-._" is written as %XX. Pure: text in,
 * numbers out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devmem/error.h>

#include "nic/nic.h"

struct inherit_text {
	char dev[NIC_NAME_SIZE];
	uint32_t binding;
	int region_fd;
	/* To send: without queues, and the rest is 0. */
	bool tx;
	const uint32_t *queues;
	size_t n;
	uint32_t page_size;
	/* UINT64_MAX = no limit */
	uint64_t held_pages;
};

/* Copies the name: len bytes without a terminator. False if no interface can have it. */
bool inherit_text_set_dev(struct inherit_text *t, const char *name, size_t len);

/* -EINVAL: no queue to receive, one twice, or one to send; -ENOSPC. Then the text is empty, if
 * there is room for that. */
int inherit_text_write(char *text, size_t size, const struct inherit_text *t,
		       struct devmem_error *err);

/* Allocates the queues: inherit_text_free() frees them. -EINVAL: the message names the word. On
 * failure there is nothing to free. */
int inherit_text_parse(struct inherit_text *t, const char *text, struct devmem_error *err);
void inherit_text_free(struct inherit_text *t);

#endif
