/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_socket: where a configuration's daemon listens, even if the
 * configuration is broken.
 *
 * Commands that ask a daemon, end it or clean up after it need the local
 * socket's name and nothing else.  They must work when a file has an error,
 * cannot be read, or is gone with its directory.
 */
#ifndef CONF_SOCKET_H
#define CONF_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The configuration's name for comparing: absolute, with links in its
 * directory resolved, as far as that exists.  The caller frees; NULL without
 * memory, or if there is no working directory any more.
 */
char *conf_socket_resolve(const char *path);

/*
 * Where the daemon of `config` (from conf_socket_resolve()) listens: what the last
 * readable `socket` line says, or the default.  The caller frees; NULL: there
 * is no memory.
 */
char *conf_socket(const char *config);

/*
 * /run/tombolo/ and the directory's name, whatever characters that has.  The
 * caller frees; NULL when there is no memory.
 */
char *conf_socket_default(const char *dir);

/*
 * What the last line of `key` says of which `is_good` holds, in a text that may
 * have any fault, in whatever section.  The text is changed.  The caller frees;
 * NULL: there is no such line.
 */
char *conf_socket_find_value(char *text, size_t *len, const char *key,
    bool (*is_good)(const char *value));

#endif /* CONF_SOCKET_H */
