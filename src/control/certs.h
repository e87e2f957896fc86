/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certs: the certificates and lists of this end: which are in force, and which
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
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "control/tls.h"
#include "monitor/gift.h"
#include "pki/crl.h"
#include "pki/keypair.h"
#include "proc/request.h"

struct conf;
struct keeper_ask;

struct certs_one {
	struct gift_text      text; /* none: there is none */
	struct keypair_public key;  /* a chain's */
};

struct certs {
	struct conf *const *conf; /* for the files' names */
	struct keeper_ask *keeper;
	enum request_material own; /* this end's chain, if it shows one */
	struct {
		struct certs_one now;  /* in force */
		struct gift_text next; /* waits; no text: none does */
		char trouble[REQUEST_WHY_SIZE]; /* why the file is not in
						   force; or "" */
	} of[REQUEST_MATERIALS];
	bool started;
	/* Uses what is in force now; false: all stays as it was, `why`. */
	bool (*apply)(void *arg, enum request_material kind,
	    char why[TLS_WHY_SIZE]);
	/* What was offered with this number is in force. */
	void (*in_force)(void *arg, enum request_material kind,
	    uint32_t number);
	void *arg;
};

/*
 * What a new engine begins with; takes the texts out of the gift.  Where a chain
 * is no good, the keeper's last pair takes its place.  apply() is not called
 * before certs_go().
 */
void certs_start(struct certs *certs, struct gift *gift);
void certs_go(struct certs *certs);
void certs_fini(struct certs *certs);

/* Consumes the text. */
void certs_offer(struct certs *certs, struct gift_material *material);
/* What waits, once more. */
void certs_retry(struct certs *certs);

/* What is in force, borrowed; empty: none. */
struct tls_pem certs_pem(const struct certs *certs, enum request_material kind);
/* And its key, the caller's; NULL: none. */
gnutls_privkey_t certs_key(const struct certs *certs,
    enum request_material kind);

/* When it ends; of a list, when the next is due, and its `life` (crl_end()). */
time_t certs_end(const struct certs *certs, enum request_material kind,
    time_t *life);
/* When a certificate begins. */
time_t certs_begin(const struct certs *certs, enum request_material kind);

/* "certificate: WHY; ..." of one whose file is not in force, or "". */
const char *certs_trouble(const struct certs *certs,
    enum request_material kind);

/* Of the list of revoked certificates in force; "": none is, nobody gets in. */
void certs_crl_digest(const struct certs *certs,
    char digest[CRL_DIGEST_SIZE]);

#endif /* CERTS_H */
