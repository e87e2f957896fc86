/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin: the local socket: one JSON object as the request, one as the answer.
 *
 * A request is {"command":"status"} and a newline; the answer has "ok", and the
 * end of the connection ends it.  The mode and group of the socket, which the
 * monitor made, decide who may connect.  A line has at most ADMIN_MAX_LINE
 * bytes; at most ADMIN_MAX_CLIENTS are served at a time (others wait); each has
 * ADMIN_TIME_SEC, or ADMIN_SYNC_SEC if it waits for what is in force, because
 * thousands of files may have changed.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include <jansson.h>

#define ADMIN_MAX_LINE	  4096
#define ADMIN_MAX_CLIENTS 16
#define ADMIN_TIME_SEC	  5
#define ADMIN_SYNC_SEC	  60

struct admin;
struct engine;

/* Borrows `listener`.  NULL when out of memory. */
struct admin *admin_new(struct engine *engine, int listener);
void	      admin_free(struct admin *admin);

/* An answer that says what is wrong; NULL when out of memory. */
json_t *admin_error(const char *text);

#endif /* ADMIN_H */
