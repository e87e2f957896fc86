/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/status.h"

#include <string.h>

#include "base/log.h"
#include "base/members.h"
#include "base/nitems.h"
#include "conf/conf_words.h"
#include "control/client.h"
#include "control/server.h"
#include "control/session.h"
#include "datapath/dp.h"
#include "datapath/switch/fdb.h"
#include "dataplane/dataplane.h"
#include "dataplane/totals.h"
#include "engine/engine.h"

#define MAX_HELD_OFF 16 /* rows of status */

/* The names of counters. */
static const struct {
	const char *site, *device, *sites;
} counter_rows[] = {
#define ROW(member, site, device, sites) { site, device, sites },
	COUNTERS(ROW)
#undef ROW
};

static const struct member notes[] = {
	{ "faults", MEMBER_STRINGS, 1,
	    MEMBER_LIST(struct conf, faults.v, faults.n, 0) },
	{ "needs_restart", MEMBER_STRINGS, 1,
	    MEMBER_LIST(struct conf, waiting.v, waiting.n, 0) },
};

static json_t *offloads_array(const struct engine *engine);
static json_t *certificates_array(struct engine *engine);
static void add_client(json_t *object, const struct engine *engine);
static void add_egress(json_t *object, const struct engine *engine);
static json_t *host_array(const struct engine *engine);
static const char *way(const struct engine *engine, enum request_way way);
static json_t *servers_array(const struct engine *engine);
static void add_server(json_t *object, const struct engine *engine);
static json_t *held_off_array(const struct server *server);
static void add_counters(json_t *object, const struct engine *engine);
static void count(json_t *object, const char *name, uint64_t n);
static json_t *drops_object(const struct counters *counters);
static json_t *ports_array(const struct engine *engine);
static json_t *port_object(const struct engine *engine, const char *name,
    uint16_t port);

json_t *
status_get(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	json_t		  *object = json_object();

	status_set(object, "ok", json_true());
	status_set_text(object, "version", engine->startup.start.version);
	status_set_text(object, "role", engine->server != NULL ?
		"server" : "client");
	status_set_text(object, "mode", conf_mode_name(conf->mode));
	status_set_text(object, "device", engine->startup.device.name);
	status_set_text(object, "bridge", conf->bridge);
	status_set_number(object, "mtu", engine->startup.device.mtu);
	status_set(object, "host", host_array(engine));
	status_set_number(object, "uptime_s",
	    status_seconds_since(engine->started));
	status_set_number(object, "restarts", engine->startup.start.restarts);
	status_set_number(object, "workers",
	    dataplane_workers(engine->dataplane));
	status_set_text(object, "aead",
	    aead_name(dataplane_aead(engine->dataplane)));
	status_set(object, "offloads", offloads_array(engine));
	if (engine->client != NULL)
		add_client(object, engine);
	else if (engine->server != NULL)
		add_server(object, engine);
	else /* a site whose password the keeper has not given yet */
		status_set_text(object, "state", "connecting");
	status_set(object, "certificates", certificates_array(engine));
	status_add_notes(object, engine);
	add_counters(object, engine);
	status_set(object, "ports", ports_array(engine));
	return object;
}

void
status_add_notes(json_t *object, const struct engine *engine)
{
	members_encode(notes, nitems(notes), 1, engine->conf, object);
	for (unsigned i = 0; i < REQUEST_CERTS_KINDS; i++) {
		const char *why = engine_certs_trouble(&engine->certs,
		    (enum request_certs)i);

		if (why[0] != '\0')
			json_array_append_new(json_object_get(object, "faults"),
			    json_string(why));
	}
}

void
status_add_site(json_t *object, const struct counters *counters)
{
	for (size_t i = 0; i < nitems(counter_rows); i++)
		count(object, counter_rows[i].site, counters_get(counters, i));
	status_set(object, "drops", drops_object(counters));
}

void
status_set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

void
status_set_number(json_t *object, const char *name, json_int_t value)
{
	status_set(object, name, json_integer(value));
}

void
status_set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		status_set(object, name, json_string(text));
}

json_int_t
status_seconds_since(struct mono then)
{
	return mono_sub(mono_now(), then) / MONO_SEC;
}

/* The device's as it does them, the sockets' as they were asked for. */
static json_t *
offloads_array(const struct engine *engine)
{
	unsigned sockets = CONF_OFFLOAD_BIT(CONF_OFFLOAD_GSO) |
	    CONF_OFFLOAD_BIT(CONF_OFFLOAD_GRO);
	unsigned on = engine->startup.device.offloads |
	    (sockets & ~engine->conf->no_offloads);
	json_t *names = json_array();

	for (unsigned i = 0; i < CONF_OFFLOADS; i++) {
		if ((on & CONF_OFFLOAD_BIT(i)) != 0)
			json_array_append_new(names, json_string(
				conf_words_offload.names[i]));
	}
	return names;
}

