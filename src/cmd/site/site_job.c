/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "cmd/util/admin_call.h"
#include "cmd/util/json_field.h"

struct conf *
site_job_load(const struct site_job *job, enum conf_load how)
{
	AUTO_FREE char *path = options_config(job->options);
	struct conf    *conf = how == CONF_LOAD_ANY ? options_try(path, how) :
						       NULL;

	if (conf == NULL)
		conf = options_load(path, how);
	/*
	 * A command that needs more than CONF_LOAD_ANY was to change something.
	 */
	if (conf == NULL && how == CONF_LOAD_LIVE)
		log_warnx("%s: nothing is changed", job->who);
	if (conf == NULL || conf->role == CONF_SERVER)
		return conf;
	log_warnx("%s: %s is a site's; sites are managed at the hub", job->who,
	    path);
	conf_free(conf);
	return NULL;
}

const struct conf_site *
site_job_find(const struct site_job *job, const struct conf *conf)
{
	const struct conf_site *site = conf_find_site(conf, job->name);

	if (site == NULL)
		site_job_missing(job);
	if (site == NULL || !site->faulty)
		return site;
	for (size_t i = 0; i < conf->faults.n; i++)
		log_warnx("%s: %s", job->who, conf->faults.v[i]);
	return NULL;
}

void
site_job_missing(const struct site_job *job)
{
	log_warnx("%s: there is no site %s; see tombolo site list", job->who,
	    job->name);
}

int
site_job_sync(const struct options *options, const char *site, json_t **answer)
{
	AUTO_FREE char *path = options_socket(options);
	int		r;

	*answer = NULL;
	if (path == NULL)
		return -ENOTCONN;
	r = admin_call(path, json_pack("{s:s,s:s*}", "command", "sync", "site",
	    site), answer);
	return r == -ENOENT || r == -ECONNREFUSED ? 0 : r == 0 ? 1 : r;
}

bool
site_job_in_force(const struct site_job *job, const char *want,
    const char **when)
{
	json_auto_t *answer = NULL;
	int	     r = site_job_sync(job->options, job->name, &answer);
	const char  *state = json_field_text(answer, "site");
	const char  *error = json_field_text(answer, "error");
	json_t	    *faults = json_object_get(answer, "faults");

	*when = r != 0 ? "" :
	    "; no daemon is running: it takes effect at the next start";
	if (r == 0 || (r == 1 && state != NULL &&
	    (want == NULL || strcmp(state, want) == 0)))
		return true;
	if (r < 0)
		log_warnx("%s: site %s: written, but the daemon does not say "
		    "whether it is in force: %s; see tombolo reload",
		    job->who, job->name, r == -ENOTCONN ?
			"it belongs to another configuration" : strerror(-r));
	else
		log_warnx("%s: site %s: written, but not in force%s%s",
		    job->who, job->name, error != NULL ? ": " : "",
		    error != NULL ? error : "");
	for (size_t i = 0; i < json_array_size(faults); i++)
		log_warnx("%s: %s", job->who,
		    json_string_value(json_array_get(faults, i)));
	return false;
}

int
site_job_say_when(const struct site_job *job, const char *want)
{
	const char *when;

	if (!site_job_in_force(job, want, &when))
		return 1;
	if (*when != '\0')
		printf("%s\n", when + strlen("; "));
	return 0;
}
