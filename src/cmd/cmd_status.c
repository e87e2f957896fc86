/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status: status, sites, fdb, routes and kick: questions for the running
 * daemon, and its answers as tables.
 *
 * Everything in an answer is optional and may be of any type: what is missing
 * is not shown.
 */
#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
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

/* A question: its options and words, and who shows the answer. */
struct query {
	struct options_spec spec;
	void (*show)(const json_t *answer);
	int (*judge)(const json_t *answer); /* the exit status; NULL: 0 */
};

#define TAKES (OPTION_WHERE | OPTION_SOCKET | OPTION_JSON)
#define TAKEN "[-c FILE | --dir D | --socket PATH] [--json]"

static int ask(const struct query *query, int argc, char **argv);
static json_t *make_request(const struct options_spec *spec,
    const struct options *options);
static bool flush(void);
static int  judge(const json_t *answer);
static bool has(const json_t *rows, const char *key, const char *value);

static void show_status(const json_t *answer);
static void show_kicked(const json_t *answer);
static void show_sites(const json_t *answer);
static void show_fdb(const json_t *answer);
static void show_routes(const json_t *answer);

/* A line of `status`, or more of them; NULL: the answer has no such value. */
typedef void show_fn(const char *label, const json_t *value);
static show_fn show_text, show_texts, show_words, show_number, show_duration,
    show_role, show_restarts, show_troubles, show_egress, show_blocked,
    show_rule, show_certificates, show_connected, show_held_off,
    show_processes, show_ports, show_numbers;
static void show_line(const char *label, const char *text);
static void show_linef(const char *label, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

/* A column of a table. */
struct column {
	const char *head, *key;
	json_field_add_fn *add;
};
#define MAX_COLUMNS 16

static void show_rows(const struct column *columns, size_t n,
    const json_t *rows, const char *none);
static json_field_add_fn add_state, add_lanes, add_yes_no,
    add_networks;

static const struct query queries[] = {
	{ { "status", TAKEN " [--wait[=SECONDS]]",
	      "Shows what the running daemon is doing.  Exits 0 if frames "
	      "pass, 1 if not, 3 if they\npass but something is wrong.",
	      TAKES | OPTION_WAIT, 0, 0 },
	    show_status, judge },
	{ { "sites", TAKEN, "The sites and their sessions.", TAKES, 0, 0 },
	    show_sites, NULL },
	{ { "fdb", TAKEN, "Which address is behind which site (tap).", TAKES, 0,
	      0 },
	    show_fdb, NULL },
	{ { "routes", TAKEN, "Which network is behind which site (tun).", TAKES,
	      0, 0 },
	    show_routes, NULL },
	{ { "kick", "NAME " TAKEN,
	      "Ends the session of site NAME.  The site logs in again at once, "
	      "unless tombolo site\ndisable keeps it out.",
	      TAKES, 1, 1 },
	    show_kicked, NULL },
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
		/* ASCII: an answer must not move the cursor this way either. */
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		query->show(answer);
	}
	r = query->judge != NULL ? query->judge(answer) : CMD_DONE;
	return flush() ? r : CMD_FAILED;
}

/* NULL after it was said what is wrong with the argument. */
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

/* Of `status`; a client's last error says what is wrong though it is up. */
static int
judge(const json_t *answer)
{
	if (!wait_is_up(answer))
		return CMD_FAILED;
	if (json_field_text(answer, "last_error") != NULL ||
	    json_field_text(answer, "foreign_rule") != NULL ||
	    json_array_size(json_object_get(answer, "faults")) > 0 ||
	    json_array_size(json_object_get(answer, "needs_restart")) > 0 ||
	    has(json_object_get(answer, "certificates"), "warning", NULL) ||
	    has(json_object_get(answer, "ports"), "state", "blocked"))
		return CMD_DEGRADED;
	return CMD_DONE;
}

/* Whether any row has the key, with that value (NULL: with any). */
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
	const char *site = json_field_text(answer, "site");

	printf("site %s: session ended; it logs in again at once; use tombolo "
	       "site disable %s to keep it out\n", site != NULL ? site : "",
	    site != NULL ? site : "NAME");
}

