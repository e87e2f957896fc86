/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sign_ask: the engine's synchronous requests to the keeper's signer.
 *
 * GnuTLS's callbacks must return the result, so the control thread waits for
 * each answer, at most SIGN_ASK_TIMEOUT_MS.  If a keeper does not answer in
 * time, its channel is closed, and every request fails until the next one is
 * attached.  Before sign_ask_startup_done() a wait delays nobody, and a booting
 * host is slow: all answers together may take SIGN_ASK_START_MS, with one line
 * in the log.
 */
#ifndef SIGN_ASK_H
#define SIGN_ASK_H

#include <stddef.h>

#include <gnutls/abstract.h>

#include "pki/keypair.h"
#include "proc/request.h"

#define SIGN_ASK_TIMEOUT_MS 2000
#define SIGN_ASK_START_MS   60000 /* less than monitor.c's READY_SEC */

struct sign_ask;

/* NULL: out of memory. */
struct sign_ask *sign_ask_new(void);
void sign_ask_free(struct sign_ask *ask);

/* Sites are served from now on: only SIGN_ASK_TIMEOUT_MS applies. */
void sign_ask_startup_done(struct sign_ask *ask);
/* Closes the keeper's channel, and uses the next one's (-1: none). */
void sign_ask_attach(struct sign_ask *ask, int fd);

/*
 * Whether the keeper has the private key of this chain: it looks at the file
 * again, and proves and keeps the pair.  0, and then `why` says what is wrong
 * with the file although an earlier key fits, or is ""; or a negative errno
 * value and `why`.
 */
int sign_ask_prove(struct sign_ask *ask, enum request_key which,
    const struct ca_pem *chain, char why[REQUEST_WHY_SIZE]);
/* The chain of the pair that it kept; ca_pem_fini() it.  The same. */
int sign_ask_kept(struct sign_ask *ask, enum request_key which,
    struct ca_pem *chain, char why[REQUEST_WHY_SIZE]);

/*
 * A private key for GnuTLS whose operations the keeper does, whichever keeper
 * there is then (gnutls_privkey_import_ext4).  The caller owns it; it must go
 * before `ask`.  NULL: out of memory.
 */
gnutls_privkey_t sign_ask_privkey(struct sign_ask *ask, enum request_key which,
    const struct keypair_public *public);

/*
 * Any question of a struct whose answer is one: 0, or a negative errno value
 * (-EBADMSG: of another size).
 */
int sign_ask(struct sign_ask *ask, enum request type, const void *question,
    size_t len, void *answer, size_t answer_len);

#endif /* SIGN_ASK_H */
