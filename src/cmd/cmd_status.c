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
static void show_line(const char *label, const char *text);
static void show_linef(const char *label, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));
static void show_field(const char *label, const json_t *answer,
    const char *name);
static void show_number(const char *label, const json_t *answer,
    const char *name);
static void show_duration(const char *label, const json_t *answer,
    const char *name);
static void show_identity(const json_t *answer);
static void show_texts(const char *label, const json_t *texts);
static void show_troubles(const json_t *servers);
static void show_connection(const json_t *answer);
static void show_egress(const json_t *ways);
static void show_certificates(const json_t *rows);
static void show_sizes(const json_t *answer);
static void show_held_off(const json_t *rows);
static void show_numbers(const char *title, const json_t *numbers);
static void show_ports(const json_t *ports);
static void show_processes(const json_t *processes);
static void show_sites(const json_t *answer);
static void show_fdb(const json_t *answer);
static void show_routes(const json_t *answer);

static const struct query queries[] = {
	{ { "status", TAKEN " [--wait[=SECONDS]]",
	      "What the running daemon is doing.  Exits 0 if frames pass, 1 if "
	      "not, 3 if something\nis wrong all the same.",
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
	struct options options;
	json_t	      *request, *answer;
	char	      *path;
	int	       r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--watch") != 0)
			continue;
		log_warnx("--watch comes in a later version; until then: watch "
			  "tombolo %s", query->spec.command);
		return 1;
	}
	r = options_parse(&options, &query->spec, argc, argv);
	if (r != OPTIONS_GO_ON)
		return r;
	request = make_request(&query->spec, &options);
	if (request == NULL)
		return 2;
	path = options_socket(&options);
	if (path == NULL) {
		json_decref(request);
		return CMD_FAILED;
	}
	if (options.seconds >= 0)
		wait_until_up(path, (unsigned)options.seconds, 0);
	answer = admin_call_or_say(path, request);
	free(path);
	if (answer == NULL)
		return 1;
	if (options.json) {
		/* ASCII: an answer must not move the cursor this way either. */
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		query->show(answer);
	}
	r = query->judge != NULL ? query->judge(answer) : CMD_DONE;
	json_decref(answer);
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
	show_identity(answer);
	show_connection(answer);
	show_certificates(json_object_get(answer, "certificates"));
	show_texts("fault", json_object_get(answer, "faults"));
	show_texts("restart", json_object_get(answer, "needs_restart"));
	show_sizes(answer);
	show_processes(json_object_get(answer, "processes"));
	show_ports(json_object_get(answer, "ports"));
	show_numbers("counters", json_object_get(answer, "counters"));
	show_numbers("drops", json_object_get(answer, "drops"));
}

static void
show_texts(const char *label, const json_t *texts)
{
	for (size_t i = 0; i < json_array_size(texts); i++)
		show_line(label, json_string_value(json_array_get(texts, i)));
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
show_field(const char *label, const json_t *answer, const char *name)
{
	show_line(label, json_field_text(answer, name));
}

static void
show_number(const char *label, const json_t *answer, const char *name)
{
	double v;

	if (json_field_number(answer, name, &v))
		show_linef(label, "%.0f", v);
}

static void
show_duration(const char *label, const json_t *answer, const char *name)
{
	char   text[TEXT_MAX];
	double v;

	if (json_field_number(answer, name, &v))
		show_line(label, json_field_print_duration(v, text,
		    sizeof(text)));
}

static void
show_identity(const json_t *answer)
{
	const char *role = json_field_text(answer, "role");
	const char *mode = json_field_text(answer, "mode");
	double	    v;

	show_field("version", answer, "version");
	if (role != NULL && mode != NULL)
		show_linef("role", "%s, %s", role, mode);
	else
		show_line("role", role != NULL ? role : mode);
	show_field("device", answer, "device");
	show_field("bridge", answer, "bridge");
	show_duration("uptime", answer, "uptime_s");
	if (json_field_number(answer, "restarts", &v) && v > 0)
		show_linef("restarts", "%.0f: the engine died; see the log", v);
}

/* Of several servers, each that could not be reached; of one it is said. */
static void
show_troubles(const json_t *servers)
{
	size_t	i;
	json_t *row;

	if (json_array_size(servers) < 2)
		return;
	json_array_foreach(servers, i, row)
	{
		if (json_object_get(row, "last_error") == NULL)
			continue;
		show_linef("trouble", "%s: %s", json_field_text(row, "server"),
		    json_field_text(row, "last_error"));
	}
}

/* A client's. */
static void
show_connection(const json_t *answer)
{
	const char *rule = json_field_text(answer, "foreign_rule");
	double	    v;

	show_field("state", answer, "state");
	show_field("server", answer, "server");
	show_field("address", answer, "address");
	show_field("proxy", answer, "proxy");
	show_duration("since", answer, "since_s");
	show_field("waits for", answer, "waits_for");
	show_duration("retry in", answer, "retry_in_s");
	show_field("last error", answer, "last_error");
	show_troubles(json_object_get(answer, "servers"));
	show_field("asks", answer, "question");
	show_egress(json_object_get(answer, "default_route"));
	if (json_field_number(answer, "blocked_packets", &v) && v > 0)
		show_linef("blocked", "%.0f packets that would have left "
		    "outside the tunnel", v);
	if (rule != NULL)
		show_linef("WARNING", "%s precedes ours: traffic that matches "
		    "it is blocked", rule);
	show_field("dns", answer, "dns");
	show_field("transport", answer, "transport");
	show_field("tls", answer, "tls");
}

static void
show_egress(const json_t *ways)
{
	if (ways == NULL)
		return;
	show_linef("default", "IPv4: %s; IPv6: %s", json_field_text(ways,
	    "ipv4"),
	    json_field_text(ways, "ipv6"));
}

static void
show_certificates(const json_t *rows)
{
	size_t	i;
	json_t *row;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
		const char *name = json_field_text(row, "name");
		const char *ends = json_field_text(row, "ends");
		const char *warning = json_field_text(row, "warning");

		if (name == NULL || ends == NULL)
			continue;
		if (warning != NULL)
			show_linef("WARNING", "%.32s %.200s", name, warning);
		else
			show_linef("tls cert", "%.32s until %.32s", name, ends);
	}
}

static void
show_sizes(const json_t *answer)
{
	char   text[TEXT_MAX];
	double connected, known;

	show_number("workers", answer, "workers");
	show_field("aead", answer, "aead");
	show_line("offloads", json_field_join(json_object_get(answer,
	    "offloads"),
				  text, sizeof(text)));
	if (json_field_number(answer, "sites_connected", &connected) &&
	    json_field_number(answer, "sites_known", &known))
		show_linef("sites", "%.0f of %.0f connected", connected, known);
	show_number("fdb", answer, "fdb_entries");
	show_held_off(json_object_get(answer, "held_off"));
}

static void
show_held_off(const json_t *rows)
{
	double	attempts, wait;
	size_t	i;
	json_t *row;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
		if (!json_field_number(row, "attempts", &attempts) ||
		    !json_field_number(row, "wait_s", &wait))
			continue;
		if (json_field_text(row, "site") == NULL ||
		    json_field_text(row, "address") == NULL)
			continue;
		show_linef("held off", "site %.64s from %.64s: %.0f attempts, "
		    "%.0f s to wait", json_field_text(row, "site"),
		    json_field_text(row, "address"), attempts, wait);
	}
}

