/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_chat: the messages between the engine and a PAM helper.
 *
 * A SOCK_SEQPACKET pair for each login, made by the monitor.  A datagram is a
 * type and a payload.  Neither end trusts the other: anything else ends the
 * login.
 *
 *   helper -> engine   PROMPT   u8 1: echo the answer, 0: do not; text
 *                      YES      VOUCHER_LEN bytes (proc/voucher.h)
 *                      NO       text for the log, or nothing
 *                      FAULT    the same, if PAM could check no answer
 *   engine -> helper   ANSWER   bytes, at most PAM_CHAT_ANSWER_MAX
 *
 * A text has at most PAM_CHAT_TEXT_MAX bytes.  The conversation ends after YES,
 * NO or FAULT, or when either end closes.
 */
#ifndef PAM_CHAT_H
#define PAM_CHAT_H

#include <stdbool.h>

enum pam_chat_type {
	PAM_CHAT_PROMPT = 1,
	PAM_CHAT_ANSWER,
	PAM_CHAT_YES,
	PAM_CHAT_NO,
	PAM_CHAT_FAULT,
};

#define PAM_CHAT_TEXT_MAX   255
#define PAM_CHAT_ANSWER_MAX 511
#define PAM_CHAT_MAX	    (1 + 1 + PAM_CHAT_ANSWER_MAX) /* of a datagram */
#define PAM_CHAT_MAX_PROMPTS 8 /* the rounds of PROTOCOL 4.3 */
#define PAM_CHAT_SEC	    120 /* for a person to type */
/* How often an engine may request a helper: a burst, then a rate a second. */
#define PAM_CHAT_BURST	    32
#define PAM_CHAT_PER_SEC    8

/*
 * What the monitor sends a helper, through a pipe, so that argv has no secret.
 */
struct pam_chat_task {
	char service[64];
	char site[64];
	char address[64];
	bool known; /* whether this site may use PAM, so that a yes counts */
};

#endif /* PAM_CHAT_H */
