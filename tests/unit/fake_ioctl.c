// SPDX-License-Identifier: BSD-3-Clause
/* Interface ioctls and SIOCETHTOOL: driver, flow rules, RSS as kernels without RSS_SET have it.
 * Facts from the kernel's net/core/dev_ioctl.c and net/ethtool/ioctl.c. */
#include "fake_internal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int drvinfo(const struct fake_nic *nic, struct ethtool_drvinfo *info)
{
	if (!nic->driver[0])
		return -EOPNOTSUPP;
	memset((char *)info + sizeof(info->cmd), 0, sizeof(*info) - sizeof(info->cmd));
	memcpy(info->driver, nic->driver, strlen(nic->driver));
	memcpy(info->bus_info, nic->bus, strlen(nic->bus));
	strcpy(info->version, "7.3.4");
	return 0;
}

/* Without a permanent address there are as many zeros. */
static int perm_addr(const struct fake_nic *nic, struct ethtool_perm_addr *perm)
{
	if (perm->size < nic->addr_len)
		return -525; /* ETOOSMALL */
	perm->size = nic->addr_len;
	memcpy(perm->data, nic->perm_addr, nic->addr_len);
	return 0;
}

/* ---- flow rules ---- */

static uint32_t rule_count(const struct fake_nic *nic)
{
	uint32_t i, n = 0;

	for (i = 0; i < nic->rules_max; i++)
		n += nic->state.rules[i].used;
	return n;
}

static int rule_get(const struct fake_nic *nic, struct ethtool_rxnfc *nfc)
{
	uint32_t at = nfc->fs.location;

	if (at >= nic->rules_max || !nic->state.rules[at].used)
		return -ENOENT;
	nfc->fs = nic->state.rules[at].fs;
	/* Tests may put a context without the flag. */
	if (nic->state.rules[at].rss_context)
		nfc->fs.flow_type |= FLOW_RSS;
	if (nfc->fs.flow_type & FLOW_RSS)
		nfc->rss_context = nic->state.rules[at].rss_context;
	return 0;
}

static int rule_list(const struct fake_nic *nic, struct ethtool_rxnfc *nfc)
{
	uint32_t i, n = 0;

	for (i = 0; i < nic->rules_max; i++) {
		if (!nic->state.rules[i].used)
			continue;
		if (n == nfc->rule_cnt)
			return -EMSGSIZE;
		nfc->rule_locs[n++] = i;
	}
	nfc->rule_cnt = n;
	nfc->data = nic->rules_max;
	return 0;
}

static bool same_match(const struct ethtool_rx_flow_spec *a, const struct ethtool_rx_flow_spec *b)
{
	return !((a->flow_type ^ b->flow_type) & ~FLOW_RSS) &&
	       !memcmp(&a->h_u, &b->h_u, sizeof(a->h_u)) &&
	       !memcmp(&a->m_u, &b->m_u, sizeof(a->m_u));
}

static int rule_add(struct fake_nic *nic, struct ethtool_rxnfc *nfc)
{
	uint32_t at = nfc->fs.location, type, i;
	bool any = at & RX_CLS_LOC_SPECIAL;

	if (!nic->can_set_rules ||
	    (nic->rules_need_ntuple && !(nic->state.features & fake_ntuple())))
		return -EOPNOTSUPP;
	type = nfc->fs.flow_type & ~(uint32_t)(FLOW_RSS | FLOW_EXT | FLOW_MAC_EXT);
	if (type != TCP_V4_FLOW && type != TCP_V6_FLOW)
		return -EOPNOTSUPP;
	/* A queue on top of a context's is for devices that add them. */
	if ((nfc->fs.flow_type & FLOW_RSS) &&
	    (nfc->fs.ring_cookie || (nfc->rss_context && !fake_context(nic, nfc->rss_context))))
		return -EINVAL;
	if (nfc->fs.ring_cookie != RX_CLS_FLOW_DISC && nfc->fs.ring_cookie >= nic->state.combined)
		return -EINVAL;
	if (any ? !nic->location_any : nic->location_only_any)
		return -EINVAL;
	for (i = 0; nic->refuse_duplicates && i < nic->rules_max; i++)
		if (nic->state.rules[i].used && same_match(&nic->state.rules[i].fs, &nfc->fs))
			return -EEXIST;
	/* Like some drivers, from the end of the table. */
	if (any)
		for (at = nic->rules_max; at > 0 && nic->state.rules[at - 1].used; at--)
			;
	if (any && at-- == 0)
		return -ENOSPC;
	if (at >= nic->rules_max)
		return -EINVAL;
	/* A rule at that place is replaced, as the ioctl defines it. */
	if (nic->state.rules[at].used)
		fake_note("%s rule %u overwritten", nic->name, at);
	memset(&nic->state.rules[at], 0, sizeof(nic->state.rules[at]));
	nfc->fs.location = at;
	nic->state.rules[at].used = 1;
	nic->state.rules[at].fs = nfc->fs;
	if (nfc->fs.flow_type & FLOW_RSS) {
		nic->state.rules[at].rss_context = nfc->rss_context;
		fake_note("%s rule-add %u context %u", nic->name, at, nfc->rss_context);
		return 0;
	}
	fake_note("%s rule-add %u queue %llu", nic->name, at,
		  (unsigned long long)nfc->fs.ring_cookie);
	return 0;
}

