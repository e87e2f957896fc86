/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: reads small files as a whole, with a size limit; writes them as a whole
 * or not at all.
 *
 * A file is written beside the target, then fsync, rename, fsync of the
 * directory.  A reader sees the old content or the new one, never a part.
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the whole file (at most `max` bytes) into a new, NUL-terminated buffer.
 * The caller frees `*data` (with secret_free(p, len + 1) for secrets).  Returns
 * 0, or a negative errno value; -EFBIG: it is larger.
 */
int file_read(const char *path, size_t max, char **data, size_t *len);
/* Of an open one, which is consumed. */
int file_read_fd(int fd, size_t max, char **data, size_t *len);

/*
 * Replaces or creates `path`.  `mode` and owner (uid:gid; -1: unchanged) are
 * used for a new file; a file that is replaced keeps its own, unless it is a
 * secret (0600), which always gets the given ones.  Returns 0 or a negative
 * errno value; then the old file is unchanged.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid);

/* The same, but -EEXIST if the file exists. */
int file_create(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid);

/*
 * The mode and owner of `path`, if it exists; otherwise they are not changed.
 * The administrator decides who may read it.
 */
void file_keep(const char *path, mode_t *mode, uid_t *uid, gid_t *gid);

/*
 * A new string "DIR/NAME", or NAME alone if it is absolute.  The caller frees;
 * NULL: out of memory.
 */
char *file_join(const char *dir, const char *name);

#endif /* FILE_H */
