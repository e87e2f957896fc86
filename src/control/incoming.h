/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incoming: an accepted connection until its site has logged in.
 *
 *   accepted     hello                    auth_server.c: yes
 *   -------> NEW ------> PROOF, ASKED, ... ------------------> admitted: its
 *             |             |                connection is a session's
 *             +-------------+---> refused, evicted, overtaken, or it hung up
 *
 * auth_server.c authenticates the site; every refusal has the same text.
 * site_session.c handles a site that succeeded.
 */
#ifndef INCOMING_H
#define INCOMING_H

#include <stdbool.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "control/auth/auth_server.h"
#include "datapath/lane/lane_keys.h"

struct conn;
struct server;
struct tls_context;

struct incoming {
	struct server	   *server;
	struct conn	   *conn; /* NULL: it is over, or a session's */
	struct applicant    applicant;
	char		    address[ENDPOINT_STRLEN]; /* with the port */
	struct auth_server  auth;
	char		    srp_user[CONF_NAME_MAX + 1]; /* of the handshake */
	/* of its hello */
	char		    site[CONF_NAME_MAX + 1]; /* claimed, then proved */
	unsigned	    workers;
	char		    version[4 * 32]; /* of its program, escaped */
	unsigned	    mtu; /* of its device; 0: unknown */
	unsigned	    protocol, features; /* agreed, but for its key */
	uint32_t	    wanted; /* the session to go on with, or 0 */
	enum conf_transport transport; /* agreed */
	struct prefix	   *subnets; /* the subnets it wants; owned */
	size_t		    nsubnets;
	uint8_t		    share[LANE_KEYS_SHARE];
	struct tls_cert	   *leaf; /* its certificate; owned, or NULL */
};

/* Owns `fd`, and becomes one of the server's applicants. */
void incoming_start(struct server *server, int fd,
    const struct endpoint *from);
/* Frees it at once, without a message. */
void incoming_free(struct incoming *in);

/* Sends bye with `why`, and ends it. */
void incoming_bye(struct incoming *in, const char *why);

/*
 * The site's credential changed: ends a login, which may be about to succeed
 * with the previous one.
 */
void incoming_overtaken(struct incoming *in, const char *why);

/* Whether it logs in by a certificate that this context's CRL revokes. */
bool incoming_is_revoked(const struct incoming *in,
    const struct tls_context *tls);

/* Makes room for a connection from `from`; false if nobody can be evicted. */
bool incoming_evict(struct server *server, const struct addr *from);

/*
 * tls-srp: the handshake of this connection (a struct conn) names a site.  This
 * is an attempt, and delayed like any other.  Sets `*known` if that site may
 * log in by this method.  Returns 0 or a negative errno value.
 */
int incoming_srp_user(struct server *server, void *connection,
    const char *name, bool *known);

#endif /* INCOMING_H */
