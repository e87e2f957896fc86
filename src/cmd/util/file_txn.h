/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_txn: creates and replaces files and creates directories, all or none.
 *
 * If a later step fails, created files are removed and replaced ones restored.
 * The file that makes the others effective is written last.  Signals that would
 * end the command are held back until that is done.
 */
#ifndef FILE_TXN_H
#define FILE_TXN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#define FILE_TXN_MAX 16

/* Zeroed storage is an empty transaction. */
struct file_txn {
	const char *who; /* begins lines on stderr; borrowed */
	struct {
		char *path; /* owned */
		char *old; /* owned: the replaced content; NULL: none */
		bool  is_dir;
	} made[FILE_TXN_MAX];
	unsigned n;
};

/* The owner and mode of a file; uid -1: the current user. */
struct file_txn_owner {
	uid_t  uid;
	gid_t  gid;
	mode_t mode;
};

/*
 * Between these two, SIGINT, SIGTERM, SIGHUP and what a write can cause are
 * held back.  Do not ask the user or wait for the daemon in between.  They
 * nest.
 */
void file_txn_hold_signals(sigset_t *before);
void file_txn_release_signals(const sigset_t *before);

/*
 * Each creates DIR/NAME ("": DIR itself). False after one line on stderr.  A
 * directory may exist already (the keeper's then gets its owner and mode), a
 * file must not.
 *
 * Files below CONF_KEEPER_DIR are given to the keeper, if we are root and can
 * change owners.
 */
bool file_txn_mkdir(struct file_txn *undo, const char *dir, const char *name,
    mode_t mode);
typedef bool file_txn_put_fn(struct file_txn *undo, const char *dir,
    const char *name, const char *text, mode_t mode);
file_txn_put_fn file_txn_create;

/* The same, but replaces an existing file. */
file_txn_put_fn file_txn_replace;
bool file_txn_replace_as(struct file_txn *undo, const char *dir,
    const char *name, const char *text, const struct file_txn_owner *owner);

/*
 * Ends the transaction and returns `ok`. Unless it is true, created files are
 * removed and replaced ones restored, the last first.
 */
bool file_txn_unless(struct file_txn *undo, bool ok);

#endif /* FILE_TXN_H */