/* Those that are known, of either end. */
static json_t *
certificates_array(struct engine *engine)
{
	json_t *array = json_array();
	time_t	now = tls_context_time();
	char	text[EXPIRY_TEXT_SIZE];

	engine_look_at_certificates(engine);
	for (unsigned i = 0; i < EXPIRIES; i++) {
		enum expiry_of which = (enum expiry_of)i;
		time_t	       end = engine->expiry.of[i].end;
		json_t	      *row;

		if (end == 0)
			continue;
		row = json_pack("{s:s,s:s,s:I}", "name", expiry_name(which),
		    "ends", expiry_date(end, text, sizeof(text)), "ends_in_s",
		    (json_int_t)(end - now));
		status_set_text(row, "warning", expiry_advice(&engine->expiry,
		    which, now, text, sizeof(text)));
		json_array_append_new(array, row);
	}
	return array;
}

static void
add_client(json_t *object, const struct engine *engine)
{
	const struct client	    *client = engine->client;
	const struct conf	    *conf = engine->conf;
	const struct connector	    *connector = client->connector;
	bool			     up = client->state == CLIENT_UP;
	struct dataplane_peer_health health;

	status_set_text(object, "state", client_state_name(client));
	status_set_text(object, "site", conf->site);
	status_set(object, "server", json_string(connector_server(connector)));
	status_set(object, "address",
	    json_string(connector_address(connector)));
	status_set_number(object, "since_s",
	    status_seconds_since(client->since));
	status_set_number(object, "sessions", (json_int_t)client->sessions);
	status_set_number(object, "reconnects", (json_int_t)client->reconnects);
	status_set_text(object, "auth", conf_auth_name(conf->auth));
	if (client->state == CLIENT_WAIT && !client->auth.needs_person)
		status_set_number(object, "retry_in_s",
		    -status_seconds_since(client->retry_at));
	status_set_text(object, "waits_for", client_waits_for(client));
	status_set(object, "servers", servers_array(engine));
	if (conf->proxy.kind != CONF_PROXY_NONE)
		status_set_text(object, "proxy", connector_proxy(connector));
	if (client->auth.question)
		status_set_text(object, "question", client->auth.text);
	status_set_text(object, "last_error", client->last_error);
	if (up && client_peer(client) != NULL) {
		dataplane_peer_health(client_peer(client), &health);
		status_set_text(object, "transport", health.carrier);
	}
	if (up)
		status_set_text(object, "tls",
		    tls_describe(client->session->conn->tls));
	add_egress(object, engine);
}

/* Where this host's traffic goes, as far as the configuration lets us ask. */
static void
add_egress(json_t *object, const struct engine *engine)
{
	const struct conf	    *conf = engine->conf;
	const struct request_egress *egress = &engine->egress;
	static const char *const     dns[REQUEST_DNSES] = {
		[REQUEST_DNS_NONE] = "not set",
		[REQUEST_DNS_RESOLVECTL] = "set by resolvectl",
		[REQUEST_DNS_RESOLVCONF] = "set by resolvconf",
		[REQUEST_DNS_NO_TOOL] = "not set: neither systemd-resolved nor "
					"resolvconf is here",
		[REQUEST_DNS_FAILED] = "not set: it failed, see the log",
	};

	if (conf->mode != CONF_TUN)
		return;
	if (conf->accept_default_route) {
		status_set(object, "default_route",
		    json_pack("{s:s,s:s}", "ipv4", way(engine, egress->v4),
			"ipv6", way(engine, egress->v6)));
		status_set_number(object, "blocked_packets", egress->dropped);
	}
	status_set_text(object, "foreign_rule", egress->front);
	if (conf_accepts_dns(conf))
		status_set_text(object, "dns", dns[egress->dns]);
}

/* What of this host's network is not as configured. */
static json_t *
host_array(const struct engine *engine)
{
	json_t *array = json_array();

	for (uint64_t i = 0; i < engine->host.n; i++) {
		const struct request_trouble *row = &engine->host.list[i];
		struct mono since = { row->since_us };

		json_array_append_new(array, json_pack("{s:s,s:I,s:s}", "what",
		    row->what, "since_s",
		    (json_int_t)status_seconds_since(since), "why", row->why));
	}
	return array;
}

/* With when-down = block the routes stay when nothing carries any more. */
static const char *
way(const struct engine *engine, enum request_way way)
{
	static const char *const words[REQUEST_WAYS] = {
		[REQUEST_WAY_BYPASS] = "bypass",
		[REQUEST_WAY_TUNNEL] = "tunnel",
		[REQUEST_WAY_BLOCKED] = "blocked",
	};
	const struct client *client = engine->client;

	if (way == REQUEST_WAY_TUNNEL && client->session == NULL)
		return words[REQUEST_WAY_BLOCKED];
	return words[way];
}

