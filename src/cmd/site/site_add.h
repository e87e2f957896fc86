/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_add: the subcommands of `tombolo site` that create a credential, and the
 * invitation that carries it to the satellite.
 *
 * Both expect the lock on the server's files (site_file_lock) and its
 * configuration loaded.  Both print what to do next.  They return an exit
 * status, after one line on stderr if it is not 0.
 */
#ifndef SITE_ADD_H
#define SITE_ADD_H

#include "cmd/util/options.h"

/* Creates the site `name`. */
int site_add(const struct options *options, const struct conf *conf,
    const char *name);

/*
 * Gives `site` another credential of its method.  Writes an invitation if the
 * credential was generated, with --out, or if only an invitation can carry it
 * to the site.
 */
int site_add_again(const struct options *options, const struct conf *conf,
    const struct conf_site *site);

#endif /* SITE_ADD_H */
