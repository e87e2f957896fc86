/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn: one control connection, the part that both ends have in common.
 *
 * Frames messages on the TLS stream (PROTOCOL 4.1), limits their size (more
 * strictly until the other end is authenticated), keeps the transcript that the
 * lanes' keys are bound to, answers pings and detects a dead peer.  The owner
 * handles the messages: at first the login (incoming.c, auth_client.c), then
 * the session that the login began (session.c).
 *
 *          TLS done              conn_go_up()
 *   TLS ------------> AUTH --------------------> UP
 *    |                 |                          |
 *    +-----------------+------ any failure -------+--> on_end, then freed
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>
#include <nettle/sha2.h>

#include "base/addr.h"
#include "base/mono.h"
#include "control/conn/message.h"
#include "control/conn/tls.h"

enum conn_state { CONN_TLS, CONN_AUTH, CONN_UP };

struct conn_events {
	/* TLS is up: AUTH begins.  NULL if the other end speaks first. */
	void (*on_ready)(void *arg);
	/* Any message except ping and pong; borrowed. */
	void (*on_message)(void *arg, const struct message *msg);
	/* Items of a type 2 message (tcp_frames.h); borrowed. */
	void (*on_frames)(void *arg, uint8_t *items, size_t len);
	/*
	 * The connection has ended and is freed after this call; conn->lost
	 * says whether the session may continue on another connection.  Called
	 * exactly once, from the loop, never from within another call of this
	 * interface.
	 */
	void (*on_end)(void *arg, const char *why);
};

struct conn {
	struct ev_loop		    *loop;
	struct tls		    *tls;
	enum conn_state		     state;
	char			     label[ENDPOINT_STRLEN]; /* for the log */
	const struct conn_events *events;
	void			    *arg;
	bool			     client;
	bool			     lost; /* it broke: nobody ended it */
	bool			     frames; /* type 2 was negotiated */
	bool			     busy; /* within an event of TLS */
	uint8_t			    *in; /* an incomplete message */
	size_t			     in_len, in_size;
	struct ev_timer		     deadline; /* of TLS and AUTH; of a probe */
	struct ev_timer		     pinger;   /* while UP */
	struct ev_timer		     reaper;   /* calls on_end */
	double			     dead_after_sec;
	struct mono		     last_heard;
	struct mono		     last_look; /* the pinger's last run */
	uint64_t		     next_ping;
	struct sha256_ctx	     transcript; /* hello, welcome */
	uint8_t			     hello[32];	 /* SHA-256 of hello's payload */
	char			     why[TLS_WHY_SIZE];
};

/* Owns `fd`.  `name` is as in tls_open().  Returns NULL when out of memory. */
struct conn *conn_new(struct ev_loop *loop, struct tls_context *context,
    int fd, const char *name, unsigned time_limit_sec,
    const struct conn_events *events, void *arg);
/* Frees it at once; not allowed from within one of its events. */
void conn_free(struct conn *conn);

/* Passes all further events to another owner. */
void conn_set_owner(struct conn *conn, const struct conn_events *events,
    void *arg);
/* The owner gives it up: frees it; within an event of TLS, the loop does. */
void conn_release(struct conn *conn);

/* Returns 0 or a negative errno value; a full queue ends the connection. */
int conn_send(struct conn *conn, const struct message *msg);

/* Sends items as a type 2 message.  Returns 0 or a negative errno value. */
int conn_send_frames(struct conn *conn, const uint8_t *items,
    size_t len);

/* Frames may be sent and received on this connection while it is UP. */
void conn_allow_frames(struct conn *conn);
static inline bool
conn_takes_frames(const struct conn *conn)
{
	return conn->frames && conn->state == CONN_UP &&
	    !ev_is_active(&conn->reaper);
}

/* Authenticated: allows larger messages, stops the deadline, starts pings. */
void conn_go_up(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/* While UP: changes the times; silence is measured from now on. */
void conn_set_times(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/*
 * While UP: sends a ping now; the connection ends if nothing is received within
 * `within_sec`.
 */
void conn_probe(struct conn *conn, double within_sec);

/* SHA-256 over the payloads of hello and welcome, as sent on the wire. */
void conn_transcript(const struct conn *conn, uint8_t digest[32]);

/* Before UP: limits the time that is left to `within_sec`. */
void conn_shorten_deadline(struct conn *conn, double within_sec);

/* Allows `sec` from now on to authenticate, because a person has to type. */
void conn_extend(struct conn *conn, unsigned sec);

/* Whether it has received nothing for `sec`. */
bool conn_is_silent(const struct conn *conn, unsigned sec,
    struct mono now);

/* Ends it; on_end follows. */
void conn_end(struct conn *conn, const char *why);

/* The same, after sending "refused" or "bye" with the reason. */
void conn_refuse(struct conn *conn, const char *why,
    unsigned retry_after_sec);
void conn_bye(struct conn *conn, const char *why);

#endif /* CONN_H */
