/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin_call: asks the running daemon one thing on its local socket.
 *
 * One JSON object and a newline out, e.g. {"command":"status"}; one JSON object
 * and a newline back, {"ok":true,...} or {"ok":false,"error":"why"}, and the
 * daemon closes.  Used by the commands; the daemon's half is admin.c.
 */
#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

#include <jansson.h>

#define ADMIN_CALL_MAX_ANSWER (64 * 1024 * 1024)

/*
 * Sends `request` (consumed, even on failure) to the socket at `path`.  0, and
 * `*answer` (the caller's; json_decref) is an object, whatever its "ok" says;
 * or a negative errno value: -ENOENT or -ECONNREFUSED when no daemon answers
 * there, -EACCES, -ETIMEDOUT, -EFBIG, -ECONNRESET when it ends without a word,
 * -EBADMSG when it is not a JSON object.
 */
int admin_call(const char *path, json_t *request, json_t **answer);

/*
 * The same for a command: an answer whose "ok" is true, or NULL after one line
 * in the log that says why and how to mend it.  Consumes `request`.
 */
json_t *admin_call_or_say(const char *path, json_t *request);

#endif /* ADMIN_CALL_H */
