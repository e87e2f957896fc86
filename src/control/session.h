/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session: what one login established, at either end: its id, keys, lanes and
 * times (PROTOCOL 4.9, 5).  It outlives its connection.
 *
 *   session_begin()   session_attach()      the connection breaks
 *   -------> new -----------------> CONNECTED ------------------> ADRIFT
 *                                    |    ^    session_attach()    |
 *       bye, session_end(), dead     |    +------------------------+
 *                                    v         not back in time    |
 *                                   over <-------------------------+
 *
 * ADRIFT is `conn == NULL`: frames still use the lanes.  The site leads: it
 * requests new keys and replaces dead lanes.  Otherwise both ends are alike.
 *
 * Nothing is authenticated here.  The owner (site_session.c at the hub,
 * client.c at a site) attaches a connection only after it has authenticated the
 * other end.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "conf/conf.h"
#include "control/conn/tls_cert.h"
#include "control/lane_repair.h"
#include "control/rekey.h"
#include "control/transport.h"
#include "datapath/lane/lane_keys.h"

struct conn;
struct dataplane;
struct dataplane_peer;
struct message;
struct session;

/* Any but on_over may be NULL. */
struct session_events {
	/*
	 * The leading end: requests sockets for lanes; session_sockets()
	 * delivers them.  Returns 0 or a negative errno value.
	 */
	int (*get_sockets)(struct session *session, unsigned count);
	/*
	 * A message not about the session itself; return false if unexpected.
	 */
	bool (*on_message)(struct session *session, const struct message *msg);
	/* The trouble with its lanes, as text; NULL when it is over. */
	void (*on_trouble)(struct session *session, const char *trouble);
	/* It is adrift. */
	void (*on_lost)(struct session *session, const char *why);
	/* It is over, detached from the data path, and sent bye: free it. */
	void (*on_over)(struct session *session, const char *why);
};

struct session {
	/* its maker's, for good */
	struct dataplane	    *dataplane;
	const struct session_events *events;
	void			    *owner;
	bool			     leads;
	uint16_t		     port; /* of the switch */
	uint16_t		     udp_port; /* of the hub, for the log */
	char			     site[CONF_NAME_MAX + 1];
	char			     label[128]; /* the other end, for the log */
	char			     address[ENDPOINT_STRLEN]; /* its own */

	/* as agreed */
	uint32_t	    id;
	unsigned	    lanes;
	enum conf_transport transport;
	unsigned	    features; /* bits of enum message_feature */
	unsigned	    keepalive_sec, dead_peer_sec;
	uint64_t	    key_limit; /* of a key: AES blocks */
	struct lane_secret  secret;   /* until there are lanes */

	/* as the other end says */
	unsigned mtu;		  /* of its device; 0: unknown */
	char	 version[4 * 32]; /* of a site's program, escaped */

	struct conn	      *conn; /* NULL: adrift; set_conn() writes it */
	struct endpoint	       remote; /* leads: whom it is connected to */
	struct dataplane_peer *peer; /* NULL: it waits for sockets */
	struct rekey	       rekey;
	struct lane_repair     repair;
	bool		       rebuilding; /* requested, incomplete */
	struct transport_watch watch;
	struct mono	       up_since, adrift_since;

	/* the hub's: what its site proved itself by, last */
	enum conf_auth	 method;
	struct tls_cert *leaf; /* the certificate that it showed; owned */
};

/* `site` is the site's name.  Returns NULL when out of memory. */
struct session *session_new(struct dataplane *dataplane, bool leads,
    const char *site, uint16_t port, const struct session_events *events,
    void *owner);
/* Frees it without a bye; not allowed within an event of its connection. */
void session_free(struct session *session);

/*
 * What `welcome` says, which was the last message on `conn`, but for the
 * features, which the caller has set; keys of our share and theirs, and of `psk`
 * with that feature.  False: there are none.
 */
bool session_begin(struct session *session, struct conn *conn,
    const struct message *welcome, struct lane_share *ours,
    const uint8_t theirs[LANE_KEYS_SHARE], const uint8_t psk[LANE_KEYS_PSK]);

/*
 * From now on by this connection (consumed), whose other end has proved who it
 * is: frames may come and go.  One that it had gets `bye`.  `remote` (may be
 * NULL): where its lanes go.  It may be over behind this.
 */
void session_attach(struct session *session, struct conn *conn,
    const struct endpoint *remote, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/*
 * To a session, `arg`: the sockets that it asked for (consumed).  Fewer, and
 * `error`: there are none.
 */
void session_sockets(void *arg, const int *fds, unsigned n, int error);

/* Connected: other times from now on. */
void session_set_times(struct session *session, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/* Every second. */
void session_tick(struct session *session, struct mono now);
/* This host was suspended: before the next tick. */
void session_woke(struct session *session, struct mono now);

/* The path may have changed: ends it if nothing is received in `within_sec`. */
void session_probe(struct session *session, double within_sec);

/* Ends it, and sends `why` to the other end; on_over follows. */
void session_end(struct session *session, const char *why);

#endif /* SESSION_H */
