// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: one recvmsg(), and the fragments that it brought. */
#include "rx_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "cmsg.h"
#include "held.h"
#include "placement.h"
#include "sys.h"

/* Puts HOST bytes where they landed: the receiver's buffer. */
static void finish_host(struct devmem_rx *rx, struct devmem_fragment *frag)
{
	frag->host = (const uint8_t *)rx->host + frag->offset;
	frag->offset = 0;
	rx->stats.bytes_host += frag->size;
	rx->stats.fragments_host++;
}

/*
 * Makes a HOST fragment, whose bytes landed at the head of the placement ring, a DEVICE one. Where
 * the ring wraps inside of it, the second part becomes a fragment of its own behind it.
 */
static void finish_placed(struct devmem_rx *rx, struct devmem_fragment *frag, uint32_t *n)
{
	uint32_t whole = frag->size;

	frag->kind = DEVMEM_FRAGMENT_DEVICE;
	frag->dmabuf_id = 0;
	frag->region = placement_region(rx->placement);
	frag->size = placement_take(rx->placement, whole, &frag->offset, &frag->token);
	rx->stats.bytes_placed += frag->size;
	rx->stats.fragments_placed++;
	if (frag->size == whole)
		return;
	memmove(frag + 2, frag + 1, (size_t)(&rx->frags[*n] - (frag + 1)) * sizeof(*frag));
	memset(frag + 1, 0, sizeof(*frag));
	frag[1].kind = DEVMEM_FRAGMENT_HOST;
	frag[1].size = whole - frag->size;
	++*n;
}

/* What taking fragments in sums up to. */
struct taken {
	uint64_t fragments, bytes; /* DEVICE ones of the kernel */
	uint32_t token_max;
	uint32_t pages; /* of the region, that nobody had a fragment of before */
	uint32_t fresh; /* fragments, without the rest of one that the receive before cut */
};

/*
 * Notes the fragments from i on that lie in a dma-buf as out. Stops behind them, or at one whose
 * token can't be. Return: the first that was not noted.
 */
static uint32_t finish_device(struct devmem_rx *rx, uint32_t i, uint32_t n, struct taken *sum)
{
	struct devmem_fragment *const frags = rx->frags;
	struct devmem_region *const region = rx->region;
	struct held *const held = rx->held;
	const uint32_t id = rx->dmabuf_id, out_len = rx->out_len;
	struct out *const table = rx->out;
	struct taken t = *sum;

	for (; i < n && frags[i].kind == DEVMEM_FRAGMENT_DEVICE; i++) {
		const uint64_t offset = frags[i].offset;
		const uint32_t token = frags[i].token, size = frags[i].size;
		struct out *out;

		if (!token || token >= out_len)
			break;
		out = &table[token];
		out->offset = offset;
		out->size = size;
		if (token > t.token_max)
			t.token_max = token;
		if (frags[i].dmabuf_id == id) {
			unsigned int state = OUT_IN_PAGE;

			frags[i].region = region;
			if (!held_enter_one(held, offset, size, &t.pages)) {
				t.pages += held_enter(held, offset, size);
				state = OUT_IN_PAGES;
			}
			t.fresh += t.pages != 0;
			atomic_store_explicit(&out->state, state, memory_order_release);
		} else {
			rx->stats.foreign_fragments++;
			atomic_store_explicit(&out->state, OUT_FOREIGN, memory_order_release);
		}
		t.bytes += size;
		t.fragments++;
	}
	*sum = t;
	return i;
}

static void count_held(struct devmem_rx *rx, uint64_t fragments, uint64_t bytes)
{
	uint64_t now;

	now = atomic_fetch_add_explicit(&rx->held_fragments, fragments, memory_order_relaxed) +
	      fragments;
	if (now > rx->stats.held_fragments_max)
		rx->stats.held_fragments_max = now;
	now = atomic_fetch_add_explicit(&rx->held_bytes, bytes, memory_order_relaxed) + bytes;
	if (now > rx->stats.held_bytes_max)
		rx->stats.held_bytes_max = now;
}

