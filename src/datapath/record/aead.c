/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "datapath/record/aead.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"

#define TRIES	7
#define MAX_LEN 6000 /* more blocks than a byte counts */

/* The last tags of aead_try(). */
static const char expected_tags[AEAD_CIPHERS][AEAD_TAG + 1] = {
	"\x5d\xdc\x1a\xb5\xc8\x75\xde\xc3\x1f\x54\xff\x23\x4d\xdf\x8d\x1e",
	"\x92\x86\x02\xd2\x60\xbe\xd9\x15\xdf\x92\xac\x08\xe7\x20\xaf\x56",
	"\x91\xf6\xee\xfa\xdc\x0e\xf0\x30\x21\x8f\xa7\xff\x13\x97\xad\xd7",
};

#ifdef HAVE_IPSEC_MB

static int64_t
best(const struct aead_lib *lib, enum aead_cipher cipher)
{
	int64_t ns, least = INT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		ns = aead_try(lib, cipher);
		least = ns < least ? ns : least;
	}
	return least;
}

/* After one wrong answer the library is not used at all. */
static void
choose(struct aead *aead, const struct aead_lib *lib)
{
	int64_t ns[] = { best(lib, AEAD_AES_128_GCM),
		best(lib, AEAD_AES_256_GCM) };

	if (ns[0] < 0 || ns[1] < 0) {
		log_warnx("%s: its results are wrong: GnuTLS is used instead; "
		    "aead = gnutls in [interface] avoids this", lib->name);
		return;
	}
	for (unsigned i = 0; i < nitems(ns); i++) {
		if (ns[i] < best(&aead_gnutls, (enum aead_cipher)i))
			aead->of[i] = lib;
	}
}

#endif

void
aead_load(void)
{
#ifdef HAVE_IPSEC_MB
	(void)aead_ipsec_mb_load();
#endif
}

void
aead_init(struct aead *aead, bool only_gnutls)
{
	*aead = (struct aead) { 0 };
	for (unsigned i = 0; i < AEAD_CIPHERS; i++)
		aead->of[i] = &aead_gnutls;
#ifdef HAVE_IPSEC_MB
	if (!only_gnutls && !aead_gnutls_only() &&
	    (aead_ipsec_mb_init(&aead->ipsec_mb, AEAD_AVX512) ||
		aead_ipsec_mb_init(&aead->ipsec_mb, AEAD_AVX2)))
		choose(aead, &aead->ipsec_mb);
#endif
}

void
aead_fini(struct aead *aead)
{
	free(aead->ipsec_mb.arg);
	aead->ipsec_mb.arg = NULL;
}

/* CPU time of this thread, so that the comparison holds on a busy host. */
static int64_t
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * Each record begins with the previous tag, so one wrong bit anywhere changes
 * the last tag.
 */
int64_t
aead_try(const struct aead_lib *lib, enum aead_cipher cipher)
{
	static const uint8_t zeros[32];
	uint8_t		   bytes[MAX_LEN + AEAD_TAG] = { 0 }, tag[AEAD_TAG];
	struct aead_record r = { .nonce = zeros, .aad = zeros, .aad_len = 13,
		.src = bytes, .dst = bytes };
	int64_t		   begin = cpu_ns();
	struct aead_key	   key;
	bool		   right = aead_key_init(&key, lib, cipher, zeros);

	for (; right && r.len <= MAX_LEN; r.len += 1 + r.len / 8) {
		right = aead_seal(&key, &r, 1);
		memcpy(tag, bytes + r.len, AEAD_TAG);
		right = right && aead_open(&key, &r, 1) == 1;
		memcpy(bytes, tag, AEAD_TAG);
	}
	aead_key_fini(&key);
	return right && memcmp(tag, expected_tags[cipher], AEAD_TAG) == 0 ?
	    cpu_ns() - begin : -1;
}

bool
aead_key_init(struct aead_key *key, const struct aead_lib *lib,
    enum aead_cipher cipher, const uint8_t *secret)
{
	key->lib = lib;
	key->key = lib->key_new(lib, cipher, secret);
	return key->key != NULL;
}

void
aead_key_fini(struct aead_key *key)
{
	if (key->key != NULL)
		key->lib->key_free(key->key);
	key->key = NULL;
}

bool
aead_seal(struct aead_key *key, struct aead_record *records, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!key->lib->seal(key->key, &records[i]))
			return false;
	}
	return true;
}

/* Libraries decrypt before they compare tags, so wipe unauthentic plaintext. */
unsigned
aead_open(struct aead_key *key, struct aead_record *records, unsigned n)
{
	unsigned authentic = 0;

	for (struct aead_record *r = records; r < records + n; r++) {
		r->authentic = key->lib->open(key->key, r);
		authentic += r->authentic;
		if (!r->authentic)
			secret_wipe(r->dst, r->len);
	}
	return authentic;
}
