// SPDX-License-Identifier: BSD-3-Clause
/* Interface ioctls. */
#include "nic/ethtool_ioctl.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys.h"
#include "netlink/genl.h"

_Static_assert(NIC_NAME_SIZE == IFNAMSIZ, "interface name");

/* Times that the list of rules is asked for again because it grew meanwhile. */
#define LIST_ATTEMPTS 8

int ethtool_ioctl_index(const struct nic *nic, const char *name, uint32_t *ifindex,
			struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	if (!name[0] || strlen(name) >= sizeof(ifr.ifr_name))
		return error_missing(err, -ENODEV, "SIOCGIFINDEX", name,
				     "no interface can have this name: 1 to 15 characters");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ret = sys_ioctl(genl_fd(nic->genl), SIOCGIFINDEX, &ifr);
	if (ret == -ENODEV)
		return error_missing(err, ret, "SIOCGIFINDEX", name,
				     "no such interface in this network namespace; ip link show "
				     "lists them");
	if (ret)
		return error_system(err, ret, "SIOCGIFINDEX", name, NULL);
	*ifindex = (uint32_t)ifr.ifr_ifindex;
	return 0;
}

int ethtool_ioctl_name(const struct nic *nic, char name[NIC_NAME_SIZE], struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ifr.ifr_ifindex = (int)nic->ifindex;
	ret = sys_ioctl(genl_fd(nic->genl), SIOCGIFNAME, &ifr);
	if (ret == -ENODEV)
		return error_missing(err, ret, "SIOCGIFNAME", nic->name,
				     "no such interface in this network namespace (any more)");
	if (ret)
		return error_system(err, ret, "SIOCGIFNAME", nic->name, NULL);
	snprintf(name, NIC_NAME_SIZE, "%.*s", NIC_NAME_SIZE - 1, ifr.ifr_name);
	return 0;
}

/* One ioctl on the interface, under the name that it has now. */
static int request(const struct nic *nic, unsigned long number, const char *operation,
		   struct ifreq *ifr, struct devmem_error *err)
{
	int ret;

	ret = ethtool_ioctl_name(nic, ifr->ifr_name, err);
	if (ret)
		return ret;
	ret = sys_ioctl(genl_fd(nic->genl), number, ifr);
	if (ret < 0)
		return error_system(err, ret, operation, nic->name, NULL);
	return 0;
}

static int ethtool(const struct nic *nic, const char *operation, void *data,
		   struct devmem_error *err)
{
	struct ifreq ifr = { 0 };

	ifr.ifr_data = data;
	return request(nic, SIOCETHTOOL, operation, &ifr, err);
}

int ethtool_ioctl_flags(const struct nic *nic, uint32_t *flags, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ret = request(nic, SIOCGIFFLAGS, "SIOCGIFFLAGS", &ifr, err);
	if (ret)
		return ret;
	*flags = (uint16_t)ifr.ifr_flags;
	return 0;
}

int ethtool_ioctl_mtu(const struct nic *nic, uint32_t *mtu, struct devmem_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	ret = request(nic, SIOCGIFMTU, "SIOCGIFMTU", &ifr, err);
	if (ret)
		return ret;
	*mtu = (uint32_t)ifr.ifr_mtu;
	return 0;
}

int ethtool_ioctl_drvinfo(const struct nic *nic, struct uapi_ethtool_drvinfo *info,
			  struct devmem_error *err)
{
	int ret;

	memset(info, 0, sizeof(*info));
	info->cmd = UAPI_ETHTOOL_GDRVINFO;
	ret = ethtool(nic, "ETHTOOL_GDRVINFO", info, err);
	info->driver[sizeof(info->driver) - 1] = '\0';
	info->bus_info[sizeof(info->bus_info) - 1] = '\0';
	return ret;
}

int ethtool_ioctl_permanent_address(const struct nic *nic, uint8_t address[UAPI_MAX_ADDR_LEN],
				    uint32_t *len, struct devmem_error *err)
{
	struct uapi_ethtool_perm_addr perm = { .cmd = UAPI_ETHTOOL_GPERMADDR };
	int ret;

	perm.size = sizeof(perm.data);
	ret = ethtool(nic, "ETHTOOL_GPERMADDR", &perm, err);
	if (ret)
		return ret;
	memcpy(address, perm.data, sizeof(perm.data));
	*len = perm.size < sizeof(perm.data) ? perm.size : sizeof(perm.data);
	return 0;
}

int ethtool_ioctl_rx_rings(const struct nic *nic, uint32_t *n, struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_GRXRINGS };
	int ret;

	ret = ethtool(nic, "ETHTOOL_GRXRINGS", &nfc, err);
	if (ret)
		return ret;
	*n = (uint32_t)nfc.data;
	return 0;
}

int ethtool_ioctl_rule_count(const struct nic *nic, uint32_t *rules, uint32_t *places, int *any,
			     struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_GRXCLSRLCNT };
	int ret;

	ret = ethtool(nic, "ETHTOOL_GRXCLSRLCNT", &nfc, err);
	if (ret)
		return ret;
	*rules = nfc.rule_cnt;
	*places = (uint32_t)nfc.data & ~UAPI_RX_CLS_LOC_SPECIAL;
	*any = !!(nfc.data & UAPI_RX_CLS_LOC_SPECIAL);
	return 0;
}

