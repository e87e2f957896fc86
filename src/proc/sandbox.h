/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox: what the kernel holds a process of ours to, beyond its user.
 *
 * In two steps, because threads have to be started in between:
 *
 *   sandbox_files()  before any thread: Landlock, where the kernel has it: no
 *                    file at all, or only what is below `read_fd`, to read, and
 *                    below `write_fd` (-1: none);
 *                    secrets stay in memory (mlockall, MCL_ONFAULT)
 *   sandbox_calls()  when all threads are up: no further process or thread
 *                    (RLIMIT_NPROC 0), and a list of system calls of the role
 *                    (seccomp, for all threads; anything else kills, but in
 *                    the resolver, where it fails with ENOSYS)
 *
 * The lists are tables in sandbox.c, each row with its why.  In a build with
 * --enable-sandbox-trap a call that kills names its callers first.  What
 * this kernel or this build lacks is left out and said once, in the log and in
 * `tombolo version`; a step that the kernel has and that fails is fatal.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#include "proc/proc.h"

void sandbox_files(enum proc_role role, int read_fd, int write_fd);
void sandbox_calls(enum proc_role role);

/*
 * In the child, still as root: raises RLIMIT_MEMLOCK, so that the engine and
 * keeper can lock what they hold.
 */
void sandbox_raise_limits(enum proc_role role);

/* Whether this build has seccomp, and this kernel Landlock: `tombolo version`. */
bool sandbox_has_seccomp(void);
int  sandbox_landlock_abi(void); /* 0: none */

#endif /* SANDBOX_H */
