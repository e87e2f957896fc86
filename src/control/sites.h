/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites: what a running server remembers of each site, connected or not.
 *
 * The port number (stable while the server runs, so routes need not change
 * when a site comes and goes), its session, its last address, and how often a
 * login from another address has replaced one.
 */
#ifndef SITES_H
#define SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "conf/conf.h"

struct dataplane;
struct session;

struct site {
	char		       name[CONF_NAME_MAX + 1];
	uint16_t	       port;
	struct session	      *session; /* owned by the server; NULL: none */
	bool		       stale; /* its networks must be sent again */
	char		       last_address[64];
	struct addr	       last_from; /* where a login succeeded */
	char		       last_error[256];
	struct mono	       grace_next; /* admission_came_in()'s */
	/* Logins in a minute that replaced one from another address. */
	struct mono	       contest_start;
	unsigned	       contests;
};

struct sites {
	struct site *v; /* sorted by name */
	size_t	     n;
};

/*
 * Adopts a changed configuration: sites that are removed must have no session;
 * the others keep their state.  Ports are the dataplane's.  Returns 0 or
 * -ENOMEM (nothing changed).
 */
int  sites_reconfigure(struct sites *sites, const struct conf *conf,
    struct dataplane *dataplane);
void sites_fini(struct sites *sites);

/* Borrowed until the next sites_reconfigure(); NULL when there is none. */
struct site *sites_find(const struct sites *sites, const char *name);

/* Whether the last login of `site` (NULL: of none) came from that network. */
bool sites_known_address(const struct site *site, const struct addr *from);

/* Whether that of any site did. */
bool sites_any_known_address(const struct sites *sites,
    const struct addr *from);

/*
 * Records that a login replaced one from another address.  Returns true, once a
 * minute, if that happens so often that two hosts seem to use one invitation.
 */
bool sites_contest(struct site *site, struct mono now);

#endif /* SITES_H */
