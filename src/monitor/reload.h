/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: another configuration, while the daemon runs.
 *
 * The main file is checked whole before anything of it is taken: with a fault
 * in it, or a certificate that cannot be read, the old one stays.  Then its live
 * keys (conf_keys.c says which) and the sites go to network and engine.  Sites
 * are taken in any case, each by itself: nobody stays in because of a fault
 * elsewhere; so is what can be read of the certificates.  Sessions that none of
 * it is about go on.
 *
 * What is not in force is in the configuration, too (conf->faults, waiting), so
 * that the engine can tell.  The text of conf_print() is what the engine gets
 * and what is compared: same text, nothing has changed.
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
	RELOAD_SITES, /* what is noticed by itself: sites, auth, certificates */
	RELOAD_ALL,   /* an administrator asked */
};

/* What the daemon runs with; the pointers are into its owner. */
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

/* conf_print() into a new string.  False, and logged, when it is too large. */
bool reload_print(const struct conf *conf, char **text, size_t *len);

/* Adds sites that cannot log in because their file is missing to its faults. */
void reload_note_credentials(struct conf *conf);

/*
 * Reads the files and takes what may be taken.  All that matters is logged;
 * false when nothing was, for want of memory, or because it is too large.
 */
bool reload_take(struct reload *reload, enum reload_scope scope);

#endif /* RELOAD_H */
