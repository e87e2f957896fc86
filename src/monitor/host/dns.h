/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns: configures this host's resolver to use the DNS servers that the hub
 * assigned.
 *
 * Uses `resolvectl` if systemd-resolved is running, otherwise `resolvconf`.  If
 * there is neither, it logs that, and /etc/resolv.conf is not changed.  Both
 * programs are started without a shell, from fixed directories, with an
 * environment of ours, and killed if they take too long.  The event loop does
 * not wait for them, except when the daemon stops.
 *
 * systemd-resolved forgets the servers when the device is removed; the record
 * of resolvconf is in the journal.
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
	bool	    all; /* ask only these servers, for all names */
};

/*
 * Starts no program yet.  Uses libev's default loop, the only one that watches
 * child processes.  `journal` is borrowed.  `on_state` is called when
 * dns_state() may have changed.  NULL: out of memory.
 */
struct dns *dns_new(struct journal *journal, const char *device,
    void (*on_state)(void *arg), void *arg);
/*
 * Kills a running program.  Does not unset the servers: journal and device do.
 * NULL is fine.
 */
void dns_free(struct dns *dns);

/*
 * Sets these servers (copied; checked by vet_dns()); an empty list unsets them.
 * What is set already is set again: the tool may have forgotten it, and does not
 * tell.
 */
void dns_set(struct dns *dns, const struct dns_list *list);
void dns_unset(struct dns *dns);

enum request_dns dns_state(const struct dns *dns);

/*
 * For the journal: whether this can be the name of a record; and its removal,
 * which blocks.
 */
bool dns_is_record(const char *record);
void dns_remove_record(const char *record);

#endif /* DNS_H */
