/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "control/client.h"
#include "engine/engine.h"
#include "dataplane/dataplane.h"
#include "dataplane/totals.h"
#include "control/server.h"
#include "control/session.h"
#include "control/auth/throttle.h"
#include "datapath/dp.h"
#include "datapath/switch/fdb.h"

#define MAX_HELD_OFF 16 /* rows of status */

/* The names of counters. */
static const struct {
	const char *site, *device, *sites;
} counter_rows[] = {
#define ROW(member, site, device, sites) { site, device, sites },
	COUNTERS(ROW)
#undef ROW
};

static json_t *names_array(const struct conf_names *names);
static json_t *offloads_array(const struct engine *engine);
static json_t *certificates_array(struct engine *engine);
static void add_client(json_t *object, const struct engine *engine);
static void add_egress(json_t *object, const struct engine *engine);
static const char *way(const struct engine *engine, enum request_way way);
static void add_servers(json_t *object, const struct engine *engine);
static void add_server(json_t *object, const struct engine *engine);
static json_t *held_off_array(const struct server *server);
static void add_counters(json_t *object, const struct engine *engine);
static void count(json_t *object, const char *name, uint64_t n);
static json_t *drops_object(const struct counters *counters);
static json_t *ports_array(const struct engine *engine);
static json_t *port_object(const struct engine *engine, const char *name,
    uint16_t port);
static json_t *site_object(const struct engine *engine,
    const struct conf_site *cs);
static json_t *client_site_object(const struct engine *engine);
static void add_agreed(json_t *object, const struct session *session);
static json_int_t add_peer(json_t *object, const struct dataplane_peer *peer);
static void add_site_counters(json_t *object, const struct counters *counters);
static json_t *prefixes_array(const struct conf_prefixes *list);
static void add_routes(json_t *routes, const struct conf_prefixes *list,
    const char *site);
static const char **port_names(const struct engine *engine);
static json_int_t seconds_since(struct mono then);

static void
set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void
set_number(json_t *object, const char *name, json_int_t value)
{
	set(object, name, json_integer(value));
}

static void
set_text(json_t *object, const char *name, const char *text)
{
	set(object, name, json_string(text));
}

json_t *
stats_status(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	json_t		  *object = json_object();

	set(object, "ok", json_true());
	set_text(object, "version", engine->gift.start.version);
	set(object, "role", json_string(engine->server != NULL ?
		"server" : "client"));
	set_text(object, "mode", conf_mode_name(conf->mode));
	set_text(object, "device", engine->gift.device.name);
	if (conf->bridge[0] != '\0')
		set_text(object, "bridge", conf->bridge);
	set_number(object, "mtu", engine->gift.device.mtu);
	set_number(object, "uptime_s", seconds_since(engine->started));
	set_number(object, "restarts", engine->gift.start.restarts);
	set_number(object, "workers", dataplane_workers(engine->dataplane));
	set_text(object, "aead", aead_name(dataplane_aead(engine->dataplane)));
	set(object, "offloads", offloads_array(engine));
	if (engine->client != NULL)
		add_client(object, engine);
	else if (engine->server != NULL)
		add_server(object, engine);
	else /* it waits for the keeper */
		set_text(object, "state", "connecting");
	set(object, "certificates", certificates_array(engine));
	stats_add_notes(object, engine);
	add_counters(object, engine);
	set(object, "ports", ports_array(engine));
	return object;
}

void
stats_add_notes(json_t *object, const struct engine *engine)
{
	json_t *faults = names_array(&engine->conf->faults);

	for (unsigned i = 0; i < REQUEST_MATERIALS; i++) {
		const char *why = engine_certs_trouble(&engine->certs,
		    (enum request_material)i);

		if (why[0] != '\0')
			json_array_append_new(faults, json_string(why));
	}
	set(object, "faults", faults);
	set(object, "needs_restart", names_array(&engine->conf->waiting));
}

static json_t *
names_array(const struct conf_names *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(array, json_string(names->v[i]));
	return array;
}

