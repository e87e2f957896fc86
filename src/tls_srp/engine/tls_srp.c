/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls_srp/engine/tls_srp.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <gnutls/gnutls.h>

#include "base/secret.h"
#include "control/conn/tls.h"
#include "control/conn/tls_context.h"
#include "control/incoming.h"
#include "engine/ask/sign_ask.h"

#define EXTENSION 12 /* srp, RFC 5054 */
#define MIN_BITS  3072
#define PRIORITY                                                               \
	"NONE:+VERS-TLS1.2:+SRP-RSA:+AES-256-CBC:+SHA1:+SIGN-RSA-SHA256:"      \
	"+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:+COMP-NULL:+CTYPE-X509:%FORCE_ETM"
#define SEED_LEN 20

struct tls_srp {
	struct tls_handshake	      handshake;
	gnutls_priority_t	      priority;
	gnutls_srp_server_credentials_t server_cred;
	gnutls_srp_client_credentials_t client_cred;
	gnutls_datum_t		      seed; /* of salts that GnuTLS invents */
	uint8_t			      seed_bytes[SEED_LEN];
	struct server *const	     *server;
	struct sign_ask		     *keeper;
};

static struct tls_srp *srp_new(int (*begin)(struct tls *tls), char *why);
static void srp_free(struct tls_handshake *handshake);
static const struct tls_srp *of(const struct tls *tls);
static int  watch(struct tls *tls);
static int  use(struct tls *tls);
static bool is_sound(struct tls *tls);
static const char *find_user(struct tls *tls);
static int  on_client_hello(gnutls_session_t session, unsigned type,
    unsigned when, unsigned incoming, const gnutls_datum_t *msg);
static int  on_extension(void *arg, unsigned type, const unsigned char *data,
    unsigned len);
static int  on_user(gnutls_session_t session, const char *name,
    gnutls_datum_t *salt, gnutls_datum_t *verifier, gnutls_datum_t *generator,
    gnutls_datum_t *prime);
static bool copy(gnutls_datum_t *to, const void *data, size_t len);

struct tls_handshake *
tls_srp_new_server(struct server *const *server, struct sign_ask *keeper,
    char *why)
{
	struct tls_srp *srp = srp_new(watch, why);

	if (srp == NULL)
		return NULL;
	srp->server = server;
	srp->keeper = keeper;
	if (gnutls_srp_allocate_server_credentials(&srp->server_cred) < 0) {
		strlcpy(why, "out of memory", TLS_WHY_SIZE);
		srp_free(&srp->handshake);
		return NULL;
	}
	secret_random(srp->seed_bytes, sizeof(srp->seed_bytes));
	srp->seed = (gnutls_datum_t) { srp->seed_bytes, SEED_LEN };
	gnutls_srp_set_server_fake_salt_seed(srp->server_cred, &srp->seed, 16);
	gnutls_srp_set_server_credentials_function(srp->server_cred, on_user);
	return &srp->handshake;
}

struct tls_handshake *
tls_srp_new_client(const char *site, const char *password, char *why)
{
	struct tls_srp *srp = srp_new(use, why);

	if (srp == NULL)
		return NULL;
	if (gnutls_srp_allocate_client_credentials(&srp->client_cred) < 0 ||
	    gnutls_srp_set_client_credentials(srp->client_cred, site,
		password) < 0) {
		strlcpy(why, "tls-srp: the site's name or password is wrong",
		    TLS_WHY_SIZE);
		srp_free(&srp->handshake);
		return NULL;
	}
	return &srp->handshake;
}

bool
tls_srp_is_there(void)
{
	gnutls_priority_t priority;

	if (gnutls_priority_init(&priority, PRIORITY, NULL) < 0)
		return false;
	gnutls_priority_deinit(priority);
	return true;
}

int
tls_srp_ask(struct sign_ask *keeper, const char *site, bool known,
    struct request_tls_srp *user)
{
	struct request_known wish = { .known = known ? 1 : 0 };
	int		     r;

	/* A name that none can have is nobody's. */
	if (strlcpy(wish.site, site, sizeof(wish.site)) >= sizeof(wish.site))
		wish = (struct request_known) { .known = 0 };
	r = sign_ask(keeper, REQUEST_TLS_SRP, &wish, sizeof(wish), user,
	    sizeof(*user));
	if (r < 0)
		return r;
	if (user->error > INT32_MAX || user->salt_len > sizeof(user->salt) ||
	    user->verifier_len > sizeof(user->verifier))
		return -EBADMSG;
	return -(int)user->error;
}

