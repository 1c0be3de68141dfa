// SPDX-License-Identifier: BSD-3-Clause
/*
 * Ends the VM with an exit status: on a byte for its isa-debug-exit device, at port 0x501, QEMU
 * exits with (byte << 1) | 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

#define DEBUG_EXIT_PORT 0x501

int main(int argc, char **argv)
{
	int status = argc > 1 ? atoi(argv[1]) : 0;

	sync();
	if (ioperm(DEBUG_EXIT_PORT, 1, 1)) {
		perror("poweroff: ioperm");
		return 1;
	}
	outb(status & 0x7f, DEBUG_EXIT_PORT);
	/* QEMU may need a moment */
	sleep(10);
	return 1;
}
