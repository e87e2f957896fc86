/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * password: reads a password from the terminal or a file.
 *
 * Never from the command line or the environment.  1 to 511 bytes, one line.
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

#define PASSWORD_SIZE 512 /* with the NUL */

enum password_times { PASSWORD_ONCE, PASSWORD_TWICE };

/*
 * Reads the password for `site` into `dst` (PASSWORD_SIZE bytes) from `file`;
 * NULL: from the terminal, asking as often as `times` says.  The caller wipes
 * it.  False after one line on stderr, which begins with `who`.
 */
bool password_read(char *dst, const char *file, const char *site,
    enum password_times times, const char *who);

#endif /* PASSWORD_H */
