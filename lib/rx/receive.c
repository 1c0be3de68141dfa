// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: one recvmsg(), and the fragments that it brought. */
#include "rx/rx.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "rx/cmsg.h"
#include "bind/held.h"
#include "rx/placement.h"
#include "core/sys.h"

/* What has been taken in of what one recvmsg() brought. */
struct taken {
	uint32_t n;		       /* fragments in rx->frags */
	uint64_t device, device_bytes; /* of them, those in dma-bufs */
	uint64_t host, host_bytes;     /* in the receiver's buffer */
	uint64_t placed, placed_bytes; /* in the placement region */
	uint32_t foreign;	       /* of those in dma-bufs, those in other regions */
	uint32_t pages;		       /* of the region, that nobody had a fragment of before */
	uint32_t fresh; /* fragments, without the rest of one that the receive before cut */
};

/*
 * The ordinary case, and nothing but it: takes in fragments that lie in one page of the region
 * each, up to the first that doesn't, once sum->fresh counts. Nearly all go through here, so each
 * instruction shows.
 */
static void take_ordinary(struct devmem_rx *rx, struct cmsg_reader *reader, struct taken *sum)
{
	const size_t max = cmsg_ordinary_max(reader), room = rx->frags_len - sum->n;
	struct devmem_fragment *const first = &rx->frags[sum->n];
	struct devmem_fragment *const end = first + (max < room ? max : room), *frag;
	struct devmem_region *const region = rx->region;
	struct held *const held = rx->held;
	uint32_t pages = sum->pages, n;
	const uint8_t *at = reader->at;
	uint64_t bytes = 0;

	for (frag = first; frag < end; frag++, at += CMSG_FRAGMENT_SPACE) {
		uint64_t offset;
		struct out_entry *entry;
		uint32_t size;

		if (!cmsg_ordinary(at, frag) || frag->dmabuf_id != rx->dmabuf_id ||
		    !out_fits(&rx->out, frag->token))
			break;
		/* Kept, as the compiler reads all memory again behind an atomic operation. */
		offset = frag->offset;
		size = frag->size;
		frag->region = region;
		entry = out_fill(&rx->out, frag->token, offset, size);
		if (!held_enter_one(held, offset, size, &pages))
			break;
		out_set(entry, OUT_IN_PAGE);
		bytes += size;
	}
	n = (uint32_t)(frag - first);
	cmsg_passed(reader, n, bytes);
	sum->n += n;
	sum->device += n;
	sum->device_bytes += bytes;
	sum->pages = pages;
	sum->fresh += n;
}

/* Any fragment in a dma-buf. Return: 0, or -EBADMSG if its token can't be. */
static int take_device(struct devmem_rx *rx, struct devmem_fragment *frag, struct taken *sum)
{
	struct out_entry *entry;

	if (!out_fits(&rx->out, frag->token))
		return -EBADMSG;
	entry = out_fill(&rx->out, frag->token, frag->offset, frag->size);
	if (frag->dmabuf_id != rx->dmabuf_id) {
		sum->foreign++;
		out_set(entry, OUT_FOREIGN);
	} else {
		frag->region = rx->region;
		sum->pages += held_enter(rx->held, frag->offset, frag->size);
		sum->fresh += sum->pages != 0;
		out_set(entry, OUT_IN_PAGES);
	}
	rx->frags[sum->n++] = *frag;
	sum->device++;
	sum->device_bytes += frag->size;
	return 0;
}

/* HOST bytes lie where they landed: in the receiver's buffer. */
static int take_host(struct devmem_rx *rx, struct devmem_fragment *frag, struct taken *sum)
{
	frag->host = (const uint8_t *)rx->host + frag->offset;
	frag->offset = 0;
	rx->frags[sum->n++] = *frag;
	sum->host++;
	sum->host_bytes += frag->size;
	return 0;
}

/* HOST bytes landed at the head of the placement ring: a DEVICE fragment, or two where the ring
 * wraps inside of it. */
