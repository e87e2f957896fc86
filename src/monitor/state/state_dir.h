/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_dir: where the daemon writes at run time, so that /etc may be read-only.
 *
 *   /var/lib/tombolo/ID/         root's, 0700, locked while a daemon uses it
 *   /var/lib/tombolo/ID/keeper/  the keeper's own
 *
 * ID belongs to the configuration, not to its path: it is in the file `id`,
 * which init and join write, and so it survives a move or a restored backup.  A
 * directory of version 0.1 has none, and gets one at its first start.  It is made
 * from the directory's path: where the file cannot be written, the next start
 * finds the same.
 *
 * Where nothing can be written, or another daemon uses the directory (a copy of
 * the configuration), /run/tombolo/NAME.sock.ID.state takes its place until the
 * next boot, with a warning.
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
 * Where the daemon of the configuration in `dir` keeps `name` over restarts; the
 * caller frees, NULL: that is not known.  Makes no file.
 */
char *state_dir_file(const char *dir, const char *name);

/* False: state_dir_open() would fail because of the file `id`; logged. */
bool state_dir_may_open(const char *dir);

/* Makes it; `state` is closed before.  False: there is no place; logged. */
bool state_dir_open(struct state_dir *state, const struct conf *conf);
void state_dir_close(struct state_dir *state);

/* The keeper's part of it, for `user`: a descriptor, or -errno; logged. */
int state_dir_open_keeper(const struct state_dir *state,
    const struct proc_user *user);

#endif /* STATE_DIR_H */
