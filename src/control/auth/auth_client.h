/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_client: a site's login, from a connected socket to the hub's welcome: how
 * it proves who it is, and that the hub does (PROTOCOL 4.3).
 *
 * By the method of its own configuration and no other, whatever a server asks;
 * or by the token of an earlier login, where it has one.  The password and
 * SRP's arithmetic stay in the keeper as far as the method lets them.  What
 * the stored password does not answer (PAM's further prompts), a person at the
 * local socket may: without one the site gives up, and waits for them.
 *
 * A struct auth_client outlives connections; auth_client_start() begins with the
 * next one.
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

#define AUTH_CLIENT_PERSON_SEC 120 /* for which a person has said to be there */

struct conn;
struct tls_context;

struct auth_client_events {
	/* The hello is to be completed; `msg` is wiped by auth_client. */
	void (*fill_hello)(void *arg, struct message *msg);
	/*
	 * The hub has shown what it must.  NULL: the connection is the callee's
	 * from now on, the login over.  Or why this welcome cannot be.
	 */
	const char *(*on_welcome)(void *arg, struct conn *conn,
	    const struct message *msg);
	/* There is no welcome. */
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
	unsigned	retry_after_sec; /* which asked for it */
	unsigned	rounds;
	bool		greeted; /* hello is sent; nothing answers it before */
	bool		challenged; /* a challenge came */
	bool		stored; /* the stored password was sent to PAM */
	bool		expects_proof;
	uint8_t		proof[MESSAGE_PROOF_LEN]; /* that welcome must have */
	struct request_psk psk; /* generation 0: none */
	bool		question; /* a person is asked: */
	bool		echo;
	char		text[MESSAGE_TEXT_SIZE];

	/* from an earlier login */
	struct request_grant grant;

	struct mono person_until; /* somebody is there to be asked */
	bool	    needs_person; /* nobody was, and there is no other way */
};

void auth_client_init(struct auth_client *auth, struct keeper_ask *keeper,
    const struct conf *conf, const struct auth_client_events *events,
    void *arg);
/* Forgets all, the token too. */
void auth_client_fini(struct auth_client *auth);

/*
 * Takes over `fd`; the certificate must be for `name`; `label` is for the log.
 * False: out of memory.
 */
bool auth_client_start(struct auth_client *auth, struct ev_loop *loop,
    struct tls_context *tls, int fd, const char *name, const char *label);
/* No event comes. */
void auth_client_stop(struct auth_client *auth);

/* The way to the hub may be another one: it has so many seconds left. */
void auth_client_shorten_deadline(struct auth_client *auth, double within_sec);

/* A person is there from now on; and what they typed (false: not asked). */
void auth_client_person(struct auth_client *auth, struct mono now);
bool auth_client_typed(struct auth_client *auth, const char *text, size_t len);

#endif /* AUTH_CLIENT_H */
