/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn: one control connection, the part that both ends have in common.
 *
 * Frames messages on the TLS stream (PROTOCOL 4.1), limits their size before
 * the other end has proved who it is and after, keeps the transcript that the
 * lanes' keys are bound to, answers pings and notices a dead peer.  What is said
 * is the owner's business: at first who logs in (incoming.c, auth_client.c), then
 * the session that the login began (session.c).
 *
 *          TLS done              conn_go_up()
 *   TLS ------------> AUTH --------------------> UP
 *    |                 |                          |
 *    +-----------------+------ any failure -------+--> freed, behind on_end
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
	/* TLS is up: AUTH begins.  NULL: the other end speaks first. */
	void (*on_ready)(void *arg);
	/* Any message but ping and pong; borrowed. */
	void (*on_message)(void *arg, const struct message *msg);
	/* Items of a type 2 message (tcp_frames.h); borrowed. */
	void (*on_frames)(void *arg, uint8_t *items, size_t len);
	/*
	 * It is over, and freed behind this; `lost` says whether the session may
	 * go on by another connection.  Always from the loop, never from within
	 * another call of this interface, exactly once.
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
	bool			     lost; /* nobody ended it: it broke */
	bool			     frames; /* type 2 is agreed on */
	bool			     busy; /* TLS is in the middle of an event */
	uint8_t			    *in; /* a message that is not complete */
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

/* Takes over `fd`.  `name` as in tls_open().  NULL: out of memory. */
struct conn *conn_new(struct ev_loop *loop, struct tls_context *context,
    int fd, const char *name, unsigned time_limit_sec,
    const struct conn_events *events, void *arg);
/* At once; not from within one of its events. */
void conn_free(struct conn *conn);

/* What comes from now on is another owner's. */
void conn_set_owner(struct conn *conn, const struct conn_events *events,
    void *arg);
/* Nobody's any more: freed, by the loop where TLS is in the middle of it. */
void conn_release(struct conn *conn);

/* 0 or a negative errno value; a full queue ends the session. */
int conn_send(struct conn *conn, const struct message *msg);

/* Items for a type 2 message.  0 or a negative errno value. */
int conn_send_frames(struct conn *conn, const uint8_t *items,
    size_t len);

/* UP: frames may come and go by this connection. */
void conn_allow_frames(struct conn *conn);
static inline bool
conn_takes_frames(const struct conn *conn)
{
	return conn->frames && conn->state == CONN_UP &&
	    !ev_is_active(&conn->reaper);
}

/* Authenticated: larger messages, no deadline, pings. */
void conn_go_up(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/* While UP: other times, from now on; what was heard before does not count. */
void conn_set_times(struct conn *conn, unsigned keepalive_sec,
    unsigned dead_peer_sec);

/*
 * While UP: asks for a sign of life now; none within so many seconds, and the
 * session ends.
 */
void conn_probe(struct conn *conn, double within_sec);

/* SHA-256 over the payloads of hello and welcome, as they were on the wire. */
void conn_transcript(const struct conn *conn, uint8_t digest[32]);

/* Before UP: it has so many seconds left, at most. */
void conn_shorten_deadline(struct conn *conn, double within_sec);

/* From now on it has so many seconds to authenticate: a person has to type. */
void conn_extend(struct conn *conn, unsigned sec);

/* Whether it has heard nothing for so long. */
bool conn_is_silent(const struct conn *conn, unsigned sec,
    struct mono now);

/* Ends it for this reason; on_end follows. */
void conn_end(struct conn *conn, const char *why);

/* Says why to the other end first: "refused" or "bye". */
void conn_refuse(struct conn *conn, const char *why,
    unsigned retry_after_sec);
void conn_bye(struct conn *conn, const char *why);

#endif /* CONN_H */
