/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefix_set: a sorted list of prefixes, for comparing two of them.
 *
 * Zeroed storage is an empty set.  Add the prefixes, sort once, then look up.
 * Pure.
 */
#ifndef PREFIX_SET_H
#define PREFIX_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct prefix_set {
	struct prefix *v; /* owned */
	size_t	       n, size;
};

/* False: out of memory. */
bool prefix_set_add(struct prefix_set *set, const struct prefix *prefix);
bool prefix_set_add_list(struct prefix_set *set, const struct prefix *list,
    size_t n);
/* By family, address and length; without duplicates. */
void prefix_set_sort(struct prefix_set *set);
/* The same, and removes prefixes that another one contains. */
void prefix_set_merge(struct prefix_set *set);
/* Whether the set, which is sorted, has exactly this prefix. */
bool prefix_set_has(const struct prefix_set *set, const struct prefix *prefix);
void prefix_set_fini(struct prefix_set *set);

#endif /* PREFIX_SET_H */
