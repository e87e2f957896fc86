/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_srp: SRP-6a inside TLS (PROTOCOL 4.5): verifiers, and the steps of both
 * ends.
 *
 * srp.c has the arithmetic and the hashes.  This adds what Tombolo defines:
 * groups of RFC 5054 with 3072 or 4096 bits, SHA-256, x from yescrypt, and
 * proofs that cover A, B, name, setting and the TLS binding.  Costs are limited
 * in both directions, as in auth_password.h.
 *
 * Thread-safe; no state, no files.
 */
#ifndef AUTH_SRP_H
#define AUTH_SRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_SRP_MAX_LEN     512  /* bytes of A, B or v: 4096 bits */
#define AUTH_SRP_PRIVATE_LEN 32
#define AUTH_SRP_PROOF_LEN   32
#define AUTH_SRP_SETTING_SIZE 128
#define AUTH_SRP_LINE_SIZE   1280 /* a verifier as text, with its NUL */

/* What a server stores of a site's password. */
struct auth_srp_verifier {
	unsigned group; /* bits */
	char	 setting[AUTH_SRP_SETTING_SIZE];
	uint8_t	 v[AUTH_SRP_MAX_LEN];
	size_t	 v_len;
};

/*
 * Makes the line of a NAME.srp file, without the newline, with fresh salt.  0
 * or a negative errno value: -EINVAL for a password that is empty or too long.
 */
int auth_srp_make(const char *site, const char *password, char *line,
    size_t size);

/* False if the line is not a verifier that we accept. */
bool auth_srp_parse(struct auth_srp_verifier *verifier, const char *line);

/*
 * Sets the salt for an unknown `site` in the dummy verifier: derived from a
 * secret of the server, so it is always the same for a name, and of the same
 * form as a real one.
 */
void auth_srp_disguise(struct auth_srp_verifier *verifier,
    const uint8_t secret[32], const char *site);

/*
 * Server: draws b and computes B (`*len` bytes, at most AUTH_SRP_MAX_LEN). 0 or
 * -ENOMEM.
 */
int auth_srp_start(const struct auth_srp_verifier *verifier,
    uint8_t b[AUTH_SRP_PRIVATE_LEN], uint8_t *public_b, size_t *len);

/*
 * Server: true if M1 is right; then `m2` is the answer.  A = 0 mod N and u = 0
 * are refused.  The work does not depend on the result.
 */
bool auth_srp_finish(const struct auth_srp_verifier *verifier, const char *site,
    const uint8_t b[AUTH_SRP_PRIVATE_LEN], const uint8_t binding[32],
    const uint8_t *public_a, size_t a_len, const uint8_t m1[AUTH_SRP_PROOF_LEN],
    uint8_t m2[AUTH_SRP_PROOF_LEN]);

/*
 * Client: computes A, M1 and the M2 that the server must send.  0, or -EPROTO:
 * a group, setting or B that we do not accept; -EINVAL: the password; -ENOMEM.
 */
int auth_srp_answer(const char *site, const char *password, size_t password_len,
    unsigned group, const char *setting, const uint8_t *public_b, size_t b_len,
    const uint8_t binding[32], uint8_t *public_a, size_t *a_len,
    uint8_t m1[AUTH_SRP_PROOF_LEN], uint8_t m2[AUTH_SRP_PROOF_LEN]);

#endif /* AUTH_SRP_H */
