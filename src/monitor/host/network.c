/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing that existed before is removed or changed: a bridge of the
 * administrator gets one more port, the host gets one more interface with
 * routes, and forwarding continues.  An administrator who is logged in over the
 * network stays logged in.
 */
#include "monitor/host/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "monitor/host/assign.h"
#include "monitor/host/dns.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/journal.h"
#include "monitor/host/link.h"
#include "monitor/host/nat.h"
#include "monitor/host/policy.h"
#include "monitor/host/site_routes.h"
#include "proc/request.h"

#define TAP_MTU 1500
#define TUN_MTU 1400

/*
 * A worker may have to wait for its CPU for two milliseconds; this is the
 * number of small frames in that time at 250,000 a second.  For large frames it
 * is too much, but a worker reads ahead, and drops what exceeds its own limit
 * in bytes (io/tap.h).
 */
#define QUEUE_LEN 500

#define IN_USE	 ": an interface has that name; remove it or set another device"
#define NO_TUN	 " (/dev/net/tun): load the module tun, or give it to the container"
#define NO_RIGHT ": run as root, or with CAP_NET_ADMIN and access to /dev/net/tun"

struct network {
	const struct conf *conf; /* borrowed */
	struct journal	  *journal;
	struct link	  *link;
	struct nat	  *nat; /* NULL: none */
	struct tapdev	   dev;
	bool		   made_bridge;
	bool		   has_ipv6; /* on the device */
	struct assign	   assign; /* of a client; and these, too: */
	struct policy	  *policy;
	struct dns	  *dns;
	struct request_egress told; /* to on_egress */
	void (*on_egress)(void *arg); /* NULL: nobody asks */
	void *egress_arg;
	struct mono	   said;    /* that others had removed routes */
	bool		   settled; /* blocked, or assigned something */
};

static void look_at_egress(void *arg);
static bool open_base(struct network *network, const char *journal_path);
static bool open_device(struct network *network);
static bool start_tap(struct network *network);
static bool make_bridge(struct network *network);
static bool join_bridge(struct network *network);
static unsigned tap_mtu(struct network *network);
static bool set_up(struct network *network, unsigned mtu);
static bool start_tun(struct network *network);
static bool start_client(struct network *network);
static bool must_block(const struct network *network);
static bool block(struct network *network);
static bool add_server_addresses(struct network *network);
static bool add_address(struct network *network, const char *name,
    const struct prefix *address);
static bool start_forwarding(struct network *network);

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
	network->assign.vet.conf = conf;
	if (conf->mode != CONF_TUN)
		return;
	if (conf->role == CONF_SERVER)
		site_routes_follow(network->link, &network->dev,
		    network->has_ipv6, conf);
	/* Whoever fails has said so; the rest goes on. */
	(void)start_forwarding(network);
	network_check(network);
	if (conf->role == CONF_SERVER)
		(void)nat_follow(&network->nat, network->dev.name, conf);
}

int
network_assign(struct network *network,
    const struct request_network *assignment, char *why, size_t why_size)
{
	int r;

	if (network->conf->mode != CONF_TUN ||
	    network->conf->role != CONF_CLIENT) {
		strlcpy(why, "only a site's tun device is assigned addresses",
		    why_size);
		return -EINVAL;
	}
	r = assign_replace(&network->assign, assignment, why, why_size);
	network->settled = network->settled || r == 0;
	look_at_egress(network);
	return r;
}

int
network_set_dns(struct network *network, struct dns_list *list, char *why,
    size_t why_size)
{
	int r;

	strlcpy(why, "", why_size);
	if (network->dns == NULL)
		return -EINVAL;
	if (!conf_accepts_dns(network->conf))
		return 0;
	r = vet_dns(list, why, why_size);
	if (r < 0)
		return r;
	list->all = network->conf->accept_default_route;
	dns_set(network->dns, list);
	return 0;
}

