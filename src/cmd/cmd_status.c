/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status: status, sites, fdb, routes and kick: sends a query to the running
 * daemon and prints its answer as a table.
 *
 * Everything in an answer is optional and may be of any type; missing values
 * are not shown.
 */
#include "cmd/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cmd/util/admin_call.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/util/json_field.h"
#include "cmd/util/options.h"
#include "cmd/util/table.h"
#include "cmd/util/wait.h"
#include "conf/conf.h"

#define TEXT_MAX 256

/* A column of a table, or a line of `status`; see json_field_fill(). */
struct column {
	const char *head, *pattern;
};
#define MAX_COLUMNS 16

/* A query: its options and words, and how to show the answer. */
struct query {
	struct options_spec spec;
	void (*show)(const json_t *answer); /* NULL: as a table */
	int (*exit_status)(const json_t *answer); /* NULL: CMD_DONE */
	const char *rows, *none; /* of the table; the text if there are none */
	struct column columns[MAX_COLUMNS];
};

#define TAKES (OPTION_WHERE | OPTION_SOCKET | OPTION_JSON)
#define TAKEN "[-c FILE | --dir D | --socket PATH] [--json]"

static int ask(const struct query *query, int argc, char **argv);
static json_t *make_request(const struct options_spec *spec,
    const struct options *options);
static bool flush(void);
static int  exit_status(const json_t *answer);
static bool has(const json_t *rows, const char *key, const char *value);

static void show_kicked(const json_t *answer);
static void show_status(const json_t *answer);

/* For what no pattern can express; NULL: the answer has no such value. */
typedef void show_fn(const json_t *value);
static show_fn show_role, show_troubles, show_certificates, show_ports,
    show_counters, show_drops, show_host;
static bool show_line(const char *label, const char *pattern,
    const json_t *value);
static void show_numbers(const char *title, const json_t *numbers);
static void show_rows(const struct column *columns, const json_t *rows,
    const char *none);

static const struct query queries[] = {
	{ { "status", TAKEN " [--wait[=SECONDS]]",
	      "Shows what the running daemon is doing.  Exits 0 if frames "
	      "pass, 1 if not, 3 if they\npass but something is wrong.",
	      TAKES | OPTION_WAIT, 0, 0 },
	    .show = show_status, .exit_status = exit_status },
	{ { "sites", TAKEN, "The sites and their sessions.", TAKES, 0, 0 },
	    .rows = "sites", .none = "no sites; add one with tombolo site add",
	    .columns = {
		{ "SITE", "{name}" },
		{ "STATE", "blocked: {blocked_reason}|{state}" },
		{ "ADDRESS", "{address}" },
		{ ">SINCE", "{since_s:time}" },
		{ ">RTT", "{rtt_ms} ms" },
		{ "BY", "{transport}" },
		{ ">LANES", "{lanes_up}/{lanes}" },
		{ ">PATH MTU", "{path_mtu}" },
		{ ">RECEIVED", "{rx_bytes:size}" },
		{ ">SENT", "{tx_bytes:size}" },
		{ "PSK", "{psk}" },
		{ "VERSION", "{version}" },
		{ "NETWORKS", "{addresses}, {subnets}|{addresses}|{subnets}" },
	    } },
	{ { "fdb", TAKEN, "Which address is behind which site (tap).", TAKES, 0,
	      0 },
	    .rows = "entries", .none = "no address learned",
	    .columns = { { "MAC", "{mac}" }, { ">VLAN", "{vlan}" },
		{ "PORT", "{port}" }, { ">AGE", "{age_s:time}" } } },
	{ { "routes", TAKEN, "Which network is behind which site (tun).", TAKES,
	      0, 0 },
	    .rows = "routes", .none = "no routes",
	    .columns = { { "NETWORK", "{network}" }, { "SITE", "{site}" } } },
	{ { "kick", "NAME " TAKEN,
	      "Ends the session of site NAME.  The site logs in again at once, "
	      "unless tombolo site\ndisable keeps it out.",
	      TAKES, 1, 1 },
	    .show = show_kicked },
};

int
cmd_status(int argc, char **argv)
{
	size_t i = 0;

	while (strcmp(queries[i].spec.command, argv[0]) != 0)
		i++;
	return ask(&queries[i], argc, argv);
}

