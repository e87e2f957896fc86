/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/turns.h"

#include <assert.h>

#include "engine/ask/keeper_ask.h"
#include "proc/pam_chat.h"

/* So many at once, then so many a second. */
#define PAM_STRANGERS_BURST   8
#define PAM_STRANGERS_PER_SEC 3
#define PAM_USUAL_BURST	      16
#define PAM_USUAL_PER_SEC     4
#define SRP_STRANGERS_BURST   48
#define SRP_STRANGERS_PER_SEC 6

static_assert(PAM_STRANGERS_BURST + PAM_USUAL_BURST < PAM_CHAT_BURST &&
	PAM_STRANGERS_PER_SEC + PAM_USUAL_PER_SEC < PAM_CHAT_PER_SEC,
    "the monitor ends who asks more");
static_assert(SRP_STRANGERS_BURST < REQUEST_TLS_SRP_BURST &&
	SRP_STRANGERS_PER_SEC < REQUEST_TLS_SRP_PER_SEC,
    "the keeper refuses more, known sites too");

bool
turns_take_pam(struct turns *turns, bool usual, unsigned strangers,
    unsigned near, struct mono now)
{
	if (usual)
		return near < TURNS_PAM_NETWORK_USUAL &&
		    bucket_take(&turns->pam_usual, PAM_USUAL_BURST,
			MONO_SEC / PAM_USUAL_PER_SEC, now);
	return strangers < TURNS_PAM_STRANGERS && near < TURNS_PAM_NETWORK &&
	    bucket_take(&turns->pam_strangers, PAM_STRANGERS_BURST,
		MONO_SEC / PAM_STRANGERS_PER_SEC, now);
}

bool
turns_take_tls_srp(struct turns *turns, bool usual, struct mono now)
{
	return usual || bucket_take(&turns->srp_strangers, SRP_STRANGERS_BURST,
	    MONO_SEC / SRP_STRANGERS_PER_SEC, now);
}
