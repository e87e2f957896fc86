/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certs: reads the certificates for the engine from their files.
 *
 * A table in certs.c says which kinds a configuration has, where their files
 * are and which may be missing.  A file that may be missing, and is, gives an
 * empty text, or nothing is sent, see proc/request.h.
 *
 * The monitor does not parse certificates.  It offers a new text to the engine,
 * and keeps the previous one for the next engine until the engine reports that
 * the new one is in force.  The list of revoked certificates is also kept over
 * a restart, so that it stays in force if its file is lost.
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

/* Zeroed storage has no certificates. */
struct certs {
	struct certs_file {
		struct startup_text now;  /* in force */
		struct startup_text next; /* of the file, if it differs */
		char why[REQUEST_WHY_SIZE]; /* why it cannot be read; or "" */
		struct stat key;  /* of the chain's key, to notice changes */
		bool	    news; /* not sent to the engine yet */
	} of[REQUEST_CERTS_KINDS];
	uint32_t numbers;
	char	*kept; /* the path of the list that is kept; owned, or NULL */
};

/* Call it once, before anything is read: loads the list stored in `dir`. */
void certs_init(struct certs *certs, const char *dir);
/*
 * Reads each file on its own: one that cannot be read does not affect the
 * others.  `why` is a line about the first that cannot be read, or "".  False
 * if a required one cannot be read and there is no previous text.
 */
bool certs_read(struct certs *certs, const struct conf *conf,
    char *why, size_t why_size);
/* Whether all that `conf` names can be read; `why` as above. */
bool certs_can_read(const struct conf *conf, char *why, size_t why_size);
void certs_fini(struct certs *certs);

/* What a new engine starts with, or NULL; borrowed.  The rest is news. */
const struct startup_text *certs_begin(struct certs *certs,
    enum request_certs kind);
/* The next text to send to the engine; each only once; borrowed. */
bool certs_has_news(struct certs *certs, enum request_certs kind,
    struct startup_text *news);
bool certs_any_news(const struct certs *certs);
/* The engine reports that this one is in force. */
void certs_in_force(struct certs *certs, enum request_certs kind,
    uint32_t number);

/* Whether the file `name` in the configuration's directory is one of them. */
bool certs_is_file(const struct conf *conf, const char *name);

#endif /* CERTS_H */
