/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_networks: what a site is told of the networks (tun): its addresses, the
 * networks of everybody else, DNS (PROTOCOL 4.7).
 *
 * Of the configuration alone; who is connected does not matter.
 */
#ifndef SITE_NETWORKS_H
#define SITE_NETWORKS_H

#include <stdbool.h>

struct conf;
struct message;

/*
 * Into a welcome or an update, whose owner calls message_fini() whatever comes
 * of it.  Nothing with tap.  False: `site` is not in the configuration, or out
 * of memory.
 */
bool site_networks_fill(const struct conf *conf, const char *site,
    struct message *msg);

/*
 * Whether two configurations tell all sites the same (what is left is a site's
 * own), and whether a site's own is the same.  So after a change no list need be
 * made for sites that it does not concern.
 */
bool site_networks_same(const struct conf *a, const struct conf *b);
bool site_networks_same_own(const struct conf *a, const struct conf *b,
    const char *site);

#endif /* SITE_NETWORKS_H */
