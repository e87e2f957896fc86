/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_file: the files of a site on the server, and the lock around them.
 *
 *   DIR/sites.d/NAME.conf          the site; it counts while this is there
 *   DIR/sites.d/NAME.crt           method certificate: what was issued to it
 *   DIR/keeper/sites/NAME.METHOD   any other: what the keeper verifies it with
 *   DIR/keeper/sites/NAME.psk      the generation of its pre-shared key
 *
 * Paths are made of names that conf_is_site_name() approved only: asserted.
 */
#ifndef SITE_FILE_H
#define SITE_FILE_H

#include <stddef.h>

#include "conf/conf.h"

/*
 * So that two commands do not choose the same address: waits, and holds DIR
 * until the descriptor is closed.  A descriptor or a negative errno value.
 */
int site_file_lock(const char *dir);

/* Below DIR, into `dst`, which is returned. */
#define SITE_FILE_MAX 128
const char *site_file_conf(char *dst, size_t size, const char *site);
const char *site_file_certificate(char *dst, size_t size, const char *site);
const char *site_file_psk(char *dst, size_t size, const char *site);
const char *site_file_credential(char *dst, size_t size, const char *site,
    enum conf_auth auth);

#endif /* SITE_FILE_H */
