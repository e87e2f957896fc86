/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/srp.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/secret.h"

/* RFC 5054 appendix A and RFC 3526: both primes begin with the digits of pi. */
#define PRIMES_BEGIN                                                           \
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"         \
    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"         \
    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"         \
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"         \
    "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"         \
    "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"         \
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"         \
    "3995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33"         \
    "a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7"         \
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864"         \
    "d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2"

static const char prime_3072[] = PRIMES_BEGIN
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff";

static const char prime_4096[] = PRIMES_BEGIN
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a92108011a723c12a787e6d7"
    "88719a10bdba5b2699c327186af4e23c1a946834b6150bda2583e9ca2ad44ce8"
    "dbbbc2db04de8ef92e8efc141fbecaa6287c59474e6bc05d99b2964fa090c3a2"
    "233ba186515be7ed1f612970cee2d7afb81bdd762170481cd0069127d5b05aa9"
    "93b4ea988d8fddc186ffb7dc90a6c08f4df435c934063199ffffffffffffffff";

static const struct {
	unsigned    bits;
	const char *n;
	unsigned    g;
} groups[] = {
	{ 3072, prime_3072, 5 },
	{ 4096, prime_4096, 5 },
};

static void *allocate(size_t size);
static void *reallocate(void *old, size_t old_size, size_t size);
static void  export_padded(const struct srp *srp, const mpz_t number,
     uint8_t *dst);
static void  import(mpz_t number, const uint8_t *src, size_t len);
static void  hash_two(const struct srp *srp, const uint8_t *a,
     const uint8_t *b, mpz_t out);
static void  raise(const struct srp *srp, mpz_t out, const mpz_t base,
     const mpz_t exponent);

void
srp_setup(void)
{
	mp_set_memory_functions(allocate, reallocate, secret_free);
}

bool
srp_init(struct srp *srp, enum srp_hash hash, unsigned bits)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].bits != bits)
			continue;
		srp_init_group(srp, hash, groups[i].n, groups[i].g);
		return true;
	}
	return false;
}

void
srp_init_group(struct srp *srp, enum srp_hash hash, const char *n, unsigned g)
{
	uint8_t n_bytes[SRP_MAX_LEN], g_bytes[SRP_MAX_LEN];

	srp->hash = hash;
	mpz_init_set_str(srp->n, n, 16);
	mpz_init_set_ui(srp->g, g);
	mpz_init(srp->k);
	srp->len = (mpz_sizeinbase(srp->n, 2) + 7) / 8;
	/* k = H(N | PAD(g)) */
	export_padded(srp, srp->n, n_bytes);
	export_padded(srp, srp->g, g_bytes);
	hash_two(srp, n_bytes, g_bytes, srp->k);
}

void
srp_fini(struct srp *srp)
{
	mpz_clears(srp->n, srp->g, srp->k, NULL);
}

void
srp_verifier(const struct srp *srp, const uint8_t *x, size_t x_len, uint8_t *v)
{
	srp_public_a(srp, x, x_len, v);
}

bool
srp_is_verifier(const struct srp *srp, const uint8_t *v, size_t v_len)
{
	mpz_t number, limit;
	bool  good;

	if (v_len != srp->len)
		return false;
	mpz_inits(number, limit, NULL);
	import(number, v, v_len);
	mpz_sub_ui(limit, srp->n, 1);
	good = mpz_cmp_ui(number, 1) > 0 && mpz_cmp(number, limit) < 0;
	mpz_clears(number, limit, NULL);
	return good;
}

void
srp_public_b(const struct srp *srp, const uint8_t *v, const uint8_t *b,
    size_t b_len, uint8_t *public_b)
{
	mpz_t kv, private, result;

	mpz_inits(kv, private, result, NULL);
	import(kv, v, srp->len);
	import(private, b, b_len);
	mpz_mul(kv, kv, srp->k);
	raise(srp, result, srp->g, private);
	mpz_add(result, result, kv);
	mpz_mod(result, result, srp->n);
	export_padded(srp, result, public_b);
	mpz_clears(kv, private, result, NULL);
}

void
srp_public_a(const struct srp *srp, const uint8_t *a, size_t a_len,
    uint8_t *public_a)
{
	mpz_t private, result;

	mpz_inits(private, result, NULL);
	import(private, a, a_len);
	raise(srp, result, srp->g, private);
	export_padded(srp, result, public_a);
	mpz_clears(private, result, NULL);
}

