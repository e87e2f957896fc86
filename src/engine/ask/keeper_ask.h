/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_ask: the engine's half of the conversation with the keeper.
 *
 * What takes its time (a password hash, SRP) is asked for and answered by a
 * callback; a signature and a verifier for tls-srp are waited for, because
 * GnuTLS's callbacks cannot wait otherwise: at most KEEPER_SIGN_TIMEOUT_MS.  All
 * of it on the control thread.  Without a keeper every ask fails at once.  Until
 * keeper_ask_hurry() there is nobody whom a wait could harm, and on a host that
 * boots all starts at once: all answers together may take KEEPER_START_MS.
 *
 * Callbacks: later, never from within the ask, and not at all after
 * keeper_ask_cancel(arg).  What they get is borrowed and wiped behind them.
 * Asks return 0, -EAGAIN (too many under way) or another negative errno value.
 *
 * `known` false: no such site, disabled, or not of this method: the keeper does
 * the same work and says no.  `binding` is the 32 bytes of RFC 9266's
 * tls-exporter.  `lifetime_sec` 0: no token.
 */
#ifndef KEEPER_ASK_H
#define KEEPER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "conf/conf.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/request.h"
#include "proc/voucher.h"

#define KEEPER_SIGN_TIMEOUT_MS 2000
#define KEEPER_START_MS	       60000 /* less than monitor.c's READY_SEC */
#define KEEPER_MAX_ASKS	       256 /* under way */
/* Credentials for tls-srp: so many at once, then so many a second. */
#define KEEPER_TLS_SRP_BURST   64
#define KEEPER_TLS_SRP_PER_SEC 8
#define KEEPER_MAX_TOKEN       256 /* bytes */
#define KEEPER_PROOF_LEN       32  /* of M1, M2, a resume proof; a binding */

struct keeper_ask;

enum keeper_verdict {
	KEEPER_NO,
	KEEPER_YES,
	KEEPER_FAILED, /* nobody looked: the keeper is gone */
};

/* What a site can come back with. */
struct keeper_grant {
	uint8_t token[KEEPER_MAX_TOKEN];
	size_t	token_len; /* 0: there is none */
	uint8_t secret[32];
};

/* A verdict; the rest counts only with KEEPER_YES. */
struct keeper_answer {
	enum keeper_verdict verdict;
	bool		    has_proof;
	uint8_t		    proof[KEEPER_PROOF_LEN]; /* M2, or resume's */
	struct keeper_grant grant;
};

/* SRP: what the server sends first. */
struct keeper_srp_challenge {
	unsigned group;	      /* bits of the RFC 5054 group */
	char	 setting[128]; /* crypt(3) yescrypt: cost and salt */
	uint8_t	 public_b[REQUEST_MAX_BLOB];
	size_t	 public_b_len;
	uint8_t	 state[REQUEST_MAX_BLOB]; /* sealed; for the second step */
	size_t	 state_len;
};

/* SRP: what a site answers, and what its server must answer then. */
struct keeper_srp_answer {
	uint8_t public_a[REQUEST_MAX_BLOB];
	size_t	public_a_len;
	uint8_t m1[KEEPER_PROOF_LEN], m2[KEEPER_PROOF_LEN];
};

/* For GnuTLS: one user of tls-srp. */
struct keeper_tls_srp {
	unsigned group; /* bits of the RFC 5054 group */
	uint8_t	 salt[64];
	size_t	 salt_len;
	uint8_t	 verifier[REQUEST_MAX_BLOB];
	size_t	 verifier_len;
};

typedef void keeper_ask_done(void *arg, const struct keeper_answer *answer);

struct keeper_ask *keeper_ask_new(struct ev_loop *loop);
void		   keeper_ask_free(struct keeper_ask *ask);

/* Sites are served from now on: nothing is waited for any longer. */
void keeper_ask_hurry(struct keeper_ask *ask);

