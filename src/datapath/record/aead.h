/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aead: seals and opens with the ciphers that lanes have (RFC 5116).
 *
 * Each cipher is that of one library, whatever the other end uses: the bytes are
 * the same.  GnuTLS has all of them, everywhere; libipsec-mb's AES-GCM is faster,
 * most of all where the processor does AES on several blocks at once (VAES).
 * Which one is found out before the engine is confined; then no library makes a
 * system call, but for the memory of keys.
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

/* What is sealed or opened.  The tag follows the ciphertext. */
struct aead_record {
	const uint8_t *nonce, *aad;
	size_t	       aad_len;
	const uint8_t *src;
	uint8_t	      *dst; /* may be `src`; else they do not overlap */
	size_t	       len; /* of the plaintext */
	bool	       authentic; /* opened: the tag was right */
};

/* What a library does for aead.c; nobody else calls it. */
struct aead_lib {
	char  name[48]; /* for people */
	void *arg; /* owned */
	/* NULL: out of memory. */
	void *(*key_new)(const struct aead_lib *lib, enum aead_cipher cipher,
	    const uint8_t *secret);
	/* Wipes it, too. */
	void (*key_free)(void *key);
	/* False: it failed. */
	bool (*seal)(void *key, const struct aead_record *record);
	/* Whether the tag is right.  If not, anything may be at `dst`. */
	bool (*open)(void *key, const struct aead_record *record);
};

extern const struct aead_lib aead_gnutls;

/* The cipher that a session has agreed on; AEAD_CIPHERS: none of ours. */
enum aead_cipher aead_gnutls_cipher(struct gnutls_session_int *session);
/* Whether no other library may be used: it is in FIPS mode. */
bool aead_gnutls_only(void);

/*
 * libipsec-mb, with this processor's instructions up to a level.  False: it cannot
 * be used; when it fails its own tests there is a line in the log.
 */
/* NULL: it is not there.  A second time no file is opened. */
void *aead_ipsec_mb_load(void);
enum aead_level { AEAD_SSE, AEAD_AVX2, AEAD_AVX512 };
bool aead_ipsec_mb_init(struct aead_lib *lib, enum aead_level level);

/* Loads what aead_init() may use; before files are out of reach. */
void aead_load(void);

/* Which library has which cipher. */
struct aead {
	struct aead_lib	       ipsec_mb;
	const struct aead_lib *of[AEAD_CIPHERS];
};

/* To be used by one thread at a time; {0}: none. */
struct aead_key {
	const struct aead_lib *lib;
	void		      *key; /* the library's; owned */
};

/*
 * libipsec-mb's, where it gives the right answers and is faster; this takes some
 * milliseconds.  It stays where it is while there are keys.
 */
void aead_init(struct aead *aead, bool only_gnutls);
void aead_fini(struct aead *aead);

/* Who has AES-128-GCM, as lanes have unless the hub's processor lacks AES. */
static inline const char *
aead_name(const struct aead *aead)
{
	return aead->of[AEAD_AES_128_GCM]->name;
}

/* CPU time in ns that records of many lengths take; -1: its answers are wrong. */
int64_t aead_try(const struct aead_lib *lib, enum aead_cipher cipher);

/* False: out of memory.  `lib` must outlive it. */
bool aead_key_init(struct aead_key *key, const struct aead_lib *lib,
    enum aead_cipher cipher, const uint8_t *secret);
/* Wipes it; idempotent. */
void aead_key_fini(struct aead_key *key);

/*
 * False: one of the `n` records could not be sealed (the library is in its error
 * state).
 */
bool aead_seal(struct aead_key *key, struct aead_record *records, unsigned n);
/* How many are authentic; of the others nothing but zeros is at `dst`. */
unsigned aead_open(struct aead_key *key, struct aead_record *records, unsigned n);

#endif /* AEAD_H */