bool
srp_is_public(const struct srp *srp, const uint8_t *public, size_t len)
{
	mpz_t number;
	bool  good;

	if (len != srp->len)
		return false;
	mpz_init(number);
	import(number, public, len);
	mpz_mod(number, number, srp->n);
	good = mpz_sgn(number) != 0;
	mpz_clear(number);
	return good;
}

bool
srp_secret_server(const struct srp *srp, const uint8_t *v, const uint8_t *b,
    size_t b_len, const uint8_t *public_a, const uint8_t *public_b, uint8_t *s)
{
	mpz_t verifier, private, u, base;
	bool  good;

	mpz_inits(verifier, private, u, base, NULL);
	import(verifier, v, srp->len);
	import(private, b, b_len);
	hash_two(srp, public_a, public_b, u);
	good = mpz_sgn(u) != 0;
	raise(srp, base, verifier, u);
	import(verifier, public_a, srp->len);
	mpz_mul(base, base, verifier);
	mpz_mod(base, base, srp->n);
	raise(srp, verifier, base, private);
	export_padded(srp, verifier, s);
	mpz_clears(verifier, private, u, base, NULL);
	return good;
}

bool
srp_secret_client(const struct srp *srp, const uint8_t *x, size_t x_len,
    const uint8_t *a, size_t a_len, const uint8_t *public_a,
    const uint8_t *public_b, uint8_t *s)
{
	mpz_t secret, private, u, base, gx;
	bool  good;

	mpz_inits(secret, private, u, base, gx, NULL);
	import(secret, x, x_len);
	import(private, a, a_len);
	import(base, public_b, srp->len);
	hash_two(srp, public_a, public_b, u);
	good = mpz_sgn(u) != 0;
	raise(srp, gx, srp->g, secret);
	mpz_mul(gx, gx, srp->k);
	mpz_sub(base, base, gx);
	mpz_mod(base, base, srp->n);
	mpz_mul(secret, secret, u);
	mpz_add(private, private, secret);
	raise(srp, gx, base, private);
	export_padded(srp, gx, s);
	mpz_clears(secret, private, u, base, gx, NULL);
	return good;
}

/* GMP cannot report that it is out of memory. */
static void *
allocate(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		abort();
	return p;
}

static void *
reallocate(void *old, size_t old_size, size_t size)
{
	void *p = allocate(size);

	memcpy(p, old, old_size < size ? old_size : size);
	secret_free(old, old_size);
	return p;
}

/* PAD(): prepends zeros. */
static void
export_padded(const struct srp *srp, const mpz_t number, uint8_t *dst)
{
	size_t len = (mpz_sizeinbase(number, 2) + 7) / 8;

	memset(dst, 0, srp->len);
	if (mpz_sgn(number) != 0)
		mpz_export(dst + srp->len - len, NULL, 1, 1, 1, 0, number);
}

static void
import(mpz_t number, const uint8_t *src, size_t len)
{
	mpz_import(number, len, 1, 1, 1, 0, src);
}

/* H(PAD(a) | PAD(b)): k and u. */
static void
hash_two(const struct srp *srp, const uint8_t *a, const uint8_t *b, mpz_t out)
{
	struct sha1_ctx	  sha1;
	struct sha256_ctx sha256;
	uint8_t		  digest[SRP_MAX_HASH];

	if (srp->hash == SRP_SHA1) {
		sha1_init(&sha1);
		sha1_update(&sha1, srp->len, a);
		sha1_update(&sha1, srp->len, b);
		sha1_digest(&sha1, SHA1_DIGEST_SIZE, digest);
		import(out, digest, SHA1_DIGEST_SIZE);
	} else {
		sha256_init(&sha256);
		sha256_update(&sha256, srp->len, a);
		sha256_update(&sha256, srp->len, b);
		sha256_digest(&sha256, SHA256_DIGEST_SIZE, digest);
		import(out, digest, SHA256_DIGEST_SIZE);
	}
}

/* mpz_powm_sec() needs an exponent above 0; others have a chance of 2^-256. */
static void
raise(const struct srp *srp, mpz_t out, const mpz_t base, const mpz_t exponent)
{
	if (mpz_sgn(exponent) > 0)
		mpz_powm_sec(out, base, exponent, srp->n);
	else
		mpz_set_ui(out, 1);
}
