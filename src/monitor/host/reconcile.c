/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "monitor/host/journal.h"
#include "monitor/host/route.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/tapdev.h"

/* One run. */
struct run {
	struct reconcile  *reconcile;
	const struct conf *conf;
	const struct want *want;
	struct mono	   now;
	int		   error; /* the first one that matters */
};

static bool is_ours(const struct reconcile *reconcile,
    const struct link_facts *bridge);
static void set_device(struct run *run);
static void set_bridge(struct run *run);
static int  make_bridge(struct run *run);
static int  join_bridge(struct run *run, const struct link_facts *bridge);
static void look_at_port(struct run *run, const struct link_facts *bridge);
static void set_addresses(struct run *run);
static int  add_addresses(struct run *run, const char *holder,
     const struct prefix_set *have);
static bool remove_addresses(struct run *run, const char *holder,
    const struct prefix_set *have);
static void set_routes(struct run *run);
static bool on_missing_route(void *arg, const struct prefix *network);
static int  on_route_failure(void *arg, const struct prefix *network,
     int error);
static void add_left_out(struct run *run);
static bool may(struct run *run, bool was, enum repair_of of,
    const struct prefix *network);
static void fail(struct run *run, int error, const char *what,
    const char *why);

int
reconcile_look(struct reconcile *reconcile, const struct conf *conf,
    struct want_facts *facts)
{
	const char	 *device = reconcile->dev->name, *holder = device;
	struct link_facts bridge;
	struct link_ports ports = { .port = (int)reconcile->dev->ifindex };
	bool in_bridge = conf->mode == CONF_TAP && conf->bridge[0] != '\0';
	int  r = 0;

	facts->conf = conf;
	facts->lans = &reconcile->lans;
	if (in_bridge && link_look(reconcile->link, conf->bridge, &bridge) == 0) {
		facts->has_bridge = !is_ours(reconcile, &bridge);
		ports.bridge = bridge.index;
		r = link_get_ports(reconcile->link, &ports);
		facts->port_mtu = ports.mtu;
		facts->bridge_mtu = (unsigned)bridge.mtu;
		reconcile->port_state = ports.state;
		holder = conf->bridge;
	}
	facts->has_ipv6 = sysctl_has_ipv6(holder);
	if (r < 0 || conf->mode != CONF_TUN)
		return r;
	free(reconcile->lans.v);
	return link_get_lans(reconcile->link, device, &reconcile->lans);
}

int
reconcile_set(struct reconcile *reconcile, const struct conf *conf,
    const struct want *want)
{
	struct run run = { reconcile, conf, want, mono_now(), 0 };

	set_device(&run);
	if (conf->mode == CONF_TAP && conf->bridge[0] != '\0')
		set_bridge(&run);
	if (want->on_bridge ? reconcile->made_bridge :
			      conf->bridge[0] == '\0' || conf->mode == CONF_TUN)
		set_addresses(&run);
	if (conf->mode == CONF_TUN)
		set_routes(&run);
	add_left_out(&run);
	return run.error;
}

void
reconcile_fini(struct reconcile *reconcile)
{
	want_fini(&reconcile->want);
	free(reconcile->lans.v);
}

static bool
is_ours(const struct reconcile *reconcile, const struct link_facts *bridge)
{
	return reconcile->bridge_mac[0] != 0 &&
	    memcmp(reconcile->bridge_mac, bridge->mac, 6) == 0;
}

/* The MTU before the bridge: a port with a smaller one would lower that. */
static void
set_device(struct run *run)
{
	struct reconcile *reconcile = run->reconcile;
	struct tapdev	 *dev = reconcile->dev;
	bool		  was = reconcile->want.mtu != 0, up, mtu;
	struct link_facts facts;
	int r = link_look(reconcile->link, dev->name, &facts);

	if (r < 0) {
		fail(run, r, dev->name, "somebody removed or renamed it");
		return;
	}
	up = !facts.is_up && may(run, was, REPAIR_UP, NULL);
	mtu = facts.mtu != (int)run->want->mtu &&
	    may(run, was && reconcile->want.mtu == run->want->mtu, REPAIR_MTU,
		NULL);
	if (!up && !mtu)
		return;
	r = link_set_up(reconcile->link, dev->name,
	    mtu ? run->want->mtu : 0);
	if (r < 0) {
		fail(run, r, "link", "it cannot be set up");
		return;
	}
	dev->mtu = run->want->mtu;
	if (was && up)
		repairs_note(&reconcile->repairs, "link down");
	if (was && mtu && reconcile->want.mtu == run->want->mtu)
		repairs_note(&reconcile->repairs, "MTU %u (was %d)",
		    run->want->mtu, facts.mtu);
}

