/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_add: the subcommands of `tombolo site` that make a credential, and the
 * invitation that takes it to the satellite.
 *
 * Both take the whole lot of the server's files as locked (site_file_lock), and
 * its configuration loaded; both print what to do next.  They return an exit
 * status, after one line on stderr when it is not 0.
 */
#ifndef SITE_ADD_H
#define SITE_ADD_H

#include "cmd/util/options.h"

/* Makes the site `name`. */
int site_add(const struct options *options, const struct conf *conf,
    const char *name);

/*
 * Gives `site` another credential of its method; writes an invitation when it
 * was generated, --out asks for one, or only that takes it to the site.
 */
int site_add_again(const struct options *options, const struct conf *conf,
    const struct conf_site *site);

#endif /* SITE_ADD_H */
