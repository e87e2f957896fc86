/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status: the state of the daemon, as JSON (tombolo(8) has the members).
 */
#ifndef STATUS_H
#define STATUS_H

#include <jansson.h>

#include "base/mono.h"

struct counters;
struct engine;

/*
 * A new object with "ok" (the caller's reference), or NULL when out of
 * memory.  `request` is not looked at.
 */
json_t *status_get(struct engine *engine, const json_t *request);

/* The parts of the file that are not in force: "faults", "needs_restart". */
void status_add_notes(json_t *object, const struct engine *engine);

/* What a site counted: its counters and "drops". */
void status_add_site(json_t *object, const struct counters *counters);

/* A member; the text only if it is not empty, or NULL. */
void status_set(json_t *object, const char *name, json_t *value);
void status_set_number(json_t *object, const char *name, json_int_t value);
void status_set_text(json_t *object, const char *name, const char *text);

json_int_t status_seconds_since(struct mono then);

#endif /* STATUS_H */
