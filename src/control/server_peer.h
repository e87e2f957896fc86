/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_peer: the data path of a site's session, at the server: its lanes.
 *
 * Chosen and attached for the welcome, watched, and given new keys when the
 * site asks (the site leads, PROTOCOL 5.6).  What goes wrong ends the session.
 * The peer is let go where the session is: server_session.c.
 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdbool.h>

#include "base/mono.h"

struct lane_share;
struct message;
struct server_session;
struct site;

/*
 * A session's number, and how many lanes.  Another number than the site asked
 * for, or it would take this session for that.
 */
void server_peer_choose(struct server_session *ss);
/* By what `msg`, the welcome, says; keys of `share`, which the caller wipes. */
bool server_peer_attach(struct server_session *ss, const struct site *site,
    struct lane_share *share, const struct message *msg);
/* The site's `rekey`.  Our lanes listen before the site hears of it. */
void server_peer_rekey(struct server_session *ss, const struct message *msg);
/* By another connection: what the old one may not have said is said again. */
void server_peer_goes_on(struct server_session *ss);
/* Every second: lanes that died, a site that does not come back. */
void server_peer_tick(struct server_session *ss, struct mono now);

/* After this host was suspended: before the first tick. */
void server_peer_woke(struct server_session *ss, struct mono now);

#endif /* SERVER_PEER_H */
