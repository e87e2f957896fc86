/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_certs: the certificates and lists of this end: which are in force, and
 * which
 * wait to be.
 *
 * The monitor offers what is in the files.  Nothing is put in force that was not
 * understood: a chain only when the keeper has proven that its key is there, a
 * list of revoked certificates only when the CA signed it and it is no older
 * than the one before.  Until then the last good one stays, what is wrong is
 * known in words, and what could be right later is tried again: when there is
 * another keeper, when its file or the key's is another one, and by the minute.
 *
 * Only a chain needs the keeper: a list takes effect without it.
 */
#ifndef ENGINE_CERTS_H
#define ENGINE_CERTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "control/conn/tls_context.h"
#include "engine/ask/startup_recv.h"
#include "pki/crl.h"
#include "pki/keypair.h"
#include "proc/request.h"

struct conf;
struct sign_ask;

struct engine_certs_one {
	struct startup_text      text; /* none: there is none */
	struct keypair_public key;  /* a chain's */
};

struct engine_certs {
	struct conf *const *conf; /* for the files' names */
	struct sign_ask *sign;
	struct {
		struct engine_certs_one now;  /* in force */
		struct startup_text next; /* waits; no text: none does */
		char trouble[REQUEST_WHY_SIZE]; /* why the file is not in
						   force; or "" */
	} of[REQUEST_CERTS_KINDS];
	bool started;
	/* Uses what is in force now; false: all stays as it was, `why`. */
	bool (*apply)(void *arg, enum request_certs kind,
	    char why[TLS_WHY_SIZE]);
	/* What was offered with this number is in force. */
	void (*in_force)(void *arg, enum request_certs kind,
	    uint32_t number);
	void *arg;
};

/*
 * What a new engine begins with; takes the texts out of `startup`.  Where a chain
 * is no good, or of `own`, this end's, there is none, the keeper's last pair takes
 * its place.  apply() is not called before engine_certs_go().
 */
void engine_certs_start(struct engine_certs *certs,
    struct startup_recv *startup, enum request_certs own);
void engine_certs_go(struct engine_certs *certs);
void engine_certs_fini(struct engine_certs *certs);

/* Consumes the text, which may be the trouble with it. */
void engine_certs_offer(struct engine_certs *certs,
    enum request_certs kind, struct startup_text text, bool trouble);
/* What waits, once more. */
void engine_certs_retry(struct engine_certs *certs);

/* What is in force, borrowed; empty: none. */
struct ca_pem engine_certs_pem(const struct engine_certs *certs,
    enum request_certs kind);
/* And its key, the caller's; NULL: none. */
gnutls_privkey_t engine_certs_key(const struct engine_certs *certs,
    enum request_certs kind);

/* When it ends; of a list, when the next is due, and its `life` (crl_end()). */
time_t engine_certs_end(const struct engine_certs *certs,
    enum request_certs kind,
    time_t *life);
/* When a certificate begins. */
time_t engine_certs_begin(const struct engine_certs *certs,
    enum request_certs kind);

/* "certificate: WHY; ..." of one whose file is not in force, or "". */
const char *engine_certs_trouble(const struct engine_certs *certs,
    enum request_certs kind);

/* Of the list of revoked certificates in force; "": none is, nobody gets in. */
void engine_certs_crl_digest(const struct engine_certs *certs,
    char digest[CRL_DIGEST_SIZE]);

#endif /* ENGINE_CERTS_H */
