/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats: what the daemon is doing, as JSON (the members are in tombolo(8)).
 *
 * Each returns a new object with "ok" (the caller's reference), or NULL when
 * there is no memory.  `request` is not looked at.
 */
#ifndef STATS_H
#define STATS_H

#include <jansson.h>

struct engine;

json_t *stats_status(struct engine *engine, const json_t *request);
json_t *stats_sites(struct engine *engine, const json_t *request);
json_t *stats_fdb(struct engine *engine, const json_t *request);
json_t *stats_routes(struct engine *engine, const json_t *request);

/* What of the configuration on disk is not in force: "faults", "needs_restart". */
void stats_add_notes(json_t *object, const struct engine *engine);

#endif /* STATS_H */
