// SPDX-License-Identifier: BSD-3-Clause
/* An application on one receiver that checks every byte. */
#include "test_rx_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void app_open(struct app *app, int fd, struct fake_pool *pool, struct devmem_binding *binding,
	      const struct devmem_rx_options *options)
{
	struct devmem_rx_options o = { 0 };
	struct devmem_error err = { 0 };
	int ret;

	memset(app, 0, sizeof(*app));
	if (options)
		o = *options;
	o.sz = sizeof(o);
	app->fd = fd;
	app->region = pool ? fake_pool_region(pool) : NULL;
	app->placement = o.placement;
	app->pos = fake_read(fd);
	app->held = calloc(APP_HELD_MAX, sizeof(*app->held));
	assert_non_null(app->held);
	ret = devmem_rx_open(&app->rx, fd, binding, &o, &err);
	if (ret)
		fail_msg("devmem_rx_open: %d %s", ret, err.message);
}

void app_close(struct app *app)
{
	devmem_rx_close(app->rx);
	free(app->held);
	memset(app, 0, sizeof(*app));
}

const uint8_t *app_bytes(const struct app *app, const struct devmem_fragment *frag)
{
	struct devmem_region *region = frag->region;
	void *base;

	if (frag->kind == DEVMEM_FRAGMENT_HOST)
		return frag->host;
	if (!region)
		region = app->foreign;
	assert_non_null(region);
	assert_int_equal(devmem_region_map(region, &base, NULL), 0);
	assert_true(frag->offset < devmem_region_size(region));
	assert_true(frag->size <= devmem_region_size(region) - frag->offset);
	return (const uint8_t *)base + frag->offset;
}

static void check(const struct app *app, const struct devmem_fragment *frag, uint64_t pos,
		  const char *when)
{
	size_t wrong = fake_compare(app->fd, pos, app_bytes(app, frag), frag->size);

	if (wrong)
		fail_msg("%zu of %u bytes at %llu are wrong on %s (kind %u, token %u)", wrong,
			 frag->size, (unsigned long long)pos, when, frag->kind, frag->token);
}

static void check_kind(const struct app *app, const struct devmem_fragment *frag)
{
	assert_true(frag->size > 0);
	if (frag->kind == DEVMEM_FRAGMENT_HOST) {
		assert_null(app->placement);
		assert_int_equal(frag->dmabuf_id, 0);
		assert_non_null(frag->host);
		return;
	}
	assert_int_equal(frag->kind, DEVMEM_FRAGMENT_DEVICE);
	if (!frag->dmabuf_id)
		assert_ptr_equal(frag->region, app->placement);
	else if (frag->region)
		assert_ptr_equal(frag->region, app->region);
}

int app_recv(struct app *app, unsigned int flags)
{
	int i;

	app->bytes = 0;
	app->n = devmem_rx_recv(app->rx, &app->frags, flags);
	for (i = 0; i < app->n; i++) {
		const struct devmem_fragment *frag = &app->frags[i];

		check_kind(app, frag);
		check(app, frag, app->pos, "arrival");
		if (frag->kind == DEVMEM_FRAGMENT_DEVICE) {
			assert_true(app->n_held < APP_HELD_MAX);
			app->held[app->n_held].frag = *frag;
			app->held[app->n_held++].pos = app->pos;
		}
		app->pos += frag->size;
		app->bytes += frag->size;
	}
	assert_int_equal(app->pos, fake_read(app->fd));
	return app->n;
}

void app_release(struct app *app, uint32_t i)
{
	check(app, &app->held[i].frag, app->held[i].pos, "release");
	devmem_rx_release(app->rx, &app->held[i].frag, 1);
	app->held[i] = app->held[--app->n_held];
}

void app_release_all(struct app *app)
{
	struct devmem_fragment *frags = calloc(app->n_held + 1, sizeof(*frags));
	uint32_t i;

	assert_non_null(frags);
	for (i = 0; i < app->n_held; i++) {
		check(app, &app->held[i].frag, app->held[i].pos, "release");
		frags[i] = app->held[i].frag;
	}
	devmem_rx_release(app->rx, frags, app->n_held);
	app->n_held = 0;
	free(frags);
}

void app_drain(struct app *app)
{
	int ret;

	while ((ret = app_recv(app, 0)) > 0)
		app_release_all(app);
	if (ret)
		fail_msg("devmem_rx_recv: %d at byte %llu", ret, (unsigned long long)app->pos);
}

struct devmem_rx_stats app_stats(const struct app *app)
{
	struct devmem_rx_stats stats;

	devmem_rx_stats(app->rx, &stats);
	return stats;
}
