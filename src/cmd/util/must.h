/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * must: for commands, which end when there is no memory.
 */
#ifndef MUST_H
#define MUST_H

#include <stddef.h>

#include "base/log.h"

/* Returns what the argument is, unless it is NULL. */
static inline void *
must(void *p)
{
	if (p == NULL)
		fatalx("out of memory");
	return p;
}

#endif /* MUST_H */
