/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listings: lists of sites, addresses and routes, as JSON (tombolo(8) has the
 * members).
 *
 * Each returns a new object with "ok" (the caller's reference), or NULL when
 * out of memory.  `request` is not looked at.
 */
#ifndef LISTINGS_H
#define LISTINGS_H

#include <jansson.h>

struct engine;

json_t *listings_sites(struct engine *engine, const json_t *request);
json_t *listings_fdb(struct engine *engine, const json_t *request);
json_t *listings_routes(struct engine *engine, const json_t *request);

#endif /* LISTINGS_H */
