/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_client: a site's login, from a connected socket to the hub's welcome:
 * authenticates the site, and the hub (PROTOCOL 4.3).
 *
 * Uses only the method of the site's own configuration, whatever a server asks
 * for, or the token of an earlier login.  The password and SRP's arithmetic
 * stay in the keeper as far as the method allows.  A person at the local socket
 * can answer further prompts of PAM; if nobody is there, the login fails and
 * the site waits for a person.
 *
 * A struct auth_client outlives connections; auth_client_start() begins a login
 * on a new one.
 */
#ifndef AUTH_CLIENT_H
#define AUTH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "control/conn/message.h"
#include "engine/ask/keeper_ask.h"

#define AUTH_CLIENT_PERSON_SEC 120 /* how long a person is expected to answer */

struct conn;
struct tls_context;

struct auth_client_events {
	/* Completes the hello; auth_client wipes `msg`. */
	void (*fill_hello)(void *arg, struct message *msg);
	/*
	 * The hub is authenticated.  Return NULL to own the connection and end
	 * the login, or why this welcome is refused.
	 */
	const char *(*on_welcome)(void *arg, struct conn *conn,
	    const struct message *msg);
	/* The login failed. */
	void (*on_end)(void *arg, const char *why);
};

struct auth_client {
	struct keeper_ask *keeper;
	const struct conf *conf; /* the owner keeps it up to date */
	const struct auth_client_events *events;
	void			    *arg;

	/* one connection */
	struct conn    *conn; /* NULL: none */
	bool		refused;	 /* by the hub */
	unsigned	retry_after_sec; /* the hub's request */
	unsigned	rounds;
	bool		greeted; /* hello is sent; no message may come before */
	bool		challenged; /* a challenge came */
	bool		stored; /* the stored password was sent to PAM */
	bool		expects_proof;
	uint8_t		proof[MESSAGE_PROOF_LEN]; /* required in welcome */
	struct request_psk psk; /* generation 0: none */
	bool		question; /* it waits for a person's answer to: */
	bool		echo;
	char		text[MESSAGE_TEXT_SIZE];

	/* from an earlier login */
	struct request_grant grant;

	struct mono person_until; /* until then a person can answer */
	bool	    needs_person; /* a login needs a person, and nobody was there */
};

void auth_client_init(struct auth_client *auth, struct keeper_ask *keeper,
    const struct conf *conf, const struct auth_client_events *events,
    void *arg);
/* Wipes everything, including the token. */
void auth_client_fini(struct auth_client *auth);

/*
 * Owns `fd`; the certificate must be for `name`; `label` is for the log.
 * Returns false when out of memory.
 */
bool auth_client_start(struct auth_client *auth, struct ev_loop *loop,
    struct tls_context *tls, int fd, const char *name, const char *label);
/* Ends the login; no event follows. */
void auth_client_stop(struct auth_client *auth);

/* The path to the hub may have changed: limits the time that is left. */
void auth_client_shorten_deadline(struct auth_client *auth, double within_sec);

/* A person is there; and what they typed (false if nothing was asked). */
void auth_client_person(struct auth_client *auth, struct mono now);
bool auth_client_typed(struct auth_client *auth, const char *text, size_t len);

#endif /* AUTH_CLIENT_H */
