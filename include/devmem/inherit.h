/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_INHERIT_H
#define DEVMEM_INHERIT_H

#include <stddef.h>
#include <stdint.h>

#include <devmem/api.h>
#include <devmem/binding.h>
#include <devmem/error.h>
#include <devmem/region.h>

DEVMEM_BEGIN_DECLS

/**
 * struct devmem_inherited - a binding that another process made, to be used in this one
 *
 * Opaque. A launcher (devmemctl run, or a program of your own) reserves queues, steers flows and
 * binds a region, then starts a command with the region's descriptor and one environment variable.
 * The command needs no privilege at all: it opens what it inherited with one call and receives. In
 * the same way it sends, if that is what the binding is for (devmemctl bind tx).
 */
struct devmem_inherited;

/* Environment variable that devmemctl run and bind set. The library itself reads no environment. */
#define DEVMEM_INHERIT_ENV "DEVMEM_INHERIT"

/* Large enough for every text of devmem_inherit_format() with up to 256 queues. */
#define DEVMEM_INHERIT_TEXT_SIZE 4096

/**
 * devmem_inherit_format() - write the text that hands a binding to a command
 * @text: receives the text
 * @size: room in it; DEVMEM_INHERIT_TEXT_SIZE is enough
 * @binding: what the command is to use; the launcher keeps it open until the command has ended
 * @dev: interface name, for the command's messages
 * @queues: receive queues of the binding; NULL if it is to send
 * @n: how many; 0 if it is to send
 * @err: filled on failure; may be NULL
 *
 * The text names the descriptor of the binding's region, so the launcher clears close-on-exec of
 * devmem_region_fd() in the child. The binding's own descriptor stays with the launcher: when
 * it dies the binding ends. Doesn't block. Errnos: EINVAL no queue to receive, a queue twice,
 * queues of a binding to send, a plain binding, or a name that no interface can have; ENOSPC @size
 * is too small. The text is then empty. Return: 0 or a negative errno. Since 0.1.
 */
DEVMEM_API int devmem_inherit_format(char *text, size_t size, const struct devmem_binding *binding,
				     const char *dev, const uint32_t *queues, size_t n,
				     struct devmem_error *err);

/**
 * devmem_inherited_open() - open the binding that a launcher handed over
 * @inherited: receives the handle
 * @text: getenv(DEVMEM_INHERIT_ENV)
 * @err: filled on failure; may be NULL
 *
 * Needs no privilege. The descriptor named in it is duplicated: this process may open the same text
 * again. What is held by receivers of the binding is counted for this process alone: with several
 * processes on one binding, each has the limit to itself. Doesn't block. Errnos: EINVAL @text is
 * NULL or empty (not started by a launcher), or malformed (the message says where); EBADF the
 * descriptor isn't open; other errors of devmem_region_import(). Return: 0 or a negative errno.
 * Since 0.1.
 */
DEVMEM_API int devmem_inherited_open(struct devmem_inherited **inherited, const char *text,
				     struct devmem_error *err);

/**
 * devmem_inherited_close() - free the handle; the binding itself stays
 * @inherited: handle or NULL
 *
 * Close receivers and senders that use the binding before. Since 0.1.
 */
DEVMEM_API void devmem_inherited_close(struct devmem_inherited *inherited);

/**
 * devmem_inherited_binding() - the binding, for devmem_rx_open() or devmem_tx_open()
 * @inherited: handle
 *
 * Return: owned by @inherited: don't close it. devmem_binding_fd() is -1. Since 0.1.
 */
DEVMEM_API struct devmem_binding *
devmem_inherited_binding(const struct devmem_inherited *inherited);

/**
 * devmem_inherited_region() - the region that it binds
 * @inherited: handle
 *
 * Return: owned by @inherited: don't close it. Since 0.1.
 */
DEVMEM_API struct devmem_region *devmem_inherited_region(const struct devmem_inherited *inherited);

/**
 * devmem_inherited_dev() - the interface's name as the launcher gave it
 * @inherited: handle
 *
 * Return: a string that @inherited owns. Since 0.1.
 */
DEVMEM_API const char *devmem_inherited_dev(const struct devmem_inherited *inherited);

/**
 * devmem_inherited_queues() - the receive queues that the region is bound to
 * @inherited: handle
 * @n: receives how many, 0 of a binding to send; may be NULL
 *
 * Return: receive queue numbers, owned by @inherited. Since 0.1.
 */
DEVMEM_API const uint32_t *devmem_inherited_queues(const struct devmem_inherited *inherited,
						   size_t *n);

DEVMEM_END_DECLS

#endif
