// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reception: cuts what the sender handed over into segments of the wire's
 * size, splits each into headers (an ordinary linear skb) and payload (buffers
 * of the queue's pool), and passes it up, as a NIC with header split does.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netmem.h>
#include <net/page_pool/helpers.h>

#include "dmsim.h"

/*
 * References that a buffer is given at once; each packet in it gets one of
 * them. A buffer that has none left is dropped early, which does no harm.
 */
#define DMSIM_BIAS 0x4000

/**
 * dmsim_tcp_headers() - find the headers of a TCP packet
 * @skb: packet, beginning at its Ethernet header
 * @l4: set to the offset of the TCP header
 *
 * As on most NICs, a packet with IPv6 extension headers, or an IP fragment, is
 * not TCP.
 *
 * Return: bytes from the Ethernet header to the payload, 0 when it is not TCP.
 */
u32 dmsim_tcp_headers(const struct sk_buff *skb, u32 *l4)
{
	const struct tcphdr *th;
	struct tcphdr th_buf;
	u32 off = ETH_HLEN;

	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ih;
		struct iphdr ih_buf;

		ih = skb_header_pointer(skb, off, sizeof(ih_buf), &ih_buf);
		if (!ih || ih->protocol != IPPROTO_TCP || ip_is_fragment(ih))
			return 0;
		off += ih->ihl * 4;
	} else if (skb->protocol == htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ih;
		struct ipv6hdr ih_buf;

		ih = skb_header_pointer(skb, off, sizeof(ih_buf), &ih_buf);
		if (!ih || ih->nexthdr != IPPROTO_TCP)
			return 0;
		off += sizeof(*ih);
	} else {
		return 0;
	}
	th = skb_header_pointer(skb, off, sizeof(th_buf), &th_buf);
	if (!th)
		return 0;
	*l4 = off;
	off += th->doff * 4;
	return off <= skb_headlen(skb) ? off : 0;
}

/* a buffer with room in q->pool.cur */
static bool dmsim_rx_refill(struct dmsim_queue *q)
{
	struct dmsim_pool *p = &q->pool;

	if (p->cur)
		return true;
	p->cur = dmsim_pool_get(p->pp);
	if (!p->cur) {
		q->cnt.rx_alloc_fail++;
		return false;
	}
	page_pool_fragment_netmem(p->cur, DMSIM_BIAS);
	p->bias = DMSIM_BIAS;
	p->off = 0;
	return true;
}

/* copies payload of @src into the buffer being filled; a bounce, since either side may be I/O */
static bool dmsim_rx_copy(struct dmsim_queue *q, struct sk_buff *src, u32 soff, u32 len)
{
	struct dmsim_dev *dd = q->priv->dd;
	u8 bounce[1024];
	u32 done, n;

	for (done = 0; done < len; done += n) {
		n = min_t(u32, len - done, sizeof(bounce));
		if (!dmsim_skb_read(dd, src, soff + done, bounce, n) ||
		    !dmsim_netmem_write(dd, q->pool.cur, q->pool.off + done, bounce, n)) {
			q->cnt.bad_dma++;
			return false;
		}
	}
	return true;
}

/* puts @len bytes of @src at @soff into buffers, as fragments of @rx */
static bool dmsim_rx_payload(struct dmsim_queue *q, struct sk_buff *rx, struct sk_buff *src,
			     u32 soff, u32 len)
{
	bool pack = READ_ONCE(dmsim_pack);
	struct dmsim_pool *p = &q->pool;

	if (!pack)
		dmsim_pool_drain(p);
	while (len) {
		u32 n, nfrags = skb_shinfo(rx)->nr_frags;

		if (nfrags == MAX_SKB_FRAGS || !dmsim_rx_refill(q))
			return false;
		n = min(len, p->bufsz - p->off);
		if (!dmsim_rx_copy(q, src, soff, n))
			return false;
		if (netmem_is_net_iov(p->cur))
			q->cnt.rx_devmem_bytes += n;
		else
			q->cnt.rx_page_bytes += n;
		p->bias--;
		skb_add_rx_frag_netmem(rx, nfrags, p->cur, p->off, n, pack ? n : p->bufsz);
		skb_mark_for_recycle(rx);
		p->off += n;
		soff += n;
		len -= n;
		if (p->off == p->bufsz || p->bias <= 1)
			dmsim_pool_drain(p);
	}
	return true;
}

/**
 * struct dmsim_seg - one segment of a packet
 * @hlen: bytes of headers
 * @l4: offset of the TCP header, 0 when it is not TCP
 * @off: first byte of the segment in the payload
 * @len: bytes of payload
 * @n: its number in the packet
 * @last: it is the last one of the packet
 */
struct dmsim_seg {
	u32 hlen;
	u32 l4;
	u32 off;
	u32 len;
	u32 n;
	bool last;
};

/* makes the headers of the whole packet those of one segment, as TSO does */
static void dmsim_rx_fix_headers(struct sk_buff *rx, const struct dmsim_seg *seg)
{
	struct tcphdr *th = (struct tcphdr *)(rx->data + seg->l4);

	if (((struct ethhdr *)rx->data)->h_proto == htons(ETH_P_IP)) {
		struct iphdr *ih = (struct iphdr *)(rx->data + ETH_HLEN);

		ih->tot_len = htons(seg->hlen - ETH_HLEN + seg->len);
		ih->id = htons(ntohs(ih->id) + seg->n);
		ip_send_check(ih);
	} else {
		struct ipv6hdr *ih = (struct ipv6hdr *)(rx->data + ETH_HLEN);

		ih->payload_len = htons(seg->hlen - ETH_HLEN - sizeof(*ih) + seg->len);
	}
	th->seq = htonl(ntohl(th->seq) + seg->off);
	if (!seg->last) {
		th->fin = 0;
		th->psh = 0;
	}
	if (seg->n)
		th->cwr = 0;
}

