/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_ask: the engine's half of the conversation with the keeper.
 *
 * Verification is asynchronous (a password hash takes 100 ms); a signature is
 * asked for and waited for, because GnuTLS's callback cannot wait otherwise:
 * at most KEEPER_SIGN_TIMEOUT_MS.  Both run on the control thread.  Without a
 * keeper every ask fails at once.
 */
#ifndef KEEPER_ASK_H
#define KEEPER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "proc/chan.h"

#define KEEPER_SIGN_TIMEOUT_MS 2000
#define KEEPER_MAX_ASKS	       256 /* verifications under way */

struct keeper_ask;

enum keeper_verdict {
	KEEPER_NO,
	KEEPER_YES,
	KEEPER_FAILED, /* nobody looked: the keeper is gone */
};

struct keeper_ask *keeper_ask_new(struct ev_loop *loop);
void		   keeper_ask_free(struct keeper_ask *ask);

/*
 * Takes a keeper's channels (owned from now on); the old ones' asks under way
 * are answered with failure.
 */
void keeper_ask_attach(struct keeper_ask *ask, int auth_fd, int sign_fd);

/*
 * Whether `password` is `site`'s.  `known` false: no such site, disabled, or
 * not of this method: the keeper does the same work and says no.  The password
 * is copied and wiped.  `done` comes later, never from within this call; not
 * at all after keeper_ask_cancel(arg).  0, -EAGAIN (too many under way) or
 * another negative errno value.
 */
int  keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
     const char *password, size_t len, void (*done)(void *arg, enum keeper_verdict verdict),
     void *arg);
void keeper_ask_cancel(struct keeper_ask *ask, const void *arg);

/*
 * Client: the password for its server; `done` gets a borrowed view that is
 * wiped after it, or NULL with a positive errno value in `error`.
 */
int keeper_ask_secret(struct keeper_ask *ask,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg);

/*
 * A private key for GnuTLS whose operations the keeper does
 * (gnutls_privkey_import_ext4).  The caller owns it; it must go before `ask`.
 * NULL on failure.
 */
gnutls_privkey_t keeper_ask_privkey(struct keeper_ask *ask);

#endif /* KEEPER_ASK_H */
