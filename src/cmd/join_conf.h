/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * join_conf: the configuration that an invitation makes, or that it changes.
 */
#ifndef JOIN_CONF_H
#define JOIN_CONF_H

#include <stdbool.h>

struct conf;
struct invite;
struct options;

/*
 * A new site's configuration, and its text (the caller frees).  NULL after one
 * line on stderr.
 */
struct conf *join_conf_make(const struct options *options,
    const struct invite *invite, char **text);

/*
 * The same of a site that is there: of its text only what the invitation and
 * the options decide is changed.
 */
struct conf *join_conf_update(const struct options *options,
    const struct invite *invite, char **text);

/* Whether the site believes the invitation's CA already. */
bool join_conf_has_ca(const struct conf *conf, const struct invite *invite);

#endif /* JOIN_CONF_H */
