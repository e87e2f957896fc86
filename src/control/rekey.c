/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/rekey.h"

#include <string.h>

#include <bsd/stdlib.h>

#include "base/secret.h"
#include "dataplane/dataplane.h"
#include "control/conn/message.h"
#include "control/conn/conn.h"
#include "control/conn/tls.h"

static bool is_time(const struct rekey *rekey,
    const struct dataplane_peer *peer,
    struct mono now);
static void ask(struct rekey *rekey, struct conn *conn,
    const struct dataplane_peer *peer, struct mono now);
static void plan(struct rekey *rekey, struct mono now);

void
rekey_begin(struct rekey *rekey, const uint8_t transcript[32],
    uint32_t conn, unsigned every_sec, struct mono now)
{
	uint64_t done = rekey->done;

	rekey_forget(rekey);
	*rekey = (struct rekey) { .conn = conn, .every_sec = every_sec,
		.done = done };
	memcpy(rekey->transcript, transcript, sizeof(rekey->transcript));
	plan(rekey, now);
}

void
rekey_forget(struct rekey *rekey)
{
	secret_wipe(&rekey->share, sizeof(rekey->share));
	if (rekey->state == REKEY_ASKED)
		rekey->state = REKEY_IDLE;
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
	struct lane_secret secret = { 0 };
	uint8_t		   exporter[32], renewal[32];
	bool		   agreed;

	/* Late, to what has been asked anew since: that will be answered, too. */
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
	agreed = tls_export(conn->tls, LANE_KEYS_LABEL, exporter,
		     sizeof(exporter)) == 0 &&
	    lane_secret_agree(&secret, &rekey->share, msg->share, exporter,
		renewal, rekey->conn) &&
	    dataplane_peer_renew(peer, &secret, rekey->phase) == 0;
	rekey->state = REKEY_MADE;
	secret_wipe(&rekey->share, sizeof(rekey->share));
	secret_wipe(&secret, sizeof(secret));
	secret_wipe(exporter, sizeof(exporter));
	if (!agreed)
		conn_bye(conn, "new keys could not be agreed");
}

void
rekey_done(struct rekey *rekey, struct mono now)
{
	rekey->state = REKEY_IDLE;
	rekey->done++;
	plan(rekey, now);
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

	rekey->state = REKEY_ASKED;
	rekey->again = mono_add(now, rekey->repair ? REKEY_REPAIR_US :
						     REKEY_AGAIN_US);
	rekey->not_before = mono_add(now, REKEY_PAUSE_US);
	rekey->repair = false;
	rekey->phase = dataplane_peer_next_phase(peer);
	lane_share_new(&rekey->share);
	msg.phase = rekey->phase;
	memcpy(msg.share, rekey->share.public_key, sizeof(msg.share));
	(void)conn_send(conn, &msg);
}

/* By chance up to a tenth earlier, so that sites do not come in step. */
static void
plan(struct rekey *rekey, struct mono now)
{
	int64_t whole = rekey->every_sec * MONO_SEC;

	rekey->wanted = false;
	rekey->not_before = mono_add(now, REKEY_PAUSE_US);
	rekey->due = mono_add(now, whole -
	    (int64_t)arc4random_uniform(1000) * (whole / 10000));
}