static int rule_del(struct fake_nic *nic, struct ethtool_rxnfc *nfc)
{
	uint32_t at = nfc->fs.location;

	if (!nic->can_set_rules ||
	    (nic->rules_need_ntuple && !(nic->state.features & fake_ntuple())))
		return -EOPNOTSUPP;
	if (at >= nic->rules_max || !nic->state.rules[at].used)
		return -ENOENT;
	memset(&nic->state.rules[at], 0, sizeof(nic->state.rules[at]));
	fake_note("%s rule-del %u", nic->name, at);
	return 0;
}

/* ---- RSS ---- */

static int rxfh_get(const struct fake_nic *nic, struct ethtool_rxfh *rxfh)
{
	uint32_t indir = rxfh->indir_size, key = rxfh->key_size;
	char *out = (char *)rxfh->rss_config;
	const uint32_t *table = nic->state.indir;

	if (!nic->has_rss)
		return -EOPNOTSUPP;
	if (rxfh->rss_context && !nic->rss_contexts)
		return -EOPNOTSUPP;
	if (rxfh->rss_context)
		table = fake_context(nic, rxfh->rss_context);
	if (!table)
		return -ENOENT;
	rxfh->indir_size = nic->indir_size;
	rxfh->key_size = nic->key_size;
	if ((indir && indir != nic->indir_size) || (key && key != nic->key_size))
		return -EINVAL;
	memcpy(out, table, 4 * (size_t)indir);
	memcpy(out + 4 * (size_t)indir, nic->state.key, key);
	rxfh->hfunc = (uint8_t)nic->state.rss_hfunc;
	return 0;
}

/* Makes a context, or deletes it. */
static int context_set(struct fake_nic *nic, struct ethtool_rxfh *rxfh)
{
	bool no_change = rxfh->indir_size == ETH_RXFH_INDIR_NO_CHANGE;
	/* Debian 12's headers have no name for it. */
	uint8_t input_xfrm = ((uint8_t *)rxfh)[offsetof(struct ethtool_rxfh, hfunc) + 1];

	if (rxfh->key_size || rxfh->hfunc || (input_xfrm && input_xfrm != 0xff))
		fake_complain("a context with more than a table");
	if (rxfh->rss_context == ETH_RXFH_CONTEXT_ALLOC) {
		if (!rxfh->indir_size)
			return -EINVAL;
		return fake_context_add(nic, rxfh->rss_config, no_change ? 0 : rxfh->indir_size,
					&rxfh->rss_context);
	}
	if (!rxfh->indir_size)
		return fake_context_del(nic, rxfh->rss_context);
	fake_complain("change of context %u", rxfh->rss_context);
	return -EOPNOTSUPP;
}

static int rxfh_set(struct fake_nic *nic, struct ethtool_rxfh *rxfh)
{
	if (!nic->has_rss || !nic->can_set_rss)
		return -EOPNOTSUPP;
	if (rxfh->rsvd32 || rxfh->rsvd8[1])
		return -EINVAL;
	if (rxfh->rss_context && !nic->rss_contexts)
		return -EOPNOTSUPP;
	if ((rxfh->indir_size && rxfh->indir_size != ETH_RXFH_INDIR_NO_CHANGE &&
	     rxfh->indir_size != nic->indir_size) ||
	    (rxfh->key_size && rxfh->key_size != nic->key_size))
		return -EINVAL;
	if (rxfh->rss_context)
		return context_set(nic, rxfh);
	if (rxfh->indir_size == ETH_RXFH_INDIR_NO_CHANGE && !rxfh->key_size && !rxfh->hfunc)
		return -EINVAL;
	if (rxfh->key_size) {
		memcpy(nic->state.key, (char *)rxfh->rss_config + 4 * (size_t)rxfh->indir_size,
		       rxfh->key_size);
		fake_note("%s rss-key", nic->name);
	}
	if (rxfh->hfunc)
		nic->state.rss_hfunc = rxfh->hfunc;
	if (rxfh->indir_size == ETH_RXFH_INDIR_NO_CHANGE)
		return 0;
	return fake_set_indir(nic, rxfh->rss_config, rxfh->indir_size);
}

