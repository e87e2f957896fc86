/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "conf/conf_draft.h"
#include "conf/conf_socket.h"
#include "conf/conf_types.h"

#define FILE_MAX_LEN ((size_t)1024 * 1024)
#define SUFFIX	     ".conf"

static char *directory_of(const char *path);
static void  load_sites(struct conf_draft *draft);
static void  keep_sites(struct conf_draft *draft);
static void  load_site(struct conf_draft *draft, const char *path,
     const char *file_name);
static char *load_file(struct conf_draft *draft, enum conf_part part,
    const char *path, const char *site, size_t *len);
static bool  is_disabled(char *text, size_t len);
static bool  is_yes(const char *value);
static void  note_fault(void *arg, const char *text);
static int   is_site_file(const struct dirent *entry);

struct conf *
conf_load(const char *path, enum conf_load how, struct conf_errors *errors)
{
	struct conf_draft  draft;
	struct conf_errors site_errors = { .say = note_fault, .arg = &draft };
	AUTO_FREE char	  *dir = directory_of(path);
	size_t		   len;

	errors->n = 0;
	if (dir == NULL) {
		conf_complain(errors, path, 0,
		    "cannot be read: %s; create one with tombolo init or "
		    "tombolo join", strerror(errno));
		return NULL;
	}
	if (!conf_draft_init(&draft, dir, path, errors))
		return NULL;
	draft.any = how == CONF_LOAD_ANY;
	if (how == CONF_LOAD_LIVE || how == CONF_LOAD_ANY)
		draft.site_errors = &site_errors;
	free(load_file(&draft, CONF_PART_MAIN, path, NULL, &len));
	if (how != CONF_LOAD_MAIN && (draft.section_line[CONF_IN_SERVER] != 0 ||
	    (how == CONF_LOAD_ANY && draft.section_line[CONF_IN_CLIENT] == 0)))
		load_sites(&draft);
	return conf_draft_finish(&draft);
}

struct conf *
conf_load_sites(const char *text, size_t len, const char *path,
    const char *dir, const struct conf *running, struct conf_errors *errors)
{
	struct conf_draft  draft;
	struct conf_errors site_errors = { .say = note_fault, .arg = &draft };

	errors->n = 0;
	if (!conf_draft_init(&draft, dir, path, errors))
		return NULL;
	draft.site_errors = &site_errors;
	draft.running = running;
	conf_parse(&draft, CONF_PART_WHOLE, text, len, path, NULL);
	if (draft.section_line[CONF_IN_SERVER] != 0)
		load_sites(&draft);
	return conf_draft_finish(&draft);
}

struct conf *
conf_parse_text(const char *text, size_t len, const char *name, const char *dir,
    struct conf_errors *errors)
{
	struct conf_draft draft;

	errors->n = 0;
	if (!conf_draft_init(&draft, dir, name, errors))
		return NULL;
	conf_parse(&draft, CONF_PART_WHOLE, text, len, name, NULL);
	return conf_draft_finish(&draft);
}

/* Hostile text cannot make endless output: the last one says that it stops. */
void
conf_complain(struct conf_errors *errors, const char *file, unsigned line,
    const char *fmt, ...)
{
	char	what[768], text[1536], clean[3072];
	va_list ap;

	if (errors->n++ >= CONF_MAX_COMPLAINTS)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (errors->n == CONF_MAX_COMPLAINTS)
		snprintf(what, sizeof(what),
		    "and more errors; fix these first");
	if (line > 0)
		snprintf(text, sizeof(text), "%.600s:%u: %s", file, line, what);
	else
		snprintf(text, sizeof(text), "%.600s: %s", file, what);
	log_escape(clean, sizeof(clean), text, strlen(text));
	if (errors->say != NULL)
		errors->say(errors->arg, clean);
}

