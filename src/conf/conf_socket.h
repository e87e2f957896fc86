/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_socket: finds the local socket of a configuration's daemon, even if the
 * configuration has errors.
 *
 * Commands that ask a daemon, stop it or clean up after it need only the name
 * of the local socket.  They must work if a file has an error, cannot be read,
 * or was removed with its directory.
 */
#ifndef CONF_SOCKET_H
#define CONF_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The configuration's name, for comparison: absolute, with links in its
 * directory resolved, as far as that exists.  The caller frees; NULL: out of
 * memory, or the working directory was removed.
 */
char *conf_socket_resolve(const char *path);

/*
 * Where the daemon of `config` (from conf_socket_resolve()) listens: what the last
 * readable `socket` line says, or the default.  The caller frees; NULL: out of
 * memory.
 */
char *conf_socket(const char *config);

/*
 * /run/tombolo/ and the directory's name, whatever characters it has.  The
 * caller frees; NULL: out of memory.
 */
char *conf_socket_default(const char *dir);

/*
 * The value of the last line of `key` that `is_good` accepts, in a text that
 * may have any error, in any section.  The text is changed.  The caller frees;
 * NULL: there is no such line.
 */
char *conf_socket_find_value(char *text, size_t *len, const char *key,
    bool (*is_good)(const char *value));

#endif /* CONF_SOCKET_H */
