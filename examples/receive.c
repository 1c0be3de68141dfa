// SPDX-License-Identifier: BSD-3-Clause
/* The smallest complete receiver: a TCP stream lands in device memory. As root, on a NIC that can:
 *	receive eth1 10.0.0.1 5000   and elsewhere: socat -u FILE TCP:10.0.0.1:5000 */
#include <devmem/devmem.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>

static void stop(int sig)
{
	(void)sig; /* accept and recv end with EINTR: main() then puts the NIC back as it was */
}

int main(int argc, char **argv)
{
	const struct sigaction on_signal = { .sa_handler = stop };
	const struct devmem_fragment *frags;
	struct devmem_reservation *reservation = NULL;
	struct devmem_binding *binding = NULL;
	struct devmem_netdev *netdev = NULL;
	struct devmem_region *region = NULL;
	struct devmem_rx *rx = NULL;
	struct devmem_error err = { 0 }, undo = { 0 };
	struct devmem_flow flow;
	struct addrinfo *addr;
	const uint32_t queue = 1;
	int listener, conn, n = -1;

	if (argc != 4 || getaddrinfo(argv[2], argv[3], NULL, &addr))
		return fprintf(stderr, "usage: receive NETDEV ADDRESS PORT\n"), 1;
	listener = socket(addr->ai_family, SOCK_STREAM, 0);
	if (sigaction(SIGINT, &on_signal, NULL) || bind(listener, addr->ai_addr, addr->ai_addrlen))
		return perror("receive: bind"), 1;
	if (devmem_netdev_open(&netdev, argv[1], &err) ||
	    devmem_region_open(&region, "udmabuf", 64 << 20, &err) ||
	    devmem_reservation_open(&reservation, netdev, &queue, 1, NULL, &err) ||
	    devmem_flow_from_socket(&flow, listener, &err) ||
	    devmem_reservation_add_flow(reservation, &flow, queue, NULL, &err) ||
	    devmem_binding_open_rx(&binding, region, netdev, &queue, 1, NULL, &err) ||
	    listen(listener, 1) || (conn = accept(listener, NULL, NULL)) < 0 ||
	    devmem_rx_open(&rx, conn, binding, NULL, &err))
		goto close;
	devmem_rx_expect(rx, DEVMEM_RX_STREAM);
	for (; (n = devmem_rx_recv(rx, &frags, 0)) > 0; devmem_rx_release(rx, frags, (size_t)n))
		for (int i = 0; i < n; i++)
			printf("%u bytes at %llu\n", frags[i].size, 0ULL + frags[i].offset);
	if (n < 0)
		devmem_rx_explain(rx, n, &err);
close:
	if (n && !err.code)
		perror("receive: accept");
	devmem_rx_close(rx);
	devmem_binding_close(binding);
	devmem_reservation_close(reservation, &undo);
	devmem_region_close(region);
	devmem_netdev_close(netdev);
	if (err.code || undo.code)
		fprintf(stderr, "receive: %s %s\n", err.message, undo.message);
	return n || undo.code;
}
