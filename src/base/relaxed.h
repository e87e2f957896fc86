/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relaxed: atomic operations with relaxed memory order. */
#ifndef RELAXED_H
#define RELAXED_H

#include <stdatomic.h>

#define relaxed_load(at) atomic_load_explicit(at, memory_order_relaxed)
#define relaxed_store(at, value)                                               \
	atomic_store_explicit(at, value, memory_order_relaxed)
#define relaxed_add(at, n)                                                     \
	atomic_fetch_add_explicit(at, n, memory_order_relaxed)
#define relaxed_sub(at, n)                                                     \
	atomic_fetch_sub_explicit(at, n, memory_order_relaxed)

#endif /* RELAXED_H */