void
network_set_servers(struct network *network, const struct endpoint *list,
    unsigned n)
{
	if (network->policy == NULL || n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		vet_add_server(&network->assign.vet, &list[i]);
	policy_check(network->policy);
	/* What fails is tried again: nothing else keeps traffic back. */
	if (!network->settled && must_block(network))
		(void)block(network);
	look_at_egress(network);
}

void
network_down(struct network *network)
{
	if (network->policy == NULL || network->conf->when_down == CONF_BLOCK)
		return;
	policy_bypass(network->policy);
	dns_unset(network->dns);
	look_at_egress(network);
}

void
network_check(struct network *network)
{
	int n;

	if (network->policy == NULL)
		return;
	policy_check(network->policy);
	n = assign_check(&network->assign);
	if (n > 0 && policy_may_say(&network->said))
		log_warnx("%s: another program had removed %d routes; restored",
		    network->dev.name, n);
	look_at_egress(network);
}

void
network_egress(const struct network *network, struct request_egress *egress)
{
	*egress = (struct request_egress) { 0 };
	if (network->policy == NULL || network->dns == NULL)
		return;
	policy_egress(network->policy, egress);
	egress->dns = dns_state(network->dns);
}

void
network_on_egress(struct network *network, void (*call)(void *arg), void *arg)
{
	network->on_egress = call;
	network->egress_arg = arg;
}

void
network_keep_block(struct network *network, bool keep)
{
	journal_keep_walls(network->journal, keep && must_block(network));
}

void
network_free(struct network *network)
{
	if (network == NULL)
		return;
	nat_free(network->nat);
	dns_free(network->dns);
	policy_free(network->policy);
	/* Before the bridge, which else would still have a port. */
	tapdev_close(&network->dev);
	link_close(network->link);
	if (journal_undo(network->journal))
		log_warnx("%s: all but local traffic stays blocked (when-down "
			  "= block) until the next start or run --sweep",
		    network->conf->device);
	assign_fini(&network->assign);
	free(network);
}

static void
look_at_egress(void *arg)
{
	struct network	     *network = arg;
	struct request_egress now;

	network_egress(network, &now);
	if (now.v4 == network->told.v4 && now.v6 == network->told.v6 &&
	    now.dns == network->told.dns &&
	    now.dropped == network->told.dropped &&
	    strcmp(now.front, network->told.front) == 0)
		return;
	network->told = now;
	if (network->on_egress != NULL)
		network->on_egress(network->egress_arg);
}

/* --------------------------------------------------------------- both */

static bool
open_base(struct network *network, const char *journal_path)
{
	/* A killed run's wall stays until ours takes its place: no gap. */
	network->journal = must_block(network) ? journal_reopen(journal_path) :
						 journal_open(journal_path);
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
	static const struct {
		int	    error;
		const char *text;
	} hints[] = {
		{ EBUSY, IN_USE },
		{ EEXIST, IN_USE },
		{ ENOENT, NO_TUN },
		{ ENODEV, NO_TUN },
		{ ENXIO, NO_TUN },
		{ EPERM, NO_RIGHT },
		{ EACCES, NO_RIGHT },
	};
	const struct conf *conf = network->conf;
	const char	  *hint = NULL;
	int r = tapdev_open(&network->dev, conf->device, conf->mode,
	    conf_workers(conf), conf->no_offloads);

	if (r == 0)
		r = link_set_queue_len(network->link, network->dev.name,
		    QUEUE_LEN, conf->mode == CONF_TUN);
	if (r == 0)
		return true;
	for (size_t i = 0; hint == NULL && i < nitems(hints); i++) {
		if (hints[i].error == -r)
			hint = hints[i].text;
	}
	log_warnx("%s: cannot create the device: %s%s", conf->device,
	    strerror(-r), hint != NULL ? hint : "");
	return false;
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

/* An IPv6 address is ignored on a host without IPv6, so that IPv4 works. */
static bool
add_address(struct network *network, const char *name,
    const struct prefix *address)
{
	char text[PREFIX_STRLEN];
	int  r;

	prefix_print(address, text, sizeof(text));
	if (address->addr.family == AF_INET6 && !sysctl_has_ipv6(name)) {
		log_warnx("%s: this host has no IPv6: %s is ignored",
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

	if (conf->bridge[0] != '\0' &&
	    network_look_at_bridge(network->link, conf, &make) < 0)
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

int
network_look_at_bridge(struct link *link, const struct conf *conf, bool *make)
{
	const char	 *bridge = conf->bridge;
	struct link_facts facts;

	*make = link_look(link, bridge, &facts) < 0;
	if (*make && conf->create_bridge)
		return 0;
	if (*make)
		log_warnx("%s: the bridge does not exist: create it, or set "
			  "create-bridge = yes", bridge);
	else if (!facts.is_bridge)
		log_warnx("%s: is not a bridge: create a bridge, make this a "
			  "port of it, and set bridge to its name", bridge);
	else if (!facts.is_up)
		log_warnx("%s: the bridge is down: set it up (ip link set %s "
			  "up)", bridge, bridge);
	else
		return 0;
	return !*make && facts.is_bridge ? 1 : -1;
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
		log_warnx("%s: the bridge cannot be created: %s", bridge,
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
	int	    r = sysctl_silence_ipv6(device);

	if (r < 0)
		log_warnx("%s: IPv6 cannot be disabled on it (%s): it will "
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
	struct link_facts  facts;

	if (conf->bridge[0] == '\0' || network->made_bridge)
		return conf->mtu != 0 ? conf->mtu : TAP_MTU;
	if (link_look(network->link, conf->bridge, &facts) < 0)
		return TAP_MTU;
	if (conf->mtu != 0 && conf->mtu != (unsigned)facts.mtu)
		log_warnx("%s: mtu = %u is ignored: a bridge port uses its "
			  "bridge's, %d on %s",
		    network->dev.name, conf->mtu, facts.mtu, conf->bridge);
	return (unsigned)facts.mtu;
}

/* ---------------------------------------------------------------- tun */

static bool
start_tun(struct network *network)
{
	const struct conf *conf = network->conf;

	if (!open_device(network))
		return false;
	sysctl_distrust(network->dev.name);
	network->has_ipv6 = sysctl_has_ipv6(network->dev.name);
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
		return start_client(network);
	site_routes_follow(network->link, &network->dev, network->has_ipv6,
	    network->conf);
	return nat_follow(&network->nat, network->dev.name, network->conf);
}

/* Before anybody has spoken to the server: what is to be blocked, is. */
static bool
start_client(struct network *network)
{
	const struct conf *conf = network->conf;
	struct vet	  *vet = &network->assign.vet;
	bool		   known;

	network->assign = (struct assign) {
		.vet = { .link = network->link, .device = network->dev.name,
		    .ifindex = network->dev.ifindex, .conf = conf },
		.has_ipv6 = network->has_ipv6,
	};
	network->policy = policy_new(network->journal, vet);
	network->assign.policy = network->policy;
	network->dns = dns_new(network->journal, network->dev.name,
	    look_at_egress, network);
	if (network->policy == NULL || network->dns == NULL) {
		log_warnx("%s: out of memory", network->dev.name);
		return false;
	}
	known = vet_add_literal(vet, conf->proxy.host, conf->proxy.port);
	for (unsigned i = 0; i < conf->nservers; i++)
		known |= vet_add_literal(vet, conf->servers[i].host,
		    conf->servers[i].port);
	/* By its name: network_set_servers(); or it is blocked already. */
	known = known || journal_has_policy(network->journal);
	return !known || !must_block(network) || block(network);
}

static bool
must_block(const struct network *network)
{
	return network->conf->accept_default_route &&
	    network->conf->when_down == CONF_BLOCK;
}

static bool
block(struct network *network)
{
	int r = policy_block(network->policy);

	if (r < 0)
		log_warnx("%s: when-down = block cannot be applied: %s%s",
		    network->dev.name, strerror(-r),
		    r == -EOPNOTSUPP || r == -EIO ?
			" (the kernel needs policy routing and nf_tables)" :
			"");
	network->settled = r == 0;
	return r == 0;
}

static bool
add_server_addresses(struct network *network)
{
	const struct conf_prefixes *nets = &network->conf->tunnel_networks;
	char			    text[PREFIX_STRLEN], other[PREFIX_STRLEN];
	struct link_lans	    lans;
	int  r = link_get_lans(network->link, network->dev.name, &lans);
	bool ok = r == 0;

	if (!ok)
		log_warnx("%s: cannot list this host's networks: %s",
		    network->dev.name, strerror(-r));
	for (size_t i = 0; ok && i < nets->n; i++) {
		struct prefix	       own = conf_server_address(&nets->v[i]);
		const struct link_lan *lan = link_find_lan(&lans, &nets->v[i]);

		if (lan != NULL)
			log_warnx("tunnel-network = %s overlaps %s, this "
				  "host's network on %s: choose another",
			    prefix_print(&nets->v[i], text, sizeof(text)),
			    prefix_print(&lan->network, other, sizeof(other)),
			    lan->ifname);
		ok = lan == NULL &&
		    add_address(network, network->dev.name, &own);
	}
	free(lans.v);
	return ok;
}

/* What is on already needs no right to switch it on. */
static bool
start_forwarding(struct network *network)
{
	bool ipv4 = sysctl_is_wanted(network->conf, AF_INET);
	bool ipv6 = sysctl_is_wanted(network->conf, AF_INET6) &&
	    network->has_ipv6;
	int  r = sysctl_enable(network->journal, ipv4, ipv6);

	if (r < 0)
		log_warnx("IP forwarding cannot be enabled: %s; enable it on "
			  "the host (sysctl -w net.ipv4.ip_forward=1%s), or "
			  "set forward = no",
		    strerror(-r),
		    ipv6 ? " net.ipv6.conf.all.forwarding=1" : "");
	return r == 0;
}
