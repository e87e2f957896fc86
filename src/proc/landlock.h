/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * landlock: Landlock (Linux 5.13), by which a process gives up its access to
 * files, by system calls, since there is no library for it.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <stdbool.h>

/* The version in this kernel; 0: none. */
int landlock_abi(void);

/*
 * Restricts this thread and those that it starts.  They can access no file,
 * except files below `write_fd` (-1: none; to create, read, write and link) and
 * below `read_fd` (-1: none) and `read_only` (NULL-terminated, missing ones are
 * ignored; NULL: none), to read.  `no_network`: if the kernel supports it, they
 * can neither bind nor connect TCP sockets, nor signal or connect to other
 * processes. 0, or a negative errno value: -ENOSYS or -EOPNOTSUPP without
 * Landlock.
 */
int landlock_restrict(int read_fd, int write_fd, const char *const *read_only,
    bool no_network);

#endif /* LANDLOCK_H */
