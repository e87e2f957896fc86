/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/site/own_ca.h"
#include "cmd/site/site_file.h"
#include "cmd/site/site_show.h"
#include "cmd/util/edit.h"
#include "cmd/util/file_txn.h"
#include "cmd/util/lines.h"
#include "cmd/util/must.h"

#define SITE_TEXT_MAX ((size_t)1024 * 1024)

/* Changes the text of a site's file. */
typedef bool edit_fn(char **text, const struct options *options);

static edit_fn edit_site, edit_disable, edit_enable;

static bool edit_file(const struct site_job *job, edit_fn *edit,
    struct conf *conf);
static int edit_text(char **text, size_t *len, edit_fn *edit,
    const struct options *options);
static bool edit_list(char **text, const char *key,
    const struct options_list *list);
static bool fits(const struct site_job *job, struct conf *conf,
    const char *text);
static bool remove_files(const struct site_job *job, bool *revoked);
static bool revoke_site(const struct site_job *job);
static bool each_credential(const struct site_job *job,
    int (*act)(const char *path), const char *complaint);
static int touch(const char *path);
static int put_in_front(const char *name, char **text, size_t *len);

int
site_change_set(const struct site_job *job)
{
	const struct options   *options = job->options;
	CONF_AUTO_FREE	       *conf = NULL;
	const struct conf_site *site;
	const char	       *when;

	if (options->default_route && options->no_default_route)
		return options_wrong(job->spec, "--default-route and "
		    "--no-default-route exclude each other");
	if (!options->default_route && !options->no_default_route &&
	    options->addresses.n == 0 && options->subnets.n == 0)
		return options_wrong(job->spec, "there is nothing to set");
	conf = site_job_load(job, CONF_LOAD_LIVE);
	site = conf != NULL ? conf_find_site(conf, job->name) : NULL;
	if (conf != NULL && site == NULL)
		site_job_missing(job);
	/* A faulty site is accepted, because this may fix it. */
	if (site == NULL || !edit_file(job, edit_site, conf) ||
	    !site_job_in_force(job, site->faulty ? NULL : site_show_state(site),
		&when))
		return 1;
	printf("site %s is changed%s%s\n", job->name, when,
	    options->default_route ?
		"; its own tombolo.conf needs accept-default-route = yes" : "");
	return 0;
}

/* Tokens hold the time of the site's credential: touching it ends them. */
int
site_change_disable(const struct site_job *job)
{
	const char *when;
	sigset_t    before;
	bool	    ok, ended;

	file_txn_hold_signals(&before);
	ok = edit_file(job, edit_disable, NULL);
	ended = ok && each_credential(job, touch, "the site is disabled, but "
	    "its tokens will be valid again when it is enabled: ");
	file_txn_release_signals(&before);
	if (!ok || !site_job_in_force(job, "disabled", &when))
		return 1;
	printf("site %s is disabled%s; tombolo site enable %s undoes it\n",
	    job->name, when, job->name);
	return ended ? 0 : 1;
}

/* It must not conflict with what was added meanwhile. */
int
site_change_enable(const struct site_job *job)
{
	CONF_AUTO_FREE *conf = site_job_load(job, CONF_LOAD_LIVE);
	const char     *when;

	if (conf == NULL || site_job_find(job, conf) == NULL ||
	    !edit_file(job, edit_enable, conf) ||
	    !site_job_in_force(job, "enabled", &when))
		return 1;
	printf("site %s is enabled%s\n", job->name, when);
	return 0;
}

int
site_change_remove(const struct site_job *job)
{
	const char *when;
	sigset_t    before;
	bool	    revoked, ok;

	file_txn_hold_signals(&before);
	ok = remove_files(job, &revoked);
	file_txn_release_signals(&before);
	if (!ok || !site_job_in_force(job, "absent", &when))
		return 1;
	printf("site %s is removed%s%s\n", job->name, when,
	    revoked ? "" : ", and its certificate not revoked");
	return revoked ? 0 : 1;
}

/*
 * `conf` must be valid with the change; NULL: unchecked.  False after a line
 * that says why.
 */
static bool
edit_file(const struct site_job *job, edit_fn *edit, struct conf *conf)
{
	char	  below[SITE_FILE_MAX];
	AUTO_FREE char *path = must(file_join(job->options->dir,
	    site_file_conf(below, sizeof(below), job->name)));
	AUTO_FREE char *text = NULL;
	size_t	  len;
	sigset_t  before;
	int	  r = file_read(path, SITE_TEXT_MAX, &text, &len);

	if (r == 0)
		r = edit_text(&text, &len, edit, job->options);
	if (r == 0 && conf != NULL && !fits(job, conf, text))
		return false;
	if (r == -EINVAL && conf == NULL)
		r = put_in_front(job->name, &text, &len);
	file_txn_hold_signals(&before);
	if (r == 0)
		r = file_write(path, text, len, 0644, (uid_t)-1, (gid_t)-1);
	file_txn_release_signals(&before);
	if (r == -ENOENT)
		site_job_missing(job);
	else if (r < 0)
		log_warnx("%s: %s: %s%s", job->who, below, text_explain(r),
		    conf != NULL ? "" :
		    r == -ENOSPC || r == -EDQUOT ?
			"; tombolo site remove works without free space, "
			"tombolo kick ends its session" :
			"; tombolo kick ends its session");
	return r == 0;
}