json_t *
stats_sites(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	struct totals	  *totals = dataplane_totals(engine->dataplane);
	json_t		  *site, *sites = json_array();

	if (engine->client != NULL) {
		site = client_site_object(engine);
		add_site_counters(site, totals_of(totals, conf->site));
		json_array_append_new(sites, site);
	}
	for (size_t i = 0; engine->server != NULL && i < conf->nsites; i++) {
		site = site_object(engine, &conf->sites[i]);
		add_site_counters(site, totals_of(totals, conf->sites[i].name));
		json_array_append_new(sites, site);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "sites", sites);
}

json_t *
stats_fdb(struct engine *engine, const json_t *request)
{
	const struct fdb *fdb = dataplane_fdb(engine->dataplane);
	const char	**names = port_names(engine);
	json_t		 *entries = json_array();
	struct fdb_entry  e;
	size_t		  cursor = 0;
	char		  mac[18];

	while (fdb != NULL && names != NULL && fdb_next(fdb, &cursor, &e, mono_now())) {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
		    e.mac[0], e.mac[1], e.mac[2], e.mac[3], e.mac[4], e.mac[5]);
		json_array_append_new(entries,
		    json_pack("{s:s,s:i,s:s,s:i}", "mac", mac, "vlan", e.vlan,
			"port",
			names[e.port] != NULL ? names[e.port] : "gone", "age_s",
			(int)e.age_sec));
	}
	free(names);
	return json_pack("{s:b,s:o}", "ok", 1, "entries", entries);
}

json_t *
stats_routes(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	json_t		  *routes = json_array();

	if (conf->mode == CONF_TUN && engine->server != NULL) {
		add_routes(routes, &conf->networks, "(this one)");
		for (size_t i = 0; i < conf->nsites; i++) {
			if (conf->sites[i].disabled)
				continue;
			add_routes(routes, &conf->sites[i].addresses,
			    conf->sites[i].name);
			add_routes(routes, &conf->sites[i].subnets,
			    conf->sites[i].name);
		}
	}
	return json_pack("{s:b,s:o}", "ok", 1, "routes", routes);
}

/* The device's as it does them, the sockets' as they were asked for. */
static json_t *
offloads_array(const struct engine *engine)
{
	unsigned sockets = CONF_OFFLOAD_BIT(CONF_OFFLOAD_GSO) |
	    CONF_OFFLOAD_BIT(CONF_OFFLOAD_GRO);
	unsigned on = engine->gift.device.offloads |
	    (sockets & ~engine->conf->no_offloads);
	json_t *names = json_array();

	for (unsigned i = 0; i < CONF_OFFLOADS; i++) {
		if ((on & CONF_OFFLOAD_BIT(i)) != 0)
			json_array_append_new(names, json_string(
				conf_offload_name((enum conf_offload)i)));
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
		if (expiry_advice(&engine->expiry, which, now, text,
			sizeof(text)) != NULL)
			set_text(row, "warning", text);
		json_array_append_new(array, row);
	}
	return array;
}

