/* SPDX-License-Identifier: GPL-2.0-or-later */
/* join_conf: makes the configuration of an invitation, or updates one. */
#ifndef JOIN_CONF_H
#define JOIN_CONF_H

#include <stdbool.h>

struct conf;
struct invite;
struct options;

/*
 * A new site's configuration, and its text (the caller frees it). NULL after
 * one line on stderr.
 */
struct conf *join_conf_make(const struct options *options,
    const struct invite *invite, char **text);

/*
 * The same for an existing site: changes only what the invitation and the
 * options determine.
 */
struct conf *join_conf_update(const struct options *options,
    const struct invite *invite, char **text);

/* True if the site trusts the invitation's CA already. */
bool join_conf_has_ca(const struct conf *conf, const struct invite *invite);

#endif /* JOIN_CONF_H */
