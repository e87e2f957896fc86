/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_certs: this end's certificates and lists of revoked ones: those in
 * force, and those that wait.
 *
 * The monitor sends the contents of the files.  A chain takes effect only when
 * the keeper has proved that it has the key, a list only if the CA signed it
 * and it is not older than the previous one.  Until then the last good one
 * stays in force, and the reason is kept as text.  What may be valid later is
 * tried again: with a new keeper, when its file or the key's file changes, and
 * every minute.
 *
 * Only a chain needs the keeper; a list takes effect without it.
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
	/* Uses what is in force now; false, with `why`, if nothing changed. */
	bool (*apply)(void *arg, enum request_certs kind,
	    char why[TLS_WHY_SIZE]);
	/* What was offered with this number is in force. */
	void (*in_force)(void *arg, enum request_certs kind,
	    uint32_t number);
	void *arg;
};

/*
 * Loads what a new engine starts with, and moves the texts out of `startup`.
 * The keeper's last pair replaces a chain that is not valid, or a missing chain
 * of kind `own`.  apply() is not called before engine_certs_go().
 */
void engine_certs_start(struct engine_certs *certs,
    struct startup_recv *startup, enum request_certs own);
void engine_certs_go(struct engine_certs *certs);
void engine_certs_fini(struct engine_certs *certs);

/* Consumes the text, which may be an error message. */
void engine_certs_offer(struct engine_certs *certs,
    enum request_certs kind, struct startup_text text, bool trouble);
/* Tries again what waits. */
void engine_certs_retry(struct engine_certs *certs);

/* The text in force, borrowed; empty if there is none. */
struct ca_pem engine_certs_pem(const struct engine_certs *certs,
    enum request_certs kind);
/* Its key, owned by the caller; NULL if there is none. */
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
