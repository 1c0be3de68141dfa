// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: several bindings on one socket; receives and returns whose system calls somebody else
 * makes. */
#include "test_rx_app.h"

#include <errno.h>
#include <string.h>

#include "bind/held.h"
#include "rx/rx.h"

#define PAGE 4096U
#define MIB (1U << 20)

static struct fake_pool *pools[2];
static struct devmem_binding *bindings[2];
static struct devmem_rx *rx;
static int fd;

/* One socket that delivers from both pools: packets marked foreign land in the second. */
static int setup(void **state)
{
	struct devmem_rx_options o = { .sz = sizeof(o) };

	(void)state;
	fake_begin(FAKE_LINUX_7_3);
	pools[0] = fake_pool_new(MIB, PAGE, 7);
	pools[1] = fake_pool_new(MIB, PAGE, 9);
	bindings[0] = fake_pool_binding(pools[0], MIB);
	bindings[1] = fake_pool_binding(pools[1], 16 * PAGE);
	fd = fake_socket(pools[0]);
	fake_socket_foreign(fd, pools[1]);
	assert_int_equal(rx_open(&rx, fd, bindings, 2, &o, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	devmem_rx_close(rx);
	assert_int_equal(fake_tokens_out(fd), 0);
	assert_int_equal(fake_counts(fd).missing, 0);
	assert_int_equal(held_pages(fake_pool_held(pools[0])), 0);
	assert_int_equal(held_pages(fake_pool_held(pools[1])), 0);
	fake_end();
	return 0;
}

/* n packets of two pages, in turn from one pool and the other. */
static void send_in_turn(uint32_t n)
{
	struct fake_packet p = { .n = 2, .frags = { PAGE, PAGE } };
	uint32_t i;

	for (i = 0; i < n; i++) {
		p.foreign = i % 2;
		fake_send(fd, &p);
	}
}

static void check_held(uint64_t first, uint64_t second)
{
	assert_int_equal(held_pages(fake_pool_held(pools[0])), first);
	assert_int_equal(held_pages(fake_pool_held(pools[1])), second);
}

static void test_two_sources(void **state)
{
	const struct devmem_fragment *frags;
	struct devmem_rx_stats stats;
	uint64_t pos = 0;
	void *base;
	int i;

	(void)state;
	send_in_turn(6);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 12);
	for (i = 0; i < 12; i++) {
		assert_ptr_equal(frags[i].region, fake_pool_region(pools[i / 2 % 2]));
		assert_int_equal(devmem_region_map(frags[i].region, &base, NULL), 0);
		assert_int_equal(fake_compare(fd, pos, (uint8_t *)base + frags[i].offset, PAGE), 0);
		pos += PAGE;
	}
	check_held(6, 6);
	/* Those of one, then the rest of both: one run of tokens, and each count goes down. */
	devmem_rx_release(rx, frags, 2);
	check_held(4, 6);
	assert_int_equal(devmem_rx_release_any(rx, frags + 2, 5), 0);
	check_held(2, 3);
	devmem_rx_stats(rx, &stats);
	assert_int_equal(stats.foreign_fragments, 0);
	assert_int_equal(stats.fragments_missing, 0);
	/* Closing returns what is out. */
}

/* The source with the least left decides how much one receive may bring. */
static void test_limit(void **state)
{
	struct devmem_binding *const swapped[] = { bindings[1], bindings[0] };
	const struct devmem_fragment *frags;
	struct devmem_fragment kept[20];
	struct devmem_error err;
	struct devmem_rx *other;

	(void)state;
	send_in_turn(40);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 16);
	check_held(8, 8);
	memcpy(kept, frags, 16 * sizeof(kept[0]));
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 8);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 4);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 2);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 2);
	check_held(16, 16);
	assert_int_equal(rx_room(rx), 0);
	assert_int_equal(rx_open(&other, fake_socket(pools[0]), swapped, 2, NULL, NULL), 0);
	assert_int_equal(rx_room(other), 0);
	devmem_rx_close(other);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), -ENOBUFS);
	devmem_rx_explain(rx, -ENOBUFS, &err);
	assert_non_null(strstr(err.message, "held_max is reached"));
	devmem_rx_release(rx, kept, 16);
	assert_int_equal(devmem_rx_recv(rx, &frags, 0), 8);
}