static void
set_bridge(struct run *run)
{
	struct reconcile *reconcile = run->reconcile;
	const char	 *name = run->conf->bridge;
	struct link_facts bridge;
	char		  what[32];
	int r = link_look(reconcile->link, name, &bridge);

	snprintf(what, sizeof(what), "bridge %s", name);
	reconcile->made_bridge = r == 0 && is_ours(reconcile, &bridge);
	if (r < 0 && !run->want->makes_bridge) {
		troubles_add(&reconcile->troubles, what,
		    "it does not exist: %s joins when it is created (or set "
		    "create-bridge = yes)", reconcile->dev->name);
		return;
	}
	if (r < 0) {
		if (!may(run, reconcile->bridge_mac[0] != 0, REPAIR_BRIDGE,
			NULL))
			return;
		if (reconcile->bridge_mac[0] != 0)
			repairs_note(&reconcile->repairs, "%s", what);
		r = make_bridge(run);
		if (r == 0)
			r = link_look(reconcile->link, name, &bridge);
		reconcile->made_bridge = r == 0;
	}
	if (r == 0 && !bridge.is_bridge) {
		troubles_add(&reconcile->troubles, what,
		    "is not a bridge: create a bridge, make this a port of it, "
		    "and set bridge to its name");
		run->error = run->error < 0 ? run->error : -EINVAL;
		return;
	}
	if (r == 0)
		r = join_bridge(run, &bridge);
	if (r < 0)
		fail(run, r, what, "it cannot be created or joined");
}

/* By its MAC the journal tells it from another's; made again, it has the same. */
static int
make_bridge(struct run *run)
{
	struct reconcile *reconcile = run->reconcile;
	const char	 *name = run->conf->bridge;
	uint8_t		 *mac = reconcile->bridge_mac;
	int		  r;

	if (mac[0] == 0) {
		secret_random(mac, 6);
		mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	}
	r = journal_bridge(reconcile->journal, name, mac);
	return r < 0 ? r : link_make_bridge(reconcile->link, name, mac);
}

static int
join_bridge(struct run *run, const struct link_facts *bridge)
{
	struct reconcile *reconcile = run->reconcile;
	struct link	 *link = reconcile->link;
	const char	 *device = reconcile->dev->name;
	struct link_facts port;
	int		  r = link_look(link, device, &port);

	if (r == 0 && port.master != bridge->index) {
		bool was = reconcile->want.mtu != 0;

		if (!may(run, was, REPAIR_PORT, NULL))
			return 0;
		r = sysctl_silence_ipv6(device);
		if (r < 0)
			log_warnx("%s: IPv6 cannot be disabled on it (%s): "
				  "it will have a link-local address of its own",
			    device, strerror(-r));
		r = link_enslave(link, device, run->conf->bridge);
		if (r == 0 && was)
			repairs_note(&reconcile->repairs, "port of bridge %s",
			    run->conf->bridge);
	}
	/* Ours: as wide as its ports allow, but not wider than we say. */
	if (r == 0 && run->want->on_bridge &&
	    (!bridge->is_up || bridge->mtu != (int)run->want->mtu))
		r = link_set_up(link, run->conf->bridge, run->want->mtu);
	else if (r == 0)
		look_at_port(run, bridge);
	return r;
}

static void
look_at_port(struct run *run, const struct link_facts *bridge)
{
	static const char *const states[] = {
		[BR_STATE_LISTENING] = "listening",
		[BR_STATE_LEARNING] = "learning",
		[BR_STATE_BLOCKING] = "blocking",
	};
	struct troubles *troubles = &run->reconcile->troubles;
	const char	*name = run->conf->bridge;
	int		 state = run->reconcile->port_state;
	char		 what[32];

	if (!bridge->is_up) {
		snprintf(what, sizeof(what), "bridge %s", name);
		troubles_add(troubles, what,
		    "it is down: set it up (ip link set %s up)", name);
		return;
	}
	snprintf(what, sizeof(what), "port of %s", name);
	if (state > 0 && state < (int)nitems(states) && states[state] != NULL)
		troubles_add(troubles, what,
		    "STP keeps it from forwarding (%s): no frame passes until "
		    "it does", states[state]);
}

static void
set_addresses(struct run *run)
{
	struct reconcile *reconcile = run->reconcile;
	const char	 *holder = run->want->on_bridge ? run->conf->bridge :
							  reconcile->dev->name;
	bool		  again = true;

	/*
	 * With an interface's first IPv4 address of a network the kernel takes
	 * the others of that network away: then once more.
	 */
	while (again) {
		struct prefix_set have = { 0 };
		int r = link_get_addresses(reconcile->link, holder, &have);

		if (r == 0)
			r = add_addresses(run, holder, &have);
		else
			fail(run, r, holder, "its addresses cannot be listed");
		again = r == 0 && remove_addresses(run, holder, &have);
		prefix_set_fini(&have);
		/* They are no longer in force. */
		if (again)
			reconcile->want.addresses.n = 0;
	}
}

