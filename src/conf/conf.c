/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/file.h"
#include "base/nitems.h"
#include "base/text.h"
#include "conf/conf_keys.h"
#include "conf/conf_socket.h"
#include "conf/conf_types.h"

#define FILE_MAX_LEN ((size_t)1024 * 1024)
#define SUFFIX	     ".conf"

/* The four that begin with a file; see conf.h. */
enum how { STRICT, MAIN, LIVE, ANY };

static const char *const auth_names[] = {
	[CONF_AUTH_SRP] = "srp",
	[CONF_AUTH_PASSWORD] = "password",
	[CONF_AUTH_PAM] = "pam",
	[CONF_AUTH_CERTIFICATE] = "certificate",
	[CONF_AUTH_TLS_SRP] = "tls-srp",
};
const struct conf_words conf_auths = { auth_names, nitems(auth_names),
	"srp, password, pam, certificate or tls-srp" };

static const char *const offload_names[] = {
	[CONF_OFFLOAD_CSUM] = "csum",
	[CONF_OFFLOAD_TSO4] = "tso4",
	[CONF_OFFLOAD_TSO6] = "tso6",
	[CONF_OFFLOAD_USO4] = "uso4",
	[CONF_OFFLOAD_USO6] = "uso6",
	[CONF_OFFLOAD_GSO] = "gso",
	[CONF_OFFLOAD_GRO] = "gro",
};
const struct conf_words conf_offloads = { offload_names, nitems(offload_names),
	"csum, tso4, tso6, uso4, uso6, gso, gro or all" };

static const char *const mode_names[] = {
	[CONF_TAP] = "tap",
	[CONF_TUN] = "tun",
};
const struct conf_words conf_modes = { mode_names, nitems(mode_names),
	"tap or tun" };

static const char *const transport_names[] = {
	[CONF_TRANSPORT_AUTO] = "auto",
	[CONF_TRANSPORT_UDP] = "udp",
	[CONF_TRANSPORT_TCP] = "tcp",
};
const struct conf_words conf_transports = { transport_names,
	nitems(transport_names), "auto, udp or tcp" };

static char *directory_of(const char *path);
static struct conf *load(const char *path, enum how how,
    struct conf_errors *errors);
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
conf_load(const char *path, struct conf_errors *errors)
{
	return load(path, STRICT, errors);
}

struct conf *
conf_load_main(const char *path, struct conf_errors *errors)
{
	return load(path, MAIN, errors);
}

struct conf *
conf_load_live(const char *path, struct conf_errors *errors)
{
	return load(path, LIVE, errors);
}

struct conf *
conf_load_any(const char *path, struct conf_errors *errors)
{
	return load(path, ANY, errors);
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
	conf_draft_parse(&draft, CONF_PART_WHOLE, text, len, path, NULL);
	if (draft.section_line[CONF_IN_SERVER] != 0)
		load_sites(&draft);
	return conf_draft_finish(&draft);
}

