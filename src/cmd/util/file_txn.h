/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_txn: makes and replaces files and makes directories, all or none.
 *
 * What was made is remembered, and removed again when a later step fails; what
 * was replaced is put back.  The file that makes the others count is made last.
 * A signal that would end the command waits until that is done.
 */
#ifndef FILE_TXN_H
#define FILE_TXN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#define FILE_TXN_MAX 16

/* Zeroed storage is an empty one. */
struct file_txn {
	const char *who; /* how lines on stderr begin; borrowed */
	struct {
		char *path; /* owned */
		char *old; /* owned: what it replaced; NULL: nothing */
		bool  is_dir;
	} made[FILE_TXN_MAX];
	unsigned n;
};

/* Whose a file is, and for whom; uid -1: whoever runs us. */
struct file_txn_owner {
	uid_t  uid;
	gid_t  gid;
	mode_t mode;
};

/*
 * Between these two SIGINT, SIGTERM, SIGHUP, and what a write can cause, wait.
 * Not around a question, nor around what waits for the daemon.  They nest.
 */
void file_txn_hold_signals(sigset_t *before);
void file_txn_release_signals(const sigset_t *before);

/*
 * Each makes DIR/NAME ("": DIR itself).  False after one line on stderr.  A directory may be
 * there already (then the keeper's gets its owner and mode), a file not.
 *
 * What lies below CONF_KEEPER_DIR is the keeper's, if we are root and can give
 * files away.
 */
bool file_txn_mkdir(struct file_txn *undo, const char *dir, const char *name,
    mode_t mode);
typedef bool file_txn_put_fn(struct file_txn *undo, const char *dir,
    const char *name, const char *text, mode_t mode);
file_txn_put_fn file_txn_create;

/* The same, but whatever is there is replaced. */
file_txn_put_fn file_txn_replace;
bool file_txn_replace_as(struct file_txn *undo, const char *dir,
    const char *name, const char *text, const struct file_txn_owner *owner);

/*
 * The end, whose result is returned: unless it all worked, what was made is
 * removed, and what was replaced put back, the last first.
 */
bool file_txn_unless(struct file_txn *undo, bool ok);

#endif /* FILE_TXN_H */
