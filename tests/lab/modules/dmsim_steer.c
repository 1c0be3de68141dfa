// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steering: which receive queue gets a packet. Flow rules are tried first, in
 * the order of their location; a rule names a queue, an RSS context or "drop".
 * Without a match the table of RSS context 0 decides by the packet's Toeplitz
 * hash. The ethtool operations that set all this up are here as well.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/unaligned.h>

#include "dmsim.h"

#define DMSIM_HASH_FIELDS (RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3)

/* ------------------------------------------------------------------ hashing */

static u32 dmsim_toeplitz(const u8 *key, const u8 *data, unsigned int len)
{
	u32 window = get_unaligned_be32(key), hash = 0;
	unsigned int i;
	int bit;

	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			if (data[i] & BIT(bit))
				hash ^= window;
			window = window << 1 | (key[i + 4] >> bit & 1);
		}
	}
	return hash;
}

/* the usual RSS hash: of the addresses, and of the ports when @l4 is set; 0 when it is not IP */
static u32 dmsim_hash(const u8 *key, const struct sk_buff *skb, u32 l4)
{
	u8 tuple[2 * sizeof(struct in6_addr) + 2 * sizeof(__be16)];
	unsigned int len;

	if (skb->protocol == htons(ETH_P_IP) &&
	    skb_headlen(skb) >= ETH_HLEN + sizeof(struct iphdr)) {
		const struct iphdr *ih = (const struct iphdr *)(skb->data + ETH_HLEN);

		len = sizeof(ih->addrs);
		memcpy(tuple, &ih->addrs, len);
	} else if (skb->protocol == htons(ETH_P_IPV6) &&
		   skb_headlen(skb) >= ETH_HLEN + sizeof(struct ipv6hdr)) {
		const struct ipv6hdr *ih = (const struct ipv6hdr *)(skb->data + ETH_HLEN);

		len = sizeof(ih->addrs);
		memcpy(tuple, &ih->addrs, len);
	} else {
		return 0;
	}
	if (l4) {
		memcpy(tuple + len, skb->data + l4, 2 * sizeof(__be16));
		len += 2 * sizeof(__be16);
	}
	BUILD_BUG_ON(sizeof(tuple) + sizeof(u32) > DMSIM_KEY_SIZE);
	return dmsim_toeplitz(key, tuple, len);
}

/* ----------------------------------------------------------------- matching */

static bool dmsim_match16(__be16 v, __be16 want, __be16 mask)
{
	return !((v ^ want) & mask);
}

static bool dmsim_match32(__be32 v, __be32 want, __be32 mask)
{
	return !((v ^ want) & mask);
}

static bool dmsim_match_ip4(const struct ethtool_rx_flow_spec *fs, const struct iphdr *ih,
			    const struct tcphdr *th)
{
	const struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *m = &fs->m_u.tcp_ip4_spec;

	return dmsim_match32(ih->saddr, h->ip4src, m->ip4src) &&
	       dmsim_match32(ih->daddr, h->ip4dst, m->ip4dst) &&
	       dmsim_match16(th->source, h->psrc, m->psrc) &&
	       dmsim_match16(th->dest, h->pdst, m->pdst);
}

static bool dmsim_match_ip6(const struct ethtool_rx_flow_spec *fs, const struct ipv6hdr *ih,
			    const struct tcphdr *th)
{
	const struct ethtool_tcpip6_spec *h = &fs->h_u.tcp_ip6_spec;
	const struct ethtool_tcpip6_spec *m = &fs->m_u.tcp_ip6_spec;
	int i;

	for (i = 0; i < 4; i++)
		if (!dmsim_match32(ih->saddr.s6_addr32[i], h->ip6src[i], m->ip6src[i]) ||
		    !dmsim_match32(ih->daddr.s6_addr32[i], h->ip6dst[i], m->ip6dst[i]))
			return false;
	return dmsim_match16(th->source, h->psrc, m->psrc) &&
	       dmsim_match16(th->dest, h->pdst, m->pdst);
}

static bool dmsim_match(const struct ethtool_rx_flow_spec *fs, const struct sk_buff *skb, u32 l4)
{
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + l4);
	const void *ih = skb->data + ETH_HLEN;

	switch (fs->flow_type & ~FLOW_RSS) {
	case TCP_V4_FLOW:
		return skb->protocol == htons(ETH_P_IP) && dmsim_match_ip4(fs, ih, th);
	case TCP_V6_FLOW:
		return skb->protocol == htons(ETH_P_IPV6) && dmsim_match_ip6(fs, ih, th);
	}
	return false;
}

