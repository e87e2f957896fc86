/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heap_warmup: what the C library asks once, asked before asking is forbidden.
 *
 * A process that may open nothing dies of the question (sandbox.h), whenever it
 * comes up; the answers are kept for good.  glibc asks
 *
 *   how much memory there is    in the first qsort() of more than 1 KiB (2.36)
 *   how many processors         when a ninth thread allocates memory, and for
 *                               the random state of more threads than there
 *                               are processors (2.41)
 *   overcommit_memory           when a thread that is not the first frees much
 *   the time zone               when a date is printed
 */
#ifndef HEAP_WARMUP_H
#define HEAP_WARMUP_H

/* Before the sandbox, and before any thread but the first. */
void heap_warmup_settle(void);

#endif /* HEAP_WARMUP_H */
