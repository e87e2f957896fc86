/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox: restricts what a process of ours may do, beyond the rights of its
 * user.
 *
 * There are two steps, because threads have to be started in between:
 *
 *   sandbox_files()  before any thread: Landlock, if the kernel has it: no
 *                    files at all, or only those below `read_fd`, to read, and
 *                    below `write_fd` (-1: none);
 *                    secrets are locked in memory (mlockall, MCL_ONFAULT)
 *   sandbox_calls()  when all threads are running: no new process or thread
 *                    (RLIMIT_NPROC 0), and only the system calls in the list
 *                    of the role (seccomp, for all threads; any other call
 *                    kills the process; in the resolver it fails with ENOSYS)
 *
 * The lists are tables in sandbox.c, with a reason in each row.  In a build
 * with --enable-sandbox-trap, the callers of a forbidden call are logged before
 * the process is killed.  A step that this kernel or this build lacks is
 * skipped, and named once in the log and in `tombolo version`; a step that
 * fails is fatal.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#include "proc/proc.h"

void sandbox_files(enum proc_role role, int read_fd, int write_fd);
void sandbox_calls(enum proc_role role);

/*
 * In the child, while it is root: raises RLIMIT_MEMLOCK, so that engine and
 * keeper can lock their memory.
 */
void sandbox_raise_limits(enum proc_role role);

/*
 * For `tombolo version`: whether this build has seccomp, and the version of
 * Landlock in this kernel.
 */
bool sandbox_has_seccomp(void);
int  sandbox_landlock_abi(void); /* 0: none */

#endif /* SANDBOX_H */