static int
ask(const struct query *query, int argc, char **argv)
{
	AUTO_FREE char *path = NULL;
	json_auto_t    *request = NULL, *answer = NULL;
	struct options	options;
	int		r = options_parse(&options, &query->spec, argc, argv);

	if (r != OPTIONS_GO_ON)
		return r;
	request = make_request(&query->spec, &options);
	if (request == NULL)
		return 2;
	path = options_socket(&options);
	if (path == NULL)
		return CMD_FAILED;
	if (options.seconds >= 0)
		wait_until_up(path, (unsigned)options.seconds, 0);
	answer = admin_call_or_say(path, json_incref(request));
	if (answer == NULL)
		return CMD_FAILED;
	if (options.json) {
		/* ASCII, so that an answer cannot move the cursor. */
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (query->show != NULL) {
		query->show(answer);
	} else {
		show_rows(query->columns, json_object_get(answer, query->rows),
		    query->none);
	}
	r = query->exit_status != NULL ? query->exit_status(answer) : CMD_DONE;
	return flush() ? r : CMD_FAILED;
}

/* NULL after a line that says what is wrong with the argument. */
static json_t *
make_request(const struct options_spec *spec, const struct options *options)
{
	const char *site;

	if (options->nargs == 0)
		return json_pack("{s:s}", "command", spec->command);
	site = options->args[0];
	if (!conf_is_site_name(site)) {
		options_wrong(spec, "%s is not a site's name", site);
		return NULL;
	}
	return json_pack("{s:s, s:s}", "command", spec->command, "site", site);
}

static bool
flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	log_warn("cannot write the answer");
	return false;
}

/* For `status`: a client that is up may still be degraded by its last error. */
static int
exit_status(const json_t *answer)
{
	if (!wait_is_up(answer))
		return CMD_FAILED;
	if (json_field_text(answer, "last_error") != NULL ||
	    json_field_text(answer, "foreign_rule") != NULL ||
	    json_array_size(json_object_get(answer, "faults")) > 0 ||
	    json_array_size(json_object_get(answer, "needs_restart")) > 0 ||
	    has(json_object_get(answer, "host"), "what", NULL) ||
	    has(json_object_get(answer, "certificates"), "warning", NULL) ||
	    has(json_object_get(answer, "ports"), "state", "blocked"))
		return CMD_DEGRADED;
	return CMD_DONE;
}

/* True if any row has the key, with that value (NULL: any). */
static bool
has(const json_t *rows, const char *key, const char *value)
{
	size_t	i;
	json_t *row;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
		const char *text = json_field_text(row, key);

		if (text != NULL && (value == NULL || strcmp(text, value) == 0))
			return true;
	}
	return false;
}

static void
show_kicked(const json_t *answer)
{
	char text[TEXT_MAX];

	if (json_field_fill(answer, "site {site}: session ended; it logs in "
		"again at once; use tombolo site disable {site} to keep it out",
		text, sizeof(text)) != NULL)
		printf("%s\n", text);
}

static void
show_status(const json_t *answer)
{
	static const struct {
		const char *label, *pattern;
		const char *key; /* that member, of each in a list; NULL: all */
		show_fn	   *show; /* used instead of a pattern */
	} lines[] = {
		{ "version", "{version}", NULL, NULL },
		{ NULL, NULL, NULL, show_role },
		{ "device", "{device}", NULL, NULL },
		{ "bridge", "{bridge}", NULL, NULL },
		{ NULL, NULL, "host", show_host },
		{ "uptime", "{uptime_s:time}", NULL, NULL },
		{ "restarts", "{restarts:some}: the engine died; see the log",
		    NULL, NULL },
		/* a site's */
		{ "state", "{state}", NULL, NULL },
		{ "hub", "{server}", NULL, NULL },
		{ "address", "{address}", NULL, NULL },
		{ "proxy", "{proxy}", NULL, NULL },
		{ "since", "{since_s:time}", NULL, NULL },
		{ "waits for", "{waits_for}", NULL, NULL },
		{ "retry in", "{retry_in_s:time}", NULL, NULL },
		{ "last error", "{last_error}", NULL, NULL },
		{ NULL, NULL, "servers", show_troubles },
		{ "asks", "{question}", NULL, NULL },
		{ "default", "IPv4: {ipv4}; IPv6: {ipv6}", "default_route",
		    NULL },
		{ "blocked", "{blocked_packets:some} packets that would have "
			     "bypassed the tunnel", NULL, NULL },
		{ "WARNING", "{foreign_rule} precedes ours: traffic that "
			     "matches it is blocked", NULL, NULL },
		{ "dns", "{dns}", NULL, NULL },
		{ "transport", "{transport}", NULL, NULL },
		{ "tls", "{tls}", NULL, NULL },
		/* both */
		{ NULL, NULL, "certificates", show_certificates },
		{ "fault", "{}", "faults", NULL },
		{ "restart", "{}", "needs_restart", NULL },
		{ "workers", "{workers}", NULL, NULL },
		{ "aead", "{aead}", NULL, NULL },
		{ "offloads", "{offloads:words}", NULL, NULL },
		{ "sites", "{sites_connected} of {sites_known} connected", NULL,
		    NULL },
		{ "fdb", "{fdb_entries}", NULL, NULL },
		{ "held off", "site {site} from {address}: {attempts} "
			      "attempts, {wait_s} s to wait", "held_off",
		    NULL },
		{ NULL, NULL, "ports", show_ports },
		{ NULL, NULL, "counters", show_counters },
		{ NULL, NULL, "drops", show_drops },
	};

	for (size_t i = 0; i < nitems(lines); i++) {
		const json_t *value = lines[i].key == NULL ? answer :
		    json_object_get(answer, lines[i].key);

		if (lines[i].show != NULL)
			lines[i].show(value);
		else if (!json_is_array(value))
			show_line(lines[i].label, lines[i].pattern, value);
		for (size_t j = 0; lines[i].show == NULL &&
		     j < json_array_size(value); j++)
			show_line(lines[i].label, lines[i].pattern,
			    json_array_get(value, j));
	}
}

