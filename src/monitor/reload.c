/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "monitor/children.h"
#include "monitor/material.h"
#include "monitor/monitor_ask.h"
#include "monitor/network.h"

/* A configuration as it would be in force. */
struct fresh {
	struct conf *conf;
	char	    *text;
	size_t	     len;
};

static bool read_conf(const struct reload *reload, enum reload_scope scope,
    struct fresh *fresh, struct reload_report *report);
static bool fits(const struct reload *reload, const struct conf *loaded,
    struct reload_report *report);
static void note_waiting(const struct reload *reload,
    const struct conf *loaded, struct reload_report *report);
static bool print_mixed(const struct conf *running, const struct conf *loaded,
    enum reload_scope scope, char **text, size_t *len);
static void take_conf(struct reload *reload, const struct fresh *fresh);
static void take_material(struct reload *reload, struct material *material);
static FILE *begin(char **text, size_t *len);
static bool finish(FILE *out, char **text, const size_t *len);
static void say_complaint(void *arg, const char *text);

bool
reload_print(const struct conf *conf, char **text, size_t *len)
{
	FILE *out = begin(text, len);

	if (out == NULL)
		return false;
	conf_print(out, conf);
	return finish(out, text, len);
}

bool
reload_take(struct reload *reload, enum reload_scope scope,
    struct reload_report *report)
{
	struct material material;
	struct fresh	fresh;
	char		why[RELOAD_WHY_SIZE];

	*report = (struct reload_report) { 0 };
	if (!read_conf(reload, scope, &fresh, report)) {
		log_warnx("the new configuration is refused, the old one "
			  "stays");
		return false;
	}
	if (material_read(&material, fresh.conf, why, sizeof(why))) {
		take_conf(reload, &fresh);
		take_material(reload, &material);
		return true;
	}
	log_warnx("%s", why);
	if (scope == RELOAD_SITES) {
		log_warnx("certificates: the last good ones are kept");
		take_conf(reload, &fresh);
		return true;
	}
	log_warnx("the new configuration is refused, the old one stays");
	strlcpy(report->why, why, sizeof(report->why));
	conf_free(fresh.conf);
	free(fresh.text);
	return false;
}

/* Parsed from its own print, so the engine takes it, too. */
static bool
read_conf(const struct reload *reload, enum reload_scope scope,
    struct fresh *fresh, struct reload_report *report)
{
	struct conf_errors errors = { .say = say_complaint, .arg = report };
	struct conf	  *loaded = conf_load(reload->path, &errors);
	const struct conf *running = *reload->conf;

	*fresh = (struct fresh) { 0 };
	if (loaded == NULL)
		return false;
	if (!fits(reload, loaded, report)) {
		conf_free(loaded);
		return false;
	}
	if (reload->log_level >= 0)
		loaded->log_level = (enum log_level)reload->log_level;
	if (scope == RELOAD_ALL)
		note_waiting(reload, loaded, report);
	if (print_mixed(running, loaded, scope, &fresh->text, &fresh->len))
		fresh->conf = conf_parse_text(fresh->text, fresh->len,
		    reload->path, running->dir, &errors);
	else
		strlcpy(report->why, "it is too large", sizeof(report->why));
	conf_free(loaded);
	if (fresh->conf != NULL)
		return true;
	free(fresh->text);
	return false;
}

/* Role and mode decide what all the other keys mean. */
static bool
fits(const struct reload *reload, const struct conf *loaded,
    struct reload_report *report)
{
	const struct conf *running = *reload->conf;
	char		   what[64];

	if (loaded->role != running->role)
		strlcpy(what, loaded->role == CONF_CLIENT ?
			"it is a satellite's now" : "it is a primary site's now",
		    sizeof(what));
	else if (loaded->mode != running->mode)
		snprintf(what, sizeof(what), "mode is %s now",
		    conf_mode_name(loaded->mode));
	else
		return true;
	snprintf(report->why, sizeof(report->why),
	    "%.300s: %s: stop the daemon and start it again for that",
	    reload->path, what);
	log_warnx("%s", report->why);
	return false;
}

