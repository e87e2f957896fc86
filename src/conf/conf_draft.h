/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_draft: a configuration in the making: what was said so far, and where.
 *
 * conf_parse.c fills it in, conf_check.c and conf_check_sites.c complain about
 * it, conf.c does so for all files.
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
	unsigned	       section_line; /* tells sites apart */
	unsigned	       line;
};

struct conf_draft {
	struct conf	    *conf; /* owned until conf_draft_finish() */
	struct conf_errors  *errors;
	struct conf_errors  *site_errors; /* of sites' files; the same if any
				is the whole's */
	bool		     any; /* it is wanted in spite of all complaints */
	const struct conf   *running; /* what sites are when theirs is faulty */
	const char	    *file; /* of the main file */
	unsigned	     section_line[CONF_SECTIONS]; /* 0: not there */
	struct conf_mention *mentions;
	size_t		     nmentions;
};

/* What a text may hold. */
enum conf_part { CONF_PART_WHOLE, CONF_PART_MAIN, CONF_PART_SITE };

/* False when there is no memory; that was said. */
bool conf_draft_init(struct conf_draft *draft, const char *dir,
    const char *file, struct conf_errors *errors);
/*
 * Reads one file's text; every complaint goes to the draft's errors.  `name`
 * is the file, for messages; for CONF_PART_SITE `site` is the name it must have.
 */
void conf_parse(struct conf_draft *draft, enum conf_part part,
    const char *text, size_t len, const char *name, const char *site);
/* The site's file is faulty: it is what it was, or just known by its name. */
void conf_draft_fall_back(struct conf_draft *draft, const char *name,
    const char *path, bool disabled);
/* Whether a site is another than in `running`. */
bool conf_draft_is_changed(const struct conf_draft *draft,
    const struct conf_site *site);
/* Fills in what depends on other keys, checks; NULL after any complaint. */
struct conf *conf_draft_finish(struct conf_draft *draft);

/* Whether any line has the key, even with a value that was refused. */
bool conf_draft_says(const struct conf_draft *draft,
    const struct conf_key *key);

/* A site more; NULL when there is no memory. */
struct conf_site *conf_draft_add_site(struct conf_draft *draft,
    const char *name, const char *file, unsigned line);
/* What it owns. */
void conf_draft_free_site(struct conf_site *site);

/*
 * Remembers where a value stands; `mention` is copied.  False when there is no
 * memory.
 */
bool conf_draft_remember(struct conf_draft *draft,
    const struct conf_mention *mention);

/* NULL when the file does not say it.  `site` NULL: a key outside [site]. */
const struct conf_mention *conf_draft_find(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);

/* 0 when it is a default; a site's is at least its section's. */
unsigned conf_draft_line(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);

/* A complaint about a site's key, or with NULL about one outside [site]. */
void conf_draft_complain(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item,
    const char *fmt, ...) __attribute__((__format__(printf, 5, 6)));

/* The site is wrong; but if it is as it was, the rest has become so. */
struct conf_errors *conf_draft_blame(const struct conf_draft *draft,
    const struct conf_site *site);

/* What only makes sense together: conf_check.c, conf_check_sites.c. */
void conf_check(const struct conf_draft *draft);
void conf_check_sites(const struct conf_draft *draft);

#endif /* CONF_DRAFT_H */
