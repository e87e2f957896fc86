/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site/site_show.h"

#include <stdio.h>

#include "base/log.h"
#include "base/members.h"
#include "base/nitems.h"
#include "cmd/util/json_field.h"
#include "cmd/util/table.h"

#define AT(m) 1, MEMBER_AT(struct conf_site, m)
#define LIST(m)                                                                \
	1, MEMBER_LIST(struct conf_site, m.v, m.n, 0)

static const struct member members[] = {
	{ "name", MEMBER_TEXT, AT(name) },
	{ "disabled", MEMBER_BOOL, AT(disabled) },
	{ "faulty", MEMBER_BOOL, AT(faulty) },
	{ "auth", MEMBER_WORD, AT(auth), .words = &conf_words_auth },
	{ "addresses", MEMBER_HOSTS, LIST(addresses) },
	{ "subnets", MEMBER_PREFIXES, LIST(subnets) },
	{ "default-route", MEMBER_BOOL, AT(default_route) },
};

static json_t *to_json(const struct conf_site *site);
static int     print_json(json_t *json, const char *who);
static void    add_row(struct table *table, const struct conf_site *site);

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
	for (size_t i = 0; i < conf->nsites; i++)
		add_row(table, &conf->sites[i]);
	table_print(table, "no sites; see tombolo site add --help");
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
	json_t *object = json_object();

	members_encode(members, nitems(members), 1, site, object);
	return object;
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

/* A long list is truncated; `show` prints all of it. */
static void
add_row(struct table *table, const struct conf_site *site)
{
	static const char *const rest[] = { "{auth}", "{addresses}",
		"{subnets}" };
	json_auto_t *row = to_json(site);
	char	     text[256];

	table_add(table, site->name);
	table_add(table, site_show_state(site));
	for (size_t i = 0; i < nitems(rest); i++)
		table_add(table, json_field_fill(row, rest[i], text,
		    sizeof(text)));
}