static void
add_client(json_t *object, const struct engine *engine)
{
	const struct client	    *client = engine->client;
	struct dataplane_peer_health health;

	set_text(object, "state", client_state_name(client));
	set_text(object, "site", engine->conf->site);
	set_text(object, "server", connector_server(client->connector));
	set_text(object, "address", connector_address(client->connector));
	set_number(object, "since_s", seconds_since(client->since));
	set_number(object, "sessions", client->sessions);
	set_number(object, "reconnects", client->reconnects);
	set_text(object, "auth", conf_auth_name(engine->conf->auth));
	if (client->state == CLIENT_WAIT && !client->auth.needs_person)
		set_number(object, "retry_in_s",
		    -seconds_since(client->retry_at));
	if (client_waits_for(client)[0] != '\0')
		set_text(object, "waits_for", client_waits_for(client));
	add_servers(object, engine);
	if (client->auth.question)
		set_text(object, "question", client->auth.text);
	if (client->last_error[0] != '\0')
		set_text(object, "last_error", client->last_error);
	if (client->state == CLIENT_UP && client_peer(client) != NULL) {
		dataplane_peer_health(client_peer(client), &health);
		set_text(object, "transport", health.carrier);
	}
	if (client->state == CLIENT_UP)
		set_text(object, "tls",
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
		set(object, "default_route",
		    json_pack("{s:s,s:s}", "ipv4", way(engine, egress->v4),
			"ipv6", way(engine, egress->v6)));
		set_number(object, "blocked_packets", egress->dropped);
	}
	if (egress->front[0] != '\0')
		set_text(object, "foreign_rule", egress->front);
	if (conf_accepts_dns(conf))
		set_text(object, "dns", dns[egress->dns]);
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
static void
add_servers(json_t *object, const struct engine *engine)
{
	const struct conf *conf = engine->conf;
	json_t		  *servers = json_array();

	for (unsigned i = 0; i < conf->nservers; i++) {
		const char *why = connector_trouble(engine->client->connector,
		    i);
		json_t *row = json_pack("{s:s,s:i}", "server",
		    conf->servers[i].host, "port", conf->servers[i].port);

		if (why[0] != '\0')
			set_text(row, "last_error", why);
		json_array_append_new(servers, row);
	}
	set(object, "servers", servers);
	if (conf->proxy.kind != CONF_PROXY_NONE)
		set_text(object, "proxy",
		    connector_proxy(engine->client->connector));
}

static void
add_server(json_t *object, const struct engine *engine)
{
	const struct server *server = engine->server;
	json_int_t	     connected = 0;

	for (size_t i = 0; i < server->sites.n; i++)
		connected += server->sites.v[i].session != NULL ? 1 : 0;
	set_text(object, "state", "up");
	set_text(object, "server", engine->conf->names.v[0]);
	set_number(object, "sites_connected", connected);
	set_number(object, "sites_known", server->sites.n);
	if (dataplane_fdb(engine->dataplane) != NULL)
		set_number(object, "fdb_entries",
		    fdb_count(dataplane_fdb(engine->dataplane)));
	set(object, "held_off", held_off_array(server));
}

/* Who tried in vain too often; the names are claims of strangers. */
static json_t *
held_off_array(const struct server *server)
{
	struct throttle_row rows[MAX_HELD_OFF];
	size_t	n = throttle_list(server->throttle, rows, nitems(rows),
	     mono_now());
	json_t *array = json_array();
	char	from[ADDR_STRLEN], site[4 * CONF_NAME_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		log_escape(site, sizeof(site), rows[i].site,
		    strlen(rows[i].site));
		addr_print(&rows[i].from, from, sizeof(from));
		json_array_append_new(array,
		    json_pack("{s:s,s:s,s:i,s:i}", "site",
			rows[i].site[0] != '\0' ? site : "(any)", "address",
			rows[i].from.family != 0 ? from : "(any)", "attempts",
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
	set(object, "counters", counters);
	counters_add(&sites, local);
	set(object, "drops", drops_object(&sites));
}

/* In one sum with what is there already. */
static void
count(json_t *object, const char *name, uint64_t n)
{
	if (name != NULL)
		set_number(object, name, (json_int_t)n +
			json_integer_value(json_object_get(object, name)));
}

static json_t *
drops_object(const struct counters *counters)
{
	json_t *drops = json_object();

	for (unsigned i = DROP_NONE + 1; i < DROP_MAX; i++)
		set(drops, drop_name((enum drop)i),
		    json_integer((json_int_t)counters->drops[i]));
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
	json_t	   *object = json_pack("{s:s,s:s}", "name", name, "state",
		       why != NULL ? "blocked" : "forwarding");

	if (why != NULL)
		set_text(object, "reason", why);
	return object;
}

static json_t *
site_object(const struct engine *engine, const struct conf_site *cs)
{
	const struct site *site = sites_find(&engine->server->sites, cs->name);
	json_t		  *object = json_pack("{s:s}", "name", cs->name);
	const char	  *why;

	set_text(object, "auth", conf_auth_name(cs->auth));
	set(object, "addresses", prefixes_array(&cs->addresses));
	set(object, "subnets", prefixes_array(&cs->subnets));
	if (site == NULL || site->session == NULL) {
		set(object, "state",
		    json_string(cs->faulty   ? "faulty" :
			cs->disabled ? "disabled" :
				       "down"));
		if (site != NULL && site->last_address[0] != '\0')
			set_text(object, "last_address", site->last_address);
	} else {
		set_text(object, "state", "up");
		set_text(object, "address", site->last_address);
		set_number(object, "since_s",
		    seconds_since(site->session->up_since));
		set_text(object, "tls",
		    site->session->conn != NULL ?
			tls_describe(site->session->conn->tls) : "");
		set_text(object, "version", site->session->version);
		add_agreed(object, site->session);
		if (site->session->conn == NULL)
			set_number(object, "adrift_s",
			    seconds_since(site->session->adrift_since));
		why = dataplane_blocked(engine->dataplane, site->port);
		set(object, "blocked", json_boolean(why != NULL));
		if (why != NULL)
			set_text(object, "blocked_reason", why);
		if (site->session->peer != NULL)
			add_peer(object, site->session->peer);
	}
	if (site != NULL && site->last_error[0] != '\0')
		set_text(object, "last_error", site->last_error);
	return object;
}

/* A satellite sees one site: its server. */
static json_t *
client_site_object(const struct engine *engine)
{
	const struct client *client = engine->client;
	json_t		    *object = json_pack("{s:s,s:s,s:s}", "name",
		      "(server)", "state",
		      client->state == CLIENT_UP && client->settled ? "up" :
								      "down",
		      "address",
		      connector_address(client->connector));

	if (client->session != NULL)
		set_number(object, "since_s",
		    seconds_since(client->session->up_since));
	if (client_peer(client) == NULL)
		return object;
	set_number(object, "rebuilt", add_peer(object, client_peer(client)));
	add_agreed(object, client->session);
	return object;
}

/* What the session has, and the MTU of the other end's device. */
static void
add_agreed(json_t *object, const struct session *session)
{
	set(object, "psk",
	    json_boolean((session->features & MESSAGE_CAN_PSK) != 0));
	if (session->mtu > 0)
		set_number(object, "mtu", session->mtu);
}

/* Returns how many of its lanes were made anew. */
static json_int_t
add_peer(json_t *object, const struct dataplane_peer *peer)
{
	struct dataplane_peer_health health;

	dataplane_peer_health(peer, &health);
	set_text(object, "transport", health.carrier);
	set_number(object, "lanes", health.lanes);
	set_number(object, "lanes_up", health.lanes_up);
	set_number(object, "path_mtu", health.path_mtu);
	set_number(object, "moves", health.moves);
	set_number(object, "renewals", (json_int_t)health.renewals);
	if (health.rtt_us > 0)
		set(object, "rtt_ms", json_real((double)health.rtt_us / 1000));
	return (json_int_t)health.rebuilt;
}

static void
add_site_counters(json_t *object, const struct counters *counters)
{
	for (size_t i = 0; i < nitems(counter_rows); i++)
		count(object, counter_rows[i].site, counters_get(counters, i));
	set(object, "drops", drops_object(counters));
}

static json_t *
prefixes_array(const struct conf_prefixes *list)
{
	json_t *array = json_array();
	char	text[PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array,
		    json_string(prefix_print(&list->v[i], text, sizeof(text))));
	return array;
}

static void
add_routes(json_t *routes, const struct conf_prefixes *list, const char *site)
{
	char text[PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(routes,
		    json_pack("{s:s,s:s}", "network",
			prefix_print(&list->v[i], text, sizeof(text)), "site",
			site));
}

/* By number, for there may be more rows than one would search for; owned. */
static const char **
port_names(const struct engine *engine)
{
	const char **names = calloc(FDB_MAX_PORTS, sizeof(*names));

	if (names == NULL)
		return NULL;
	names[DP_PORT_LOCAL] = "local";
	if (engine->client != NULL)
		names[engine->client->port] = "server";
	for (size_t i = 0;
	    engine->server != NULL && i < engine->server->sites.n; i++)
		names[engine->server->sites.v[i].port] =
		    engine->server->sites.v[i].name;
	return names;
}

static json_int_t
seconds_since(struct mono then)
{
	return mono_sub(mono_now(), then) / MONO_SEC;
}
