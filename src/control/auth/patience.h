/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * patience: whether a crowd in the handshake is taken for sites that come back
 * all at once.
 *
 * When there are too many connections that have not logged in, a stranger's
 * makes room for the next one, or who says nothing would keep everybody out.
 * But after a restart the crowd is our own sites': to end one is to do its
 * handshake twice, and when each is ended by the next none gets through.  So
 * while sites do come in, the next connections wait in the kernel's backlog.
 *
 * Patience is there when a server begins, and each site that comes in adds a
 * little, once a minute: who can log in cannot buy it by doing that again and
 * again.  Strangers cannot at all; without patience it is as before.
 *
 * So for the first PATIENCE_START_US a server pushes nobody out, strangers
 * neither, and that is meant: who fills it just then keeps sites in the backlog
 * for so long and no longer, while to push out our own would cost them more.
 *
 * Pure: the caller passes the time.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>

#include "base/mono.h"

#define PATIENCE_START_US (3 * MONO_SEC)
#define PATIENCE_EACH_US  (MONO_SEC / 20)
#define PATIENCE_MAX_US	  (MONO_SEC / 2) /* from the last one on */
#define PATIENCE_AGAIN_US (60 * MONO_SEC)

struct patience {
	struct mono until;
};

/* A server begins. */
void patience_start(struct patience *patience, struct mono now);

/* A site has logged in; `*next`, the site's own, is zero at first. */
void patience_came_in(struct patience *patience, struct mono *next,
    struct mono now);

bool patience_has(const struct patience *patience, struct mono now);

#endif /* PATIENCE_H */
