/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_draft: a configuration while it is read: the values so far, and their
 * lines.
 *
 * conf_parse.c fills it, conf_check.c and conf_check_sites.c report errors
 * about it, conf.c does so for all files.
 */
#ifndef CONF_DRAFT_H
#define CONF_DRAFT_H

#include "conf/conf_keys.h"

/* Strings are borrowed from the caller (`file`) and from conf (its sites'). */
#define CONF_REFUSED SIZE_MAX

struct conf_mention {
	const struct conf_key *key;
	size_t		       item; /* of a list; or CONF_REFUSED */
	const char	      *file;
	unsigned	       section_line; /* identifies the site */
	unsigned	       line;
};

struct conf_draft {
	struct conf	    *conf; /* owned until conf_draft_finish() */
	struct conf_errors  *errors;
	struct conf_errors  *site_errors; /* of sites' files */
	bool		     any; /* to be returned in spite of errors */
	const struct conf   *running; /* for sites with a faulty file */
	const char	    *file; /* of the main file */
	unsigned	     section_line[CONF_SECTIONS]; /* 0: none */
	struct conf_mention *mentions;
	size_t		     nmentions;
};

/* What a text may contain. */
enum conf_part { CONF_PART_WHOLE, CONF_PART_MAIN, CONF_PART_SITE };

/* False: out of memory, which was reported. */
bool conf_draft_init(struct conf_draft *draft, const char *dir,
    const char *file, struct conf_errors *errors);
/*
 * Reads the text of one file; every error goes to the draft's errors.  `name`
 * is the file, for messages; for CONF_PART_SITE, `site` is the name that it
 * must have.
 */
void conf_parse(struct conf_draft *draft, enum conf_part part,
    const char *text, size_t len, const char *name, const char *site);
/* The site's file has an error: uses its previous values, or only its name. */
void conf_draft_fall_back(struct conf_draft *draft, const char *name,
    const char *path, bool disabled);
/* Whether a site differs from that in `running`. */
bool conf_draft_is_changed(const struct conf_draft *draft,
    const struct conf_site *site);
/* Sets defaults that depend on other keys, and checks; NULL after any error. */
struct conf *conf_draft_finish(struct conf_draft *draft);

/* Whether any line has the key, even with a value that was refused. */
bool conf_draft_says(const struct conf_draft *draft,
    const struct conf_key *key);

/* Adds a site; NULL: out of memory. */
struct conf_site *conf_draft_add_site(struct conf_draft *draft,
    const char *name, const char *file, unsigned line);
/* Frees what it owns. */
void conf_draft_free_site(struct conf_site *site);

/* Records the line of a value; `mention` is copied.  False: out of memory. */
bool conf_draft_remember(struct conf_draft *draft,
    const struct conf_mention *mention);

/* NULL: the file does not have it.  `site` NULL: a key outside [site]. */
const struct conf_mention *conf_draft_find(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);

/* 0 if it is a default; for a site, at least the line of its section. */
unsigned conf_draft_line(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);

/*
 * Reports an error about a site's key, or with NULL about one outside [site].
 */
void conf_draft_complain(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item,
    const char *fmt, ...) __attribute__((__format__(printf, 5, 6)));

/*
 * The site is wrong; if it has not changed, the rest of the configuration is.
 */
struct conf_errors *conf_draft_blame(const struct conf_draft *draft,
    const struct conf_site *site);

/* Checks of several keys together: conf_check.c, conf_check_sites.c. */
void conf_check(const struct conf_draft *draft);
void conf_check_sites(const struct conf_draft *draft);

#endif /* CONF_DRAFT_H */
