/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_draft.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/auto.h"
#include "conf/conf_socket.h"
#include "conf/conf_types.h"

static void *with_room(void *list, size_t n, size_t size);
static bool drop_wrong(struct conf_draft *draft);
static struct conf_site *last_of(const struct conf *conf, const char *name);
static void drop_site(struct conf_draft *draft, struct conf_site *site);
static bool set_defaults(struct conf *conf);
static bool finish_defaults(struct conf_draft *draft);
static int  by_name(const void *a, const void *b);

bool
conf_draft_init(struct conf_draft *draft, const char *dir, const char *file,
    struct conf_errors *errors)
{
	*draft = (struct conf_draft) { .errors = errors,
		.site_errors = errors, .file = file };
	draft->conf = calloc(1, sizeof(*draft->conf));
	if (draft->conf != NULL && set_defaults(draft->conf) &&
	    (draft->conf->dir = strdup(dir)) != NULL)
		return true;
	conf_complain(errors, file, 0, "out of memory");
	conf_free(draft->conf);
	draft->conf = NULL;
	return false;
}

struct conf *
conf_draft_finish(struct conf_draft *draft)
{
	struct conf *conf = draft->conf;
	bool	     ok = finish_defaults(draft);

	do {
		if (conf->nsites > 1)
			qsort(conf->sites, conf->nsites, sizeof(*conf->sites),
			    by_name);
		/* The sites of an incomplete file cannot be checked. */
		if (ok && !(draft->any && draft->errors->n > 0))
			conf_check(draft);
	} while (drop_wrong(draft));
	free(draft->mentions);
	draft->mentions = NULL;
	draft->conf = NULL;
	if (draft->errors->n == 0 || draft->any)
		return conf;
	conf_free(conf);
	return NULL;
}

void
conf_draft_fall_back(struct conf_draft *draft, const char *name,
    const char *path, bool disabled)
{
	const struct conf_site *last = draft->running != NULL ?
	    conf_find_site(draft->running, name) : NULL;
	struct conf	*conf = draft->conf;
	struct conf_site bare = { 0 }, *site = last_of(conf, name);
	AUTO_FREE char	*text = NULL;

	/* What it claims is nobody's, but not free either. */
	if (site != NULL && conf->mode == CONF_TUN)
		bare = *site;
	bare.disabled = true;
	strlcpy(bare.name, name, sizeof(bare.name));
	text = conf_site_text(last != NULL ? last : &bare);
	if (site != NULL)
		drop_site(draft, site);
	if (text != NULL && conf->nsites < CONF_MAX_SITES)
		conf_parse(draft, CONF_PART_WHOLE, text, strlen(text),
		    path, NULL);
	if (conf->nsites == 0 ||
	    strcmp(conf->sites[conf->nsites - 1].name, name) != 0)
		return;
	conf->sites[conf->nsites - 1].faulty = true;
	conf->sites[conf->nsites - 1].disabled |= disabled;
}

bool
conf_draft_is_changed(const struct conf_draft *draft,
    const struct conf_site *site)
{
	const struct conf_site *last = draft->running != NULL ?
	    conf_find_site(draft->running, site->name) : NULL;
	AUTO_FREE char *now = NULL, *then = NULL;

	if (site->faulty || draft->running == NULL)
		return false;
	if (last == NULL)
		return true;
	now = conf_site_text(site);
	then = conf_site_text(last);
	return now == NULL || then == NULL || strcmp(now, then) != 0;
}

bool
conf_draft_says(const struct conf_draft *draft, const struct conf_key *key)
{
	for (size_t i = 0; i < draft->nmentions; i++) {
		if (draft->mentions[i].key == key)
			return true;
	}
	return false;
}

struct conf_site *
conf_draft_add_site(struct conf_draft *draft, const char *name,
    const char *file, unsigned line)
{
	struct conf	 *conf = draft->conf;
	struct conf_site *site, *bigger = with_room(conf->sites, conf->nsites,
			      sizeof(*site));
	char		 *copy = strdup(file);

	if (bigger != NULL)
		conf->sites = bigger;
	if (bigger == NULL || copy == NULL) {
		free(copy);
		return NULL;
	}
	site = &conf->sites[conf->nsites++];
	*site = (struct conf_site) { .file = copy, .line = line };
	strlcpy(site->name, name, sizeof(site->name));
	return site;
}

void
conf_draft_free_site(struct conf_site *site)
{
	free(site->addresses.v);
	free(site->subnets.v);
	free(site->file);
}

bool
conf_draft_remember(struct conf_draft *draft, const struct conf_mention *mention)
{
	struct conf_mention *bigger = with_room(draft->mentions,
	    draft->nmentions, sizeof(*bigger));

	if (bigger == NULL)
		return false;
	draft->mentions = bigger;
	draft->mentions[draft->nmentions++] = *mention;
	return true;
}

const struct conf_mention *
conf_draft_find(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item)
{
	for (size_t i = 0; i < draft->nmentions; i++) {
		const struct conf_mention *at = &draft->mentions[i];
		bool in_site = at->key->section == CONF_IN_SITE;

		if (at->item != item || strcmp(at->key->name, key) != 0 ||
		    in_site != (site != NULL))
			continue;
		if (site == NULL || (at->section_line == site->line &&
			at->file == site->file))
			return at;
	}
	return NULL;
}

