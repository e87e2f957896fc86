/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every library seals the same bytes, opens the others', and nothing forged. */
#include "config.h"

#include "datapath/record/aead.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define MAX_LEN	  16384
#define MAX_LIBS  4
#define GUARD	  64 /* bytes around, which stay as they are */
#define GUARDED	  0xa5
#define AAD_LEN	  13 /* a record's (RFC 5246 6.2.3.3) */

/* GCM: the cases of the specification that was submitted to NIST. */
#define GCM_KEY	  "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_TEXT_60                                                            \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"     \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_128_60                                                             \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"     \
	"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define GCM_256_60                                                             \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"     \
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
#define ZEROS_16 "00000000000000000000000000000000"

static const struct {
	const char	*what;
	enum aead_cipher cipher;
	const char	*key, *nonce, *aad, *plain, *sealed, *tag;
} vectors[] = {
	{ "GCM 1", AEAD_AES_128_GCM, ZEROS_16, "000000000000000000000000", "",
	    "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "GCM 2", AEAD_AES_128_GCM, ZEROS_16, "000000000000000000000000", "",
	    ZEROS_16, "0388dace60b6a392f328c2b971b2fe78",
	    "ab6e47d42cec13bdf53a67b21257bddf" },
	{ "GCM 3", AEAD_AES_128_GCM, GCM_KEY, GCM_NONCE, "",
	    GCM_TEXT_60 "1aafd255", GCM_128_60 "473f5985",
	    "4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ "GCM 4", AEAD_AES_128_GCM, GCM_KEY, GCM_NONCE,
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_TEXT_60, GCM_128_60,
	    "5bc94fbc3221a5db94fae95ae7121a47" },
	{ "GCM 13", AEAD_AES_256_GCM, ZEROS_16 ZEROS_16,
	    "000000000000000000000000", "", "", "",
	    "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "GCM 14", AEAD_AES_256_GCM, ZEROS_16 ZEROS_16,
	    "000000000000000000000000", "", ZEROS_16,
	    "cea7403d4d606b6e074ec5d3baf39d18",
	    "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "GCM 15", AEAD_AES_256_GCM, GCM_KEY GCM_KEY, GCM_NONCE, "",
	    GCM_TEXT_60 "1aafd255", GCM_256_60 "898015ad",
	    "b094dac5d93471bdec1a502270e3cc6c" },
	{ "GCM 16", AEAD_AES_256_GCM, GCM_KEY GCM_KEY, GCM_NONCE,
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_TEXT_60, GCM_256_60,
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
	{ "RFC 8439 2.8.2", AEAD_CHACHA20_POLY1305,
	    "808182838485868788898a8b8c8d8e8f"
	    "909192939495969798999a9b9c9d9e9f",
	    "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
	    "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
	    "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
	    "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	    "637265656e20776f756c642062652069742e",
	    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	    "3ff4def08e4b7a9de576d26586cec64b6116",
	    "1ae10b594f09e26a7e902ecbd0600691" },
};

/* One record's memory, with room around it that nobody may touch. */
struct room {
	uint8_t before[GUARD], bytes[MAX_LEN + AEAD_TAG + GUARD];
};

static const struct aead_lib *libs[MAX_LIBS];
static unsigned		      nlibs;

static void
setup(void)
{
	libs[nlibs++] = &aead_gnutls;
#ifdef HAVE_IPSEC_MB
	static struct aead_lib ipsec_mb[AEAD_AVX512 + 1];

	for (unsigned i = 0; i <= AEAD_AVX512; i++) {
		if (aead_ipsec_mb_init(&ipsec_mb[i], (enum aead_level)i))
			libs[nlibs++] = &ipsec_mb[i];
	}
#endif
	for (unsigned i = 0; i < nlibs; i++)
		printf("%s\n", libs[i]->name);
}

static bool
has(unsigned lib, unsigned cipher)
{
	return libs[lib] == &aead_gnutls || cipher != AEAD_CHACHA20_POLY1305;
}

static size_t
unhex(uint8_t *bytes, const char *hex)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &bytes[i]), 1);
	return n;
}

static void
fill(uint8_t *bytes, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)unit_random(&seed);
}

static void
guard(struct room *room)
{
	memset(room, GUARDED, sizeof(*room));
}

static bool
all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	size_t i = 0;

	while (i < len && bytes[i] == value)
		i++;
	return i == len;
}

static void
guards_hold(const struct room *room, size_t len)
{
	ck_assert(all_are(room->before, GUARD, GUARDED) &&
	    all_are(room->bytes + len, GUARD, GUARDED));
}

static struct aead_key
key_of(unsigned lib, enum aead_cipher cipher, const uint8_t *secret)
{
	struct aead_key key;

	ck_assert(aead_key_init(&key, libs[lib], cipher, secret));
	return key;
}

