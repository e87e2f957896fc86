/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth_client: the site's side of how it proves who it is (PROTOCOL 4.3).
 *
 * By the method of its own configuration and no other, whatever a server asks;
 * or by the token of an earlier log-in, where it has one.  The password and
 * SRP's arithmetic stay in the keeper as far as the method lets them.  What
 * the stored password does not answer (PAM's further prompts), a person at the
 * local socket may: without one the site gives up, and waits for them.
 *
 * A struct auth_client outlives connections; auth_client_start() begins the
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

struct auth_client {
	struct keeper_ask *keeper;
	const struct conf *conf; /* the owner keeps it up to date */
	/* The hello is to be completed and sent; `msg` is wiped by answer. */
	void (*fill_hello)(void *arg, struct message *msg);
	void *arg;

	/* one connection */
	struct conn *conn; /* NULL: none */
	unsigned	rounds;
	bool		asked;	/* a challenge came */
	bool		stored; /* the stored password was sent to PAM */
	bool		expects_proof;
	uint8_t		proof[MESSAGE_PROOF_LEN]; /* that welcome must have */
	bool		question; /* a person is asked: */
	bool		echo;
	char		text[MESSAGE_TEXT_SIZE];

	/* from an earlier log-in */
	struct request_grant grant;

	struct mono person_until; /* somebody is there to be asked */
	bool	    needs_person; /* nobody was, and there is no other way */
};

void auth_client_init(struct auth_client *auth, struct keeper_ask *keeper,
    const struct conf *conf, void (*fill_hello)(void *arg, struct message *msg),
    void *arg);
/* Forgets all, the token too. */
void auth_client_fini(struct auth_client *auth);

/*
 * TLS is up on this connection (borrowed until auth_client_stop()): says hello.
 * What goes wrong ends the session with its reason.
 */
void auth_client_start(struct auth_client *auth, struct conn *conn);
void auth_client_stop(struct auth_client *auth);

/* The server's challenge. */
void auth_client_challenge(struct auth_client *auth, const struct message *msg);

/*
 * Its welcome: NULL when it has shown what it must, or why it is not believed.
 * Keeps the token.
 */
const char *auth_client_welcome(struct auth_client *auth,
    const struct message *msg);

/* A person is there from now on; and what they typed (false: not asked). */
void auth_client_person(struct auth_client *auth, struct mono now);
bool auth_client_typed(struct auth_client *auth, const char *text, size_t len);

#endif /* AUTH_CLIENT_H */
