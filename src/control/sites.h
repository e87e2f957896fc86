/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites: what a running server remembers of each site, connected or not.
 *
 * The port number (stable while the server runs, so routes need not change
 * when a site comes and goes), its session, where it was last seen, and how
 * often one login has pushed out another.
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
	bool		       stale; /* to be told its networks anew */
	char		       last_address[64];
	struct addr	       last_from; /* where a login succeeded */
	char		       last_error[256];
	struct mono	       grace_next; /* admission_came_in()'s */
	/* Logins that pushed out another address's, in a minute. */
	struct mono	       contest_start;
	unsigned	       contests;
};

struct sites {
	struct site *v; /* sorted by name */
	size_t	     n;
};

/*
 * Follows a changed configuration: sites that are gone must have no session
 * any more; the others keep what they had.  Ports are the dataplane's.  0 or
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
 * Notes that a login pushed out one from another address.  True when that has
 * happened so often that the invitation seems to be used twice; once a minute.
 */
bool sites_contest(struct site *site, struct mono now);

#endif /* SITES_H */