static int take_placed(struct devmem_rx *rx, uint32_t size, struct taken *sum)
{
	while (size) {
		struct devmem_fragment frag = {
			.kind = DEVMEM_FRAGMENT_DEVICE,
			.region = placement_region(rx->placement),
		};

		if (sum->n < rx->frags_len)
			frag.size = placement_take(rx->placement, size, &frag.offset, &frag.token);
		if (!frag.size)
			return -EMSGSIZE;
		rx->frags[sum->n++] = frag;
		sum->placed++;
		sum->placed_bytes += frag.size;
		size -= frag.size;
	}
	return 0;
}

/*
 * Takes in the next fragment, whatever it is. Return: 1, 0 at the end, or a negative errno, with
 * the reader before what can't be taken.
 */
static int take_next(struct devmem_rx *rx, struct cmsg_reader *reader, struct taken *sum)
{
	struct cmsg_reader next = *reader;
	struct devmem_fragment frag;
	int ret;

	ret = cmsg_next(&next, &frag);
	if (ret <= 0)
		return ret;
	/* More than came, so that it can't lie where HOST bytes would. */
	if (next.covered > next.received)
		return -EBADMSG;
	if (frag.kind == DEVMEM_FRAGMENT_HOST && rx->placement)
		ret = take_placed(rx, frag.size, sum);
	else if (sum->n == rx->frags_len)
		ret = -EMSGSIZE;
	else if (frag.kind == DEVMEM_FRAGMENT_HOST)
		ret = take_host(rx, &frag, sum);
	else
		ret = take_device(rx, &frag, sum);
	if (ret)
		return ret;
	*reader = next;
	return 1;
}

/* Gives back what was taken in, and what the reader has before it. */
static void give_up(struct devmem_rx *rx, struct cmsg_reader *reader, const struct taken *sum)
{
	struct devmem_fragment frag;

	devmem_rx_release(rx, rx->frags, sum->n);
	while (cmsg_next(reader, &frag) > 0)
		if (frag.kind == DEVMEM_FRAGMENT_DEVICE)
			return_add(&rx->returns, &rx->returns.pending, frag.token, 1, true);
	devmem_rx_flush(rx);
}

static void count_taken(struct devmem_rx *rx, const struct taken *sum)
{
	rx->stats.fragments_device += sum->device;
	rx->stats.bytes_device += sum->device_bytes;
	rx->stats.fragments_host += sum->host;
	rx->stats.bytes_host += sum->host_bytes;
	rx->stats.fragments_placed += sum->placed;
	rx->stats.bytes_placed += sum->placed_bytes;
	rx->stats.foreign_fragments += sum->foreign;
}

/* Turns what recvmsg() brought into fragments. Return: their number or a negative errno. */
static int take_in(struct devmem_rx *rx, const struct msghdr *msg, uint32_t received)
{
	struct cmsg_reader reader;
	struct taken sum = { 0 };
	int ret;

	cmsg_begin(&reader, rx->control, msg->msg_controllen, received);
	while ((ret = take_next(rx, &reader, &sum)) > 0)
		if (sum.fresh)
			take_ordinary(rx, &reader, &sum);
	if (rx->held)
		held_count_entered(rx->held, sum.pages);
	out_count(&rx->out, sum.device + sum.placed, sum.device_bytes + sum.placed_bytes);
	if (ret) {
		give_up(rx, &reader, &sum);
		return ret;
	}
	count_taken(rx, &sum);
	lowat_received(&rx->lowat, received,
		       sum.n >= rx->frags_limit || received >= rx->bytes_limit);
	/* A single page may hold more than it did this time; several say how many it was. */
	if (sum.pages > 1)
		rx->frags_per_page = sum.fresh > sum.pages ? sum.fresh / sum.pages : 1;
	else if (sum.fresh > rx->frags_per_page)
		rx->frags_per_page = sum.fresh;
	return (int)sum.n;
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
	if (rx->out.entries) {
		/* Tokens must fit into the table. */
		room = counter_get(&rx->out.fragments) + rx->returns.pending.fragments + 1;
		room = room < rx->out.len ? rx->out.len - room : 0;
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
		rx->lowat.due = 0;
	return ret;
}
