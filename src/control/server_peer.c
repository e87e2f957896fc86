/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server_peer.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/server.h"
#include "control/server_session.h"

#define REKEY_PAUSE_US (1 * MONO_SEC) /* a site asks less often */
#define REKEY_BURST    3

static void watch(struct server_session *ss,
    const struct dataplane_peer_health *health, struct mono now);
static void on_lanes_up(void *arg);
static struct conn *connection(void *arg);
static void on_lane_failed(void *arg);
static void on_worn(void *arg);
static void on_renewed(void *arg);

static const struct dataplane_events dataplane_events = {
	.on_up = on_lanes_up,
	.on_failed = on_lane_failed,
	.on_worn = on_worn,
	.on_renewed = on_renewed,
	.connection = connection,
};

void
server_peer_choose(struct server_session *ss)
{
	do
		ss->id = dataplane_new_session(ss->server->dataplane);
	while (ss->id == ss->wanted);
	ss->lanes = ss->transport == CONF_TRANSPORT_TCP ? 0 :
	    dataplane_workers(ss->server->dataplane);
	if (ss->lanes > 0 && ss->workers > ss->lanes)
		ss->lanes = ss->workers;
}

bool
server_peer_attach(struct server_session *ss, const struct site *site,
    struct lane_share *share, const struct message *msg)
{
	struct lane_secret    secret;
	struct dataplane_attachment attachment = {
		.name = ss->site,
		.port = site->port,
		.session = msg->session,
		.transport = ss->transport,
		.lanes = msg->lanes,
		.keepalive_sec = msg->keepalive_sec,
		.wears_at = (uint64_t)msg->rekey_mib * DATAPLANE_BLOCKS_MIB,
		.secret = &secret,
	};
	uint8_t exporter[32];

	conn_transcript(ss->conn, ss->transcript);
	if (tls_export(ss->conn->tls, LANE_KEYS_LABEL, exporter,
		sizeof(exporter)) == 0 &&
	    lane_secret_agree(&secret, share, ss->share, exporter,
		ss->transcript, msg->session))
		ss->peer = dataplane_attach(ss->server->dataplane, &attachment,
		    &dataplane_events,
		    ss);
	secret_wipe(exporter, sizeof(exporter));
	secret_wipe(&secret, sizeof(secret));
	return ss->peer != NULL;
}

void
server_peer_rekey(struct server_session *ss, const struct message *msg)
{
	struct message	   answer = { .type = MESSAGE_REKEY,
		   .phase = msg->phase, .has_answers = true };
	struct lane_share  share;
	struct lane_secret secret;
	struct mono	   now = mono_now();
	uint8_t		   exporter[32], renewal[32];
	int		   r = -EIO;

	/* What a broken line held back may come at once; more it will ask again. */
	if (!bucket_take(&ss->rekeys, REKEY_BURST, REKEY_PAUSE_US, now))
		return;
	lane_share_new(&share);
	memcpy(answer.share, share.public_key, sizeof(answer.share));
	memcpy(answer.answers, msg->share, sizeof(answer.answers));
	lane_keys_renewal(renewal, ss->transcript, (uint8_t)msg->phase,
	    msg->share, answer.share);
	if (tls_export(ss->conn->tls, LANE_KEYS_LABEL, exporter,
		sizeof(exporter)) == 0 &&
	    lane_secret_agree(&secret, &share, msg->share, exporter, renewal,
		ss->id))
		r = dataplane_peer_renew(ss->peer, &secret,
		    (uint8_t)msg->phase);
	secret_wipe(exporter, sizeof(exporter));
	secret_wipe(&secret, sizeof(secret));
	secret_wipe(&share, sizeof(share));
	if (r == 0)
		(void)conn_send(ss->conn, &answer);
	else
		conn_bye(ss->conn, "new keys could not be agreed");
}

void
server_peer_goes_on(struct server_session *ss)
{
	if (dataplane_peer_wants_keys(ss->peer))
		on_worn(ss);
}

void
server_peer_tick(struct server_session *ss, struct mono now)
{
	struct dataplane_peer_health health;
	const char		    *trouble;

	if (ss->state != SERVER_UP || ss->peer == NULL)
		return;
	dataplane_peer_health(ss->peer, &health);
	trouble = dataplane_peer_health_trouble(&health, ss->dead_peer_sec, now);
	if (trouble == NULL && server_session_is_adrift(ss) &&
	    mono_sub(now, ss->adrift_since) > ss->dead_peer_sec * MONO_SEC)
		trouble = "it did not come back";
	if (trouble != NULL)
		server_session_end(ss, trouble);
	else
		watch(ss, &health, now);
}

void
server_peer_woke(struct server_session *ss, struct mono now)
{
	ss->adrift_since = now;
	if (ss->peer != NULL)
		dataplane_peer_woke(ss->peer, now);
}

static void
watch(struct server_session *ss, const struct dataplane_peer_health *health,
    struct mono now)
{
	switch (transport_watch_tick(&ss->watch,
	    dataplane_peer_health_is_blocked(health), now)) {
	case TRANSPORT_BLOCKED:
		log_warnx("site %s: UDP does not get through from %s: %s; open "
		    "UDP port %u in the firewalls between", ss->site,
		    ss->address,
		    ss->transport == CONF_TRANSPORT_UDP ? "no frame can pass" :
							  "frames go by TCP",
		    ss->server->conf->port);
		break;
	case TRANSPORT_THROUGH:
		log_info("site %s: UDP gets through: frames go by UDP again",
		    ss->site);
		break;
	case TRANSPORT_NO_NEWS:
		break;
	}
}

static void
on_lanes_up(void *arg)
{
	struct server_session *ss = arg;

	log_info("site %s: data flows by UDP", ss->site);
	transport_watch_up(&ss->watch);
}

static struct conn *
connection(void *arg)
{
	struct server_session *ss = arg;

	return ss->conn;
}

/* Its site may not see it, if it sends nothing by that lane. */
static void
on_lane_failed(void *arg)
{
	struct server_session *ss = arg;

	log_warnx("site %s: a data lane failed: it is asked for new keys",
	    ss->site);
	on_worn(ss);
}

/* The site leads: its `rekey` is what renews keys. */
static void
on_worn(void *arg)
{
	struct server_session *ss = arg;
	struct message	       msg = { .type = MESSAGE_REKEY_WANTED };

	(void)conn_send(ss->conn, &msg);
}

static void
on_renewed(void *arg)
{
	const struct server_session *ss = arg;

	log_debug("site %s: new keys", ss->site);
}
