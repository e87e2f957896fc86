/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/rekey.h"

#include <string.h>

#include <bsd/stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "dataplane/dataplane.h"
#include "control/conn/message.h"
#include "control/conn/conn.h"
#include "control/conn/tls.h"

#define SERVE_PAUSE_US (1 * MONO_SEC) /* a site asks less often */
#define SERVE_BURST    3

static void set_state(struct rekey *rekey, enum rekey_state state);
static bool renew(const struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *theirs,
    struct lane_share *ours, const uint8_t renewal[32]);
static bool is_time(const struct rekey *rekey, const struct dataplane_peer *peer,
    struct mono now);
static void ask(struct rekey *rekey, struct conn *conn,
    const struct dataplane_peer *peer, struct mono now);
static void plan(struct rekey *rekey, struct mono now);

void
rekey_begin(struct rekey *rekey, const uint8_t transcript[32],
    const uint8_t *psk, uint32_t id, unsigned every_sec, struct mono now)
{
	rekey_forget(rekey);
	*rekey = (struct rekey) { .id = id, .every_sec = every_sec,
		.has_psk = psk != NULL };
	if (psk != NULL)
		memcpy(rekey->psk, psk, sizeof(rekey->psk));
	memcpy(rekey->transcript, transcript, sizeof(rekey->transcript));
	plan(rekey, now);
}

void
rekey_forget(struct rekey *rekey)
{
	secret_wipe(&rekey->share, sizeof(rekey->share));
	if (rekey->state == REKEY_ASKED)
		set_state(rekey, REKEY_IDLE);
}

void
rekey_want(struct rekey *rekey)
{
	rekey->wanted = true;
}

void
rekey_repair(struct rekey *rekey)
{
	struct mono soon = mono_add(rekey->not_before,
	    REKEY_REPAIR_US - REKEY_PAUSE_US); /* since it was asked */

	rekey->repair = true;
	if (rekey->state == REKEY_ASKED && mono_sub(rekey->again, soon) > 0)
		rekey->again = soon;
}

void
rekey_tick(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, struct mono now)
{
	if (is_time(rekey, peer, now))
		ask(rekey, conn, peer, now);
}

void
rekey_answer(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *msg)
{
	uint8_t renewal[32];
	bool	renewed;

	/* A late answer to an earlier request; the newer one gets its own. */
	if (rekey->state == REKEY_ASKED && msg->has_answers &&
	    !secret_equal(msg->answers, rekey->share.public_key,
		sizeof(msg->answers)))
		return;
	if (rekey->state != REKEY_ASKED || msg->phase != rekey->phase) {
		conn_bye(conn, "a rekey out of turn");
		return;
	}
	lane_keys_renewal(renewal, rekey->transcript, rekey->phase,
	    rekey->share.public_key, msg->share);
	renewed = renew(rekey, conn, peer, msg, &rekey->share, renewal);
	set_state(rekey, REKEY_MADE);
	if (!renewed)
		conn_bye(conn, "new keys could not be agreed");
}

void
rekey_serve(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *msg)
{
	struct message	  answer = { .type = MESSAGE_REKEY,
		  .phase = msg->phase, .has_answers = true };
	struct lane_share share;
	uint8_t		  renewal[32];

	/*
	 * Delayed requests may arrive in a burst; the site repeats dropped
	 * ones.
	 */
	if (!bucket_take(&rekey->served, SERVE_BURST, SERVE_PAUSE_US,
		mono_now()))
		return;
	lane_keys_share_new(&share);
	memcpy(answer.share, share.public_key, sizeof(answer.share));
	memcpy(answer.answers, msg->share, sizeof(answer.answers));
	lane_keys_renewal(renewal, rekey->transcript, (uint8_t)msg->phase,
	    msg->share, answer.share);
	if (renew(rekey, conn, peer, msg, &share, renewal))
		(void)conn_send(conn, &answer);
	else
		conn_bye(conn, "new keys could not be agreed");
}

void
rekey_done(struct rekey *rekey, struct mono now)
{
	set_state(rekey, REKEY_IDLE);
	plan(rekey, now);
}

static void
set_state(struct rekey *rekey, enum rekey_state state)
{
	static const char *const names[] = { [REKEY_IDLE] = "idle",
		[REKEY_ASKED] = "asked", [REKEY_MADE] = "made" };

	if (rekey->state != state)
		log_debug("session %06x: new keys: %s -> %s",
		    (unsigned)rekey->id, names[rekey->state], names[state]);
	rekey->state = state;
}

/* Of our share (consumed) and theirs, for every lane, of this connection. */
static bool
renew(const struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *theirs,
    struct lane_share *ours, const uint8_t renewal[32])
{
	struct lane_secret secret = { 0 };
	uint8_t		   exporter[32];
	bool		   agreed;

	agreed = tls_export(conn->tls, LANE_KEYS_LABEL, exporter,
		     sizeof(exporter)) == 0 &&
	    lane_keys_agree(&secret, ours, theirs->share,
		rekey->has_psk ? rekey->psk : NULL, exporter, renewal,
		rekey->id) &&
	    dataplane_peer_renew(peer, &secret, (uint8_t)theirs->phase) == 0;
	secret_wipe(ours, sizeof(*ours));
	secret_wipe(&secret, sizeof(secret));
	secret_wipe(exporter, sizeof(exporter));
	return agreed;
}

static bool
is_time(const struct rekey *rekey, const struct dataplane_peer *peer,
    struct mono now)
{
	struct dataplane_peer_health health;

	if (rekey->repair && rekey->state != REKEY_ASKED)
		return mono_is_due(rekey->not_before, now);
	if (rekey->state != REKEY_IDLE)
		return mono_is_due(rekey->again, now);
	if (!mono_is_due(rekey->not_before, now) ||
	    (!rekey->wanted && !mono_is_due(rekey->due, now)))
		return false;
	dataplane_peer_health(peer, &health);
	return health.lanes > 0 && health.lanes_up == health.lanes;
}

static void
ask(struct rekey *rekey, struct conn *conn, const struct dataplane_peer *peer,
    struct mono now)
{
	struct message msg = { .type = MESSAGE_REKEY };

	set_state(rekey, REKEY_ASKED);
	rekey->again = mono_add(now, rekey->repair ? REKEY_REPAIR_US :
						     REKEY_AGAIN_US);
	rekey->not_before = mono_add(now, REKEY_PAUSE_US);
	rekey->repair = false;
	rekey->phase = dataplane_peer_next_phase(peer);
	lane_keys_share_new(&rekey->share);
	msg.phase = rekey->phase;
	memcpy(msg.share, rekey->share.public_key, sizeof(msg.share));
	(void)conn_send(conn, &msg);
}

/* Up to a tenth earlier, at random, so that sites do not rekey in step. */
static void
plan(struct rekey *rekey, struct mono now)
{
	int64_t whole = rekey->every_sec * MONO_SEC;

	rekey->wanted = false;
	rekey->not_before = mono_add(now, REKEY_PAUSE_US);
	rekey->due = mono_add(now, whole -
	    (int64_t)arc4random_uniform(1000) * (whole / 10000));
}
