/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "conf/conf_keys.h"
#include "monitor/children.h"
#include "monitor/serve/certs.h"
#include "proc/startup.h"
#include "monitor/host/network.h"

/* The configuration that would be in force. */
struct fresh {
	struct conf *conf;
	char	    *text;
	size_t	     len;
};

/* What cannot be applied from the files. */
struct notes {
	struct conf_names faults, waiting;
};

static bool has_credential(enum conf_auth auth);
static void note_credential(struct conf *conf, const char *name,
    const char *missing);
static struct conf *read_conf(const struct reload *reload,
    enum reload_scope scope, struct notes *notes);
static struct conf *read_main(const struct reload *reload,
    struct notes *notes);
static bool fits(const struct conf *running, const struct conf *loaded,
    struct notes *notes);
static void note_waiting(const struct conf *running,
    const struct conf *loaded, struct notes *notes);
static struct conf *read_sites(const struct reload *reload,
    enum reload_scope scope, const struct conf *main, struct notes *notes);
static bool take_gone(struct reload *reload);
static bool print_again(struct fresh *fresh, const struct conf *conf,
    const char *path);
static void add_all(struct conf_names *to, const struct conf_names *from);
static void log_new(const struct conf_names *names,
    const struct conf_names *known, const char *path, const char *what);
static void take_conf(struct reload *reload, const struct fresh *fresh);
static bool print(const struct conf *running, const struct conf *live,
    char **text, size_t *len);
static void note_fault(void *arg, const char *text);
static void log_complaint(void *arg, const char *text);

bool
reload_print(const struct conf *conf, char **text, size_t *len)
{
	return print(conf, conf, text, len);
}

bool
reload_take(struct reload *reload, enum reload_scope scope)
{
	const struct conf *running = *reload->conf;
	struct notes	   notes = { 0 };
	struct fresh	   fresh;
	struct conf	  *loaded;
	char		   why[RELOAD_WHY_SIZE];
	bool		   ok;

	if (access(running->dir, F_OK) == -1 && errno == ENOENT)
		return take_gone(reload);
	loaded = read_conf(reload, scope, &notes);
	ok = loaded != NULL;

	if (ok) {
		reload_note_credentials(loaded);
		add_all(&loaded->faults, &notes.faults);
		add_all(&loaded->waiting, &notes.waiting);
		log_new(&loaded->faults, &running->faults, "", "");
		log_new(&loaded->waiting, &running->waiting, reload->path,
		    " is changed: that needs a restart");
		ok = print_again(&fresh, loaded, reload->path);
	}
	conf_names_free(&notes.faults);
	conf_names_free(&notes.waiting);
	conf_free(loaded);
	if (ok)
		take_conf(reload, &fresh);
	else
		log_warnx("the new configuration is refused, the old one "
			  "stays");
	/*
	 * In any case: a new list of revoked certificates must take effect.
	 * The engine reports what is wrong with it.
	 */
	certs_read(reload->certs, *reload->conf, why, sizeof(why));
	children_offer(reload->children);
	return ok;
}

/* Nothing changes; one line is logged for all files. */
static bool
take_gone(struct reload *reload)
{
	const struct conf *running = *reload->conf;
	struct conf	   same = *running; /* borrows, not freed */
	struct notes	   notes = { 0 };
	struct fresh	   fresh;
	char		   text[CONF_NOTE_MAX];
	bool		   ok;

	snprintf(text, sizeof(text), "%.800s: the configuration's directory is "
	    "gone; move it back, or tombolo stop --socket %s", running->dir,
	    running->socket);
	conf_names_add(&notes.faults, text);
	same.faults = notes.faults;
	same.waiting = notes.waiting;
	log_new(&same.faults, &running->faults, "", "");
	ok = print_again(&fresh, &same, reload->path);
	if (ok)
		take_conf(reload, &fresh);
	conf_names_free(&notes.faults);
	return ok;
}

