/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every library is given the same bytes as GnuTLS: as a record, which both refuse,
 * and as a plaintext, which they seal to the same and open again, unless it was
 * changed on the way.
 */
#include "fuzz.h"

#include "datapath/record/aead.h"

#define KEY_AT	  2 /* behind two bytes that say what to do */
#define NONCE_AT  (KEY_AT + 32)
#define AAD_AT	  (NONCE_AT + AEAD_NONCE)
#define TEXT_AT	  (AAD_AT + 20)
#define MAX_PLAIN 16384

enum { AES_256 = 1, FORGE = 2, AAD_OF_A_RECORD = 4 };

/* [0] is GnuTLS; the others are as many as this processor can do. */
static struct aead_lib libs[1 + AEAD_AVX512 + 1];
static unsigned	       nlibs;

static void
setup(void)
{
	if (nlibs > 0)
		return;
	libs[nlibs++] = aead_gnutls;
#ifdef HAVE_IPSEC_MB
	for (unsigned i = 0; i <= AEAD_AVX512; i++)
		nlibs += aead_ipsec_mb_init(&libs[nlibs], (enum aead_level)i);
#endif
}

/* Opens a record where it lies, or seals it. */
static bool
process(const struct aead_lib *lib, const uint8_t *data, struct aead_record *r,
    bool opening, uint8_t *bytes)
{
	struct aead_key key;
	bool		good;

	FUZZ_CHECK(aead_key_init(&key, lib, data[0] & AES_256 ?
		AEAD_AES_256_GCM : AEAD_AES_128_GCM, data + KEY_AT));
	r->src = r->dst = bytes;
	good = opening ? aead_open(&key, r, 1) == 1 : aead_seal(&key, r, 1);
	aead_key_fini(&key);
	return good;
}

static void
check(const struct aead_lib *lib, const uint8_t *data, struct aead_record *r,
    uint8_t *ours, uint8_t *theirs)
{
	const uint8_t *text = data + TEXT_AT;
	size_t	       whole = r->len + AEAD_TAG;
	bool	       forged = (data[0] & FORGE) != 0, good;

	memcpy(ours, text, whole);
	memcpy(theirs, text, whole);
	good = process(lib, data, r, true, ours);
	FUZZ_CHECK(good == process(&libs[0], data, r, true, theirs));
	FUZZ_CHECK(memcmp(ours, theirs, whole) == 0);

	memcpy(ours, text, whole);
	memcpy(theirs, text, whole);
	FUZZ_CHECK(process(lib, data, r, false, ours));
	FUZZ_CHECK(process(&libs[0], data, r, false, theirs));
	FUZZ_CHECK(memcmp(ours, theirs, whole) == 0);
	if (forged)
		ours[data[1] * whole / 256] ^= (uint8_t)(1u << (data[0] >> 5));
	FUZZ_CHECK(process(lib, data, r, true, ours) == !forged);
	for (size_t i = 0; i < r->len; i++)
		FUZZ_CHECK(ours[i] == (forged ? 0 : text[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aead_record r = { 0 };
	uint8_t		  *ours, *theirs;

	setup();
	if (size < TEXT_AT + AEAD_TAG || size > TEXT_AT + MAX_PLAIN + AEAD_TAG)
		return 0;
	r.nonce = data + NONCE_AT;
	r.aad = data + AAD_AT;
	r.aad_len = data[0] & AAD_OF_A_RECORD ? 13 : data[1] % 21;
	r.len = size - TEXT_AT - AEAD_TAG;
	ours = malloc(r.len + AEAD_TAG);
	theirs = malloc(r.len + AEAD_TAG);
	FUZZ_CHECK(ours != NULL && theirs != NULL);
	for (unsigned i = 0; i < nlibs; i++)
		check(&libs[i], data, &r, ours, theirs);
	free(ours);
	free(theirs);
	return 0;
}
