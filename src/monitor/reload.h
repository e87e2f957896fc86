/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: applies a changed configuration to the running daemon.
 *
 * The main file is checked as a whole.  If it has an error, or names a
 * certificate that cannot be read, its previous version stays in force;
 * otherwise its live keys (conf_keys.c says which) are applied.  Changes to
 * sites are applied in any case, each on its own, so that an error elsewhere
 * does not keep a removed site connected; so are certificates that can be read.
 * Sessions that are not affected go on.
 *
 * What is on disk but not in force is recorded in the configuration
 * (conf->faults, conf->waiting), for status.  The engine gets the text of
 * conf_print(); if this text is the same as before, nothing has changed.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct children;
struct conf;
struct certs;
struct network;

enum reload_scope {
	RELOAD_SITES, /* changes that are noticed: sites, auth, certificates */
	RELOAD_ALL,   /* an administrator asked */
};

/* The configuration in force; the pointers are into its owner. */
struct reload {
	const char	 *path;
	int		  log_level; /* of the command line; -1: the file's */
	struct conf	**conf;
	char		**text; /* conf_print() of it */
	struct certs	 *certs;
	struct network	 *network;
	struct children	 *children; /* its startup has the text, too */
};

#define RELOAD_WHY_SIZE 512

/*
 * conf_print() into a new string.  False, after a line in the log, if it is too
 * large.
 */
bool reload_print(const struct conf *conf, char **text, size_t *len);

/*
 * Adds to conf->faults: each site that cannot log in because its credential file
 * is missing, and each credential file that is not used because others may read
 * it.
 */
void reload_note_credentials(struct conf *conf);

/*
 * Reads the files and applies what can be applied; logs what matters.  False if
 * nothing was applied, because the text is too large or memory is out.
 */
bool reload_take(struct reload *reload, enum reload_scope scope);

#endif /* RELOAD_H */
