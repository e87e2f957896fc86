/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aead_ipsec_mb: AES-GCM by the direct functions of libipsec-mb, not its job
 * API.
 *
 * After setup the library makes no system call, and its manager is only read,
 * for the addresses of functions.  Version 1.3 also sets a variable of the
 * process, imb_errno, to 0 at each call; all workers share it.  Its
 * ChaCha20-Poly1305 is not used: it needs a processor that also does AES, and
 * those prefer AES (lane.c).
 *
 * The library is loaded by name, not linked: only engines need it, and one
 * package serves releases of Debian that have it under different names or not
 * at all.
 */
#include "datapath/record/aead.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <intel-ipsec-mb.h>

#include "base/log.h"
#include "base/secret.h"

/* Holds the context, to lock and wipe it like the key. */
struct key {
	_Alignas(64) struct gcm_key_data expanded;
	struct gcm_context_data		 context;
	aes_gcm_enc_dec_t		 seal, open;
};

/* Functions found by name; the manager has the others. */
struct library {
	__typeof__(imb_get_version)	    *version;
	__typeof__(imb_get_version_str)	    *version_str;
	__typeof__(imb_get_mb_mgr_size)	    *mgr_size;
	__typeof__(imb_set_pointers_mb_mgr) *set_pointers;
	__typeof__(init_mb_mgr_sse)	    *init;
};

static const struct {
	const char *name, *init;
	uint64_t    needs;
} levels[] = {
	[AEAD_SSE] = { "SSE", "init_mb_mgr_sse", IMB_CPUFLAGS_SSE },
	[AEAD_AVX2] = { "AVX2", "init_mb_mgr_avx2", IMB_CPUFLAGS_AVX2 },
	[AEAD_AVX512] = { "AVX-512", "init_mb_mgr_avx512", IMB_CPUFLAGS_AVX512 },
};

void *
aead_ipsec_mb_load(void)
{
	char name[32];

	snprintf(name, sizeof(name), "libIPSec_MB.so.%u", IMB_VERSION_NUM >> 16);
	return dlopen(name, RTLD_NOW);
}

static bool
look_up(struct library *library, enum aead_level level)
{
	void *handle = aead_ipsec_mb_load();

	if (handle == NULL)
		return false;
	*(void **)&library->version = dlsym(handle, "imb_get_version");
	*(void **)&library->version_str = dlsym(handle, "imb_get_version_str");
	*(void **)&library->mgr_size = dlsym(handle, "imb_get_mb_mgr_size");
	*(void **)&library->set_pointers =
	    dlsym(handle, "imb_set_pointers_mb_mgr");
	*(void **)&library->init = dlsym(handle, levels[level].init);
	/* Structures grew between versions with the same soname. */
	return library->version != NULL && library->version_str != NULL &&
	    library->mgr_size != NULL && library->set_pointers != NULL &&
	    library->init != NULL &&
	    library->version() >> 8 == IMB_VERSION_NUM >> 8;
}

static void *
key_new(const struct aead_lib *lib, enum aead_cipher cipher,
    const uint8_t *secret)
{
	const IMB_MGR *mgr = lib->arg;
	struct key    *key = aligned_alloc(_Alignof(struct key), sizeof(*key));

	if (key == NULL)
		return NULL;
	if (cipher == AEAD_AES_128_GCM) {
		IMB_AES128_GCM_PRE(mgr, secret, &key->expanded);
		key->seal = mgr->gcm128_enc;
		key->open = mgr->gcm128_dec;
	} else {
		IMB_AES256_GCM_PRE(mgr, secret, &key->expanded);
		key->seal = mgr->gcm256_enc;
		key->open = mgr->gcm256_dec;
	}
	return key;
}

static void
key_free(void *key)
{
	secret_free(key, sizeof(struct key));
}

static bool
seal_record(void *arg, const struct aead_record *r)
{
	struct key *key = arg;

	key->seal(&key->expanded, &key->context, r->dst, r->src, r->len,
	    r->nonce, r->aad, r->aad_len, r->dst + r->len, AEAD_TAG);
	return true;
}

/* The library decrypts and computes the right tag; we compare. */
static bool
open_record(void *arg, const struct aead_record *r)
{
	struct key *key = arg;
	uint8_t	    tag[AEAD_TAG] = { 0 };
	bool	    right;

	key->open(&key->expanded, &key->context, r->dst, r->src, r->len,
	    r->nonce, r->aad, r->aad_len, tag, AEAD_TAG);
	right = secret_equal(tag, r->src + r->len, AEAD_TAG);
	if (!right)
		secret_wipe(tag, sizeof(tag));
	return right;
}

/*
 * A level must not be initialised unless all its instructions are there: the
 * manager would have no functions.  The library asks the processor, but not
 * whether the system saves the wide registers (XGETBV); the compiler's function
 * does both.
 */
static bool
is_there(const IMB_MGR *mgr, enum aead_level level)
{
	return (mgr->features & levels[level].needs) == levels[level].needs &&
	    (level < AEAD_AVX2 || __builtin_cpu_supports("avx2")) &&
	    (level < AEAD_AVX512 || __builtin_cpu_supports("avx512vl"));
}

bool
aead_ipsec_mb_init(struct aead_lib *lib, enum aead_level level)
{
	struct library library;
	IMB_MGR	      *mgr;

	if (!look_up(&library, level))
		return false;
	mgr = aligned_alloc(64, (library.mgr_size() | 63) + 1);
	if (mgr == NULL)
		return false;
	library.set_pointers(mgr, 0, 1);
	if (!is_there(mgr, level)) {
		free(mgr);
		return false;
	}
	library.init(mgr);
	*lib = (struct aead_lib) { "", mgr, key_new, key_free, seal_record,
		open_record };
	snprintf(lib->name, sizeof(lib->name), "libipsec-mb %s, %s%s",
	    library.version_str(), levels[level].name,
	    level == AEAD_AVX512 && (mgr->features & IMB_FEATURE_VAES) != 0 ?
		" VAES" : "");
	if ((mgr->features & IMB_FEATURE_SELF_TEST_PASS) != 0)
		return true;
	log_warnx("%s: its self-test fails", lib->name);
	free(mgr);
	lib->arg = NULL;
	return false;
}
