/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin: the local socket: one JSON object asked, one answered.
 *
 * {"command":"status"}, a newline; the answer has "ok" and is closed by the end
 * of the connection.  Who may ask is decided by the mode and group of the
 * socket, which the monitor made.  A line is at most ADMIN_MAX_LINE bytes, at
 * most ADMIN_MAX_CLIENTS ask at a time (others wait), and each has
 * ADMIN_TIME_SEC; whoever asks what is in force has ADMIN_SYNC_SEC, for that may
 * be thousands of files that were changed.
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
