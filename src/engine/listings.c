/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/listings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/members.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "conf/conf_words.h"
#include "control/client.h"
#include "control/server.h"
#include "control/session.h"
#include "datapath/dp.h"
#include "datapath/switch/fdb.h"
#include "dataplane/dataplane.h"
#include "dataplane/totals.h"
#include "engine/admin.h"
#include "engine/engine.h"
#include "engine/status.h"

/* Of a site, as configured; and how its lanes do. */
static const struct member site_members[] = {
#define AT(m) 1, MEMBER_AT(struct conf_site, m)
	{ "name", MEMBER_TEXT, AT(name) },
	{ "auth", MEMBER_WORD, AT(auth), .words = &conf_words_auth },
	{ "addresses", MEMBER_PREFIXES, 1,
	    MEMBER_LIST(struct conf_site, addresses.v, addresses.n, 0) },
	{ "subnets", MEMBER_PREFIXES, 1,
	    MEMBER_LIST(struct conf_site, subnets.v, subnets.n, 0) },
#undef AT
};
static const struct member peer_members[] = {
#define AT(m) 1, MEMBER_AT(struct dataplane_peer_health, m)
	{ "transport", MEMBER_STRING, AT(carrier) },
	{ "lanes", MEMBER_NUMBER, AT(lanes) },
	{ "lanes_up", MEMBER_NUMBER, AT(lanes_up) },
	{ "path_mtu", MEMBER_NUMBER, AT(path_mtu) },
	{ "moves", MEMBER_NUMBER, AT(moves) },
#undef AT
};

static json_t *site_object(const struct engine *engine,
    const struct conf_site *cs);
static void add_session(json_t *object, const struct engine *engine,
    const struct site *site);
static json_t *client_site_object(const struct engine *engine);
static void add_agreed(json_t *object, const struct session *session);
static uint64_t add_peer(json_t *object, const struct dataplane_peer *peer);
static void add_routes(json_t *routes, const struct conf_prefixes *list,
    const char *site);
static const char **port_names(const struct engine *engine);

json_t *
listings_sites(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	struct totals	  *totals = dataplane_totals(engine->dataplane);
	json_t		  *site, *sites = json_array();

	if (engine->client != NULL) {
		site = client_site_object(engine);
		status_add_site(site, totals_of(totals, conf->site));
		json_array_append_new(sites, site);
	}
	for (size_t i = 0; engine->server != NULL && i < conf->nsites; i++) {
		site = site_object(engine, &conf->sites[i]);
		status_add_site(site, totals_of(totals, conf->sites[i].name));
		json_array_append_new(sites, site);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "sites", sites);
}

json_t *
listings_fdb(struct engine *engine, const json_t *request)
{
	const struct fdb *fdb = dataplane_fdb(engine->dataplane);
	const char	**names;
	json_t		 *entries;
	struct fdb_entry  e;
	size_t		  cursor = 0;
	char		  mac[18];

	if (fdb == NULL)
		return admin_error("not for mode = tun, which learns no "
		    "addresses; see tombolo routes");
	names = port_names(engine);
	entries = json_array();
	while (names != NULL && fdb_next(fdb, &cursor, &e, mono_now())) {
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
listings_routes(struct engine *engine, const json_t *request)
{
	const struct conf *conf = engine->conf;
	json_t		  *routes;

	if (dataplane_fdb(engine->dataplane) != NULL)
		return admin_error("not for mode = tap, which has no routes; "
		    "see tombolo fdb");
	if (engine->client != NULL)
		return admin_error("this is a site: the hub knows the routes; "
		    "ip route shows those set here");
	routes = json_array();
	if (engine->server != NULL)
		add_routes(routes, &conf->networks, "(this one)");
	for (size_t i = 0; engine->server != NULL && i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled)
			continue;
		add_routes(routes, &site->addresses, site->name);
		add_routes(routes, &site->subnets, site->name);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "routes", routes);
}

static json_t *
site_object(const struct engine *engine, const struct conf_site *cs)
{
	const struct site *site = sites_find(&engine->server->sites, cs->name);
	json_t		  *object = json_object();

	members_encode(site_members, nitems(site_members), 1, cs, object);
	if (site != NULL && site->session != NULL) {
		add_session(object, engine, site);
	} else {
		status_set_text(object, "state", cs->faulty ? "faulty" :
			cs->disabled ? "disabled" : "down");
		status_set_text(object, "last_address",
		    site != NULL ? site->last_address : NULL);
	}
	status_set_text(object, "last_error",
	    site != NULL ? site->last_error : NULL);
	return object;
}

static void
add_session(json_t *object, const struct engine *engine,
    const struct site *site)
{
	const struct session *session = site->session;
	const struct conn    *conn = session->conn;
	const char *why = dataplane_blocked(engine->dataplane, site->port);

	status_set_text(object, "state", "up");
	status_set(object, "address", json_string(site->last_address));
	status_set_number(object, "since_s",
	    status_seconds_since(session->up_since));
	status_set(object, "tls",
	    json_string(conn != NULL ? tls_describe(conn->tls) : ""));
	status_set(object, "version", json_string(session->version));
	add_agreed(object, session);
	if (conn == NULL)
		status_set_number(object, "adrift_s",
		    status_seconds_since(session->adrift_since));
	status_set(object, "blocked", json_boolean(why != NULL));
	status_set_text(object, "blocked_reason", why);
	if (session->peer != NULL)
		add_peer(object, session->peer);
}

/* A site sees one other end: its hub. */
static json_t *
client_site_object(const struct engine *engine)
{
	const struct client  *client = engine->client;
	const struct session *session = client->session;
	bool	up = client->state == CLIENT_UP && client->settled;
	json_t *object = json_pack("{s:s,s:s,s:s}", "name", "(server)", "state",
		up ? "up" : "down", "address",
		connector_address(client->connector));

	if (session != NULL)
		status_set_number(object, "since_s",
		    status_seconds_since(session->up_since));
	if (client_peer(client) == NULL)
		return object;
	status_set_number(object, "rebuilt",
	    (json_int_t)add_peer(object, client_peer(client)));
	add_agreed(object, session);
	return object;
}

/* What the session has, and the MTU of the other end's device. */
static void
add_agreed(json_t *object, const struct session *session)
{
	status_set(object, "psk",
	    json_boolean((session->features & MESSAGE_CAN_PSK) != 0));
	if (session->mtu > 0)
		status_set_number(object, "mtu", session->mtu);
}

/* Returns how many of its lanes were made anew. */
static uint64_t
add_peer(json_t *object, const struct dataplane_peer *peer)
{
	struct dataplane_peer_health health;

	dataplane_peer_health(peer, &health);
	members_encode(peer_members, nitems(peer_members), 1, &health, object);
	status_set_number(object, "renewals", (json_int_t)health.renewals);
	if (health.rtt_us > 0)
		status_set(object, "rtt_ms",
		    json_real((double)health.rtt_us / 1000));
	return health.rebuilt;
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
