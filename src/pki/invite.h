/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * invite: everything a satellite must know, in one file.
 *
 * `site add` makes it, `join` reads it.  A JSON object:
 *
 *   "tombolo-invitation"  1
 *   "server", "port"      where the primary site is
 *   "name"                the name in its certificate
 *   "ca"                  the CA to trust, PEM
 *   "site"                the satellite's name
 *   "mode", "auth"        "tap" or "tun"; the authentication method
 *   "subnets"             the networks behind it; only if there are any
 *   "default-route"       "required": the site's traffic must go through the
 *                         tunnel; "offered": the primary site tells all sites so
 *   "secret"              the password; only if it was generated
 *   "psk"                 the pre-shared key, with its generation
 *   "certificate", "key"  the site's own, PEM; with auth "certificate"
 *
 * It comes by mail or on a stick, so the parser is strict: it refuses a value
 * of the wrong type, size or characters, and no string can carry a line break
 * or a comment into the configuration made of it.  Unknown members are ignored:
 * a later version may have more.
 */
#ifndef INVITE_H
#define INVITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

enum invite_route { INVITE_NO_ROUTE, INVITE_OFFERED, INVITE_REQUIRED };

#define INVITE_MAX	  65536 /* bytes of an invitation */
#define INVITE_SECRET_MAX 511
#define INVITE_PSK_LEN	  73 /* 8 and 64 hexadecimal digits */
#define INVITE_MAX_SUBNETS 64
#define INVITE_SECRET_LEN 34 /* of a generated secret */

/* Printable ASCII without spaces; conf checks `mode`, `auth` and `site`. */
struct invite {
	char	 server[254];
	unsigned port;
	char	 name[254];
	char	*ca; /* owned */
	char	*certificate; /* owned; NULL: there is none */
	char	*key; /* owned; NULL like the other */
	char	 site[64];
	char	 mode[8];
	char	 auth[32];
	struct prefix *subnets; /* owned */
	size_t	 nsubnets;
	enum invite_route default_route; /* the site must accept it to connect */
	char	 secret[INVITE_SECRET_MAX + 1]; /* empty: none */
	char	 psk[INVITE_PSK_LEN + 1];	/* the same */
};

/* Wipes it; may be zeroed storage. */
void invite_fini(struct invite *invite);

/*
 * Parses `len` bytes of text.  False if it is not a valid invitation; then
 * `why` says what is wrong, and `*invite` is empty.
 */
bool invite_parse(struct invite *invite, const char *text, size_t len,
    char *why, size_t why_size);

/*
 * The text of an invitation, NUL-terminated; the caller frees it with
 * secret_free(text, *len + 1). NULL: out of memory.
 */
char *invite_print(const struct invite *invite, size_t *len);

/*
 * Draws a secret of 140 bits that can be read aloud: "k7fw-2m9c-xq4h-..."
 * (without 0, 1, l and o). `size` must be at least INVITE_SECRET_LEN + 1.
 */
void invite_draw_secret(char *dst, size_t size);

#endif /* INVITE_H */
