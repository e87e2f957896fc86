/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * landlock: Linux's own way for a process to give up files (Landlock, since
 * 5.13), by its system calls: there is no library for it.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <stdbool.h>

/* What this kernel has: 0 is none. */
int landlock_abi(void);

/*
 * From now on this thread and those it starts reach no file, but what is below
 * `write_fd` (-1: none; files can be made, read, written and linked there), and
 * what may be read below `read_fd` (-1: none) and `read_only` (NULL-terminated, missing ones are fine;
 * NULL: nothing).  `no_network`: nor may they bind or connect TCP sockets, nor
 * signal or speak to other processes, where the kernel can forbid that.
 * 0, or a negative errno value: -ENOSYS or -EOPNOTSUPP without Landlock.
 */
int landlock_restrict(int read_fd, int write_fd, const char *const *read_only,
    bool no_network);

#endif /* LANDLOCK_H */