static const struct dmsim_rule *dmsim_rule_find(const struct dmsim_priv *priv,
						const struct sk_buff *skb, u32 l4)
{
	unsigned int i, left = priv->nrules;

	for (i = 0; left; i++) {
		const struct dmsim_rule *r = &priv->rules[i];

		if (!r->used)
			continue;
		if (dmsim_match(&r->fs, skb, l4))
			return r;
		left--;
	}
	return NULL;
}

static u16 dmsim_rss_queue(const struct dmsim_rss *rss, u32 hash, unsigned int nqueues)
{
	u32 q = rss->indir[hash % DMSIM_INDIR_SIZE];

	/* it isn't only while the number of channels is being changed */
	return q < nqueues ? q : 0;
}

/**
 * dmsim_steer() - choose the receive queue
 * @priv: the receiving end
 * @skb: packet; gets its hash and its control block
 *
 * Runs in the sender's context, bottom halves off.
 *
 * Return: queue number, negative to drop the packet.
 */
int dmsim_steer(struct dmsim_priv *priv, struct sk_buff *skb)
{
	unsigned int nqueues = READ_ONCE(priv->dev->real_num_rx_queues);
	struct dmsim_cb *cb = dmsim_cb(skb);
	const struct dmsim_rule *r = NULL;
	u32 hash, l4 = 0;
	int ret;

	if (!dmsim_tcp_headers(skb, &l4))
		l4 = 0;
	spin_lock(&priv->lock);
	hash = dmsim_hash(priv->rss[0].key, skb, l4);
	ret = dmsim_rss_queue(&priv->rss[0], hash, nqueues);
	*cb = (struct dmsim_cb){ .to = U32_MAX, .rss_queue = ret };
	if (l4)
		r = dmsim_rule_find(priv, skb, l4);
	if (!r)
		goto unlock;
	cb->ruled = true;
	if (r->fs.ring_cookie == RX_CLS_FLOW_DISC) {
		ret = -1;
	} else if (r->fs.flow_type & FLOW_RSS) {
		const struct dmsim_rss *rss = &priv->rss[r->context];

		hash = dmsim_hash(rss->key, skb, l4);
		ret = dmsim_rss_queue(rss, hash, nqueues);
	} else {
		ret = r->fs.ring_cookie < nqueues ? r->fs.ring_cookie : 0;
	}
unlock:
	spin_unlock(&priv->lock);
	__skb_set_sw_hash(skb, hash, l4);
	return ret;
}

/* -------------------------------------------------------------------- rules */

static int dmsim_rule_check(struct net_device *dev, const struct ethtool_rxnfc *c)
{
	const struct ethtool_rx_flow_spec *fs = &c->fs;
	struct dmsim_priv *priv = netdev_priv(dev);

	switch (fs->flow_type & ~FLOW_RSS) {
	case TCP_V4_FLOW:
		if (fs->m_u.tcp_ip4_spec.tos)
			return -EOPNOTSUPP;
		break;
	case TCP_V6_FLOW:
		if (fs->m_u.tcp_ip6_spec.tclass)
			return -EOPNOTSUPP;
		break;
	default: /* other protocols, and FLOW_EXT: VLAN, user data, destination MAC */
		return -EOPNOTSUPP;
	}
	if (fs->flow_type & FLOW_RSS) {
		if (c->rss_context >= DMSIM_MAX_CONTEXTS || !priv->rss[c->rss_context].used)
			return -EINVAL;
		/* no "context and drop" in the kernel, no offset to a context's queues in dmsim */
		return fs->ring_cookie ? -EINVAL : 0;
	}
	if (fs->ring_cookie != RX_CLS_FLOW_DISC && fs->ring_cookie >= dev->real_num_rx_queues)
		return -EINVAL;
	return 0;
}

/* the location that a rule goes to, negative when there is none */
static int dmsim_rule_place(const struct dmsim_priv *priv, u32 loc)
{
	int i;

	if (!(loc & RX_CLS_LOC_SPECIAL))
		return loc < dmsim_nrules ? loc : -EINVAL;
	if (!READ_ONCE(dmsim_auto_loc))
		return -EINVAL;
	switch (loc) {
	case RX_CLS_LOC_ANY:
	case RX_CLS_LOC_FIRST:
		for (i = 0; i < dmsim_nrules; i++)
			if (!priv->rules[i].used)
				return i;
		return -ENOSPC;
	case RX_CLS_LOC_LAST:
		for (i = dmsim_nrules - 1; i >= 0; i--)
			if (!priv->rules[i].used)
				return i;
		return -ENOSPC;
	}
	return -EINVAL;
}