void
reload_note_credentials(struct conf *conf)
{
	char name[CONF_NAME_MAX + 32], missing[2 * CONF_NAME_MAX + 80];

	/* Without a password a site asks a person for it. */
	if (conf->role == CONF_CLIENT && has_credential(conf->auth))
		note_credential(conf, "password", NULL);
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled || site->faulty ||
		    !has_credential(site->auth))
			continue;
		snprintf(name, sizeof(name), "sites/%s.%s", site->name,
		    conf_auth_name(site->auth));
		snprintf(missing, sizeof(missing), "site %s cannot log in; "
		    "tombolo site passwd %s makes another", site->name,
		    site->name);
		note_credential(conf, name, missing);
	}
}

static bool
has_credential(enum conf_auth auth)
{
	return auth != CONF_AUTH_CERTIFICATE && auth != CONF_AUTH_PAM;
}

/*
 * `missing` says what it means that there is no such file; NULL: nothing.  The
 * keeper reads none that others may read.
 */
static void
note_credential(struct conf *conf, const char *name, const char *missing)
{
	char	    text[CONF_NOTE_MAX], *path;
	struct stat st;

	if (conf->faults.n >= CONF_MAX_COMPLAINTS ||
	    asprintf(&path, "%s/" CONF_KEEPER_DIR "/%s", conf->dir, name) == -1)
		return;
	text[0] = '\0';
	if (lstat(path, &st) == 0 && (st.st_mode & 077) != 0)
		snprintf(text, sizeof(text), "%.400s: others may read it, so it "
		    "is not used; fix with: chmod 600 %.400s", path, path);
	else if (missing != NULL && access(path, F_OK) == -1 && errno == ENOENT)
		snprintf(text, sizeof(text), "%.700s: %s: %s", path,
		    strerror(ENOENT), missing);
	if (text[0] != '\0')
		conf_names_add(&conf->faults, text);
	free(path);
}

/*
 * If the main file has an error, or names another certificate that cannot be
 * read, none of it is applied, but changes to sites are.
 */
static struct conf *
read_conf(const struct reload *reload, enum reload_scope scope,
    struct notes *notes)
{
	struct conf *main = read_main(reload, notes), *conf = NULL;
	char	     why[RELOAD_WHY_SIZE], known[RELOAD_WHY_SIZE];

	if (main != NULL)
		conf = read_sites(reload, scope, main, notes);
	conf_free(main);
	/* For a file that is in force already, the engine reports it. */
	if (conf != NULL && (scope == RELOAD_SITES ||
	    certs_can_read(conf, why, sizeof(why)) ||
	    (!certs_can_read(*reload->conf, known, sizeof(known)) &&
		strcmp(why, known) == 0)))
		return conf;
	if (conf != NULL)
		conf_names_add(&notes->faults, why);
	conf_free(conf);
	if (notes->faults.n > 0)
		log_warnx("%s is refused, the old one stays", reload->path);
	return read_sites(reload, scope, *reload->conf, notes);
}

/* What may be applied from the main file; NULL: nothing. */
static struct conf *
read_main(const struct reload *reload, struct notes *notes)
{
	struct conf_errors errors = { .say = note_fault, .arg = notes };
	struct conf	  *main = conf_load(reload->path, CONF_LOAD_MAIN, &errors);
	const struct conf *running = *reload->conf;

	if (main == NULL)
		return NULL;
	if (!fits(running, main, notes)) {
		conf_free(main);
		return NULL;
	}
	if (reload->log_level >= 0)
		main->log_level = (enum log_level)reload->log_level;
	note_waiting(running, main, notes);
	return main;
}

/* Role and mode determine the meaning of all other keys. */
static bool
fits(const struct conf *running, const struct conf *loaded,
    struct notes *notes)
{
	if (loaded->role != running->role)
		conf_names_add(&notes->waiting, loaded->role == CONF_CLIENT ?
			"[client] instead of [server]" :
			"[server] instead of [client]");
	else if (loaded->mode != running->mode)
		conf_names_add(&notes->waiting, "mode in [interface]");
	else
		return true;
	return false;
}

static void
note_waiting(const struct conf *running, const struct conf *loaded,
    struct notes *notes)
{
	char what[64];

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];

		if ((key->flags & CONF_KEY_LIVE) != 0 ||
		    key->section == CONF_IN_SITE ||
		    !conf_key_applies(key, running->role, running->mode) ||
		    conf_print_is_same(key, running, loaded))
			continue;
		snprintf(what, sizeof(what), "%s in [%s]", key->name,
		    conf_section_name(key->section));
		conf_names_add(&notes->waiting, what);
	}
}

