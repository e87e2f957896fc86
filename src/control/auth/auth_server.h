/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_server: the hub's side of a site's authentication (PROTOCOL 4.3).
 *
 * From hello to a verdict, by the method that the hello names and the site's
 * entry allows, or by the token of an earlier login:
 *
 *           token                       no
 *   hello --------> PROOF --> LOOKING -------+
 *     |                          | yes       |
 *     |      it is asked         v           v
 *     +--------> ASKED <----- LOOKING <--- (method)
 *     |            |             |
 *     | delayed    +--response-->+---> DONE (yes, no, or not verified)
 *     +-------------------------------^
 *
 * On success it waits in DONE for the site's pre-shared key, if there is one.
 * An unknown or disabled site, another method and a wrong credential take the
 * same path, in the keeper too.  A client that tried too often is delayed
 * before any work is done.
 */
#ifndef AUTH_SERVER_H
#define AUTH_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "conf/conf.h"
#include "control/auth/admission.h"
#include "control/auth/pam_talk.h"
#include "control/conn/message.h"
#include "engine/ask/keeper_ask.h"

struct conn;
struct monitor_ask;
struct tls_context;

/* What all logins at a hub need; borrowed. */
struct auth_server_env {
	struct ev_loop	   *loop;
	struct keeper_ask  *keeper;
	struct monitor_ask *monitor;
	struct admission   *admission;
	/* Those in force, which change while a login is under way. */
	const struct conf *const  *conf;
	struct tls_context *const *tls;
};

struct auth_server {
	const struct auth_server_env *env;
	struct conn	*conn;
	struct applicant *applicant; /* with the state */
	char		 site[CONF_NAME_MAX + 1]; /* as claimed */
	enum conf_auth	 method;
	bool		 method_ok; /* one we know */
	bool		 by_handshake; /* tls-srp has proved a name */
	unsigned	 rounds;
	bool		 charged; /* by admission */

	/* the first credential, while the keeper is not asked yet */
	uint8_t credential[MESSAGE_MAX_CREDENTIAL + 1];
	size_t	credential_len;
	bool	has_credential;
	uint8_t token[MESSAGE_MAX_TOKEN]; /* of hello, until its proof comes */
	size_t	token_len;
	uint8_t srp_state[REQUEST_MAX_BLOB]; /* SRP, sealed by the keeper */
	size_t	srp_state_len;
	uint8_t	 psk_id[REQUEST_PSK_ID_LEN]; /* of hello */
	unsigned psk_generation; /* 0: it has no pre-shared key */
	struct pam_talk pam; /* PAM: the helper */

	/* the outcome */
	const char	   *why; /* for our log, not for the site; NULL: yes */
	bool		    resumed;
	unsigned	    wait_sec; /* held off: so long */
	struct request_verdict answer;
	bool		    has_psk; /* the same as ours */
	uint8_t		    psk[REQUEST_HASH_LEN]; /* of this connection */
	/* From the loop, once; the owner may free everything here. */
	void (*on_done)(void *arg);
	void *arg;
	struct ev_timer later; /* calls it */
};

/* `env`, `conn` and `applicant` are borrowed and outlive it. */
void auth_server_init(struct auth_server *auth,
    const struct auth_server_env *env, struct conn *conn,
    struct applicant *applicant, void (*on_done)(void *arg), void *arg);
/* Cancels pending requests and wipes. */
void auth_server_fini(struct auth_server *auth);

/* The site's hello, once. */
void auth_server_hello(struct auth_server *auth, const struct message *hello);

/* Its response; false if none was requested, or it is incomplete. */
bool auth_server_response(struct auth_server *auth,
    const struct message *response);

/* Why this site cannot log in with any credential; NULL if it can. */
const char *auth_server_why_not(const struct auth_server *auth);
/* The same for the method alone, of a site that has an entry. */
const char *auth_server_method_why_not(const struct conf *conf,
    const struct conf_site *cs, enum conf_auth method);

#endif /* AUTH_SERVER_H */
