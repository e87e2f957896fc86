/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_job: what all subcommands of `site` need: the configuration, one of its
 * sites, and the daemon's confirmation that a change is in force.
 */
#ifndef SITE_JOB_H
#define SITE_JOB_H

#include <stdbool.h>

#include <jansson.h>

#include "cmd/util/options.h"

/* Runs with the directory locked. */
struct site_job {
	const struct options	  *options;
	const struct options_spec *spec;
	const char		  *who;	 /* the command, which begins lines on stderr */
	const char		  *name; /* a valid one, or NULL */
};

/* Returns the exit status. */
typedef int site_job_fn(const struct site_job *job);

/*
 * Loads the configuration, if it is a hub's; NULL after a line on stderr.
 * Errors in other sites' files are ignored; with CONF_LOAD_ANY, all errors are.
 */
struct conf *site_job_load(const struct site_job *job, enum conf_load how);

/* Finds the site, unless its file has errors; NULL after a line on stderr. */
const struct conf_site *site_job_find(const struct site_job *job,
    const struct conf *conf);

/* Prints that there is no such site. */
void site_job_missing(const struct site_job *job);

/*
 * Makes the daemon read the files; `site` NULL: no particular site.  Returns 1
 * and its answer; 0 if no daemon runs; or a negative errno value, -ENOTCONN if
 * the daemon at the socket has another configuration.
 */
int site_job_sync(const struct options *options, const char *site,
    json_t **answer);

/*
 * Checks that the files are in force.  `want` is the state that the site must
 * have; NULL: any.  True, with `*when`, also if no daemon runs; false after a
 * line that says why.
 */
bool site_job_in_force(const struct site_job *job, const char *want,
    const char **when);

/* The same; prints when it takes effect and returns the exit status. */
int site_job_say_when(const struct site_job *job, const char *want);

#endif /* SITE_JOB_H */
