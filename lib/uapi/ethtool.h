/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_UAPI_ETHTOOL_H
#define DEVMEM_UAPI_ETHTOOL_H

/*
 * The two faces of ethtool: our own statement of the facts in
 * include/uapi/linux/ethtool_netlink_generated.h (generic netlink family "ethtool", Linux 5.6) and
 * include/uapi/linux/ethtool.h (SIOCETHTOOL ioctl). What came later is marked.
 */

#include <stddef.h>
#include <stdint.h>

#define UAPI_ETHTOOL_NAME "ethtool"
#define UAPI_ETHTOOL_VERSION 1

enum {
	UAPI_ETHTOOL_MSG_FEATURES_GET = 11,
	UAPI_ETHTOOL_MSG_FEATURES_SET = 12,
	UAPI_ETHTOOL_MSG_RINGS_GET = 15,
	UAPI_ETHTOOL_MSG_RINGS_SET = 16,
	UAPI_ETHTOOL_MSG_CHANNELS_GET = 17,
	UAPI_ETHTOOL_MSG_RSS_GET = 38, /* 6.3 */
	UAPI_ETHTOOL_MSG_RSS_SET = 48, /* 6.17, this and the following */
	UAPI_ETHTOOL_MSG_RSS_CREATE_ACT = 49,
	UAPI_ETHTOOL_MSG_RSS_DELETE_ACT = 50,
};

enum {
	UAPI_ETHTOOL_A_HEADER_DEV_INDEX = 1, /* u32 */
	UAPI_ETHTOOL_A_HEADER_DEV_NAME = 2,  /* string */
	UAPI_ETHTOOL_A_HEADER_FLAGS = 3,     /* u32 */
};

enum {
	UAPI_ETHTOOL_A_RINGS_HEADER = 1,	  /* nest */
	UAPI_ETHTOOL_A_RINGS_RX_MAX = 2,	  /* u32 */
	UAPI_ETHTOOL_A_RINGS_TX_MAX = 5,	  /* u32 */
	UAPI_ETHTOOL_A_RINGS_RX = 6,		  /* u32 */
	UAPI_ETHTOOL_A_RINGS_TX = 9,		  /* u32 */
	UAPI_ETHTOOL_A_RINGS_TCP_DATA_SPLIT = 11, /* u8; settable since 6.7 */
	UAPI_ETHTOOL_A_RINGS_HDS_THRESH = 17,	  /* u32, 6.14 */
	UAPI_ETHTOOL_A_RINGS_HDS_THRESH_MAX = 18, /* u32, 6.14 */
};

enum {
	UAPI_ETHTOOL_TCP_DATA_SPLIT_UNKNOWN = 0,
	UAPI_ETHTOOL_TCP_DATA_SPLIT_DISABLED = 1,
	UAPI_ETHTOOL_TCP_DATA_SPLIT_ENABLED = 2,
};

enum {
	UAPI_ETHTOOL_A_CHANNELS_HEADER = 1, /* nest */
	UAPI_ETHTOOL_A_CHANNELS_RX_MAX = 2, /* u32, this and the following */
	UAPI_ETHTOOL_A_CHANNELS_TX_MAX = 3,
	UAPI_ETHTOOL_A_CHANNELS_COMBINED_MAX = 5,
	UAPI_ETHTOOL_A_CHANNELS_RX_COUNT = 6,
	UAPI_ETHTOOL_A_CHANNELS_TX_COUNT = 7,
	UAPI_ETHTOOL_A_CHANNELS_COMBINED_COUNT = 9,
};

enum {
	UAPI_ETHTOOL_A_FEATURES_HEADER = 1, /* nest */
	UAPI_ETHTOOL_A_FEATURES_HW = 2,	    /* bitset, this and the following */
	UAPI_ETHTOOL_A_FEATURES_WANTED = 3,
	UAPI_ETHTOOL_A_FEATURES_ACTIVE = 4,
	UAPI_ETHTOOL_A_FEATURES_NOCHANGE = 5,
};

enum {
	UAPI_ETHTOOL_A_BITSET_NOMASK = 1, /* flag */
	UAPI_ETHTOOL_A_BITSET_SIZE = 2,	  /* u32 */
	UAPI_ETHTOOL_A_BITSET_BITS = 3,	  /* nest of BITS_BIT */

	UAPI_ETHTOOL_A_BITSET_BITS_BIT = 1, /* nest, once for each bit */

	UAPI_ETHTOOL_A_BITSET_BIT_INDEX = 1, /* u32 */
	UAPI_ETHTOOL_A_BITSET_BIT_NAME = 2,  /* string */
	UAPI_ETHTOOL_A_BITSET_BIT_VALUE = 3, /* flag */
};

