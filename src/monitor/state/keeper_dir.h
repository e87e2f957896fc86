/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_dir: opens the keeper's directory, and makes the keeper's user its
 * owner.
 *
 * The commands (init, join, site) run as root, and the keeper's user may not
 * have existed then, or the directory may come from another host.  If the user
 * does not own it, the user is made owner of keeper/, keeper/sites/ and the
 * plain files in them; not of anything deeper, nor of links.  If the user owns
 * it already, nothing in it is changed, because the keeper could have put it
 * there.
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
