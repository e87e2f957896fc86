/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_srp: SRP inside the TLS handshake (RFC 5054), GnuTLS's own.
 *
 * A priority string that allows SRP forbids TLS 1.3, so a server decides
 * connection by connection: a ClientHello with the srp extension, looked at
 * before GnuTLS parses it, gets TLS 1.2 with SRP_SHA_RSA, and no other one does.
 * Extended master secret (RFC 7627) and encrypt-then-MAC (RFC 7366) are
 * required; without them there is no channel binding, and CBC's MAC is weak.
 *
 * Built only where GnuTLS has TLS-SRP (3.8's default lacks it); elsewhere no
 * configuration can ask for it, and each call fails.
 */
#ifndef TLS_SRP_H
#define TLS_SRP_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

#include <bsd/string.h>

#include "control/conn/tls_context.h"

struct request_tls_srp;
struct server;
struct sign_ask;

#ifdef HAVE_TLS_SRP

/*
 * For a tls_context.  Who may log in is known to the server (`*server`, which is
 * there before the first handshake), the credentials to the keeper.  NULL on
 * failure, with the reason in `why` (TLS_WHY_SIZE bytes).
 */
struct tls_handshake *tls_srp_new_server(struct server *const *server,
    struct sign_ask *keeper, char *why);
struct tls_handshake *tls_srp_new_client(const char *site,
    const char *password, char *why);

/* Whether the GnuTLS that is loaded has it, too. */
bool tls_srp_is_there(void);

/*
 * The credential of `site`, waited for; `known` as in keeper_ask.h.  0 or a
 * negative errno value.
 */
int tls_srp_ask(struct sign_ask *keeper, const char *site, bool known,
    struct request_tls_srp *user);

#else

static inline struct tls_handshake *
tls_srp_new_server(struct server *const *server, struct sign_ask *keeper,
    char *why)
{
	strlcpy(why, "this build has no TLS-SRP: use srp", TLS_WHY_SIZE);
	return NULL;
}

static inline struct tls_handshake *
tls_srp_new_client(const char *site, const char *password, char *why)
{
	strlcpy(why, "this build has no TLS-SRP: use srp", TLS_WHY_SIZE);
	return NULL;
}

static inline bool
tls_srp_is_there(void)
{
	return false;
}

#endif /* HAVE_TLS_SRP */

#endif /* TLS_SRP_H */
