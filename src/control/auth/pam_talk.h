/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_talk: the engine's end of a conversation with one PAM helper.
 *
 * The monitor starts the helper and passes the socket; this module delivers its
 * prompts and sends the answers (proc/pam_chat.h).  A helper that is killed,
 * hangs up or sends a malformed message counts as a refusal.
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

/* From the loop; on_end is the last event, but pam_talk_stop() is still due. */
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
 * The caller's struct must stay until pam_talk_stop().  Returns 0 or a negative
 * errno value; in that case no event follows.
 */
int  pam_talk_start(struct pam_talk *talk, struct ev_loop *loop,
     struct monitor_ask *monitor, const char *site, const char *address,
     const struct pam_talk_events *events, void *arg);
/* Hangs up; fine on zeroed storage. */
void pam_talk_stop(struct pam_talk *talk);

/* Sends the site's answer; false if it is too long, or the helper is gone. */
bool pam_talk_answer(struct pam_talk *talk, const uint8_t *answer, size_t len);

#endif /* PAM_TALK_H */
