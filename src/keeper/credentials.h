/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials: the files below the keeper's directory.
 *
 *   server.key            the certificate's private key, PEM      (server)
 *   sites/NAME.password   one line: a yescrypt hash               (server)
 *   password              one line: the password for the server   (client)
 *
 * They are read when they are needed, so a change counts at once.  A file that
 * is not ours, is a symbolic link, or that others may read or write, is
 * refused: -EPERM, and credentials_explain() says how to mend it.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#define CREDENTIALS_KEY	     "server.key"
#define CREDENTIALS_SECRET   "password"
#define CREDENTIALS_MAX	     65536 /* bytes of any file */
#define CREDENTIALS_NAME_MAX 96	   /* "sites/NAME.password" with its NUL */

/*
 * Reads the file `name` below the directory `dir` into a new, NUL-terminated
 * buffer: secret_free(*data, *len + 1).  0, or a negative errno value: -ENOENT,
 * -EPERM (above), -EFBIG, -EINVAL (no regular file).
 */
int credentials_read(int dir, const char *name, char **data, size_t *len);

/*
 * The hash of `site`'s password.  Also -EINVAL when no site can have that name,
 * -EBADMSG when the file holds anything but one hash that we accept.
 */
int credentials_password_hash(int dir, const char *site, char *hash,
    size_t size);

/*
 * The password for the server: the one line of the file, without its newline.
 * -EBADMSG when it is empty, has several lines or a NUL.
 */
int credentials_secret(int dir, char *secret, size_t size, size_t *len);

/* "sites/NAME.password" into `name` (CREDENTIALS_NAME_MAX); false: bad name. */
bool credentials_password_name(const char *site, char *name, size_t size);

/*
 * Why reading `name` gave `error` (a negative errno value) and how to mend it,
 * for the log; returns dst.
 */
const char *credentials_explain(int dir, const char *name, int error,
    char *dst, size_t size);

#endif /* CREDENTIALS_H */