enum {
	UAPI_ETHTOOL_A_RSS_HEADER = 1,	   /* nest */
	UAPI_ETHTOOL_A_RSS_CONTEXT = 2,	   /* u32 */
	UAPI_ETHTOOL_A_RSS_HFUNC = 3,	   /* u32 */
	UAPI_ETHTOOL_A_RSS_INDIR = 4,	   /* u32 array */
	UAPI_ETHTOOL_A_RSS_HKEY = 5,	   /* bytes */
	UAPI_ETHTOOL_A_RSS_INPUT_XFRM = 6, /* u32, 6.8 */
	/* u32, of a dump's request: the first context to list. Dumps came with it, in 6.12. */
	UAPI_ETHTOOL_A_RSS_START_CONTEXT = 7,
};
/* RSS contexts: net/ethtool/rss.c. The answer to RSS_CREATE_ACT, and each message of a dump, has
 * the attributes of an answer to RSS_GET; CONTEXT is left out for the default one, number 0.
 * RSS_CREATE_ACT without CONTEXT takes the lowest free number. RSS_DELETE_ACT wants CONTEXT. */

/* Names of features: net/ethtool/common.c. Flow rules; sending what lies in several pieces; and
 * computing checksums of what is sent, in any or in IPv4 packets. */
#define UAPI_FEATURE_NTUPLE "rx-ntuple-filter"
#define UAPI_FEATURE_TX_SG "tx-scatter-gather"
#define UAPI_FEATURE_TX_CSUM "tx-checksum-ip-generic"
#define UAPI_FEATURE_TX_CSUM_IPV4 "tx-checksum-ipv4"

/* Commands of the SIOCETHTOOL ioctl: first member of every struct below. */
#define UAPI_ETHTOOL_GDRVINFO 0x03
#define UAPI_ETHTOOL_GPERMADDR 0x20
#define UAPI_ETHTOOL_GRXRINGS 0x2d
#define UAPI_ETHTOOL_GRXCLSRLCNT 0x2e
#define UAPI_ETHTOOL_GRXCLSRULE 0x2f
#define UAPI_ETHTOOL_GRXCLSRLALL 0x30
#define UAPI_ETHTOOL_SRXCLSRLDEL 0x31
#define UAPI_ETHTOOL_SRXCLSRLINS 0x32
#define UAPI_ETHTOOL_SRSSH 0x47

/* Kinds of flow rules, and flags on top. */
#define UAPI_TCP_V4_FLOW 0x01
#define UAPI_TCP_V6_FLOW 0x05
#define UAPI_FLOW_EXT 0x80000000U
#define UAPI_FLOW_MAC_EXT 0x40000000U
#define UAPI_FLOW_RSS 0x20000000U

/* Where a rule sends its packets: queue number in the low 32 bits, virtual function in 8 above. */
#define UAPI_RX_CLS_FLOW_DISC 0xffffffffffffffffULL
#define UAPI_RX_CLS_FLOW_WAKE 0xfffffffffffffffeULL
#define UAPI_RING_COOKIE_QUEUE 0x00000000ffffffffULL
#define UAPI_RING_COOKIE_VF 0x000000ff00000000ULL

/* Places of rules. */
#define UAPI_RX_CLS_LOC_SPECIAL 0x80000000U
#define UAPI_RX_CLS_LOC_ANY 0xffffffffU

/* rss_context of an ETHTOOL_SRSSH that makes a new context, and receives its number. indir_size 0
 * with the number of a context deletes that one. Contexts came in 4.18. */
#define UAPI_RXFH_CONTEXT_ALLOC 0xffffffffU

/* What the kernel's struct ethtool_drvinfo has. */
struct uapi_ethtool_drvinfo {
	uint32_t cmd;
	char driver[32];
	char version[32];
	char fw_version[32];
	char bus_info[32];
	char erom_version[32];
	char reserved2[12];
	uint32_t n_priv_flags;
	uint32_t n_stats;
	uint32_t testinfo_len;
	uint32_t eedump_len;
	uint32_t regdump_len;
};
_Static_assert(sizeof(struct uapi_ethtool_drvinfo) == 196, "struct ethtool_drvinfo");
_Static_assert(offsetof(struct uapi_ethtool_drvinfo, driver) == 4, "struct ethtool_drvinfo");
_Static_assert(offsetof(struct uapi_ethtool_drvinfo, bus_info) == 100, "struct ethtool_drvinfo");

/* size: room for the address, then its length. An interface without a permanent address gives as
 * many zeros. In the kernel's struct ethtool_perm_addr data has no length; no address is longer
 * than MAX_ADDR_LEN: include/linux/netdevice.h. */