/*
 * Takes a keeper's channels (owned from now on); the old ones' asks under way
 * are answered with failure.
 */
void keeper_ask_attach(struct keeper_ask *ask, int auth_fd, int sign_fd);

/* Whether `password` is `site`'s. */
int  keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
     const char *password, size_t len, unsigned lifetime_sec,
     keeper_ask_done *done, void *arg);

/* SRP's first step; NULL: nobody looked. */
int  keeper_ask_srp_start(struct keeper_ask *ask, const char *site, bool known,
     void (*done)(void *arg, const struct keeper_srp_challenge *challenge),
     void *arg);
/* And its second, with the state of the first. */
int  keeper_ask_srp_finish(struct keeper_ask *ask, const uint8_t *state,
     size_t state_len, const uint8_t binding[32], const uint8_t *public_a,
     size_t public_a_len, const uint8_t m1[KEEPER_PROOF_LEN],
     unsigned lifetime_sec, keeper_ask_done *done, void *arg);

/*
 * Whether `proof` shows that the holder of `token`, who logged in by `method`,
 * sent this hello (digest).
 */
int  keeper_ask_resume(struct keeper_ask *ask, const char *site,
     enum conf_auth method,
     const uint8_t binding[32], const uint8_t hello[32], const uint8_t *token,
     size_t token_len, const uint8_t proof[KEEPER_PROOF_LEN],
     keeper_ask_done *done, void *arg);

/* A token for a site that the monitor's PAM helper vouches for. */
int  keeper_ask_vouched(struct keeper_ask *ask, const char *site,
     const uint8_t voucher[VOUCHER_LEN], unsigned lifetime_sec,
     keeper_ask_done *done, void *arg);

/* Client: SRP's answer; NULL with a positive errno value in `error`. */
int  keeper_ask_srp_answer(struct keeper_ask *ask, const char *site,
     unsigned group, const char *setting, const uint8_t *public_b,
     size_t public_b_len, const uint8_t binding[32],
     void (*done)(void *arg, const struct keeper_srp_answer *answer, int error),
     void *arg);

/* Client: the password for its server; NULL with an errno value in `error`. */
int keeper_ask_secret(struct keeper_ask *ask,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg);
/* The same for USER:PASSWORD at the proxy; ENOENT: there is none. */
int keeper_ask_proxy_login(struct keeper_ask *ask,
    void (*done)(void *arg, const char *login, size_t len, int error),
    void *arg);

/* How many asks are under way, those that were cancelled among them. */
unsigned keeper_ask_pending(const struct keeper_ask *ask);

void keeper_ask_cancel(struct keeper_ask *ask, const void *arg);

/*
 * Whether the keeper has the private key of this chain: it looks at the file
 * again, and proves and keeps the pair.  Waited for.  0, and then `why` says
 * what is wrong with the file although an earlier key fits, or is ""; or a
 * negative errno value and `why`.
 */
int keeper_ask_prove(struct keeper_ask *ask, enum request_key which,
    const struct ca_pem *chain, char why[REQUEST_WHY_SIZE]);
/* The chain of the pair that it kept; ca_pem_fini() it.  The same. */
int keeper_ask_kept(struct keeper_ask *ask, enum request_key which,
    struct ca_pem *chain, char why[REQUEST_WHY_SIZE]);

/*
 * A private key for GnuTLS whose operations the keeper does, whichever keeper
 * there is then (gnutls_privkey_import_ext4).  The caller owns it; it must go
 * before `ask`.  NULL: no memory.
 */
gnutls_privkey_t keeper_ask_privkey(struct keeper_ask *ask,
    enum request_key which, const struct keypair_public *public);

/* tls-srp's credential of `site`, waited for.  0 or a negative errno value. */
int keeper_ask_tls_srp(struct keeper_ask *ask, const char *site, bool known,
    struct keeper_tls_srp *user);

#endif /* KEEPER_ASK_H */