/* Turns what recvmsg() brought into fragments. Return: their number or a negative errno. */
static int take_in(struct devmem_rx *rx, const struct msghdr *msg, uint32_t received)
{
	struct taken sum = { .token_max = rx->token_max };
	uint64_t placed = 0, placed_bytes = 0;
	uint32_t n, i;
	int ret;

	ret = cmsg_decode(rx->control, msg->msg_controllen, received, rx->frags, rx->frags_len - 1,
			  &n);
	if (ret) {
		rx_discard(rx, 0, n);
		return ret;
	}
	rx->due -= received < rx->due ? received : rx->due;
	/* The buffers are full: there is more, most likely. */
	if (!rx->due && (n >= rx->frags_limit || received >= rx->bytes_limit))
		rx->due = 1;
	for (i = 0; i < n;) {
		struct devmem_fragment *frag = &rx->frags[i];

		if (frag->kind == DEVMEM_FRAGMENT_DEVICE) {
			i = finish_device(rx, i, n, &sum);
			if (i < n && rx->frags[i].kind == DEVMEM_FRAGMENT_DEVICE) {
				ret = -EBADMSG;
				break;
			}
			continue;
		}
		i++;
		if (rx->placement) {
			finish_placed(rx, frag, &n);
			placed++;
			placed_bytes += frag->size;
		} else {
			finish_host(rx, frag);
		}
	}
	rx->token_max = sum.token_max;
	rx->stats.fragments_device += sum.fragments;
	rx->stats.bytes_device += sum.bytes;
	if (rx->held)
		held_count_entered(rx->held, sum.pages);
	count_held(rx, sum.fragments + placed, sum.bytes + placed_bytes);
	if (ret) {
		devmem_rx_release(rx, rx->frags, i);
		rx_discard(rx, i, n);
		return ret;
	}
	/* A single page may hold more than it did this time; several say how many it was. */
	if (sum.pages > 1)
		rx->frags_per_page = sum.fresh > sum.pages ? sum.fresh / sum.pages : 1;
	else if (sum.fresh > rx->frags_per_page)
		rx->frags_per_page = sum.fresh;
	if (rx->expect != DEVMEM_RX_STREAM)
		rx->expect -= received < rx->expect ? received : rx->expect;
	return (int)n;
}

/* Most fragments that may be taken now. */
static uint32_t fragments_room(const struct devmem_rx *rx)
{
	uint64_t n = rx->frags_len - 1, room;

	if (rx->held) {
		/* Each may take a page of its own, unless those before shared theirs. */
		room = held_pages_left(rx->held);
		if (room < n)
			room *= rx->frags_per_page;
		if (n > room)
			n = room;
	}
	if (rx->out) {
		/* Tokens must fit into the table. */
		room = counter_get(&rx->held_fragments) + rx->pending.fragments + 1;
		room = room < rx->out_len ? rx->out_len - room : 0;
		if (n > room)
			n = room;
	}
	if (rx->placement) {
		/* One more is needed where the ring wraps. */
		room = placement_pieces_left(rx->placement);
		room = room ? room - 1 : 0;
		if (n > room)
			n = room;
	}
	return (uint32_t)n;
}

/* Memory for one recvmsg(): what may be read, and where HOST bytes go. Return: 0 or -ENOBUFS. */
static int make_room(struct devmem_rx *rx, struct msghdr *msg)
{
	size_t i;

	if (rx->placement) {
		msg->msg_iovlen =
			(size_t)placement_space(rx->placement, rx->recv_max, msg->msg_iov);
	} else {
		msg->msg_iov[0].iov_base = rx->host;
		msg->msg_iov[0].iov_len = rx->recv_max;
		msg->msg_iovlen = 1;
	}
	rx->bytes_limit = 0;
	for (i = 0; i < msg->msg_iovlen; i++)
		rx->bytes_limit += msg->msg_iov[i].iov_len;
	rx->frags_limit = fragments_room(rx);
	if (!rx->bytes_limit || !rx->frags_limit) {
		rx->stats.held_refusals++;
		return -ENOBUFS;
	}
	msg->msg_control = rx->control;
	msg->msg_controllen = rx->frags_limit < rx->frags_len - 1
				      ? rx->frags_limit * CMSG_FRAGMENT_SPACE
				      : rx->control_len;
	return 0;
}

int rx_check_room(struct devmem_rx *rx)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };

	return make_room(rx, &msg);
}

int rx_take(struct devmem_rx *rx, int flags)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;
	int ret;

	ret = make_room(rx, &msg);
	if (ret)
		return ret;
	if (rx->placement) {
		ret = placement_begin(rx->placement);
		if (ret)
			return ret;
	}
	n = sys_recvmsg(rx->fd, &msg, rx->recv_flags | flags);
	rx->stats.recv_calls++;
	rx->received = n > 0 ? (uint32_t)n : 0;
	if (n > 0)
		ret = take_in(rx, &msg, (uint32_t)n);
	else
		ret = n == -UAPI_ETOOSMALL ? -EMSGSIZE : (int)n;
	if (rx->placement) {
		int end = placement_end(rx->placement);

		if (end && ret >= 0) {
			devmem_rx_release(rx, rx->frags, (size_t)ret);
			return end;
		}
	}
	if (ret == -EAGAIN)
		rx->due = 0;
	return ret;
}