int ethtool_ioctl_rule_places(const struct nic *nic, uint32_t **places, uint32_t *n, uint32_t *size,
			      struct devmem_error *err)
{
	uint32_t count, table;
	struct uapi_rxnfc *nfc;
	int i, any, ret;

	for (i = 0; i < LIST_ATTEMPTS; i++) {
		ret = ethtool_ioctl_rule_count(nic, &count, &table, &any, err);
		if (ret)
			return ret;
		nfc = calloc(1, sizeof(*nfc) + (size_t)count * sizeof(nfc->rule_locs[0]));
		*places = calloc((size_t)count + 1, sizeof(**places));
		if (!nfc || !*places) {
			ret = error_system(err, -ENOMEM, "ETHTOOL_GRXCLSRLALL", nic->name, NULL);
			goto err_free;
		}
		nfc->cmd = UAPI_ETHTOOL_GRXCLSRLALL;
		nfc->rule_cnt = count;
		ret = ethtool(nic, "ETHTOOL_GRXCLSRLALL", nfc, err);
		if (!ret) {
			/* The kernel wrote no more than there was room for. */
			*n = nfc->rule_cnt < count ? nfc->rule_cnt : count;
			*size = (uint32_t)nfc->data & ~UAPI_RX_CLS_LOC_SPECIAL;
			if (!*size)
				*size = table;
			memcpy(*places, nfc->rule_locs, *n * sizeof(**places));
			free(nfc);
			return 0;
		}
		if (ret != -EMSGSIZE)
			goto err_free;
		free(nfc);
		free(*places);
	}
	return ret;

err_free:
	free(nfc);
	free(*places);
	return ret;
}

int ethtool_ioctl_rule_get(const struct nic *nic, uint32_t place, struct uapi_rxnfc *rule,
			   struct devmem_error *err)
{
	memset(rule, 0, sizeof(*rule));
	rule->cmd = UAPI_ETHTOOL_GRXCLSRULE;
	rule->fs.location = place;
	return ethtool(nic, "ETHTOOL_GRXCLSRULE", rule, err);
}

int ethtool_ioctl_rule_insert(const struct nic *nic, struct uapi_rxnfc *rule,
			      struct devmem_error *err)
{
	rule->cmd = UAPI_ETHTOOL_SRXCLSRLINS;
	return ethtool(nic, "ETHTOOL_SRXCLSRLINS", rule, err);
}

int ethtool_ioctl_rule_delete(const struct nic *nic, uint32_t place, struct devmem_error *err)
{
	struct uapi_rxnfc nfc = { .cmd = UAPI_ETHTOOL_SRXCLSRLDEL };

	nfc.fs.location = place;
	return ethtool(nic, "ETHTOOL_SRXCLSRLDEL", &nfc, err);
}

/* Sets the table of an RSS context; n = 0 is what the kernel makes of no table. context may receive
 * another number. */
static int rss_table(const struct nic *nic, uint32_t *context, const uint32_t *table, uint32_t n,
		     struct devmem_error *err)
{
	struct uapi_rxfh *rxfh;
	int ret;

	rxfh = calloc(1, sizeof(*rxfh) + (size_t)n * sizeof(rxfh->rss_config[0]));
	if (!rxfh)
		return error_system(err, -ENOMEM, "ETHTOOL_SRSSH", nic->name, NULL);
	rxfh->cmd = UAPI_ETHTOOL_SRSSH;
	rxfh->rss_context = *context;
	rxfh->indir_size = n;
	/* Kernels since 6.8 read 0 as "transform nothing": keep what there is. Older ones want 0
	 * here, but none of them has device memory. */
	rxfh->input_xfrm = UAPI_RXH_XFRM_NO_CHANGE;
	if (n)
		memcpy(rxfh->rss_config, table, (size_t)n * sizeof(*table));
	ret = ethtool(nic, "ETHTOOL_SRSSH", rxfh, err);
	if (!ret)
		*context = rxfh->rss_context;
	free(rxfh);
	return ret;
}

int ethtool_ioctl_rss_set(const struct nic *nic, const uint32_t *table, uint32_t n,
			  struct devmem_error *err)
{
	uint32_t context = 0;

	return rss_table(nic, &context, table, n, err);
}

int ethtool_ioctl_rss_create(const struct nic *nic, const uint32_t *table, uint32_t n,
			     uint32_t *context, struct devmem_error *err)
{
	uint32_t made = UAPI_RXFH_CONTEXT_ALLOC;
	int ret;

	ret = rss_table(nic, &made, table, n, err);
	if (ret)
		return ret;
	*context = made;
	return 0;
}

int ethtool_ioctl_rss_delete(const struct nic *nic, uint32_t context, struct devmem_error *err)
{
	/* Without a number this would reset the default context's table. */
	if (!context || context == UAPI_RXFH_CONTEXT_ALLOC)
		return error_input(err, -EINVAL, nic->name,
				   "no RSS context %" PRIu32 " can be deleted", context);
	return rss_table(nic, &context, NULL, 0, err);
}
