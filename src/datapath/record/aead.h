/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aead: seals and opens records with the ciphers of lanes (RFC 5116).
 *
 * Each cipher comes from one library; the other end may use another, because
 * the bytes are the same.  GnuTLS has all of them on every host.  The AES-GCM
 * of libipsec-mb is faster, most of all on processors that do AES on several
 * blocks at once (VAES). The choice is made before the engine is confined;
 * after that no library makes a system call, except to get memory for keys.
 */
#ifndef AEAD_H
#define AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_NONCE 12
#define AEAD_TAG   16

struct gnutls_session_int;

enum aead_cipher {
	AEAD_AES_128_GCM,
	AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305,
	AEAD_CIPHERS
};

/* A record to seal or open.  The tag follows the ciphertext. */
struct aead_record {
	const uint8_t *nonce, *aad;
	size_t	       aad_len;
	const uint8_t *src;
	uint8_t	      *dst; /* may be `src`; otherwise they must not overlap */
	size_t	       len; /* of the plaintext */
	bool	       authentic; /* set when opened: the tag was right */
};

/* The functions of a library; only aead.c calls them. */
struct aead_lib {
	char  name[48]; /* for people */
	void *arg; /* owned */
	/* NULL: out of memory. */
	void *(*key_new)(const struct aead_lib *lib, enum aead_cipher cipher,
	    const uint8_t *secret);
	/* Also wipes the key. */
	void (*key_free)(void *key);
	/* False on failure. */
	bool (*seal)(void *key, const struct aead_record *record);
	/* True if the tag is right.  If not, `dst` holds garbage. */
	bool (*open)(void *key, const struct aead_record *record);
};

extern const struct aead_lib aead_gnutls;

/* The cipher of a session; AEAD_CIPHERS: not one of ours. */
enum aead_cipher aead_gnutls_cipher(struct gnutls_session_int *session);
/* True in FIPS mode: no other library may be used then. */
bool aead_gnutls_only(void);

/*
 * libipsec-mb, with this processor's instructions up to a level.  False: it
 * cannot be used.  If it fails its own tests, this is logged.
 */
/* NULL: not installed.  Later calls open no file. */
void *aead_ipsec_mb_load(void);
enum aead_level { AEAD_SSE, AEAD_AVX2, AEAD_AVX512 };
bool aead_ipsec_mb_init(struct aead_lib *lib, enum aead_level level);

/* Loads what aead_init() may use.  Call it before the sandbox denies files. */
void aead_load(void);

/* The library of each cipher. */
struct aead {
	struct aead_lib	       ipsec_mb;
	const struct aead_lib *of[AEAD_CIPHERS];
};

/* Used by one thread at a time; {0}: no key. */
struct aead_key {
	const struct aead_lib *lib;
	void		      *key; /* the library's; owned */
};

/*
 * Chooses libipsec-mb where its answers are right and it is faster; this takes
 * some milliseconds.  `aead` must not move while there are keys.
 */
void aead_init(struct aead *aead, bool only_gnutls);
void aead_fini(struct aead *aead);

/*
 * The library that has AES-128-GCM, the cipher of lanes unless the hub's
 * processor lacks AES.
 */
static inline const char *
aead_name(const struct aead *aead)
{
	return aead->of[AEAD_AES_128_GCM]->name;
}

/* CPU time in ns for records of many lengths; -1: its answers are wrong. */
int64_t aead_try(const struct aead_lib *lib, enum aead_cipher cipher);

/* False: out of memory.  `lib` must outlive it. */
bool aead_key_init(struct aead_key *key, const struct aead_lib *lib,
    enum aead_cipher cipher, const uint8_t *secret);
/* Wipes it; idempotent. */
void aead_key_fini(struct aead_key *key);

/*
 * False: one of the `n` records could not be sealed, because the library is in
 * its error state.
 */
bool aead_seal(struct aead_key *key, struct aead_record *records, unsigned n);
/* Returns how many are authentic.  The others' `dst` is set to zeros. */
unsigned aead_open(struct aead_key *key, struct aead_record *records, unsigned n);

#endif /* AEAD_H */
