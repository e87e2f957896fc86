/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nitems: the number of elements of an array; the struct that contains a
 * member.
 */
#ifndef NITEMS_H
#define NITEMS_H

#include <stddef.h>

#define nitems(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif /* NITEMS_H */
