/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_ERROR_H
#define DEVMEM_ERROR_H

#include <devmem/api.h>

/**
 * enum devmem_error_kind - who can do something about an error
 * @DEVMEM_ERROR_NONE: no error
 * @DEVMEM_ERROR_INPUT: the caller asked for something that can't be: a malformed region spec, a
 *	size of 0, a queue that the device doesn't have
 * @DEVMEM_ERROR_REFUSED: the request made sense and the system refused it (busy, limit, state)
 * @DEVMEM_ERROR_MISSING: something that must be there first is not: a privilege, a device node, a
 *	kernel feature, a driver feature
 *
 * Since 0.1.
 */
enum devmem_error_kind {
	DEVMEM_ERROR_NONE = 0,
	DEVMEM_ERROR_INPUT,
	DEVMEM_ERROR_REFUSED,
	DEVMEM_ERROR_MISSING,
};

/**
 * struct devmem_error - what went wrong in a control call
 * @code: negative errno, the same that the call returned; 0 after success
 * @kind: one of enum devmem_error_kind
 * @operation: the step that failed: "bind-rx", "rings-set", "UDMABUF_CREATE"
 * @subject: what it was done to: "eth1", "/dev/udmabuf", "heap:system"
 * @attribute: the netlink attribute that the kernel complained about, as a path of names of the
 *	kernel's Documentation/netlink/specs: "queues.id"; empty when it named none
 * @kernel: the kernel's own text, verbatim; empty when it gave none
 * @message: one sentence ready to print, without a newline: subject, operation, the kernel's words,
 *	and what to do
 *
 * Owned by the caller, who may pass NULL to any call that has such a parameter. Calls fill it only
 * when they fail. Strings are always terminated. Since 0.1.
 */
struct devmem_error {
	int code;
	int kind;
	char operation[48];
	char subject[80];
	char attribute[64];
	char kernel[256];
	char message[768];
};

#endif