void
conf_names_add(struct conf_names *names, const char *text)
{
	char  *copy = strndup(text, CONF_NOTE_MAX);
	char **bigger = copy == NULL ? NULL :
	    reallocarray(names->v, names->n + 1, sizeof(*bigger));

	if (bigger == NULL) {
		free(copy);
		return;
	}
	names->v = bigger;
	names->v[names->n++] = copy;
}

bool
conf_names_has(const struct conf_names *names, const char *text)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], text) == 0)
			return true;
	}
	return false;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->nsites; i++)
		conf_draft_free_site(&conf->sites[i]);
	free(conf->sites);
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		if (conf_keys[i].section != CONF_IN_SITE)
			conf_types_free(&conf_keys[i], conf);
	}
	conf_names_free(&conf->faults);
	conf_names_free(&conf->waiting);
	free(conf->dir);
	free(conf);
}

void
conf_names_free(struct conf_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

const struct conf_site *
conf_find_site(const struct conf *conf, const char *name)
{
	size_t low = 0, high = conf->nsites;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int    order = strcmp(name, conf->sites[middle].name);

		if (order == 0)
			return &conf->sites[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool
conf_is_site_name(const char *name)
{
	size_t len = strlen(name);

	/* It becomes a file's name: no slash, no dot in front. */
	return len > 0 && len <= CONF_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len &&
	    strchr("._-", name[0]) == NULL;
}

bool
conf_is_site_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(SUFFIX) &&
	    strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

uint16_t
conf_listen_port(const struct conf *conf, const struct conf_listen *listen)
{
	return listen->port != 0 ? listen->port : conf->port;
}

bool
conf_is_domain(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > CONF_DOMAIN_MAX)
		return false;
	for (;;) {
		size_t label = strspn(name, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

		if (label == 0 || label > 63 || name[0] == '-' ||
		    name[label - 1] == '-')
			return false;
		if (name[label] == '\0')
			return true;
		if (name[label] != '.')
			return false;
		name += label + 1;
	}
}

bool
conf_accepts_dns(const struct conf *conf)
{
	if (conf->accept_dns == CONF_AUTO)
		return conf->accept_default_route;
	return conf->accept_dns == CONF_YES;
}

uint32_t
conf_mark(const struct conf *conf)
{
	return conf->role == CONF_CLIENT && conf->mode == CONF_TUN &&
		conf->accept_default_route ?
	    conf->mark.value :
	    0;
}

unsigned
conf_workers(const struct conf *conf)
{
	long cpus;

	if (conf->workers != 0)
		return conf->workers;
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus < 1)
		return 1;
	return cpus > CONF_MAX_WORKERS ? CONF_MAX_WORKERS : (unsigned)cpus;
}

unsigned
conf_default_auths(void)
{
	unsigned    auths = 0;
	const char *why;

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		if (i != CONF_AUTH_TLS_SRP &&
		    conf_auth_is_built((enum conf_auth)i, &why))
			auths |= CONF_AUTH_BIT(i);
	}
	return auths;
}

bool
conf_auth_is_built(enum conf_auth auth, const char **why)
{
	*why = NULL;
#ifndef HAVE_TLS_SRP
	if (auth == CONF_AUTH_TLS_SRP)
		*why = "this build's GnuTLS has no TLS-SRP; use srp";
#endif
#ifndef HAVE_PAM
	if (auth == CONF_AUTH_PAM)
		*why = "this build has no PAM; use srp or password";
#endif
	return *why == NULL;
}

struct prefix
conf_server_address(const struct prefix *tunnel_network)
{
	struct prefix address = prefix_network(tunnel_network);

	addr_next(&address.addr);
	return address;
}

/* Absolute; the caller frees.  NULL with errno set when there is none. */
static char *
directory_of(const char *path)
{
	AUTO_FREE char *copy = strdup(path);

	return copy != NULL ? realpath(dirname(copy), NULL) : NULL;
}

/*
 * No directory is no sites, but for a daemon that has some: it may be about to
 * be another one.
 */
static void
load_sites(struct conf_draft *draft)
{
	AUTO_FREE char *dir = file_join(draft->conf->dir, CONF_SITES_DIR);
	AUTO_FREE struct dirent **entries = NULL;
	int n;

	if (dir == NULL) {
		conf_complain(draft->errors, draft->file, 0, "out of memory");
		return;
	}
	n = scandir(dir, &entries, is_site_file, alphasort);
	if (n == -1 && (errno != ENOENT || (draft->running != NULL &&
	    draft->running->nsites > 0))) {
		conf_complain(draft->site_errors, dir, 0, "cannot be read: %s",
		    strerror(errno));
		keep_sites(draft);
	}
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = file_join(dir, entries[i]->d_name);

		if (path == NULL)
			conf_complain(draft->errors, dir, 0, "out of memory");
		else
			load_site(draft, path, entries[i]->d_name);
		free(entries[i]);
	}
}

