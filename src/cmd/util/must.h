/* SPDX-License-Identifier: GPL-2.0-or-later */
/* must: ends a command that is out of memory. */
#ifndef MUST_H
#define MUST_H

#include <stddef.h>

#include "base/log.h"

/* Returns the argument, unless it is NULL. */
static inline void *
must(void *p)
{
	if (p == NULL)
		fatalx("out of memory");
	return p;
}

#endif /* MUST_H */
