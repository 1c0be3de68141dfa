/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_TESTS_TEST_TX_APP_H
#define DEVMEM_TESTS_TEST_TX_APP_H

/* An application for the tests of senders: it writes down what it has sent. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <devmem/devmem.h>

#include "fake_send.h"

struct app {
	int fd;
	struct devmem_region *region;
	uint8_t *bytes;
	uint64_t size;
	struct devmem_binding *binding;
	struct devmem_tx *tx;
	/* The stream as it must arrive. */
	uint8_t *want;
	uint64_t want_len, want_cap;
};

enum app_kind {
	APP_DEVICE,	  /* a dma-buf, bound to eth1 */
	APP_PLAIN_DMABUF, /* a dma-buf that the CPU copies from */
	APP_PLAIN_MEMFD,
	APP_RX, /* no kind of application: bound to a queue */
};

/* fake_begin() and fake_end() around each test. */
int app_setup(void **state);
int app_teardown(void **state);
#define APP_TEST(f) cmocka_unit_test_setup_teardown(f, app_setup, app_teardown)

/* Everything but the sender: a region with something in it, its binding, a socket. */
void app_begin(struct app *app, enum app_kind kind, uint64_t size);
/* Another binding of its region; closes the one that it has. */
void app_bind(struct app *app, enum app_kind kind);
void app_unbind(struct app *app);
/* The sender. Options may be NULL. */
void app_open(struct app *app, const struct devmem_tx_options *options);
/* Both. */
void app_start(struct app *app, enum app_kind kind, uint64_t size);
/* Abandons the sender, if there is one, and frees what the application has. */
void app_end(struct app *app);

/* devmem_tx_send(); what it sent is recorded. */
int64_t app_send(struct app *app, const struct devmem_range *ranges, size_t n, unsigned int flags,
		 uint64_t *sequence);
/* One range that must go whole. Return: its number. */
uint64_t app_send_one(struct app *app, uint64_t offset, uint64_t size);
/* What has left is what was sent so far, and nothing changed too early. */
void app_check(const struct app *app);
/* And all of it has. */
void app_check_all(const struct app *app);

struct devmem_tx_stats app_stats(const struct app *app);
/* devmem_tx_explain(): has the code, a sentence without a newline, and these words. */
void app_explains(const struct app *app, int code, int kind, const char *words);

#endif