/* bytes of payload that stay with the headers */
static u32 dmsim_rx_linear(struct dmsim_queue *q, const struct dmsim_seg *seg)
{
	struct dmsim_priv *priv = q->priv;
	u32 every = READ_ONCE(dmsim_linear_every);

	if (!seg->l4 || !READ_ONCE(priv->hds) || seg->len <= READ_ONCE(priv->hds_thresh))
		return seg->len;
	if (every && ++q->split_seen % every == 0)
		return seg->len;
	return min(seg->len, READ_ONCE(dmsim_slop));
}

/*
 * The misroute fault: hands one segment that a rule brought here to the queue
 * that RSS would have chosen. Return: false when it is to be received here.
 */
static bool dmsim_rx_misroute(struct dmsim_queue *q, struct sk_buff *skb,
			      const struct dmsim_seg *seg)
{
	u32 every = READ_ONCE(dmsim_misroute_every);
	const struct dmsim_cb *cb = dmsim_cb(skb);
	struct sk_buff *one;

	if (!cb->ruled || !seg->l4 || !seg->len)
		return false;
	q->cnt.rx_rule_packets++;
	if (!every || ++q->rule_seen % every || cb->rss_queue == q->idx)
		return false;
	one = skb_clone(skb, GFP_ATOMIC);
	if (!one)
		return false;
	*dmsim_cb(one) = (struct dmsim_cb){
		.from = seg->off,
		.to = seg->off + seg->len,
		.rss_queue = cb->rss_queue,
	};
	q->cnt.rx_misrouted++;
	/* a full backlog drops it, as any other packet; TCP sends it again */
	if (!dmsim_wire_put(&q->priv->q[cb->rss_queue], one))
		kfree_skb(one);
	return true;
}

static void dmsim_rx_segment(struct dmsim_queue *q, struct sk_buff *skb,
			     const struct dmsim_seg *seg)
{
	struct dmsim_priv *priv = q->priv;
	struct net_device *dev = priv->dev;
	u32 linear = dmsim_rx_linear(q, seg);
	struct sk_buff *rx;

	rx = napi_alloc_skb(&q->napi, seg->hlen + linear);
	if (!rx) {
		q->cnt.rx_alloc_fail++;
		goto drop;
	}
	if (!dmsim_skb_read(priv->dd, skb, 0, skb_put(rx, seg->hlen), seg->hlen) ||
	    (linear &&
	     !dmsim_skb_read(priv->dd, skb, seg->hlen + seg->off, skb_put(rx, linear), linear))) {
		q->cnt.bad_dma++;
		goto free_skb;
	}
	if (skb_is_gso(skb) && seg->l4)
		dmsim_rx_fix_headers(rx, seg);
	if (seg->len > linear &&
	    !dmsim_rx_payload(q, rx, skb, seg->hlen + seg->off + linear, seg->len - linear))
		goto free_skb;
	q->cnt.rx_linear_bytes += linear;
	q->cnt.rx_packets++;
	q->cnt.rx_bytes += rx->len;
	dev_sw_netstats_rx_add(dev, rx->len);
	rx->protocol = eth_type_trans(rx, dev);
	if (dev->features & NETIF_F_RXCSUM)
		rx->ip_summed = CHECKSUM_UNNECESSARY;
	if (dev->features & NETIF_F_RXHASH && seg->l4)
		skb_set_hash(rx, skb->hash, PKT_HASH_TYPE_L4);
	skb_record_rx_queue(rx, q->idx);
	napi_gro_receive(&q->napi, rx);
	return;

free_skb:
	kfree_skb(rx);
drop:
	q->cnt.rx_drops++;
	dev_core_stats_rx_dropped_inc(dev);
}

/* receives the part of @skb that its control block names */
static void dmsim_rx_packet(struct dmsim_queue *q, struct sk_buff *skb)
{
	struct dmsim_seg seg = {};
	u32 payload, mss, end;

	seg.hlen = dmsim_tcp_headers(skb, &seg.l4);
	if (!seg.hlen) { /* not TCP: one linear packet */
		seg.hlen = skb->len;
		seg.l4 = 0;
	}
	payload = skb->len - seg.hlen;
	mss = skb_shinfo(skb)->gso_size ?: payload;
	end = min(payload, dmsim_cb(skb)->to);
	seg.off = dmsim_cb(skb)->from;
	seg.n = mss ? seg.off / mss : 0;
	do {
		seg.len = min(mss, payload - seg.off);
		seg.last = seg.off + seg.len == payload;
		if (!dmsim_rx_misroute(q, skb, &seg))
			dmsim_rx_segment(q, skb, &seg);
		seg.off += seg.len;
		seg.n++;
	} while (seg.off < end);
}

int dmsim_poll(struct napi_struct *napi, int budget)
{
	struct dmsim_queue *q = container_of(napi, struct dmsim_queue, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = skb_dequeue(&q->backlog))) {
		/* the number of channels may have shrunk while it was on the wire */
		if (q->idx < READ_ONCE(q->priv->dev->real_num_rx_queues))
			dmsim_rx_packet(q, skb);
		else
			q->cnt.rx_drops++;
		napi_consume_skb(skb, budget);
		done++;
	}
	if (done < budget && napi_complete_done(napi, done) && !skb_queue_empty(&q->backlog))
		napi_schedule(napi);
	return done;
}
