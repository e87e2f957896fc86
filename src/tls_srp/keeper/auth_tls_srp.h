/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_tls_srp: verifiers for SRP inside the TLS handshake (RFC 5054, x with
 * SHA-1 as RFC 2945 has it): what GnuTLS's own TLS-SRP needs, and no more.
 *
 * Such a verifier costs a cracker nothing but SHA-1, unlike auth_srp.h's.
 * Thread-safe; no state, no files.
 */
#ifndef AUTH_TLS_SRP_H
#define AUTH_TLS_SRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_TLS_SRP_LINE_SIZE 1280
#define AUTH_TLS_SRP_SALT_LEN  16

struct auth_tls_srp {
	unsigned group; /* bits */
	uint8_t	 salt[64];
	size_t	 salt_len;
	uint8_t	 v[512];
	size_t	 v_len;
};

/* The one line of a NAME.tls-srp file; as auth_srp_make(). */
int auth_tls_srp_make(const char *site, const char *password, char *line,
    size_t size);
bool auth_tls_srp_parse(struct auth_tls_srp *user, const char *line);
/* As auth_srp_disguise(). */
void auth_tls_srp_disguise(struct auth_tls_srp *user, const uint8_t secret[32],
    const char *site);

#endif /* AUTH_TLS_SRP_H */
