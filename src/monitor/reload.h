/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: the sites anew, and the methods they may use, while the daemon runs
 * with the rest as it is.
 *
 * The text of conf_print() is what the engine gets and what is compared: same
 * text, nothing has changed.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct conf;

/* conf_print() into a new string.  False, and logged, when it is too large. */
bool reload_print(const struct conf *conf, char **text, size_t *len);

/*
 * `running` with the sites and the `auth` lines that are in the files now; what
 * else was changed in `path` meanwhile is for the next start.  Parsed from its own print, so the
 * engine takes it, too.  NULL when something is wrong, all of it logged; else
 * the caller owns the conf and the text.
 */
struct conf *reload_sites(const char *path, const struct conf *running,
    char **text, size_t *len);

#endif /* RELOAD_H */
