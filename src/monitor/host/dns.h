/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns: tells this host's resolver of the DNS servers behind the tunnel.
 *
 * By `resolvectl` where systemd-resolved runs, else by `resolvconf`; where
 * there is neither, a line in the log says so and /etc/resolv.conf is left
 * alone.  Both are programs: they are started without a shell, from fixed
 * directories, with an environment of ours, and ended when they take long.
 * The loop goes on meanwhile; only the end waits.
 *
 * What resolved was told goes with our device; what resolvconf was told is in
 * the journal.
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "proc/request.h"

#define DNS_RECORD_SIZE 20 /* "tun." and a device */

struct dns;
struct journal;

struct dns_list {
	struct addr servers[CONF_MAX_DNS];
	size_t	    nservers;
	char	    domains[CONF_MAX_DOMAINS][CONF_DOMAIN_MAX + 1];
	size_t	    ndomains;
	bool	    all; /* they are asked for every name, and nobody else is */
};

/*
 * Starts nothing yet.  Uses libev's default loop, the only one that children
 * are seen in.  `journal` is borrowed.  `on_state`: dns_state() may be another
 * one.  NULL when there is no memory.
 */
struct dns *dns_new(struct journal *journal, const char *device,
    void (*on_state)(void *arg), void *arg);
/* Ends what runs; does not unset: journal and device do. NULL is fine. */
void dns_free(struct dns *dns);

/*
 * From now on this list (copied; vetted by vet_dns()), without a server: none.
 * What is set already is not set again.
 */
void dns_set(struct dns *dns, const struct dns_list *list);
void dns_unset(struct dns *dns);

enum request_dns dns_state(const struct dns *dns);

/* For the journal: may it be a record's name, and away with it (it waits). */
bool dns_is_record(const char *record);
void dns_remove_record(const char *record);

#endif /* DNS_H */