/* False if there is nothing to show. */
static bool
show_line(const char *label, const char *pattern, const json_t *value)
{
	char text[TEXT_MAX], clean[TEXT_MAX];

	if (json_field_fill(value, pattern, text, sizeof(text)) == NULL)
		return false;
	printf("%-10s  %s\n", label,
	    log_escape(clean, sizeof(clean), text, strlen(text)));
	return true;
}

static void
show_role(const json_t *answer)
{
	const char *role = json_field_text(answer, "role");

	if (role != NULL && strcmp(role, "server") == 0)
		show_line("role", "hub, {mode}", answer);
	else
		show_line("role", "site, {mode}", answer);
}

/*
 * With several hubs, lists each that could not be reached; with one the error
 * is shown elsewhere.
 */
static void
show_troubles(const json_t *servers)
{
	for (size_t i = 0; json_array_size(servers) > 1 &&
	     i < json_array_size(servers); i++)
		show_line("trouble", "{server}: {last_error}",
		    json_array_get(servers, i));
}

static void
show_host(const json_t *troubles)
{
	if (json_is_array(troubles) && json_array_size(troubles) == 0)
		show_line("host", "as configured", troubles);
	for (size_t i = 0; i < json_array_size(troubles); i++)
		show_line("host", "{what}: {why} (for {since_s:time})",
		    json_array_get(troubles, i));
}

static void
show_certificates(const json_t *certificates)
{
	for (size_t i = 0; i < json_array_size(certificates); i++) {
		const json_t *row = json_array_get(certificates, i);

		if (!show_line("WARNING", "{name} {warning}", row))
			show_line("tls cert", "{name} until {ends}", row);
	}
}

static void
show_counters(const json_t *counters)
{
	show_numbers("counters", counters);
}

static void
show_drops(const json_t *drops)
{
	show_numbers("drops", drops);
}

/* Zeros are omitted; --json has them. */
static void
show_numbers(const char *title, const json_t *numbers)
{
	const char *const heads[] = { title, ">" };
	struct table	 *table = table_new(heads, nitems(heads));
	const char	 *name;
	json_t		 *value;
	char		  text[TEXT_MAX];
	bool		  any = false;

	json_object_foreach ((json_t *)(uintptr_t)numbers, name, value) {
		if (!json_is_number(value) || json_field_fill(value, "{:some}",
			text, sizeof(text)) == NULL)
			continue;
		table_add(table, name);
		table_add(table, text);
		any = true;
	}
	if (any) {
		putchar('\n');
		table_print(table, "");
	}
	table_free(table);
}

static void
show_ports(const json_t *ports)
{
	static const struct column columns[MAX_COLUMNS] = {
		{ "PORT", "{name}" },
		{ "STATE", "{state}" },
		{ "REASON", "{reason}" },
	};

	if (json_array_size(ports) == 0)
		return;
	putchar('\n');
	show_rows(columns, ports, "");
}

static void
show_rows(const struct column *columns, const json_t *rows, const char *none)
{
	const char   *heads[MAX_COLUMNS];
	char	      text[TEXT_MAX];
	struct table *table;
	size_t	      n = 0;

	while (n < MAX_COLUMNS && columns[n].head != NULL) {
		heads[n] = columns[n].head;
		n++;
	}
	table = table_new(heads, n);
	for (size_t row = 0; row < json_array_size(rows); row++) {
		for (size_t i = 0; i < n; i++)
			table_add(table, json_field_fill(json_array_get(rows,
			    row), columns[i].pattern, text, sizeof(text)));
	}
	table_print(table, none);
	table_free(table);
}
