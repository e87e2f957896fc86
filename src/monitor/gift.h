/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gift: what the monitor hands to a new engine before START, and the engine's
 * taking it: blocking, before there is a loop, each request at its place.
 *
 * Runs in the engine, like monitor_ask.c, which takes what comes later.
 */
#ifndef GIFT_H
#define GIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "conf/conf.h"
#include "proc/chan.h"
#include "proc/request.h"

#define GIFT_MAX_CONF ((size_t)16 * 1024 * 1024) /* of its text */

/* PEM, NUL-terminated, owned; NULL: the role has none of that kind. */
struct gift_text {
	char	*text;
	size_t	 len;
	uint32_t number; /* the monitor's, of this text */
};

bool gift_text_is_same(const struct gift_text *a, const struct gift_text *b);

/* A text while its pieces come in; zeroed is empty. */
struct gift_pieces {
	char  *text; /* owned */
	size_t len;
	bool   done;
};

/* The same of MATERIAL; one kind at a time. */
struct gift_material {
	enum request_material kind;
	bool		      trouble; /* the text is why there is none */
	struct gift_text      text;
	struct gift_pieces    pieces;
};

/* Descriptors are the engine's. */
struct gift {
	struct conf	*conf; /* owned by the engine */
	struct gift_text material[REQUEST_MATERIALS];
	/* What comes in pieces, until the last is there. */
	struct gift_pieces   conf_pieces;
	struct gift_material next;
	char		 device[16];
	unsigned	 ifindex;
	unsigned	 mtu;
	uint8_t		 mac[6];
	unsigned	 offloads; /* monitor/tapdev.h */
	int		 queues[CONF_MAX_WORKERS];
	unsigned	 nqueues;
	int		 listeners[CONF_MAX_LISTENS]; /* server */
	unsigned	 nlisteners;
	/* For each of them one a worker: udp[listener * nqueues + worker]. */
	int		 udp[CONF_MAX_LISTENS * CONF_MAX_WORKERS];
	unsigned	 nudp;
	int		 admin; /* -1: none */
	int		 keeper_auth, keeper_sign; /* -1: none */
	char		 version[32];
	unsigned	 restarts; /* engines that died before */
	time_t		 good_time; /* it is not before; 0: unknown */
};

/*
 * Takes it, up to START.  0 or a negative errno value; nothing of a part of it
 * is left open.
 */
int  gift_receive(int fd, struct gift *gift);
void gift_free(struct gift *gift);

/* Of a CONF message.  0 or a negative errno value. */
int  gift_pieces_add(struct gift_pieces *pieces, const struct chan_msg *msg);
/* When done: the configuration (the caller's); the pieces are empty then. */
int  gift_pieces_parse(struct gift_pieces *pieces, struct conf **conf);
void gift_pieces_clear(struct gift_pieces *pieces);

/*
 * Of a MATERIAL: 0, and the text (the caller's) once the last piece is there; or a negative
 * errno value.  free() the text of the pieces at the end.
 */
int gift_take_material(struct gift_material *material,
    const struct chan_msg *msg);
/* Descriptor `i` of a message, the caller's from now on. */
int gift_keep_fd(struct chan_msg *msg, unsigned i);

#endif /* GIFT_H */
