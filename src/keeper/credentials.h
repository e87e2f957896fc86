/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials: the files below the keeper's directory.
 *
 *   server.key            the certificate's private key, PEM      (server)
 *   server-rsa.key        the one for tls-srp                     (server)
 *   client.key            the site's own certificate's            (client)
 *   password              one line: the password for the server   (client)
 *   sites/NAME.METHOD     one line: what a site is verified by    (server):
 *                         .srp, .password, .tls-srp; .pam is only a version
 *   psk.key, sites/NAME.psk, psk    pre-shared keys (psk.h)
 *
 * And in the directory where it writes (secret_store.h):
 *
 *   nobody.METHOD         the same for sites that are unknown     (server)
 *   master.key            one line: 32 bytes, seals and disguises (server)
 *   previous.*.key        the last proven key of those above and its chain, what
 *                         a new keeper begins with while that file is no good
 *
 * They are read when they are needed, so a change counts at once.  A file that
 * is not ours, is a symbolic link, or that others may read or write, is
 * refused: -EPERM, and credentials_explain() says how to fix it.  So are the
 * directories, keeper/ itself (CREDENTIALS_DIR) and sites/.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "conf/conf.h"

#define CREDENTIALS_DIR	     "."
#define CREDENTIALS_SITES    "sites"
#define CREDENTIALS_KEY	     "server.key"
#define CREDENTIALS_RSA_KEY  "server-rsa.key"
#define CREDENTIALS_SITE_KEY "client.key"
#define CREDENTIALS_KEPT     "previous." /* before one of those three */
#define CREDENTIALS_MASTER   "master.key"
#define CREDENTIALS_SECRET   "password"
#define CREDENTIALS_PROXY    "proxy" /* USER:PASSWORD, written by hand */
#define CREDENTIALS_PSK	     "psk"
#define CREDENTIALS_RING     "psk.key"
#define CREDENTIALS_MAX	     65536 /* bytes of any file */
#define CREDENTIALS_NAME_MAX 96	   /* "sites/NAME.password" with its NUL */

/*
 * Reads the file `name` below the directory `dir` into a new, NUL-terminated
 * buffer: secret_free(*data, *len + 1).  0, or a negative errno value: -ENOENT,
 * -EPERM (above), -EFBIG, -EINVAL (no regular file).
 */
int credentials_read(int dir, const char *name, char **data, size_t *len);

/*
 * The one line of a file, without its end.  Also the errors of text_line(), and
 * -EFBIG when it does not fit.
 */
int credentials_line(int dir, const char *name, char *dst, size_t size,
    size_t *len);

/*
 * Whether a directory ("sites" or CREDENTIALS_DIR) is ours alone: 0, -EPERM, or
 * another negative errno value.
 */
int credentials_check_dir(int dir, const char *name);

/*
 * Makes the file `name` with this line, whole or not at all, 0600.  0, -EEXIST,
 * or another negative errno value.
 */
int credentials_create(int dir, const char *name, const char *line);
/* Makes or replaces it, the same way, with this content. */
int credentials_replace(int dir, const char *name, const char *data,
    size_t len);

/*
 * "sites/NAME.METHOD" into `name` (CREDENTIALS_NAME_MAX).  False: no site can
 * have that name, or the method needs no file.
 */
bool credentials_site_name(const char *site, enum conf_auth auth,
    char name[CREDENTIALS_NAME_MAX]);
/* "nobody.METHOD"; the same. */
bool credentials_nobody_name(enum conf_auth auth,
    char name[CREDENTIALS_NAME_MAX]);

/* The path of an open directory, for the log; returns dst. */
const char *credentials_dir_path(int dir, char *dst, size_t size);

/*
 * Why reading `name` gave `error` (a negative errno value) and how to fix it,
 * for the log; returns dst.
 */
const char *credentials_explain(int dir, const char *name, int error,
    char *dst, size_t size);
/* Logs it, but not too often: one who knows a site's name can cause it. */
void credentials_complain(int dir, const char *name, int error,
    struct log_limit *limit);

#endif /* CREDENTIALS_H */
