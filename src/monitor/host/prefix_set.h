/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefix_set: a sorted list of prefixes, for finding what changed between two.
 *
 * Zeroed storage is an empty set.  Add what belongs in it, sort once, then
 * ask.  Pure.
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

/* False when there is no memory. */
bool prefix_set_add(struct prefix_set *set, const struct prefix *prefix);
bool prefix_set_add_list(struct prefix_set *set, const struct prefix *list,
    size_t n);
/* By family, address and length; without duplicates. */
void prefix_set_sort(struct prefix_set *set);
/* The same, and drops what lies in another one. */
void prefix_set_merge(struct prefix_set *set);
/* Whether it is there, exactly; the set is sorted. */
bool prefix_set_has(const struct prefix_set *set, const struct prefix *prefix);
void prefix_set_fini(struct prefix_set *set);

#endif /* PREFIX_SET_H */
