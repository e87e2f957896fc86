/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heap_warmup: makes the C library ask the system what it asks once, before the
 * process is confined.
 *
 * A confined process that may open no file is killed when the library asks
 * later (sandbox.h); after this it uses the answers that it has stored. glibc
 * asks for
 *
 *   the amount of memory        in the first qsort() of more than 1 KiB (2.36)
 *   the number of processors    when a ninth thread allocates memory, and for
 *                               the random state of more threads than there
 *                               are processors (2.41)
 *   overcommit_memory           when a thread other than the first frees much
 *   the time zone               when a date is printed
 */
#ifndef HEAP_WARMUP_H
#define HEAP_WARMUP_H

/* To be called before the sandbox, and before a second thread is started. */
void heap_warmup_settle(void);

#endif /* HEAP_WARMUP_H */
