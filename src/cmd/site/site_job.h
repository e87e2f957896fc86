/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_job: what a subcommand of `site` is to do, and what they all need: the
 * configuration, one site of it, and the daemon's word that a change is in
 * force.
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
	const char		  *who;	 /* the command: how lines begin */
	const char		  *name; /* a valid one, or NULL */
};

/* Returns the exit status. */
typedef int site_job_fn(const struct site_job *job);

/*
 * The configuration, if it is a hub's, or NULL after a line.  Faults in other
 * sites' files do not matter here, and with CONF_LOAD_ANY no others either.
 */
struct conf *site_job_load(const struct site_job *job, enum conf_load how);

/* The site, unless its file is faulty; or NULL after a line. */
const struct conf_site *site_job_find(const struct site_job *job,
    const struct conf *conf);

/* One line: there is no such site. */
void site_job_missing(const struct site_job *job);

/*
 * Makes the daemon read the files.  `site` NULL: none in particular.  Returns
 * 1 and its answer; 0 if no daemon runs; or a negative errno value, -ENOTCONN
 * if the one at the socket has another configuration.
 */
int site_job_sync(const struct options *options, const char *site,
    json_t **answer);

/*
 * Whether what is on disk is in force.  `want` is the state of the site then,
 * NULL: any.  True, and `*when`, also if there is no daemon; false after a line
 * that says why.
 */
bool site_job_in_force(const struct site_job *job, const char *want,
    const char **when);

/* The same, and says when it takes effect; the exit status. */
int site_job_say_when(const struct site_job *job, const char *want);

#endif /* SITE_JOB_H */