static void
show_status(const json_t *answer)
{
	static const struct {
		const char *label, *key; /* NULL: the whole answer */
		show_fn	   *show;
	} lines[] = {
		{ "version", "version", show_text },
		{ "role", NULL, show_role },
		{ "device", "device", show_text },
		{ "bridge", "bridge", show_text },
		{ "uptime", "uptime_s", show_duration },
		{ "restarts", "restarts", show_restarts },
		/* a site's */
		{ "state", "state", show_text },
		{ "hub", "server", show_text },
		{ "address", "address", show_text },
		{ "proxy", "proxy", show_text },
		{ "since", "since_s", show_duration },
		{ "waits for", "waits_for", show_text },
		{ "retry in", "retry_in_s", show_duration },
		{ "last error", "last_error", show_text },
		{ "trouble", "servers", show_troubles },
		{ "asks", "question", show_text },
		{ "default", "default_route", show_egress },
		{ "blocked", "blocked_packets", show_blocked },
		{ "WARNING", "foreign_rule", show_rule },
		{ "dns", "dns", show_text },
		{ "transport", "transport", show_text },
		{ "tls", "tls", show_text },
		/* both */
		{ "tls cert", "certificates", show_certificates },
		{ "fault", "faults", show_texts },
		{ "restart", "needs_restart", show_texts },
		{ "workers", "workers", show_number },
		{ "aead", "aead", show_text },
		{ "offloads", "offloads", show_words },
		{ "sites", NULL, show_connected },
		{ "fdb", "fdb_entries", show_number },
		{ "held off", "held_off", show_held_off },
		{ "PROCESS", "processes", show_processes },
		{ "PORT", "ports", show_ports },
		{ "counters", "counters", show_numbers },
		{ "drops", "drops", show_numbers },
	};

	for (size_t i = 0; i < nitems(lines); i++)
		lines[i].show(lines[i].label, lines[i].key == NULL ? answer :
			json_object_get(answer, lines[i].key));
}

static void
show_line(const char *label, const char *text)
{
	char clean[TEXT_MAX];

	if (text == NULL || text[0] == '\0')
		return;
	printf("%-10s  %s\n", label,
	    log_escape(clean, sizeof(clean), text, strlen(text)));
}

static void
show_linef(const char *label, const char *fmt, ...)
{
	char	text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show_line(label, text);
}

static void
show_text(const char *label, const json_t *value)
{
	show_line(label, json_string_value(value));
}

static void
show_texts(const char *label, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		show_text(label, json_array_get(value, i));
}

static void
show_words(const char *label, const json_t *value)
{
	char text[TEXT_MAX];

	show_line(label, json_field_join(value, text, sizeof(text)));
}

static void
show_number(const char *label, const json_t *value)
{
	if (json_is_number(value))
		show_linef(label, "%.0f", json_number_value(value));
}

static void
show_duration(const char *label, const json_t *value)
{
	char text[TEXT_MAX];

	if (json_is_number(value))
		show_line(label, json_field_print_duration(
		    json_number_value(value), text, sizeof(text)));
}

static void
show_role(const char *label, const json_t *value)
{
	const char *role = json_field_text(value, "role");
	const char *mode = json_field_text(value, "mode");

	if (role != NULL)
		role = strcmp(role, "server") == 0 ? "hub" : "site";
	if (role != NULL && mode != NULL)
		show_linef(label, "%s, %s", role, mode);
	else
		show_line(label, role != NULL ? role : mode);
}

static void
show_restarts(const char *label, const json_t *value)
{
	if (json_number_value(value) > 0)
		show_linef(label, "%.0f: the engine died; see the log",
		    json_number_value(value));
}

/* Of several servers, each that could not be reached; of one it is said. */
static void
show_troubles(const char *label, const json_t *value)
{
	for (size_t i = 0; json_array_size(value) > 1 &&
	     i < json_array_size(value); i++) {
		const json_t *row = json_array_get(value, i);

		if (json_object_get(row, "last_error") != NULL)
			show_linef(label, "%s: %s",
			    json_field_text(row, "server"),
			    json_field_text(row, "last_error"));
	}
}

static void
show_egress(const char *label, const json_t *value)
{
	if (value != NULL)
		show_linef(label, "IPv4: %s; IPv6: %s",
		    json_field_text(value, "ipv4"),
		    json_field_text(value, "ipv6"));
}

static void
show_blocked(const char *label, const json_t *value)
{
	if (json_number_value(value) > 0)
		show_linef(label, "%.0f packets that would have bypassed the "
		    "tunnel", json_number_value(value));
}

static void
show_rule(const char *label, const json_t *value)
{
	if (json_is_string(value))
		show_linef(label, "%s precedes ours: traffic that matches it "
		    "is blocked", json_string_value(value));
}

static void
show_certificates(const char *label, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *row = json_array_get(value, i);
		const char   *name = json_field_text(row, "name");
		const char   *ends = json_field_text(row, "ends");
		const char   *warning = json_field_text(row, "warning");

		if (name == NULL || ends == NULL)
			continue;
		if (warning != NULL)
			show_linef("WARNING", "%.32s %.200s", name, warning);
		else
			show_linef(label, "%.32s until %.32s", name, ends);
	}
}

static void
show_connected(const char *label, const json_t *value)
{
	double connected, known;

	if (json_field_number(value, "sites_connected", &connected) &&
	    json_field_number(value, "sites_known", &known))
		show_linef(label, "%.0f of %.0f connected", connected, known);
}

static void
show_held_off(const char *label, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *row = json_array_get(value, i);
		const char   *site = json_field_text(row, "site");
		const char   *address = json_field_text(row, "address");
		double	      attempts, wait;

		if (site != NULL && address != NULL &&
		    json_field_number(row, "attempts", &attempts) &&
		    json_field_number(row, "wait_s", &wait))
			show_linef(label, "site %.64s from %.64s: %.0f "
			    "attempts, %.0f s to wait", site, address, attempts,
			    wait);
	}
}

