/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_peer: the data path of a satellite's session: its lanes.
 *
 * What the welcome says is agreed, lanes get their sockets from the monitor and
 * their keys, and are watched until the session is over.  They outlive the
 * connection: when that breaks, client.c makes another one meanwhile.  What
 * goes wrong here ends the session by way of its connection, and of its peer
 * when there is none.
 */
#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include <stdbool.h>

#include "base/mono.h"

struct client;
struct message;

/*
 * A session of its own: what was before it is over.  False when there are no
 * keys for it.
 */
bool client_peer_agree(struct client *client, const struct message *msg);
/* Its lanes, as agreed; with TCP alone there are none to wait for. */
void client_peer_begin(struct client *client);
/* Every second: lanes that died, or never came up; a connection that does not
 * come back in time. */
void client_peer_tick(struct client *client, struct mono now);
/* The session's end; `why` when the log does not say it otherwise. */
void client_peer_drop(struct client *client, const char *why);

#endif /* CLIENT_PEER_H */
