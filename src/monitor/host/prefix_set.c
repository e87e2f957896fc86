/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/prefix_set.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b);

bool
prefix_set_add(struct prefix_set *set, const struct prefix *prefix)
{
	if (set->n == set->size) {
		size_t	       size = set->size == 0 ? 16 : set->size * 2;
		struct prefix *bigger;

		bigger = reallocarray(set->v, size, sizeof(*set->v));
		if (bigger == NULL)
			return false;
		set->v = bigger;
		set->size = size;
	}
	set->v[set->n++] = *prefix;
	return true;
}

bool
prefix_set_add_list(struct prefix_set *set, const struct prefix *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!prefix_set_add(set, &list[i]))
			return false;
	}
	return true;
}

void
prefix_set_sort(struct prefix_set *set)
{
	size_t kept = 0;

	if (set->n == 0)
		return;
	qsort(set->v, set->n, sizeof(*set->v), compare);
	for (size_t i = 1; i < set->n; i++) {
		if (compare(&set->v[kept], &set->v[i]) != 0)
			set->v[++kept] = set->v[i];
	}
	set->n = kept + 1;
}

/*
 * Two prefixes either contain one another or are disjoint, and a shorter one is
 * sorted before those that it contains.
 */
void
prefix_set_merge(struct prefix_set *set)
{
	size_t kept = 0;

	prefix_set_sort(set);
	if (set->n == 0)
		return;
	for (size_t i = 1; i < set->n; i++) {
		if (!prefix_overlaps(&set->v[kept], &set->v[i]))
			set->v[++kept] = set->v[i];
	}
	set->n = kept + 1;
}

bool
prefix_set_has(const struct prefix_set *set, const struct prefix *prefix)
{
	return set->n > 0 &&
	    bsearch(prefix, set->v, set->n, sizeof(*set->v), compare) != NULL;
}

void
prefix_set_fini(struct prefix_set *set)
{
	free(set->v);
	*set = (struct prefix_set) { 0 };
}

static int
compare(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int		     order;

	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	order = memcmp(x->addr.bytes, y->addr.bytes,
	    addr_bits(x->addr.family) / 8);
	if (order != 0)
		return order;
	return (int)x->len - (int)y->len;
}