START_TEST(known_answers)
{
	uint8_t key[32], nonce[12], aad[20], plain[128], sealed[128 + 16];

	for (size_t i = 0; i < nitems(vectors); i++) {
		struct aead_record r = { .nonce = nonce, .aad = aad };
		uint8_t		   got[128 + 16];

		unhex(key, vectors[i].key);
		unhex(nonce, vectors[i].nonce);
		r.aad_len = unhex(aad, vectors[i].aad);
		r.len = unhex(plain, vectors[i].plain);
		unhex(sealed, vectors[i].sealed);
		unhex(sealed + r.len, vectors[i].tag);
		for (unsigned l = 0; l < nlibs; l++) {
			struct aead_key k;

			if (!has(l, vectors[i].cipher))
				continue;
			k = key_of(l, vectors[i].cipher, key);

			r.src = plain;
			r.dst = got;
			ck_assert(aead_seal(&k, &r, 1));
			ck_assert_msg(memcmp(got, sealed, r.len + 16) == 0,
			    "%s: %s", libs[l]->name, vectors[i].what);
			r.src = r.dst;
			ck_assert_msg(aead_open(&k, &r, 1) == 1, "%s: %s",
			    libs[l]->name, vectors[i].what);
			ck_assert_mem_eq(got, plain, r.len);
			aead_key_fini(&k);
		}
	}
}
END_TEST

/* Sealed by `a`, opened by `b`, in place and from one place to another. */
static void
exchange(unsigned a, unsigned b, enum aead_cipher cipher, size_t len)
{
	static struct room plain, sealed, opened;
	uint8_t		   key[32], nonce[12], aad[AAD_LEN];
	struct aead_record r = { .nonce = nonce, .aad = aad,
		.aad_len = sizeof(aad), .src = plain.bytes,
		.dst = sealed.bytes, .len = len };
	struct aead_key	   ours, theirs;

	fill(key, sizeof(key), len);
	fill(nonce, sizeof(nonce), len + 1);
	fill(aad, sizeof(aad), len + 2);
	fill(plain.bytes, len, len + 3);
	guard(&sealed);
	guard(&opened);
	ours = key_of(a, cipher, key);
	theirs = key_of(b, cipher, key);
	ck_assert(aead_seal(&ours, &r, 1));
	guards_hold(&sealed, len + AEAD_TAG);

	r.src = sealed.bytes;
	r.dst = opened.bytes;
	ck_assert_msg(aead_open(&theirs, &r, 1) == 1 && r.authentic,
	    "%s to %s, cipher %u, %zu bytes", libs[a]->name, libs[b]->name,
	    cipher, len);
	guards_hold(&opened, len);
	ck_assert_mem_eq(opened.bytes, plain.bytes, len);

	r.src = r.dst = plain.bytes;
	ck_assert(aead_seal(&theirs, &r, 1));
	ck_assert_mem_eq(plain.bytes, sealed.bytes, len + AEAD_TAG);
	ck_assert_uint_eq(aead_open(&ours, &r, 1), 1);
	ck_assert_mem_eq(plain.bytes, opened.bytes, len);
	aead_key_fini(&ours);
	aead_key_fini(&theirs);
}

/* Every length around the blocks of all of them, then a spread. */
START_TEST(each_opens_what_another_seals)
{
	for (unsigned a = 0; a < nlibs; a++) {
		for (unsigned b = 0; b < nlibs; b++) {
			for (unsigned c = 0; c < AEAD_CIPHERS; c++) {
				for (size_t len = 0; len <= MAX_LEN;
				     len += len < 1100 ? 1 : 332) {
					if (has(a, c) && has(b, c))
						exchange(a, b,
						    (enum aead_cipher)c, len);
				}
			}
		}
	}
}
END_TEST

/* A bit of the record is another; all others in the same call are opened. */
static void
forge(struct aead_key *key, size_t len, size_t bit)
{
	enum { N = 3, FORGED = 1 };
	static struct room rooms[N];
	uint8_t		   nonce[12] = { 1 }, aad[AAD_LEN] = { 2 };
	struct aead_record r[N];

	for (unsigned i = 0; i < N; i++) {
		guard(&rooms[i]);
		memset(rooms[i].bytes, 'p', len);
		r[i] = (struct aead_record) { .nonce = nonce, .aad = aad,
			.aad_len = sizeof(aad), .src = rooms[i].bytes,
			.dst = rooms[i].bytes, .len = len };
	}
	ck_assert(aead_seal(key, r, N));
	rooms[FORGED].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	ck_assert_uint_eq(aead_open(key, r, N), N - 1);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(r[i].authentic, i != FORGED);
		guards_hold(&rooms[i], len + AEAD_TAG);
		ck_assert(all_are(rooms[i].bytes, len, i == FORGED ? 0 : 'p'));
	}
}

