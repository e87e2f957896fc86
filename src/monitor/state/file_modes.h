/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_modes: whether others may change what the daemon believes, or read what
 * is
 * secret: looked at before a start.
 */
#ifndef FILE_MODES_H
#define FILE_MODES_H

#include <stdbool.h>

struct conf;

/*
 * False when a file of the configuration is loose, after a line in the log for
 * each that says how to mend it.
 */
bool file_modes_are_tight(const struct conf *conf, const char *path);

#endif /* FILE_MODES_H */