static int
add_addresses(struct run *run, const char *holder,
    const struct prefix_set *have)
{
	struct reconcile *reconcile = run->reconcile;
	int		  first = 0;

	for (size_t i = 0; i < run->want->addresses.n; i++) {
		const struct prefix *address = &run->want->addresses.v[i];
		bool was = prefix_set_has(&reconcile->want.addresses, address);
		char text[PREFIX_STRLEN], what[PREFIX_STRLEN + 8];
		int  r;

		if (prefix_set_has(have, address) ||
		    !may(run, was, REPAIR_ADDRESS, address))
			continue;
		prefix_print(address, text, sizeof(text));
		r = link_add_address(reconcile->link, holder, address);
		if (r == 0 && was)
			repairs_note(&reconcile->repairs, "address %s", text);
		if (r == 0)
			continue;
		snprintf(what, sizeof(what), "address %s", text);
		fail(run, r, what, "it cannot be added");
		first = first < 0 ? first : r;
	}
	return first;
}

/* What we put there for what was wanted before; whether there was any. */
static bool
remove_addresses(struct run *run, const char *holder,
    const struct prefix_set *have)
{
	const struct prefix_set *was = &run->reconcile->want.addresses;
	bool			 some = false;

	for (size_t i = 0; i < was->n; i++) {
		if (prefix_set_has(&run->want->addresses, &was->v[i]) ||
		    !prefix_set_has(have, &was->v[i]))
			continue;
		some = link_remove_address(run->reconcile->link, holder,
			   &was->v[i]) == 0 || some;
	}
	return some;
}

static void
set_routes(struct run *run)
{
	struct route_table routes = { .set = &run->want->routes,
		.connected = &run->want->connected,
		.ifindex = run->reconcile->dev->ifindex,
		.on_missing = on_missing_route,
		.on_failure = on_route_failure, .arg = run };
	int r = route_set(run->reconcile->link, RT_TABLE_MAIN, &routes);

	if (r < 0)
		fail(run, r, "routes", "they cannot be listed");
}

static bool
on_missing_route(void *arg, const struct prefix *network)
{
	struct run *run = arg;
	struct reconcile *reconcile = run->reconcile;
	bool was = prefix_set_has(&reconcile->want.routes, network) ||
	    prefix_set_has(&reconcile->want.connected, network);
	char text[PREFIX_STRLEN];

	if (!may(run, was, REPAIR_ROUTE, network))
		return false;
	if (was)
		repairs_note(&reconcile->repairs, "route %s",
		    prefix_print(network, text, sizeof(text)));
	return true;
}

/* One route's trouble is not the others'. */
static int
on_route_failure(void *arg, const struct prefix *network, int error)
{
	struct run *run = arg;
	char	    text[PREFIX_STRLEN], what[PREFIX_STRLEN + 8];

	snprintf(what, sizeof(what), "route %s",
	    prefix_print(network, text, sizeof(text)));
	troubles_add(&run->reconcile->troubles, what, "left out: %s",
	    error == -EEXIST ? "this host has another route to it" :
			       strerror(-error));
	return 0;
}

static void
add_left_out(struct run *run)
{
	for (size_t i = 0; i < run->want->nleft; i++) {
		const struct want_left *left = &run->want->left[i];
		bool  plain = !prefix_has_host_bits(&left->network);
		char  text[PREFIX_STRLEN], what[PREFIX_STRLEN + 8];

		snprintf(what, sizeof(what), "%s %s",
		    plain ? "route" : "address",
		    prefix_print(&left->network, text, sizeof(text)));
		if (left->ifname[0] == '\0')
			troubles_add(&run->reconcile->troubles, what,
			    "left out: it is the hub itself");
		else
			troubles_add(&run->reconcile->troubles, what,
			    "left out: it overlaps %s, this host's own network "
			    "on %s",
			    prefix_print(&left->lan, text, sizeof(text)),
			    left->ifname);
	}
}

/* What is wanted anew need not wait. */
static bool
may(struct run *run, bool was, enum repair_of of, const struct prefix *network)
{
	return !was ||
	    repairs_may(&run->reconcile->repairs, of, network, run->now);
}

static void
fail(struct run *run, int error, const char *what, const char *why)
{
	troubles_add(&run->reconcile->troubles, what, "%s: %s", why,
	    strerror(-error));
	if (run->error == 0)
		run->error = error;
}