static void
note_waiting(const struct reload *reload, const struct conf *loaded,
    struct reload_report *report)
{
	const struct conf *running = *reload->conf;

	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];

		if ((key->flags & CONF_KEY_LIVE) != 0 ||
		    key->section == CONF_IN_SITE ||
		    !conf_key_applies(key, running->role, running->mode) ||
		    conf_key_is_same(key, running, loaded))
			continue;
		report->waiting[report->nwaiting++] = key;
		log_warnx("%s: %s in [%s] is changed: that needs a restart",
		    reload->path, key->name, conf_section_name(key->section));
	}
}

static bool
print_mixed(const struct conf *running, const struct conf *loaded,
    enum reload_scope scope, char **text, size_t *len)
{
	struct conf mixed = *running; /* borrows from both; not freed */
	FILE	   *out = begin(text, len);

	if (out == NULL)
		return false;
	mixed.auths = loaded->auths;
	mixed.sites = loaded->sites;
	mixed.nsites = loaded->nsites;
	if (scope == RELOAD_ALL)
		conf_print_live(out, running, loaded);
	else
		conf_print(out, &mixed);
	return finish(out, text, len);
}

/*
 * Consumes `fresh`.  The network first: what a site may send must have its
 * route back.
 */
static void
take_conf(struct reload *reload, const struct fresh *fresh)
{
	struct opening *opening = &reload->children->opening;
	struct conf    *old = *reload->conf;
	bool		other_level = old->log_level != fresh->conf->log_level;

	if (fresh->len == opening->conf_len &&
	    memcmp(fresh->text, opening->conf, fresh->len) == 0) {
		conf_free(fresh->conf);
		free(fresh->text);
		return;
	}
	network_update(reload->network, fresh->conf);
	free(*reload->text);
	*reload->text = fresh->text;
	opening->conf = fresh->text;
	opening->conf_len = fresh->len;
	*reload->conf = fresh->conf;
	children_set_conf(reload->children, fresh->conf);
	conf_free(old);
	if (other_level) {
		log_set_level(fresh->conf->log_level);
		children_set_log_level(reload->children,
		    (int)fresh->conf->log_level);
	}
	if (fresh->conf->role == CONF_SERVER)
		log_info("the configuration is changed; %zu site%s",
		    fresh->conf->nsites, fresh->conf->nsites == 1 ? "" : "s");
	else
		log_info("the configuration is changed");
}

/* Consumes it.  Which of them there are depends on the configuration. */
static void
take_material(struct reload *reload, struct material *material)
{
	struct material *now = reload->material;

	for (unsigned i = 0; i < REQUEST_MATERIALS; i++) {
		enum request_material kind = (enum request_material)i;

		if (material->of[i].text == NULL ||
		    material_is_same(material, now, kind))
			continue;
		material_swap(material, now, kind);
		children_set_material(reload->children, kind);
		log_info("%s: changed", material_name(kind));
	}
	material_fini(material);
}

static FILE *
begin(char **text, size_t *len)
{
	FILE *out;

	*text = NULL;
	out = open_memstream(text, len);
	if (out == NULL)
		log_warn("the configuration cannot be printed");
	return out;
}

static bool
finish(FILE *out, char **text, const size_t *len)
{
	bool ok = ferror(out) == 0;

	ok = fclose(out) == 0 && ok;
	if (!ok)
		log_warnx("there is no memory for the configuration");
	else if (*len > GIFT_MAX_CONF)
		log_warnx("the configuration is larger than %zu MiB",
		    GIFT_MAX_CONF >> 20);
	if (ok && *len <= GIFT_MAX_CONF)
		return true;
	free(*text);
	*text = NULL;
	return false;
}

/* All of them go to the log, the first one to the report. */
static void
say_complaint(void *arg, const char *text)
{
	struct reload_report *report = arg;

	if (report->why[0] == '\0')
		strlcpy(report->why, text, sizeof(report->why));
	log_warnx("%s", text);
}
