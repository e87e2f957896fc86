/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_networks: the networks that are sent to a site (tun): its addresses, the
 * networks of all others, DNS (PROTOCOL 4.7).
 *
 * They depend on the configuration only, not on who is connected.
 */
#ifndef SITE_NETWORKS_H
#define SITE_NETWORKS_H

#include <stdbool.h>

struct conf;
struct message;

/*
 * Fills a welcome or an update, whose owner calls message_fini() in any case.
 * Does nothing with tap.  Returns false if `site` is not in the configuration,
 * or when out of memory.
 */
bool site_networks_fill(const struct conf *conf, const char *site,
    struct message *msg);

/*
 * Whether two configurations have the same networks for all sites, except each
 * site's own; and whether a site's own are the same.  So a change makes new
 * lists only for the sites that it concerns.
 */
bool site_networks_same(const struct conf *a, const struct conf *b);
bool site_networks_same_own(const struct conf *a, const struct conf *b,
    const char *site);

#endif /* SITE_NETWORKS_H */