#define UAPI_MAX_ADDR_LEN 32
struct uapi_ethtool_perm_addr {
	uint32_t cmd;
	uint32_t size;
	uint8_t data[UAPI_MAX_ADDR_LEN];
};
_Static_assert(sizeof(struct uapi_ethtool_perm_addr) == 40, "struct ethtool_perm_addr");
_Static_assert(offsetof(struct uapi_ethtool_perm_addr, data) == 8, "struct ethtool_perm_addr");

/* Addresses and ports in network byte order: struct ethtool_tcpip4_spec, ethtool_tcpip6_spec. */
struct uapi_tcpip4_spec {
	uint32_t ip4src;
	uint32_t ip4dst;
	uint16_t psrc;
	uint16_t pdst;
	uint8_t tos;
};
_Static_assert(sizeof(struct uapi_tcpip4_spec) == 16, "struct ethtool_tcpip4_spec");
_Static_assert(offsetof(struct uapi_tcpip4_spec, pdst) == 10, "struct ethtool_tcpip4_spec");

struct uapi_tcpip6_spec {
	uint32_t ip6src[4];
	uint32_t ip6dst[4];
	uint16_t psrc;
	uint16_t pdst;
	uint8_t tclass;
};
_Static_assert(sizeof(struct uapi_tcpip6_spec) == 40, "struct ethtool_tcpip6_spec");
_Static_assert(offsetof(struct uapi_tcpip6_spec, psrc) == 32, "struct ethtool_tcpip6_spec");

union uapi_flow_union {
	struct uapi_tcpip4_spec tcp4;
	struct uapi_tcpip6_spec tcp6;
	uint8_t hdata[52];
};
_Static_assert(sizeof(union uapi_flow_union) == 52, "union ethtool_flow_union");

struct uapi_flow_ext {
	uint8_t padding[2];
	uint8_t h_dest[6];
	uint16_t vlan_etype;
	uint16_t vlan_tci;
	uint32_t data[2];
};
_Static_assert(sizeof(struct uapi_flow_ext) == 20, "struct ethtool_flow_ext");

/* A set bit of the masks m_u and m_ext means: this bit must match. */
struct uapi_rx_flow_spec {
	uint32_t flow_type;
	union uapi_flow_union h_u;
	struct uapi_flow_ext h_ext;
	union uapi_flow_union m_u;
	struct uapi_flow_ext m_ext;
	uint64_t ring_cookie;
	uint32_t location;
};
/* On 32-bit x86 u64 is aligned to 4 bytes; the kernel translates. */
#if !defined(__i386__)
_Static_assert(sizeof(struct uapi_rx_flow_spec) == 168, "struct ethtool_rx_flow_spec");
_Static_assert(offsetof(struct uapi_rx_flow_spec, ring_cookie) == 152,
	       "struct ethtool_rx_flow_spec");
_Static_assert(offsetof(struct uapi_rx_flow_spec, location) == 160, "struct ethtool_rx_flow_spec");
#endif
_Static_assert(offsetof(struct uapi_rx_flow_spec, h_u) == 4, "struct ethtool_rx_flow_spec");
_Static_assert(offsetof(struct uapi_rx_flow_spec, m_u) == 76, "struct ethtool_rx_flow_spec");

struct uapi_rxnfc {
	uint32_t cmd;
	uint32_t flow_type;
	uint64_t data;
	struct uapi_rx_flow_spec fs;
	union {
		uint32_t rule_cnt;    /* of a count or a list of rules */
		uint32_t rss_context; /* of a rule with UAPI_FLOW_RSS */
	};
	uint32_t rule_locs[];
};
#if !defined(__i386__)
_Static_assert(sizeof(struct uapi_rxnfc) == 192, "struct ethtool_rxnfc");
_Static_assert(offsetof(struct uapi_rxnfc, fs) == 16, "struct ethtool_rxnfc");
_Static_assert(offsetof(struct uapi_rxnfc, rule_cnt) == 184, "struct ethtool_rxnfc");
_Static_assert(offsetof(struct uapi_rxnfc, rule_locs) == 188, "struct ethtool_rxnfc");
#endif

/* rss_config: the table of indir_size entries, then the key of key_size bytes. */
struct uapi_rxfh {
	uint32_t cmd;
	uint32_t rss_context;
	uint32_t indir_size;
	uint32_t key_size;
	uint8_t hfunc;
	uint8_t input_xfrm;
	uint8_t rsvd8[2];
	uint32_t rsvd32;
	uint32_t rss_config[];
};
_Static_assert(sizeof(struct uapi_rxfh) == 24, "struct ethtool_rxfh");
_Static_assert(offsetof(struct uapi_rxfh, rss_context) == 4, "struct ethtool_rxfh");
_Static_assert(offsetof(struct uapi_rxfh, rss_config) == 24, "struct ethtool_rxfh");
#define UAPI_RXH_XFRM_NO_CHANGE 0xff

#endif
