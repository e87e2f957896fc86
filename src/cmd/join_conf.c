/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/join_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/util/edit.h"
#include "cmd/util/lines.h"
#include "cmd/util/must.h"
#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "pki/invite.h"

#define WHO	      "join"
#define CONF_TEXT_MAX ((size_t)1024 * 1024)

static bool may_update(const struct options *options, const struct conf *conf,
    const struct invite *invite);
static bool edit_all(char **text, const struct options *options,
    const struct conf *conf, const struct invite *invite);
static void say_server(const struct conf *conf, const struct invite *invite);
static bool has_server(const struct conf *conf, const struct invite *invite);
static bool add_subnets(char **text, const struct options *options,
    const struct conf *conf, const struct invite *invite);
static bool put(char **text, const char *section, const char *key,
    const char *value);
static const char *print_server(char *dst, size_t size,
    const struct invite *invite);

/*
 * Makes a configuration of hub and site only, then edits it as an update does.
 */
struct conf *
join_conf_make(const struct options *options, const struct invite *invite,
    char **text)
{
	const struct conf none = { 0 };
	char		  server[sizeof(invite->server) + 16];
	struct lines	  lines;
	struct conf	 *conf = NULL;
	FILE		 *out = lines_begin(&lines);

	fprintf(out, "[client]\n");
	lines_put(out, "server", print_server(server, sizeof(server), invite));
	lines_put(out, "name", invite->name);
	lines_put(out, "site", invite->site);
	lines_put(out, "auth", invite->auth);
	fprintf(out, "[interface]\n");
	lines_put(out, "mode", invite->mode);
	fclose(out);
	if (edit_all(&lines.text, options, &none, invite))
		conf = lines_check_text(lines.text, WHO, options->dir);
	free(lines.text);
	if (conf != NULL)
		*text = must(conf_print_commented(conf));
	return conf;
}

/* Edits the existing configuration as the invitation determines. */
struct conf *
join_conf_update(const struct options *options, const struct invite *invite,
    char **text)
{
	AUTO_FREE char *path = options_config(options);
	CONF_AUTO_FREE *before = options_load(path, CONF_LOAD_STRICT);
	struct conf    *after = NULL;
	size_t		len;

	if (before == NULL || !may_update(options, before, invite) ||
	    file_read(path, CONF_TEXT_MAX, text, &len) < 0 ||
	    text_normalize(*text, &len) < 0)
		return NULL;
	if (edit_all(text, options, before, invite))
		after = lines_check_text(*text, WHO, options->dir);
	else
		log_warnx("join: %s cannot be edited; add a line [interface] "
			  "to it", path);
	if (after != NULL && !has_server(after, invite))
		say_server(after, invite);
	return after;
}

static bool
may_update(const struct options *options, const struct conf *conf,
    const struct invite *invite)
{
	if (conf->role != CONF_CLIENT)
		log_warnx("join: %s is a hub's; --update is for a site",
		    conf->dir);
	else if (strcmp(conf->site, invite->site) != 0)
		log_warnx("join: the invitation is for site %s, and %s is site "
			  "%s; choose another --dir", invite->site, conf->dir,
		    conf->site);
	else if (!options->new_ca && !join_conf_has_ca(conf, invite))
		log_warnx("join: the invitation has another CA than %s; if the "
			  "hub has a new one, add --new-ca", conf->ca);
	else
		return true;
	return false;
}

/* The file may have other CAs. */
bool
join_conf_has_ca(const struct conf *conf, const struct invite *invite)
{
	AUTO_FREE char *path = must(file_join(conf->dir, conf->ca));
	AUTO_FREE char *text = NULL;
	size_t		len;

	return file_read(path, INVITE_MAX, &text, &len) == 0 &&
	    text_normalize(text, &len) == 0 && strstr(text, invite->ca) != NULL;
}

static bool
edit_all(char **text, const struct options *options, const struct conf *conf,
    const struct invite *invite)
{
	return (strcmp(conf_auth_name(conf->auth), invite->auth) == 0 ||
		   put(text, "client", "auth", invite->auth)) &&
	    (strcmp(conf_mode_name(conf->mode), invite->mode) == 0 ||
		put(text, "interface", "mode", invite->mode)) &&
	    (!options->accept_default_route ||
		put(text, "client", "accept-default-route", "yes")) &&
	    (options->bridge == NULL ||
		put(text, "interface", "bridge", options->bridge)) &&
	    add_subnets(text, options, conf, invite);
}

/*
 * Existing hub lines are kept, whatever the hub is called in them: they may
 * have what no invitation has, such as another port, a weight, or a standby
 * hub.
 */
static void
say_server(const struct conf *conf, const struct invite *invite)
{
	char server[sizeof(invite->server) + 16];

	log_warnx("join: the invitation's hub is not in %s, whose lines server "
		  "are kept; if the hub has moved, add the line: server = %s "
		  "name %s", conf->dir,
	    print_server(server, sizeof(server), invite), invite->name);
}

static bool
has_server(const struct conf *conf, const struct invite *invite)
{
	for (unsigned i = 0; i < conf->nservers; i++) {
		const struct conf_server *server = &conf->servers[i];

		if (strcmp(server->host, invite->server) == 0 &&
		    server->port == invite->port &&
		    strcmp(server->name, invite->name) == 0)
			return true;
	}
	return false;
}

/*
 * Adds the networks of the invitation and of the options that are missing.
 * Each is inserted before the previous one.
 */
static bool
add_subnets(char **text, const struct options *options,
    const struct conf *conf, const struct invite *invite)
{
	const struct conf_prefixes *own = &conf->subnets;
	struct prefix		    asked;
	char			    value[PREFIX_STRLEN];

	for (size_t i = options->subnets.n; i-- > 0;) {
		if (prefix_parse(&asked, options->subnets.v[i]) &&
		    (prefix_list_has(own->v, own->n, &asked) ||
			prefix_list_has(invite->subnets, invite->nsubnets, &asked)))
			continue;
		if (!edit_add(text, "client", "subnet", options->subnets.v[i]))
			return false;
	}
	for (size_t i = invite->nsubnets; i-- > 0;) {
		const struct prefix *subnet = &invite->subnets[i];

		if (!prefix_list_has(own->v, own->n, subnet) &&
		    !edit_add(text, "client", "subnet",
			prefix_print(subnet, value, sizeof(value))))
			return false;
	}
	return true;
}

static bool
put(char **text, const char *section, const char *key, const char *value)
{
	return edit_set(text, section, key, &value, 1);
}

static const char *
print_server(char *dst, size_t size, const struct invite *invite)
{
	bool is_v6 = strchr(invite->server, ':') != NULL;

	snprintf(dst, size, is_v6 ? "[%s]:%u" : "%s:%u", invite->server,
	    invite->port);
	return dst;
}
