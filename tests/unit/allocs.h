/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * allocs: counts what a piece of code takes from the heap, or gives back.
 *
 * The program is linked with $(COUNT_ALLOCS); allocs_count then grows with each
 * call that our own objects make, and Check's, with sanitizers as without.
 * ALLOCS_NONE(x) is x, and fails when that took or gave back anything.
 */
#ifndef ALLOCS_H
#define ALLOCS_H

#include <check.h>
#include <stddef.h>

#define ALLOCS_NONE(x)                                                         \
	__extension__({                                                        \
		unsigned long allocs_before = allocs_count;                    \
		__typeof__(x) allocs_value = (x);                              \
                                                                               \
		if (allocs_count != allocs_before)                             \
			ck_abort_msg("%s: used the heap", #x);                 \
		allocs_value;                                                  \
	})

static unsigned long allocs_count;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void  __real_free(void *p);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void  __wrap_free(void *p);

void *
__wrap_malloc(size_t size)
{
	allocs_count++;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	allocs_count++;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	allocs_count++;
	return __real_realloc(p, size);
}

void *
__wrap_aligned_alloc(size_t align, size_t size)
{
	allocs_count++;
	return __real_aligned_alloc(align, size);
}

void
__wrap_free(void *p)
{
	allocs_count++;
	__real_free(p);
}

#endif /* ALLOCS_H */
