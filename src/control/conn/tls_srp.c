/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "control/conn/tls_srp.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#ifdef HAVE_TLS_SRP

#include "base/secret.h"
#include "engine/ask/keeper_ask.h"

#define EXTENSION 12 /* srp, RFC 5054 */
#define MIN_BITS  3072
#define PRIORITY                                                               \
	"NONE:+VERS-TLS1.2:+SRP-RSA:+AES-256-CBC:+SHA1:+SIGN-RSA-SHA256:"      \
	"+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:+COMP-NULL:+CTYPE-X509:%FORCE_ETM"
#define SEED_LEN 20

struct tls_srp {
	gnutls_priority_t	      priority;
	gnutls_srp_server_credentials_t server;
	gnutls_srp_client_credentials_t client;
	gnutls_datum_t		      seed; /* of salts that GnuTLS invents */
	uint8_t			      seed_bytes[SEED_LEN];
	int (*user)(void *arg, void *connection, const char *name,
	    struct request_tls_srp *user);
	void *arg;
};

static struct tls_srp *srp_new(char *why);
static int  on_client_hello(gnutls_session_t session, unsigned type,
    unsigned when, unsigned incoming, const gnutls_datum_t *msg);
static int  on_extension(void *arg, unsigned type, const unsigned char *data,
    unsigned len);
static int  on_user(gnutls_session_t session, const char *name,
    gnutls_datum_t *salt, gnutls_datum_t *verifier, gnutls_datum_t *generator,
    gnutls_datum_t *prime);
static bool copy(gnutls_datum_t *to, const void *data, size_t len);

struct tls_srp *
tls_srp_new_server(const struct tls_server_config *config, char *why)
{
	struct tls_srp *srp = srp_new(why);

	if (srp == NULL)
		return NULL;
	srp->user = config->srp_user;
	srp->arg = config->arg;
	if (gnutls_srp_allocate_server_credentials(&srp->server) < 0) {
		strlcpy(why, "out of memory", TLS_WHY_SIZE);
		tls_srp_free(srp);
		return NULL;
	}
	secret_random(srp->seed_bytes, sizeof(srp->seed_bytes));
	srp->seed = (gnutls_datum_t) { srp->seed_bytes, SEED_LEN };
	gnutls_srp_set_server_fake_salt_seed(srp->server, &srp->seed, 16);
	gnutls_srp_set_server_credentials_function(srp->server, on_user);
	return srp;
}

struct tls_srp *
tls_srp_new_client(const char *user, const char *password, char *why)
{
	struct tls_srp *srp = srp_new(why);

	if (srp == NULL)
		return NULL;
	if (gnutls_srp_allocate_client_credentials(&srp->client) < 0 ||
	    gnutls_srp_set_client_credentials(srp->client, user, password) <
		0) {
		strlcpy(why, "tls-srp: the site's name or password does not "
		    "suit", TLS_WHY_SIZE);
		tls_srp_free(srp);
		return NULL;
	}
	return srp;
}

void
tls_srp_free(struct tls_srp *srp)
{
	if (srp == NULL)
		return;
	if (srp->server != NULL)
		gnutls_srp_free_server_credentials(srp->server);
	if (srp->client != NULL)
		gnutls_srp_free_client_credentials(srp->client);
	gnutls_priority_deinit(srp->priority);
	secret_free(srp, sizeof(*srp));
}

void
tls_srp_watch(struct tls_srp_watch *watch, gnutls_session_t session)
{
	gnutls_session_set_ptr(session, watch);
	gnutls_handshake_set_hook_function(session,
	    GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, on_client_hello);
}

int
tls_srp_use(struct tls_srp *srp, gnutls_session_t session)
{
	int r = gnutls_priority_set(session, srp->priority);

	if (r < 0)
		return r;
	gnutls_srp_set_prime_bits(session, MIN_BITS);
	return gnutls_credentials_set(session, GNUTLS_CRD_SRP, srp->client);
}

bool
tls_srp_is_sound(gnutls_session_t session)
{
	unsigned flags = gnutls_session_get_flags(session);

	return gnutls_protocol_get_version(session) == GNUTLS_TLS1_2 &&
	    gnutls_kx_get(session) == GNUTLS_KX_SRP_RSA &&
	    (flags & GNUTLS_SFLAGS_EXT_MASTER_SECRET) != 0 &&
	    (flags & GNUTLS_SFLAGS_ETM) != 0;
}

bool
tls_has_srp(void)
{
	gnutls_priority_t priority;

	if (gnutls_priority_init(&priority, PRIORITY, NULL) < 0)
		return false;
	gnutls_priority_deinit(priority);
	return true;
}

static struct tls_srp *
srp_new(char *why)
{
	struct tls_srp *srp = calloc(1, sizeof(*srp));

	if (srp == NULL) {
		strlcpy(why, "out of memory", TLS_WHY_SIZE);
		return NULL;
	}
	if (gnutls_priority_init(&srp->priority, PRIORITY, NULL) < 0) {
		strlcpy(why, "the GnuTLS of this host has no TLS-SRP, or its "
		    "policy forbids it: use srp", TLS_WHY_SIZE);
		free(srp);
		return NULL;
	}
	return srp;
}

/* Before GnuTLS parses it: a second ClientHello comes the same way. */
static int
on_client_hello(gnutls_session_t session, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
	const struct tls_srp_watch *watch = gnutls_session_get_ptr(session);
	bool			    found = false;

	if (incoming == 0)
		return 0;
	/* Malformed: GnuTLS is about to say so. */
	if (gnutls_ext_raw_parse(&found, on_extension, msg,
		GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO) < 0 || !found)
		return 0;
	if (gnutls_priority_set(session, watch->srp->priority) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_SRP,
		watch->srp->server) < 0)
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
	const struct tls_srp_watch *watch = gnutls_session_get_ptr(session);
	const struct tls_srp	   *srp = watch->srp;
	struct request_tls_srp user = { 0 };
	const gnutls_datum_t *n = &gnutls_srp_3072_group_prime;
	const gnutls_datum_t *g = &gnutls_srp_3072_group_generator;
	bool		      ok;

	if (srp->user(srp->arg, watch->connection, name, &user) < 0)
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

#else /* !HAVE_TLS_SRP */

static const char lacking[] = "this build's GnuTLS has no TLS-SRP: use srp";

struct tls_srp *
tls_srp_new_server(const struct tls_server_config *config, char *why)
{
	strlcpy(why, lacking, TLS_WHY_SIZE);
	return NULL;
}

struct tls_srp *
tls_srp_new_client(const char *user, const char *password, char *why)
{
	strlcpy(why, lacking, TLS_WHY_SIZE);
	return NULL;
}

void
tls_srp_free(struct tls_srp *srp)
{
}

void
tls_srp_watch(struct tls_srp_watch *watch, gnutls_session_t session)
{
}

int
tls_srp_use(struct tls_srp *srp, gnutls_session_t session)
{
	return -1;
}

bool
tls_srp_is_sound(gnutls_session_t session)
{
	return false;
}

bool
tls_has_srp(void)
{
	return false;
}

#endif /* HAVE_TLS_SRP */
