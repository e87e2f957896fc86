/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup_recv: what the monitor hands to a new engine before START, and the
 * engine's
 * taking it: blocking, before there is a loop, each request at its place.
 *
 * Runs in the engine, like monitor_ask.c, which takes what comes later.
 */
#ifndef STARTUP_RECV_H
#define STARTUP_RECV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "conf/conf.h"
#include "proc/chan.h"
#include "proc/request.h"

#define STARTUP_RECV_MAX_CONF ((size_t)16 * 1024 * 1024) /* of its text */

/* PEM, NUL-terminated, owned; NULL: the role has none of that kind. */
struct startup_recv_text {
	char	*text;
	size_t	 len;
	uint32_t number; /* the monitor's, of this text */
};

bool startup_recv_text_is_same(const struct startup_recv_text *a,
    const struct startup_recv_text *b);

/* A text while its pieces come in; zeroed is empty. */
struct startup_recv_pieces {
	char  *text; /* owned */
	size_t len;
	bool   done;
};

/* The same of MATERIAL; one kind at a time. */
struct startup_recv_material {
	enum request_material kind;
	bool		      trouble; /* the text is why there is none */
	struct startup_recv_text      text;
	struct startup_recv_pieces    pieces;
};

/* Descriptors are the engine's. */
struct startup_recv {
	struct conf	*conf; /* owned by the engine */
	struct startup_recv_text material[REQUEST_MATERIALS];
	/* What comes in pieces, until the last is there. */
	struct startup_recv_pieces   conf_pieces;
	struct startup_recv_material next;
	char		 device[16];
	unsigned	 ifindex;
	unsigned	 mtu;
	uint8_t		 mac[6];
	unsigned	 offloads; /* monitor/host/tapdev.h */
	int		 queues[CONF_MAX_WORKERS];
	unsigned	 nqueues;
	int		 listeners[CONF_MAX_LISTENS]; /* server */
	unsigned	 nlisteners;
	/* For each of them one a worker: udp[listener * nqueues + worker]. */
	int		 udp[CONF_MAX_LISTENS * CONF_MAX_WORKERS];
	unsigned	 nudp;
	int		 admin; /* -1: none */
	int		 keeper_auth, keeper_sign; /* -1: none */
	int		 totals; /* dataplane/totals.h */
	char		 version[32];
	unsigned	 restarts; /* engines that died before */
	time_t		 good_time; /* it is not before; 0: unknown */
};

/*
 * Takes it, up to START.  0 or a negative errno value; nothing of a part of it
 * is left open.
 */
int  startup_recv_receive(int fd, struct startup_recv *gift);
void startup_recv_free(struct startup_recv *gift);

/* Of a CONF message.  0 or a negative errno value. */
int  startup_recv_pieces_add(struct startup_recv_pieces *pieces,
    const struct chan_msg *msg);
/* When done: the configuration (the caller's); the pieces are empty then. */
int  startup_recv_pieces_parse(struct startup_recv_pieces *pieces,
    struct conf **conf);
void startup_recv_pieces_clear(struct startup_recv_pieces *pieces);

/*
 * Of a MATERIAL: 0, and the text (the caller's) once the last piece is there; or a negative
 * errno value.  free() the text of the pieces at the end.
 */
int startup_recv_take_material(struct startup_recv_material *material,
    const struct chan_msg *msg);
/* Descriptor `i` of a message, the caller's from now on. */
int startup_recv_keep_fd(struct chan_msg *msg, unsigned i);

#endif /* STARTUP_RECV_H */