/* the same flow at another location would never match; NICs with a hash of rules refuse it */
static bool dmsim_rule_duplicate(const struct dmsim_priv *priv,
				 const struct ethtool_rx_flow_spec *fs)
{
	unsigned int i;

	for (i = 0; i < dmsim_nrules; i++) {
		const struct dmsim_rule *r = &priv->rules[i];

		if (r->used && i != fs->location &&
		    !((r->fs.flow_type ^ fs->flow_type) & ~FLOW_RSS) &&
		    !memcmp(&r->fs.h_u, &fs->h_u, sizeof(fs->h_u)) &&
		    !memcmp(&r->fs.m_u, &fs->m_u, sizeof(fs->m_u)))
			return true;
	}
	return false;
}

static int dmsim_rule_insert(struct net_device *dev, struct ethtool_rxnfc *c)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	struct dmsim_rule *r;
	int loc, err;

	err = dmsim_rule_check(dev, c);
	if (err)
		return err;
	if (dmsim_rule_duplicate(priv, &c->fs))
		return -EEXIST;
	loc = dmsim_rule_place(priv, c->fs.location);
	if (loc < 0)
		return loc;
	r = &priv->rules[loc];
	if (!r->used)
		priv->nrules++;
	c->fs.location = loc;
	*r = (struct dmsim_rule){
		.used = true,
		.context = c->fs.flow_type & FLOW_RSS ? c->rss_context : 0,
		.fs = c->fs,
	};
	return 0;
}

static int dmsim_rule_delete(struct dmsim_priv *priv, u32 loc)
{
	if (loc >= dmsim_nrules || !priv->rules[loc].used)
		return -ENOENT;
	priv->rules[loc].used = false;
	priv->nrules--;
	return 0;
}

int dmsim_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *c)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	int err;

	if (!(dev->features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	spin_lock_bh(&priv->lock);
	switch (c->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		err = dmsim_rule_insert(dev, c);
		break;
	case ETHTOOL_SRXCLSRLDEL:
		err = dmsim_rule_delete(priv, c->fs.location);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	spin_unlock_bh(&priv->lock);
	return err;
}

/* all rules go, as when `ethtool -K DEV ntuple off` empties a NIC's filter table */
void dmsim_rules_flush(struct dmsim_priv *priv)
{
	unsigned int i;

	spin_lock_bh(&priv->lock);
	for (i = 0; i < dmsim_nrules; i++)
		priv->rules[i].used = false;
	priv->nrules = 0;
	spin_unlock_bh(&priv->lock);
}

static int dmsim_rule_list(const struct dmsim_priv *priv, struct ethtool_rxnfc *c, u32 *locs)
{
	u32 i, n = 0;

	for (i = 0; i < dmsim_nrules; i++) {
		if (!priv->rules[i].used)
			continue;
		if (n == c->rule_cnt)
			return -EMSGSIZE;
		locs[n++] = i;
	}
	c->rule_cnt = n;
	c->data = dmsim_nrules;
	return 0;
}

/* readers need no lock: changes come only from callbacks that the core serializes with these */
int dmsim_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *c, u32 *locs)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	const struct dmsim_rule *r;

	switch (c->cmd) {
#if !LAB_KERNEL_7
	/* in 7.x both have callbacks of their own */
	case ETHTOOL_GRXRINGS:
		c->data = dev->real_num_rx_queues;
		return 0;
	case ETHTOOL_GRXFH:
		switch (c->flow_type & ~FLOW_RSS) {
		case TCP_V4_FLOW:
		case TCP_V6_FLOW:
			c->data = DMSIM_HASH_FIELDS;
			return 0;
		}
		c->data = RXH_IP_SRC | RXH_IP_DST;
		return 0;
#endif
	case ETHTOOL_GRXCLSRLCNT:
		if (dmsim_no_ntuple)
			return -EOPNOTSUPP;
		c->rule_cnt = priv->nrules;
		c->data = dmsim_nrules;
		if (READ_ONCE(dmsim_auto_loc))
			c->data |= RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		if (dmsim_no_ntuple)
			return -EOPNOTSUPP;
		if (c->fs.location >= dmsim_nrules || !priv->rules[c->fs.location].used)
			return -ENOENT;
		r = &priv->rules[c->fs.location];
		c->fs = r->fs;
		c->rss_context = r->context;
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		if (dmsim_no_ntuple)
			return -EOPNOTSUPP;
		return dmsim_rule_list(priv, c, locs);
	}
	return -EOPNOTSUPP;
}

