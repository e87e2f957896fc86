/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sign_ask: the engine's half of the conversation with the keeper's signer.
 *
 * GnuTLS's callbacks cannot come back later: so each question is waited for, at
 * most KEEPER_SIGN_TIMEOUT_MS, on the control thread; at the engine's start
 * longer, with one line in the log.  A keeper that does not answer in time is
 * given up, and every question fails until the next is
 * attached.  Only keeper_ask.c calls this; its header is the contract.
 */
#ifndef SIGN_ASK_H
#define SIGN_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "base/mono.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/request.h"

struct keeper_tls_srp;
struct sign_ask;

struct sign_ask {
	int		    fd; /* -1: there is no keeper */
	uint32_t	    id;
	struct mono	    patient_until; /* the start is over then */
	bool		    told; /* that it takes long */
	uint8_t		    buf[CHAN_MAX_PAYLOAD];
};

void sign_ask_init(struct sign_ask *ask);
/* Patient no longer. */
void sign_ask_hurry(struct sign_ask *ask);
/* Lets go of the keeper, and takes the next one's channel (-1: none). */
void sign_ask_attach(struct sign_ask *ask, int fd);

/*
 * keeper_ask_prove(), with a `chain`; keeper_ask_kept(), with none and `kept`.
 * Either is NULL else.
 */
int sign_ask_pair(struct sign_ask *ask, enum request_key which,
    const struct ca_pem *chain, struct ca_pem *kept,
    char why[REQUEST_WHY_SIZE]);
/* keeper_ask_privkey(); `ask` stays where it is as long as the key lives. */
gnutls_privkey_t sign_ask_privkey(struct sign_ask *ask, enum request_key which,
    const struct keypair_public *public);
/* keeper_ask_tls_srp() */
int sign_ask_tls_srp(struct sign_ask *ask, const char *site, bool known,
    struct keeper_tls_srp *user);

#endif /* SIGN_ASK_H */
