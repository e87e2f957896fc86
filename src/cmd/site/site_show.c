/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_show.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "cmd/util/table.h"

static json_t *to_json(const struct conf_site *site);
static json_t *list_to_json(const struct conf_prefixes *list, bool hosts);
static int     print_json(json_t *json, const char *who);
static void    add_list(struct table *table, const struct conf_prefixes *list,
       bool hosts);
static const char *print_item(const struct prefix *prefix, bool host, char *dst,
    size_t size);

int
site_show_all(const struct site_job *job)
{
	static const char *const heads[] = { "SITE", "STATE", "AUTH", "ADDRESS",
		"SUBNET" };
	CONF_AUTO_FREE *conf = site_job_load(job, CONF_LOAD_ANY);
	struct table   *table;

	if (conf == NULL)
		return 1;
	if (job->options->json) {
		json_t *array = json_array();

		for (size_t i = 0; i < conf->nsites; i++)
			json_array_append_new(array, to_json(&conf->sites[i]));
		return print_json(array, job->who);
	}
	table = table_new(heads, nitems(heads));
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		table_add(table, site->name);
		table_add(table, site_show_state(site));
		table_add(table, conf_auth_name(site->auth));
		add_list(table, &site->addresses, true);
		add_list(table, &site->subnets, false);
	}
	table_print(table, stdout, "no sites; see tombolo site add --help");
	table_free(table);
	return 0;
}

int
site_show_one(const struct site_job *job)
{
	CONF_AUTO_FREE *conf = site_job_load(job, CONF_LOAD_ANY);
	const struct conf_site *site = conf != NULL ? site_job_find(job, conf) :
						      NULL;

	if (site == NULL)
		return 1;
	if (job->options->json)
		return print_json(to_json(site), job->who);
	conf_print_site(stdout, site);
	return 0;
}

const char *
site_show_state(const struct conf_site *site)
{
	if (site->faulty)
		return "faulty";
	return site->disabled ? "disabled" : "enabled";
}

static json_t *
to_json(const struct conf_site *site)
{
	return json_pack("{s:s, s:b, s:b, s:s, s:o, s:o, s:b}", "name",
	    site->name, "disabled", (int)site->disabled, "faulty",
	    (int)site->faulty, "auth", conf_auth_name(site->auth),
	    "addresses", list_to_json(&site->addresses, true), "subnets",
	    list_to_json(&site->subnets, false), "default-route",
	    (int)site->default_route);
}

static json_t *
list_to_json(const struct conf_prefixes *list, bool hosts)
{
	json_t *array = json_array();
	char	text[PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(print_item(&list->v[i],
		    hosts, text, sizeof(text))));
	return array;
}

/* Consumes `json`. */
static int
print_json(json_t *json, const char *who)
{
	int r = json == NULL ||
	    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) ==
		-1;

	json_decref(json);
	if (r != 0)
		log_warnx("%s: out of memory", who);
	else
		putchar('\n');
	return r;
}

/* All in one cell; a long list is cut: `show` has all of it. */
static void
add_list(struct table *table, const struct conf_prefixes *list, bool hosts)
{
	char   text[256] = "", one[PREFIX_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool fits = n + strlen(print_item(&list->v[i], hosts, one,
		    sizeof(one))) + 8 <= sizeof(text);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		    i > 0 ? ", " : "", fits ? one : "...");
		if (!fits)
			break;
	}
	table_add(table, list->n > 0 ? text : NULL);
}

static const char *
print_item(const struct prefix *prefix, bool host, char *dst, size_t size)
{
	return host ? addr_print(&prefix->addr, dst, size) :
		      prefix_print(prefix, dst, size);
}
