/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * srp: the arithmetic of SRP-6a (RFC 5054), with GMP.
 *
 * Group and hash are parameters, so that the test vectors of RFC 5054 run
 * through the same code.  Numbers are big-endian bytes; public ones and S are
 * padded to the length of N, as by RFC 5054's PAD(). Powers of secrets take a
 * time that depends only on lengths (mpz_powm_sec).
 *
 * auth_srp.c and auth_tls_srp.c define x and use S.
 */
#ifndef SRP_H
#define SRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gmp.h>

#define SRP_MAX_LEN	512 /* bytes of N: 4096 bits */
#define SRP_PRIVATE_LEN 32  /* bytes of a, b */
#define SRP_MAX_HASH	32

enum srp_hash { SRP_SHA1, SRP_SHA256 };

struct srp {
	enum srp_hash hash;
	size_t	      len; /* bytes of N */
	mpz_t	      n, g, k;
};

/* Call it once: from then on memory that GMP frees is wiped. */
void srp_setup(void);

/*
 * The group of RFC 5054 appendix A with that many bits; false unless 3072 or
 * 4096.
 */
bool srp_init(struct srp *srp, enum srp_hash hash, unsigned bits);
/* The caller's own group, with N in hexadecimal. */
void srp_init_group(struct srp *srp, enum srp_hash hash, const char *n,
    unsigned g);
void srp_fini(struct srp *srp);

/* v = g^x; `v` has srp->len bytes. */
void srp_verifier(const struct srp *srp, const uint8_t *x, size_t x_len,
    uint8_t *v);
/* True if 1 < v < N - 1, and `v_len` is N's. */
bool srp_is_verifier(const struct srp *srp, const uint8_t *v, size_t v_len);

/* B = k v + g^b */
void srp_public_b(const struct srp *srp, const uint8_t *v, const uint8_t *b,
    size_t b_len, uint8_t *public_b);
/* A = g^a */
void srp_public_a(const struct srp *srp, const uint8_t *a, size_t a_len,
    uint8_t *public_a);

/* True if the other end's A or B has N's length and is no multiple of N. */
bool srp_is_public(const struct srp *srp, const uint8_t *public, size_t len);

/* S = (A v^u)^b.  False if u is 0; do not use S then. */
bool srp_secret_server(const struct srp *srp, const uint8_t *v,
    const uint8_t *b, size_t b_len, const uint8_t *public_a,
    const uint8_t *public_b, uint8_t *s);
/* S = (B - k g^x)^(a + u x).  The same. */
bool srp_secret_client(const struct srp *srp, const uint8_t *x, size_t x_len,
    const uint8_t *a, size_t a_len, const uint8_t *public_a,
    const uint8_t *public_b, uint8_t *s);

#endif /* SRP_H */
