/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_ask: the engine's requests to the keeper about passwords and tokens.
 *
 * A callback on the control thread delivers the answer: later, never from
 * within the request, and never after keeper_ask_cancel(arg).  Its data is
 * borrowed, and wiped after it returns.  Requests return 0, -ENOTCONN (no
 * keeper), -EAGAIN (too many are pending) or another negative errno value.
 * sign_ask.h has signatures.
 *
 * `known` is false if the site does not exist, is disabled, or has another
 * method: the keeper does the same work and refuses.  `binding` is the 32 bytes
 * of tls-exporter (RFC 9266).  With `lifetime_sec` 0 no token is issued.
 */
#ifndef KEEPER_ASK_H
#define KEEPER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/request.h"
#include "proc/voucher.h"

#define KEEPER_ASK_MAX 256 /* under way */

struct ev_loop;
struct keeper_ask;

/* Of a struct request_verdict. */
enum keeper_verdict {
	KEEPER_NO,
	KEEPER_YES,
	KEEPER_FAILED, /* nobody looked: the keeper is gone */
};

typedef void keeper_ask_done(void *arg, const struct request_verdict *verdict);

struct keeper_ask *keeper_ask_new(struct ev_loop *loop);
void		   keeper_ask_free(struct keeper_ask *ask);

/*
 * Takes a keeper's channel (owned from now on); the old one's asks under way
 * are answered with failure.
 */
void keeper_ask_attach(struct keeper_ask *ask, int fd);

/* Whether `password` is `site`'s. */
int  keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
     const char *password, size_t len, unsigned lifetime_sec,
     keeper_ask_done *done, void *arg);

/* SRP's first step; NULL: nobody looked. */
int  keeper_ask_srp_start(struct keeper_ask *ask, const char *site, bool known,
     void (*done)(void *arg, const struct request_srp_challenge *challenge),
     void *arg);
/* And its second, with the state of the first. */
int  keeper_ask_srp_finish(struct keeper_ask *ask, const uint8_t *state,
     size_t state_len, const uint8_t binding[32], const uint8_t *public_a,
     size_t public_a_len, const uint8_t m1[REQUEST_HASH_LEN],
     unsigned lifetime_sec, keeper_ask_done *done, void *arg);

/*
 * Whether `proof` shows that the holder of `token`, who logged in by `method`,
 * sent this hello (digest).
 */
int  keeper_ask_resume(struct keeper_ask *ask, const char *site,
     enum conf_auth method,
     const uint8_t binding[32], const uint8_t hello[32], const uint8_t *token,
     size_t token_len, const uint8_t proof[REQUEST_HASH_LEN],
     keeper_ask_done *done, void *arg);

/* A token for a site that the monitor's PAM helper vouches for. */
int  keeper_ask_vouched(struct keeper_ask *ask, const char *site,
     const uint8_t voucher[VOUCHER_LEN], unsigned lifetime_sec,
     keeper_ask_done *done, void *arg);

/* Of `site`, or "": our own as a site; NULL with an errno value in `error`. */
int  keeper_ask_psk(struct keeper_ask *ask, const char *site,
     const uint8_t binding[32],
     void (*done)(void *arg, const struct request_psk *psk, int error),
     void *arg);

/* Client: SRP's answer; NULL with a positive errno value in `error`. */
int  keeper_ask_srp_answer(struct keeper_ask *ask, const char *site,
     unsigned group, const char *setting, const uint8_t *public_b,
     size_t public_b_len, const uint8_t binding[32],
     void (*done)(void *arg, const struct request_srp_answer *answer, int error),
     void *arg);

/*
 * Client: REQUEST_SECRET, the password for its server, or REQUEST_PROXY_LOGIN,
 * USER:PASSWORD at the proxy; NULL with an errno value in `error` (ENOENT: there
 * is none).
 */
int keeper_ask_secret(struct keeper_ask *ask, enum request which,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg);

/* How many asks are under way, those that were cancelled among them. */
unsigned keeper_ask_pending(const struct keeper_ask *ask);

void keeper_ask_cancel(struct keeper_ask *ask, const void *arg);

#endif /* KEEPER_ASK_H */