static struct tls_srp *
srp_new(int (*begin)(struct tls *tls), char *why)
{
	struct tls_srp *srp = calloc(1, sizeof(*srp));

	if (srp == NULL) {
		strlcpy(why, "out of memory", TLS_WHY_SIZE);
		return NULL;
	}
	/* RFC 5054 2.9: unknown and wrong look alike. */
	srp->handshake = (struct tls_handshake) { .begin = begin,
		.is_sound = is_sound, .user = find_user, .free = srp_free,
		.refused = "refused: tls-srp: name or password is wrong, or "
			   "it is not allowed" };
	if (gnutls_priority_init(&srp->priority, PRIORITY, NULL) < 0) {
		strlcpy(why, "the GnuTLS of this host has no TLS-SRP, or its "
		    "policy forbids it: use srp", TLS_WHY_SIZE);
		free(srp);
		return NULL;
	}
	return srp;
}

static void
srp_free(struct tls_handshake *handshake)
{
	struct tls_srp *srp = (struct tls_srp *)handshake;

	if (srp->server_cred != NULL)
		gnutls_srp_free_server_credentials(srp->server_cred);
	if (srp->client_cred != NULL)
		gnutls_srp_free_client_credentials(srp->client_cred);
	gnutls_priority_deinit(srp->priority);
	secret_free(srp, sizeof(*srp));
}

static const struct tls_srp *
of(const struct tls *tls)
{
	return (const struct tls_srp *)tls_context(tls)->other;
}

/* A server's session. */
static int
watch(struct tls *tls)
{
	gnutls_session_set_ptr(tls_session(tls), tls);
	gnutls_handshake_set_hook_function(tls_session(tls),
	    GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, on_client_hello);
	return 0;
}

/* A client's session: nothing but this. */
static int
use(struct tls *tls)
{
	const struct tls_srp *srp = of(tls);
	int r = gnutls_priority_set(tls_session(tls), srp->priority);

	if (r < 0)
		return r;
	gnutls_srp_set_prime_bits(tls_session(tls), MIN_BITS);
	return gnutls_credentials_set(tls_session(tls), GNUTLS_CRD_SRP,
	    srp->client_cred);
}

static bool
is_sound(struct tls *tls)
{
	gnutls_session_t session = tls_session(tls);
	unsigned	 flags = gnutls_session_get_flags(session);

	return gnutls_protocol_get_version(session) == GNUTLS_TLS1_2 &&
	    gnutls_kx_get(session) == GNUTLS_KX_SRP_RSA &&
	    (flags & GNUTLS_SFLAGS_EXT_MASTER_SECRET) != 0 &&
	    (flags & GNUTLS_SFLAGS_ETM) != 0;
}

static const char *
find_user(struct tls *tls)
{
	return gnutls_srp_server_get_username(tls_session(tls));
}

/* Before GnuTLS parses it: a second ClientHello comes the same way. */
static int
on_client_hello(gnutls_session_t session, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
	const struct tls     *tls = gnutls_session_get_ptr(session);
	const struct tls_srp *srp = of(tls);
	bool		      found = false;

	if (incoming == 0)
		return 0;
	/* Malformed: GnuTLS is about to say so. */
	if (gnutls_ext_raw_parse(&found, on_extension, msg,
		GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO) < 0 || !found)
		return 0;
	if (gnutls_priority_set(session, srp->priority) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_SRP,
		srp->server_cred) < 0)
		return GNUTLS_E_INTERNAL_ERROR;
	return 0;
}

static int
on_extension(void *arg, unsigned type, const unsigned char *data, unsigned len)
{
	if (type == EXTENSION)
		*(bool *)arg = true;
	return 0;
}

/* GnuTLS frees what it gets.  Unknown names get somebody's all the same. */
static int
on_user(gnutls_session_t session, const char *name, gnutls_datum_t *salt,
    gnutls_datum_t *verifier, gnutls_datum_t *generator, gnutls_datum_t *prime)
{
	const struct tls     *tls = gnutls_session_get_ptr(session);
	const struct tls_srp *srp = of(tls);
	struct request_tls_srp user = { 0 };
	const gnutls_datum_t *n = &gnutls_srp_3072_group_prime;
	const gnutls_datum_t *g = &gnutls_srp_3072_group_generator;
	bool		      known, ok;

	if (incoming_srp_user(*srp->server, tls_arg(tls), name, &known) < 0 ||
	    tls_srp_ask(srp->keeper, name, known, &user) < 0)
		return -1;
	if (user.group == 4096) {
		n = &gnutls_srp_4096_group_prime;
		g = &gnutls_srp_4096_group_generator;
	}
	ok = copy(salt, user.salt, user.salt_len) &&
	    copy(verifier, user.verifier, user.verifier_len) &&
	    copy(generator, g->data, g->size) && copy(prime, n->data, n->size);
	secret_wipe(&user, sizeof(user));
	return ok ? 0 : -1;
}

static bool
copy(gnutls_datum_t *to, const void *data, size_t len)
{
	to->data = gnutls_malloc(len);
	if (to->data == NULL)
		return false;
	memcpy(to->data, data, len);
	to->size = (unsigned)len;
	return true;
}