/* The low-water mark asks for no more than the smallest region lets wait, whichever it is. */
static void test_lowat(void **state)
{
	struct fake_pool *large = fake_pool_new(16 * MIB, PAGE, 11);
	struct devmem_binding *in_turn[] = { bindings[0], fake_pool_binding(large, UINT64_MAX),
					     bindings[0] };
	struct devmem_rx *other;
	int i, sock;

	(void)state;
	for (i = 0; i < 2; i++) {
		sock = fake_socket(pools[0]);
		assert_int_equal(rx_open(&other, sock, in_turn + i, 2, NULL, NULL), 0);
		devmem_rx_expect(other, DEVMEM_RX_STREAM);
		assert_true(devmem_rx_arm(other) > 0);
		assert_int_equal(fake_socket_get_lowat(sock), MIB / 16);
		devmem_rx_close(other);
	}
}

/* A control message as the kernel writes it. */
static void add_message(struct receive *r, size_t *len, uint64_t offset, uint32_t token,
			uint32_t id)
{
	struct uapi_dmabuf_cmsg body = {
		.frag_offset = offset, .frag_size = PAGE, .frag_token = token, .dmabuf_id = id
	};
	struct cmsghdr *header = (void *)((uint8_t *)r->msg.msg_control + *len);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = UAPI_SCM_DEVMEM_DMABUF;
	header->cmsg_len = CMSG_LEN(sizeof(body));
	memcpy(CMSG_DATA(header), &body, sizeof(body));
	*len += CMSG_SPACE(sizeof(body));
}

/* Somebody else receives, into memory of theirs, and returns: not one system call is made. */
static void test_pieces(void **state)
{
	static struct devmem_fragment frags[5];
	static _Alignas(struct cmsghdr)
		uint8_t control[4 * CMSG_SPACE(sizeof(struct uapi_dmabuf_cmsg))];
	static uint8_t host[4 * PAGE];
	const struct buffers into = { .frags = frags,
				      .frags_len = 5,
				      .control = control,
				      .control_len = sizeof(control),
				      .host = host,
				      .bytes_max = sizeof(host) };
	struct tokens_chunk chunk = { 0 };
	struct devmem_rx_stats stats;
	struct tokens tokens;
	struct uapi_dmabuf_token ranges[4];
	unsigned int calls = fake_calls();
	struct receive r;
	size_t len = 0;

	(void)state;
	assert_int_equal(receive_prepare(rx, &into, &r), 0);
	assert_int_equal(r.frags_max, 4);
	assert_int_equal(r.bytes_max, sizeof(host));
	assert_ptr_equal(r.iov[0].iov_base, host);
	assert_int_equal(r.msg.msg_controllen, sizeof(control));
	add_message(&r, &len, 0, 1, 7);
	add_message(&r, &len, 0, 2, 9);
	add_message(&r, &len, PAGE, 3, 7);
	r.msg.msg_controllen = len;
	assert_int_equal(receive_complete(rx, &r, 3 * PAGE), 3);
	assert_int_equal(r.bytes, 3 * PAGE);
	assert_ptr_equal(frags[1].region, fake_pool_region(pools[1]));
	check_held(2, 1);
	assert_int_equal(receive_complete(rx, &r, -EAGAIN), -EAGAIN);

	/* The kernel stops early: it is asked for the rest, and doesn't have it. */
	tokens_init(&tokens, ranges, 4);
	assert_true(tokens_add_range(&tokens, 1, 3));
	assert_true(tokens_prepare(&tokens, &chunk));
	assert_int_equal(chunk.fragments, 3);
	assert_int_equal(return_complete(&rx->returns, &tokens, &chunk, 2, true), 0);
	assert_true(tokens_prepare(&tokens, &chunk));
	assert_int_equal(chunk.ranges[0].token_start, 3);
	assert_int_equal(return_complete(&rx->returns, &tokens, &chunk, -EBADF, true), -EBADF);
	assert_int_equal(return_complete(&rx->returns, &tokens, &chunk, 0, true), 0);
	assert_false(tokens_prepare(&tokens, &chunk));
	assert_int_equal(fake_calls(), calls);
	assert_int_equal(fake_counts(fd).recv + fake_counts(fd).dontneed, 0);
	devmem_rx_stats(rx, &stats);
	assert_int_equal(stats.recv_calls, 2);
	assert_int_equal(stats.return_calls, 3);
	assert_int_equal(stats.fragments_returned, 2);
	assert_int_equal(stats.fragments_missing, 1);
	assert_int_equal(stats.held_fragments, 3);
	/* The fake has no such tokens, so they are removed without it. */
	fake_fail_dontneed(fd, 0, EBADF);
	devmem_rx_release(rx, frags, 3);
	check_held(0, 0);
	tokens_init(&rx->returns.pending, rx->returns.ranges, PENDING_RANGES);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_two_sources),
		TEST(test_limit),
		TEST(test_lowat),
		TEST(test_pieces),
	};

	return cmocka_run_group_tests_name("rx-sources", tests, NULL, NULL);
}