/* ---------------------------------------------------------------------- RSS */

u32 dmsim_get_rxfh_indir_size(struct net_device *dev)
{
	return DMSIM_INDIR_SIZE;
}

u32 dmsim_get_rxfh_key_size(struct net_device *dev)
{
	return DMSIM_KEY_SIZE;
}

int dmsim_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p)
{
	struct dmsim_priv *priv = netdev_priv(dev);

	p->hfunc = ETH_RSS_HASH_TOP;
	if (p->indir)
		memcpy(p->indir, priv->rss[0].indir, sizeof(priv->rss[0].indir));
	if (p->key)
		memcpy(p->key, priv->rss[0].key, sizeof(priv->rss[0].key));
	return 0;
}

static int dmsim_rss_update(struct dmsim_priv *priv, struct dmsim_rss *rss,
			    const struct ethtool_rxfh_param *p)
{
	if (p->hfunc != ETH_RSS_HASH_NO_CHANGE && p->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	spin_lock_bh(&priv->lock);
	if (p->indir)
		memcpy(rss->indir, p->indir, sizeof(rss->indir));
	if (p->key)
		memcpy(rss->key, p->key, sizeof(rss->key));
	rss->used = true;
	spin_unlock_bh(&priv->lock);
	return 0;
}

int dmsim_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p,
		   struct netlink_ext_ack *extack)
{
	struct dmsim_priv *priv = netdev_priv(dev);

	return dmsim_rss_update(priv, &priv->rss[0], p);
}

static void dmsim_indir_spread(u32 *indir, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < DMSIM_INDIR_SIZE; i++)
		indir[i] = ethtool_rxfh_indir_default(i, n);
}

/* the core keeps a copy of each context in @ctx; what it starts with is filled in here */
int dmsim_create_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			 const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	struct dmsim_rss *rss = &priv->rss[p->rss_context];

	dmsim_indir_spread(rss->indir, dev->real_num_rx_queues);
	memcpy(rss->key, priv->rss[0].key, sizeof(rss->key));
	memcpy(ethtool_rxfh_context_indir(ctx), rss->indir, sizeof(rss->indir));
	memcpy(ethtool_rxfh_context_key(ctx), rss->key, sizeof(rss->key));
	ctx->hfunc = ETH_RSS_HASH_TOP;
	return dmsim_rss_update(priv, rss, p);
}

int dmsim_modify_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			 const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack)
{
	struct dmsim_priv *priv = netdev_priv(dev);

	return dmsim_rss_update(priv, &priv->rss[p->rss_context], p);
}

int dmsim_remove_context(struct net_device *dev, struct ethtool_rxfh_context *ctx, u32 id,
			 struct netlink_ext_ack *extack)
{
	struct dmsim_priv *priv = netdev_priv(dev);
	unsigned int i;

	/* 7.x checks this itself */
	for (i = 0; i < dmsim_nrules; i++) {
		const struct dmsim_rule *r = &priv->rules[i];

		if (r->used && r->fs.flow_type & FLOW_RSS && r->context == id) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "rule %u points to RSS context %u", i, id);
			return -EBUSY;
		}
	}
	spin_lock_bh(&priv->lock);
	priv->rss[id].used = false;
	spin_unlock_bh(&priv->lock);
	return 0;
}

#if LAB_KERNEL_7
int dmsim_get_rxfh_fields(struct net_device *dev, struct ethtool_rxfh_fields *f)
{
	switch (f->flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
		f->data = DMSIM_HASH_FIELDS;
		return 0;
	}
	f->data = RXH_IP_SRC | RXH_IP_DST;
	return 0;
}
#endif

/* the default table of context 0: even over @n queues */
void dmsim_steer_spread(struct dmsim_priv *priv, unsigned int n)
{
	spin_lock_bh(&priv->lock);
	dmsim_indir_spread(priv->rss[0].indir, n);
	spin_unlock_bh(&priv->lock);
}

int dmsim_steer_init(struct dmsim_priv *priv)
{
	spin_lock_init(&priv->lock);
	priv->rules = kvcalloc(dmsim_nrules, sizeof(*priv->rules), GFP_KERNEL);
	if (!priv->rules)
		return -ENOMEM;
	netdev_rss_key_fill(priv->rss[0].key, DMSIM_KEY_SIZE);
	dmsim_indir_spread(priv->rss[0].indir, dmsim_queues);
	priv->rss[0].used = true;
	return 0;
}

void dmsim_steer_exit(struct dmsim_priv *priv)
{
	kvfree(priv->rules);
}
