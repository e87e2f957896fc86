/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_chat: what the engine and a PAM helper say to each other.
 *
 * One SOCK_SEQPACKET pair an attempt, made by the monitor.  A datagram is a
 * type and a payload; neither end trusts the other, and anything else ends the
 * attempt.
 *
 *   helper -> engine   PROMPT   u8 1 the answer may be shown, 0 not; text
 *                      YES      VOUCHER_LEN bytes (proc/voucher.h)
 *                      NO       text for the log, or nothing
 *                      FAULT    the same: no, but no answer was judged
 *   engine -> helper   ANSWER   bytes, at most PAM_CHAT_ANSWER_MAX
 *
 * A text has at most PAM_CHAT_TEXT_MAX bytes.
 * After YES, NO or FAULT, or when either end closes, it is over.
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
#define PAM_CHAT_MAX_PROMPTS 8 /* as PROTOCOL 4.3's rounds */
#define PAM_CHAT_SEC	    120 /* a person may have to type; then it is killed */
/* How often an engine may ask for one: so many at once, then so many a second. */
#define PAM_CHAT_BURST	    32
#define PAM_CHAT_PER_SEC    8

/* What the monitor tells a helper, through a pipe: nothing of it is in argv. */
struct pam_chat_task {
	char service[64];
	char site[64];
	char address[64];
	bool known; /* may this site use PAM: does a yes count */
};

#endif /* PAM_CHAT_H */