/* With the live keys of `main`, or those that are noticed without a reload. */
static struct conf *
read_sites(const struct reload *reload, enum reload_scope scope,
    const struct conf *main, struct notes *notes)
{
	struct conf_errors errors = { .say = note_fault, .arg = notes };
	const struct conf *running = *reload->conf;
	struct conf	   mixed = scope == RELOAD_ALL ? *main : *running;
	struct conf	  *conf = NULL;
	char		  *text;
	size_t		   len;

	/* Borrows from both; not freed. */
	mixed.auths = main->auths;
	mixed.nsites = 0;
	mixed.faults = mixed.waiting = (struct conf_names) { 0 };
	if (!print(running, &mixed, &text, &len))
		return NULL;
	conf = conf_load_sites(text, len, reload->path, running->dir, running,
	    &errors);
	free(text);
	return conf;
}

/* Parsed from its own text, to be sure that the engine accepts it. */
static bool
print_again(struct fresh *fresh, const struct conf *conf, const char *path)
{
	struct conf_errors errors = { .say = log_complaint };

	if (!reload_print(conf, &fresh->text, &fresh->len))
		return false;
	fresh->conf = conf_parse_text(fresh->text, fresh->len, path, conf->dir,
	    &errors);
	if (fresh->conf == NULL)
		free(fresh->text);
	return fresh->conf != NULL;
}

static void
add_all(struct conf_names *to, const struct conf_names *from)
{
	for (size_t i = 0; i < from->n; i++)
		conf_names_add(to, from->v[i]);
}

/* Logs those that are new. */
static void
log_new(const struct conf_names *names, const struct conf_names *known,
    const char *path, const char *what)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!conf_names_has(known, names->v[i]))
			log_warnx("%s%s%s%s", path, *path != '\0' ? ": " : "",
			    names->v[i], what);
	}
}

/*
 * Takes ownership of `fresh`.  The network first: routes to a site's networks
 * must exist before its packets are accepted.
 */
static void
take_conf(struct reload *reload, const struct fresh *fresh)
{
	struct startup_send *startup = &reload->children->startup;
	struct conf    *old = *reload->conf;

	if (fresh->len == startup->conf_len &&
	    memcmp(fresh->text, startup->conf, fresh->len) == 0) {
		conf_free(fresh->conf);
		free(fresh->text);
		return;
	}
	network_reconfigure(reload->network, fresh->conf);
	free(*reload->text);
	*reload->text = fresh->text;
	startup->conf = fresh->text;
	startup->conf_len = fresh->len;
	*reload->conf = fresh->conf;
	children_reconfigure(reload->children, fresh->conf);
	conf_free(old);
	if (fresh->conf->role == CONF_SERVER)
		log_info("the configuration is changed; %zu site%s",
		    fresh->conf->nsites, fresh->conf->nsites == 1 ? "" : "s");
	else
		log_info("the configuration is changed");
}

/* conf_print_live() into a new string. */
static bool
print(const struct conf *running, const struct conf *live, char **text,
    size_t *len)
{
	FILE *out = open_memstream(text, len);
	bool  ok = out != NULL;

	if (ok) {
		conf_print_live(out, running, live);
		ok = ferror(out) == 0;
		ok = fclose(out) == 0 && ok;
	}
	if (!ok)
		log_warnx("out of memory for the configuration");
	else if (*len > STARTUP_MAX_CONF)
		log_warnx("the configuration is larger than %zu MiB",
		    STARTUP_MAX_CONF >> 20);
	if (ok && *len <= STARTUP_MAX_CONF)
		return true;
	if (out != NULL)
		free(*text);
	*text = NULL;
	return false;
}

static void
note_fault(void *arg, const char *text)
{
	struct notes *notes = arg;

	conf_names_add(&notes->faults, text);
}

static void
log_complaint(void *arg, const char *text)
{
	log_warnx("%s", text);
}
