/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_dir: the directory that the daemon writes to at run time, so that /etc
 * may be read-only.
 *
 *   /var/lib/tombolo/ID/         root's, 0700, locked while a daemon uses it
 *   /var/lib/tombolo/ID/keeper/  the keeper's own
 *
 * ID identifies the configuration, whatever its path is.  It is in the file
 * `id`, which init and join write, so it is kept when the directory is moved or
 * restored from a backup.  A directory of version 0.1 has no such file, and
 * gets one at its first start.  That ID is derived from the path, so if the
 * file cannot be written, the next start gets the same ID.
 *
 * If the directory cannot be written, or another daemon uses it (with a copy of
 * the configuration), /run/tombolo/NAME.sock.ID.state is used until the next
 * boot, with a warning.
 */
#ifndef STATE_DIR_H
#define STATE_DIR_H

#include <stdbool.h>

struct conf;
struct proc_user;

#define STATE_DIR_ID_FILE "id" /* in the configuration's directory */
#define STATE_DIR_ID_SIZE 34   /* 32 hexadecimal digits, newline, NUL */
#define STATE_DIR_CRL	  "crl.pem" /* the list that was in force last */
#define STATE_DIR_TOTALS  "totals"  /* totals_file.h */

struct state_dir {
	char *path; /* owned */
	int   fd;   /* holds the lock; -1: not open */
};

/* A new id, a line. */
void state_dir_make_id(char id[STATE_DIR_ID_SIZE]);

/*
 * The path at which the daemon of the configuration in `dir` keeps `name` over
 * restarts; the caller frees; NULL if unknown.  Creates no file.
 */
char *state_dir_file(const char *dir, const char *name);

/* False: state_dir_open() would fail because of the file `id`; logged. */
bool state_dir_may_open(const char *dir);

/*
 * Creates and opens it; `state` must be closed.  False, after a line in the
 * log, if no directory can be used.
 */
bool state_dir_open(struct state_dir *state, const struct conf *conf);
void state_dir_close(struct state_dir *state);

/* The keeper's part of it, for `user`: a descriptor, or -errno; logged. */
int state_dir_open_keeper(const struct state_dir *state,
    const struct proc_user *user);

#endif /* STATE_DIR_H */