START_TEST(of_a_forged_record_only_zeros_are_left)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 64, 255, 1400 };
	static const uint8_t secret[32] = { 7 };

	for (unsigned l = 0; l < nlibs; l++) {
		for (unsigned c = 0; c < AEAD_CIPHERS; c++) {
			struct aead_key key;

			if (!has(l, c))
				continue;
			key = key_of(l, (enum aead_cipher)c, secret);
			for (size_t i = 0; i < nitems(lengths); i++) {
				size_t end = 8 * (lengths[i] + AEAD_TAG);

				for (size_t bit = 0; bit < end;
				     bit += bit + 200 < end ? 37 : 1)
					forge(&key, lengths[i], bit);
			}
			aead_key_fini(&key);
		}
	}
}
END_TEST

START_TEST(nonce_key_and_additional_data_count)
{
	static const uint8_t secret[32] = { 7 }, other[32] = { 8 };
	uint8_t nonce[12] = { 1 }, aad[AAD_LEN] = { 2 }, bytes[100 + AEAD_TAG];

	for (unsigned l = 0; l < nlibs; l++) {
		for (unsigned c = 0; c < AEAD_CIPHERS * 3; c++) {
			enum aead_cipher cipher = (enum aead_cipher)(c / 3);
			struct aead_key key, wrong;
			struct aead_record r = { .nonce = nonce, .aad = aad,
				.aad_len = sizeof(aad), .src = bytes,
				.dst = bytes, .len = 100 };

			if (!has(l, cipher))
				continue;
			key = key_of(l, cipher, secret);
			wrong = key_of(l, cipher, other);
			ck_assert(aead_seal(&key, &r, 1));
			nonce[11] ^= c % 3 == 0;
			aad[12] ^= c % 3 == 1;
			ck_assert_uint_eq(aead_open(c % 3 == 2 ? &wrong : &key,
					      &r, 1), 0);
			aead_key_fini(&key);
			aead_key_fini(&wrong);
		}
	}
}
END_TEST

/* How it lies, and from which length on. */
static enum { TAG, TEXT, OPENED, REFUSES } lie;
static size_t lie_from;

static bool
seal_wrongly(void *key, const struct aead_record *r)
{
	bool sealed = aead_gnutls.seal(key, r);

	if (r->len >= lie_from && lie <= TEXT && r->len > 0)
		r->dst[lie == TAG ? r->len : r->len - 1] ^= 1;
	return sealed;
}

static bool
open_wrongly(void *key, const struct aead_record *r)
{
	bool opened = aead_gnutls.open(key, r);

	if (r->len < lie_from || lie < OPENED)
		return opened || lie < OPENED;
	if (lie == OPENED)
		r->dst[r->len - 1] ^= 1;
	return lie == OPENED;
}

/* The last byte of a record longer than a tag is in no later one. */
START_TEST(wrong_answers_are_found)
{
	struct aead_lib liar = aead_gnutls;

	for (unsigned c = 0; c < AEAD_CIPHERS; c++) {
		enum aead_cipher cipher = (enum aead_cipher)c;

		for (unsigned l = 0; l < nlibs; l++)
			ck_assert(!has(l, c) ||
			    aead_try(libs[l], cipher) >= 0);
		liar.seal = seal_wrongly;
		liar.open = open_wrongly;
		for (unsigned i = TAG; i <= REFUSES; i++) {
			lie = i;
			lie_from = 16385;
			ck_assert_int_eq(aead_try(&liar, cipher) >= 0, true);
			for (lie_from = 1; lie_from < 5000; lie_from *= 16)
				ck_assert_int_eq(aead_try(&liar, cipher), -1);
		}
	}
}
END_TEST

START_TEST(a_library_is_chosen_for_each_cipher)
{
	static const uint8_t secret[32] = { 1 };
	struct aead	     aead;
	struct aead_key	     key;

	aead_init(&aead, true);
	for (unsigned i = 0; i < AEAD_CIPHERS; i++)
		ck_assert_ptr_eq(aead.of[i], &aead_gnutls);
	aead_fini(&aead);
	aead_init(&aead, false);
	ck_assert_ptr_eq(aead.of[AEAD_CHACHA20_POLY1305], &aead_gnutls);
	for (unsigned i = 0; i < AEAD_CIPHERS; i++) {
		ck_assert(aead.of[i] == &aead_gnutls ||
		    (nlibs > 1 && aead.of[i] == &aead.ipsec_mb &&
			strstr(aead.of[i]->name, "libipsec-mb")));
		ck_assert(aead_key_init(&key, aead.of[i], (enum aead_cipher)i,
		    secret));
		aead_key_fini(&key);
		aead_key_fini(&key);
	}
	aead_fini(&aead);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { known_answers,
		each_opens_what_another_seals,
		of_a_forged_record_only_zeros_are_left,
		nonce_key_and_additional_data_count, wrong_answers_are_found,
		a_library_is_chosen_for_each_cipher };

	setup();
	return unit_run("aead", tests, nitems(tests));
}
