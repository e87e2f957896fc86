/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupt: a signal in the midst of a command; for LD_PRELOAD.
 *
 * Signal $INTERRUPT_BY comes right after call $INTERRUPT_AT, counted from 1, of
 * those that make, replace or remove a name.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NAMED(function, params, args)                                      \
	int function params                                                \
	{                                                                  \
		int(*real) params = (int(*) params)dlsym(RTLD_NEXT, #function); \
		int r = real args;                                         \
                                                                           \
		count();                                                   \
		return r;                                                  \
	}

static void
count(void)
{
	static int n;

	if (++n == atoi(getenv("INTERRUPT_AT")))
		raise(atoi(getenv("INTERRUPT_BY")));
}

NAMED(link, (const char *from, const char *to), (from, to))
NAMED(rename, (const char *from, const char *to), (from, to))
NAMED(unlink, (const char *path), (path))
NAMED(mkdir, (const char *path, mode_t mode), (path, mode))
