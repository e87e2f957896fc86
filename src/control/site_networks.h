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
 * of it.  Nothing with tap.  False: `site` is not in the configuration, or there
 * is no memory.
 */
bool site_networks_fill(const struct conf *conf, const char *site,
    struct message *msg);

/*
 * That part of the message, and its times, as text to compare with; the
 * caller's, or NULL.
 */
char *site_networks_print(const struct message *msg);

#endif /* SITE_NETWORKS_H */
