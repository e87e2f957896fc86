/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: small files, read whole with a limit, written whole or not at all.
 *
 * Writing: beside the target, fsync, rename, fsync of the directory; a reader
 * sees the old content or the new one, never a part.
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the whole file (at most `max` bytes) into a new, NUL-terminated
 * buffer.  The caller frees `*data` (secret_free(p, len + 1) for secrets).
 * Returns 0, or a negative errno value; -EFBIG when it is larger.
 */
int file_read(const char *path, size_t max, char **data, size_t *len);
/* Of an open one, which is consumed. */
int file_read_fd(int fd, size_t max, char **data, size_t *len);

/*
 * Replaces or makes `path` with `mode`, owned by uid:gid (-1: leave).  A mode
 * for others, too, is for a new file: one that is replaced keeps its own, and
 * its owner.  A secret (0600) always gets what is given.
 * Returns 0 or a negative errno value; then the old file is untouched.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid);

/* The same, but -EEXIST when there is a file of that name already. */
int file_create(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid);

/*
 * The mode and owner of `path`, if it is there; else they stay as they are.
 * Who may read it is the administrator's choice.
 */
void file_keep(const char *path, mode_t *mode, uid_t *uid, gid_t *gid);

/*
 * "DIR/NAME" into a new string, or NAME alone when it is absolute.  The caller
 * frees; NULL when there is no memory.
 */
char *file_join(const char *dir, const char *name);

#endif /* FILE_H */
