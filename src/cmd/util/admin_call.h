/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin_call: sends one request to the running daemon's local socket.
 *
 * The request is one JSON object and a newline, e.g.  {"command":"status"}; the
 * answer is one JSON object and a newline, {"ok":true,...} or
 * {"ok":false,"error":"why"}, after which the daemon closes.  The daemon's side
 * is admin.c.
 */
#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

#include <jansson.h>

#define ADMIN_CALL_MAX_ANSWER (64 * 1024 * 1024)

/*
 * Sends `request` (consumed, even on failure) to the socket at `path`. Returns
 * 0, and `*answer` (the caller's; json_decref) is an object, whatever its "ok"
 * says; or a negative errno value: -ENOENT or -ECONNREFUSED if no daemon
 * answers there, -EACCES, -ETIMEDOUT, -EFBIG, -ECONNRESET if it closes without
 * an answer, -EBADMSG if the answer is not a JSON object.
 */
int admin_call(const char *path, json_t *request, json_t **answer);

/*
 * The same for a command: returns an answer whose "ok" is true, or NULL after
 * one line in the log that says why and how to fix it.  Consumes `request`.
 */
json_t *admin_call_or_say(const char *path, json_t *request);

#endif /* ADMIN_CALL_H */
