/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer: the site's side of how it proves who it is (PROTOCOL 4.3).
 *
 * By the method of its own configuration and no other, whatever a server asks;
 * or by the token of an earlier log-in, where it has one.  The password and
 * SRP's arithmetic stay in the keeper as far as the method lets them.  What
 * the stored password does not answer (PAM's further prompts), a person at the
 * local socket may: without one the site gives up, and waits for them.
 *
 * A struct answer outlives connections; answer_start() begins the next one.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "control/message.h"
#include "keeper/keeper_ask.h"

#define ANSWER_PERSON_SEC 120 /* for which a person has said to be there */

struct session;

struct answer {
	struct keeper_ask *keeper;
	const struct conf *conf; /* the owner keeps it up to date */
	/* The hello is to be completed and sent; `msg` is wiped by answer. */
	void (*fill_hello)(void *arg, struct message *msg);
	void *arg;

	/* one connection */
	struct session *session; /* NULL: none */
	unsigned	rounds;
	bool		asked;	/* a challenge came */
	bool		stored; /* the stored password was sent to PAM */
	bool		expects_proof;
	uint8_t		proof[MESSAGE_PROOF_LEN]; /* that welcome must have */
	bool		question; /* a person is asked: */
	bool		echo;
	char		text[MESSAGE_TEXT_SIZE];

	/* from an earlier log-in */
	struct keeper_grant grant;

	struct mono person_until; /* somebody is there to be asked */
	bool	    needs_person; /* nobody was, and there is no other way */
};

void answer_init(struct answer *answer, struct keeper_ask *keeper,
    const struct conf *conf, void (*fill_hello)(void *arg, struct message *msg),
    void *arg);
/* Forgets all, the token too. */
void answer_fini(struct answer *answer);

/*
 * TLS is up on this connection (borrowed until answer_stop()): says hello.
 * What goes wrong ends the session with its reason.
 */
void answer_start(struct answer *answer, struct session *session);
void answer_stop(struct answer *answer);

/* The server's challenge. */
void answer_challenge(struct answer *answer, const struct message *msg);

/*
 * Its welcome: NULL when it has shown what it must, or why it is not believed.
 * Keeps the token.
 */
const char *answer_welcome(struct answer *answer, const struct message *msg);

/* A person is there from now on; and what they typed (false: not asked). */
void answer_person(struct answer *answer, struct mono now);
bool answer_typed(struct answer *answer, const char *text, size_t len);

#endif /* ANSWER_H */