static void
keep_sites(struct conf_draft *draft)
{
	const struct conf *running = draft->running;

	for (size_t i = 0; running != NULL && i < running->nsites; i++)
		conf_draft_fall_back(draft, running->sites[i].name,
		    CONF_SITES_DIR, false);
}

static void
load_site(struct conf_draft *draft, const char *path, const char *file_name)
{
	unsigned before = draft->site_errors->n;
	AUTO_FREE char *text = NULL;
	char   name[NAME_MAX + 1] = "";
	size_t len = 0;

	memcpy(name, file_name, strlen(file_name) - strlen(SUFFIX));
	if (!conf_is_site_name(name)) {
		conf_complain(draft->site_errors, path, 0,
		    "expected a name of at most %u of a-z, 0-9, \".\", \"_\" "
		    "and \"-\", a letter or digit first; rename it",
		    CONF_NAME_MAX);
		return;
	}
	text = load_file(draft, CONF_PART_SITE, path, name, &len);
	if (draft->site_errors->n > before)
		conf_draft_fall_back(draft, name, path, is_disabled(text, len));
}

/* The text of the file is the caller's; NULL when it cannot be read. */
static char *
load_file(struct conf_draft *draft, enum conf_part part, const char *path,
    const char *site, size_t *len)
{
	struct conf_errors *errors = part == CONF_PART_SITE ?
	    draft->site_errors : draft->errors;
	char		   *text = NULL;
	int		    r = file_read(path, FILE_MAX_LEN, &text, len);

	if (r < 0) {
		conf_complain(errors, path, 0, "cannot be read: %s%s",
		    strerror(-r), part == CONF_PART_MAIN && r == -ENOENT ?
			"; create one with tombolo init or tombolo join" : "");
		return NULL;
	}
	r = text_normalize(text, len);
	if (r < 0)
		conf_complain(errors, path, 0, "%s", text_explain(r));
	else
		conf_parse(draft, part, text, *len, path, site);
	return text;
}

/*
 * Whatever else is in it: who is to be locked out is, also when the line above
 * ends in a backslash, which would make one of the two.
 */
static bool
is_disabled(char *text, size_t len)
{
	AUTO_FREE char *found = conf_socket_find_value(text, &len, "disabled", is_yes);

	for (char *p = text; p < text + len; p++)
		*p = *p == '\\' ? ' ' : *p;
	if (found == NULL)
		found = conf_socket_find_value(text, &len, "disabled", is_yes);
	return found != NULL;
}

static bool
is_yes(const char *value)
{
	struct conf_site site = { 0 };
	char		 why[CONF_WHY_SIZE];

	return conf_types_parse(conf_key_find(CONF_IN_SITE, "disabled"), &site,
	    value, why) && site.disabled;
}

static void
note_fault(void *arg, const char *text)
{
	struct conf_draft *draft = arg;

	conf_names_add(&draft->conf->faults, text);
}

static int
is_site_file(const struct dirent *entry)
{
	return conf_is_site_file(entry->d_name);
}
