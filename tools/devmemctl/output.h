/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEMCTL_OUTPUT_H
#define DEVMEMCTL_OUTPUT_H

/*
 * Results: a command builds one tree, and it is printed either as JSON or as text, so that the two
 * can't say different things. In text a key becomes a label, an object a block of lines, a list of
 * objects a table, a list of numbers ranges.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <json-c/json.h>

#include "ctl.h"

struct json_object *out_object(struct json_object *parent, const char *key);
struct json_object *out_list(struct json_object *parent, const char *key);
/* A new object at the end of a list. */
struct json_object *out_item(struct json_object *list);

void out_str(struct json_object *obj, const char *key, const char *value); /* NULL = null */
void out_uint(struct json_object *obj, const char *key, uint64_t value);
/* In text with a unit after it: "67108864 (64 MiB)". */
void out_bytes(struct json_object *obj, const char *key, uint64_t value);
void out_bool(struct json_object *obj, const char *key, bool value);
void out_null(struct json_object *obj, const char *key);
/* "10.0.0.1:5000", or null without an address. */
void out_address(struct json_object *obj, const char *key, const struct sockaddr_storage *addr);
/* What text output shows of a number or list that is there already. */
void out_text(struct json_object *obj, const char *key, const char *text);
/* With three digits after the point. */
void out_double(struct json_object *obj, const char *key, double value);
/* Adds a number to a list. */
void out_add_uint(struct json_object *list, uint64_t value);

/*
 * Prints a tree and lets go of it. columns: keys that a table at the top shows in text, in this
 * order, ended by NULL; NULL for all keys. Return: EXIT_OK, or the exit code after saying that the
 * stream couldn't be written.
 */
int out_print(const struct ctl *ctl, FILE *stream, struct json_object *root,
	      const char *const *columns);

/* Writes out what is buffered. Return: EXIT_OK, or the exit code after saying what failed. */
int output_flush(FILE *stream);

/* "64 MiB", "1.5 GiB", "17 B" */
void format_bytes(char *buf, size_t len, uint64_t bytes);

/* Ascending numbers as ranges: "1,3-5". */
void format_ranges(char *buf, size_t len, const uint32_t *values, size_t n);

#endif
