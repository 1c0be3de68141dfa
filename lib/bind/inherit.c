// SPDX-License-Identifier: BSD-3-Clause
/* A binding that a launcher made, in the command that it started. */
#include <devmem/inherit.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bind/binding.h"
#include "bind/inherit_text.h"
#include "core/error.h"

struct devmem_inherited {
	struct inherit_text text;
	struct devmem_region *region;
	struct devmem_binding *binding;
};

int devmem_inherit_format(char *text, size_t size, const struct devmem_binding *binding,
			  const char *dev, const uint32_t *queues, size_t n,
			  struct devmem_error *err)
{
	struct inherit_text t = { .queues = queues, .n = n };
	struct devmem_binding_stats stats;

	if (size)
		text[0] = '\0';
	if (!inherit_text_set_dev(&t, dev, strlen(dev)))
		return error_input(err, -EINVAL, dev, "no interface can have this name");
	if (devmem_binding_is_plain(binding))
		return error_input(err, -EINVAL, dev,
				   "a plain binding can't be inherited: there is nothing in the "
				   "kernel that the command could use");
	devmem_binding_stats(binding, &stats);
	t.tx = binding_is_tx(binding);
	t.binding = devmem_binding_id(binding);
	t.region_fd = devmem_region_fd(binding_region(binding));
	t.page_size = (uint32_t)stats.page_size;
	t.held_pages = stats.held_pages_limit;
	return inherit_text_write(text, size, &t, err);
}

static int open_binding(struct devmem_inherited *in, struct devmem_error *err)
{
	const struct inherit_text *t = &in->text;

	if (t->tx)
		return binding_open_inherited_tx(&in->binding, in->region, t->dev, t->binding, err);
	return binding_open_inherited_rx(&in->binding, in->region, t->binding, t->page_size,
					 t->held_pages, err);
}

int devmem_inherited_open(struct devmem_inherited **inherited, const char *text,
			  struct devmem_error *err)
{
	struct devmem_inherited *in;
	int ret;

	*inherited = NULL;
	if (!text || !*text)
		return error_missing(
			err, -EINVAL, "inherit", DEVMEM_INHERIT_ENV,
			"is not set: start this program with devmemctl run, or another "
			"launcher");
	in = calloc(1, sizeof(*in));
	if (!in)
		return error_system(err, -ENOMEM, "allocate", "inherited binding", NULL);
	ret = inherit_text_parse(&in->text, text, err);
	if (ret)
		goto free_inherited;
	ret = devmem_region_import(&in->region, in->text.region_fd, err);
	if (ret) {
		error_hint(err, DEVMEM_INHERIT_ENV " names this descriptor: it must come to this "
						   "program as the launcher left it");
		goto free_text;
	}
	ret = open_binding(in, err);
	if (ret)
		goto close_region;
	*inherited = in;
	return 0;

close_region:
	devmem_region_close(in->region);
free_text:
	inherit_text_free(&in->text);
free_inherited:
	free(in);
	return ret;
}

void devmem_inherited_close(struct devmem_inherited *inherited)
{
	if (!inherited)
		return;
	devmem_binding_close(inherited->binding);
	devmem_region_close(inherited->region);
	inherit_text_free(&inherited->text);
	free(inherited);
}

struct devmem_binding *devmem_inherited_binding(const struct devmem_inherited *inherited)
{
	return inherited->binding;
}

struct devmem_region *devmem_inherited_region(const struct devmem_inherited *inherited)
{
	return inherited->region;
}

const char *devmem_inherited_dev(const struct devmem_inherited *inherited)
{
	return inherited->text.dev;
}

const uint32_t *devmem_inherited_queues(const struct devmem_inherited *inherited, size_t *n)
{
	if (n)
		*n = inherited->text.n;
	return inherited->text.queues;
}
