/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_modes: checks, before a start, that other users can neither change files
 * that the daemon trusts nor read secret ones.
 */
#ifndef FILE_MODES_H
#define FILE_MODES_H

#include <stdbool.h>

struct conf;

/*
 * False if the mode of any file of the configuration is too open.  Logs each,
 * and how to fix it.
 */
bool file_modes_are_tight(const struct conf *conf, const char *path);

#endif /* FILE_MODES_H */
