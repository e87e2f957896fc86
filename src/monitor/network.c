/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing that was there before is taken away or changed: a bridge of the
 * administrator's gets one more port, a host one more interface with its
 * routes, and forwarding goes on.  Who is logged in over the network meanwhile
 * stays logged in.
 */
#include "monitor/network.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "monitor/assign.h"
#include "monitor/forwarding.h"
#include "monitor/journal.h"
#include "monitor/link.h"
#include "monitor/nat.h"
#include "monitor/prefix_set.h"

#define TAP_MTU 1500
#define TUN_MTU 1400

struct network {
	const struct conf *conf; /* borrowed */
	struct journal	  *journal;
	struct link	  *link;
	struct nat	  *nat; /* NULL: none */
	struct tapdev	   dev;
	bool		   made_bridge;
	bool		   has_ipv6; /* on the device */
	struct assign	   assign; /* of a client */
	struct prefix_set  routes; /* of a server, to its sites */
};

static bool open_base(struct network *network, const char *journal_path);
static bool open_device(struct network *network);
static bool start_tap(struct network *network);
static bool look_at_bridge(struct network *network, bool *make);
static bool make_bridge(struct network *network);
static bool join_bridge(struct network *network);
static unsigned tap_mtu(struct network *network);
static bool set_up(struct network *network, unsigned mtu);
static bool start_tun(struct network *network);
static bool add_server_addresses(struct network *network);
static bool add_address(struct network *network, const char *name,
    const struct prefix *address);
static bool start_forwarding(struct network *network);
static bool has_family(const struct conf_prefixes *list, sa_family_t family);
static bool wants_forwarding(const struct conf *conf, sa_family_t family);
static bool follow_nat(struct network *network);
static void follow_sites(struct network *network);
static bool add_subnets(struct prefix_set *set, const struct conf *conf);

struct network *
network_new(const struct conf *conf, const char *journal_path)
{
	struct network *network = calloc(1, sizeof(*network));
	bool		ok;

	if (network == NULL) {
		log_warn("the device");
		return NULL;
	}
	network->conf = conf;
	ok = open_base(network, journal_path);
	if (ok)
		ok = conf->mode == CONF_TAP ? start_tap(network) :
					      start_tun(network);
	if (ok)
		return network;
	network_free(network);
	return NULL;
}

const struct tapdev *
network_device(const struct network *network)
{
	return &network->dev;
}

void
network_update(struct network *network, const struct conf *conf)
{
	network->conf = conf;
	network->assign.conf = conf;
	if (conf->role != CONF_SERVER || conf->mode != CONF_TUN)
		return;
	follow_sites(network);
	/* Whoever fails has said so; the rest goes on. */
	(void)start_forwarding(network);
	(void)follow_nat(network);
}

int
network_assign(struct network *network, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes, char *why,
    size_t why_size)
{
	if (network->conf->mode != CONF_TUN ||
	    network->conf->role != CONF_CLIENT) {
		strlcpy(why, "only a client's tun device is assigned addresses",
		    why_size);
		return -EINVAL;
	}
	return assign_replace(&network->assign, addresses, naddresses, routes,
	    nroutes, why, why_size);
}

void
network_free(struct network *network)
{
	if (network == NULL)
		return;
	nat_free(network->nat);
	/* Before the bridge, which else would still have a port. */
	tapdev_close(&network->dev);
	link_close(network->link);
	journal_undo(network->journal);
	assign_fini(&network->assign);
	prefix_set_fini(&network->routes);
	free(network);
}

/* --------------------------------------------------------------- both */

static bool
open_base(struct network *network, const char *journal_path)
{
	network->journal = journal_open(journal_path);
	if (network->journal == NULL) {
		log_warn("%s: the journal", journal_path);
		return false;
	}
	network->link = link_open();
	if (network->link == NULL) {
		log_warnx("netlink cannot be opened: a sandbox that allows "
			  "AF_NETLINK is needed");
		return false;
	}
	return true;
}

static bool
open_device(struct network *network)
{
	const struct conf *conf = network->conf;
	int r = tapdev_open(&network->dev, conf->device, conf->mode,
	    conf_workers(conf), conf->no_offloads);

	switch (-r) {
	case 0:
		return true;
	case EBUSY:
	case EEXIST:
		log_warnx("%s: there is an interface of that name already: "
			  "stop or remove what made it, or set another device",
		    conf->device);
		return false;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		log_warnx("%s: no /dev/net/tun (%s): load the module tun, or "
			  "give the container the device",
		    conf->device, strerror(-r));
		return false;
	case EPERM:
	case EACCES:
		log_warnx("%s: may not be made (%s): run as root, or with "
			  "CAP_NET_ADMIN and access to /dev/net/tun",
		    conf->device, strerror(-r));
		return false;
	default:
		log_warnx("%s: cannot be made: %s", conf->device, strerror(-r));
		return false;
	}
}