static int
edit_text(char **text, size_t *len, edit_fn *edit,
    const struct options *options)
{
	int r = text_normalize(*text, len);

	if (r == 0 && memchr(*text, '\0', *len) != NULL)
		r = -EPROTO;
	else if (r == 0 && !edit(text, options))
		r = -EINVAL;
	if (r == 0)
		*len = strlen(*text);
	return r;
}

static bool
edit_site(char **text, const struct options *options)
{
	const char *const yes = "yes";

	return edit_list(text, "address", &options->addresses) &&
	    edit_list(text, "subnet", &options->subnets) &&
	    (!(options->default_route || options->no_default_route) ||
		edit_set(text, "site", "default-route", &yes,
		    options->default_route ? 1 : 0));
}

static bool
edit_disable(char **text, const struct options *options)
{
	const char *const yes = "yes";

	return edit_set(text, "site", "disabled", &yes, 1);
}

static bool
edit_enable(char **text, const struct options *options)
{
	return edit_set(text, "site", "disabled", NULL, 0);
}

static bool
edit_list(char **text, const char *key, const struct options_list *list)
{
	bool none = list->n == 1 && strcmp(list->v[0], "none") == 0;

	return list->n == 0 ||
	    edit_set(text, "site", key, list->v, none ? 0 : list->n);
}

/* True if the configuration is valid with that text of the site. */
static bool
fits(const struct site_job *job, struct conf *conf, const char *text)
{
	struct conf_site *site = (struct conf_site *)(uintptr_t)conf_find_site(
	    conf, job->name);
	struct conf_site *last = &conf->sites[conf->nsites - 1], swap = *site;
	CONF_AUTO_FREE	 *after = NULL;
	struct lines	  lines;

	*site = *last;
	*last = swap;
	conf->nsites--;
	conf_print(lines_begin(&lines), conf);
	conf->nsites++;
	fputs(text, lines.out);
	after = lines_check(&lines, job->who, conf->dir);
	return after != NULL;
}

/*
 * Revokes the certificate first, so that nobody can log in with it when a site
 * of that name is added again; then removes the site, without which a password
 * is useless.
 */
static bool
remove_files(const struct site_job *job, bool *revoked)
{
	char below[SITE_FILE_MAX];
	AUTO_FREE char *path = must(file_join(job->options->dir,
	    site_file_conf(below, sizeof(below), job->name)));

	*revoked = access(path, F_OK) != 0 || revoke_site(job);
	if (unlink(path) == 0)
		return each_credential(job, unlink,
		    "the site is removed, but not ");
	if (errno == ENOENT)
		site_job_missing(job);
	else
		log_warn("%s: %s", job->who, below);
	return false;
}

/* If the configuration cannot be read, the list is at its default path. */
static bool
revoke_site(const struct site_job *job)
{
	AUTO_FREE char *path = options_config(job->options);
	CONF_AUTO_FREE *conf = options_try(path, CONF_LOAD_ANY);

	return own_ca_revoke(job->options,
	    conf != NULL && conf->role == CONF_SERVER ? conf : NULL, job->name,
	    job->who);
}

/*
 * Handles the files of every method, because the site may have had another one;
 * and the generation of the pre-shared key.  `act` returns 0, or -1 with errno.
 * False if one failed, after a line with `complaint` and the file.
 */
static bool
each_credential(const struct site_job *job, int (*act)(const char *path),
    const char *complaint)
{
	char below[SITE_FILE_MAX];
	bool ok = true;

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		AUTO_FREE char *path = NULL;

		if (i == CONF_AUTH_CERTIFICATE)
			site_file_psk(below, sizeof(below), job->name);
		else
			site_file_credential(below, sizeof(below), job->name,
			    (enum conf_auth)i);
		path = file_join(job->options->dir, below);
		if (path == NULL || (act(path) == -1 && errno != ENOENT)) {
			log_warn("%s: %s%s", job->who, complaint, below);
			ok = false;
		}
	}
	return ok;
}

static int
touch(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Works on a file with errors, too: the site may have to be locked out. */
static int
put_in_front(const char *name, char **text, size_t *len)
{
	char *out;
	int   n = asprintf(&out, "[site %s]\ndisabled = yes\n%.*s", name,
	      (int)*len, *text);

	if (n == -1)
		return -ENOMEM;
	free(*text);
	*text = out;
	*len = (size_t)n;
	return 0;
}
