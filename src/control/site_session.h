/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_session: a site's session, at the hub: found or made for a login that
 * succeeded, told its networks, ended.
 *
 * A site has at most one.  A login that names it continues it: the new
 * connection replaces the old one, and everything else stays.  Any other login
 * replaces it.
 */
#ifndef SITE_SESSION_H
#define SITE_SESSION_H

#include <stdbool.h>

struct incoming;
struct server;
struct site;
struct tls_context;

/*
 * `in` is authenticated as `site`, and may log in.  Takes over its connection.
 */
void site_session_admit(struct incoming *in, struct site *site);

/* The site has one, perhaps adrift: tells it its addresses and routes. */
void site_session_update(struct server *server, struct site *site);

/* Why it must end by this configuration; NULL: it need not. */
const char *site_session_why_not(const struct server *server,
    const struct site *site);

/* Whether it logged in by a certificate that this context's CRL revokes. */
bool site_session_is_revoked(const struct site *site,
    const struct tls_context *tls);

#endif /* SITE_SESSION_H */
