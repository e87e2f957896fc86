/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_talk: the engine's end of a conversation with one PAM helper.
 *
 * The monitor makes the helper and passes the socket; prompts come out here and
 * answers go in (proc/pam_chat.h).  A helper that is killed, hangs up or talks
 * nonsense has said no.
 */
#ifndef PAM_TALK_H
#define PAM_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "engine/ask/keeper_ask.h"
#include "proc/pam_chat.h"

struct monitor_ask;

/* From the loop; talk is over after on_end, but pam_talk_stop() is still due. */
struct pam_talk_events {
	void (*on_prompt)(void *arg, const char *text, bool echo);
	/* `voucher` with KEEPER_YES; KEEPER_FAILED: no helper could be made. */
	void (*on_end)(void *arg, enum keeper_verdict verdict,
	    const uint8_t *voucher);
};

struct pam_talk {
	struct ev_loop		     *loop;
	struct monitor_ask	     *monitor;
	int			      fd; /* -1: none yet, or no more */
	bool			      fault; /* it said no, but not for an answer */
	char			      reason[PAM_CHAT_TEXT_MAX + 1];
	struct ev_io		      io;
	const struct pam_talk_events *events;
	void			     *arg;
};

/*
 * Asks the monitor for a helper for `site`; `address` is for the modules' logs.
 * The struct is the caller's, until pam_talk_stop().  0 or a negative errno
 * value, and then nothing is called.
 */
int  pam_talk_start(struct pam_talk *talk, struct ev_loop *loop,
     struct monitor_ask *monitor, const char *site, const char *address,
     const struct pam_talk_events *events, void *arg);
/* Hangs up; fine on zeroed storage. */
void pam_talk_stop(struct pam_talk *talk);

/* What the site answered; false when it is too long, or nobody listens. */
bool pam_talk_answer(struct pam_talk *talk, const uint8_t *answer, size_t len);

#endif /* PAM_TALK_H */