static bool
set_up(struct network *network, unsigned mtu)
{
	int r = link_set_up(network->link, network->dev.name, mtu);

	if (r < 0) {
		log_warnx("%s: cannot be set up with an MTU of %u: %s",
		    network->dev.name, mtu, strerror(-r));
		return false;
	}
	network->dev.mtu = mtu;
	return true;
}

/* On a host without IPv6 an IPv6 address is passed over: IPv4 shall work. */
static bool
add_address(struct network *network, const char *name,
    const struct prefix *address)
{
	char text[PREFIX_STRLEN];
	int  r;

	prefix_print(address, text, sizeof(text));
	if (address->addr.family == AF_INET6 && !forwarding_has_ipv6(name)) {
		log_warnx("%s: no IPv6 here: the address %s is passed over",
		    name, text);
		return true;
	}
	r = link_add_address(network->link, name, address);
	if (r < 0)
		log_warnx("%s: the address %s cannot be added: %s", name, text,
		    strerror(-r));
	return r == 0;
}

/* ---------------------------------------------------------------- tap */

static bool
start_tap(struct network *network)
{
	const struct conf *conf = network->conf;
	const char	  *holder = network->dev.name; /* of the addresses */
	bool		   make = false;

	if (conf->bridge[0] != '\0' && !look_at_bridge(network, &make))
		return false;
	if (!open_device(network))
		return false;
	if (make && !make_bridge(network))
		return false;
	if (conf->bridge[0] != '\0' ? !join_bridge(network) :
				      !set_up(network, tap_mtu(network)))
		return false;
	if (network->made_bridge)
		holder = conf->bridge;
	else if (conf->bridge[0] != '\0')
		return true;
	for (size_t i = 0; i < conf->addresses.n; i++) {
		if (!add_address(network, holder, &conf->addresses.v[i]))
			return false;
	}
	return true;
}

static bool
look_at_bridge(struct network *network, bool *make)
{
	const char *bridge = network->conf->bridge;

	*make = link_index(network->link, bridge) < 0;
	if (*make && !network->conf->create_bridge) {
		log_warnx("%s: there is no such bridge: make it, or set "
			  "create-bridge = yes", bridge);
		return false;
	}
	if (!*make && !link_is_bridge(network->link, bridge)) {
		log_warnx("%s: is no bridge: make a bridge with it as a port, "
			  "and set bridge to that", bridge);
		return false;
	}
	if (!*make && !link_is_up(network->link, bridge))
		log_warnx("%s: the bridge is down: set it up (ip link set %s "
			  "up)", bridge, bridge);
	return true;
}

/* Its MAC is ours to know: by it the journal tells it from another's. */
static bool
make_bridge(struct network *network)
{
	const char *bridge = network->conf->bridge;
	uint8_t	    mac[6];
	int	    r;

	secret_random(mac, sizeof(mac));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	r = journal_bridge(network->journal, bridge, mac);
	if (r == 0)
		r = link_make_bridge(network->link, bridge, mac);
	if (r == 0)
		r = link_set_up(network->link, bridge, 0);
	if (r < 0) {
		log_warnx("%s: the bridge cannot be made: %s", bridge,
		    strerror(-r));
		return false;
	}
	network->made_bridge = true;
	return true;
}

/* The MTU first: a port with a smaller one would lower the bridge's. */
static bool
join_bridge(struct network *network)
{
	const char *bridge = network->conf->bridge;
	const char *device = network->dev.name;
	int	    r = forwarding_silence_ipv6(device);

	if (r < 0)
		log_warnx("%s: IPv6 cannot be switched off on it (%s): it will "
			  "have a link-local address of its own",
		    device, strerror(-r));
	if (!set_up(network, tap_mtu(network)))
		return false;
	r = link_enslave(network->link, device, bridge);
	if (r == 0 && network->made_bridge)
		r = link_set_up(network->link, bridge, network->dev.mtu);
	if (r < 0)
		log_warnx("%s: cannot join the bridge %s: %s", device, bridge,
		    strerror(-r));
	return r == 0;
}

static unsigned
tap_mtu(struct network *network)
{
	const struct conf *conf = network->conf;
	int		   mtu;

	if (conf->bridge[0] == '\0' || network->made_bridge)
		return conf->mtu != 0 ? conf->mtu : TAP_MTU;
	mtu = link_mtu(network->link, conf->bridge);
	if (mtu <= 0)
		return TAP_MTU;
	if (conf->mtu != 0 && conf->mtu != (unsigned)mtu)
		log_warnx("%s: mtu = %u is passed over: a port has its "
			  "bridge's, %d on %s",
		    network->dev.name, conf->mtu, mtu, conf->bridge);
	return (unsigned)mtu;
}

/* ---------------------------------------------------------------- tun */

