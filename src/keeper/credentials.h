/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials: the files below the keeper's directory.
 *
 *   server.key            the private key of the certificate, PEM (server)
 *   server-rsa.key        the one for tls-srp                     (server)
 *   client.key            the key of the site's certificate       (client)
 *   password              one line: the password for the server   (client)
 *   sites/NAME.METHOD     one line: what verifies a site          (server):
 *                         .srp, .password, .tls-srp; .pam is only a version
 *   psk.key, sites/NAME.psk, psk    pre-shared keys (psk.h)
 *
 * And in the keeper's state directory (secret_store.h):
 *
 *   nobody.METHOD         the same for unknown sites              (server)
 *   master.key            one line: 32 bytes, seals and disguises (server)
 *   previous.*.key        the last verified key of those above and its chain; a
 *                         new keeper starts with it if the file is not usable
 *
 * Files are read when they are needed, so a change is effective at once.  A
 * file that is not ours, is a symbolic link, or can be read or written by
 * others is refused with -EPERM, and credentials_explain() says how to fix it.
 * The same holds for the directories keeper/ (CREDENTIALS_DIR) and sites/.
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
#define CREDENTIALS_KEPT     "previous." /* prefix of one of those three */
#define CREDENTIALS_MASTER   "master.key"
#define CREDENTIALS_SECRET   "password"
#define CREDENTIALS_PROXY    "proxy" /* USER:PASSWORD, written by hand */
#define CREDENTIALS_PSK	     "psk"
#define CREDENTIALS_RING     "psk.key"
#define CREDENTIALS_MAX	     65536 /* bytes of any file */
#define CREDENTIALS_NAME_MAX 96	   /* "sites/NAME.password" with its NUL */

/*
 * Reads the file `name` below the directory `dir` into a new, NUL-terminated
 * buffer, to be freed with secret_free(*data, *len + 1). 0, or a negative errno
 * value: -ENOENT, -EPERM (above), -EFBIG, -EINVAL (not a regular file).
 */
int credentials_read(int dir, const char *name, char **data, size_t *len);

/*
 * Reads the only line of a file, without its end.  Also returns the errors of
 * text_line(), and -EFBIG if it does not fit.
 */
int credentials_line(int dir, const char *name, char *dst, size_t size,
    size_t *len);

/*
 * Checks that only we can access a directory (CREDENTIALS_SITES or
 * CREDENTIALS_DIR): 0, -EPERM, or another negative errno value.
 */
int credentials_check_dir(int dir, const char *name);

/*
 * Creates the file `name` with this line atomically, mode 0600. 0, -EEXIST, or
 * another negative errno value.
 */
int credentials_create(int dir, const char *name, const char *line);
/* Creates or replaces it, in the same way, with this content. */
int credentials_replace(int dir, const char *name, const char *data,
    size_t len);

/*
 * Writes "sites/NAME.METHOD" to `name` (CREDENTIALS_NAME_MAX). False: not a
 * valid site name, or the method needs no file.
 */
bool credentials_site_name(const char *site, enum conf_auth auth,
    char name[CREDENTIALS_NAME_MAX]);
/* The same with "nobody.METHOD". */
bool credentials_nobody_name(enum conf_auth auth,
    char name[CREDENTIALS_NAME_MAX]);

/* The path of an open directory, for the log; returns dst. */
const char *credentials_dir_path(int dir, char *dst, size_t size);

/*
 * Writes, for the log, why reading `name` gave `error` (a negative errno value)
 * and how to fix it; returns dst.
 */
const char *credentials_explain(int dir, const char *name, int error,
    char *dst, size_t size);
/* Logs that, with a limit: anyone who knows a site's name can cause it. */
void credentials_complain(int dir, const char *name, int error,
    struct log_limit *limit);

#endif /* CREDENTIALS_H */
