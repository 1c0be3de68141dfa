// SPDX-License-Identifier: BSD-3-Clause
/* The text that a command inherits from its launcher: it is the input up to the first NUL; the rest
 * is what system calls answer about the descriptor. What is accepted is written and read again. */
#include <devmem/inherit.h>

#include <string.h>

#include "bind/binding.h"
#include "bind/inherit_text.h"
#include "target.h"

static void check_same(const struct inherit_text *a, const struct inherit_text *b)
{
	MUST(!strcmp(a->dev, b->dev));
	MUST(a->binding == b->binding && a->region_fd == b->region_fd);
	MUST(a->page_size == b->page_size && a->held_pages == b->held_pages);
	MUST(a->tx == b->tx);
	MUST(a->n == b->n && !memcmp(a->queues, b->queues, a->n * sizeof(a->queues[0])));
}

static void check_text(const char *text)
{
	struct inherit_text t, again;
	size_t size = strlen(text) + 1;
	char *written, *twice;

	if (inherit_text_parse(&t, text, NULL))
		return;
	MUST(t.dev[0] && t.binding && t.region_fd >= 0);
	MUST(!t.n == t.tx && !t.held_pages == t.tx && !t.page_size == t.tx);
	MUST(!(t.page_size & (t.page_size - 1)));
	/* It fits into the input's size: %XX is written only for bytes that need it. */
	written = malloc(size);
	twice = malloc(size);
	MUST(written && twice);
	MUST(!inherit_text_write(written, size, &t, NULL));
	MUST(!inherit_text_parse(&again, written, NULL));
	check_same(&t, &again);
	MUST(!inherit_text_write(twice, size, &again, NULL));
	MUST(!strcmp(written, twice));
	inherit_text_free(&again);
	inherit_text_free(&t);
	free(twice);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct devmem_inherited *inherited = (void *)&inherited;
	struct devmem_error err;
	const uint8_t *end;
	char *text;
	size_t n;
	int ret;

	end = memchr(data, 0, size);
	if (!end)
		return 0;
	text = strdup((const char *)data);
	MUST(text);
	check_text(text);
	fuzz_sys_input(end + 1, size - (size_t)(end + 1 - data));
	memset(&err, 0x5a, sizeof(err));
	ret = devmem_inherited_open(&inherited, text, &err);
	MUST(ret <= 0);
	if (ret) {
		MUST(!inherited);
		MUST(err.code == ret);
		MUST(memchr(err.message, 0, sizeof(err.message)));
		MUST(err.message[0] && !strchr(err.message, '\n'));
	} else {
		MUST(devmem_inherited_queues(inherited, &n));
		MUST(!n == binding_is_tx(devmem_inherited_binding(inherited)));
		MUST(devmem_binding_fd(devmem_inherited_binding(inherited)) == -1);
		MUST(devmem_region_size(devmem_inherited_region(inherited)) > 0);
		devmem_inherited_close(inherited);
	}
	fuzz_sys_check();
	free(text);
	return 0;
}