static bool
start_tun(struct network *network)
{
	const struct conf *conf = network->conf;

	if (!open_device(network))
		return false;
	forwarding_distrust(network->dev.name);
	network->has_ipv6 = forwarding_has_ipv6(network->dev.name);
	network->assign = (struct assign) { .link = network->link,
		.device = network->dev.name, .conf = conf,
		.has_ipv6 = network->has_ipv6 };
	if (!set_up(network, conf->mtu != 0 ? conf->mtu : TUN_MTU))
		return false;
	if (conf->role == CONF_SERVER && !add_server_addresses(network))
		return false;
	for (size_t i = 0; i < conf->addresses.n; i++) {
		if (!add_address(network, network->dev.name,
			&conf->addresses.v[i]))
			return false;
	}
	if (!start_forwarding(network))
		return false;
	if (conf->role == CONF_CLIENT)
		return true;
	follow_sites(network);
	return follow_nat(network);
}

static bool
add_server_addresses(struct network *network)
{
	const struct conf_prefixes *nets = &network->conf->tunnel_networks;
	char			    text[PREFIX_STRLEN], other[PREFIX_STRLEN];
	char			    ifname[IF_NAMESIZE];

	for (size_t i = 0; i < nets->n; i++) {
		struct prefix own = conf_server_address(&nets->v[i]), lan;

		if (link_overlaps_lan(network->link, &nets->v[i],
			network->dev.name, &lan, ifname)) {
			log_warnx("tunnel-network = %s overlaps %s, this "
				  "host's network on %s: choose another",
			    prefix_print(&nets->v[i], text, sizeof(text)),
			    prefix_print(&lan, other, sizeof(other)), ifname);
			return false;
		}
		if (!add_address(network, network->dev.name, &own))
			return false;
	}
	return true;
}

/* What is on already needs no right to switch it on. */
static bool
start_forwarding(struct network *network)
{
	bool ipv4 = wants_forwarding(network->conf, AF_INET);
	bool ipv6 = wants_forwarding(network->conf, AF_INET6) &&
	    network->has_ipv6;
	int  r = forwarding_enable(network->journal, ipv4, ipv6);

	if (r < 0)
		log_warnx("IP forwarding cannot be switched on: %s; do it on "
			  "the host (sysctl -w net.ipv4.ip_forward=1%s), or "
			  "set forward = no",
		    strerror(-r),
		    ipv6 ? " net.ipv6.conf.all.forwarding=1" : "");
	return r == 0;
}

/*
 * "auto": where somebody is behind this host.  Between two sites the engine
 * forwards by itself, and the kernel never sees it.
 */
static bool
wants_forwarding(const struct conf *conf, sa_family_t family)
{
	if (conf->forward != CONF_AUTO)
		return conf->forward == CONF_YES;
	if (conf->role == CONF_CLIENT)
		return has_family(&conf->subnets, family);
	return has_family(&conf->networks, family) ||
	    (conf->nat && has_family(&conf->tunnel_networks, family));
}

static bool
has_family(const struct conf_prefixes *list, sa_family_t family)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].addr.family == family)
			return true;
	}
	return false;
}

static bool
follow_nat(struct network *network)
{
	const struct conf *conf = network->conf;

	if (!conf->nat) {
		nat_free(network->nat);
		network->nat = NULL;
		return true;
	}
	if (network->nat != NULL)
		return nat_update(network->nat, conf) == 0;
	network->nat = nat_new(network->dev.name, conf);
	return network->nat != NULL;
}

/*
 * One site's trouble is not the others': a route that cannot be is a line in
 * the log, and is tried again with the next change.
 */
static void
follow_sites(struct network *network)
{
	const char	 *device = network->dev.name;
	struct prefix_set wanted = { 0 }, now = { 0 };
	char		  text[PREFIX_STRLEN];

	if (!add_subnets(&wanted, network->conf)) {
		log_warnx("%s: no memory for the sites' routes", device);
		prefix_set_fini(&wanted);
		return;
	}
	for (size_t i = 0; i < network->routes.n; i++) {
		if (!prefix_set_has(&wanted, &network->routes.v[i]))
			(void)link_remove_route(network->link, device,
			    &network->routes.v[i]);
	}
	for (size_t i = 0; i < wanted.n; i++) {
		const struct prefix *route = &wanted.v[i];
		int		     r = 0;

		if (route->addr.family == AF_INET6 && !network->has_ipv6)
			r = -EAFNOSUPPORT;
		if (r == 0 && !prefix_set_has(&network->routes, route))
			r = link_add_route(network->link, device, route);
		if (r == 0 && !prefix_set_add(&now, route))
			r = -ENOMEM;
		if (r < 0)
			log_warnx("%s: no route to %s by it: %s%s", device,
			    prefix_print(route, text, sizeof(text)),
			    strerror(-r),
			    r == -EEXIST ?
				"; this host has another one to it" :
				"");
	}
	prefix_set_fini(&wanted);
	prefix_set_fini(&network->routes);
	network->routes = now;
}

static bool
add_subnets(struct prefix_set *set, const struct conf *conf)
{
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t j = 0; !site->disabled && j < site->subnets.n; j++) {
			if (!prefix_set_add(set, &site->subnets.v[j]))
				return false;
		}
	}
	prefix_set_sort(set);
	return true;
}
