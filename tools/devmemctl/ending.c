/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "ending.h"
#include "signals.h"

int ending_signal(struct ending *e)
{
	e->sig = signals_next(NULL);
	return e->sig;
}

int ending_failed(struct ending *e, int code)
{
	e->code = code;
	if (code)
		snprintf(e->error, sizeof(e->error), "%s", fail_last());
	return code;
}

int ending_result(struct ending *e, int result)
{
	if (!result)
		return 0;
	return result == -EINTR ? ending_signal(e) : ending_failed(e, result);
}

int ending_error(struct ending *e, const struct devmem_error *err)
{
	return ending_failed(e, fail_error(err));
}

int ending_exit_code(const struct ending *e)
{
	return e->sig ? EXIT_SIGNAL_BASE + e->sig : e->code;
}

const char *ending_name(const struct ending *e, const char *good, char buf[24])
{
	if (e->sig)
		return signals_name(e->sig, buf);
	return e->code ? "error" : good;
}
