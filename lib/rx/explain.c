// SPDX-License-Identifier: BSD-3-Clause
/* Receiver: what went wrong, in words. */
#include "rx/rx.h"

#include <errno.h>

#include "core/error.h"

static const char *hint_of(const struct devmem_rx *rx, int code)
{
	switch (-code) {
	case ENOBUFS:
		/* Else held_max is, which comes with a number. */
		return rx->placement && rx_room(rx)
			       ? "the placement region is used up by fragments that were not "
				 "released: release some, or use a larger region"
			       : NULL;
	case EMSGSIZE:
		return "control buffer too small for one fragment: something else on this socket "
		       "fills it with control messages; raise fragments_max";
	case ENODEV:
		return "the kernel found device and host memory mixed in one packet and can't hand "
		       "it out: this connection is lost. The NIC left payload with the headers "
		       "(imperfect header split)";
	case EFAULT:
		return rx->n_sources
			       ? "the kernel can't hand these bytes out: before Linux 6.18 this "
				 "also stands for device and host memory mixed in one packet, in "
				 "which case the connection is lost"
			       : "payload lies in device memory: open the receiver with the "
				 "binding of that memory";
	case EBADMSG:
		return "control messages don't cover the bytes received: the stream has a hole. "
		       "Linux 6.12.0 to 6.13 could cut them off; Linux 6.14 doesn't";
	case EBADF:
		return "the descriptor was closed before the receiver";
	}
	return NULL;
}

void devmem_rx_explain(const struct devmem_rx *rx, int code, struct devmem_error *err)
{
	const char *hint = hint_of(rx, code);

	error_system(err, code, "receive", rx->subject, hint ? "%s" : NULL, hint);
	/* Whatever the errno means elsewhere: all that a receiver needs was there. */
	error_kind(err, DEVMEM_ERROR_REFUSED);
	if (code == -ENOBUFS && !hint)
		error_hint(err,
			   "%llu fragments are out on this socket, and held_max is reached over "
			   "all sockets of the binding: release some, raise held_max, or use a "
			   "larger region",
			   (unsigned long long)counter_get(&rx->out.fragments));
}
