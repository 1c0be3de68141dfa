// SPDX-License-Identifier: BSD-3-Clause
/* The smallest complete sender: standard input, through a region, into a TCP connection:
 *	send eth1 10.0.0.2 5000 <FILE   and there: socat -u TCP-LISTEN:5000 OPEN:COPY,creat */
#include <devmem/devmem.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	const struct devmem_binding_options how = { sizeof(how), .flags = DEVMEM_BINDING_PLAIN_OK };
	struct devmem_netdev *netdev = NULL;
	struct devmem_region *region = NULL;
	struct devmem_binding *binding = NULL;
	struct devmem_tx *tx = NULL;
	struct devmem_error err = { 0 };
	struct addrinfo *addr;
	static char buf[1 << 20];
	int64_t ret;
	size_t n, k;
	int fd;

	if (argc != 4 || getaddrinfo(argv[2], argv[3], NULL, &addr))
		return fprintf(stderr, "usage: send NETDEV ADDRESS PORT\n"), 1;
	if ((fd = socket(addr->ai_family, SOCK_STREAM, 0)) < 0 ||
	    connect(fd, addr->ai_addr, addr->ai_addrlen))
		return perror("send: connect"), 1;
	if (!devmem_netdev_open(&netdev, argv[1], &err) &&
	    !devmem_region_open(&region, "udmabuf", sizeof(buf), &err) &&
	    !devmem_binding_open_tx(&binding, region, netdev, &how, &err))
		devmem_tx_open(&tx, fd, binding, NULL, &err);
	while (!err.code && (n = fread(buf, 1, sizeof(buf), stdin)) > 0) {
		struct devmem_range range = { 0, n }, *left = &range;

		if (devmem_region_write(region, 0, buf, n, &err))
			break;
		for (k = 1; k && (ret = devmem_tx_send(tx, left, k, 0, NULL)) > 0;)
			devmem_tx_advance(&left, &k, (uint64_t)ret);
		if (ret > 0) /* until the NIC has read it, the region must stay as it is */
			ret = devmem_tx_wait(tx, DEVMEM_TX_ALL, -1);
		if (ret < 0)
			devmem_tx_explain(tx, (int)ret, &err);
	}
	if (err.code || ferror(stdin))
		fprintf(stderr, "send: %s\n", err.code ? err.message : "can't read standard input");
	devmem_tx_close(tx, DEVMEM_TX_ABANDON, 0);
	devmem_binding_close(binding);
	devmem_region_close(region);
	devmem_netdev_close(netdev);
	return err.code || ferror(stdin);
}