/* Those of the configuration, and why one could not be reached last. */
static json_t *
servers_array(const struct engine *engine)
{
	const struct conf *conf = engine->conf;
	json_t		  *servers = json_array();

	for (unsigned i = 0; i < conf->nservers; i++) {
		json_t *row = json_pack("{s:s,s:i}", "server",
		    conf->servers[i].host, "port", conf->servers[i].port);

		status_set_text(row, "last_error",
		    connector_trouble(engine->client->connector, i));
		json_array_append_new(servers, row);
	}
	return servers;
}

static void
add_server(json_t *object, const struct engine *engine)
{
	const struct server *server = engine->server;
	const struct fdb    *fdb = dataplane_fdb(engine->dataplane);
	json_int_t	     connected = 0;

	for (size_t i = 0; i < server->sites.n; i++)
		connected += server->sites.v[i].session != NULL ? 1 : 0;
	status_set_text(object, "state", "up");
	status_set_text(object, "server", engine->conf->names.v[0]);
	status_set_number(object, "sites_connected", connected);
	status_set_number(object, "sites_known", (json_int_t)server->sites.n);
	if (fdb != NULL)
		status_set_number(object, "fdb_entries", fdb_count(fdb));
	status_set(object, "held_off", held_off_array(server));
}

/* Who tried in vain too often; the names are what unknown clients claim. */
static json_t *
held_off_array(const struct server *server)
{
	struct admission_row rows[MAX_HELD_OFF];
	size_t	n = admission_list(&server->admission, rows, nitems(rows),
	     mono_now());
	json_t *array = json_array();
	char	from[ADDR_STRLEN], site[4 * CONF_NAME_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		const struct admission_score *score = rows[i].score;

		log_escape(site, sizeof(site), score->site,
		    strlen(score->site));
		addr_print(&score->network, from, sizeof(from));
		json_array_append_new(array,
		    json_pack("{s:s,s:s,s:i,s:i}", "site",
			score->site[0] != '\0' ? site : "(any)", "address",
			score->network.family != 0 ? from : "(any)", "attempts",
			(int)rows[i].attempts, "wait_s",
			(int)rows[i].wait_sec));
	}
	return array;
}

/* Everything together: the device, the sites, and what was nobody's. */
static void
add_counters(json_t *object, const struct engine *engine)
{
	const struct server *server = engine->server;
	struct totals	    *totals = dataplane_totals(engine->dataplane);
	struct counters	     sites, *local = totals_of(totals, "");
	json_t		    *counters = json_object();

	totals_sum(totals, &sites);
	for (size_t i = 0; i < nitems(counter_rows); i++) {
		count(counters, counter_rows[i].device, counters_get(local, i));
		count(counters, counter_rows[i].sites, counters_get(&sites, i));
	}
	count(counters, "wrong-worker", sites.drops[DROP_WRONG_WORKER]);
#define COUNT(member, name) count(counters, name, server->member);
	if (server != NULL) {
		SERVER_COUNTERS(COUNT)
	}
#undef COUNT
	status_set(object, "counters", counters);
	counters_add(&sites, local);
	status_set(object, "drops", drops_object(&sites));
}

/* In one sum with what is there already. */
static void
count(json_t *object, const char *name, uint64_t n)
{
	if (name != NULL)
		status_set_number(object, name, (json_int_t)n +
			json_integer_value(json_object_get(object, name)));
}

static json_t *
drops_object(const struct counters *counters)
{
	json_t *drops = json_object();

	for (unsigned i = DROP_NONE + 1; i < DROP_MAX; i++)
		status_set_number(drops, drop_name((enum drop)i),
		    (json_int_t)counters->drops[i]);
	return drops;
}

static json_t *
ports_array(const struct engine *engine)
{
	json_t *ports = json_array();

	json_array_append_new(ports,
	    port_object(engine, "local", DP_PORT_LOCAL));
	if (engine->client != NULL && client_peer(engine->client) != NULL)
		json_array_append_new(ports,
		    port_object(engine, "server", engine->client->port));
	for (size_t i = 0;
	    engine->server != NULL && i < engine->server->sites.n; i++) {
		const struct site *site = &engine->server->sites.v[i];

		if (site->session != NULL)
			json_array_append_new(ports,
			    port_object(engine, site->name, site->port));
	}
	return ports;
}

static json_t *
port_object(const struct engine *engine, const char *name, uint16_t port)
{
	const char *why = dataplane_blocked(engine->dataplane, port);

	return json_pack("{s:s,s:s,s:s*}", "name", name, "state",
	    why != NULL ? "blocked" : "forwarding", "reason", why);
}
