/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_dir: opens the keeper's directory, and sees to it that it is its own.
 *
 * The commands (init, join, site) run as root and may not have known the
 * keeper's user, when there was none or the tree came from another host.  A
 * directory that is not the user's is given to it with the plain files in it:
 * keeper/ and keeper/sites/, no deeper, no links.  One that is already its own
 * is left alone whole: what is in it, the keeper could have put there.
 */
#ifndef KEEPER_DIR_H
#define KEEPER_DIR_H

#include "proc/proc.h"

/*
 * Opens `path` for a process of `user`.  Returns a descriptor or a negative
 * errno value, logged.
 */
int keeper_dir_open(const char *path, const struct proc_user *user);

#endif /* KEEPER_DIR_H */