static struct conf *
load(const char *path, enum how how, struct conf_errors *errors)
{
	struct conf_draft  draft;
	struct conf_errors site_errors = { .say = note_fault, .arg = &draft };
	char		  *dir = directory_of(path);
	size_t		   len;
	bool		   ok;

	errors->n = 0;
	if (dir == NULL) {
		conf_complain(errors, path, 0,
		    "cannot be read: %s; tombolo init or tombolo join makes "
		    "one", strerror(errno));
		return NULL;
	}
	ok = conf_draft_init(&draft, dir, path, errors);
	free(dir);
	if (!ok)
		return NULL;
	draft.any = how == ANY;
	if (how == LIVE || how == ANY)
		draft.site_errors = &site_errors;
	free(load_file(&draft, CONF_PART_MAIN, path, NULL, &len));
	if (how != MAIN && (draft.section_line[CONF_IN_SERVER] != 0 ||
	    (how == ANY && draft.section_line[CONF_IN_CLIENT] == 0)))
		load_sites(&draft);
	return conf_draft_finish(&draft);
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
	for (size_t i = 0; i < conf->nsites; i++) {
		free(conf->sites[i].addresses.v);
		free(conf->sites[i].subnets.v);
		free(conf->sites[i].file);
	}
	free(conf->sites);
	free(conf->addresses.v);
	free(conf->tunnel_networks.v);
	free(conf->networks.v);
	free(conf->dns.v);
	conf_names_free(&conf->domains);
	conf_names_free(&conf->names);
	conf_names_free(&conf->faults);
	conf_names_free(&conf->waiting);
	free(conf->subnets.v);
	free(conf->local_networks.v);
	free(conf->dir);
	free(conf->certificate);
	free(conf->certificate_rsa);
	free(conf->site_ca);
	free(conf->crl);
	free(conf->pam_service);
	for (unsigned i = 0; i < conf->nservers; i++) {
		free(conf->servers[i].host);
		free(conf->servers[i].name);
	}
	free(conf->proxy.host);
	free(conf->server_name);
	free(conf->ca);
	free(conf->site_certificate);
	free(conf->socket);
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

const char *
conf_offload_name(enum conf_offload offload)
{
	return offload_names[offload];
}

const char *
conf_auth_name(enum conf_auth auth)
{
	return auth_names[auth];
}

bool
conf_auth_parse(enum conf_auth *auth, const char *text)
{
	return conf_word_parse(&conf_auths, text, auth);
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
	(void)auth;
	return *why == NULL;
}

const char *
conf_mode_name(enum conf_mode mode)
{
	return mode_names[mode];
}

bool
conf_mode_parse(enum conf_mode *mode, const char *text)
{
	return conf_word_parse(&conf_modes, text, mode);
}

const char *
conf_transport_name(enum conf_transport transport)
{
	return transport_names[transport];
}

bool
conf_transport_parse(enum conf_transport *transport, const char *text)
{
	return conf_word_parse(&conf_transports, text, transport);
}

bool
conf_word_parse(const struct conf_words *words, const char *text,
    unsigned *value)
{
	for (unsigned i = 0; i < words->n; i++) {
		if (strcmp(text, words->names[i]) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
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
	char *copy = strdup(path), *dir;

	if (copy == NULL)
		return NULL;
	dir = realpath(dirname(copy), NULL);
	free(copy);
	return dir;
}

/*
 * No directory is no sites, but for a daemon that has some: it may be about to
 * be another one.
 */
static void
load_sites(struct conf_draft *draft)
{
	char	       *dir = file_join(draft->conf->dir, CONF_SITES_DIR);
	struct dirent **entries;
	char	       *path;
	int		n;

	if (dir == NULL) {
		conf_complain(draft->errors, draft->file, 0,
		    "there is no memory for it");
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
		path = file_join(dir, entries[i]->d_name);
		if (path == NULL)
			conf_complain(draft->errors, dir, 0,
			    "there is no memory for it");
		else
			load_site(draft, path, entries[i]->d_name);
		free(path);
		free(entries[i]);
	}
	if (n != -1)
		free(entries);
	free(dir);
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
	char   name[NAME_MAX + 1] = "";
	char  *text;
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
	free(text);
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
			"; tombolo init or tombolo join makes one" : "");
		return NULL;
	}
	r = text_normalize(text, len);
	if (r < 0)
		conf_complain(errors, path, 0, "%s", text_explain(r));
	else
		conf_draft_parse(draft, part, text, *len, path, site);
	return text;
}

/*
 * Whatever else is in it: who is to be locked out is, also when the line above
 * ends in a backslash, which would make one of the two.
 */
static bool
is_disabled(char *text, size_t len)
{
	char *found = conf_find_value(text, &len, "disabled", is_yes);
	bool  disabled;

	for (char *p = text; p < text + len; p++)
		*p = *p == '\\' ? ' ' : *p;
	if (found == NULL)
		found = conf_find_value(text, &len, "disabled", is_yes);
	disabled = found != NULL;
	free(found);
	return disabled;
}

static bool
is_yes(const char *value)
{
	struct conf_site site = { 0 };
	char		 why[64];

	return conf_type_parse(conf_key_find(CONF_IN_SITE, "disabled"), &site,
	    value, why, sizeof(why)) && site.disabled;
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
