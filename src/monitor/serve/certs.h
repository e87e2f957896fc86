/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certs: the certificates that an engine is given, read from their files.
 *
 * A table in certs.c says which kinds a configuration has, where they lie and
 * which may be missing.  What is missing and may be is empty, or is not sent
 * at all, as proc/request.h says.
 *
 * Nobody here knows what a certificate is.  So a new text is only offered, and
 * the one before it is what the next engine begins with until an engine says
 * that the new one is in force.  The list of revoked certificates is kept over
 * a restart, too: it must not be forgotten because its file is.
 */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proc/request.h"
#include "proc/startup.h"

struct conf;

/* Zeroed is none. */
struct certs {
	struct certs_file {
		struct startup_text now;  /* in force */
		struct startup_text next; /* the file's, if another */
		char why[REQUEST_WHY_SIZE]; /* it cannot be read; or "" */
		struct stat key;  /* of a chain's key, to see it change */
		bool	    news; /* the engine has not been told */
	} of[REQUEST_MATERIALS];
	uint32_t numbers;
	char	*kept; /* the path of the list that is kept; owned, or NULL */
};

/* Once, before anything is read: the list that was kept in `dir`. */
void certs_init(struct certs *certs, const char *dir);
/*
 * Reads the files.  Each by itself: one that cannot be read leaves the others.
 * `why` is a line about the first such, or ""; false when there is one of which
 * there is no earlier text either, and must be.
 */
bool certs_read(struct certs *certs, const struct conf *conf,
    char *why, size_t why_size);
/* Whether all that `conf` names can be read; `why` as above. */
bool certs_can_read(const struct conf *conf, char *why, size_t why_size);
void certs_fini(struct certs *certs);

/* What a new engine begins with, or NULL; borrowed.  The rest is news. */
const struct startup_text *certs_begin(struct certs *certs,
    enum request_material kind);
/* What it has to be told next, once; borrowed. */
bool certs_has_news(struct certs *certs, enum request_material kind,
    struct startup_text *news);
bool certs_any_news(const struct certs *certs);
/* It says that this one is in force. */
void certs_in_force(struct certs *certs, enum request_material kind,
    uint32_t number);

/* Whether the file `name` in the configuration's directory is one of them. */
bool certs_is_file(const struct conf *conf, const char *name);

#endif /* CERTS_H */
