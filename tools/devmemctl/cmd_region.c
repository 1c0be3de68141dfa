/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <devmem/region.h>

#include "args.h"
#include "output.h"
#include "parse.h"
#include "setup.h"

int cmd_region_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct args_spec spec = {
		.name = "region list",
		.usage = "",
		.summary = "List what regions can be made of on this machine, and why not.",
	};
	struct devmem_provider *providers;
	struct json_object *list;
	struct args args;
	int room;
	int n;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	/* A heap more may turn up between the two calls: it is left out then. */
	room = devmem_region_providers(NULL, 0);
	providers = calloc(room > 0 ? (size_t)room : 1, sizeof(*providers));
	if (!providers)
		return fail_errno(ENOMEM, "region list");
	n = devmem_region_providers(providers, (size_t)room);
	if (n > room)
		n = room;
	list = out_list(NULL, NULL);
	for (int i = 0; i < n; i++) {
		const struct devmem_provider *p = &providers[i];
		struct json_object *obj = out_item(list);

		out_str(obj, "region", p->spec);
		out_bool(obj, "available", p->available);
		if (p->max_bytes)
			out_bytes(obj, "max_bytes", p->max_bytes);
		else
			out_null(obj, "max_bytes");
		if (p->list_limit)
			out_uint(obj, "list_limit", p->list_limit);
		else
			out_null(obj, "list_limit");
		if (p->huge_free_bytes)
			out_bytes(obj, "huge_free_bytes", p->huge_free_bytes);
		else
			out_null(obj, "huge_free_bytes");
		out_str(obj, "reason", p->reason[0] ? p->reason : NULL);
	}
	free(providers);
	return out_print(ctl, stdout, list, NULL);
}

/* Depends on all of the offset, so that memory that shows up twice is found. */
static uint64_t pattern(uint64_t offset)
{
	uint64_t x = offset + 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define PIECE (1U << 20)

static int fill(struct devmem_region *region, uint64_t size)
{
	struct devmem_error err;
	uint64_t *words;
	void *addr;

	if (devmem_region_map(region, &addr, &err) ||
	    devmem_region_sync(region, DEVMEM_SYNC_WRITE, &err))
		return fail_error(&err);
	words = addr;
	for (uint64_t i = 0; i < size / sizeof(*words); i++)
		words[i] = pattern(i * sizeof(*words));
	if (devmem_region_sync(region, DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END, &err))
		return fail_error(&err);
	return EXIT_OK;
}

static int verify(struct devmem_region *region, uint64_t size)
{
	uint64_t *piece = malloc(PIECE);
	struct devmem_error err;
	int result = EXIT_OK;

	if (!piece)
		return fail_errno(ENOMEM, "region test");
	for (uint64_t at = 0; at < size && !result; at += PIECE) {
		size_t len = size - at < PIECE ? (size_t)(size - at) : PIECE;

		if (devmem_region_read(region, at, piece, len, &err)) {
			result = fail_error(&err);
			break;
		}
		for (size_t i = 0; i < len / sizeof(*piece); i++) {
			uint64_t offset = at + i * sizeof(*piece);

			if (piece[i] == pattern(offset))
				continue;
			result = fail(EXIT_REFUSED,
				      "%s: offset %llu reads back as 0x%016llx, 0x%016llx was "
				      "written",
				      devmem_region_spec(region), (unsigned long long)offset,
				      (unsigned long long)piece[i],
				      (unsigned long long)pattern(offset));
			break;
		}
	}
	free(piece);
	return result;
}

static int test(const struct ctl *ctl, const struct setup_options *options)
{
	struct devmem_region *region;
	struct devmem_error err;
	struct json_object *obj;
	double start = seconds();
	double allocated;
	double written;
	double end;
	uint64_t size;
	int result;

	if (devmem_region_open(&region, options->region, options->size, &err))
		return fail_error(&err);
	size = devmem_region_size(region);
	allocated = seconds();
	result = fill(region, size);
	written = seconds();
	if (!result)
		result = verify(region, size);
	end = seconds();
	if (result)
		goto close_region;

	obj = out_object(NULL, NULL);
	out_str(obj, "region", devmem_region_spec(region));
	out_bytes(obj, "size", size);
	out_bool(obj, "dmabuf", devmem_region_is_dmabuf(region));
	if (ctl->json || devmem_region_note(region))
		out_str(obj, "note", devmem_region_note(region));
	out_double(obj, "allocate_seconds", allocated - start);
	out_double(obj, "write_seconds", written - allocated);
	out_double(obj, "verify_seconds", end - written);
	out_bool(obj, "verified", true);
	result = out_print(ctl, stdout, obj, NULL);

close_region:
	devmem_region_close(region);
	return result;
}

int cmd_region_test(struct ctl *ctl, int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "size", KEY_SIZE, "BYTES", 0, "Size of the region; default: 64M", 0 },
		{ 0 },
	};
	struct setup_options options = { 0 };
	const struct args_spec spec = {
		.name = "region test",
		.usage = "SPEC [--size BYTES]",
		.summary = "Allocate a region, write a pattern to all of it, read it back and "
			   "verify.",
		.options = argp_options,
		.option = setup_option,
		.operands = { "SPEC" },
		.input = &options,
	};
	struct args args;
	int result = args_parse(ctl, &spec, &args, argc, argv);

	if (result != ARGS_RUN)
		return result;
	options.region = args.operand[0];
	result = setup_options_check(&options);
	return result ? result : test(ctl, &options);
}