static int ethtool(struct ifreq *ifr)
{
	struct fake_nic *nic;
	void *data = ifr->ifr_data;
	uint32_t cmd;

	if (!memchr(ifr->ifr_name, 0, sizeof(ifr->ifr_name)))
		fake_complain("interface name isn't terminated");
	ifr->ifr_name[sizeof(ifr->ifr_name) - 1] = '\0';
	nic = fake_nic_by_name(ifr->ifr_name);
	memcpy(&cmd, data, sizeof(cmd));
	if (!nic)
		return -ENODEV;
	switch (cmd) {
	case ETHTOOL_GDRVINFO:
	case ETHTOOL_GPERMADDR:
	case ETHTOOL_GRXRINGS:
	case ETHTOOL_GRXCLSRLCNT:
	case ETHTOOL_GRXCLSRULE:
	case ETHTOOL_GRXCLSRLALL:
	case ETHTOOL_GRSSH:
		break;
	default:
		if (!kernel.admin)
			return -EPERM;
	}
	switch (cmd) {
	case ETHTOOL_GDRVINFO:
		return drvinfo(nic, data);
	case ETHTOOL_GPERMADDR:
		return perm_addr(nic, data);
	case ETHTOOL_GRSSH:
		return rxfh_get(nic, data);
	case ETHTOOL_SRSSH:
		return rxfh_set(nic, data);
	}
	if (!nic->has_rules)
		return -EOPNOTSUPP;
	switch (cmd) {
	case ETHTOOL_GRXRINGS:
		((struct ethtool_rxnfc *)data)->data = nic->state.combined;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		((struct ethtool_rxnfc *)data)->rule_cnt = rule_count(nic);
		((struct ethtool_rxnfc *)data)->data =
			nic->rules_max | (nic->location_any ? RX_CLS_LOC_SPECIAL : 0);
		return 0;
	case ETHTOOL_GRXCLSRULE:
		return rule_get(nic, data);
	case ETHTOOL_GRXCLSRLALL:
		return rule_list(nic, data);
	case ETHTOOL_SRXCLSRLINS:
		return rule_add(nic, data);
	case ETHTOOL_SRXCLSRLDEL:
		return rule_del(nic, data);
	}
	fake_complain("unexpected ethtool command %#x", cmd);
	return -EOPNOTSUPP;
}

int fake_ifreq_ioctl(unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;
	struct fake_nic *nic;

	switch (request) {
	case SIOCETHTOOL:
		return ethtool(ifr);
	case SIOCGIFNAME:
		nic = fake_nic_by_index((uint32_t)ifr->ifr_ifindex);
		if (!nic)
			return -ENODEV;
		memcpy(ifr->ifr_name, nic->name, sizeof(nic->name));
		return 0;
	}
	ifr->ifr_name[sizeof(ifr->ifr_name) - 1] = '\0';
	nic = fake_nic_by_name(ifr->ifr_name);
	if (!nic)
		return -ENODEV;
	switch (request) {
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = (int)nic->ifindex;
		return 0;
	case SIOCGIFFLAGS:
		ifr->ifr_flags = (short)(IFF_BROADCAST | (nic->up ? IFF_UP : 0));
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_mtu = (int)nic->mtu;
		return 0;
	}
	fake_complain("unexpected ioctl %#lx", request);
	return -ENOTTY;
}

static int socket_ioctl(struct object *obj, unsigned long request, void *arg)
{
	(void)obj;
	return fake_ifreq_ioctl(request, arg);
}

static void socket_release(struct object *obj)
{
	free(obj);
}

int fake_ioctl_socket(void)
{
	static const struct object_ops ops = {
		.name = "datagram socket",
		.release = socket_release,
		.ioctl = socket_ioctl,
	};

	return fake_install(fake_object_new(&ops, sizeof(struct object)), false);
}
