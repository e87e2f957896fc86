/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modes: whether others may change what the daemon believes, or read what is
 * secret: looked at before a start.
 */
#ifndef MODES_H
#define MODES_H

#include <stdbool.h>

struct conf;

/*
 * False when a file of the configuration is loose, after a line in the log for
 * each that says how to mend it.
 */
bool modes_are_tight(const struct conf *conf, const char *path);

#endif /* MODES_H */
