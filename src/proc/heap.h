/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heap: what the C library asks once, asked before asking is forbidden.
 *
 * When a thread that is not the first frees enough, glibc gives memory of that
 * thread's heap back to the kernel; the first time it looks whether it may, and
 * opens /proc/sys/vm/overcommit_memory.  A process that may open nothing dies
 * of that (sandbox.h), whenever it happens.  The answer is kept for good.
 */
#ifndef HEAP_H
#define HEAP_H

/* Before the sandbox: has a thread of its own free that much. */
void heap_settle(void);

#endif /* HEAP_H */