/* What is zero is left out; --json has it. */
static void
show_numbers(const char *title, const json_t *numbers)
{
	const char *const heads[] = { title, ">" };
	struct table	 *table;
	const char	 *name;
	json_t		 *value;
	bool		  any = false;

	if (!json_is_object(numbers))
		return;
	table = table_new(heads, nitems(heads));
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
show_ports(const json_t *ports)
{
	static const char *const heads[] = { "PORT", "STATE", "REASON" };
	struct table		*table;
	const json_t		*port;
	size_t			 i;

	if (!json_is_array(ports) || json_array_size(ports) == 0)
		return;
	table = table_new(heads, nitems(heads));
	json_array_foreach (ports, i, port) {
		table_add(table, json_field_text(port, "name"));
		table_add(table, json_field_text(port, "state"));
		table_add(table, json_field_text(port, "reason"));
	}
	putchar('\n');
	table_print(table, stdout, "");
	table_free(table);
}

static void
show_processes(const json_t *processes)
{
	static const char *const heads[] = { "PROCESS", "STATE" };
	struct table		*table;
	const char		*name;
	json_t			*value;
	char			 text[TEXT_MAX];

	if (!json_is_object(processes) || json_object_size(processes) == 0)
		return;
	table = table_new(heads, nitems(heads));
	json_object_foreach ((json_t *)(uintptr_t)processes, name, value) {
		table_add(table, name);
		table_add(table, json_field_print_value(value, text,
		    sizeof(text)));
	}
	putchar('\n');
	table_print(table, stdout, "");
	table_free(table);
}

static void
show_sites(const json_t *answer)
{
	static const char *const heads[] = { "SITE", "STATE", "ADDRESS",
		">SINCE", ">RTT", "BY", ">LANES", ">PATH MTU", ">RECEIVED", ">SENT",
		"NETWORKS" };
	struct table *table = table_new(heads, nitems(heads));
	const json_t *site, *sites = json_object_get(answer, "sites");
	char	      text[TEXT_MAX];
	double	      lanes, up;
	size_t	      i;

	json_array_foreach (sites, i, site) {
		const char *why = json_field_text(site, "blocked_reason");

		table_add(table, json_field_text(site, "name"));
		if (json_is_true(json_object_get(site, "blocked")))
			table_addf(table, "blocked%s%s",
			    why != NULL ? ": " : "", why != NULL ? why : "");
		else
			table_add(table, json_field_text(site, "state"));
		table_add(table, json_field_text(site, "address"));
		json_field_add_duration(table, site, "since_s");
		json_field_add_number(table, site, "rtt_ms", " ms");
		table_add(table, json_field_text(site, "transport"));
		if (json_field_number(site, "lanes", &lanes) &&
		    json_field_number(site, "lanes_up", &up))
			table_addf(table, "%.0f/%.0f", up, lanes);
		else
			table_add(table, NULL);
		json_field_add_number(table, site, "path_mtu", "");
		json_field_add_bytes(table, site, "rx_bytes");
		json_field_add_bytes(table, site, "tx_bytes");
		text[0] = '\0';
		json_field_append_list(text, sizeof(text),
		    json_object_get(site, "addresses"));
		json_field_append_list(text, sizeof(text),
		    json_object_get(site, "subnets"));
		table_add(table, text);
	}
	table_print(table, stdout, "no sites; add one with tombolo site add");
	table_free(table);
}

static void
show_fdb(const json_t *answer)
{
	static const char *const heads[] = { "MAC", ">VLAN", "PORT", ">AGE" };
	struct table *table = table_new(heads, nitems(heads));
	const json_t *entry, *entries = json_object_get(answer, "entries");
	size_t	      i;

	json_array_foreach (entries, i, entry) {
		table_add(table, json_field_text(entry, "mac"));
		json_field_add_number(table, entry, "vlan", "");
		table_add(table, json_field_text(entry, "port"));
		json_field_add_duration(table, entry, "age_s");
	}
	table_print(table, stdout, "no address learned");
	table_free(table);
}

static void
show_routes(const json_t *answer)
{
	static const char *const heads[] = { "NETWORK", "SITE" };
	struct table *table = table_new(heads, nitems(heads));
	const json_t *route, *routes = json_object_get(answer, "routes");
	size_t	      i;

	json_array_foreach (routes, i, route) {
		table_add(table, json_field_text(route, "network"));
		table_add(table, json_field_text(route, "site"));
	}
	table_print(table, stdout, "no routes");
	table_free(table);
}
