/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_file: the paths of a site's files on the server, and the lock on them.
 *
 *   DIR/sites.d/NAME.conf          the site; without it there is no site
 *   DIR/sites.d/NAME.crt           method certificate: what was issued to it
 *   DIR/keeper/sites/NAME.METHOD   other methods: what verifies it
 *   DIR/keeper/sites/NAME.psk      the generation of its pre-shared key
 *
 * Names must have passed conf_is_site_name(), which is asserted.
 */
#ifndef SITE_FILE_H
#define SITE_FILE_H

#include <stddef.h>

#include "conf/conf.h"

/*
 * Locks DIR until the descriptor is closed, so that two commands do not choose
 * the same address; waits for the lock.  Returns a descriptor or a negative
 * errno value.
 */
int site_file_lock(const char *dir);

/* Each writes a path below DIR into `dst`, and returns it. */
#define SITE_FILE_MAX 128
const char *site_file_conf(char *dst, size_t size, const char *site);
const char *site_file_certificate(char *dst, size_t size, const char *site);
const char *site_file_psk(char *dst, size_t size, const char *site);
const char *site_file_credential(char *dst, size_t size, const char *site,
    enum conf_auth auth);

#endif /* SITE_FILE_H */
