// SPDX-License-Identifier: BSD-3-Clause
/* Reads and changes single settings of an interface. */
#include "nic/ethtool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/genl.h"
#include "uapi/errno.h"

/* Room for every request. */
#define REQUEST_WORDS 32

bool ethtool_is_absent(int code)
{
	switch (code) {
	case -EOPNOTSUPP:
	case -UAPI_ENOTSUPP:
	case -EPROTONOSUPPORT:
	case -ENETDOWN:
	case -EINVAL:
	case -EIO:
	case -ENOENT:
	case -EPERM:
	case -EACCES:
		return true;
	default:
		return false;
	}
}

int ethtool_ignore_absent(int ret, const struct devmem_error *failed, struct devmem_error *err)
{
	return !ret || ethtool_is_absent(ret) ? 0 : error_copy(err, failed);
}

static int read_rings(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return ethtool_msg_parse_rings(reply, len, arg);
}

int ethtool_get_rings(const struct nic *nic, struct ethtool_msg_rings *rings,
		      struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rings-get",
		.subject = nic->name,
		.names = ethtool_msg_rings_names,
		.fn = read_rings,
		.arg = rings,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(rings, 0, sizeof(*rings));
	return genl_do(nic->genl, ethtool_msg_rings_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

int ethtool_set_rings(const struct nic *nic, unsigned int set, uint8_t split, uint32_t hds_thresh,
		      struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "rings-set",
		.subject = nic->name,
		.names = ethtool_msg_rings_names,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;

	nlh = ethtool_msg_rings_set(buf, sizeof(buf), nic->ifindex, set, split, hds_thresh);
	return genl_do(nic->genl, nlh, &call, err);
}

static int read_channels(const struct nlmsghdr *reply, size_t len, void *arg)
{
	return ethtool_msg_parse_channels(reply, len, arg);
}

int ethtool_get_channels(const struct nic *nic, struct ethtool_msg_channels *channels,
			 struct devmem_error *err)
{
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "channels-get",
		.subject = nic->name,
		.names = ethtool_msg_channels_names,
		.fn = read_channels,
		.arg = channels,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(channels, 0, sizeof(*channels));
	return genl_do(nic->genl, ethtool_msg_channels_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

struct feature_reply {
	const char *name;
	struct ethtool_msg_feature *feature;
};

static int read_feature(const struct nlmsghdr *reply, size_t len, void *arg)
{
	const struct feature_reply *to = arg;

	return ethtool_msg_parse_feature(reply, len, to->name, to->feature);
}

int ethtool_get_feature(const struct nic *nic, const char *name,
			struct ethtool_msg_feature *feature, struct devmem_error *err)
{
	struct feature_reply to = { name, feature };
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "features-get",
		.subject = nic->name,
		.names = ethtool_msg_features_names,
		.fn = read_feature,
		.arg = &to,
	};
	uint32_t buf[REQUEST_WORDS];

	memset(feature, 0, sizeof(*feature));
	return genl_do(nic->genl, ethtool_msg_features_get(buf, sizeof(buf), nic->ifindex), &call,
		       err);
}

int ethtool_get_ntuple(const struct nic *nic, struct ethtool_msg_feature *ntuple,
		       struct devmem_error *err)
{
	return ethtool_get_feature(nic, UAPI_FEATURE_NTUPLE, ntuple, err);
}

int ethtool_set_ntuple(const struct nic *nic, bool on, struct devmem_error *err)
{
	struct ethtool_msg_feature answer = { 0 };
	struct feature_reply to = { UAPI_FEATURE_NTUPLE, &answer };
	const struct genl_call call = {
		.family = UAPI_ETHTOOL_NAME,
		.operation = "features-set",
		.subject = nic->name,
		.names = ethtool_msg_features_names,
		.fn = read_feature,
		.arg = &to,
	};
	uint32_t buf[REQUEST_WORDS];
	struct nlmsghdr *nlh;
	int ret;

	nlh = ethtool_msg_feature_set(buf, sizeof(buf), nic->ifindex, UAPI_FEATURE_NTUPLE, on);
	ret = genl_do(nic->genl, nlh, &call, err);
	if (ret)
		return ret;
	/* The kernel also acknowledges what the driver didn't do, and lists it. */
	if (answer.wanted.listed)
		return error_system(err, -EOPNOTSUPP, "features-set", nic->name,
				    "the driver did not switch " UAPI_FEATURE_NTUPLE " %s",
				    on ? "on" : "off");
	return 0;
}

_Static_assert(ETHTOOL_ADDRESS_MAX == UAPI_MAX_ADDR_LEN, "hardware address");

int ethtool_get_permanent_address(const struct nic *nic, uint8_t address[ETHTOOL_ADDRESS_MAX],
				  uint32_t *len, struct devmem_error *err)
{
	struct uapi_ethtool_perm_addr perm = { .cmd = UAPI_ETHTOOL_GPERMADDR };
	int ret;

	memset(address, 0, ETHTOOL_ADDRESS_MAX);
	*len = 0;
	perm.size = sizeof(perm.data);
	ret = nic_ethtool(nic, "ETHTOOL_GPERMADDR", &perm, err);
	if (ret)
		return ret;
	memcpy(address, perm.data, sizeof(perm.data));
	*len = perm.size < sizeof(perm.data) ? perm.size : sizeof(perm.data);
	return 0;
}

int ethtool_get_drvinfo(const struct nic *nic, struct uapi_ethtool_drvinfo *info,
			struct devmem_error *err)
{
	int ret;

	memset(info, 0, sizeof(*info));
	info->cmd = UAPI_ETHTOOL_GDRVINFO;
	ret = nic_ethtool(nic, "ETHTOOL_GDRVINFO", info, err);
	info->driver[sizeof(info->driver) - 1] = '\0';
	info->bus_info[sizeof(info->bus_info) - 1] = '\0';
	return ret;
}

int ethtool_get_bus(const struct nic *nic, char bus[32], struct devmem_error *err)
{
	struct devmem_error failed = { 0 };
	struct uapi_ethtool_drvinfo info;
	int ret;

	bus[0] = '\0';
	ret = ethtool_get_drvinfo(nic, &info, &failed);
	if (ret == -EOPNOTSUPP)
		return 0;
	if (ret)
		return error_copy(err, &failed);
	memcpy(bus, info.bus_info, sizeof(info.bus_info));
	return 0;
}