/* What is zero is left out; --json has it. */
static void
show_numbers(const char *title, const json_t *numbers)
{
	const char *const heads[] = { title, ">" };
	struct table	 *table = table_new(heads, nitems(heads));
	const char	 *name;
	json_t		 *value;
	bool		  any = false;

	json_object_foreach ((json_t *)(uintptr_t)numbers, name, value) {
		if (!json_is_number(value) || json_number_value(value) == 0)
			continue;
		table_add(table, name);
		table_addf(table, "%.0f", json_number_value(value));
		any = true;
	}
	if (any) {
		putchar('\n');
		table_print(table, stdout, "");
	}
	table_free(table);
}

static void
show_processes(const char *title, const json_t *processes)
{
	const char *const heads[] = { title, "STATE" };
	struct table	 *table = table_new(heads, nitems(heads));
	const char	 *name;
	json_t		 *value;
	char		  text[TEXT_MAX];

	json_object_foreach ((json_t *)(uintptr_t)processes, name, value) {
		table_add(table, name);
		table_add(table, json_field_print_value(value, text,
		    sizeof(text)));
	}
	if (json_object_size(processes) > 0) {
		putchar('\n');
		table_print(table, stdout, "");
	}
	table_free(table);
}

static void
show_ports(const char *title, const json_t *ports)
{
	const struct column columns[] = {
		{ title, "name", json_field_add_text },
		{ "STATE", "state", json_field_add_text },
		{ "REASON", "reason", json_field_add_text },
	};

	if (json_array_size(ports) == 0)
		return;
	putchar('\n');
	show_rows(columns, nitems(columns), ports, "");
}

static void
show_sites(const json_t *answer)
{
	static const struct column columns[] = {
		{ "SITE", "name", json_field_add_text },
		{ "STATE", "state", add_state },
		{ "ADDRESS", "address", json_field_add_text },
		{ ">SINCE", "since_s", json_field_add_duration },
		{ ">RTT", "rtt_ms", json_field_add_ms },
		{ "BY", "transport", json_field_add_text },
		{ ">LANES", "lanes", add_lanes },
		{ ">PATH MTU", "path_mtu", json_field_add_number },
		{ ">RECEIVED", "rx_bytes", json_field_add_bytes },
		{ ">SENT", "tx_bytes", json_field_add_bytes },
		{ "PSK", "psk", add_yes_no },
		{ "VERSION", "version", json_field_add_text },
		{ "NETWORKS", NULL, add_networks },
	};

	show_rows(columns, nitems(columns), json_object_get(answer, "sites"),
	    "no sites; add one with tombolo site add");
}

static void
show_fdb(const json_t *answer)
{
	static const struct column columns[] = {
		{ "MAC", "mac", json_field_add_text },
		{ ">VLAN", "vlan", json_field_add_number },
		{ "PORT", "port", json_field_add_text },
		{ ">AGE", "age_s", json_field_add_duration },
	};

	show_rows(columns, nitems(columns), json_object_get(answer, "entries"),
	    "no address learned");
}

static void
show_routes(const json_t *answer)
{
	static const struct column columns[] = {
		{ "NETWORK", "network", json_field_add_text },
		{ "SITE", "site", json_field_add_text },
	};

	show_rows(columns, nitems(columns), json_object_get(answer, "routes"),
	    "no routes");
}

static void
show_rows(const struct column *columns, size_t n, const json_t *rows,
    const char *none)
{
	const char   *heads[MAX_COLUMNS] = { NULL };
	struct table *table = table_new(heads, n);

	for (size_t i = 0; i < n; i++)
		heads[i] = columns[i].head;
	for (size_t row = 0; row < json_array_size(rows); row++) {
		for (size_t i = 0; i < n; i++)
			columns[i].add(table, json_array_get(rows, row),
			    columns[i].key);
	}
	table_print(table, stdout, none);
	table_free(table);
}

static void
add_state(struct table *table, const json_t *site, const char *key)
{
	const char *why = json_field_text(site, "blocked_reason");

	if (json_is_true(json_object_get(site, "blocked")))
		table_addf(table, "blocked%s%s", why != NULL ? ": " : "",
		    why != NULL ? why : "");
	else
		json_field_add_text(table, site, key);
}

static void
add_lanes(struct table *table, const json_t *site, const char *key)
{
	double lanes, up;

	if (json_field_number(site, key, &lanes) &&
	    json_field_number(site, "lanes_up", &up))
		table_addf(table, "%.0f/%.0f", up, lanes);
	else
		table_add(table, NULL);
}

static void
add_yes_no(struct table *table, const json_t *site, const char *key)
{
	const json_t *value = json_object_get(site, key);

	table_add(table, value == NULL ? NULL :
		json_is_true(value) ? "yes" : "no");
}

static void
add_networks(struct table *table, const json_t *site, const char *key)
{
	char text[TEXT_MAX] = "";

	json_field_append_list(text, sizeof(text),
	    json_object_get(site, "addresses"));
	json_field_append_list(text, sizeof(text),
	    json_object_get(site, "subnets"));
	table_add(table, text);
}