unsigned
conf_draft_line(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item)
{
	const struct conf_mention *at = conf_draft_find(draft, site, key, item);

	if (at != NULL)
		return at->line;
	return site != NULL ? site->line : 0;
}

/* The line is looked for only now: that takes a while with many sites. */
void
conf_draft_complain(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item, const char *fmt, ...)
{
	struct conf_errors *errors = site != NULL ? conf_draft_blame(draft, site) :
						    draft->errors;
	char		    what[768];
	unsigned	    line = 0;
	va_list	 ap;

	if (errors->n < CONF_MAX_COMPLAINTS)
		line = conf_draft_line(draft, site, key, item);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	conf_complain(errors, site != NULL ? site->file : draft->file, line,
	    "%s", what);
}

struct conf_errors *
conf_draft_blame(const struct conf_draft *draft, const struct conf_site *site)
{
	draft->conf->sites[site - draft->conf->sites].wrong = true;
	return draft->running != NULL && !conf_draft_is_changed(draft, site) ?
	    draft->errors : draft->site_errors;
}

/* For one more than `n`: it is doubled whenever that is a power of two. */
static void *
with_room(void *list, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return list;
	return reallocarray(list, n == 0 ? 1 : n * 2, size);
}

/* What conf_check() found wrong is what it was.  Whether there was any. */
static bool
drop_wrong(struct conf_draft *draft)
{
	struct conf *conf = draft->conf;
	bool	     any = false;

	for (size_t i = 0; i < conf->nsites && draft->errors->n == 0;) {
		struct conf_site wrong = conf->sites[i];
		AUTO_FREE char	*path = strdup(wrong.file);

		if (!wrong.wrong) {
			i++;
			continue;
		}
		any = true;
		if (path == NULL)
			conf_complain(draft->errors, draft->file, 0,
			    "out of memory");
		else
			conf_draft_fall_back(draft, wrong.name, path,
			    wrong.disabled);
	}
	return any && draft->errors->n == 0;
}

/* They are not sorted yet; it is most likely the last one. */
static struct conf_site *
last_of(const struct conf *conf, const char *name)
{
	for (size_t i = conf->nsites; i > 0; i--) {
		if (strcmp(conf->sites[i - 1].name, name) == 0)
			return &conf->sites[i - 1];
	}
	return NULL;
}

/* And what was said of it: its file's name goes with it. */
static void
drop_site(struct conf_draft *draft, struct conf_site *site)
{
	struct conf *conf = draft->conf;
	size_t	     n = 0;

	for (size_t i = 0; i < draft->nmentions; i++) {
		if (draft->mentions[i].file != site->file)
			draft->mentions[n++] = draft->mentions[i];
	}
	draft->nmentions = n;
	conf_draft_free_site(site);
	*site = conf->sites[--conf->nsites];
}

static bool
set_defaults(struct conf *conf)
{
	char why[CONF_WHY_SIZE];

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (key->fallback == NULL || key->section == CONF_IN_SITE)
			continue;
		if (!conf_types_parse(key, conf, key->fallback, why))
			return false;
	}
	return true;
}

/* The defaults that depend on other keys. */
static bool
finish_defaults(struct conf_draft *draft)
{
	const struct conf_key *key;
	struct conf	      *conf = draft->conf;
	char		       why[CONF_WHY_SIZE];
	bool		       ok = true;

	conf->role = draft->section_line[CONF_IN_SERVER] == 0 &&
		draft->section_line[CONF_IN_CLIENT] != 0 ?
	    CONF_CLIENT :
	    CONF_SERVER;
	if (conf->role == CONF_SERVER && conf->auths == 0)
		conf->auths = conf_default_auths();
	if (conf->nlistens == 0)
		conf->nlistens = 1; /* any */
	if (conf->socket == NULL)
		ok = (conf->socket = conf_socket_default(conf->dir)) != NULL;
	for (unsigned i = 0; ok && i < conf->nservers; i++) {
		struct conf_server *server = &conf->servers[i];

		if (server->name == NULL)
			ok = conf_types_set_name(&server->name,
			    conf->server_name != NULL ? conf->server_name :
							server->host,
			    why);
	}
	key = conf_key_find(CONF_IN_SWITCH, "max-addresses-per-site");
	if (conf->max_addresses_per_site > conf->max_addresses &&
	    !conf_draft_says(draft, key))
		conf->max_addresses_per_site = conf->max_addresses;
	if (conf->role == CONF_SERVER && conf->mode == CONF_TUN &&
	    conf->tunnel_networks.n == 0) {
		key = conf_key_find(CONF_IN_INTERFACE, "tunnel-network");
		ok = ok && conf_types_parse(key, conf, key->example, why);
	}
	if (!ok)
		conf_complain(draft->errors, draft->file, 0, "out of memory");
	return ok;
}

static int
by_name(const void *a, const void *b)
{
	const struct conf_site *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	/* Of two alike the later one is complained about. */
	if (order != 0)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}
