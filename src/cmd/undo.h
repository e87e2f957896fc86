/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo: makes and replaces files and makes directories, all or none.
 *
 * What was made is remembered, and removed again when a later step fails; what
 * was replaced is put back.  The file that makes the others count is made last.
 * A signal that would end the command waits until that is done.
 */
#ifndef UNDO_H
#define UNDO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UNDO_MAX 16

/* Zeroed storage is an empty one. */
struct undo {
	const char *who; /* how lines on stderr begin; borrowed */
	struct {
		char *path; /* owned */
		char *old; /* owned: what it replaced; NULL: nothing */
		bool  is_dir;
	} made[UNDO_MAX];
	unsigned n;
};

/* Who owns a file; uid -1: whoever runs us. */
struct undo_owner {
	uid_t uid;
	gid_t gid;
};
#define UNDO_SELF ((struct undo_owner) { (uid_t)-1, (gid_t)-1 })

/*
 * Between these two SIGINT, SIGTERM, SIGHUP, and what a write can cause, wait.
 * Not around a question, nor around what waits for the daemon.  They nest.
 */
void undo_hold_signals(sigset_t *before);
void undo_release_signals(const sigset_t *before);

/*
 * The keeper's user, or ourselves when we are not root and cannot give files
 * away.  False after one line on stderr.
 */
bool undo_find_keeper(struct undo_owner *owner, const char *who);

/*
 * Each makes DIR/NAME ("": DIR itself).  False after one line on stderr.  A directory may be
 * there already (then one with an owner gets that owner and mode), a file not.
 */
bool undo_mkdir(struct undo *undo, const char *dir, const char *name,
    mode_t mode, struct undo_owner owner);
typedef bool undo_put_fn(struct undo *undo, const char *dir, const char *name,
    const void *data, size_t len, mode_t mode, struct undo_owner owner);
undo_put_fn undo_create;

/* The same, but whatever is there is replaced. */
undo_put_fn undo_replace;

/*
 * The end, whose result is returned: unless it all worked, what was made is
 * removed, and what was replaced put back, the last first.
 */
bool undo_unless(struct undo *undo, bool ok);

#endif /* UNDO_H */
