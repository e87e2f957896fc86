/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auto: frees what a local variable owns at the end of its scope.
 *
 *	AUTO_FREE char *path = file_join(dir, name);
 *
 * So a function can return at its first error.  To return what a variable owns,
 * take it out: return auto_take(&path).
 */
#ifndef AUTO_H
#define AUTO_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `fini` gets the variable's address; NULL or -1 in it must be fine. */
#define AUTO(fini) __attribute__((__cleanup__(fini)))
#define AUTO_FREE  AUTO(auto_free)
#define AUTO_CLOSE AUTO(auto_close)

/* Returns the pointer at `place`, and sets it to NULL. */
static inline void *
auto_take(void *place)
{
	void *p;

	memcpy(&p, place, sizeof(p));
	memset(place, 0, sizeof(p));
	return p;
}

static inline void
auto_free(void *place)
{
	free(auto_take(place));
}

static inline void
auto_close(const int *fd)
{
	if (*fd != -1)
		close(*fd);
}

#endif /* AUTO_H */
